"""tnftp, ncftp and wget with files: what each is told, and what came of it."""

import html
import os
import re
import shutil
import signal
import subprocess
import time
from urllib.parse import quote

import host_setup
from clients.working import in_parts, killed_when_begun, names
from host_setup import ADDRESS, PATIENCE, RUN

# It takes so many bytes in a second, and then waits.
BEFORE_CUT = 100_000


def home(name):
    folder = RUN / f"{name}-home"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def run(command, script, folder, environment=None, **options):
    return subprocess.run(
        command, input=script, text=True, errors="replace", check=False, timeout=2 * PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment or host_setup.with_libraries(HOME=str(folder)), **options,
    )


class TnftpFiles:
    """All steps in one session, from a script; what came of each is between two lines of its own. With a signal
    it gives a transfer up, as with Ctrl-C: by Telnet's Interrupt Process, urgent, and ABOR."""

    CODES = {"get": 226, "get-rest": 226, "put": 226, "put-rest": 226, "append": 226, "rename": 250,
             "delete": 250, "mkdir": 257, "rmdir": 250, "list": 226, "get-matching": 226}

    def __init__(self, binary):
        self.binary = binary

    def work(self, session, steps):
        return in_parts(
            steps, lambda step: step.verb.startswith("cut"),
            lambda part: self.together(session, part), lambda step: self.cut(session, step),
        )

    def begin(self, session):
        folder = session.folder
        netrc = folder / "netrc"
        netrc.touch(mode=0o600)
        netrc.write_text(
            f"machine {ADDRESS} login {session.user} password {session.password}\n")
        return [self.binary, "-i", "-v", "-N", netrc, "-P", str(session.port), ADDRESS]

    def together(self, session, steps):
        script = ["binary"]
        for step in steps:
            script += ["!echo step", self.line(step)]
        done = run(self.begin(session), "\n".join([*script, "quit", ""]), session.folder)
        came = []
        for step, said in zip(steps, done.stdout.split("step\n")[1:]):
            code = self.CODES[step.verb]
            word = "ok" if re.search(rf"^{code} ", said, re.MULTILINE) else "refused"
            if word == "ok" and step.verb == "list":
                word = names(step.local.read_text().splitlines())
            came.append(word)
        return came, done.stdout

    def line(self, step):
        remote, local, to = quoted(step.remote), quoted(step.local), quoted(step.to)
        folder, _, pattern = step.remote.rpartition("/")
        return {
            "get": f"get {remote} {local}", "put": f"put {local} {remote}",
            "append": f"append {local} {remote}", "list": f"nlist {remote} {local}",
            "get-rest": f"restart {step.offset}\nget {remote} {local}",
            "put-rest": f"restart {step.offset}\nput {local} {remote}",
            "rename": f"rename {remote} {to}", "delete": f"delete {remote}",
            "mkdir": f"mkdir {remote}", "rmdir": f"rmdir {remote}",
            "get-matching": f"cd {quoted(folder)}\nlcd {local}\nmget {pattern}",
        }[step.verb]

    def cut(self, session, step):
        """Told by a signal when the transfer is under way; then the session goes on."""
        lines = ["binary", f"rate get {BEFORE_CUT}", "rate put 4000000",
                 self.line(step.__class__(step.verb.partition("-")[2], step.remote, step.local))]
        if step.verb == "cut-put":
            return "ok", killed_when_begun(
                session, self.begin(session), "\n".join(lines) + "\n",
                env=host_setup.with_libraries(HOME=str(session.folder)))
        with subprocess.Popen(
            self.begin(session), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.STDOUT, env=host_setup.with_libraries(HOME=str(session.folder)),
        ) as process:
            process.stdin.write("\n".join(lines) + "\n")
            process.stdin.flush()
            end = time.monotonic() + PATIENCE
            while not (step.local.exists() and step.local.stat().st_size >= BEFORE_CUT):
                if time.monotonic() > end:
                    process.kill()
                    return "nothing comes", process.stdout.read()
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate("pwd\nquit\n", timeout=2 * PATIENCE)
        aborted = re.search(r"^426 ", said, re.MULTILINE)
        return "ok" if aborted and "Remote directory: /" in said.partition("426 ")[2] else "not given up", said


def quoted(text):
    """Within quotation marks a backslash would be one."""
    return re.sub(r"([^\w/.-])", r"\\\1", str(text), flags=re.ASCII)


class NcftpFiles:
    """A process for each step: ncftpget, ncftpput, ncftpls."""

    def __init__(self, folder):
        self.folder = folder

    def work(self, session, steps):
        return in_parts(steps, lambda step: True, None, lambda step: self.step(session, step))

    def step(self, session, step):
        login = session.folder / "login"
        login.touch(mode=0o600)
        login.write_text(f"host {ADDRESS}\nuser {session.user}\npass {session.password}\n")
        common = ["-f", login, "-P", str(session.port)]
        remote_folder, _, name = step.remote.rpartition("/")
        verb, local = step.verb, step.local
        environment = host_setup.with_libraries(HOME=str(session.folder))
        if verb == "list":
            url = f"ftp://{ADDRESS}:{session.port}{step.remote}/"
            done = run([self.folder / "ncftpls", "-f", login, "-1", "-a", url], "", session.folder)
            return names(done.stdout.splitlines()), done.stdout
        if verb in ("get", "get-rest"):
            return self.fetch(session, common, step)
        if verb == "cut-get":
            shell = '"$@" | head -c 100000 > /dev/null; (( ${PIPESTATUS[0]} != 0 ))'
            command = ["bash", "-c", shell, "bash", *self.get(common, step)]
        elif verb == "get-tree":
            local.mkdir()
            command = [self.folder / "ncftpget", *common, "-R", session.folder, step.remote]
        elif verb == "get-matching":
            command = [self.folder / "ncftpget", *common, local, step.remote]
        elif verb == "put-tree":
            command = [self.folder / "ncftpput", *common, "-R", remote_folder, local]
        elif verb in ("rename", "delete", "mkdir", "rmdir"):
            lines = {"rename": [f"RNFR {step.remote}", f"RNTO {step.to}"],
                     "delete": [f"DELE {step.remote}"], "mkdir": [f"MKD {step.remote}"],
                     "rmdir": [f"RMD {step.remote}"]}[verb]
            lines = [word for line in lines for word in ("-W", line)]
            command = [self.folder / "ncftpls", "-f", login, *lines,
                       f"ftp://{ADDRESS}:{session.port}/"]
        else:
            # It gives a file the name that it has here.
            named = session.folder / "named" / name
            named.parent.mkdir(exist_ok=True)
            named.unlink(missing_ok=True)
            os.link(local, named)
            more = {"append": ["-A"], "put-rest": ["-z"]}.get(verb, ["-Z"])
            command = [self.folder / "ncftpput", *common, *more, remote_folder, named]
        if verb == "cut-put":
            return "ok", killed_when_begun(session, command, "", env=environment)
        done = run(command, "", session.folder)
        if verb == "get-tree" and not done.returncode:
            shutil.rmtree(local)
            (session.folder / name).rename(local)
        return ("ok" if done.returncode == 0 else f"exit code {done.returncode}"), done.stdout

    def fetch(self, session, common, step):
        """It gives a file the name that it has there, and goes on with one that is there already."""
        name = session.folder / step.remote.rpartition("/")[2]
        if step.offset:
            step.local.rename(name)
        resume = "-z" if step.offset else "-Z"
        command = [self.folder / "ncftpget", *common, resume, session.folder, step.remote]
        done = run(command, "", session.folder)
        if done.returncode:
            return f"exit code {done.returncode}", done.stdout
        name.rename(step.local)
        return "ok", done.stdout

    def get(self, common, step):
        return [self.folder / "ncftpget", *common, "-c", step.remote]


class WgetFiles:
    """A process for each step; it only gets files."""

    def __init__(self, binary):
        self.binary = binary

    def work(self, session, steps):
        return in_parts(steps, lambda step: True, None, lambda step: self.step(session, step))

    def step(self, session, step):
        config = session.folder / "wgetrc"
        config.touch(mode=0o600)
        config.write_text(f"ftp_user = {session.user}\nftp_password = {session.password}\n")
        scheme = "ftp" if session.how == "clear" else "ftps"
        options = ["--tries=1", f"--timeout={PATIENCE}", "--no-proxy", "-nv"]
        options += [f"--ca-certificate={session.ca}"] if session.tls else []
        options += ["--ftps-implicit"] * (session.how == "implicit TLS")
        options += {"1.2": ["--secure-protocol=TLSv1_2", "--ciphers=NORMAL:-VERS-TLS1.3"],
                    "1.3": ["--secure-protocol=TLSv1_3"], "": []}[session.tls]
        url = f"{scheme}://{ADDRESS}:{session.port}{quote(step.remote)}"
        more = {
            "get": ["-O", step.local, url], "cut-get": ["-O", "-", url],
            "get-rest": ["-c", "-O", step.local, url],
            "list": ["--no-remove-listing", "-O", session.folder / "index", f"{url}/"],
            "get-tree": ["-r", "-l", "inf", "-nH", "--cut-dirs=2", "-P", step.local, f"{url}/"],
        }[step.verb]
        command = [self.binary, "--config", config, *options, *more]
        environment = host_setup.with_libraries(HOME=str(session.folder), WGETRC=str(config))
        if step.verb == "cut-get":
            shell = '"$@" | head -c 100000 > /dev/null; (( ${PIPESTATUS[0]} != 0 ))'
            command = ["bash", "-c", shell, "bash", *command]
        done = run(command, "", session.folder, environment, cwd=session.folder)
        if done.returncode:
            return f"exit code {done.returncode}", done.stdout
        if step.verb == "list":
            listing = (session.folder / "index").read_text()
            found = re.findall(r'">([^<]*)</a>', listing)
            return names(map(html.unescape, found)), done.stdout
        return "ok", done.stdout
