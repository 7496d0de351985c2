"""The servers that `ftp-login login` is tried against: pyftpdlib and vsftpd."""

import pathlib

import machine
from machine import ADDRESS, HERE, RUN, VENV, Server


def pyftpdlib(workshop, stack, security):
    """`security`: plain, optional TLS, or required TLS."""
    # The password goes through a file that only root can read: command lines are public.
    secret = RUN / "pyftpdlib-password"
    secret.touch(mode=0o600)
    secret.write_text(workshop.password)
    command = [VENV / "bin/python", "-B", HERE / "pyftpdlib_server.py", security, workshop.user,
               secret, workshop.certificate, workshop.key]
    return Server(stack, f"pyftpdlib {security}", command)


def vsftpd(workshop, stack, security):
    """`security`: plain, optional, required, or implicit TLS."""
    port = machine.free_port()
    empty = RUN / "empty"
    empty.mkdir(mode=0o755, exist_ok=True)
    settings = {
        "listen": "YES", "listen_ipv6": "NO", "background": "NO",
        "listen_address": ADDRESS, "listen_port": port,
        "local_enable": "YES", "anonymous_enable": "YES",
        "pam_service_name": pam_service(stack), "secure_chroot_dir": empty,
        # Needs rights that containers do not give; and delays only cost time here.
        "seccomp_sandbox": "NO", "isolate": "NO", "isolate_network": "NO",
        "delay_failed_login": "0", "delay_successful_login": "0",
        "xferlog_enable": "NO",
    }
    if security != "plain":
        force = "NO" if security == "optional" else "YES"
        settings |= {
            "ssl_enable": "YES", "rsa_cert_file": workshop.certificate,
            "rsa_private_key_file": workshop.key, "require_ssl_reuse": "NO",
            # The ciphers that it has by default are gone from OpenSSL.
            "allow_anon_ssl": "YES", "ssl_ciphers": "HIGH",
            "force_local_logins_ssl": force, "force_local_data_ssl": force,
            "implicit_ssl": "YES" if security == "implicit" else "NO",
        }
    file = RUN / f"vsftpd-{security}.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return Server(stack, f"vsftpd {security}", ["vsftpd", file], port)


def pam_service(stack):
    """A PAM service of our own: no list of shells, no delay after a wrong password."""
    file = pathlib.Path("/etc/pam.d/ftp-proto-interop")
    file.write_text("auth required pam_unix.so nodelay\naccount required pam_unix.so\n")
    stack.callback(file.unlink, missing_ok=True)
    return file.name
