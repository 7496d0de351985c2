"""rclone of Debian, with files alone."""

import functools
import subprocess

import host_setup
from clients.client import Client
from clients.working import in_parts, killed_when_begun, names
from host_setup import ADDRESS, PATIENCE, RUN, call


class Rclone(Client):
    name = "rclone"
    lacks_with_files = {
        "append": "it has no command for it", "rest of a download": "it begins files anew",
        "rest of an upload": "it begins files anew",
        ("resumed", "tree, both ways"): "its control connections share a store of sessions, so a data "
                                        "connection may resume the session of another one",
    }

    def version(self):
        return host_setup.unpacked_version("rclone")

    def work(self, session, steps):
        """A process for each step."""
        return in_parts(steps, lambda step: True, None, lambda step: self.step(session, step))

    def step(self, session, step):
        options = self.environment(session)
        if step.verb == "cut-put":
            command = self.command("--bwlimit", "4M", "copyto", step.local, f"ours:{step.remote}")
            return "ok", killed_when_begun(session, command, "", env=options)
        remote, local, to = f"ours:{step.remote}", step.local, f"ours:{step.to}"
        if step.verb == "cut-get":
            # Whoever reads its output goes away.
            shell = '"$@" | head -c 100000 > /dev/null; (( ${PIPESTATUS[0]} != 0 ))'
            command = ["bash", "-c", shell, "bash", *self.command("cat", remote)]
        else:
            command = self.command(*{
                "list": ("lsf", remote), "get": ("copyto", remote, local),
                "put": ("copyto", local, remote), "rename": ("moveto", remote, to),
                "delete": ("deletefile", remote), "mkdir": ("mkdir", remote),
                "rmdir": ("rmdir", remote), "get-tree": ("sync", remote, local),
                "put-tree": ("sync", local, remote),
            }[step.verb])
        done = subprocess.run(
            command, text=True, errors="replace", check=False, env=options, timeout=2 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        if done.returncode:
            return f"exit code {done.returncode}", done.stderr
        return (names(done.stdout.splitlines()) if step.verb == "list" else "ok"), done.stderr

    def command(self, *arguments):
        # `--ignore-times`: what it puts in place of a file of the same size is new all the same.
        return [host_setup.unpacked("rclone", "usr/bin/rclone"), "--config", RUN / "rclone.conf",
                "--retries", "1", "--low-level-retries", "1", "--ignore-times", "-vv", *arguments]

    @functools.cache
    def hidden(self, password):
        """As its configuration has it."""
        return call(self.command()[0], "obscure", "-", stdin=password).strip()

    def environment(self, session):
        options = {
            "TYPE": "ftp", "HOST": ADDRESS, "PORT": str(session.port), "USER": session.user,
            "PASS": self.hidden(session.password), "TLS": str(session.how == "implicit TLS").lower(),
            "EXPLICIT_TLS": str(session.how == "explicit TLS").lower(),
            "DISABLE_TLS13": str(session.tls == "1.2").lower(),
        }
        return host_setup.with_libraries(
            SSL_CERT_FILE=str(session.ca),
            **{f"RCLONE_CONFIG_OURS_{name}": value for name, value in options.items()},
        )
