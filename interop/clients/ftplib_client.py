"""Python's ftplib."""

import ftplib
import ssl
import sys

from clients.client import GUESSES, Client, what_came
from host_setup import ADDRESS, PATIENCE


class Ftplib(Client):
    name = "ftplib"
    locked_out = "530 530 530 421"
    securities = ("clear", "explicit TLS")
    lacks = {"implicit TLS": "it has no implicit TLS"}

    def version(self):
        return f"Python {sys.version.split()[0]}"

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
                codes.append(self.code(ftp.login, self.fixtures.user, password))
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
        ftp = PlainSession(encoding="utf-8") if security == "clear" else TlsSession(
            context=ssl.create_default_context(cafile=self.fixtures.ca)
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
