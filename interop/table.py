"""The matrix of logins: each with what must come of it and what came."""

import dataclasses
import re


@dataclasses.dataclass
class Cell:
    """One login, or what else was tried."""

    peer: str
    security: str
    case: str
    expected: dict
    came: dict
    details: str = ""
    # Why the peer does otherwise than the RFCs have it.
    why: str = None
    runtime: str = ""
    # Of the peer.
    version: str = ""
    # Of what this is a part: "servers" or "clients" are the peers of logins, "files" is transfers.
    side: str = "servers"
    # Whether it came as it does of most servers, and there is nothing more to tell.
    is_usual: bool = False
    # The dialogue, line by line, if it is known: (direction, line).
    dialogue: list = dataclasses.field(default_factory=list)

    @property
    def is_right(self):
        return self.expected == self.came

    def show(self, whose=""):
        """`whose`: of what it is, where no heading says so."""
        verdict = "ok  " if self.is_right else "FAIL"
        runtime = f" [{self.runtime}]" if self.runtime else ""
        lines = [f"  {verdict}  {whose}{self.security:<13} {self.case:<38} "
                 f"{sentence(self.expected)}{runtime}"]
        if not self.is_right:
            lines.append(f"        came instead: {sentence(self.came)}")
            lines.append("        " + self.details.rstrip().replace("\n", "\n        "))
        return "\n".join(lines)

    def short(self):
        """For the table in docs/reports/INTEROP.md."""
        facts = self.came
        if self.is_usual:
            return "yes"
        if "is" in facts:
            return re.sub(r" \{[^}]*\}", "", str(facts["is"]))
        outcome = facts.get("outcome", "")
        if outcome == "logged_in":
            return "in"
        if outcome in ("refused", "unavailable"):
            return f"{facts.get('code')}"
        return {"tls_failed": "TLS fails", "io": "closed"}.get(outcome, sentence(facts))


class Part:
    """The cells of one part of a run, under headings."""

    def __init__(self):
        self.cells, self.lines = [], []

    def heading(self, client, server):
        self.lines.append(f"\n{client} → {server}")

    def add(self, cell):
        self.cells.append(cell)
        self.lines.append(cell.show())


class Table:
    """All cells, shown part by part."""

    def __init__(self):
        self.cells = []

    def show(self, part):
        self.cells += part.cells
        if part.lines:
            print(*part.lines, sep="\n", flush=True)

    @property
    def wrong(self):
        return [cell for cell in self.cells if not cell.is_right]

    def summary(self):
        """What is wrong stands at the end, too: of a long run often only the end is kept."""
        wrong = [cell.show(f"{cell.side}, {cell.peer}: ") for cell in self.wrong]
        count = f"{len(self.cells)} logins and sessions, {len(wrong)} ended otherwise than they must"
        return "\n".join(["", *wrong, count])


def sentence(facts):
    return ", ".join(f"{name} {value}" for name, value in facts.items())
