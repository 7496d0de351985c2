"""The machine under the tests: what is installed, unpacked and built; processes."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE / ".run"
VENV = HERE / ".venv"
# Debian's packages, unpacked side by side: as packages the servers conflict, and installing them
# would leave users, configuration and services behind.
UNPACKED = HERE / ".peers"
ADDRESS = "127.0.0.1"
PORTS = iter(range(20_000, 32_000))  # each is given once
# For anything that takes milliseconds on an idle machine.
PATIENCE = 60

# Program: Debian package.
PROGRAMS = {
    "curl": "curl", "lftp": "lftp", "openssl": "openssl", "npm": "npm",
    "redis-server": "redis-server",
}
DEBIAN = [
    # Servers.
    "vsftpd", "proftpd-core", "proftpd-mod-crypto", "pure-ftpd", "pure-ftpd-common",
    "inetutils-ftpd",
    # Clients.
    "tnftp", "ncftp", "wget", "rclone",
    # What these need.
    "libhashkit2", "libhiredis0.14", "libmemcached11", "libmemcachedutil2", "libpcre2-posix3",
    "libwrap0", "libedit2", "libbsd0", "libmd0", "libncurses6", "libtinfo6", "libsodium23",
    "libpcre2-8-0", "libpsl5", "libcap2", "libacl1", "libpam-modules", "libpam0g",
    # Gives a process another clock.
    "libfaketime",
]
# Users of the system and their PAM service are there once: one run at a time, of all checkouts.
LOCK = pathlib.Path("/run/lock/ftp-proto-interop")
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
# pyOpenSSL is what pyftpdlib needs for TLS; moto speaks S3.
PYTHON_PACKAGES = [
    "pyftpdlib==2.2.0", "pyOpenSSL==26.4.0", "aioftp==0.28.3", "moto[s3,server]==5.2.5",
]


class Failure(Exception):
    """The tests could not be carried out, or one did not end as it must."""


def call(*command, stdin=None, **options):
    """Runs a command to its end; its output is shown only if it fails."""
    options.setdefault("text", not isinstance(stdin, bytes))
    done = subprocess.run(
        command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode != 0:
        raise Failure(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}")
    return done.stdout


def stamp(program):
    """The line with which a report begins: the program that made it, commit, date, machine."""
    return call(HERE.parent / "docs/reports/stamp", program)


def prepare(programs=None, scripts=True):
    """Installs what is missing: these programs (all, if not told), the servers and clients that are
    unpacked, and those of Python and Node if `scripts`. What cannot be had is a failure, never
    skipped."""
    programs = PROGRAMS if programs is None else programs
    if os.geteuid() != 0:
        raise Failure("needs root: some servers check system users, and some are made for them")
    be_alone()
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    os.environ["LC_ALL"] = "C.UTF-8"
    if RUN.exists():
        shutil.rmtree(RUN)
    # Servers that take another user's rights must be able to enter it.
    RUN.mkdir(mode=0o711)

    packages = [package for name, package in programs.items() if not shutil.which(name)]
    if scripts and not (VENV / "bin/pip").exists() and not has_venv():
        packages.append("python3-venv")
    missing = [name for name in DEBIAN if not (UNPACKED / name).exists()]
    if packages or missing:
        call("apt-get", "update", "-qq")
    if packages:
        install(packages)
    for name in programs:
        if not shutil.which(name):
            raise Failure(f"{name} is not here even after its installation")
    unpack(missing)
    if scripts:
        prepare_scripts()


def be_alone():
    """Waits until no other run is under way. The kernel frees the lock of one that is killed."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = LOCK.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another run to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    # Children do not inherit it: what a killed run left running does not hold it.
    be_alone.lock = lock


def prepare_scripts():
    prepare_python()
    node = HERE / "node"
    if not (node / "node_modules/.package-lock.json").exists():
        print("installing npm packages", flush=True)
        call("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=node)


def prepare_python():
    """The servers and clients of Python, and what runs them, in an environment of their own."""
    if not (VENV / "bin/pip").exists():
        call(sys.executable, "-m", "venv", "--clear", VENV)
    call(VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES)


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
        call("apt-get", "install", "-qq", "--no-install-recommends", *packages, env=environment)
    finally:
        if ours:
            POLICY.unlink()


def unpack(packages):
    if not packages:
        return
    print(f"unpacking {' '.join(packages)}", flush=True)
    downloads = RUN / "downloads"
    downloads.mkdir()
    call("apt-get", "download", "-qq", *packages, cwd=downloads)
    for name in packages:
        (file,) = downloads.glob(f"{name}_*.deb")
        folder = UNPACKED / f"{name}.new"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        call("dpkg-deb", "-x", file, folder)
        version = call("dpkg-deb", "-f", file, "Version").strip()
        (folder / "version").write_text(version)
        folder.rename(UNPACKED / name)


def unpacked(package, path):
    """A file of a package that was unpacked."""
    return UNPACKED / package / path


def unpacked_version(package):
    return (UNPACKED / package / "version").read_text()


def with_libraries(**more):
    """An environment in which programs find the libraries that were unpacked."""
    folders = [str(folder) for name in DEBIAN if name.startswith("lib")
               for folder in (UNPACKED / name).glob("**/x86_64-linux-gnu")]
    return os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(folders)} | more


def npm_version(package):
    return json.loads((HERE / "node/node_modules" / package / "package.json").read_text())["version"]


def python_version(package):
    (found,) = [name for name in PYTHON_PACKAGES if name.startswith(f"{package}==")]
    return found.partition("==")[2]


def our_program():
    """The path of `ftp-cli`, built now unless FTP_LOGIN names one."""
    return os.environ.get("FTP_LOGIN") or str(our_programs() / "ftp-cli")


def our_programs():
    """The folder with our programs, and their examples in `examples`, built now. Always all at once:
    for each other choice of packages cargo would build the dependencies again."""
    root = HERE.parent
    build(root, "--workspace", "--bins", "--examples", "--features",
          "ftp-cli/async-std,ftp-cli/guard-store,ftp-cli/object-store")
    return target(root) / "debug"


def build(folder, *what):
    print(f"building {' '.join(what) or folder.name}", flush=True)
    call("cargo", "build", "--locked", *what, cwd=folder)


def target(folder):
    """Where cargo puts what it builds there."""
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"],
        cwd=folder, check=True, stdout=subprocess.PIPE,
    )
    return pathlib.Path(json.loads(metadata.stdout)["target_directory"])


def free_port():
    """Of those that the system gives to nobody by itself: so it is free still when the server takes it."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((ADDRESS, port))
            return port
    raise Failure("no port is free")


class Server:
    """A server process, its port, and its log. Stopped when the stack unwinds."""

    def __init__(self, stack, name, command, port=None, **options):
        self.name, self.port = name, port
        self.log = RUN / f"{name.replace(' ', '-')}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, **options,
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
        """By the kernel's table: a connection would count as a client."""
        entry = f"0100007F:{self.port:04X} 00000000:0000 0A"
        return entry in pathlib.Path("/proc/net/tcp").read_text()

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
