"""vsftpd, with a PAM service of our own."""

import host_setup
from host_setup import ADDRESS
from servers.kind import IDLE, KEEPS_DOUBLED, NO_REIN, Kind, greeting_lines, no_0xff, no_facts, refused

UNKNOWN_IS_530 = ("before the login it answers 530 to every command that it does not know; RFC 959 "
                  "§4.2 has 500 or 502 for these")


class Vsftpd(Kind):
    name = "vsftpd"
    variants = ("optional", "required", "plain", "implicit", "tls12", "tls13", "certificate",
                "greeting", "full", "idle")

    demands_resumption = True
    has_huge = True

    answers = {
        "HOST": refused("user", 530, UNKNOWN_IS_530),
        "where there is no TLS": refused("security", 530, UNKNOWN_IS_530),
        "where there is no TLS, AUTH SSL": refused("security", 530, UNKNOWN_IS_530),
        "REIN": NO_REIN,
        "facts": no_facts(500),
        "CCC": ({"is": "LoggedIn 500"}, None),
        "password: 0xff": no_0xff(KEEPS_DOUBLED),
    }

    def version(self):
        return host_setup.unpacked_version("vsftpd")

    def start(self, variant):
        port = host_setup.free_port()
        folder = self.folder(variant)
        empty = folder / "empty"
        empty.mkdir(mode=0o755)
        settings = {
            "listen": "YES", "listen_ipv6": "NO", "background": "NO",
            "listen_address": ADDRESS, "listen_port": port,
            "local_enable": "YES", "anonymous_enable": "YES",
            "ftp_username": "daemon", "anon_root": empty,
            "pam_service_name": self.fixtures.pam_service, "secure_chroot_dir": empty,
            # Needs rights that containers do not give; and delays only cost time here.
            "seccomp_sandbox": "NO", "isolate": "NO", "isolate_network": "NO",
            "delay_failed_login": "0", "delay_successful_login": "0",
            "xferlog_enable": "NO",
        }
        settings |= self.particulars(variant, folder)
        if variant in self.files:
            settings |= {"write_enable": "YES", "local_root": self.make_home(folder),
                         "chroot_local_user": "YES", "allow_writeable_chroot": "YES"}
        if self.passive_ports:
            settings |= dict(zip(("pasv_min_port", "pasv_max_port"), self.passive_ports))
        if variant not in ("plain", "full", "idle", "greeting"):
            settings |= self.tls(variant)
        file = folder / "vsftpd.conf"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return self.run(
            variant, [host_setup.unpacked("vsftpd", "usr/sbin/vsftpd"), file], port,
            env=host_setup.with_libraries(**self.tls_environment(variant)),
        )

    def particulars(self, variant, folder):
        if variant == "greeting":
            banner = folder / "banner"
            banner.write_text("\n".join(greeting_lines()) + "\n")
            return {"banner_file": banner}
        if variant == "full":
            return {"max_clients": 1}
        if variant == "idle":
            return {"idle_session_timeout": IDLE}
        return {}

    def tls(self, variant):
        force = "YES" if variant in ("required", "certificate", "implicit") else "NO"
        reuse = "YES" if variant in self.files else "NO"
        settings = {
            "ssl_enable": "YES", "rsa_cert_file": self.fixtures.certificate,
            "rsa_private_key_file": self.fixtures.key, "require_ssl_reuse": reuse,
            # The ciphers that it has by default are gone from OpenSSL.
            "allow_anon_ssl": "YES", "ssl_ciphers": "HIGH",
            "force_local_logins_ssl": force, "force_local_data_ssl": force,
            "implicit_ssl": "YES" if variant.endswith("implicit") else "NO",
        }
        if variant == "certificate":
            settings |= {"require_cert": "YES", "validate_cert": "YES",
                         "ca_certs_file": self.fixtures.client_ca}
        return settings
