"""suppaftp, the crate, in a program of its own: `../suppaftp`."""

import re
import subprocess

import host_setup
from clients.client import GUESSES, Client, what_came
from clients.working import Program
from host_setup import ADDRESS, HERE, PATIENCE


class Suppaftp(Client):
    name = "suppaftp"
    # The 421 that follows the last 530 is what it reads for the next command.
    locked_out = "530 530 530 421"
    lacks_with_files = {
        "tree, both ways": "it takes files one by one",
        "implicit TLS": "it does not say PROT P then, and takes the data for protected all the same "
                        "(RFC 4217 §9 has it in clear)",
    }
    never_resumes = "each of its data connections has a session store of its own"
    program = None

    def __init__(self, fixtures):
        super().__init__(fixtures)
        if Suppaftp.program is None:
            folder = HERE / "suppaftp"
            host_setup.build(folder)
            Suppaftp.program = host_setup.target(folder) / "debug/ftp-interop-suppaftp"

    def version(self):
        lock = (HERE / "suppaftp/Cargo.lock").read_text()
        return re.search(r'name = "suppaftp"\nversion = "([^"]+)"', lock)[1]

    def login(self, security, port, user, password):
        said = self.call(security, port, user, password, 1)
        ok = "logged in\npwd /\n" in said
        sent_password = not re.search(r"\[530\].*TLS", said)
        return what_came(ok, "[530]" in said, sent_password, said), said

    def guess(self, security, port, password):
        said = self.call(security, port, self.fixtures.user, password, GUESSES)
        return " ".join(re.findall(r"\[(\d{3})\]", said)), said

    def work(self, session, steps):
        return SuppaftpProgram(self.program).work(session, steps)

    def call(self, security, port, user, password, times):
        facts = {
            "security": security.split()[0], "ca": self.fixtures.ca, "host": ADDRESS,
            "port": port, "user": user.encode().hex(), "password": password.encode().hex(),
            "times": times,
        }
        done = subprocess.run(
            [self.program], input="".join(f"{name} {value}\n" for name, value in facts.items()),
            text=True, errors="replace", check=False, timeout=2 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return done.stdout


class SuppaftpProgram(Program):
    """It takes its task line by line."""

    @staticmethod
    def task(session, steps):
        def digits(text):
            return text.encode().hex()

        lines = [
            f"security {session.how.split()[0]}", f"ca {session.ca}", f"host {ADDRESS}",
            f"port {session.port}", f"user {digits(session.user)}",
            f"password {digits(session.password)}",
        ]
        lines += [f"tls {session.tls}"] * bool(session.tls)
        lines += [f"step {step.verb} {digits(step.remote)} {digits(str(step.local or ''))} "
                  f"{step.offset} {digits(step.to)}" for step in steps]
        return "\n".join(lines) + "\n"
