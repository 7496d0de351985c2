"""Attacks with the commands for files, and on the data connections: all by users who are logged in."""

import contextlib
import os
import pathlib
import socket
import struct
import tempfile
import time

from harness import Outcome
from host_setup import ADDRESS, PATIENCE
from peer import Closed, Peer
from server import HELD_PASSWORD

SECRET = b"outside of the root"
VERBS = ("RETR", "STOR", "APPE", "DELE", "SIZE", "MDTM", "RNFR", "CWD", "MLST", "RMD")
# Seconds after which what does not go on ends, in the attacks that wait for it.
SHORT_TIMES = ("--data-timeout", "2", "--stall-timeout", "2")
# How much a listing may take on top, in MiB, however long it is: its pieces, and the threads that read.
MOST_FOR_A_LISTING = 24


@contextlib.contextmanager
def attacked(harness, name, *options, prepared=True):
    """The outcome, a server that serves a directory, and that directory; with two files, if it is prepared."""
    outcome = Outcome(name)
    with tempfile.TemporaryDirectory(prefix="ftp-abuse-") as folder:
        root = pathlib.Path(folder) / "root"
        root.mkdir()
        (root.parent / "secret").write_bytes(SECRET)
        if prepared:
            (root / "file").write_bytes(b"inside")
            with (root / "big").open("wb") as big:
                big.truncate(1 << 30)
        with harness.attack(outcome, "--root", str(root), *options) as server:
            yield outcome, server, root


def enter(server, source, number=0):
    peer = Peer(server, source)
    reply = peer.log_in(f"held-{number}", HELD_PASSWORD)
    if reply[:3] != "230":
        raise Closed(reply)
    peer.ask("TYPE I")
    return peer


def passive_port(peer):
    return int(peer.ask("EPSV").split("|")[3])


def connect(peer, source, *, buffers=None):
    """A data connection of this session, from an address."""
    port = passive_port(peer)
    data = socket.socket()
    data.settimeout(PATIENCE)
    if buffers:
        data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
    data.bind((source, 0))
    data.connect((ADDRESS, port))
    return data


def drain(data):
    with data:
        pieces = []
        while piece := data.recv(1 << 16):
            pieces.append(piece)
        return b"".join(pieces)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def passive_flood(harness):
    """PASV and EPSV without end: one listener at a time, and none is left."""
    count = harness.scale(10_000, 1_000)
    with attacked(harness, f"{count} PASV in a session") as (outcome, server, _):
        with enter(server, "127.30.0.1") as peer:
            before, most = open_files(server), 0
            for number in range(count):
                reply = peer.ask("PASV" if number % 2 else "EPSV")
                if reply[:3] not in ("227", "229"):
                    outcome.blame(f"PASV {number} got {reply}")
                    break
                if number % 100 == 0:
                    most = max(most, open_files(server) - before)
            # The owner has a few, too.
            if most > 16:
                outcome.gained = f"{most} files held open"
            outcome.facts = f"at most {most} more files open"
    return outcome


def passive_never_made(harness):
    count = harness.scale(200, 20)
    with attacked(harness, "data connections never made", *SHORT_TIMES) as (outcome, server, _):
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(enter(server, f"127.31.{n}.1", n % 100))
                     for n in range(count)]
            for peer in peers:
                passive_port(peer)
                peer.send(b"RETR file\r\nNOOP\r\n")
            came = {(peer.hear()[:3], peer.hear()[:3]) for peer in peers}
        # NOOP is answered at once.
        if came != {("200", "425")}:
            outcome.gained = f"{came}"
        outcome.facts = f"{count} sessions, each 425, and goes on"
    return outcome


def half_made_tls(harness):
    """A data connection whose handshake stalls, or is none."""
    with attacked(harness, "TLS of data half made", *SHORT_TIMES) as (outcome, server, _):
        codes = set()
        for number, first in enumerate((b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n")):
            with Peer(server, f"127.32.{number}.1") as peer:
                peer.log_in("held-0", HELD_PASSWORD, tls=True)
                peer.ask("PBSZ 0")
                peer.ask("PROT P")
                with connect(peer, f"127.32.{number}.1") as data:
                    data.sendall(first)
                    began = peer.ask("RETR file")
                    # It may be noticed before the command.
                    if SECRET[:3] in began.encode() or began[:3] not in ("150", "425"):
                        outcome.blame(f"RETR got {began}")
                    codes.add(peer.hear()[:3] if began[:3] == "150" else began[:3])
                    with contextlib.suppress(OSError):
                        data.settimeout(PATIENCE)
                        if b"inside" in drain(data):
                            outcome.gained = "the file in clear"
                if peer.ask("NOOP")[:3] != "200":
                    outcome.blame("the session is over")
        outcome.facts = f"3 ways, {'/'.join(sorted(codes))}, and each session goes on"
    return outcome


def port_scanned(harness):
    """Strangers connect to the port of a data connection, from other addresses, before its client does."""
    count = harness.scale(500, 200)
    with attacked(harness, f"{count} strangers at a data port") as (outcome, server, _):
        with enter(server, "127.33.0.1") as peer, contextlib.ExitStack() as stack:
            port = passive_port(peer)
            strangers = []
            for number in range(count):
                stranger = stack.enter_context(socket.socket())
                stranger.settimeout(PATIENCE)
                stranger.bind((f"127.34.{number % 250}.1", 0))
                with contextlib.suppress(OSError):
                    stranger.connect((ADDRESS, port))
                    strangers.append(stranger)
            own = stack.enter_context(socket.socket())
            own.settimeout(PATIENCE)
            own.bind(("127.33.0.1", 0))
            own.connect((ADDRESS, port))
            peer.ask("RETR file")
            if drain(own) != b"inside":
                outcome.blame("the client did not get its file")
            peer.hear()
            for stranger in strangers:
                with contextlib.suppress(ConnectionError):
                    if stranger.recv(100):
                        outcome.gained = "bytes of the file"
            outcome.facts = f"{len(strangers)} came, none got a byte; the client got its file"
    return outcome


def bounce(harness):
    """PORT and EPRT to another host, to low ports, to a victim of the attacker's choice (RFC 2577)."""
    with attacked(harness, "bounce: PORT elsewhere", "--active") as (outcome, server, _), \
            socket.create_server(("127.35.99.1", 0)) as victim:
        victim.settimeout(0.5)
        port = victim.getsockname()[1]
        high, low = divmod(port, 256)
        with enter(server, "127.35.0.1") as peer:
            codes = set()
            for line in (
                f"PORT 127,35,99,1,{high},{low}", f"EPRT |1|127.35.99.1|{port}|",
                "PORT 127,35,0,1,0,25", "EPRT |1|127.35.0.1|25|", "EPRT |2|::1|25|",
                "PORT 10,0,0,1,10,10", "PORT 127,35,0,1,10,256", "PORT 1,2,3",
            ):
                code = peer.ask(line)[:3]
                codes.add(code)
                if code[:1] != "5":
                    outcome.gained = f"{line} got {code}"
                reply = peer.ask("RETR file")
                if reply[:1] in "12":
                    outcome.gained = f"RETR behind {line} got {reply}"
        with contextlib.suppress(TimeoutError):
            victim.accept()
            outcome.gained = "a connection to the victim"
        outcome.facts = f"8 ways, {'/'.join(sorted(codes))}; nothing connected"
    return outcome


def listing_flood(harness):
    count = harness.scale(2_000, 100)
    with attacked(harness, f"{count} listings of 1,000 files") as (outcome, server, root):
        for number in range(1000):
            (root / f"file-{number}").touch()
        with enter(server, "127.36.0.1") as peer:
            for number in range(count):
                with connect(peer, "127.36.0.1") as data:
                    peer.ask(("LIST", "MLSD", "NLST")[number % 3])
                    # Not all are read to the end.
                    came = data.recv(100) if number % 4 else drain(data)
                code = peer.hear()[:3]
                if code not in ("226", "426") or not came:
                    outcome.blame(f"listing {number} ended with {code}")
                    break
        outcome.facts = "a quarter read to the end"
    return outcome


def stalled(harness):
    """Downloads that are not read, uploads that send nothing."""
    count = harness.scale(200, 20)
    with attacked(harness, "transfers that stall", *SHORT_TIMES) as (outcome, server, root):
        with contextlib.ExitStack() as stack:
            peers = []
            for number in range(count):
                source = f"127.37.{number}.1"
                peer = stack.enter_context(enter(server, source, number % 100))
                stack.enter_context(connect(peer, source, buffers=4096))
                peer.ask("RETR big" if number % 2 else f"STOR up-{number}")
                peers.append(peer)
            codes = {peer.hear()[:3] for peer in peers}
            going_on = {peer.ask("NOOP")[:3] for peer in peers}
        if codes != {"426"} or going_on != {"200"}:
            outcome.gained = f"{codes}, then {going_on}"
        left = sorted(set(os.listdir(root)) - {"file", "big"})
        if left:
            outcome.gained = f"files {left[:3]}"
        outcome.facts = f"{count} transfers, each 426; nothing is left of them"
    return outcome


def names(harness):
    """Paths that lead out, are too long, or are no paths."""
    with attacked(harness, "paths: .., NUL, 64 KiB, globs") as (outcome, server, root):
        os.symlink(root.parent / "secret", root / "link")
        os.symlink("/", root / "way-out")
        outside = ["../secret", "/../secret", "a/../../secret", "../" * 1000 + "secret", "link",
                   f"way-out{root.parent}/secret", "//..//secret", "..\\secret", "..%2fsecret",
                   f"{root.parent}/secret", "./.././secret", "file/../../secret"]
        odd = ["x" * 65536, "x/" * 32768, "a\0b", "..\0/secret", "-la", "*", "[a-z]*", "~root", "",
               "\x7f", "| id", "$(id)", "`id`", "file\0", "\xff\xf4"]
        codes, closed = set(), 0
        paths = [(verb, path) for verb in VERBS for path in outside + odd]
        while paths:
            # It closes sessions that say too much that is no command.
            with contextlib.suppress(Closed), enter(server, f"127.38.{closed % 250}.1") as peer:
                closed += 1
                while paths:
                    verb, path = paths.pop()
                    peer.send(f"{verb} {path}\r\n".encode("latin-1"))
                    reply = peer.hear()
                    codes.add(reply[:3])
                    # What is done to a link itself stays inside.
                    is_inside = path == "link" and verb in ("DELE", "RNFR", "MLST")
                    is_inside |= verb == "CWD" or (verb == "MLST" and path in ("", "\xff\xf4"))
                    if reply[:1] in "123" and not is_inside:
                        outcome.gained = f"{verb} {path[:40]!r} got {reply}"
                    if reply[:3] != "421" and (
                            then := peer.ask("NOOP"))[:3] not in ("200", "421"):
                        outcome.blame(f"behind {verb} {path[:40]!r} and {reply}, NOOP got {then}")
                    if verb == "CWD" and reply[:1] == "2" and not peer.ask("PWD").startswith('257 "/"'):
                        outcome.gained = "a directory outside"
        if (root.parent / "secret").read_bytes() != SECRET:
            outcome.gained = "a file outside was changed"
        outcome.facts = f"{len(VERBS)} verbs, {len(outside + odd)} paths: {'/'.join(sorted(codes))}"
    return outcome


def special_files(harness):
    with attacked(harness, "FIFOs, directories, links", *SHORT_TIMES) as (outcome, server, root):
        os.mkfifo(root / "fifo")
        (root / "directory").mkdir()
        os.symlink("/dev/zero", root / "zero")
        os.symlink("loop", root / "loop")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(root / "socket"))
        codes = set()
        with enter(server, "127.39.0.1") as peer:
            for name in ("fifo", "directory", "zero", "loop", "socket"):
                # To STOR a link is a name to be replaced; what it leads to is not touched.
                for verb in ("RETR", "APPE", *(["STOR"] * (name not in ("zero", "loop")))):
                    with connect(peer, "127.39.0.1"):
                        code = peer.ask(f"{verb} {name}")[:3]
                    codes.add(code)
                    if code[:1] != "5":
                        outcome.gained = f"{verb} {name} got {code}"
                        peer.hear()
            if peer.ask("NOOP")[:3] != "200":
                outcome.blame("the session is out of step")
        outcome.facts = f"5 kinds, RETR, APPE and STOR: {'/'.join(sorted(codes))}, at once"
    return outcome


def resets(harness):
    """The client resets the connections in every state of a transfer. Nothing is left of them."""
    rounds = harness.scale(100, 10)
    stages = ("login", "EPSV", "data", "RETR", "STOR", "ABOR", "LIST", "data reset")
    with attacked(harness, "resets in every state") as (outcome, server, root):
        before = open_files(server)
        for number in range(rounds * len(stages)):
            reset_at(stages[number % len(stages)], server, f"127.40.{number % 250}.1")
        with Peer(server, "127.41.0.1") as peer:
            left = settled(lambda: open_files(server), before + 16)
            if peer.log_in("held-1", HELD_PASSWORD)[:3] != "230":
                outcome.blame("nobody is let in any more")
        if left > before + 16:
            outcome.gained = f"{left - before} files held open"
        names_left = settled(lambda: sum(name.startswith(".ftp-") for name in os.listdir(root)), 0)
        if names_left:
            outcome.gained = f"{names_left} files under hidden names"
        outcome.facts = f"{rounds} times in each of {len(stages)} states; nothing is left"
    return outcome


def reset_at(stage, server, source):
    peer = enter(server, source)
    data = None
    if stage != "login":
        data = connect(peer, source) if stage != "EPSV" else None
        if stage == "EPSV":
            passive_port(peer)
        elif stage != "data":
            verb = {"STOR": "STOR reset", "LIST": "LIST"}.get(stage, "RETR big")
            peer.ask(verb)
            if stage == "STOR":
                data.sendall(bytes(100_000))
            if stage == "ABOR":
                peer.send(b"ABOR\r\n")
    if stage == "data reset":
        reset(data)
        peer.hear()
        data = None
    for connection in filter(None, (data, peer.socket)):
        reset(connection)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def settled(count, enough):
    """What is counted, once it is little enough, or after a minute."""
    end = time.monotonic() + PATIENCE
    while (found := count()) > enough and time.monotonic() < end:
        time.sleep(0.1)
    return found


def large_directory(harness):
    """Memory stays flat, however many files there are, and however slowly the listing is read."""
    count = harness.scale(1_000_000, 200_000)
    with attacked(harness, f"a directory of {count} files") as (outcome, server, root):
        folder = root / "many"
        folder.mkdir()
        for number in range(count):
            os.close(os.open(folder / f"file-{number:08}", os.O_CREAT | os.O_WRONLY))
        with enter(server, "127.42.0.1") as peer:
            before = server.memory("VmHWM")
            for verb in ("NLST", "LIST", "MLSD"):
                data = connect(peer, "127.42.0.1")
                peer.ask(f"{verb} many")
                lines = drain(data).count(b"\n")
                code = peer.hear()[:3]
                # MLSD may name the directory itself.
                if code != "226" or not count <= lines <= count + 2:
                    outcome.blame(f"{verb}: {lines} lines, {code}")
            grown = (server.memory("VmHWM") - before) / 1024
        if grown > MOST_FOR_A_LISTING:
            outcome.blame(f"its listings took {grown:.0f} MiB")
        outcome.facts = f"NLST, LIST and MLSD whole; {grown:.1f} MiB more for them"
    return outcome


ATTACKS = [
    passive_flood, passive_never_made, half_made_tls, port_scanned, bounce, listing_flood, stalled,
    names, special_files, resets, large_directory,
]
