"""The ftpd of GNU inetutils, which descends from BSD's: no TLS."""

import sys

import host_setup
from host_setup import HERE
from servers.kind import IDLE, NO_REIN, Kind, no_facts, refused


class Inetutils(Kind):
    name = "inetutils"
    package, program, arguments = "inetutils-ftpd", "usr/sbin/ftpd", ("-l",)
    variants = ("plain", "idle")
    lacks = dict.fromkeys(("optional", "required", "implicit", "tls12", "tls13", "certificate"),
                          "it has no TLS") | dict.fromkeys(
        ("greeting", "full"), "it reads its greeting from /etc alone, and inetd counts clients")

    files = {"files": ("clear",)}

    answers = {
        "where there is no TLS": refused("security", 502),
        "REIN": NO_REIN,
        "facts": no_facts(500),
    }

    def version(self):
        return host_setup.unpacked_version(self.package)

    def start(self, variant):
        if variant in self.files:
            self.starts_at = self.make_home(self.folder(variant))
        idle = ("-t", str(IDLE), "-T", str(IDLE)) if variant == "idle" else ()
        command = [sys.executable, "-B", HERE / "servers/programs/inetd.py",
                   host_setup.unpacked(self.package, self.program), *self.arguments, *idle]
        return self.run(variant, command, env=host_setup.with_libraries())
