"""Real clients logging in to `ftp-cli serve`: every login, and how it must end."""

import concurrent.futures
import contextlib
import ftplib

from clients import CLIENTS
from clients.client import LOGGED_IN, REFUSED, REFUSED_BEFORE_PASS
from host_setup import ADDRESS, PATIENCE
from servers import Ours
from table import Cell, Part
from capture import Tap

# Most of the time is that of the server's answers to wrong passwords.
CLIENTS_AT_A_TIME = 8
NOBODY = "nobody-of-that-name"


def run(fixtures, only=""):
    part = Part()
    clients = [client for client in CLIENTS if only in client.name]
    if not clients:
        return part
    with contextlib.ExitStack() as stack:
        ours = Ours(fixtures, stack)
        servers = {variant: ours.start(variant)
                   for variant in ("optional", "required", "implicit", "greeting")}
        ports = {variant: server.port for variant, server in servers.items()}
        trials = [Trial(client(fixtures), fixtures) for client in clients]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS_AT_A_TIME) as pool:
            for trial, _ in zip(trials, pool.map(lambda trial: trial.all(ports), trials)):
                part.heading(trial.client.name, ours.name)
                for cell in trial.cells:
                    part.add(cell)
        part.heading("SIGTERM", ours.name)
        for variant, server in servers.items():
            part.add(stops_cleanly(variant, server, fixtures))
    return part


class Trial:
    """Lets one client log in, and holds what came of it against what must come."""

    def __init__(self, client, fixtures):
        self.client, self.fixtures = client, fixtures
        self.version = client.version()
        self.cells = []

    def all(self, ports):
        has_explicit = "explicit TLS" in self.client.securities
        self.logins("clear", ports["optional"])
        self.login("clear", "anonymous", ports["optional"], user="anonymous")
        self.login("clear", "where TLS is demanded", ports["required"], REFUSED_BEFORE_PASS)
        self.login("clear", "greeting of 20 lines", ports["greeting"])
        if has_explicit:
            self.login("explicit TLS", "where TLS is offered", ports["optional"])
            self.logins("explicit TLS", ports["required"])
            self.login("explicit TLS", "greeting of 20 lines", ports["greeting"])
        if "implicit TLS" in self.client.securities:
            self.logins("implicit TLS", ports["implicit"])

    def logins(self, security, port):
        self.login(security, "right password", port)
        self.login(security, "wrong password", port, REFUSED, right=False)
        self.login(security, "unknown user", port, REFUSED, user=NOBODY)
        for kind in self.client.passwords:
            self.login(security, f"password: {kind}", port, kind=kind)
        if self.client.locked_out:
            wrong = self.fixtures.wrong_password.decode()
            with Tap(port) as tap:
                came, details = self.client.guess(security, tap.port, wrong)
                dialogue = tap.first() if security == "clear" else ()
            self.cell(security, "wrong password, again and again", self.client.locked_out, came,
                      details, dialogue)

    def login(self, security, case, port, expected=LOGGED_IN, *, user=None, right=True,
              kind="plain"):
        one = self.fixtures.users[kind]
        password = one.password if right else self.fixtures.wrong_password
        with Tap(port) as tap:
            came, details = self.client.login(
                security, tap.port, user or one.name, password.decode()
            )
            dialogue = tap.first() if security == "clear" else self.told(security, details, right)
        self.cell(security, case, expected, came, details, dialogue)

    def told(self, security, said, right):
        """What was said under TLS, by the client's own account."""
        wrong = self.fixtures.wrong_password.decode()
        dialogue = [("tls", "")] if security == "implicit TLS" else []
        for direction, line in self.client.dialogue(said):
            if direction == "C" and line.startswith("PASS ") and not right:
                line = f"PASS {wrong}"
            dialogue.append((direction, line))
            if direction == "S" and line.startswith("234 "):
                dialogue.append(("tls", ""))
        return dialogue if len(dialogue) > 1 else []

    def cell(self, security, case, expected, came, details, dialogue=()):
        self.cells.append(Cell(
            self.client.name, security, case, {"is": expected}, {"is": came},
            self.fixtures.mask(details), version=self.version, side="clients",
            dialogue=list(dialogue),
        ))


def stops_cleanly(variant, server, fixtures):
    """421 to whoever is there, exit code 0, and no password in the log."""
    with ftplib.FTP() as client:
        if variant != "implicit":  # ftplib has no implicit TLS
            client.connect(ADDRESS, server.port, timeout=PATIENCE)
        came = {"exit": server.stop()}
        if client.sock:
            came["client gets"] = farewell(client)
    log = server.log.read_text()
    came["passwords in its log"] = fixtures.mask(log).count("****")
    expected = {name: 0 for name in came} | ({"client gets": "421"} if "client gets" in came else {})
    return Cell("SIGTERM", variant, "stops", expected, came, fixtures.mask(log))


def farewell(client):
    try:
        return client.getresp()
    except ftplib.Error as reply:
        return str(reply)[:3]
    except (EOFError, OSError) as error:
        return repr(error)
