"""Ten thousand small files: both ways, in bounded memory, and a second time nothing."""

import os
import pathlib
import re
import subprocess
import tempfile
import time

from comparing import trees
from comparing.place import clean
from comparing.result import OTHER_TIMES, OURS, UNSET, YES, Result

SECTION = "many"
COUNT = 10_000
# Resident, in MiB. With ten files it takes about 30, of a debug build.
MOST_MEMORY = 150


def run(place, tools, is_short):
    """The servers differ in their listings alone, and TLS changes nothing of it: in clear."""
    if place.security != "clear":
        return
    (tool,) = [tool for tool in tools if tool.name == OURS]
    count = 1000 if is_short else COUNT
    remote, there = place.there()
    here, back = place.here(trees.small(count)), place.here()
    for job, source, target, wanted, came in (
            ("up", here, remote, here, there), ("down", remote, back, there, back)):
        for again in ("", ", again"):
            word, said = mirror(place, tool, source, target, 0 if again else count)
            word = word if word != YES else trees.differences(trees.seen(wanted), trees.seen(came))
            why = UNSET.get(place.name, "") if word == OTHER_TIMES else ""
            word += f": {said[0]} MiB, {said[1]:.0f} s" if word.startswith(YES) else ""
            yield Result(SECTION, place.name, place.security, f"{count} files {job}{again}", OURS, word,
                         said[2], why)
    clean(here, back, there)


def mirror(place, tool, source, target, wanted):
    """Whether so many files were transferred; the peak of its memory, how long it took, what it said."""
    session = place.session()
    words = [tool.url(session, word) + "/" if isinstance(word, str) else os.fspath(word)
             for word in (source, target)]
    security = ["--plaintext"]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output, subprocess.Popen(
        [tool.program, "mirror", *security, "--parallel", str(session.parallel), *words],
        env=os.environ | {"FTP_PASSWORD": session.password}, stdin=subprocess.DEVNULL,
        stdout=output, stderr=subprocess.DEVNULL,
    ) as process:
        memory = 0
        while process.poll() is None:
            memory = max(memory, peak(process.pid))
            time.sleep(0.05)
        output.seek(0)
        table = output.read()
    took = time.monotonic() - began
    rows = dict(line.split()[:2] for line in table.splitlines() if line[:1].isalpha())
    word = YES
    if process.returncode != 0 or rows.get("transferred") != str(wanted):
        word = f"exit code {process.returncode}, {rows.get('transferred')} transferred"
    elif memory > MOST_MEMORY:
        word = f"took {memory} MiB"
    return word, (memory, took, table)


def peak(process):
    """Of its resident memory so far, in MiB: that of the kernel's accounts of ended processes has that of
    their parent in it."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) // 1024 if found else 0
