"""`ftp-cli serve`."""

import threading

from host_setup import ADDRESS, RUN, call
from servers.kind import IDLE, WRONG_PATHS, Kind, greeting_lines, refused


class Ours(Kind):
    name = "ftp-cli serve"
    variants = ("optional", "required", "implicit", "greeting", "full", "idle")
    lacks = {"plain": "it always offers TLS", "certificate": "it asks for none",
             "tls12": "it always offers both versions", "tls13": "it always offers both versions"}
    program = ""
    making_users = threading.Lock()
    answers = {
        "HOST": refused("user", 504),  # RFC 7151 §3.1: no host of that name
        "CCC": ({"is": "LoggedIn 534"}, None),
        "wrong paths": WRONG_PATHS,
    }

    def version(self):
        return call(self.program, "--version").split()[1]

    def start(self, variant, *more):
        options = {
            "full": ["--max-sessions", "1"], "idle": ["--idle-timeout", str(IDLE)],
            "implicit": ["--implicit"],
        }.get(variant, [])
        if variant.startswith("files"):
            options = self.options_with_files(variant)
        if variant == "greeting":
            file = RUN / "greeting"
            file.write_text("\n".join(greeting_lines()) + "\n")
            options = ["--greeting", file]
        if variant != "required" and "implicit" not in variant:
            options.append("--danger-optional-tls")
        # It is a server to try clients against: all of them come from one address.
        if "--danger-no-guard" in call(self.program, "serve", "--help"):
            options.append("--danger-no-guard")
        command = [self.program, "serve", "--listen", f"{ADDRESS}:0", "--users", self.users(),
                   "--cert", self.fixtures.certificate, "--key", self.fixtures.key,
                   *([] if "--root" in options else ["--anonymous"]), *options, *more]
        return self.run(variant, command)

    def options_with_files(self, variant):
        if not self.home:
            self.make_home(self.folder("files"))
        options = ["--root", self.home.folder, "--active"]
        if self.passive_ports:
            options += ["--passive-ports", "{}-{}".format(*self.passive_ports)]
        if "resumed" in variant:
            options += ["--tls-resumption", "require"]
        return [*options, "--implicit"] if "implicit" in variant else options

    def variants_with_files(self):
        """Those that real clients meet."""
        return [*self.files, "files-resumed", "files-implicit-resumed"]

    def users(self):
        """With the hashes that `ftp-cli hash` makes."""
        file = RUN / "users"
        with self.making_users:
            if not file.exists():
                hashed = {user.name: call(self.program, "hash", stdin=user.password + b"\n").decode()
                          for user in self.fixtures.users.values()}
                file.write_text("".join(f"{name}:{hash}" for name, hash in hashed.items()))
        return file


