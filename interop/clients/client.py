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
    # With files: what it cannot do, and why that is known, by case, security, or (security, case); where
    # it does otherwise than must be, what comes of it and why.
    lacks_with_files = {}
    answers_with_files = {}
    # Whether it can be told which version of TLS it uses.
    versions = ("1.2", "1.3")
    # Why none of its data connections resumes the session of the control connection.
    never_resumes = None
    # Whether it leaves to the server which files fit a pattern.
    leaves_patterns = False
    # Whether it can put files.
    puts = True

    def __init__(self, fixtures):
        self.fixtures = fixtures

    def version(self):
        raise NotImplementedError

    def login(self, security, port, user, password):
        """What came of one login, and what the client said, to be shown if that is not what must
        come (with passwords masked)."""
        raise NotImplementedError

    def work(self, session, steps):
        """What came of each `Step` in a `Session`, in words, and what the client said."""
        raise NotImplementedError

    def securities_with_files(self, variant):
        """How it speaks to this variant of a server."""
        if "resumed" in variant and self.never_resumes:
            return
        for security in self.securities:
            if security == "clear":
                if variant == "files":
                    yield security
            elif ("implicit" in security) == ("implicit" in variant):
                yield from (f"{security} {version}" for version in self.versions)

    def expected_with_files(self, security, case, default):
        """What must come of a case, and why if that is not what must be."""
        found = self.answers_with_files
        return found.get((security, case)) or found.get(case) or (default, None)

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
