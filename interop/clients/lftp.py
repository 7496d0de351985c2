"""lftp."""

import os
import subprocess

from clients.client import GUESSES, Client, marked, what_came
from host_setup import ADDRESS, PATIENCE, RUN, call


class Lftp(Client):
    name = "lftp"
    locked_out = "closed after 3 guesses"

    def version(self):
        return call("lftp", "--version").split("Version ")[1].split(" ")[0].rstrip(" |")

    def login(self, security, port, user, password):
        exit_code, said = self.call(security, port, user, password, ["quote PWD"])
        ok = exit_code == 0 and "<--- 230" in said and "<--- 257" in said
        return what_came(ok, "<--- 530" in said, "---> PASS" in said, said), said

    def dialogue(self, said):
        return list(marked(said, "---> ", "<--- "))

    def guess(self, security, port, password):
        """Logs in first: lftp itself never tries twice.

        A 421 makes it drop the 530 that came with it, and connect again. So this counts what it
        sent before that.
        """
        user = self.fixtures.user
        commands = ["set cmd:fail-exit no"]
        commands += [f"quote USER {user}", f"quote PASS {password}"] * GUESSES + ["quote NOOP"]
        _, said = self.call(security, port, user, self.fixtures.password, commands)
        connections = said.split("---- Connecting to")[1:]
        guesses = connections[0].count("---> PASS") - 1 if connections else 0
        end = "closed" if len(connections) > 1 else "open"
        return f"{end} after {guesses} guesses", said

    def call(self, security, port, user, password, commands):
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        script = [
            "set cmd:fail-exit yes", f"set net:timeout {PATIENCE}",
            "set net:max-retries 1", "set net:reconnect-interval-base 1",
            f"set ssl:ca-file {self.fixtures.ca}", "set ssl:verify-certificate yes",
            f"set ftp:ssl-allow {'no' if security == 'clear' else 'yes'}",
            f"set ftp:ssl-force {'no' if security == 'clear' else 'yes'}",
            "debug 9",
            f"open --env-password -u {user} -p {port} {scheme}://{ADDRESS}",
            *commands, "exit",
        ]
        # A home of its own: no settings and no history from outside.
        environment = os.environ | {"LFTP_PASSWORD": password, "LFTP_HOME": str(RUN / "lftp")}
        done = subprocess.run(
            ["lftp", "-f", "/dev/stdin"], input="\n".join(script) + "\n", text=True,
            errors="replace", env=environment, check=False, timeout=2 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout
