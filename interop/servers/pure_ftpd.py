"""Pure-FTPd, with users in its own database."""

import host_setup
from host_setup import ADDRESS
from servers.kind import (
    KEEPS_DOUBLED, UNAVAILABLE, Kind, logged_in_by_name, no_0xff, not_resumed, refused,
)


class PureFtpd(Kind):
    name = "Pure-FTPd"
    variants = ("optional", "required", "plain", "tls12", "tls13", "greeting", "full", "idle")
    lacks = {"implicit": "it has no implicit TLS (its README.TLS)",
             "certificate": "it asks for no client certificates without being built for it"}

    files = {"files": Kind.files["files"]}

    answers = {
        ("clear", "anonymous"): logged_in_by_name(tls=False),
        ("explicit TLS", "anonymous"): logged_in_by_name(tls=True),
        ("clear", "where TLS is demanded"): (UNAVAILABLE | {"phase": "user"}, None),
        "HOST": refused("user", 530, "before the login it answers 530 to commands that it does not "
                        "know; RFC 959 §4.2 has 500 or 502 for these"),
        "where there is no TLS": refused("security", 500),
        "where there is no TLS, AUTH SSL": refused("security", 500),
        "REIN": ({"is": "LoggedIn 500"}, None),
        "password: 0xff": no_0xff(KEEPS_DOUBLED),
        # It gives no tickets.
        ("explicit TLS 1.3", "sessions resumed"): (not_resumed(), None),
    }

    def version(self):
        return host_setup.unpacked_version("pure-ftpd")

    def start(self, variant):
        port, folder = host_setup.free_port(), self.folder(variant)
        home = self.make_home(folder) if variant in self.files else folder
        users, database = folder / "users", folder / "users.pdb"
        users.touch(mode=0o600)
        users.write_text("".join(
            f"{name}:{hashed}:65534:65534::{home}/./::::::::::::\n"
            for name, hashed in self.fixtures.hashed()
        ))
        environment = host_setup.with_libraries(**self.tls_environment(variant))
        host_setup.call(host_setup.unpacked("pure-ftpd", "usr/bin/pure-pw"), "mkdb", database,
                     "-f", users, env=environment)
        certificate = f"{self.fixtures.certificate}.and-key"
        command = [
            host_setup.unpacked("pure-ftpd", "usr/sbin/pure-ftpd"), "--bind", f"{ADDRESS},{port}",
            "--ipv4only", "--dontresolve", "--login", f"puredb:{database}",
            "--pidfile", folder / "pid", "--certfile", certificate, "--syslogfacility", "none",
            "--tls", {"required": "2", "plain": "0"}.get(variant, "1"),
        ]
        if self.passive_ports:
            command += ["--passiveportrange", "{}:{}".format(*self.passive_ports)]
        if variant == "full":
            command += ["--maxclientsnumber", "1"]
        if variant == "idle":
            command += ["--maxidletime", "1"]  # minutes
        return self.run(variant, command, port, env=environment)
