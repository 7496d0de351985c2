"""ProFTPD with mod_tls, and users in a file of its own."""

import host_setup
from host_setup import ADDRESS
from servers.kind import IDLE, NO_REIN, WRONG_PATHS, Kind, greeting_lines, refused

PLAIN = ("plain", "greeting", "full", "idle")


class Proftpd(Kind):
    name = "ProFTPD"
    variants = ("optional", "required", "plain", "implicit", "tls12", "tls13", "certificate",
                "greeting", "full", "idle")

    demands_resumption = True

    answers = {
        ("explicit TLS", "HOST"): refused("user", 503, "it takes HOST only before AUTH"),
        ("clear", "HOST"): refused("user", 504),  # RFC 7151 §3.1: no host of that name
        ("clear", "where TLS is demanded"): refused(
            "user", 550, "it refuses USER with 550, which RFC 959 does not list for it; RFC 4217 §4 "
            "has 530 or 534"),
        "where there is no TLS": refused("security", 500),
        "where there is no TLS, AUTH SSL": refused("security", 500),
        "REIN": NO_REIN,
        "wrong paths": WRONG_PATHS,
        "too many clients": refused("greeting", 530, "MaxConnectionsPerHost is answered with 530; "
                                    "RFC 959 §5.4 has 421 for a service that is not available"),
    }

    def version(self):
        return host_setup.unpacked_version("proftpd-core")

    def start(self, variant):
        port, folder = host_setup.free_port(), self.folder(variant)
        home = self.make_home(folder) if variant in self.files else "/"
        users = folder / "users"
        users.touch(mode=0o600)
        users.write_text("".join(
            f"{name}:{hashed}:65534:65534::{home}:/bin/sh\n"
            for name, hashed in self.fixtures.hashed()
        ))
        settings = [
            "ServerType standalone", f"Port {port}", f"DefaultAddress {ADDRESS}",
            "SocketBindTight on", "UseIPv6 off", "User nobody", "Group nogroup",
            "UseReverseDNS off", "WtmpLog off", "TransferLog none",
            f"ModulePath {host_setup.unpacked('proftpd-core', 'usr/lib/proftpd')}",
            f"PidFile {folder}/pid", f"ScoreboardFile {folder}/scoreboard",
            f"DelayTable {folder}/delay", "DelayEngine off", f"SystemLog {folder}/log",
            "AuthOrder mod_auth_file.c mod_auth_unix.c", f"AuthUserFile {users}",
            "RequireValidShell off", "UseFtpUsers off", "DefaultRoot ~",
            *self.anonymous(folder), *self.particulars(variant, folder),
        ]
        if variant in self.files:
            settings += ["AllowOverwrite on", "AllowStoreRestart on"]
        if self.passive_ports:
            settings.append("PassivePorts {} {}".format(*self.passive_ports))
        if variant not in PLAIN:
            settings += self.tls(variant, folder)
        file = folder / "proftpd.conf"
        file.write_text("\n".join(settings) + "\n")
        program = host_setup.unpacked("proftpd-core", "usr/sbin/proftpd")
        return self.run(variant, [program, "--nodaemon", "--config", file], port,
                        env=host_setup.with_libraries())

    @staticmethod
    def anonymous(folder):
        home = folder / "anonymous"
        home.mkdir(mode=0o755)
        return [f"<Anonymous {home}>", "User daemon", "Group nogroup",
                "UserAlias anonymous daemon", "</Anonymous>"]

    @staticmethod
    def particulars(variant, folder):
        if variant == "greeting":
            file = folder / "greeting"
            file.write_text("\n".join(greeting_lines()) + "\n")
            return [f"DisplayConnect {file}"]
        if variant == "full":
            return ["MaxConnectionsPerHost 1"]
        if variant == "idle":
            return [f"TimeoutIdle {IDLE}"]
        return []

    def tls(self, variant, folder):
        modules = host_setup.unpacked("proftpd-mod-crypto", "usr/lib/proftpd")
        protocol = {"tls12": "TLSv1.2", "tls13": "TLSv1.3"}.get(variant, "TLSv1.2 TLSv1.3")
        required = "off" if variant in ("optional", "tls12", "tls13", *self.files) else "on"
        options = [] if variant in self.files else ["NoSessionReuseRequired"]
        if variant.endswith("implicit"):
            options.append("UseImplicitSSL")
        settings = [
            f"ModulePath {modules}", "LoadModule mod_tls.c", "TLSEngine on",
            f"TLSLog {folder}/tls-log", f"TLSRequired {required}", f"TLSProtocol {protocol}",
            f"TLSECCertificateFile {self.fixtures.certificate}",
            f"TLSECCertificateKeyFile {self.fixtures.key}",
            *(f"TLSOptions {option}" for option in options),
        ]
        if variant == "certificate":
            settings += ["TLSVerifyClient on", f"TLSCACertificateFile {self.fixtures.client_ca}"]
        return settings
