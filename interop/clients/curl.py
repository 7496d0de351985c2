"""curl."""

import re
import subprocess

from clients.client import GUESSES, Client, marked, what_came
from host_setup import ADDRESS, PATIENCE, call

CURL_LOGIN_DENIED = 67  # its manual, EXIT CODES


class Curl(Client):
    name = "curl"
    locked_out = "530 530 530 421"

    def version(self):
        return call("curl", "--version").split()[1]

    def login(self, security, port, user, password):
        exit_code, said = self.call(security, port, user, password, ["PWD"])
        ok = exit_code == 0 and "< 230" in said and "< 257" in said
        # Under TLS nothing may have been sent before it, and the name is part of that.
        if security == "explicit TLS" and not 0 <= said.find("> AUTH") < said.find("> USER"):
            return "sent USER in clear", said
        return what_came(ok, exit_code == CURL_LOGIN_DENIED, "> PASS" in said, said), said

    def dialogue(self, said):
        return list(marked(said, "> ", "< "))

    def guess(self, security, port, password):
        """Logs in first: curl itself never tries twice. The star: go on after a refusal."""
        user = self.fixtures.user
        guesses = [f"*USER {user}", f"*PASS {password}"] * GUESSES + ["NOOP"]
        _, said = self.call(security, port, user, self.fixtures.password, guesses)
        return " ".join(re.findall(r"^< (530|421)", said, re.MULTILINE)), said

    def call(self, security, port, user, password, quotes):
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        quoted = password.replace("\\", "\\\\").replace('"', '\\"')
        config = [f'url = "{scheme}://{ADDRESS}:{port}/"', f'user = "{user}:{quoted}"']
        config += [f'quote = "{quote}"' for quote in quotes]
        command = ["curl", "--disable", "--config", "-", "--verbose", "--silent", "--show-error",
                   "--head", "--max-time", str(PATIENCE)]
        if security != "clear":
            command += ["--ssl-reqd", "--cacert", self.fixtures.ca]
        done = subprocess.run(
            command, input="\n".join(config), text=True, errors="replace", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * PATIENCE,
        )
        dialogue = re.sub(r"^([{}] \[|\* TLSv).*\n", "", done.stdout, flags=re.MULTILINE)
        return done.returncode, dialogue
