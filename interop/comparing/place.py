"""A server that runs, and how it is spoken to: clean directories there and here."""

import itertools
import os
import shutil
import subprocess

from clients.curl import Curl
from clients.ftp_cli import FtpCli
from clients.lftp import Lftp
from clients.working import Session, Step
from host_setup import ADDRESS, RUN, call
from servers import Ours, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

from comparing import trees

KINDS = (Vsftpd, Proftpd, PureFtpd, Pyftpdlib, Ours)
TOOLS = (Curl, Lftp, FtpCli)
HANGS = "hangs"
numbers = itertools.count(1)


class Place:
    """One server, spoken to with one kind of security."""

    def __init__(self, kind, security, port, fixtures, address=ADDRESS):
        self.kind, self.security, self.port = kind, security, port
        self.fixtures, self.address = fixtures, address

    @property
    def name(self):
        return self.kind.name

    def there(self, tree=None):
        """A new directory on the server: its path for clients, and on the disk."""
        name = b"job-%d" % next(numbers)
        self.kind.home.make(name)
        path = os.fsdecode(self.kind.home.path(name))
        if tree:
            trees.make(path, tree)
        self.open(path)
        return f"/{name.decode()}", path

    @staticmethod
    def here(tree=None):
        """A new directory of this computer."""
        path = RUN / f"here-{next(numbers)}"
        path.mkdir()
        if tree:
            trees.make(path, tree)
        return path

    @staticmethod
    def open(path):
        """Lets every user write there."""
        call("chmod", "-R", "a+rwX", path)

    def session(self, **more):
        user = self.fixtures.users["plain"]
        # pyftpdlib may lose sight of one of several connections.
        parallel = 4 if self.kind.serves_several else 1
        return Session(self.security, self.port, user.name, user.password.decode(), self.fixtures.ca,
                       RUN, address=self.address, parallel=parallel, **more)

    def work(self, tool, steps):
        """What went wrong, in words, and what the tool said. A tree is a loop for one that knows none."""
        steps = list(steps)
        expanded = [one for step in steps for one in alone(tool, step)]
        try:
            came, said = tool.work(self.session(), expanded)
        except subprocess.TimeoutExpired:
            return HANGS, ""
        words = [f"{step.verb}: {word}" for step, word in itertools.zip_longest(expanded, came)
                 if step is None or word != step.must]
        return "; ".join(dict.fromkeys(words)), self.fixtures.mask(said)


def alone(tool, step):
    """The same with one file at a time, if the tool knows no trees."""
    if not isinstance(tool, Curl) or not step.verb.endswith("-tree"):
        return [step]
    verb = step.verb.removesuffix("-tree")
    names = [os.fsdecode(name) for name, it in trees.seen(step.of or step.local).items() if it]
    for name in names:
        (step.local / name).parent.mkdir(parents=True, exist_ok=True)
    return [Step(verb, f"{step.remote}/{name}", step.local / name) for name in names]


def tools(fixtures, program):
    Curl.more = ("ftp-create-dirs", "remote-time")
    # The address in the reply to PASV is not that of the line that breaks.
    Lftp.more = ("set ftp:prefer-epsv yes",)
    FtpCli.program = Ours.program = program
    return [tool(fixtures) for tool in TOOLS]


def clean(*paths):
    for path in paths:
        shutil.rmtree(path)
