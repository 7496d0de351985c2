"""ftp-srv (npm), in `programs/ftp_srv.js`."""

import host_setup
from host_setup import HERE
from servers.kind import NO_REIN, Kind, logged_in_by_name, no_0xff, refused
from servers.pyftpdlib import python_server


class FtpSrv(Kind):
    name = "ftp-srv"
    variants = ("optional", "plain", "implicit", "tls12", "tls13", "greeting", "idle")
    answers = {
        ("clear", "anonymous"): logged_in_by_name(tls=False),
        ("explicit TLS", "anonymous"): logged_in_by_name(tls=True),
        ("implicit TLS", "anonymous"): logged_in_by_name(tls=True),
        "where there is no TLS, AUTH SSL": refused("security", 504),
        "REIN": NO_REIN,
        "CCC": ({"is": "LoggedIn 502"}, None),
        "password: 0xff": no_0xff("decodes lines as UTF-8 and replaces what is none: 61 FF FF … comes "
                                  "as 61 EF BF BD EF BF BD …"),
    }
    lacks = {"certificate": "its options make a TLS context alone, which asks for none",
             "required": "it cannot demand TLS", "full": "it has no limit of connections"}

    def version(self):
        return host_setup.npm_version("ftp-srv")

    def start(self, variant):
        *_, file = python_server(self, variant, "")
        port = host_setup.free_port()
        program = HERE / "servers/programs/ftp_srv.js"
        return self.run(variant, ["node", program, file, str(port)], port)


