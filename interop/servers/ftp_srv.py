"""ftp-srv (npm), in `programs/ftp_srv.js`."""

import host_setup
from host_setup import HERE
from servers.kind import NO_REIN, Kind, logged_in_by_name, no_0xff, no_facts, not_resumed, refused
from servers.pyftpdlib import python_server


class FtpSrv(Kind):
    name = "ftp-srv"
    variants = ("optional", "plain", "implicit", "tls12", "tls13", "greeting", "idle")
    lacks_with_files = dict.fromkeys(
        ("downloads given up", "given up after Telnet IP and DM"),
        "at times it answers no command any more after a data connection was reset",
    ) | {"each asked ahead": "it forgets the port that it told when the transfer before ends"}
    answers = {
        ("clear", "anonymous"): logged_in_by_name(tls=False),
        ("explicit TLS", "anonymous"): logged_in_by_name(tls=True),
        ("implicit TLS", "anonymous"): logged_in_by_name(tls=True),
        "where there is no TLS, AUTH SSL": refused("security", 504),
        "REIN": NO_REIN,
        "facts": no_facts(502),
        "listings": ({"is": "tree, Listed 5 other, nothing, Named 5 other"},
                     "it leaves out names that are not UTF-8"),
        "CCC": ({"is": "LoggedIn 502"}, None),
        "wrong paths": ({"is": "551, 551, Failed 550, received"},
                        "it refuses RETR with 551, which RFC 959 §5.4 does not list for it, and "
                        "says 150 before it refuses STOR"),
        "odd names": ({"is": "blanks, 551, UTF-8, 551, dash, brackets"},
                      "it takes quotes out of paths, and paths that are not UTF-8 for other ones"),
        "rest of an upload": ({"is": "sent, sent, sent, stored 8000 other bytes, stored"},
                              "at a STOR after REST it puts zeros in place of what it has"),
        "sessions resumed": (not_resumed(), None),
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


