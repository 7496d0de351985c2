"""curl, ftplib and lftp logging in to `ftp-login serve`: every login, and how it must end."""

import ftplib
import subprocess

import clients
from machine import ADDRESS, PATIENCE, RUN, Server

NOBODY = "nobody-of-that-name"


def run(program, workshop, stack, table):
    users = users_file(program, workshop)

    def serve(name, *options):
        command = [program, "serve", "--listen", f"{ADDRESS}:0", "--users", users,
                   "--cert", workshop.certificate, "--key", workshop.key, *options]
        return Server(stack, f"ftp-login serve {name}", command)

    # All clients come from one address, and each login must end by its own merits.
    unguarded = "--danger-no-guard"
    optional = serve("optional", "--anonymous", unguarded)
    required = serve("required", "--require-tls", unguarded)
    implicit = serve("implicit", "--implicit", unguarded)
    guarded = serve("guarded")

    for client in (clients.Curl(workshop), clients.Ftplib(workshop), clients.Lftp(workshop)):
        table.heading(client.name, "ftp-login serve")
        trial = Trial(client, workshop, table)
        trial.logins("clear", optional.port)
        trial.login("clear", "anonymous", optional.port, clients.LOGGED_IN, user="anonymous")
        trial.login("clear", "where TLS is demanded", required.port, clients.REFUSED_BEFORE_PASS)
        trial.login("explicit TLS", "where TLS is offered", optional.port, clients.LOGGED_IN)
        trial.logins("explicit TLS", required.port)
        if client.knows_implicit_tls:
            trial.logins("implicit TLS", implicit.port)

    table.heading("curl", "ftp-login serve as it is by default")
    locks_out(Trial(clients.Curl(workshop), workshop, table), guarded)

    table.heading("SIGTERM", "ftp-login serve")
    for server in (optional, required, implicit, guarded):
        stops_cleanly(server, workshop, table)


def locks_out(trial, server):
    """After five wrong passwords the right one is refused, and the log says why."""
    for number in range(5):
        trial.login("explicit TLS", f"wrong password, connection {number + 1}", server.port,
                    clients.REFUSED, right=False)
    trial.login("explicit TLS", "right password, locked out", server.port, clients.REFUSED)
    log = server.log.read_text()
    expected = {"lockout begins": 1, "locked out, answered like a wrong password": 1}
    came = {message: log.count(message) for message in expected}
    trial.cell("explicit TLS", "what the log says", expected, came, log)


class Trial:
    """Lets one client log in, and holds what came of it against what must come."""

    def __init__(self, client, workshop, table):
        self.client, self.workshop, self.table = client, workshop, table

    def logins(self, security, port):
        self.login(security, "right password", port, clients.LOGGED_IN)
        self.login(security, "wrong password", port, clients.REFUSED, right=False)
        self.login(security, "unknown user", port, clients.REFUSED, user=NOBODY)
        came, details = self.client.guess(security, port, self.workshop.wrong_password)
        self.cell(security, "wrong password, again and again",
                  {"replies": self.client.locked_out}, {"replies": came}, details)

    def login(self, security, case, port, expected, *, user=None, right=True):
        password = self.workshop.password if right else self.workshop.wrong_password
        came, details = self.client.login(security, port, user or self.workshop.user, password)
        self.cell(security, case, {"is": expected}, {"is": came}, details)

    def cell(self, security, case, expected, came, details):
        self.table.cell(security, case, expected, came, self.workshop.mask(details))


def users_file(program, workshop):
    """One user with the hash that `ftp-login hash` makes of the password."""
    hashed = subprocess.run(
        [program, "hash"], input=f"{workshop.password}\n", text=True, check=True,
        stdout=subprocess.PIPE, timeout=PATIENCE,
    )
    file = RUN / "users"
    file.write_text(f"{workshop.user}:{hashed.stdout.strip()}\n")
    return file


def stops_cleanly(server, workshop, table):
    """421 to whoever is there, exit code 0, and no password in the log."""
    with ftplib.FTP() as guest:
        if not server.name.endswith("implicit"):  # ftplib has no implicit TLS
            guest.connect(ADDRESS, server.port, timeout=PATIENCE)
        came = {"exit": server.stop()}
        if guest.sock:
            came["guest gets"] = farewell(guest)
    log = server.log.read_text()
    secrets = (workshop.password, workshop.wrong_password)
    came["passwords in its log"] = sum(log.count(secret) for secret in secrets)
    expected = {name: 0 for name in came} | ({"guest gets": "421"} if "guest gets" in came else {})
    table.cell(server.name.split()[-1], "stops", expected, came, workshop.mask(log))


def farewell(guest):
    try:
        return guest.getresp()
    except ftplib.Error as reply:
        return str(reply)[:3]
    except (EOFError, OSError) as error:
        return repr(error)
