"""Two front ends that share what their guards know through Redis: the example `shared_guard`.

A lockout at one holds at the other, the owner elsewhere does not notice, a front end that starts
again knows what it knew, and while Redis is away logins go on.
"""

import contextlib
import ftplib
import os
import re
import secrets
import time

from host_setup import ADDRESS, PATIENCE, RUN, Failure, Server, free_port, our_programs
from table import Cell, Part

USER = "developer"
GUESSER, OTHER_GUESSER, OWNER = "127.0.1.1", "127.0.2.1", "127.0.3.1"
GUESSES = 5  # as many as lock a name at an address there, for five minutes


def run(only=""):
    part = Part()
    if only in "shared_guard":
        part.heading("ftplib", "two front ends with one Redis")
        with contextlib.ExitStack() as stack:
            Scene(str(our_programs() / "shared_guard"), stack, part).play()
    return part


class Scene:
    def __init__(self, example, stack, part):
        self.example, self.stack, self.part = example, stack, part
        self.password, self.store_password = (secrets.token_urlsafe(18) for _ in range(2))
        self.store_port = free_port()
        store = f"redis://:{self.store_password}@{ADDRESS}:{self.store_port}"
        self.environment = os.environ | {
            "GUARD_SEED": secrets.token_hex(16), "GUARD_STORE": store, "FTP_PASSWORD": self.password,
        }
        self.servers = []

    def play(self):
        redis = self.redis("redis")
        first, second = self.front_end("first"), self.front_end("second")
        for number in range(GUESSES):
            self.login(first, f"wrong password {number + 1}", GUESSER, "530", right=False)
        # One more entry of each kind, written after the lockout: who knows these knows that.
        self.login(first, "wrong password of another name", OTHER_GUESSER, "530", "nobody")
        says(second, "knows 8 entries of \"first\"")
        self.login(second, "right password, locked out", GUESSER, "530")
        self.login(second, "right password from elsewhere", OWNER, "230")

        self.cell("stopped", {"exit": 0}, {"exit": redis.stop()})
        says(first, "is away, going on alone")
        says(second, "is away, going on alone")
        self.login(first, "right password without the store", OWNER, "230")
        self.login(second, "locked out without the store", GUESSER, "530")

        self.redis("redis again")
        says(first, "is back")
        says(second, "is back")
        first.stop()
        first = self.front_end("first", "first again")
        says(first, "knows ")
        self.login(first, "locked out after a restart", GUESSER, "530")
        logs = "".join(server.log.read_text() for server in self.servers)
        came = {"passwords in logs": logs.count(self.password) + logs.count(self.store_password)}
        self.cell("logs", {"passwords in logs": 0}, came)

    def redis(self, name):
        folder = RUN / name.replace(" ", "-")
        folder.mkdir()
        settings = folder / "redis.conf"
        settings.write_text(
            f"bind {ADDRESS}\nport {self.store_port}\ndir {folder}\nsave \"\"\nappendonly no\n"
            f"requirepass {self.store_password}\n"
        )
        return Server(self.stack, name, ["redis-server", settings], self.store_port)

    def front_end(self, name, called=None):
        command = [self.example, name, f"{ADDRESS}:0"]
        server = Server(self.stack, f"front end {called or name}", command, env=self.environment)
        self.servers.append(server)
        return server

    def login(self, server, case, source, expected, user=USER, right=True):
        wrong = not right or user != USER
        with ftplib.FTP(source_address=(source, 0), timeout=PATIENCE) as ftp:
            ftp.connect(ADDRESS, server.port)
            try:
                came = ftp.login(user, "wrong" if wrong else self.password)
            except ftplib.error_perm as error:
                came = str(error)
        self.cell(case, {"is": expected}, {"is": came[:3]}, server)

    def cell(self, case, expected, came, server=None):
        details = server.log.read_text() if server else ""
        for secret in (self.password, self.store_password):
            details = details.replace(secret, "****")
        self.part.add(Cell("shared_guard", "clear", case, expected, came, details,
                           side="front ends"))


def says(server, what):
    """Waits until this is in its log."""
    end = time.monotonic() + PATIENCE
    while not re.search(re.escape(what), server.log.read_text()):
        if server.process.poll() is not None or time.monotonic() > end:
            raise Failure(f"{server.name} does not say {what!r}:\n{server.log.read_text()}")
        time.sleep(0.05)
