"""curl."""

import re
import subprocess

from urllib.parse import quote

from clients.client import GUESSES, Client, marked, what_came
from clients.working import in_parts, killed_when_begun, names
from host_setup import ADDRESS, PATIENCE, call

CURL_LOGIN_DENIED = 67  # its manual, EXIT CODES
CURL_CANNOT_WRITE = 23
# Far less than a whole file.
BYTES_BEFORE_CUT = 100_000


class Curl(Client):
    name = "curl"
    locked_out = "530 530 530 421"
    # Lines of its configuration besides.
    more = ()
    lacks_with_files = {"tree, both ways": "it takes files one by one"} | {
        ("resumed", "TLS 1.3", case): "it uses a ticket once, and reads no new ones while it uploads: "
                                      "of the uploads of a session only the first resumes"
        for case in ("uploads", "in place of a longer file", "append", "rest of an upload",
                     "odd names", "operations")}

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

    def work(self, session, steps):
        """One curl for all, with one connection where it can; one of its own to give up."""
        return in_parts(
            steps, lambda step: step.verb.startswith("cut"),
            lambda part: self.transfer(session, part), lambda step: self.cut(session, step),
        )

    def transfer(self, session, steps):
        configs = []
        for number, step in enumerate(steps):
            config = [*self.of_step(session, step), f'write-out = "came {number} %{{exitcode}}\\n"']
            configs.append("\n".join([*config, *self.common(session)]))
        done = self.curl("\nnext\n".join(configs))
        codes = dict(re.findall(r"^came (\d+) (\d+)$", done.stdout, re.MULTILINE))
        return [self.result(step, codes.get(str(number), "none"))
                for number, step in enumerate(steps)], done.stdout

    @staticmethod
    def result(step, code):
        if code != "0":
            return f"exit code {code}"
        return names(step.local.read_text().splitlines()) if step.verb == "list" else "ok"

    def cut(self, session, step):
        config = "\n".join([*self.of_step(session, step), *self.common(session)])
        if step.verb == "cut-get":
            # Whoever reads its output goes away.
            shell = f'"$@" | head -c {BYTES_BEFORE_CUT} > "{step.local}"; exit ${{PIPESTATUS[0]}}'
            done = self.curl(config, ["bash", "-c", shell, "bash"])
            return ("ok" if done.returncode == CURL_CANNOT_WRITE
                    else f"exit code {done.returncode}"), done.stdout
        config += '\nlimit-rate = "4M"\n'
        return "ok", killed_when_begun(session, self.command(), config)

    def of_step(self, session, step):
        """Lines of a configuration."""
        verb, remote = step.verb, step.remote
        quotes = {"rename": [f"RNFR {remote}", f"RNTO {step.to}"], "delete": [f"DELE {remote}"],
                  "mkdir": [f"MKD {remote}"], "rmdir": [f"RMD {remote}"]}
        if verb in quotes:
            yield f'url = "{self.url(session, "/")}"'
            yield "head"
            for line in quotes[verb]:
                yield f'quote = {quoted(line)}'
            return
        yield f'url = "{self.url(session, remote + "/" * (verb == "list"))}"'
        if verb in ("put", "put-rest", "append", "cut-put"):
            yield f'upload-file = "{step.local}"'
        elif verb != "cut-get":
            yield f'output = "{step.local}"'
        if verb.endswith("-rest"):
            yield 'continue-at = "-"'
        if verb == "append":
            yield "append"
        if verb == "list":
            yield "list-only"

    @staticmethod
    def url(session, path):
        scheme = "ftps" if session.how == "implicit TLS" else "ftp"
        return f"{scheme}://{session.address}:{session.port}{quote(path)}"

    def common(self, session):
        yield f"user = {quoted(f'{session.user}:{session.password}')}"
        if session.how != "clear":
            yield "ssl-reqd"
            yield f'cacert = "{session.ca}"'
        yield {"1.2": 'tls-max = "1.2"', "1.3": "tlsv1.3", "": ""}[session.tls]
        yield from self.more

    @staticmethod
    def command():
        return ["curl", "--disable", "--config", "-", "--verbose", "--no-progress-meter",
                "--max-time", str(PATIENCE)]

    def curl(self, config, before=()):
        return subprocess.run(
            [*before, *self.command()], input=config, text=True, errors="replace",
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * PATIENCE,
        )


def quoted(text):
    """As its configuration has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
