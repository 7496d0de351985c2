"""`ftp-cli check` on real servers: what it must find there. Each of them has optional TLS and files."""

import contextlib
import json
import os
import subprocess

from servers import KINDS
from table import Cell, Part

# What is found on all of them that are asked for explicit TLS: it is optional, and the certificate of
# these tests ends in two days.
USUAL = {
    "clear_passwords": "error", "tls_versions": "ok", "certificate": "warning", "login": "ok",
    "passive": "ok", "data_in_clear": "warning", "data_end": "ok", "writing": "ok",
}
# What is not the same on all; what is not named is not compared: it depends on the machine.
PARTICULAR = {
    "vsftpd": {"auth": "info", "injection": "ok", "features": "warning", "data_resumption": "ok"},
    "ProFTPD": {"auth": "info", "injection": "ok", "features": "info", "data_resumption": "ok"},
    "Pure-FTPd": {"auth": "ok", "injection": "ok", "features": "info", "data_resumption": "info"},
    # It keeps what came in clear behind AUTH, and answers it under TLS.
    "pyftpdlib": {"auth": "info", "injection": "error", "features": "info",
                  "data_resumption": "info"},
}


def run(program, fixtures, only=""):
    part = Part()
    for kind in KINDS:
        if kind.name in PARTICULAR and only in kind.name:
            with contextlib.ExitStack() as stack:
                part.heading("ftp-cli check", kind.name)
                part.add(check(program, fixtures, kind(fixtures, stack)))
    return part


def check(program, fixtures, server):
    port = server.start("files").port
    folder = server.home.make_new().decode()
    done = subprocess.run(
        [program, "check", "--json", "--ca", fixtures.ca, "--write-test", folder,
         f"ftp://{fixtures.user}@127.0.0.1:{port}"],
        env=os.environ | {"FTP_PASSWORD": fixtures.password}, capture_output=True, check=False,
    )
    found = json.loads(done.stdout)["findings"] if done.returncode == 0 else []
    expected = USUAL | PARTICULAR[server.name]
    came = {one["subject"]: one["level"] for one in found if one["subject"] in expected}
    details = fixtures.mask((done.stdout + done.stderr).decode(errors="replace"))
    return Cell(server.name, "explicit TLS", "check", expected, came, details,
                version=server.version(), side="checks")
