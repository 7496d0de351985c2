"""curl with files of two `ftp-cli serve --root s3://…`, which hold nothing themselves: the store is moto,
on this machine, which speaks S3. What was sent is compared by SHA-256 with what moto has, asked past us,
and with what comes back.
"""

import contextlib
import hashlib
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request

from urllib.parse import quote

from homes import MEBIBYTE, pattern
from host_setup import ADDRESS, PATIENCE, RUN, VENV, Server, call, free_port, python_version
from table import Cell, Part

USER, BUCKET, PREFIX = "anna", "bucket", "a prefix"
# More than two pieces: a multipart upload.
LARGE = pattern(20 * MEBIBYTE + 3, 1)
SMALL = pattern(1000, 2)
ODD = "größe 100% [x] #1"
BYTES_BEFORE_CUT = 12 * MEBIBYTE
CURL_QUOTE_ERROR = 21  # its manual, EXIT CODES


def run(program, fixtures, only=""):
    part = Part()
    if only in "object_store":
        part.heading("curl", "ftp-cli serve with an S3 server")
        with contextlib.ExitStack() as stack:
            Scene(program, fixtures, stack, part).play()
    return part


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Scene:
    def __init__(self, program, fixtures, stack, part):
        self.program, self.fixtures, self.stack, self.part = program, fixtures, stack, part
        self.password, self.secret = (secrets.token_urlsafe(18) for _ in range(2))
        self.store_port = free_port()
        self.store = f"http://{ADDRESS}:{self.store_port}/{BUCKET}"
        self.folder = RUN / "object store"
        self.folder.mkdir()
        self.users = self.folder / "users.txt"
        self.users.write_text(f"{USER}:{call(program, 'hash', stdin=self.password)}")
        self.servers = []
        for name, content in {"large": LARGE, "small": SMALL, "both": LARGE + SMALL,
                              "rest": LARGE[MEBIBYTE:], "start": LARGE[:MEBIBYTE]}.items():
            (self.folder / name).write_bytes(content)

    def play(self):
        Server(self.stack, "moto", [VENV / "bin/moto_server", "-H", ADDRESS, "-p",
                                    str(self.store_port)], self.store_port)
        self.ask("PUT", "")
        first, second = self.front_end("first"), self.front_end("second")

        self.upload(first, "upload", "small", "small", SMALL)
        self.upload(first, "upload in pieces", "large", "large", LARGE)
        self.upload(first, "upload replaces", "small", "large", SMALL)
        self.upload(first, "and again", "large", "large", LARGE)
        self.upload(first, "odd name, new directory", "small", f"dir/sub/{ODD}", SMALL,
                    "--ftp-create-dirs")
        self.download(second, "download", "large", LARGE)
        self.download(second, "download of an odd name", f"dir/sub/{ODD}", SMALL)
        self.download(second, "a range", "large", LARGE[7_000_000:9_000_001],
                      "--range", "7000000-9000000")
        self.download(second, "rest of a download", "large", LARGE,
                      "--continue-at", "-", before=LARGE[:MEBIBYTE])
        self.upload(first, "start of an upload", "start", "resumed", LARGE[:MEBIBYTE])
        self.upload(second, "rest of an upload", "large", "resumed", LARGE, "--continue-at", "-")
        self.upload(first, "append", "small", "large", LARGE + SMALL, "--append")
        self.quotes(first, "rename", ["RNFR large", "RNTO dir/moved"],
                    {"dir/moved": LARGE + SMALL, "large": None})
        self.quotes(second, "rename a directory", ["RNFR dir", "RNTO other"],
                    {"other/moved": LARGE + SMALL, "dir/moved": None,
                     f"other/sub/{ODD}": SMALL, f"dir/sub/{ODD}": None})
        self.listing(first, "", {"other", "resumed", "small"})
        self.listing(first, "other/sub", {ODD})
        self.quotes(first, "delete", ["DELE resumed"], {"resumed": None, "small": SMALL})
        self.quotes(first, "make and remove a directory",
                    ["MKD made", "CWD made", "CWD /", "RMD made"], {})
        self.quotes(first, "a directory that is not empty", ["RMD other"], {"small": SMALL},
                    exits=CURL_QUOTE_ERROR)
        self.cut(first, "new", None)
        self.cut(second, "small", SMALL)

        logs = "".join(server.log.read_text() for server in self.servers)
        came = {"secrets in logs": logs.count(self.secret) + logs.count(self.password)}
        self.cell("logs", {"secrets in logs": 0}, came)

    def front_end(self, name):
        fixtures = self.fixtures
        command = [self.program, "serve", "--listen", f"{ADDRESS}:0", "--users", self.users,
                   "--root", f"s3://{BUCKET}/{quote(PREFIX)}", "--cert", fixtures.certificate,
                   "--key", fixtures.key, "--require-data-tls"]
        environment = os.environ | {
            "AWS_ENDPOINT": f"http://{ADDRESS}:{self.store_port}", "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }
        server = Server(self.stack, f"store front end {name}", command, env=environment)
        self.servers.append(server)
        return server

    def ask(self, method, path):
        """The store itself. None if it has no such object."""
        # moto wants a signature, and does not verify it.
        signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/"
                                      "aws4_request, SignedHeaders=host, Signature=none"}
        request = urllib.request.Request(f"{self.store}{path}", method=method, headers=signature)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def kept(self, name):
        return self.ask("GET", "/" + quote(f"{PREFIX}/{name}"))

    def curl(self, server, path, *options):
        return subprocess.Popen(
            ["curl", "--disable", "--silent", "--show-error", "--ssl-reqd",
             "--cacert", self.fixtures.ca, *options,
             f"ftp://{ADDRESS}:{server.port}/{quote(path)}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def called(self, server, path, *options):
        limit = str(2 * PATIENCE)
        process = self.curl(server, path, "--config", "-", "--max-time", limit, *options)
        said, _ = process.communicate(self.login)
        return process.returncode, said

    @property
    def login(self):
        return f'user = "{USER}:{self.password}"\n'.encode()

    def upload(self, server, case, source, name, whole, *options):
        exits, said = self.called(server, name, "--upload-file", self.folder / source, *options)
        self.cell(case, {"exit": 0, "SHA-256": digest(whole)[:16]},
                  {"exit": exits, "SHA-256": digest(self.kept(name) or b"")[:16]}, said)

    def download(self, server, case, name, whole, *options, before=None):
        target = self.folder / "downloaded"
        target.unlink(missing_ok=True)
        if before is not None:
            target.write_bytes(before)
        exits, said = self.called(server, name, "--output", target, *options)
        came = target.read_bytes() if target.exists() else b""
        self.cell(case, {"exit": 0, "SHA-256": digest(whole)[:16]},
                  {"exit": exits, "SHA-256": digest(came)[:16]}, said)

    def quotes(self, server, case, commands, known, exits=0):
        quoted = [word for command in commands for word in ("--quote", command)]
        came_exits, said = self.called(server, "", "--head", *quoted)
        came = {"exit": came_exits} | {name: self.kept(name) == content
                                       for name, content in known.items()}
        self.cell(case, {"exit": exits} | dict.fromkeys(known, True), came, said)

    def listing(self, server, path, names):
        exits, said = self.called(server, path + "/", "--list-only")
        came = set(said.decode().splitlines())
        self.cell(f"listing of /{path}", {"exit": 0, "names": sorted(names)},
                  {"exit": exits, "names": sorted(came)}, said)

    def cut(self, server, name, whole):
        """curl is killed in an upload of which a piece is stored: nothing new is there, nor left over."""
        login = self.folder / "curl.conf"
        login.touch(mode=0o600)
        login.write_bytes(self.login)
        process = self.curl(server, name, "--config", login, "--upload-file", "-")
        process.stdin.write(LARGE[:BYTES_BEFORE_CUT])
        process.stdin.flush()
        self.wait_until(lambda: b"<UploadId>" in self.ask("GET", "?uploads"))
        process.kill()
        process.wait()
        self.wait_until(lambda: b"<UploadId>" not in self.ask("GET", "?uploads"))
        left_over = b"<UploadId>" in self.ask("GET", "?uploads")
        self.cell(f"upload cut, {'old' if whole else 'no'} file there",
                  {"as before": True, "left over": False},
                  {"as before": self.kept(name) == whole, "left over": left_over})

    @staticmethod
    def wait_until(ready):
        end = time.monotonic() + PATIENCE
        while not ready() and time.monotonic() < end:
            time.sleep(0.1)
        # What is found then is judged by the cell.

    def cell(self, case, expected, came, said=b""):
        details = said.decode(errors="replace") + self.servers[0].log.read_text()[-2000:]
        for secret in (self.password, self.secret):
            details = details.replace(secret, "****")
        self.part.add(Cell("object_store", "explicit TLS", case, expected, came, details,
                           side="object store", version=f"moto {python_version('moto[s3,server]')}"))
