"""pyftpdlib, in `programs/pyftpdlib_server.py`."""

import json

import host_setup
from host_setup import HERE, RUN, VENV
from servers.kind import IDLE, WRONG_PATHS, Kind, greeting_lines, no_0xff, refused


class Pyftpdlib(Kind):
    name = "pyftpdlib"
    variants = ("optional", "required", "plain", "tls12", "tls13", "certificate", "greeting",
                "full", "idle")
    lacks = {"implicit": "it has no implicit TLS"}
    serves_several = False

    lacks_with_files = {
        "active mode": "with several clients at a time it may notice nothing of a connection that it made, "
                       "and not even answer PORT",
        "each asked ahead": "it closes the data connection that is in use when it is asked for another",
    }
    files = {"files": Kind.files["files"]}

    answers = {
        ("clear", "where TLS is demanded"): refused(
            "user", 550, "it refuses USER with 550, which RFC 959 does not list for it; RFC 4217 §4 "
            "has 530 or 534"),
        "where there is no TLS": refused("security", 500),
        "where there is no TLS, AUTH SSL": refused("security", 500),
        "REIN": ({"is": "LoggedIn 230"}, "it answers REIN with `230 Ready for new user.`, which says "
                 "that someone is logged in; RFC 959 §5.4 has 220. Our client ends the connection"),
        "CCC": ({"is": "LoggedIn 500"}, None),
        "listings": ({"is": "tree, Listed 6 other, nothing, Named 6 other"},
                     "it puts `?` into names that are not UTF-8"),
        "wrong paths": WRONG_PATHS,
        "odd names": ({"is": "blanks, quotes, UTF-8, 550, dash, brackets"},
                      "it takes paths that are not UTF-8 for other ones"),
        "password: 0xff": no_0xff("decodes lines as UTF-8 and replaces what is none: 61 FF FF … comes "
                                  "as 61 EF BF BD EF BF BD …"),
    }

    def version(self):
        return host_setup.python_version("pyftpdlib")

    def start(self, variant):
        return self.run(variant, python_server(self, variant, "pyftpdlib_server.py"))


def python_server(kind, variant, script):
    """The command. Passwords go through a file that only root can read."""
    fixtures = kind.fixtures
    file = RUN / f"{kind.name}-{variant}.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({
        "variant": variant, "idle": IDLE,
        "users": {user.name: user.password.hex() for user in fixtures.users.values()},
        "certificate": str(fixtures.certificate), "key": str(fixtures.key),
        "home": str(kind.make_home(kind.folder(variant))) if variant in kind.files else None,
        "passive_ports": kind.passive_ports,
        "client_ca": str(fixtures.client_ca), "greeting": greeting_lines(is_raw=True),
    }))
    return [VENV / "bin/python", "-B", HERE / "servers/programs" / script, file]
