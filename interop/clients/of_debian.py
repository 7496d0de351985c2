"""Old and small clients that Debian has: tnftp, ncftp, wget. They are judged by what passes."""

import os
import subprocess

import host_setup
from clients.client import Client, of_dialogue
from clients.debian_files import NcftpFiles, TnftpFiles, WgetFiles
from host_setup import ADDRESS, PATIENCE, RUN
from capture import Tap


class Tapped(Client):
    """A client in clear."""

    securities = ("clear",)
    passwords = ("percent",)
    lacks = {"explicit TLS": "it has no TLS", "implicit TLS": "it has no TLS",
             "guess": "it does not try again by itself"}
    package = program = ""

    def version(self):
        return host_setup.unpacked_version(self.package)

    def login(self, security, port, user, password):
        home = RUN / f"{self.name}-home"
        home.mkdir(mode=0o700, exist_ok=True)
        with Tap(port) as tap:
            command, script = self.prepare(home, tap.port, user, password)
            done = subprocess.run(
                command, input=script, text=True, errors="replace", check=False,
                timeout=2 * PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=host_setup.with_libraries(HOME=str(home), WGETRC=str(home / "wgetrc")),
            )
            lines = tap.lines()
        dialogue = "\n".join(f"{who}: {line.decode(errors='replace')}" for who, line in lines)
        return of_dialogue(lines), f"{done.stdout}\n{dialogue}"

    def prepare(self, home, port, user, password):
        """The command, and what goes to its standard input. The password goes into a file."""
        raise NotImplementedError

    @staticmethod
    def secret(file, text):
        file.touch(mode=0o600)
        file.write_text(text)
        return file

    def binary(self):
        return host_setup.unpacked(self.package, self.program)


class Tnftp(Tapped):
    name, package, program = "tnftp", "tnftp", "usr/bin/tnftp"
    lacks_with_files = {"tree, both ways": "it takes files one by one"}
    leaves_patterns = True

    def prepare(self, home, port, user, password):
        netrc = self.secret(home / "netrc",
                            f"machine {ADDRESS} login {user} password {password}\n")
        return [self.binary(), "-N", netrc, "-P", str(port), ADDRESS], "pwd\nsyst\nquit\n"

    def work(self, session, steps):
        return TnftpFiles(self.binary()).work(session, steps)


class Ncftp(Tapped):
    name, package, program = "ncftp", "ncftp", "usr/bin/ncftpls"
    leaves_patterns = True

    def prepare(self, home, port, user, password):
        login = self.secret(home / "login", f"host {ADDRESS}\nuser {user}\npass {password}\n")
        return [self.binary(), "-f", login, "-r", "0", "-t", "5", f"ftp://{ADDRESS}:{port}/"], ""

    def work(self, session, steps):
        return NcftpFiles(self.binary().parent).work(session, steps)


class Wget(Tapped):
    name, package, program = "wget", "wget", "usr/bin/wget"
    lacks = Tapped.lacks | dict.fromkeys(
        ("explicit TLS", "implicit TLS"), "its logins are tapped; it has TLS, with files")
    lacks_with_files = dict.fromkeys(
        ("uploads", "in place of a longer file", "append", "rest of an upload", "operations",
         "upload given up"), "it only gets files") | {
        ("resumed", "TLS 1.3"): "it looks for a ticket right after the handshake of its login, and resumes "
                                "nothing if that comes some 10 ms later, as from a slow machine"}
    puts = False

    def prepare(self, home, port, user, password):
        self.secret(home / "wgetrc", f"ftp_user = {user}\nftp_password = {password}\n")
        return [self.binary(), "--config", home / "wgetrc", "--tries=1",
                "--timeout=5", "--no-proxy", "-O", os.devnull,
                f"ftp://{ADDRESS}:{port}/file"], ""

    def work(self, session, steps):
        return WgetFiles(self.binary()).work(session, steps)

    def securities_with_files(self, variant):
        if variant == "files":
            yield "clear"
        how = "implicit TLS" if "implicit" in variant else "explicit TLS"
        yield from (f"{how} {version}" for version in self.versions)
