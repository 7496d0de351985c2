"""`ftp-login login` against pyftpdlib and vsftpd: every login, and how it must end."""

import hashlib
import json
import os
import ssl
import subprocess

import machine
import servers
from machine import ADDRESS, PATIENCE

LOGGED_IN = {"exit": 0, "outcome": "logged_in", "phase": "ready", "code": 230}
CLEAR = LOGGED_IN | {"by": "password", "tls": "none", "data": "clear"}
PRIVATE = LOGGED_IN | {"by": "password", "tls": "yes", "data": "private"}
REFUSED = {"exit": 3, "outcome": "refused"}
WRONG_PASSWORD = REFUSED | {"phase": "password", "code": 530}
TLS_FAILED = {"exit": 6, "outcome": "tls_failed", "phase": "security", "code": None}

# What the two answer where they differ.
USER_IN_CLEAR_WHERE_TLS_IS_DEMANDED = {"pyftpdlib": 550, "vsftpd": 530}
AUTH_WHERE_THERE_IS_NO_TLS = {"pyftpdlib": 500, "vsftpd": 530}


def run(program, workshop, stack, table):
    for kind, start in (("pyftpdlib", servers.pyftpdlib), ("vsftpd", servers.vsftpd)):
        table.heading("ftp-login login", kind)

        def trial(security, start=start):
            return Trial(program, workshop, table, start(workshop, stack, security).port)

        offered(trial("optional"))
        demanded(trial("required"), kind)
        absent(trial("plain"), kind)
        if kind == "vsftpd":  # pyftpdlib has no implicit TLS
            implicit(trial("implicit"))

    table.heading("ftp-login login", "a port where nobody listens")
    nobody = Trial(program, workshop, table, machine.free_port())
    nobody.login("clear", "connection refused", {"exit": 4, "phase": "connect", "code": None},
                 ["--plaintext"])


def offered(trial):
    """A server that takes logins in clear and under TLS."""
    ca = ["--ca", trial.workshop.ca]
    for security, options, end in (
        ("clear", ["--plaintext"], CLEAR),
        ("explicit TLS", ca, PRIVATE),
    ):
        trial.login(security, "right password", end, options)
        trial.login(security, "right password by FTP_PASSWORD", end, options, by_environment=True)
        trial.login(security, "wrong password", WRONG_PASSWORD, options, right=False)
        trial.login(security, "unknown user", WRONG_PASSWORD, options, user="nobody-of-that-name")
        trial.login(security, "--then PWD", end | {"then": [257]}, [*options, "--then", "PWD"])
        trial.login(security, "anonymous", end, options, user=None)

    trial.login("explicit TLS", "--pipeline", PRIVATE, [*ca, "--pipeline"])
    trial.login("explicit TLS", "certificate of another CA", TLS_FAILED,
                ["--ca", trial.workshop.other_ca])
    trial.login("explicit TLS", "certificate of no known CA", TLS_FAILED, [])
    trial.login("explicit TLS", "certificate for another name", TLS_FAILED, ca, host="localhost")
    trial.login("explicit TLS", "any certificate, dangerously", PRIVATE,
                ["--danger-accept-any-cert"])


def demanded(trial, kind):
    """A server that wants TLS."""
    code = USER_IN_CLEAR_WHERE_TLS_IS_DEMANDED[kind]
    trial.login("clear", "where TLS is demanded", REFUSED | {"phase": "user", "code": code},
                ["--plaintext"])
    trial.login("explicit TLS", "where TLS is demanded", PRIVATE, ["--ca", trial.workshop.ca])


def absent(trial, kind):
    """A server without TLS: no login in clear that was not asked for."""
    code = AUTH_WHERE_THERE_IS_NO_TLS[kind]
    trial.login("explicit TLS", "where there is no TLS",
                REFUSED | {"phase": "security", "code": code}, ["--ca", trial.workshop.ca])
    trial.login("clear", "where there is no TLS", CLEAR, ["--plaintext"])


def implicit(trial):
    """TLS from the first byte."""
    ca = ["--ca", trial.workshop.ca]
    trial.login("implicit TLS", "right password", PRIVATE, ca, scheme="ftps")
    trial.login("implicit TLS", "wrong password", WRONG_PASSWORD, ca, scheme="ftps", right=False)


class Trial:
    """Runs the program against one server and holds its report against what must come."""

    def __init__(self, program, workshop, table, port):
        self.program, self.workshop, self.table, self.port = program, workshop, table, port

    def login(self, security, case, expected, options, *, user="", right=True, scheme="ftp",
              host=ADDRESS, by_environment=False):
        """One login. `user`: "" the one with a password, None for anonymous."""
        password = self.workshop.password if right else self.workshop.wrong_password
        environment = {name: value for name, value in os.environ.items() if name != "FTP_PASSWORD"}
        environment["HOME"] = str(machine.RUN)  # no ~/.netrc from outside
        command = [self.program, "login", "--json", *options]
        if user is not None:
            command += ["--user", user or self.workshop.user]
            if by_environment:
                environment["FTP_PASSWORD"] = password
            else:
                command.append("--password-stdin")
        command.append(f"{scheme}://{host}:{self.port}")
        uses_stdin = "--password-stdin" in command
        done = subprocess.run(
            command, input=f"{password}\n" if uses_stdin else "", env=environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )
        came = self.report(done, password)
        details = self.workshop.mask(done.stdout + done.stderr)
        self.table.cell(security, case, expected, pick(came, expected), details)

    def report(self, done, password):
        """What came of it, in the words that expectations use."""
        came = {"exit": done.returncode}
        if password in done.stdout or password in done.stderr:
            came["leak"] = "the password is in the output"
        try:
            told = json.loads(done.stdout)
        except ValueError:
            return came | {"output": "is not one JSON object"}
        came |= {name: told.get(name, "missing") for name in ("outcome", "phase", "code")}
        came["by"] = told.get("logged_in_by", "missing")
        came["data"] = told.get("protection", "missing")
        came["tls"] = self.tls(told.get("tls", "missing"))
        came["then"] = [reply.get("code") for reply in told.get("replies") or []]
        return came

    def tls(self, told):
        """Says "yes" if it is TLS with exactly our server's certificate."""
        if told is None:
            return "none"
        certificate = ssl.PEM_cert_to_DER_cert(self.workshop.certificate.read_text())
        fingerprint = hashlib.sha256(certificate).hexdigest()
        whole = isinstance(told, dict) and told.get("version") and told.get("cipher_suite")
        if whole and fingerprint in json.dumps(told).replace(":", "").lower():
            return "yes"
        return f"reported as {json.dumps(told)}"


def pick(came, expected):
    """The facts that the expectation is about; faults are always among them."""
    return {name: value for name, value in came.items() if name in expected | FAULTS}


FAULTS = {"leak": None, "output": None}
