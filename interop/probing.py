"""Sessions that go on after the login, through each runtime: the program `probe` of `examples/`."""

import subprocess

import host_setup
from host_setup import ADDRESS, HERE, PATIENCE


def build(runtimes):
    """The command of the probe for each runtime."""
    root = HERE.parent
    host_setup.build(root, "--package", "ftp-examples", "--bin", "probe")
    program = host_setup.target(root) / "debug/probe"
    return {runtime: [program, runtime] for runtime in runtimes}


def rein(user):
    return f"rein {user.name.encode().hex()} {user.password.hex()}"


def run(command, fixtures, security, port, steps, kind="plain"):
    """What came of each step, in a line."""
    user = fixtures.users[kind]
    task = [
        f"security {security.split()[0]}", f"ca {fixtures.ca}", f"address {ADDRESS}:{port}",
        f"login {user.name.encode().hex()} {user.password.hex()}", *steps,
    ]
    done = subprocess.run(
        command, input="\n".join(task) + "\n", text=True, capture_output=True,
        timeout=3 * PATIENCE, check=False,
    )
    return " ".join((done.stdout + done.stderr).split("\n")).strip()
