"""The server under attack: one `ftp-cli serve` process on 127.0.0.1, its users, its memory."""

import pathlib
import re
import resource
import secrets
import shutil
import subprocess
import tempfile
import time

from host_setup import ADDRESS, PATIENCE, Failure, call

OWNER, STRANGER = "owner", "nobody-of-that-name"
# argon2id of "held for nothing" at the least cost there is: ten thousand logins must not be a
# test of argon2. Used for the users whose sessions are held, and for nobody else.
HELD_PASSWORD = "held for nothing"
HELD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$aGVsZCBzZXNzaW9ucw$6uRzZSpeB5ec4+KZUvgBjgMtdIX+iYzPZjhf/Vj+gxw"
)
HELD_USERS = 100


class Users:
    """A users file: the owner, with the hash that `ftp-cli hash` makes, and the held users."""

    def __init__(self, program, folder):
        self.password = secrets.token_urlsafe(12)
        self.write(folder, call(program, "hash", stdin=f"{self.password}\n").strip())

    def write(self, folder, hashed):
        lines = [f"{OWNER}:{hashed}"] + [f"held-{n}:{HELD_HASH}" for n in range(HELD_USERS)]
        self.file = folder / "users"
        self.file.write_text("\n".join(lines) + "\n")


class CheapUsers(Users):
    """The same, but the owner's hash is as cheap as the others'. A check costs what the dearest
    hash of the file costs, whoever is checked."""

    def __init__(self, folder):
        self.password = HELD_PASSWORD
        self.write(folder, HELD_HASH)


class Server:
    """A server process of its own for each attack, so that the peak of its memory is the attack's.

    Used as a context. Its log goes to a file: whatever it says is searched for passwords.
    """

    def __init__(self, program, users, *options):
        self.users = users
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ftp-abuse-"))
        self.log_file = self.folder / "log"
        if "--implicit" not in options:  # most attacks are made in clear
            options = ("--danger-optional-tls", *options)
        command = [program, "serve", "--listen", f"{ADDRESS}:0", "--users", users.file, *options]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        said = [self.process.stdout.readline() for _ in range(2)]
        found = re.match(r"listening on \S+:(\d+)\ncertificate SHA-256 (\S+)\n", "".join(said))
        if not found:
            self.stop()
            raise Failure(f"the server does not start:\n{self.log()}")
        self.port = int(found[1])
        self.fingerprint = found[2].replace(":", "").lower()
        self.at_start = self.memory("VmRSS")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def memory(self, what):
        """`VmRSS`, what it takes now, or `VmHWM`, the most it took; in KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)[1])

    def is_stopped(self):
        """By a signal: all of its threads, by the kernel's word."""
        states = [file.read_text() for file in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/status")]
        return all(re.search(r"^State:\s+T", state, re.MULTILINE) for state in states)

    def settled_memory(self):
        """What it takes once that no longer changes, or after two minutes. Its threads end that have had
        nothing to do for ten seconds."""
        before, since, end = -1, 0, time.monotonic() + 120
        while (moment := time.monotonic()) < end:
            if (now := self.memory("VmRSS")) != before:
                before, since = now, moment
            elif moment - since > 12:
                break
            time.sleep(1)
        return before

    def sockets_with(self, network):
        """How many sockets it holds whose peer is in 127.NETWORK.0.0/16, by the kernel's table."""
        held = 0
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, ours, theirs, _, _, _, _, _, _, inode = line.split()[:10]
            is_ours = int(ours.partition(":")[2], 16) == self.port and inode != "0"
            held += is_ours and theirs.partition(":")[0].endswith(f"{network:02X}7F")
        return held

    def log(self):
        return self.log_file.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        """Its exit code. 421 to whoever is there; who does not listen is cut off after 10 s."""
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


def allow_many_files():
    """As many open files as the system lets us have, here and in the servers started."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
