"""What clients do with files while their round trips are counted: one small file, many of them, a
listing, each in a session of its own that is begun and ended by the client.

Counted is from the first SYN until the client has the 226 of the last one, by its own account of the
dialogue: so TLS hides nothing, and what it says in the end (`QUIT`) costs nothing.
"""

import dataclasses
import itertools
import os
import re
import subprocess

import host_setup
from clients.curl import Curl
from clients.ftp_cli import FtpCli
from clients.lftp import Lftp, quoted
from clients.suppaftp import Suppaftp, SuppaftpProgram
from clients.working import Session, Step
from homes import pattern
from host_setup import ADDRESS, PATIENCE, RUN, Failure
from netns_link import CLIENT, SERVER, Line
from servers import Ours, Proftpd, PureFtpd, Vsftpd

CLEAR, EXPLICIT = "clear", "explicit TLS 1.3"
SIZE = 1024
# How many files are many.
MANY, FEW = 100, 17
# Connections of a pool, and how much more it must move than one connection moves.
POOL, GAIN = 8, 7
numbers = itertools.count(1)


class AnyVsftpd(Vsftpd):
    """vsftpd, which takes data connections that do not resume a session, too: suppaftp has no others."""

    def tls(self, variant):
        return super().tls(variant) | {"require_ssl_reuse": "NO"}


class AnyProftpd(Proftpd):
    """ProFTPD, likewise."""

    def tls(self, variant, folder):
        return [*super().tls(variant, folder), "TLSOptions NoSessionReuseRequired"]


KINDS = (AnyVsftpd, AnyProftpd, PureFtpd, Ours)
# What each file after the first must take of the library: in clear, under TLS. `ftp-cli` asks for the size,
# too.
MUST = {AnyVsftpd: (4, 6), AnyProftpd: (4, 5), PureFtpd: (3, 4), Ours: (4, 5)}


class Mover:
    """A client. `sign`: the line that it writes when it has the 226 of a transfer."""

    name, sign = "", b""
    # What it must take for each file, beside what the library takes; `None`: it is not ours.
    asks = None

    def command(self, session, steps):
        """The program and its arguments; its input; its environment."""
        raise NotImplementedError


class OfLibrary(Mover):
    """`Client` of one adapter."""

    sign = rb" S: 226"

    def __init__(self, runtime, program, pipelines=False):
        self.name, self.program = f"the library, {runtime}" + ", pipelined" * pipelines, program
        self.runtime, self.pipelines = runtime, pipelines
        # Each but the first is asked for with the one before.
        self.asks = -1 if pipelines else 0

    def command(self, session, steps):
        user, password = session.user.encode().hex(), session.password.encode().hex()
        verbs = {"get": "retrieve", "list": "list"}
        task = ["trace", *["pipelining"] * self.pipelines, *[f"tls {session.tls}"] * bool(session.tls),
                f"security {session.how.split()[0]}", f"ca {session.ca}",
                f"address {ADDRESS}:{session.port}", f"login {user} {password}",
                *(f"{verbs[step.verb]} {step.remote.encode().hex()}" for step in steps), "quit"]
        return [self.program, self.runtime], "\n".join(task) + "\n", os.environ


class OfProgram(Mover):
    """`ftp-cli`."""

    sign = "← 226 ".encode()
    asks = 1

    def __init__(self, program, pool=1):
        self.name = "`ftp-cli get`" if pool == 1 else f"`ftp-cli get --parallel {pool}`"
        self.program, self.pool = program, pool

    def command(self, session, steps):
        urls = [FtpCli.url(session, step.remote) for step in steps]
        security = ["--ca", session.ca] if session.tls else ["--plaintext"]
        if steps[0].verb == "list":
            command = ["ls", *security, "--verbose", "--json", urls[0] + "/"]
        else:
            command = ["get", *security, "--verbose", "-o", session.folder,
                       "--parallel", str(self.pool), *urls]
        environment = os.environ | {"FTP_PASSWORD": session.password, "HOME": str(RUN)}
        return [self.program, *command], "", environment


class OfCurl(Mover):
    """curl, one connection for all."""

    sign = rb"^< 226 "

    def __init__(self, client):
        self.client, self.name = client, f"curl {client.version()}"

    def command(self, session, steps):
        configs = ["\n".join([*self.client.of_step(session, step), *self.client.common(session)])
                   for step in steps]
        return self.client.command(), "\nnext\n".join(configs), os.environ


class OfLftp(Mover):
    """lftp."""

    sign = rb"^<--- 226 "

    def __init__(self, client):
        self.client, self.name = client, f"lftp {client.version()}"

    def command(self, session, steps):
        commands = ["set xfer:clobber yes", *(
            f"cls -1 -B {quoted(step.remote + '/')}" if step.verb == "list" else
            f"get {quoted(step.remote)} -o {quoted(step.local)}" for step in steps)]
        script, environment = self.client.prepare(
            session.how, session.port, session.user, session.password, commands, session.tls)
        return ["lftp", "-f", "/dev/stdin"], script, environment


class OfSuppaftp(Mover):
    """suppaftp, which says what came of a step after its 226."""

    sign = rb"^came: "

    def __init__(self, client):
        self.client, self.name = client, f"suppaftp {client.version()}"

    def command(self, session, steps):
        return [self.client.program], SuppaftpProgram.task(session, steps), os.environ


@dataclasses.dataclass
class Took:
    """The round trips of one client to one server: from the first SYN until the last 226."""

    one: float
    many: float
    listing: float
    # How many are many.
    count: int

    @property
    def more(self):
        """Each file after the first."""
        return (self.many - self.one) / (self.count - 1)

    def cells(self):
        return [f"{self.one:g}", f"{self.more:.1f}", f"{self.many:g}", f"{self.listing:g}"]


class Moving:
    """All transfers, and what came. `is_short`: of ours alone, with two servers."""

    def __init__(self, fixtures, program, is_short):
        self.fixtures, self.is_short = fixtures, is_short
        self.count = FEW if is_short else MANY
        Ours.program = program
        probe = str(host_setup.our_programs() / "probe")
        self.alone, self.pool = OfProgram(program), OfProgram(program, POOL)
        self.movers = [OfLibrary("tokio", probe), OfLibrary("tokio", probe, True), self.alone]
        if not is_short:
            self.movers[2:2] = [OfLibrary("blocking", probe)]
            self.movers += [self.pool, OfCurl(Curl(fixtures)), OfLftp(Lftp(fixtures)),
                            OfSuppaftp(Suppaftp(fixtures))]
        self.faults = []
        self.sessions = 0
        self.cells = {}  # by server, client and security

    def plans(self, stack):
        """What measures everybody to one server, for each."""
        kinds = KINDS[::3] if self.is_short else KINDS
        return [self.plan(kind(self.fixtures, stack), stack) for kind in kinds]

    def plan(self, kind, stack):
        line = Line(stack)
        with line.at(SERVER):
            port = kind.start("files").port
        for number in range(self.count):
            kind.home.write(f"many/{number:03}".encode(), pattern(SIZE, number))
        server = kind.name if isinstance(kind, Ours) else f"{kind.name} {kind.version()}"
        rows = self.cells[server] = {mover.name: {} for mover in self.movers}

        def measure():
            for security, must in zip((CLEAR, EXPLICIT), MUST[type(kind)]):
                for mover in self.movers:
                    took = Took(*(self.session(line, port, mover, security, steps)
                                  for steps in self.jobs()), self.count)
                    rows[mover.name][security] = took
                    print(f"  {server:32}{mover.name:36}{security:18}{' '.join(took.cells())}",
                          flush=True)
                    self.check(f"{mover.name}, {security}, {server}", mover, took, must,
                               rows[self.alone.name].get(security))
        return measure

    def check(self, what, mover, took, must, alone):
        """`alone`: what one connection took."""
        if mover is self.pool:
            if alone.more < GAIN * took.more:
                self.faults.append(f"{what}: {took.more:.2f} for each file, and {alone.more:.2f} with "
                                   "one connection")
        elif mover.asks is not None and round(took.more) != must + mover.asks:
            self.faults.append(f"{what}: {took.more:.2f} for each file, not {must + mover.asks}")

    def jobs(self):
        """One small file, many, a listing."""
        names = [f"{number:03}" for number in range(self.count)]
        files = [Step("get", f"/many/{name}", name) for name in names]
        return files[:1], files, [Step("list", "/many", "list")]

    def session(self, line, port, mover, security, steps):
        """The round trips until the last of these is done."""
        folder = RUN / f"moving-{next(numbers)}"
        folder.mkdir()
        steps = [dataclasses.replace(step, local=folder / step.local) for step in steps]
        fixtures = self.fixtures
        session = Session(security, port, fixtures.user, fixtures.password, fixtures.ca, folder)
        command, given, environment = mover.command(session, steps)
        output = folder / "output"
        with output.open("wb") as file, line.at(CLIENT), \
                line.followed(output, re.compile(mover.sign, re.MULTILINE)) as followed:
            done = subprocess.run(
                command, input=given.encode(), env=environment, stdout=file,
                stderr=subprocess.STDOUT, timeout=10 * PATIENCE, check=False)
        self.sessions += 1
        came = followed.round_trips()
        if done.returncode != 0 or len(came) != len(steps):
            said = fixtures.mask(output.read_text(errors="replace"))
            raise Failure(f"{mover.name}, {security}: {len(came)} of {len(steps)} transfers:\n{said}")
        return came[-1]

    def text(self):
        """A table for each server."""
        for server, rows in self.cells.items():
            titles = [f"{what}, {security}" for security in ("clear", "TLS") for what in (
                "one file", "each more", f"{self.count} files", "a listing")]
            yield f"\n| to {server} | {' | '.join(titles)} |\n"
            yield "|---|" + "---:|" * len(titles) + "\n"
            for mover, row in rows.items():
                cells = [*row[CLEAR].cells(), *row[EXPLICIT].cells()]
                yield f"| {mover} | {' | '.join(cells)} |\n"
