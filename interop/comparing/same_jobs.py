"""The same jobs by curl, lftp and ftp-cli: what is on the other disk afterwards."""

import copy
import pathlib
import time

from clients.working import Step, names
from homes import pattern

from comparing import trees
from comparing.cutter import Cutter
from comparing.result import OTHER_TIMES, UNSET, YES, Result, rank

SECTION = "jobs"
# How each tool is told to let the server make data connections.
ACTIVE = {"curl": 'ftp-port = "-"', "lftp": "set ftp:passive-mode no", "ftp-cli": "--active"}


def run(place, tools, is_short):
    """A result for each job and each tool."""
    # A row of `ftp-cli` alone says whether it is right.
    tools = tools[-1:] if is_short else tools
    for job, do in JOBS.items():
        for tool in tools:
            word, said = do(place, tool)
            why = UNSET.get(place.name, "") if word == OTHER_TIMES else ""
            yield Result(SECTION, place.name, place.security, job, tool.name, word, said, why)


def moved(place, tool, steps, wanted, came):
    """The word for files that were moved: they must be on the other side as they are on this one."""
    fault, said = place.work(tool, steps)
    return fault or trees.differences(trees.seen(wanted), trees.seen(came)), said


def get_one(place, tool):
    (remote, there), here = place.there({b"one": pattern(300_000, 1)}), place.here()
    return moved(place, tool, [Step("get", f"{remote}/one", here / "one")], there, here)


def get_many(place, tool):
    files = {b"%02d" % number: pattern(1000 * number, number) for number in range(20)}
    (remote, there), here = place.there(files), place.here()
    steps = [Step("get", f"{remote}/{name.decode()}", here / name.decode()) for name in files]
    return moved(place, tool, steps, there, here)


def put_one(place, tool):
    (remote, there), here = place.there(), place.here({b"one": pattern(300_000, 2)})
    return moved(place, tool, [Step("put", f"{remote}/one", here / "one")], here, there)


def get_rest(place, tool):
    size = 2_000_000
    (remote, there), here = place.there({b"cut": pattern(size, 3)}), place.here()
    step = Step("get-rest", f"{remote}/cut", here / "cut")
    return in_two(place, tool, step, there, here, size)


def put_rest(place, tool):
    size = 2_000_000
    (remote, there), here = place.there(), place.here({b"cut": pattern(size, 4)})
    step = Step("put-rest", f"{remote}/cut", here / "cut")
    return in_two(place, tool, step, here, there, size)


def in_two(place, tool, step, wanted, came, size):
    """The first try is cut in the middle, the second must go on from there."""
    tool = copy.copy(tool)
    tool.retries = 0
    with Cutter(place, data=[size // 2]) as cutter:
        fault, said = cutter.place.work(tool, [step])
        if not cutter.cuts:
            return f"not cut: {fault or 'done'}", said
        until_written(came)
        before, kept = cutter.moved, bytes_in(came)
        word, said = moved(cutter.place, tool, [step], wanted, came)
        # What a reset destroys on the way must come again.
        is_again = cutter.moved - before > size - kept + 0.1 * size
    return f"{word}, from the beginning" if is_again and rank(word) < 2 else word, said


def bytes_in(folder):
    return sum(path.lstat().st_size for path in pathlib.Path(folder).rglob("*"))


def until_written(folder):
    """The server may still write what came before the cut: who goes on meanwhile begins anew."""
    before = None
    while before != (before := trees.seen(folder)):
        time.sleep(0.5)


def tree_down(place, tool):
    (remote, there), here = place.there(trees.usual()), place.here()
    return moved(place, tool, [Step("get-tree", remote, here, of=pathlib.Path(there))], there, here)


def tree_up(place, tool):
    (remote, there), here = place.there(), place.here(trees.usual())
    return moved(place, tool, [Step("put-tree", remote, here)], here, there)


def active(place, tool):
    """The server makes the data connections."""
    tool = copy.copy(tool)
    tool.more = (*tool.more, ACTIVE[tool.name])
    (remote, there), here = place.there(trees.usual()), place.here()
    return moved(place, tool, [Step("get-tree", remote, here, of=pathlib.Path(there))], there, here)


def delete(place, tool):
    remote, there = place.there({b"gone": b"1", b"stays": b"2"})
    fault, said = place.work(tool, [Step("delete", f"{remote}/gone")])
    return fault or is_that(trees.seen(there).keys(), {b"stays"}), said


def rename(place, tool):
    remote, there = place.there({b"old": b"content"})
    before = trees.seen(there)
    fault, said = place.work(tool, [Step("rename", f"{remote}/old", to=f"{remote}/new name")])
    return fault or trees.differences({b"new name": before[b"old"]}, trees.seen(there)), said


def make_directory(place, tool):
    remote, there = place.there()
    fault, said = place.work(tool, [Step("mkdir", f"{remote}/made")])
    return fault or is_that(trees.seen(there), {b"made": None}), said


def listing(place, tool):
    files = {b"%03d" % number: b"" for number in range(300)} | {b".hidden": b"", b"a b": b""}
    (remote, _), here = place.there(files), place.here()
    # Some servers show names with a dot at the front, and some do not: which is theirs to say.
    del files[b".hidden"]
    wanted = names(name.decode() for name in files)
    step = Step("list", remote, here / "list")
    came, said = tool.work(place.session(), [step])
    return is_that(came[0].replace("[.hidden] ", ""), wanted), said


def is_that(came, wanted):
    return YES if came == wanted else f"not as it must: {str(came)[:60]}"


JOBS = {
    "get one": get_one, "get many": get_many, "put": put_one, "get the rest of a cut one": get_rest,
    "put the rest of a cut one": put_rest, "tree down": tree_down, "tree up": tree_up,
    "tree down, active mode": active,
    "delete": delete, "rename": rename, "make a directory": make_directory, "list": listing,
}
