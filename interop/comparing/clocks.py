"""Servers in other time zones, and with clocks that are hours off: `mirror` a second time transfers nothing,
and what was changed is still seen.

`faketime` gives a server another clock, and files that it writes the time of that. It is loaded into the
server's process alone. Of some it changes nothing that a client sees: those are left out, which is said.
"""

import contextlib
import datetime
import json
import os
import time

import host_setup
from comparing import trees
from comparing.place import Place
from comparing.result import OURS, YES, Result

SECTION = "clocks"
# Hours east of Greenwich have a minus, by POSIX.
CLOCKS = {"9 h west": {"TZ": "WEST9"}, "9 h east": {"TZ": "EAST-9"},
          "5 h ahead": {"by": "+5h"}, "5 h behind": {"by": "-5h"}, "10 days behind": {"by": "-10d"}}


def run(place, tools, is_short):
    """Each needs a server of its own."""
    if place.security != "clear":
        return
    (tool,) = [tool for tool in tools if tool.name == OURS]
    for clock, how in CLOCKS.items():
        if is_short and clock not in ("9 h east", "5 h behind"):
            continue
        with contextlib.ExitStack() as stack:
            server = type(place.kind)(place.kind.fixtures, stack)
            server.environment = environment(how)
            port = server.start("files").port
            there = Place(server, place.security, port, place.fixtures)
            if "by" in how and not is_off(there, tool):
                print(f"  {place.name}: faketime does not change its clock: {clock} was not tried")
                continue
            for job, do in JOBS.items():
                word, said = do(there, tool)
                yield Result(SECTION, place.name, place.security, f"{clock}: {job}", OURS, word, said)


def environment(how):
    if "by" not in how:
        return how
    library = host_setup.unpacked("libfaketime", "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": how["by"], "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1", "FAKE_UTIME": "1"}


def is_off(place, tool):
    """Whether the server says another time than this computer of a file that it has just written."""
    (remote, _), here = place.there(), place.here({b"now": b"now"})
    url = tool.url(place.session(), f"{remote}/now")
    tool.call(place.session(), "put", os.fspath(here / "now"), url)
    said = json.loads(tool.call(place.session(), "stat", "--json", url).stdout)["modified"]
    there = datetime.datetime.fromisoformat(said.rstrip("Z") + "+00:00").timestamp()
    return abs(there - time.time()) > 3600


def up(place, tool):
    """Files that were changed just now: by a clock that is behind, they are newer than their copies."""
    (remote, there), here = place.there(), place.here({b"old": b"old", b"sub/new": b"new"})
    now = time.time()
    os.utime(here / "sub/new", (now, now))
    return judged(place, tool, here, tool.url(place.session(), remote) + "/", here, there, here)


def down(place, tool):
    (remote, there), here = place.there({b"old": b"old", b"sub/new": b"new"}), place.here()
    now = time.time()
    os.utime(os.path.join(there, "sub/new"), (now, now))
    return judged(place, tool, tool.url(place.session(), remote) + "/", here, there, here, there)


def judged(place, tool, source, target, wanted, came, changes):
    """Once, again, and after a change that the size does not show."""
    said, words = "", []

    def mirror(count):
        nonlocal said
        done = tool.call(place.session(), "mirror", os.fspath(source), os.fspath(target))
        said += f"{done.stdout}{done.stderr}\n"
        if done.returncode or f"transferred {count:>8} " not in done.stdout:
            words.append(f"not {count} transferred")
        word = trees.differences(trees.seen(wanted), trees.seen(came))
        if not word.startswith(YES):
            words.append(word)

    mirror(2)
    mirror(0)
    # Later than the copy, by a second at least, and by as much as a look at the clock takes.
    file, later = os.path.join(changes, "sub/new"), time.time() + 60
    with open(file, "wb") as changed:
        changed.write(b"NEW")
    os.utime(file, (later, later))
    mirror(1)
    return "; ".join(words) or YES, place.fixtures.mask(said)


JOBS = {"up": up, "down": down}
