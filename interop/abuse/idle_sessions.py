"""Sessions that are logged in and idle, and transfers that stall: what each costs the server, and that none
is lost."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import socket
import tempfile
import time

from harness import LegitimateUser, Outcome
from host_setup import ADDRESS, PATIENCE, Failure
from peer import CONTEXT, Closed, Peer, addresses
from server import HELD_PASSWORD, HELD_USERS, CheapUsers

# KiB of resident memory for each session that idles.
MOST_PLAIN, MOST_TLS = 3, 13
# And for each transfer that stalls, without its session.
MOST_STALLED_PLAIN, MOST_STALLED_TLS = 80, 130
# How much moves before it stalls.
MOVED = 4 << 20
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
        root = pathlib.Path(folder) / "root"
        root.mkdir()
        server = stack.enter_context(harness.server(
            # Each comes from an address that is new: to such the guard never gives the last places.
            "--root", str(root), "--idle-timeout", "3600", "--max-sessions", str(4 * count)))
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


def plain_stalled_downloads(harness):
    return stall(harness, harness.scale(100, 50), "download", tls=False)


def tls_stalled_downloads(harness):
    return stall(harness, harness.scale(100, 30), "download", tls=True)


def plain_stalled_uploads(harness):
    return stall(harness, harness.scale(100, 50), "upload", tls=False)


def tls_stalled_uploads(harness):
    return stall(harness, harness.scale(100, 30), "upload", tls=True)


def plain_stalled_listings(harness):
    return stall(harness, harness.scale(100, 50), "listing", tls=False)


def stall(harness, count, what, *, tls):
    """Transfers that move for a while, and then nobody reads or writes."""
    outcome = Outcome(f"{count} stalled {what}s, {'TLS' if tls else 'plain'}")
    most = MOST_STALLED_TLS if tls else MOST_STALLED_PLAIN
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ftp-abuse-")))
        harness = dataclasses.replace(harness, users=CheapUsers(folder))
        root = folder / "root"
        root.mkdir()
        with (root / "big").open("wb") as big:
            big.truncate(1 << 30)
        if what == "listing":
            (root / "many").mkdir()
            for number in range(60_000):
                (root / f"many/{number:0100}").touch()
        server = stack.enter_context(harness.server(
            "--root", str(root), "--stall-timeout", "3600", "--max-sessions", str(4 * count)))

        def begin(peer, number, source):
            port = int(peer.ask("EPSV").split("|")[3])
            data = stack.enter_context(socket.socket())
            data.settimeout(PATIENCE)
            # Little stays in the system's buffers.
            data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            data.bind((source, 0))
            data.connect((ADDRESS, port))
            line = {"download": "RETR big", "upload": f"STOR up-{number}", "listing": "LIST many"}[what]
            if (reply := peer.ask(line))[:3] != "150":
                raise Failure(f"a {what} does not begin: {reply}")
            if tls:
                data = stack.enter_context(CONTEXT.wrap_socket(data))
            if what == "upload":
                # Not in whole pieces.
                data.sendall(bytes(MOVED + 100_000))
            elif what == "download":
                left = MOVED
                while left > 0:
                    left -= len(data.recv(1 << 16))
            else:
                data.recv(1)

        def one(number, source):
            peer = stack.enter_context(enter(Peer(server, source), number, tls))
            for line in ("PBSZ 0", "PROT P", "TYPE I") if tls else ("TYPE I",):
                peer.ask(line)
            return peer

        # The first sets up what belongs to none.
        begin(one(0, "127.250.0.1"), count, "127.250.0.1")
        sources = addresses(16, count)
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            peers = list(pool.map(one, range(count), sources))
            before = server.settled_memory()
            list(pool.map(begin, peers, range(count), sources))
        each = (server.settled_memory() - before) / count
        with LegitimateUser(server, outcome):
            time.sleep(3)
        lost = sum(not answers(peer) for peer in peers)
        harness.settle(server, outcome)
    if lost:
        outcome.blame(f"{lost} sessions were lost")
    if each > most and not harness.short:
        outcome.blame(f"a stalled {what} takes more than {most} KiB")
    outcome.facts = f"{each:.1f} KiB each, {lost} lost"
    return outcome


def answers(peer):
    try:
        return peer.ask("NOOP")[:3] == "200"
    except (OSError, Closed):
        return False


HOLDINGS = [
    plain_sessions, tls_sessions, plain_stalled_downloads, tls_stalled_downloads, plain_stalled_uploads,
    tls_stalled_uploads, plain_stalled_listings,
]
