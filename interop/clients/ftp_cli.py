"""`ftp-cli`: the commands for files."""

import json
import os
import subprocess

from urllib.parse import quote

from clients.client import Client
from clients.working import names
from host_setup import PATIENCE, call


class FtpCli(Client):
    name = "ftp-cli"
    # The path of the program.
    program = ""
    # How often it tries again, if that is told.
    retries = None
    more = ()

    def version(self):
        return call(self.program, "--version").split()[1]

    def work(self, session, steps):
        """A process for each step; downloads that follow each other share one."""
        came, said, part = [], "", []
        for step in [*steps, None]:
            if step and step.verb == "get" and (not part or together(part[0], step)):
                part.append(step)
                continue
            if part:
                results, more = self.get(session, part)
                came, said, part = came + results, said + more, []
            if step and step.verb == "get":
                part.append(step)
            elif step:
                result, more = self.one(session, step)
                came, said = [*came, result], said + more
        if part:
            results, more = self.get(session, part)
            came, said = came + results, said + more
        return came, said

    def get(self, session, steps):
        local = steps[0].local
        output = local if len(steps) == 1 else local.parent
        urls = [self.url(session, step.remote) for step in steps]
        done = self.call(session, "get", "--keep-time", "-o", output, *urls)
        word = outcome(done)
        return [word] * len(steps), done.stderr

    def one(self, session, step):
        url, local = self.url(session, step.remote), step.local
        parallel = ("--parallel", str(session.parallel))
        done = self.call(session, *{
            "list": ("ls", "-a", "--json", url + "/"),
            "get-rest": ("get", "--continue", "--keep-time", "-o", local, url),
            "put": ("put", "--keep-time", local, url),
            "put-rest": ("put", "--continue", "--keep-time", local, url),
            "append": ("put", "--append", local, url),
            "rename": ("mv", url, self.url(session, step.to)),
            "delete": ("rm", url), "mkdir": ("mkdir", url), "rmdir": ("rm", "-r", url),
            "get-tree": ("mirror", *parallel, url + "/", local),
            "put-tree": ("mirror", *parallel, local, url + "/"),
        }[step.verb])
        word = outcome(done)
        if step.verb == "list" and word == "ok":
            word = names(json.loads(line)["name"] for line in done.stdout.splitlines())
        return word, done.stdout + done.stderr

    def call(self, session, command, *words, **options):
        """The process that has ended. The password goes through its environment."""
        security = {"": ["--plaintext"], "1.2": ["--tls12"], "1.3": []}
        trust = ["--ca", session.ca] if session.tls else []
        retries = [] if self.retries is None else ["--retries", str(self.retries)]
        return subprocess.run(
            [self.program, command, *security[session.tls], *trust, *retries, *self.more, *words],
            env=os.environ | {"FTP_PASSWORD": session.password, "HOME": str(session.folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="surrogateescape", check=False, timeout=10 * PATIENCE, **options,
        )

    @staticmethod
    def url(session, path):
        """`path`: text or bytes, from the root."""
        scheme = "ftps" if session.how == "implicit TLS" else "ftp"
        return f"{scheme}://{session.user}@{session.address}:{session.port}/%2F{quote(path[1:])}"


def outcome(done):
    return "ok" if done.returncode == 0 else f"exit code {done.returncode}"


def together(first, step):
    """Whether one process gets both: into the same directory, under the names that they have."""
    return all(one.local.parent == first.local.parent and one.remote.rpartition("/")[2] == one.local.name
               for one in (first, step))
