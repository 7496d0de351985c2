"""Trees of files: made, and seen again as hashes, sizes and times."""

import dataclasses
import hashlib
import os
import random
import stat

from homes import pattern

# 2001-09-09T01:46:40Z. Each file has a time of its own.
EPOCH = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Seen:
    """A file; of a directory there is no hash."""

    sha256: str
    size: int
    time: int


def usual():
    """What people have: some directories, empty files, one that is not small. By path."""
    tree = {b"top": b"top", b"empty": b"", b"a/one": b"1", b"a/b/c/deep": pattern(70_000, 3),
            b"a/two words": pattern(5000, 4), b"big": pattern(1_500_000, 5),
            b"a/lines.txt": b"a\nb\r\nc\r\n\n"}
    return tree | {b"many/%02d" % number: pattern(37 * number, number) for number in range(25)}


def of_size(seed, count, most):
    """Files of random sizes, most of them small."""
    dice = random.Random(seed)
    return {b"%d/file-%d" % (number % 5, number): pattern(int(most * dice.random() ** 4), number)
            for number in range(count)}


def small(count):
    """Many small files, a hundred in a directory."""
    return {b"%03d/%05d" % (number // 100, number): pattern(number % 61, number)
            for number in range(count)}


def make(folder, tree):
    """Makes it in a folder that is there."""
    root = os.fsencode(folder)
    for number, (path, content) in enumerate(tree.items()):
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (EPOCH + number, EPOCH + number))


def seen(folder):
    """Every file in a folder, by path. Directories have `None`."""
    root, found = os.fsencode(folder), {}
    for directory, directories, names in os.walk(root):
        for name in directories:
            found[os.path.relpath(os.path.join(directory, name), root)] = None
        for name in names:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = see(path)
    return found


def see(path):
    facts = os.lstat(path)
    if not stat.S_ISREG(facts.st_mode):
        return Seen("no file", 0, 0)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read())
    return Seen(digest.hexdigest(), facts.st_size, int(facts.st_mtime))


def differences(wanted, came):
    """In words; "yes" if there are none, "yes, other times" if only times differ."""
    missing = sorted(path for path in wanted if path not in came)
    more = sorted(path for path in came if path not in wanted)
    both = [(path, wanted[path], came[path]) for path in wanted if path in came]
    other = [path for path, one, two in both if content(one) != content(two)]
    times = [path for path, one, two in both if one and two and one.time != two.time]
    words = [f"{len(paths)} {word} ({', '.join(map(text, paths[:2]))})"
             for paths, word in ((missing, "missing"), (more, "too many"), (other, "differ")) if paths]
    if words:
        return "; ".join(words)
    return "yes, other times" if times else "yes"


def content(one):
    return one and (one.sha256, one.size)


def text(path):
    return path.decode(errors="backslashreplace")
