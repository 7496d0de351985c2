"""Sessions that go on after the login, through each runtime: the program `probe` of `examples/`."""

import subprocess

import host_setup
from host_setup import ADDRESS, PATIENCE


def build(runtimes):
    """The command of the probe, built now, for each runtime."""
    program = host_setup.our_programs() / "probe"
    return {runtime: [program, runtime] for runtime in runtimes}


def rein(user):
    return f"rein {user.name.encode().hex()} {user.password.hex()}"


def run(command, fixtures, security, port, steps, kind="plain"):
    """The line that came of each step, and the dialogue. `security`: as in "explicit TLS 1.3"."""
    user = fixtures.users[kind]
    how, *tls = security.split()
    task = [
        "trace", *(f"tls {version}" for version in tls[1:]), f"security {how}", f"ca {fixtures.ca}", f"address {ADDRESS}:{port}",
        f"login {user.name.encode().hex()} {user.password.hex()}", *steps,
    ]
    done = subprocess.run(
        command, input="\n".join(task) + "\n", text=True, capture_output=True,
        timeout=3 * PATIENCE, check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != 0:
        lines.append(f"ended with {done.returncode}")
    return lines, fixtures.mask(done.stderr)
