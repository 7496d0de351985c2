"""What every attack has: a server, a legitimate user who logs in meanwhile, and what came of it."""

import contextlib
import dataclasses
import os
import selectors
import threading
import time

from host_setup import PATIENCE
from peer import Closed, Peer
from server import OWNER, Server

OWNERS_ADDRESS = "127.200.0.1"  # no attack comes from there
LOGIN_DEADLINE = 60  # seconds: how long the server itself gives a login by default
# Most memory that an attack may cost in all, in MiB over what the server started with. Argon2
# takes 19 MiB for each password that is checked at the same time, one for each processor.
MOST_MEMORY = 64 + 20 * os.cpu_count()


@dataclasses.dataclass
class Outcome:
    """What came of an attack. `gained` says what it must not have got; nothing, if it is empty."""

    attack: str
    gained: str = ""
    facts: str = ""
    memory: int = 0  # peak, in KiB over what the server started with
    logins: int = 0
    slowest: float = 0
    faults: list = dataclasses.field(default_factory=list)

    def blame(self, fault):
        self.faults.append(fault)


class LegitimateUser:
    """The owner, who logs in again and again while an attack runs, the way a client would: under
    TLS, and once more if told to come back later, until his deadline. A context."""

    def __init__(self, server, outcome, implicit=False):
        self.server, self.outcome, self.implicit = server, outcome, implicit
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(2 * LOGIN_DEADLINE)

    def run(self):
        while True:
            began = time.monotonic()
            if refusal := self.refusal_of_login():
                self.outcome.blame(f"the owner's login failed: {refusal}")
                return
            self.outcome.logins += 1
            self.outcome.slowest = max(self.outcome.slowest, time.monotonic() - began)
            if self.over.wait(0.5):
                return

    def refusal_of_login(self):
        """Logs in, and says why not if it did not come to that by the deadline."""
        end = time.monotonic() + LOGIN_DEADLINE
        while True:
            try:
                with Peer(self.server, OWNERS_ADDRESS, tls=self.implicit) as peer:
                    reply = peer.log_in(OWNER, self.server.users.password, tls=not self.implicit)
                    if reply[:3] == "230":
                        peer.ask("QUIT")
                        return None
            except (OSError, Closed) as error:
                reply = repr(error)
            # A wrong answer is not mended by asking again; a full server is.
            if reply[:3] == "530" or time.monotonic() > end:
                return reply
            time.sleep(0.2)


@dataclasses.dataclass
class Harness:
    """Where attacks are carried out: the program, its users, and whether to be short."""

    program: str
    users: object
    short: bool

    def scale(self, long, short):
        return short if self.short else long

    def server(self, *options):
        return Server(self.program, self.users, *options)

    @contextlib.contextmanager
    def attack(self, outcome, *options, guarded=False):
        """A server of its own, while its owner logs in; then what that cost, and what it logged.

        Without its guard, unless that is what is attacked: the guard would turn most attackers away
        before they meet the defences of a connection."""
        options = options if guarded else (*options, "--danger-no-guard")
        with self.server(*options) as server:
            with LegitimateUser(server, outcome, "--implicit" in options):
                yield server
            self.settle(server, outcome)

    def settle(self, server, outcome):
        """Stops the server, and notes what the attack did to it."""
        if not server.is_running():
            return outcome.blame(f"the server is gone:\n{server.log()[-2000:]}")
        outcome.memory = max(outcome.memory, server.memory("VmHWM") - server.at_start)
        if outcome.memory > MOST_MEMORY * 1024:
            outcome.blame(f"it took more than {MOST_MEMORY} MiB")
        if code := server.stop():
            outcome.blame(f"the server ended with exit code {code}")
        if self.users.password in server.log() or "panicked" in server.log():
            outcome.blame("the log shows a password, or a panic")
        return None


class Member:
    """One connection of a crowd."""

    def __init__(self, number, connection):
        self.number, self.socket, self.heard, self.turns = number, connection, bytearray(), 0
        self.began = self.ended = time.monotonic()
        self.is_open = True

    def last_code(self):
        lines = bytes(self.heard).split(b"\r\n")
        return lines[-2][:3].decode() if len(lines) > 1 else "nothing"

    def count(self, code):
        return (b"\r\n" + bytes(self.heard)).count(b"\r\n%d " % code)

    def life(self):
        return self.ended - self.began


def crowd(server, sources, drip, *, patience=PATIENCE, pause=1.0):
    """A connection from each source, all at once. `drip(member)` is what each says, asked for once
    every `pause` seconds, until the server has closed all or patience ends. Gives the members."""
    members = []
    selector = selectors.DefaultSelector()
    with contextlib.ExitStack() as stack:
        stack.callback(selector.close)
        end = time.monotonic() + patience
        for number, source in enumerate(sources):
            try:
                peer = stack.enter_context(Peer(server, source, greet=False))
            except OSError:
                continue  # turned away by the system: that is one less
            peer.socket.setblocking(False)
            member = Member(number, peer.socket)
            members.append(member)
            selector.register(peer.socket, selectors.EVENT_READ, member)
            talk(selector, member, drip)
        due = time.monotonic() + pause
        while selector.get_map() and (now := time.monotonic()) < end:
            for key, _ in selector.select(max(0, min(due, end) - now)):
                listen(selector, key.data)
            if time.monotonic() >= due:
                due += pause
                for key in list(selector.get_map().values()):
                    talk(selector, key.data, drip)
    return members


def talk(selector, member, drip):
    try:
        member.socket.send(drip(member))
        member.turns += 1
    except BlockingIOError:
        pass  # the server reads no more for now
    except OSError:
        finish(selector, member)


def listen(selector, member):
    try:
        more = member.socket.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        more = b""
    member.heard += more
    if not more:
        finish(selector, member)


def finish(selector, member):
    member.ended, member.is_open = time.monotonic(), False
    selector.unregister(member.socket)
    member.socket.close()


def judge_crowd(outcome, members):
    """What nobody in a crowd may get: a login, or to stay."""
    inside = sum(b"230 " in member.heard for member in members)
    still_open = sum(member.is_open for member in members)
    gained = [f"{inside} logins"] * bool(inside) + [f"{still_open} still open"] * bool(still_open)
    outcome.gained = ", ".join(gained)
    ends = sorted({member.last_code() for member in members if not member.is_open})
    longest = max((member.life() for member in members), default=0)
    outcome.facts = (
        f"{len(members)} connections, last words {'/'.join(ends)}, gone in {longest:.1f} s"
    )
