"""`ftp-cli login` against real servers: every login, and how it must end."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading

import host_setup
import probing
from host_setup import ADDRESS, PATIENCE, call
from servers import KINDS
from servers.kind import (
    CLEAR, PRIVATE, REFUSED, TLS_FAILED, UNAVAILABLE, WRONG_PASSWORD,
)
from table import Cell, Part

# Several kinds of servers at a time: most of the time is theirs, and is waited for.
KINDS_AT_A_TIME = 4


def runtimes(program):
    """The runtimes that the program can be told to use."""
    found = re.search(r"--runtime.*?\[possible\s+values:\s+([^\]]+)\]",
                      call(program, "login", "-h"), re.DOTALL)
    return [name.strip() for name in found[1].split(",")] if found else ["tokio"]


def run(program, fixtures, only=""):
    part = Part()
    probes = probing.build(runtimes(program))
    kinds = [kind for kind in KINDS if only in kind.name]
    with concurrent.futures.ThreadPoolExecutor(KINDS_AT_A_TIME) as pool:
        trials = [pool.submit(try_kind, kind, program, fixtures, probes) for kind in kinds]
        for kind, trial in zip(kinds, trials):
            cells = trial.result()
            part.heading("ftp-cli login", kind.name)
            for cell in cells:
                part.add(cell)
    return part


def try_kind(kind, program, fixtures, probes):
    """All cells of one kind of server."""
    with contextlib.ExitStack() as stack:
        trial = Trial(program, fixtures, kind(fixtures, stack), probes)
        idle = threading.Thread(target=trial.idle)  # it takes its time
        if "idle" in kind.variants:
            idle.start()
            stack.callback(idle.join)
        for variant in kind.variants:
            if variant != "idle":
                trial.port = trial.kind.start(variant).port
                VARIANTS[variant](trial)
        if idle.ident:
            idle.join()
        return trial.cells


def optional(trial):
    """A server that takes logins in clear and under TLS."""
    ca = ["--ca", trial.fixtures.ca]
    for security, options, end in (
        ("clear", ["--plaintext"], CLEAR),
        ("explicit TLS", ca, PRIVATE),
    ):
        basics(trial, security, options, end)
    trial.login("explicit TLS", "--pipeline", PRIVATE, [*ca, "--pipeline"])
    trial.login("explicit TLS", "AUTH SSL allowed", PRIVATE, [*ca, "--auth-ssl-fallback"])
    trial.login("explicit TLS", "HOST", PRIVATE, [*ca, "--host", "ftp.example.com"])
    trial.login("explicit TLS", "certificate of another CA", TLS_FAILED,
                ["--ca", trial.fixtures.other_ca])
    trial.login("explicit TLS", "certificate of no known CA", TLS_FAILED, [])
    trial.login("explicit TLS", "certificate for another name", TLS_FAILED, ca, host="localhost")
    trial.login("explicit TLS", "any certificate, dangerously", PRIVATE,
                ["--danger-accept-any-cert"])
    trial.rein("explicit TLS")
    trial.ccc()


def basics(trial, security, options, end, scheme="ftp"):
    """What every server must do, however the connection is protected."""
    login = trial.login
    login(security, "right password", end, options, scheme=scheme)
    login(security, "wrong password", WRONG_PASSWORD, options, scheme=scheme, right=False)
    login(security, "unknown user", WRONG_PASSWORD, options, scheme=scheme, user="nobody-there")
    trial.three_times(security, end, options, scheme)
    login(security, "--then PWD", end | {"then": [257]}, [*options, "--then", "PWD"],
          scheme=scheme)
    login(security, "anonymous", end, options, scheme=scheme, user=None)
    for kind in ("spaced", "utf-8", "percent", "0xff"):
        login(security, f"password: {kind}", end, options, scheme=scheme, kind=kind)


def required(trial):
    """A server that wants TLS."""
    trial.login("clear", "where TLS is demanded", REFUSED | {"phase": "user", "code": 530},
                ["--plaintext"])
    trial.login("explicit TLS", "where TLS is demanded", PRIVATE, ["--ca", trial.fixtures.ca])


def plain(trial):
    """A server without TLS: no login in clear that was not asked for."""
    ca = ["--ca", trial.fixtures.ca]
    refused = REFUSED | {"phase": "security", "code": 502}
    trial.login("explicit TLS", "where there is no TLS", refused, ca)
    trial.login("explicit TLS", "where there is no TLS, AUTH SSL", refused,
                [*ca, "--auth-ssl-fallback"])
    if "optional" not in trial.kind.variants:
        basics(trial, "clear", ["--plaintext"], CLEAR)
    trial.login("clear", "HOST", CLEAR, ["--plaintext", "--host", "ftp.example.com"])
    trial.rein("clear")


def implicit(trial):
    """TLS from the first byte."""
    basics(trial, "implicit TLS", ["--ca", trial.fixtures.ca], PRIVATE, scheme="ftps")


def version(number):
    def of(trial):
        """A server that knows one version of TLS."""
        security = trial.kind.tls_security
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        trial.login(security, f"TLS {number} alone", PRIVATE | {"version": f"TLS {number}"},
                    ["--ca", trial.fixtures.ca], scheme=scheme)
    return of


def certificate(trial):
    """A server that wants a certificate of the client."""
    fixtures = trial.fixtures
    ca = ["--ca", fixtures.ca]
    trial.login("explicit TLS", "client certificate", PRIVATE,
                [*ca, "--client-cert", fixtures.client_certificate,
                 "--client-key", fixtures.client_key])
    trial.login("explicit TLS", "client certificate missing", TLS_FAILED, ca)


def greeting(trial):
    """A server that greets at length."""
    trial.login("clear", "greeting of 20 lines", CLEAR | {"greets": "at length"}, ["--plaintext"])


def full(trial):
    """A server that has a client already, and wants no other."""
    security, options, scheme = "clear", ["--plaintext"], "ftp"
    with socket.create_connection((ADDRESS, trial.port), PATIENCE) as first:
        first.settimeout(PATIENCE)
        first.recv(1)  # it is being served
        trial.login(security, "too many clients", UNAVAILABLE | {"phase": "greeting"}, options,
                    scheme=scheme)


VARIANTS = {
    "optional": optional, "required": required, "plain": plain, "implicit": implicit,
    "tls12": version("1.2"), "tls13": version("1.3"), "certificate": certificate,
    "greeting": greeting, "full": full,
}


class Trial:
    """Runs the program against one kind of server and holds its report against what must come."""

    def __init__(self, program, fixtures, kind, probes):
        self.program, self.fixtures, self.kind, self.probes = program, fixtures, kind, probes
        self.runtimes = runtimes(program)
        self.version = kind.version()
        self.port = None
        self.cells = []

    def login(self, security, case, default, options, **how):
        """One login through each runtime."""
        expected, why = self.kind.expected(security, case, default)
        ends = self.of_each(lambda runtime: self.attempt(runtime, options, **how))
        for runtime, (came, details, dialogue) in ends.items():
            self.cells.append(Cell(
                self.kind.name, security, case, expected, pick(came, expected), details, why,
                runtime, self.version, dialogue=self.told(dialogue, how.get("right", True)),
            ))

    def three_times(self, security, default, options, scheme):
        """Wrong three times and then right: each is a login by itself, on a connection of its own.
        No client of ours guesses on, and none is locked out by being refused."""
        case = "wrong three times, then right"
        expected, why = self.kind.expected(security, case, {"exits": "3 3 3 0"})
        all_ends = self.of_each(lambda runtime: [
            self.attempt(runtime, options, scheme=scheme, right=right)
            for right in (False, False, False, True)])
        for runtime, ends in all_ends.items():
            came = {"exits": " ".join(str(end["exit"]) for end, _, _ in ends)}
            details = "\n".join(details for _, details, _ in ends)
            self.cells.append(Cell(self.kind.name, security, case, expected, came, details, why,
                                   runtime, self.version))

    def of_each(self, end):
        """What this gives for each runtime, all at a time: who says a wrong password has to wait, and who says
        nothing has to wait longer."""
        with concurrent.futures.ThreadPoolExecutor(len(self.runtimes)) as pool:
            return dict(zip(self.runtimes, pool.map(end, self.runtimes)))

    def told(self, dialogue, right):
        """With the wrong password where it was masked."""
        masked = f"PASS {self.fixtures.wrong_password.decode()}"
        return [(direction, masked if line == "PASS ****" and not right else line)
                for direction, line in dialogue]

    def attempt(self, runtime, options, *, user="", right=True, scheme="ftp", host=ADDRESS,
                kind="plain"):
        """One login. `user`: "" the one with this kind of password, None for anonymous."""
        of_kind = self.fixtures.users[kind]
        password = of_kind.password if right else self.fixtures.wrong_password
        environment = {name: value for name, value in os.environ.items() if name != "FTP_PASSWORD"}
        environment["HOME"] = str(host_setup.RUN)  # no ~/.netrc from outside
        command = [self.program, "login", "--json", *options]
        if len(self.runtimes) > 1:
            command += ["--runtime", runtime]
        if user is not None:
            command += ["--user", user or of_kind.name, "--password-stdin"]
        command.append(f"{scheme}://{host}:{self.port}")
        done = subprocess.run(
            command, input=password + b"\n" if user is not None else b"", env=environment,
            capture_output=True, timeout=2 * PATIENCE, check=False,
        )
        return self.report(done, password)

    def report(self, done, password):
        """What came of it, in the words that expectations use."""
        output = (done.stdout + done.stderr).decode(errors="replace")
        came = {"exit": done.returncode}
        if password in done.stdout + done.stderr or password.decode(errors="replace") in output:
            came["leak"] = "the password is in the output"
        try:
            told = json.loads(done.stdout)
        except ValueError:
            return came | {"output": "is not one JSON object"}, self.fixtures.mask(output), []
        came |= {name: told.get(name, "missing") for name in ("outcome", "phase", "code")}
        came["by"] = told.get("logged_in_by", "missing")
        came["data"] = told.get("protection", "missing")
        came["tls"] = self.tls(told.get("tls", "missing"))
        came["version"] = (told.get("tls") or {}).get("version")
        came["then"] = [reply.get("code") for reply in told.get("replies") or []]
        dialogue = [(step["dir"], step["line"]) for step in told.get("transcript") or []]
        came["greets"] = "at length" if is_long(dialogue) else "shortly"
        return came, self.fixtures.mask(output), dialogue

    def tls(self, told):
        """Says "yes" if it is TLS with exactly our server's certificate."""
        if told is None:
            return "none"
        certificate = ssl.PEM_cert_to_DER_cert(self.fixtures.certificate.read_text())
        fingerprint = hashlib.sha256(certificate).hexdigest()
        whole = isinstance(told, dict) and told.get("version") and told.get("cipher_suite")
        if whole and fingerprint in json.dumps(told).replace(":", "").lower():
            return "yes"
        return f"reported as {json.dumps(told)}"

    # What the program has no option for is done by the probes, one for each runtime.

    def rein(self, security):
        """`REIN`, and a login as another."""
        other = self.fixtures.users["spaced"]
        steps = [probing.rein(other), "command PWD", "quit"]
        self.probe(security, "REIN", steps, "LoggedIn Reinitialized 257 Left")

    def ccc(self):
        """Back to clear text after the login."""
        self.probe("explicit TLS", "CCC", ["ccc", "command PWD", "quit"],
                   "LoggedIn Clear 257 Left")

    def idle(self):
        """A server that loses patience says so."""
        port = self.kind.start("idle").port
        self.probe("clear", "idle too long", ["wait"], "LoggedIn 421", port)

    def probe(self, security, case, steps, default, port=None):
        expected, why = self.kind.expected(security, case, {"is": default})
        ends = self.of_each(lambda runtime: probing.run(
            self.probes[runtime], self.fixtures, security, port or self.port, steps))
        for runtime, (came, trace) in ends.items():
            self.cells.append(Cell(self.kind.name, security, case, expected,
                                   {"is": " ".join(came)}, trace, why, runtime, self.version))


def is_long(dialogue):
    """Whether the first reply has many lines."""
    lines = []
    for direction, line in dialogue:
        if direction != "received":
            break
        lines.append(line)
    return len("\n".join(lines).splitlines()) > 3


def pick(came, expected):
    """The facts that the expectation is about; faults are always among them."""
    return {name: value for name, value in came.items() if name in expected | FAULTS}


FAULTS = {"leak": None, "output": None}
