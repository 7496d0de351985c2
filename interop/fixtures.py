"""What all servers and clients share: certificates, users with passwords of all kinds, and how PAM asks for
them."""

import pathlib
import pwd
import re
import secrets

from host_setup import ADDRESS, RUN, call


class User:
    """A user. The password is bytes: not all are text."""

    def __init__(self, name, password):
        self.name, self.password = name, password


class Fixtures:
    """Certificates, and the users; those of the system are removed when the stack unwinds."""

    def __init__(self, stack):
        self.ca, self.certificate, self.key = certificates(RUN, "ca", "serverAuth")
        self.other_ca, _, _ = certificates(RUN, "other-ca", "serverAuth")
        self.client_ca, self.client_certificate, self.client_key = certificates(
            RUN, "client-ca", "clientAuth"
        )
        self.openssl = {version: openssl_configuration(version) for version in ("1.2", "1.3")}
        tag = secrets.token_hex(3)

        def user(kind, before, after):
            token = secrets.token_urlsafe(12).encode()
            return User(f"interop-{tag}-{kind}", before + token + after)

        self.wrong_password = secrets.token_urlsafe(12).encode()
        # A password is the rest of its line, whatever that holds.
        self.users = {
            "plain": user("plain", b"", b""),
            "spaced": user("spaced", b" two", b" words "),
            "utf-8": user("utf8", "пароль ".encode(), " ñ€𝄞".encode()),
            "0xff": user("ff", b"a\xff", b"\xff\xfeb"),
            "percent": user("percent", b"%s%n%41%%", b"%00%0d%0a%20+&="),
        }
        remove_leftovers()
        # Home `/`: the user must be able to enter it, wherever this repository is.
        for one in self.users.values():
            call("useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", one.name)
            stack.callback(call, "userdel", one.name)
        offer_anonymous(stack)
        self.pam_service = pam_service(stack)
        # Each login hashes one: not as slowly as a hash should be.
        call("chpasswd", "--crypt-method", "SHA512", "--sha-rounds", "1000",
             stdin=self.lines(lambda one: one.name.encode() + b":" + one.password))

    @property
    def user(self):
        """The one whose password is nothing special."""
        return self.users["plain"].name

    @property
    def password(self):
        return self.users["plain"].password.decode()

    def lines(self, line):
        """A line of bytes for each user."""
        return b"".join(line(one) + b"\n" for one in self.users.values())

    def hashed(self):
        """`name:hash` for each user, as crypt(3) has it."""
        for one in self.users.values():
            hashed = call("openssl", "passwd", "-6", "-stdin", stdin=one.password + b"\n")
            yield one.name, hashed.decode().strip()

    def mask(self, text):
        """For everything that is shown."""
        for password in [self.wrong_password, *(one.password for one in self.users.values())]:
            for errors in ("replace", "surrogateescape", "backslashreplace"):
                text = text.replace(password.decode(errors=errors), "****")
        return text


def remove_leftovers():
    """The users of runs that were killed. There is no other run: see `host_setup.be_alone`."""
    for user in pwd.getpwall():
        is_anonymous = user.pw_name == "ftp" and user.pw_dir.endswith("/interop/.run/anonymous")
        if is_anonymous or re.fullmatch(r"interop-[0-9a-f]{6}-[a-z0-9]+", user.pw_name):
            # A process may still run as this user.
            call("userdel", "--force", user.pw_name)


def offer_anonymous(stack):
    """Some servers let nobody in anonymously unless the system has a user `ftp`."""
    try:
        pwd.getpwnam("ftp")
    except KeyError:
        home = RUN / "anonymous"
        home.mkdir(mode=0o755)
        call("useradd", "--system", "--no-create-home", "--home-dir", home, "--shell",
             "/usr/sbin/nologin", "ftp")
        stack.callback(call, "userdel", "ftp")


def pam_service(stack):
    """The name of a service of PAM without a list of shells, and without a delay after a wrong password."""
    file = pathlib.Path("/etc/pam.d/ftp-proto-interop")
    file.write_text("auth required pam_unix.so nodelay\naccount required pam_unix.so\n")
    stack.callback(file.unlink, missing_ok=True)
    return file.name


def certificates(folder, name, usage, addresses=(ADDRESS,)):
    """A CA and a certificate of it for these addresses alone: the paths of CA, certificate and key."""
    key_kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ca, ca_key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate, key = folder / f"{name}-leaf.pem", folder / f"{name}-leaf.key"
    call("openssl", "req", "-x509", *key_kind, "-days", "2", "-subj", f"/CN=interop {name}",
         "-addext", "keyUsage=critical,keyCertSign", "-keyout", ca_key, "-out", ca)
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    call("openssl", "req", "-new", *key_kind, "-subj", f"/CN=interop {usage}",
         "-keyout", key, "-out", request)
    extensions.write_text(
        f"subjectAltName={','.join(f'IP:{address}' for address in addresses)}\n"
        "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
        f"extendedKeyUsage={usage}\n"
    )
    call("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key,
         "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
    # Some servers want both in one file.
    both = pathlib.Path(f"{certificate}.and-key")
    both.touch(mode=0o600)
    both.write_text(certificate.read_text() + key.read_text())
    return ca, certificate, key


def openssl_configuration(version):
    """For programs that use OpenSSL: this version of TLS and no other."""
    file = RUN / f"openssl-{version}.cnf"
    file.write_text(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = only\n[only]\n"
        f"MinProtocol = TLSv{version}\nMaxProtocol = TLSv{version}\n"
    )
    return file
