"""Attacks that carry bytes where they do not belong: from HTTP into FTP, from clear into TLS."""

import os
import socket
import subprocess
import threading

from harness import Outcome
from host_setup import ADDRESS, PATIENCE
from peer import Peer
from server import OWNER

MARK = "mark-of-the-attacker"


def http_with_ftp_lines(harness):
    """ALPACA: a browser is made to send a form to the FTP server, in clear and under TLS."""
    outcome = Outcome("HTTP POST with FTP lines (ALPACA)")
    told = set()
    for number, options in enumerate(((), ("--implicit",))):
        with harness.attack(outcome, *options) as server:
            lines = f"USER {OWNER}\r\nPASS {server.users.password}\r\nHELP {MARK}\r\n"
            for index, verb in enumerate(("POST", "GET", "PUT", "HEAD", "OPTIONS", "CONNECT")):
                request = (f"{verb} /{MARK} HTTP/1.1\r\nHost: {ADDRESS}\r\n"
                           f"Content-Length: {len(lines)}\r\n\r\n{lines}")
                with Peer(server, f"127.12.{number}.{index + 1}", tls=bool(options)) as peer:
                    peer.send(request.encode())
                    heard = peer.hear_all()[1:]
                told.update(line[:3] for line in heard)
                if any(line[:1] in "23" or MARK in line for line in heard):
                    outcome.gained = f"{verb} got {heard}"
                if len(heard) > 1:
                    outcome.gained = f"{verb} got {len(heard)} replies"
    outcome.facts = f"6 verbs, clear and implicit TLS: one {'/'.join(sorted(told))}, closed"
    return outcome


def injected_into_the_server(harness):
    """Commands in clear around AUTH TLS: none may be executed or remembered."""
    outcome = Outcome("plaintext injected at AUTH: server")
    with harness.attack(outcome) as server:
        login = f"USER {OWNER}\r\nPASS {server.users.password}\r\n"
        for number, (front, behind) in enumerate((
            (f"AUTH TLS\r\n{login}", ""),
            ("AUTH TLS\r\nUS", f"ER {OWNER}\r\n"),
            (f"USER {OWNER}\r\nAUTH TLS\r\nPASS {server.users.password}\r\n", ""),
            ("AUTH TLS\r\n\x16\x03\x01", ""),
            ("AUTH TLS\r\n", login),
        )):
            with Peer(server, f"127.13.{number}.1") as peer:
                peer.send(front.encode())
                if behind:
                    peer.hear()
                    peer.send(behind.encode())
                heard = peer.hear_all()[1:]
            codes = [line[:3] for line in heard]
            # What was said before AUTH is answered, and then forgotten.
            asked = front.partition("AUTH")[0].count("USER")
            if "230" in codes or codes.count("331") > asked:
                outcome.gained = f"{front!r} got {heard}"
        outcome.gained = outcome.gained or forgotten(server)
        outcome.facts = "5 ways, none executed; USER in clear is forgotten under TLS"
    return outcome


def forgotten(server):
    """USER in clear, then TLS, then PASS: what is wrong with the answer."""
    with Peer(server, "127.13.99.1") as peer:
        peer.ask(f"USER {OWNER}")
        peer.ask("AUTH TLS")
        peer.start_tls()
        reply = peer.ask(f"PASS {server.users.password}")
        return "" if reply[:3] == "503" else f"PASS under TLS got {reply}"


def injected_into_the_client(harness):
    """A reply glued to the 234, to the greeting, or to the 234's own line end: `ftp-cli login`
    must end there, without a word of the login. There is no server of ours in this one."""
    outcome = Outcome("plaintext injected at AUTH: client")
    exits = []
    for greeting, answer in (
        (b"220 Ready.\r\n", b"234 Go.\r\n230 You are in.\r\n"),
        (b"220 Ready.\r\n", b"234 Go.\r\n331 Password?\r\n"),
        (b"220 Ready.\r\n", b"234 Go.\r\n2"),
        (b"220 Ready.\r\n230 You are in.\r\n", b"234 Go.\r\n"),
        (b"220 Ready.\r\n", b"234 Go.\r\n\x16\x03\x03\x00\x02"),
        (b"220 Ready.\r\n", b"500 No.\r\n230 You are in.\r\n"),
    ):
        code, heard, output, memory = deceive(harness.program, greeting, answer)
        exits.append(str(code))
        outcome.memory = max(outcome.memory, memory)
        # Behind the AUTH there may be a ClientHello, if what was injected came after it.
        said = heard.replace(b"AUTH TLS\r\n", b"", 1)
        if code == 0 or b"USER" in said or b"PASS" in said or b"sesame" in heard:
            outcome.gained = f"behind {answer!r} the client said {heard!r}, exit code {code}"
        if "sesame" in output:
            outcome.blame("the password is in the output")
    outcome.facts = f"6 ways, no login sent, exit codes {'/'.join(exits)}"
    return outcome


def deceive(program, greeting, answer):
    """Lets the client log in to a server that injects. Gives its exit code, what it sent, what it
    printed, and the most memory it took, in KiB."""
    heard = bytearray()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            connection.sendall(greeting)
            try:
                while more := connection.recv(4096):
                    if not heard:
                        connection.sendall(answer)
                    heard.extend(more)
            except OSError:
                pass  # reset by the client: it has gone, which is what it must do

    with socket.create_server((ADDRESS, 0)) as listener:
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        environment = {name: value for name, value in os.environ.items() if name != "FTP_PASSWORD"}
        command = [program, "login", "--user", OWNER, "--password-stdin", "--json",
                   f"ftp://{ADDRESS}:{listener.getsockname()[1]}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env=environment)
        process.stdin.write("sesame\n")
        process.stdin.close()
        with process.stdout:
            output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        thread.join(PATIENCE)
    return process.returncode, bytes(heard), output, usage.ru_maxrss


ATTACKS = [http_with_ftp_lines, injected_into_the_server, injected_into_the_client]
