"""What came of each job, and whether that is right."""

import dataclasses

# From right to wrong: what is kept beside the bytes does not count as much as they do.
YES, OTHER_TIMES = "yes", "yes, other times"
OURS = "ftp-cli"
# Servers that cannot be told the time of a file, and why.
UNSET = {"vsftpd": "it has no MFMT: the time of a file that was sent cannot be set"}


@dataclasses.dataclass
class Result:
    """One job of one tool on one server."""

    section: str
    server: str
    security: str
    job: str
    tool: str
    word: str
    details: str = ""
    # Why ours may do otherwise than `YES`: nobody can do better.
    why: str = ""


class Results:
    """All of them, shown as they come."""

    def __init__(self):
        self.all = []

    def add(self, *results):
        self.all += results
        for it in results:
            print(f"  {it.server:14} {it.security:17} {it.job:32} {it.tool:8} {it.word}", flush=True)

    def faults(self):
        """Where ours is not right without a reason, or less right than another."""
        for ours in self.all:
            if ours.tool != OURS:
                continue
            others = [it for it in self.all if key(it) == key(ours) and it.tool != OURS]
            better = [it.tool for it in others if rank(it.word) < rank(ours.word)]
            if better or rank(ours.word) and not ours.why:
                yield ours, better


def key(result):
    return result.section, result.server, result.security, result.job


def rank(word):
    """0 is right."""
    return 0 if word == YES or word.startswith("yes:") else 1 if word.startswith("yes, ") else 2
