"""The machine under the tests: packages, certificates, a system user, processes, the table."""

import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE / ".run"
VENV = HERE / ".venv"
ADDRESS = "127.0.0.1"
# For anything that takes milliseconds on an idle machine.
PATIENCE = 60

# Program: Debian package.
PROGRAMS = {
    "curl": "curl", "lftp": "lftp", "openssl": "openssl", "redis-server": "redis-server",
    "vsftpd": "vsftpd",
}
# pyOpenSSL is what pyftpdlib needs for TLS.
PYTHON_PACKAGES = ["pyftpdlib==2.2.0", "pyOpenSSL==26.4.0"]
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


class Failure(Exception):
    """The tests could not be carried out, or one did not end as it must."""


def call(*command, stdin=None, **options):
    """Runs a command to its end; its output is shown only if it fails."""
    done = subprocess.run(
        command, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode != 0:
        raise Failure(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}")
    return done.stdout


def prepare():
    """Installs what is missing. A program that cannot be had is a failure, never skipped."""
    if os.geteuid() != 0:
        raise Failure("needs root: vsftpd checks system users, and one is made for it")
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    os.environ["LC_ALL"] = "C.UTF-8"
    if RUN.exists():
        shutil.rmtree(RUN)
    RUN.mkdir(mode=0o700)

    packages = [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    if not (VENV / "bin/pip").exists() and not has_venv():
        packages.append("python3-venv")
    if packages:
        install(packages)
    for name in PROGRAMS:
        if not shutil.which(name):
            raise Failure(f"{name} is not here even after its installation")

    if not (VENV / "bin/pip").exists():
        call(sys.executable, "-m", "venv", "--clear", VENV)
    call(VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES)
    print(versions(), flush=True)


def has_venv():
    test = subprocess.run(
        [sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL, check=False
    )
    return test.returncode == 0


def install(packages):
    print(f"installing {' '.join(packages)}", flush=True)
    # Debian starts daemons as it installs them; we start our own, on ports of our own.
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        call("apt-get", "update", "-qq", env=environment)
        call("apt-get", "install", "-qq", "--no-install-recommends", *packages, env=environment)
    finally:
        if ours:
            POLICY.unlink()


def versions():
    lines = [
        call("curl", "--version").split(" (")[0],
        "lftp " + call("lftp", "--version").split("Version ")[1].split(" ")[0].rstrip(" |"),
        "vsftpd " + call("dpkg-query", "-W", "-f", "${Version}", "vsftpd"),
        "redis-server " + call("dpkg-query", "-W", "-f", "${Version}", "redis-server"),
        *PYTHON_PACKAGES,
        f"ftplib of Python {sys.version.split()[0]}",
    ]
    return "with " + ", ".join(lines)


def our_program():
    """The path of `ftp-login`, built now unless FTP_LOGIN names one."""
    if given := os.environ.get("FTP_LOGIN"):
        return given
    return built("ftp-login", "--package", "ftp-login")


def our_example():
    """The path of the example `shared_guard`, built now."""
    return built("examples/shared_guard", "--package", "ftp-tokio", "--example", "shared_guard")


def built(file, *what):
    print(f"building {file}", flush=True)
    root = HERE.parent
    call("cargo", "build", "--locked", *what, cwd=root)
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"],
        cwd=root, check=True, stdout=subprocess.PIPE,
    )
    return str(pathlib.Path(json.loads(metadata.stdout)["target_directory"]) / "debug" / file)


class Workshop:
    """What all servers share: certificates, and a user with the right and a wrong password."""

    def __init__(self, stack):
        self.ca, self.certificate, self.key = certificates(RUN, "ca")
        self.other_ca, _, _ = certificates(RUN, "other-ca")
        # A space, because a password is the rest of its line, whatever that holds.
        self.password = f"{secrets.token_urlsafe(12)} {secrets.token_urlsafe(12)}"
        self.wrong_password = f"{secrets.token_urlsafe(12)} {secrets.token_urlsafe(12)}"
        self.user = f"interop-{secrets.token_hex(4)}"
        # Home `/`: the user must be able to enter it, wherever this repository lies.
        call("useradd", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin",
             self.user)
        stack.callback(call, "userdel", self.user)
        call("chpasswd", stdin=f"{self.user}:{self.password}\n")

    def mask(self, text):
        """For everything that is shown."""
        return text.replace(self.password, "****").replace(self.wrong_password, "****")


def certificates(folder, name):
    """A CA and a certificate of it for 127.0.0.1 alone: the paths of CA, certificate and key."""
    key_kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ca, ca_key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate, key = folder / f"{name}-server.pem", folder / f"{name}-server.key"
    call("openssl", "req", "-x509", *key_kind, "-days", "2", "-subj", f"/CN=interop {name}",
         "-addext", "keyUsage=critical,keyCertSign", "-keyout", ca_key, "-out", ca)
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    call("openssl", "req", "-new", *key_kind, "-subj", "/CN=interop server",
         "-keyout", key, "-out", request)
    extensions.write_text(
        f"subjectAltName=IP:{ADDRESS}\n"
        "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\n"
    )
    call("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key,
         "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
    return ca, certificate, key


def free_port():
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


class Server:
    """A server process, its port, and its log. Stopped when the stack unwinds."""

    def __init__(self, stack, name, command, port=None, env=None):
        self.name, self.port = name, port
        self.log = RUN / f"{name.replace(' ', '-')}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env=env,
            )
        stack.callback(self.stop)
        self.wait_until(self.listens if port else self.says_where)

    def wait_until(self, ready):
        end = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"{self.name} does not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def listens(self):
        try:
            with socket.create_connection((ADDRESS, self.port), timeout=1) as probe:
                return bool(probe)
        except OSError:
            return False

    def says_where(self):
        """`listening on ADDRESS:PORT`, the first line that is printed."""
        first = self.log.read_text().partition("\n")
        if first[1]:
            said, _, address = first[0].partition("listening on ")
            if said or not address.rpartition(":")[2].isdecimal():
                raise Failure(f"{self.name} does not say first where it listens: {first[0]}")
            self.port = int(address.rpartition(":")[2])
        return bool(first[1])

    def stop(self):
        """Stops it with SIGTERM and returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # a child it may have left behind
        except ProcessLookupError:
            pass  # it left none
        return self.process.returncode


class Table:
    """The matrix of logins: each with what must come of it and what came."""

    def __init__(self):
        self.cells = self.deviations = 0

    def heading(self, client, server):
        print(f"\n{client} → {server}", flush=True)

    def cell(self, security, case, expected, came, details):
        """`expected` and `came` are equal, or the cell deviates and its details are shown."""
        self.cells += 1
        verdict = "ok  " if expected == came else "FAIL"
        print(f"  {verdict}  {security:<13} {case:<34} {sentence(expected)}", flush=True)
        if expected != came:
            self.deviations += 1
            print(f"        came instead: {sentence(came)}")
            print("        " + details.rstrip().replace("\n", "\n        "), flush=True)

    def summary(self):
        return f"\n{self.cells} logins, {self.deviations} ended otherwise than they must;"


def sentence(facts):
    return ", ".join(f"{name} {value}" for name, value in facts.items())
