"""What clients do with the misbehaving servers of `ftp-testkit`: our program, and others beside it.

A client may log in only where our own must; it may fail in whatever words; it should do one of the
two by the time that it was told to wait.
"""

import concurrent.futures
import dataclasses
import json
import os
import subprocess

import host_setup
from clients import Suppaftp
from clients.client import marked
from host_setup import ADDRESS, HERE, VENV

# How long each client is told to wait for a reply, in seconds, where it can be told.
TOLD = 4
# When it is done by then it does not hang.
HANGS_AFTER = 15
AT_A_TIME = 40
IN, ERROR, HANGS, FALSE, CANNOT = "in", "error", "hangs", "FALSE LOGIN", "–"


@dataclasses.dataclass
class Case:
    name: str
    security: str
    may_log_in: bool
    ca: str
    port: int


def run(program, fixtures):
    """For each case, what each client did: {case: {client: word}}. Our own must not hang, and must
    not log in where it may not."""
    suppaftp = Suppaftp(fixtures).program
    servers = host_setup.our_programs() / "examples/faulty_servers"
    command = [servers, fixtures.certificate, fixtures.key]
    clients = {
        "ftp-cli": lambda case: ours(program, case),
        "suppaftp": lambda case: of_suppaftp(suppaftp, case),
        "ftplib": ftplib, "basic-ftp": basic_ftp, "curl": curl, "lftp": lftp,
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as peers:
        lines = iter(peers.stdout.readline, "\n")
        cases = [case for case in (read(line, fixtures) for line in lines) if case]
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            done = {
                (case.name, name): pool.submit(judge, client, case)
                for case in cases for name, client in clients.items()
            }
            words = {case.name: {name: done[case.name, name].result() for name in clients}
                     for case in cases}
        peers.stdin.close()
    wrong = [f"{case}: {came['ftp-cli']}" for case, came in words.items()
             if came["ftp-cli"] in (HANGS, FALSE)]
    if wrong:
        raise host_setup.Failure("with misbehaving servers ftp-cli does what it must not:\n"
                              + "\n".join(wrong))
    return words


def read(line, fixtures):
    """A case; None for those that are about what comes after the login, or about a client that is
    stricter than by default."""
    name, security, login, then, trust, port = line.rstrip("\n").split("\t")
    if then != "leave" or name.endswith("where-strict"):
        return None
    ca = fixtures.ca if trust == "trusted" else fixtures.other_ca
    security = {"clear": "clear"}.get(security, f"{security} TLS")
    return Case(name, security, login == "login", str(ca), int(port))


def judge(client, case):
    try:
        word = client(case)
    except subprocess.TimeoutExpired:
        return HANGS
    return FALSE if word == IN and not case.may_log_in else word


USER, PASSWORD = "developer", "correct horse sentinel"


def said_by(command, stdin, **options):
    done = subprocess.run(
        command, input=stdin, text=True, errors="replace", check=False, timeout=HANGS_AFTER,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options,
    )
    return done.stdout


def in_or_error(is_in):
    return IN if is_in else ERROR


def ours(program, case):
    scheme = "ftps" if case.security == "implicit TLS" else "ftp"
    options = ["--plaintext"] if case.security == "clear" else ["--ca", case.ca]
    done = subprocess.run(
        [program, "login", "--json", "--password-stdin", "--user", USER, "--timeout", str(TOLD),
         *options, f"{scheme}://{ADDRESS}:{case.port}"],
        input=PASSWORD, text=True, check=False, capture_output=True,
        # The login as a whole may take four times as long, and QUIT waits for its answer.
        timeout=HANGS_AFTER + 5 * TOLD,
    )
    try:
        transcript = json.loads(done.stdout)["transcript"]
    except (ValueError, KeyError) as error:
        raise host_setup.Failure(f"{case.name}: {done.stdout}{done.stderr}") from error
    # It says QUIT only after a login; the program does not answer that.
    return in_or_error(any(step["line"] == "QUIT" for step in transcript))


def of_suppaftp(program, case):
    facts = {
        "security": case.security.split()[0], "ca": case.ca, "host": ADDRESS, "port": case.port,
        "user": USER.encode().hex(), "password": PASSWORD.encode().hex(), "then": "leave",
        "timeout": TOLD,
    }
    said = said_by([program], "".join(f"{name} {value}\n" for name, value in facts.items()))
    return in_or_error("logged in\n" in said)


def ftplib(case):
    if case.security == "implicit TLS":
        return CANNOT
    task = {"security": case.security, "ca": case.ca, "host": ADDRESS, "port": case.port, "user": USER,
            "password": PASSWORD, "timeout": TOLD}
    program = [VENV / "bin/python", "-B", HERE / "clients/programs/ftplib_login.py"]
    return in_or_error("logged in\n" in said_by(program, json.dumps(task)))


def basic_ftp(case):
    task = {"security": case.security, "ca": case.ca, "host": ADDRESS, "port": case.port, "user": USER,
            "password": PASSWORD, "timeout": TOLD * 1000, "times": 1, "verbose": False,
            "then": "leave"}
    said = said_by(["node", HERE / "clients/programs/basic_ftp.js"], json.dumps(task))
    return in_or_error("came: logged in\n" in said)


def curl(case):
    scheme = "ftps" if case.security == "implicit TLS" else "ftp"
    config = f'url = "{scheme}://{ADDRESS}:{case.port}/"\nuser = "{USER}:{PASSWORD}"\n'
    command = ["curl", "--disable", "--config", "-", "--verbose", "--silent", "--head",
               "--connect-timeout", str(TOLD), "--max-time", str(TOLD)]
    if case.security != "clear":
        command += ["--ssl-reqd", "--cacert", case.ca]
    # The first thing that it says once it believes to be logged in.
    return in_or_error(("C", "PWD") in marked(said_by(command, config), "> ", "< "))


def lftp(case):
    scheme = "ftps" if case.security == "implicit TLS" else "ftp"
    uses_tls = "no" if case.security == "clear" else "yes"
    script = [
        f"set net:timeout {TOLD}", "set net:max-retries 1", "set net:reconnect-interval-base 1",
        "set ftp:use-feat no", f"set ssl:ca-file {case.ca}", "set ssl:verify-certificate yes",
        f"set ftp:ssl-allow {uses_tls}", f"set ftp:ssl-force {uses_tls}", "set cmd:fail-exit yes",
        "debug 9", f"open --env-password -u {USER} -p {case.port} {scheme}://{ADDRESS}",
        "quote STAT", "exit",
    ]
    environment = os.environ | {"LFTP_PASSWORD": PASSWORD, "LFTP_HOME": str(host_setup.RUN / "lftp")}
    said = said_by(["lftp", "-f", "/dev/stdin"], "\n".join(script) + "\n", env=environment)
    # It sends PWD ahead, together with PASS, but this only once it is logged in.
    return in_or_error(("C", "STAT") in marked(said, "---> ", "<--- "))
