"""aioftp, in `programs/aioftp_server.py`: plain, or TLS from the first byte.

A user without a name, as its documentation has for anonymous logins, takes every name that no other
user has.
"""

import host_setup
from servers.kind import CLEAR, NO_REIN, WRONG_PATHS, Kind, logged_in_by_name, refused
from servers.pyftpdlib import python_server


class Aioftp(Kind):
    name = "aioftp"
    tls_security = "implicit TLS"
    variants = ("plain", "implicit", "tls12", "tls13", "full", "idle")
    lacks = {"optional": "it has no explicit TLS on the server's side",
             "required": "it has no explicit TLS on the server's side",
             "certificate": "left out", "greeting": "its greeting cannot be configured"}

    lacks_with_files = dict.fromkeys(
        ("downloads given up", "uploads given up", "given up after Telnet IP and DM"),
        "it closes the control connection without a word when a data connection is reset",
    ) | {"each asked ahead": "it closes the control connection when it is asked for a data connection "
                             "while one is in use"}
    files = {"files": ("clear",), "files-implicit": ("implicit TLS 1.2", "implicit TLS 1.3")}

    answers = {
        ("clear", "anonymous"): logged_in_by_name(tls=False),
        ("implicit TLS", "anonymous"): logged_in_by_name(tls=True),
        ("clear", "unknown user"): logged_in_by_name(tls=False),
        ("implicit TLS", "unknown user"): logged_in_by_name(tls=True),
        "where there is no TLS": refused("security", 502),
        "HOST": (CLEAR, None),
        "REIN": NO_REIN,
        "password: spaced": refused("password", 530, "it strips the spaces at a line's end, which "
                                    "are part of a password"),
        "password: 0xff": ({"exit": 4, "outcome": "io", "phase": "password", "code": None},
                           "it closes the connection without a word at bytes that are not UTF-8"),
        "facts": ({"is": "502, 502, facts"}, None),
        "listings": ({"is": "tree, Unknown, the connection is closing or closed"},
                     "it closes the connection without a word at names that are not UTF-8"),
        "wrong paths": WRONG_PATHS,
        "odd names": ({"is": "blanks, quotes, UTF-8, Unknown, the connection is closing or closed"},
                      "it closes the connection without a word at bytes that are not UTF-8"),
        "active mode": ({"is": "502, 502, not stored"}, "it has no PORT, which RFC 959 §5.1 demands"),
        "idle too long": ({"is": "LoggedIn Closed { phase: Ready, mid_reply: false }"},
                          "it closes the connection without the 421 of RFC 959 §5.4"),
    }

    def version(self):
        return host_setup.python_version("aioftp")

    def start(self, variant):
        return self.run(variant, python_server(self, variant, "aioftp_server.py"))
