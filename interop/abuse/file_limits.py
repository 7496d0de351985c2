"""Attacks on what files may take: quotas that many sessions race for, and names without end."""

import concurrent.futures
import contextlib
import os
import random
import signal
import socket
import stat
import threading

from file_commands import attacked, connect, enter, reset, settled
from peer import Closed

QUOTA_BYTES, QUOTA_FILES = 1_000_000, 12
# Each takes a path; those that want something else before it, too.
VERBS_WITH_PATHS = (
    "RETR {}", "STOR {}", "APPE {}", "STOU {}", "DELE {}", "SIZE {}", "MDTM {}", "RNFR {}", "CWD {}", "XCWD {}",
    "RMD {}", "XRMD {}", "MKD {}", "XMKD {}", "MLST {}", "MLSD {}", "LIST {}", "NLST {}", "STAT {}",
    "MFMT 20260101000000 {}", "SITE CHMOD 600 {}", "AVBL {}", "HASH {}", "SMNT {}",
)
LONG = 65_536


def quota_race(harness):
    """Ten sessions store, replace, append, abort, reset, rename and remove all at once. There is never more
    than the quota, and afterwards exactly what is not taken can be stored."""
    sessions, rounds = 10, harness.scale(60, 6)
    quota = f"{QUOTA_BYTES}:{QUOTA_FILES}"
    with attacked(harness, "quota races from ten sessions", "--quota", quota, prepared=False) as (
            outcome, server, root):
        over, most, looks = threading.Event(), [0, 0], [0]

        def watch():
            while not over.wait(0.02):
                found = held(server, root)
                most[:] = map(max, most, found)
                looks[0] += 1

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
                codes = set().union(*pool.map(
                    lambda number: race(server, number, rounds), range(sessions)))
        finally:
            over.set()
            watcher.join()
        if most[0] > QUOTA_BYTES or most[1] > QUOTA_FILES:
            outcome.gained = f"{most[0]} bytes in {most[1]} files"
        if not codes & {"452", "552"}:
            outcome.blame("nobody came to the limit")
        settled(lambda: sum(name.startswith(".ftp-") for name in os.listdir(root)), 0)
        with enter(server, "127.44.0.1", 11) as peer:
            # All but one, so that there is room for a file.
            for name in sorted(os.listdir(root))[1:]:
                verb = "RMD" if (root / name).is_dir() else "DELE"
                if (reply := peer.ask(f"{verb} {name}"))[:1] != "2":
                    outcome.blame(f"{verb} got {reply}")
            left = QUOTA_BYTES - held(server, root)[0]
            for size, code in ((left + 1, "552"), (left, "226")):
                got, stored = store(peer, "127.44.0.1", "STOR all-that-is-left", size), 0
                with contextlib.suppress(FileNotFoundError):
                    stored = (root / "all-that-is-left").stat().st_size
                if got != code or stored > left:
                    outcome.gained = f"with {left} bytes left, {size} got {got}, {stored} are there"
                # Of what does not fit, as much is kept as does.
                peer.ask("DELE all-that-is-left")
        outcome.facts = (f"{sessions * rounds} uploads, {'/'.join(sorted(codes))}; at most {most[0]} of {QUOTA_BYTES} bytes "
                         f"and {most[1]} of {QUOTA_FILES} files, looked at {looks[0]} times; then exactly the rest fits")
    return outcome


def race(server, number, rounds):
    """What one session does; the codes of its replies."""
    chance, source, codes = random.Random(number), f"127.43.{number}.1", set()
    for round_ in range(rounds):
        name = f"file-{chance.randrange(2 * QUOTA_FILES)}"
        size = chance.choice((0, 1, 1_000, 50_000, 300_000))
        with contextlib.suppress(Closed, OSError), enter(server, source, number) as peer:
            end = chance.choice(("whole", "whole", "reset", "abort", "reset all"))
            verb = chance.choice((f"STOR {name}", f"STOR {name}", f"APPE {name}", "STOU"))
            if round_ % 5 == 0:
                peer.ask("REST 1")
                verb = f"STOR {name}"
            codes.add(store(peer, source, verb, size, end))
            for line in chance.sample((f"DELE file-{chance.randrange(QUOTA_FILES)}", f"MKD dir-{number}",
                                       f"RMD dir-{number}", f"RNFR {name}"), 2):
                codes.add(peer.ask(line)[:3])
            codes.add(peer.ask(f"RNTO file-{chance.randrange(QUOTA_FILES)}")[:3])
    return codes


def store(peer, source, line, size, end="whole"):
    """An upload, as whole as `end` says; the code that it ends with."""
    with connect(peer, source) as data:
        code = peer.ask(line)[:3]
        if code[:1] != "1":
            return code
        # It may be refused before all of it is sent.
        with contextlib.suppress(ConnectionError):
            data.sendall(bytes(size))
        if end == "reset all":
            reset(peer.socket)
        if end != "whole":
            if end == "abort":
                peer.send(b"ABOR\r\n")
            reset(data)
        else:
            with contextlib.suppress(OSError):
                data.shutdown(socket.SHUT_WR)
                while data.recv(1000):
                    pass
    return peer.hear()[:3]


def held(server, root):
    """Bytes and files below a directory, at one moment: the server stands still meanwhile."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        # The signal takes effect when all threads have left what they do in the kernel.
        settled(lambda: not server.is_stopped(), False)
        found = [entry.stat(follow_symlinks=False) for entry in os.scandir(root)]
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    sizes = [one.st_size for one in found if not stat.S_ISDIR(one.st_mode)]
    return sum(sizes), len(found)


def long_names(harness):
    """Names of 64 KiB with every verb that takes a path, and names that no file system takes."""
    paths = {
        "64 KiB": "x" * LONG, "64 KiB of directories": "x/" * (LONG // 2), "64 KiB of ..": "../" * (LONG // 3),
        "64 KiB of quotes": '"' * LONG, "64 KiB of IAC": "\xff\xff" * (LONG // 2), "256": "x" * 256,
        "2000 directories": "x/" * 1000,
    }
    with attacked(harness, "names of 64 KiB, every verb") as (outcome, server, root):
        before, codes, closed = sorted(os.listdir(root)), {}, 0
        tries = [(verb, what) for verb in (*VERBS_WITH_PATHS, "RNTO {}") for what in paths]
        while tries:
            # It closes sessions that say too much that is no command.
            with contextlib.suppress(Closed), enter(server, f"127.45.{closed % 250}.1") as peer:
                closed += 1
                while tries:
                    verb, what = tries.pop()
                    if verb == "RNTO {}":
                        peer.ask("RNFR file")
                    peer.send(f"{verb}\r\n".format(paths[what]).encode("latin-1"))
                    code = peer.hear()[:3]
                    codes.setdefault(code, set()).add(verb)
                    # Above the root is the root; STOU finds a name of its own.
                    is_root = what == "64 KiB of .." and code in ("250", "212", "213")
                    if code[:1] in "123" and not is_root:
                        outcome.gained = f"{verb} with {what} got {code}"
                    if code != "421" and (then := peer.ask("NOOP")[:3]) not in ("200", "421"):
                        outcome.blame(f"behind {verb} with {what} and {code}, NOOP got {then}")
        if (after := sorted(os.listdir(root))) != before:
            outcome.gained = f"files {after[:3]}"
        outcome.facts = f"{len(VERBS_WITH_PATHS) + 1} verbs, {len(paths)} names: {'/'.join(sorted(codes))}; nothing is made"
    return outcome


ATTACKS = [quota_race, long_names]
