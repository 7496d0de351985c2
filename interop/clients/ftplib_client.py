"""Python's ftplib."""

import ftplib
import socket
import ssl
import sys

from clients.client import GUESSES, Client, what_came
from clients.working import names
from host_setup import ADDRESS, PATIENCE


class Ftplib(Client):
    name = "ftplib"
    locked_out = "530 530 530 421"
    securities = ("clear", "explicit TLS")
    lacks = {"implicit TLS": "it has no implicit TLS"}
    lacks_with_files = {"tree, both ways": "it takes files one by one"}

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

    def work(self, session, steps):
        came, ftp = [], self.open(session)
        for step in steps:
            if ftp is None:
                ftp = self.open(session)
            try:
                came.append(self.do(ftp, session, step))
            except (ftplib.Error, EOFError, OSError) as error:
                came.append(repr(error))
            if step.verb == "cut-put":
                ftp = None
        if ftp:
            ftp.quit()
        return came, "\n".join(came)

    def open(self, session):
        ftp = self.connect(session.how, session.port, session.tls, session.resumes)
        ftp.login(session.user, session.password)
        if session.how != "clear":
            ftp.prot_p()
        ftp.voidcmd("TYPE I")
        return ftp

    @staticmethod
    def do(ftp, session, step):
        verb, remote = step.verb, step.remote
        rest = step.offset or None
        if verb == "list":
            found = [name for name, facts in ftp.mlsd(remote) if facts["type"] in ("file", "dir")]
            named = names(found)
            if named != names(ftp.nlst(remote)):
                return "NLST and MLSD differ"
            return named
        if verb in ("get", "get-rest"):
            with step.local.open("ab" if rest else "wb") as file:
                ftp.retrbinary(f"RETR {remote}", file.write, rest=rest)
        elif verb in ("put", "put-rest", "append"):
            with step.local.open("rb") as file:
                file.seek(step.offset)
                ftp.storbinary(f"{'APPE' if verb == 'append' else 'STOR'} {remote}", file,
                               rest=rest)
        elif verb == "cut-get":
            with ftp.transfercmd(f"RETR {remote}") as data:
                data.recv(100_000)
                ftp.abort()
            # The transfer's own reply was taken for that to ABOR.
            ftp.voidresp()
        elif verb == "cut-put":
            data = ftp.transfercmd(f"STOR {remote}")
            data.sendall(bytes(1 << 20))
            session.until_begun()
            # Without a word: no close_notify, and no QUIT.
            for connection in (data, ftp.sock):
                socket.socket(fileno=connection.detach()).close()
        else:
            {"rename": lambda: ftp.rename(remote, step.to), "delete": lambda: ftp.delete(remote),
             "mkdir": lambda: ftp.mkd(remote), "rmdir": lambda: ftp.rmd(remote)}[verb]()
        return "ok"

    def connect(self, security, port, tls="", resumes=False):
        if security == "clear":
            ftp = PlainSession(encoding="utf-8")
        else:
            context = ssl.create_default_context(cafile=self.fixtures.ca)
            if tls:
                version = ssl.TLSVersion[f"TLSv{tls.replace('.', '_')}"]
                context.minimum_version = context.maximum_version = version
            ftp = (ResumingSession if resumes else TlsSession)(context=context)
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


class ResumingSession(TlsSession):
    """As its users teach it to resume: ftplib itself does not."""

    def ntransfercmd(self, cmd, rest=None):
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session), size
