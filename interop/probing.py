"""Sessions that go on after the login, through each runtime: the example `probe` of its crate."""

import subprocess

import host_setup
from host_setup import ADDRESS, HERE, PATIENCE


def build(runtimes):
    """The probe of each runtime's crate."""
    root = HERE.parent
    names = {runtime: f"probe_{runtime.replace('-', '_')}" for runtime in runtimes}
    for runtime, name in names.items():
        host_setup.build(root, "--package", f"ftp-{runtime}", "--example", name)
    return {runtime: host_setup.target(root) / "debug/examples" / name
            for runtime, name in names.items()}


def rein(user):
    return f"rein {user.name.encode().hex()} {user.password.hex()}"


def run(program, fixtures, security, port, steps, kind="plain"):
    """What came of each step, in a line."""
    user = fixtures.users[kind]
    task = [
        f"security {security.split()[0]}", f"ca {fixtures.ca}", f"address {ADDRESS}:{port}",
        f"login {user.name.encode().hex()} {user.password.hex()}", *steps,
    ]
    done = subprocess.run(
        [program], input="\n".join(task) + "\n", text=True, capture_output=True,
        timeout=3 * PATIENCE, check=False,
    )
    return " ".join((done.stdout + done.stderr).split("\n")).strip()
