"""What clients do with files: steps, and the session in which one client takes them."""

import dataclasses
import json
import pathlib
import re
import subprocess

from host_setup import ADDRESS, PATIENCE


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
    # `get-tree`: the disk that has it, for clients that have to be told each file.
    of: pathlib.Path = None
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
    address: str = ADDRESS
    # So many connections for a tree.
    parallel: int = 4

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
    return " ".join(sorted(f"[{line.rstrip('/').rpartition('/')[2]}]" for line in text if line))


def in_parts(steps, is_alone, together, one):
    """What came of all steps, and what was said. Runs of them are given to `together`, which gives what
    came of each and what was said, and those that go alone to `one`."""
    came, said, part = [], "", []
    for step in [*steps, None]:
        if step and not is_alone(step):
            part.append(step)
            continue
        if part:
            results, more = together(part)
            came, said, part = came + results, said + more, []
        if step:
            result, more = one(step)
            came, said = [*came, result], said + more
    return came, said


def killed_when_begun(session, command, task, **options):
    """Runs a client that uploads, and kills it when the server has begun to write. Gives what it said."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, text=True, errors="replace", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options,
    ) as process:
        process.stdin.write(task)
        process.stdin.close()
        try:
            session.until_begun()
        finally:
            process.kill()
        return process.stdout.read()


class Program:
    """A client that is a library, in a program of ours that takes steps as JSON, and says a line
    `came: "word"` for each. In a `cut-put` it sends a part of the file, and nothing more."""

    def __init__(self, *command):
        self.command = command

    def work(self, session, steps):
        return in_parts(
            steps, lambda step: step.verb == "cut-put",
            lambda part: self.run(session, part), lambda step: self.cut(session, step),
        )

    @staticmethod
    def task(session, steps):
        return json.dumps({
            "security": session.how, "tls": session.tls, "ca": str(session.ca), "host": session.address,
            "port": session.port, "user": session.user, "password": session.password,
            "timeout": PATIENCE, "steps": [step.as_task() for step in steps],
        })

    def run(self, session, steps):
        done = subprocess.run(
            self.command, input=self.task(session, steps), text=True, errors="replace",
            check=False, timeout=2 * PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        told = [json.loads(line.removeprefix("came: ")) for line in done.stdout.splitlines()
                if line.startswith("came: ")]
        return [names(word) if isinstance(word, list) else word for word in told], done.stdout

    def cut(self, session, step):
        return "ok", killed_when_begun(session, self.command, self.task(session, [step]))
