"""The clients that log in to `ftp-login serve`: curl, Python's ftplib, and lftp.

Each has `login`, which says what came of one login, and `guess`, which says how the server took
wrong passwords on one connection (`locked_out`, if it did as it must). Both also return what the
client said, to be shown (with passwords masked) if that is not what must come. No password is put
on a command line.
"""

import ftplib
import os
import re
import ssl
import subprocess

from machine import ADDRESS, PATIENCE, RUN

LOGGED_IN, REFUSED, REFUSED_BEFORE_PASS = "logged in", "refused", "refused before PASS"
CURL_LOGIN_DENIED = 67  # its manual, EXIT CODES
GUESSES = 3  # as many as the server allows by default


def what_came(ok, denied, sent_password, details):
    """What came of a login; `details` stand for whatever is neither."""
    if ok:
        return LOGGED_IN
    if denied:
        return REFUSED if sent_password else REFUSED_BEFORE_PASS
    return f"neither: {details.strip().splitlines()[-1:]}"


class Curl:
    name = "curl"
    locked_out = "530 530 530 421"
    knows_implicit_tls = True

    def __init__(self, workshop):
        self.workshop = workshop

    def login(self, security, port, user, password):
        exit_code, said = self.call(security, port, user, password, ["PWD"])
        ok = exit_code == 0 and "< 230" in said and "< 257" in said
        # Under TLS nothing may have been sent before it, and the name is part of that.
        if security == "explicit TLS" and not 0 <= said.find("> AUTH") < said.find("> USER"):
            return "sent USER in clear", said
        return what_came(ok, exit_code == CURL_LOGIN_DENIED, "> PASS" in said, said), said

    def guess(self, security, port, password):
        """Logs in first: curl itself never tries twice. The star: go on after a refusal."""
        user = self.workshop.user
        guesses = [f"*USER {user}", f"*PASS {password}"] * GUESSES + ["NOOP"]
        _, said = self.call(security, port, user, self.workshop.password, guesses)
        return " ".join(re.findall(r"^< (530|421)", said, re.MULTILINE)), said

    def call(self, security, port, user, password, quotes):
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        config = [f'url = "{scheme}://{ADDRESS}:{port}/"', f'user = "{user}:{password}"']
        config += [f'quote = "{quote}"' for quote in quotes]
        command = ["curl", "--disable", "--config", "-", "--verbose", "--silent", "--show-error",
                   "--head", "--max-time", str(PATIENCE)]
        if security != "clear":
            command += ["--ssl-reqd", "--cacert", self.workshop.ca]
        done = subprocess.run(
            command, input="\n".join(config), text=True, errors="replace", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * PATIENCE,
        )
        dialogue = re.sub(r"^([{}] \[|\* TLSv).*\n", "", done.stdout, flags=re.MULTILINE)
        return done.returncode, dialogue


class Lftp:
    name = "lftp"
    locked_out = "closed after 3 guesses"
    knows_implicit_tls = True

    def __init__(self, workshop):
        self.workshop = workshop

    def login(self, security, port, user, password):
        exit_code, said = self.call(security, port, user, password, ["quote PWD"])
        ok = exit_code == 0 and "<--- 230" in said and "<--- 257" in said
        return what_came(ok, "<--- 530" in said, "---> PASS" in said, said), said

    def guess(self, security, port, password):
        """Logs in first: lftp itself never tries twice.

        A 421 makes it drop the 530 that came with it, and connect again. So this counts what it
        sent before that.
        """
        user = self.workshop.user
        commands = ["set cmd:fail-exit no"]
        commands += [f"quote USER {user}", f"quote PASS {password}"] * GUESSES + ["quote NOOP"]
        _, said = self.call(security, port, user, self.workshop.password, commands)
        connections = said.split("---- Connecting to")[1:]
        guesses = connections[0].count("---> PASS") - 1 if connections else 0
        end = "closed" if len(connections) > 1 else "open"
        return f"{end} after {guesses} guesses", said

    def call(self, security, port, user, password, commands):
        scheme = "ftps" if security == "implicit TLS" else "ftp"
        script = [
            "set cmd:fail-exit yes", f"set net:timeout {PATIENCE}",
            "set net:max-retries 1", "set net:reconnect-interval-base 1",
            f"set ssl:ca-file {self.workshop.ca}", "set ssl:verify-certificate yes",
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


class Ftplib:
    name = "ftplib"
    locked_out = "530 530 530 421"
    knows_implicit_tls = False

    def __init__(self, workshop):
        self.workshop = workshop

    def login(self, security, port, user, password):
        try:
            with self.connect(security, port) as ftp:
                return self.log_in(ftp, security, user, password)
        except (EOFError, OSError) as error:
            return repr(error), "the connection was lost"

    @staticmethod
    def log_in(ftp, security, user, password):
        try:
            answer = ftp.login(user, password)
            if security != "clear":
                ftp.prot_p()
            where = ftp.pwd()
            ftp.quit()
            return what_came(answer[:3] == "230" and where == "/", False, True, where), answer
        except ftplib.Error as reply:
            said = str(reply)
            sent_password = said != ftp.refused_name
            return what_came(False, said[:3] == "530", sent_password, said), said

    def guess(self, security, port, password):
        """The guesses, and then whatever the server says unasked."""
        codes = []
        with self.connect(security, port) as ftp:
            for _ in range(GUESSES):
                codes.append(self.code(ftp.login, self.workshop.user, password))
            codes.append(self.code(ftp.getresp))
        return " ".join(codes), " ".join(codes)

    @staticmethod
    def code(step, *arguments):
        try:
            return step(*arguments)[:3]
        except ftplib.Error as reply:
            return str(reply)[:3]
        except (EOFError, OSError) as error:
            return repr(error)

    def connect(self, security, port):
        ftp = PlainSession() if security == "clear" else TlsSession(
            context=ssl.create_default_context(cafile=self.workshop.ca)
        )
        ftp.connect(ADDRESS, port, timeout=PATIENCE)
        return ftp


class Remembers:
    """Remembers a refusal of the name, which ftplib does not tell from one of the password."""

    refused_name = None

    def sendcmd(self, cmd):
        try:
            return super().sendcmd(cmd)
        except ftplib.Error as reply:
            if cmd.startswith("USER "):
                self.refused_name = str(reply)
            raise


class PlainSession(Remembers, ftplib.FTP):
    pass


class TlsSession(Remembers, ftplib.FTP_TLS):
    pass
