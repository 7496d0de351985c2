"""aioftp's client, in `programs/aioftp_login.py`."""

import json
import subprocess

import host_setup
from clients.client import Client, what_came
from clients.working import Program
from host_setup import ADDRESS, HERE, PATIENCE, VENV


class AioftpClient(Client):
    name = "aioftp"
    lacks = {"guess": "it closes the connection when it is refused"}
    never_resumes = "it gives no session to its data connections"

    def version(self):
        return host_setup.python_version("aioftp")

    def login(self, security, port, user, password):
        task = {"security": security, "host": ADDRESS, "port": port, "user": user,
                "password": password, "ca": str(self.fixtures.ca)}
        done = subprocess.run(
            [VENV / "bin/python", "-B", HERE / "clients/programs/aioftp_login.py"],
            input=json.dumps(task), text=True, errors="replace", check=False,
            timeout=2 * PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        said = done.stdout
        return what_came("logged in at /" in said, "530" in said, "TLS" not in said, said), said

    def work(self, session, steps):
        return Program(
            VENV / "bin/python", "-B", HERE / "clients/programs/aioftp_files.py"
        ).work(session, steps)
