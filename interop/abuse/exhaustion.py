"""Attacks on patience and memory: peers that are slow, deaf, endless, or say nothing."""

import contextlib
import threading
import time

from harness import Outcome, crowd, judge_crowd
from host_setup import PATIENCE
from peer import Closed, Peer, addresses
from server import HELD_PASSWORD

# Seconds that a login may take here: what must end by it ends soon.
LOGIN_TIME = 5
SHORT_LOGIN = ("--login-timeout", str(LOGIN_TIME))
# The first bytes of a TLS record that holds a ClientHello of 508 bytes; the rest never comes.
HELLO = bytes.fromhex("160301020001 0001fc0303") + bytes(range(200))


def one_byte_a_second(harness):
    line = b"USER " + b"a" * 300
    return drips(harness, "slowloris: a byte a second", lambda member: line[member.turns:][:1])


def noop_to_stay_alive(harness):
    return drips(harness, "slowloris: NOOP to stay alive", lambda member: b"NOOP\r\n")


def handshake_stall(harness):
    def drip(member):
        """The 234 is waited for: bytes before it would be refused as injected."""
        if not member.turns:
            return b"AUTH TLS\r\n"
        if b"234 " not in member.heard:
            member.turns -= 1
            return b""
        return HELLO[member.turns - 1:][:1]

    return drips(harness, "slowloris: TLS handshake stalls", drip)


def silence(harness):
    """Half from one address, half from as many addresses; the server has room for them all."""
    count = harness.scale(5_000, 1_000)
    return drips(harness, f"{count} connections that say nothing", lambda member: b"",
                 ["127.8.0.1"] * (count // 2) + addresses(9, count // 2),
                 "--max-sessions", str(2 * count))


def silence_beyond_the_limit(harness):
    """More of them than the server takes: it must have room again as soon as it let them go."""
    count = harness.scale(2_000, 1_000)
    return drips(harness, f"{count} that say nothing, room for 100", lambda member: b"",
                 addresses(15, count), "--max-sessions", "100")


def drips(harness, name, drip, sources=None, *options):
    outcome = Outcome(name)
    with harness.attack(outcome, *SHORT_LOGIN, *options) as server:
        sources = sources or addresses(6, harness.scale(500, 50))
        judge_crowd(outcome, crowd(server, sources, drip))
    return outcome


def never_reading(harness):
    """Asks for more and more and takes no answer, half of them logged in.

    Judged by the sockets that the server holds: a peer whose buffers are full may not hear for
    minutes that it was left.
    """
    outcome = Outcome("a peer that never reads")
    count = harness.scale(100, 10)
    with harness.attack(outcome, *SHORT_LOGIN, "--idle-timeout", "10") as server, \
            contextlib.ExitStack() as stack:
        began = time.monotonic()
        over = threading.Event()
        for number, source in enumerate(addresses(7, count)):
            peer = stack.enter_context(Peer(server, source, buffers=4096))
            if number % 2:
                peer.log_in(f"held-{number}", HELD_PASSWORD)
            peer.socket.settimeout(1)
            threading.Thread(target=ask_on_and_on, args=(peer, over), daemon=True).start()
        stack.callback(over.set)
        while (left := server.sockets_with(7)) and time.monotonic() - began < PATIENCE + 30:
            time.sleep(0.5)
        if left:
            outcome.gained = f"{left} still open"
        outcome.facts = f"{count} connections, gone in {time.monotonic() - began:.1f} s"
    return outcome


def ask_on_and_on(peer, over):
    while not over.is_set():
        try:
            peer.socket.send(b"HELP\r\n" * 500)
        except TimeoutError:
            continue  # the server takes no more: it waits for us to read
        except OSError:
            return


def endless_line(harness):
    """One line of many MiB. Its tail looks like commands, and is none."""
    outcome = Outcome("an endless line")
    mebibytes = harness.scale(256, 16)
    with harness.attack(outcome) as server:
        with Peer(server, "127.10.0.1") as peer:
            block = (b"USER held-0 " * 100_000)[:1 << 20]
            for _ in range(mebibytes):
                peer.send(block)
            peer.send(b" \r\nNOOP\r\nQUIT\r\n")
            codes = [line[:3] for line in peer.hear_all()[1:]]
        if codes != ["500", "200", "221"]:
            outcome.gained = f"its replies are {codes[:9]}"
        outcome.facts = f"{mebibytes} MiB, answered once with 500; the next command with 200"
    return outcome


def endless_pipelining(harness):
    outcome = Outcome("endless pipelining")
    count = harness.scale(1_000_000, 50_000)
    with harness.attack(outcome) as server:
        with Peer(server, "127.11.0.1") as peer:
            writer = threading.Thread(target=write, args=(peer, b"NOOP\r\n" * count), daemon=True)
            began = time.monotonic()
            writer.start()
            try:
                while len(peer.heard) <= count:
                    peer.hear()
            except (Closed, OSError):
                pass  # judged by what was heard
            seconds = time.monotonic() - began
            answered = sum(line.startswith("200 ") for line in peer.heard[1:])
            others = [line for line in peer.heard[1:] if not line.startswith("200 ")]
        if others and not others[0].startswith("421 "):
            outcome.gained = f"a reply to NOOP is {others[0]}"
        outcome.facts = f"{answered} of {count} answered in {seconds:.1f} s, {others or 'in order'}"
    return outcome


def write(peer, data):
    try:
        peer.send(data)
    except OSError:
        pass  # the reader sees the end


ATTACKS = [
    one_byte_a_second, noop_to_stay_alive, handshake_stall, never_reading, endless_line,
    endless_pipelining, silence, silence_beyond_the_limit,
]
