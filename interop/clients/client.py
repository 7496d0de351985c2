"""What every client has."""

import re

LOGGED_IN, REFUSED, REFUSED_BEFORE_PASS = "logged in", "refused", "refused before PASS"
GUESSES = 3  # as many as the server allows by default


class Client:
    """A client. No password is put on a command line.

    `securities`: what it can do. `passwords`: of which kinds its passwords can be, beside plain
    ones; `lacks`: what it cannot do, and why that is known.
    """

    name = ""
    securities = ("clear", "explicit TLS", "implicit TLS")
    passwords = ("spaced", "utf-8", "percent")
    lacks = {}
    # What must come of guessing on one connection, if it can.
    locked_out = None

    def __init__(self, fixtures):
        self.fixtures = fixtures

    def version(self):
        raise NotImplementedError

    def login(self, security, port, user, password):
        """What came of one login, and what the client said, to be shown if that is not what must
        come (with passwords masked)."""
        raise NotImplementedError

    def dialogue(self, said):
        """The lines of both sides, ("C" or "S", line), in what it says of itself; none if it says
        too little."""
        del said
        return []

    def guess(self, security, port, password):
        """How the server took wrong passwords on one connection (`locked_out`, if as it must)."""
        raise NotImplementedError


def marked(said, ours, theirs):
    """The lines that begin with one of two marks."""
    for line in said.splitlines():
        for mark, direction in ((ours, "C"), (theirs, "S")):
            if line.startswith(mark):
                yield direction, line.removeprefix(mark)


def what_came(ok, denied, sent_password, details):
    """What came of a login; `details` stand for whatever is neither."""
    if ok:
        return LOGGED_IN
    if denied:
        return REFUSED if sent_password else REFUSED_BEFORE_PASS
    return f"neither: {details.strip().splitlines()[-1:]}"


def of_dialogue(lines):
    """The same, by what passed through a tap."""
    codes = [line[:3].decode(errors="replace") for direction, line in lines
             if direction == "S" and re.match(rb"\d{3} ", line)]
    sent_password = any(line.upper().startswith(b"PASS") for direction, line in lines
                        if direction == "C")
    return what_came("230" in codes, "530" in codes, sent_password, " ".join(codes))
