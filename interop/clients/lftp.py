"""lftp."""

import os
import re
import subprocess

from clients.client import GUESSES, Client, marked, what_came
from clients.working import in_parts, killed_when_begun, names
from host_setup import ADDRESS, PATIENCE, RUN, call


class Lftp(Client):
    name = "lftp"
    locked_out = "closed after 3 guesses"
    # Settings besides.
    more = ()
    mirror = "mirror"
    lacks_with_files = {"append": "it has no command for it"}

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

    def work(self, session, steps):
        """All in one session; one of its own to give up an upload."""
        return in_parts(
            steps, lambda step: step.verb == "cut-put",
            lambda part: self.transfer(session, part), lambda step: self.cut(session, step),
        )

    def transfer(self, session, steps):
        commands = ["set cmd:fail-exit no", "set xfer:clobber yes"]
        for number, step in enumerate(steps):
            commands.append(f"{self.of_step(step, session.parallel)} && echo came {number} ok || echo came {number} failed")
        _, said = self.call(session.how, session.port, session.user, session.password, commands,
                            session.tls, session.address)
        results = dict(re.findall(r"^came (\d+) (\w+)$", said, re.MULTILINE))
        came = []
        for number, step in enumerate(steps):
            result = results.get(str(number), "none")
            if step.verb == "list" and result == "ok":
                result = names(step.local.read_text().splitlines())
            # The reader of its output went away: lftp takes that for a success or not, as it likes.
            came.append("ok" if step.verb == "cut-get" and result in ("ok", "failed") else result)
        return came, said

    def cut(self, session, step):
        commands = ["set net:limit-rate 4M", f"put {quoted(step.local)} -o {quoted(step.remote)}"]
        script, environment = self.prepare(session.how, session.port, session.user,
                                           session.password, commands, session.tls,
                                           session.address)
        return "ok", killed_when_begun(session, ["lftp", "-f", "/dev/stdin"], script, env=environment)

    def of_step(self, step, parallel):
        remote, local, to = quoted(step.remote), quoted(str(step.local)), quoted(step.to)
        return {
            "list": f"cls -1 -B {quoted(step.remote + '/')} > {local}",
            "get": f"get {remote} -o {local}", "get-rest": f"get -c {remote} -o {local}",
            "put": f"put {local} -o {remote}", "put-rest": f"put -c {local} -o {remote}",
            "rename": f"mv {remote} {to}", "delete": f"rm {remote}", "mkdir": f"mkdir {remote}",
            "rmdir": f"rmdir {remote}", "cut-get": f"cat {remote} | head -c 100000 > {local}",
            "put-tree": f"{self.mirror} -R -P {parallel} {local} {remote}",
            "get-tree": f"{self.mirror} -P {parallel} {remote} {local}",
        }[step.verb]

    def call(self, security, port, user, password, commands, tls="",
             address=ADDRESS):
        script, environment = self.prepare(security, port, user, password, commands, tls, address)
        done = subprocess.run(
            ["lftp", "-f", "/dev/stdin"], input=script, text=True,
            errors="replace", env=environment, check=False, timeout=2 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout

    def prepare(self, security, port, user, password, commands, tls, address=ADDRESS):
        """What goes to its standard input, and its environment."""
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        script = [
            "set cmd:fail-exit yes", f"set net:timeout {PATIENCE}",
            "set net:max-retries 1", "set net:reconnect-interval-base 1",
            f"set ssl:ca-file {self.fixtures.ca}", "set ssl:verify-certificate yes",
            f"set ftp:ssl-allow {'no' if security == 'clear' else 'yes'}",
            f"set ftp:ssl-force {'no' if security == 'clear' else 'yes'}",
            *([f"set ssl:priority NORMAL:-VERS-ALL:+VERS-TLS{tls}"] if tls else []),
            *self.more, "debug 9",
            f"open --env-password -u {user} -p {port} {scheme}://{address}",
            *commands, "exit",
        ]
        # A home of its own: no settings and no history from outside.
        environment = os.environ | {"LFTP_PASSWORD": password, "LFTP_HOME": str(RUN / "lftp")}
        return "\n".join(script) + "\n", environment


def quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
