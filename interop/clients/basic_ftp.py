"""basic-ftp (npm), in `programs/basic_ftp.js`."""

import json
import subprocess

import host_setup
from clients.client import GUESSES, Client, what_came
from clients.working import Program
from host_setup import ADDRESS, HERE, PATIENCE


class BasicFtp(Client):
    name = "basic-ftp"
    locked_out = "530 530 530 closed"

    def version(self):
        return host_setup.npm_version("basic-ftp")

    def login(self, security, port, user, password):
        told, said = self.call(security, port, user, password, 1)
        (came,) = told or ["nothing"]
        return what_came(came == "logged in", came == "530", "PASS" in said, said), said

    def guess(self, security, port, password):
        told, said = self.call(security, port, self.fixtures.user, password, GUESSES + 1)
        return " ".join(told), said

    def call(self, security, port, user, password, times):
        """What came of each try, and what it says with its log on."""
        done = subprocess.run(
            ["node", HERE / "clients/programs/basic_ftp.js"],
            input=json.dumps({
                "host": ADDRESS, "port": port, "user": user, "password": password,
                "security": security, "ca": str(self.fixtures.ca), "times": times,
                "timeout": PATIENCE * 1000,
            }),
            text=True, errors="replace", check=False, timeout=2 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        told = [line.removeprefix("came: ") for line in done.stdout.splitlines()
                if line.startswith("came: ")]
        return told, done.stdout

    def work(self, session, steps):
        return Program("node", HERE / "clients/programs/basic_ftp_files.js").work(session, steps)
