"""What clients do with files: steps, and the session in which one client takes them."""

import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Step:
    """What is done in a session. Paths of the server are absolute.

    `verb`: `get` and `put` a whole file, `get-rest` and `put-rest` what is missing of one behind
    `offset`, `append` to one; `list` the names in a directory; `rename` to the path `to`, `delete`,
    `mkdir`, `rmdir`; `cut-get` and `cut-put`, given up in the middle; `get-tree` and `put-tree`.
    """

    verb: str
    remote: str
    local: pathlib.Path = None
    offset: int = 0
    to: str = ""
    # What must come of it.
    must: str = "ok"

    def as_task(self):
        """For programs."""
        return {"verb": self.verb, "remote": self.remote, "local": str(self.local or ""),
                "offset": self.offset, "to": self.to}


@dataclasses.dataclass
class Session:
    """How a session is secured, with whom, and for whom."""

    security: str
    port: int
    user: str
    password: str
    ca: pathlib.Path
    # Where a step leaves what belongs to nobody else.
    folder: pathlib.Path
    # Called in the middle of a `cut-put`: waits until the server has begun to write.
    until_begun: object = None
    # The server takes a data connection only if it resumes the session of the control connection.
    resumes: bool = False

    @property
    def how(self):
        """As the logins call it."""
        return re.sub(r" 1\.\d$", "", self.security)

    @property
    def tls(self):
        """"1.2", "1.3", or nothing."""
        found = re.search(r"1\.\d$", self.security)
        return found[0] if found else ""


def names(text):
    """What must come of `list`, and what a client says came."""
    return " ".join(sorted(f"[{line.rpartition('/')[2]}]" for line in text if line))
