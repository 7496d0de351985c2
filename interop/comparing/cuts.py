"""Jobs that are repeated over a line that breaks, until the tool says that all is done. Then it must be."""

import copy
import json
import pathlib

from clients.ftp_cli import outcome
from clients.working import Step
from homes import pattern

from comparing import trees
from comparing.cutter import Cutter
from comparing.place import HANGS
from comparing.result import OTHER_TIMES, OURS, UNSET, Result

SECTION = "cuts"
# Far more than it should take ours, and than those need that get done at all.
RUNS, RUNS_OF_OTHERS = 100, 20
SIZE = 3_000_000


def run(place, tools, is_short):
    tools = [tool for tool in map(prepared, tools) if tool.name == OURS or not is_short]
    for job, do in JOBS.items():
        for tool in tools:
            # Others are there to compare with.
            for seed in (1,) if is_short or tool.name != OURS else (1, 2, 3):
                word, said = do(place, tool, seed)
                why = UNSET.get(place.name, "") if word.startswith(OTHER_TIMES) else ""
                yield Result(SECTION, place.name, place.security, f"{job}, seed {seed}", tool.name, word,
                             said, why)


def prepared(tool):
    tool = copy.copy(tool)
    tool.retries, tool.mirror = 1, "mirror -c"
    patience = {OURS: ("--timeout", "20"), "lftp": (*tool.more, "set net:timeout 10")}
    tool.more = patience.get(tool.name, tool.more)
    return tool


def repeat(place, tool, step, seed, wanted, came, most):
    """How many runs it took, and whether it was done then."""
    runs = RUNS if tool.name == OURS else RUNS_OF_OTHERS
    with Cutter(place, seed=seed, most=most) as cutter:
        for number in range(1, runs + 1):
            if tool.name == OURS:
                is_done, said, wrong = ours(cutter.place, tool, step, wanted, came)
                if wrong:
                    return f"said to be done, and is not: {wrong}", said
            else:
                fault, said = cutter.place.work(tool, [step])
                is_done = not fault
                if fault == HANGS:
                    return f"{HANGS} in run {number}", said
            if is_done:
                word = trees.differences(trees.seen(wanted), trees.seen(came))
                if word.startswith("yes"):
                    return f"{word}: {number} runs, {cutter.cuts} cuts", said
                return f"said to be done, and is not: {word}", said
    return f"not done after {runs} runs", said


def ours(place, tool, step, wanted, came):
    """Whether it says that all is done, what it said, and of which files it said so wrongly."""
    session = place.session()
    url, local = tool.url(session, step.remote), step.local
    done = tool.call(session, *{
        "get-tree": ("mirror", "--parallel", str(session.parallel), url + "/", local),
        "put-tree": ("mirror", "--parallel", str(session.parallel), local, url + "/"),
        "get-rest": ("get", "--continue", "--keep-time", "--verify", "size", "-o", local, url),
        "put-rest": ("put", "--continue", "--keep-time", "--verify", "size", local, url),
    }[step.verb], "--json")
    source, target = trees.seen(wanted), trees.seen(came)
    wrong = []
    for line in done.stdout.splitlines():
        record = json.loads(line)
        path = record["path"].encode()
        # Of one file it is the path on the server.
        path = path if step.verb.endswith("-tree") else path.rpartition(b"/")[2]
        if record["outcome"] == "transferred" and (
                path not in target or trees.content(target[path]) != trees.content(source[path])):
            wrong.append(trees.text(path))
    said = f"{outcome(done)}\n{done.stdout}{done.stderr}"
    return done.returncode == 0, place.fixtures.mask(said), ", ".join(wrong)


def tree_down(place, tool, seed):
    (remote, there), here = place.there(trees.of_size(seed, 30, 400_000)), place.here()
    step = Step("get-tree", remote, here, of=pathlib.Path(there))
    return repeat(place, tool, step, seed, there, here, 600_000)


def tree_up(place, tool, seed):
    (remote, there), here = place.there(), place.here(trees.of_size(seed, 30, 400_000))
    return repeat(place, tool, Step("put-tree", remote, here), seed, here, there, 600_000)


def get_rest(place, tool, seed):
    (remote, there), here = place.there({b"cut": pattern(SIZE, seed)}), place.here()
    step = Step("get-rest", f"{remote}/cut", here / "cut")
    return repeat(place, tool, step, seed, there, here, SIZE)


def put_rest(place, tool, seed):
    (remote, there), here = place.there(), place.here({b"cut": pattern(SIZE, seed)})
    step = Step("put-rest", f"{remote}/cut", here / "cut")
    return repeat(place, tool, step, seed, here, there, SIZE)


JOBS = {"get": get_rest, "put": put_rest, "tree down": tree_down, "tree up": tree_up}
