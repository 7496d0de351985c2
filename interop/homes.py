"""The files that servers have in `transfers.py`: what is in them is known, and compared on the disk."""

import datetime
import functools
import hashlib
import os
import struct

MEBIBYTE = 1 << 20
# Larger than what fits into the buffers of two sockets: a transfer of it can be cut.
BIG = 64 * MEBIBYTE
MODIFIED = "2001-09-09T01:46:40"
NAMES = {
    "blanks": b"with  two blanks",
    "quotes": b'with "quotes"',
    "UTF-8": "größe €𝄞".encode(),
    "Latin-1": "größe".encode("latin-1"),
    "dash": b"-dash",
    "brackets": b"[x]",
}


@functools.cache
def pattern(count, seed):
    """As `ftp_testkit::probe::files::pattern` has it."""
    blocks = (b"\xff\r\n\0" + struct.pack(">IQ", seed, block) for block in range(-(-count // 16)))
    return b"".join(blocks)[:count]


class Home:
    """A folder with known files, writable by all users."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o777)
        self.count = 0
        self.known = {b"empty": b"", b"one": b"1", b"mebibyte": pattern(MEBIBYTE, 1)}
        self.known |= {b"names/" + name: pattern(1000 + seed, seed)
                       for seed, name in enumerate(NAMES.values())}
        self.known |= {b"tree/a/leaf": b"leaf", b"tree/a/b/c/deep": b"deeper"}
        for path, content in self.known.items():
            self.write(path, content)
        self.write(b"big", b"", BIG)
        self.make(b"hollow")

    def path(self, name):
        return os.path.join(os.fsencode(self.folder), name)

    def write(self, name, content, size=None):
        path = self.path(name)
        self.make_above(name)
        with open(path, "wb") as file:
            file.write(content)
            if size:
                file.truncate(size)  # sparse
        os.chmod(path, 0o666)
        time = datetime.datetime.fromisoformat(MODIFIED + "+00:00").timestamp()
        os.utime(path, (time, time))

    def make(self, name):
        self.make_above(name)
        os.mkdir(self.path(name))
        os.chmod(self.path(name), 0o777)
        return name

    def make_above(self, name):
        above = os.path.dirname(name)
        if above and not self.has(above):
            self.make(above)

    def make_new(self):
        """A directory that nothing is in yet."""
        self.count += 1
        return self.make(b"new-%d" % self.count)

    def entries(self, folder):
        """As the probe lists them."""
        found = []
        for entry in sorted(os.scandir(self.path(folder)), key=lambda entry: entry.name):
            kind = "dir:-" if entry.is_dir() else f"file:{entry.stat().st_size}"
            found.append(f" {kind}:{entry.name.hex()}")
        return "".join(found)

    def has(self, name):
        return os.path.lexists(self.path(name))

    def holds(self, name, content):
        """What is there, in words: "stored" if it is this."""
        try:
            with open(self.path(name), "rb") as file:
                there = file.read()
        except FileNotFoundError:
            return "not stored"
        return "stored" if there == content else f"stored {len(there)} other bytes"


def received(content):
    """As the probe says it."""
    return f"Received {len(content)} {hashlib.sha256(content).hexdigest()}"
