"""Sessions that are logged in and idle: what each costs the server, and that none is lost."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import tempfile
import time

from harness import LegitimateUser, Outcome
from host_setup import Failure
from peer import Closed, Peer, addresses
from server import HELD_PASSWORD, HELD_USERS, CheapUsers

# KiB of resident memory for each session that idles.
MOST_PLAIN, MOST_TLS = 3, 13
# Logins at a time.
AT_A_TIME = 50


def plain_sessions(harness):
    return hold(harness, harness.scale(10_000, 300), tls=False, most=MOST_PLAIN)


def tls_sessions(harness):
    return hold(harness, harness.scale(2_000, 100), tls=True, most=MOST_TLS)


def hold(harness, count, *, tls, most):
    """Measured only where there are many: a few pages more or less are nothing to ten thousand."""
    outcome = Outcome(f"{count} idle sessions, {'TLS' if tls else 'plain'}")
    seconds = harness.scale(300, 3)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ftp-abuse-"))
        harness = dataclasses.replace(harness, users=CheapUsers(pathlib.Path(folder)))
        server = stack.enter_context(
            # Each comes from an address that is new: to such the guard never gives the last places.
            harness.server("--idle-timeout", "3600", "--max-sessions", str(4 * count))
        )
        # One login and its end first: what the first session sets up belongs to no session.
        with enter(Peer(server, "127.250.0.1"), 0, tls):
            pass
        before = server.settled_memory()
        # Many at a time: the guard answers no password at once, right or wrong.
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            peers = [stack.enter_context(peer) for peer in pool.map(
                lambda come: enter(Peer(server, come[1]), come[0], tls),
                enumerate(addresses(14, count)),
            )]
        each = (server.settled_memory() - before) / count
        with LegitimateUser(server, outcome):
            time.sleep(seconds)
        lost = sum(not answers(peer) for peer in peers)
        harness.settle(server, outcome)
    if lost:
        outcome.blame(f"{lost} sessions were lost")
    if each > most and not harness.short:
        outcome.blame(f"a session takes more than {most} KiB")
    outcome.facts = f"{each:.2f} KiB each, {lost} lost in {seconds} s"
    return outcome


def enter(peer, number, tls):
    reply = peer.log_in(f"held-{number % HELD_USERS}", HELD_PASSWORD, tls=tls)
    if reply[:3] != "230":
        raise Failure(f"session {number} is not let in: {reply}")
    return peer


def answers(peer):
    try:
        return peer.ask("NOOP")[:3] == "200"
    except (OSError, Closed):
        return False


HOLDINGS = [plain_sessions, tls_sessions]
