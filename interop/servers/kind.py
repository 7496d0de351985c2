"""What every kind of server has: variants, and what must come of each login."""

import itertools
import os

import host_setup
from homes import Home
from host_setup import Server

# Seconds of silence that a server with little patience stands: enough for a login on a busy machine.
IDLE = 20

LOGGED_IN = {"exit": 0, "outcome": "logged_in", "phase": "ready", "code": 230}
CLEAR = LOGGED_IN | {"by": "password", "tls": "none", "data": "clear"}
PRIVATE = LOGGED_IN | {"by": "password", "tls": "yes", "data": "private"}
REFUSED = {"exit": 3, "outcome": "refused"}
WRONG_PASSWORD = REFUSED | {"phase": "password", "code": 530}
UNAVAILABLE = {"exit": 4, "outcome": "unavailable", "code": 421}
NO_REIN = ({"is": "LoggedIn 502"}, None)  # RFC 959 does not demand it
NO_SUCH_PATH = ("it refuses STOR with 550, which RFC 959 §5.4 does not list for it; it has 553")
WRONG_PATHS = ({"is": "550, 550, 550, received"}, NO_SUCH_PATH)
TLS_FAILED = {"exit": 6, "outcome": "tls_failed", "phase": "security", "code": None}


class Kind:
    """One kind of server. What its documentation promises is data:

    `variants`: how it can be configured. `lacks`: what it cannot do, and why that is known.
    `answers`: where the RFCs leave it a choice, or it does otherwise than they have it: by case or
    (security, case), the facts that must come, and what it does wrong (None if that is its right).
    """

    name = ""
    variants = ()
    lacks = {}
    answers = {}
    # The variants with files, and how each is spoken to.
    lacks_with_files = {}
    # Whether it moves the files of several clients at a time without losing sight of one.
    serves_several = True
    files = {"files": ("clear", "explicit TLS 1.2", "explicit TLS 1.3"),
             "files-implicit": ("implicit TLS",)}
    # Whether these take a data connection only if it resumes the session of the control connection.
    demands_resumption = False
    # Whether one file of many gibibytes is got from it.
    has_huge = False
    # Where its files are, if logins do not lead there.
    starts_at = None
    # The first and the last port of its data connections, if these are told.
    passive_ports = None
    # What its environment has besides: a time zone, or another clock.
    environment = {}
    # How the variants tls12 and tls13 are spoken to.
    tls_security = "explicit TLS"

    def __init__(self, fixtures, stack):
        self.fixtures, self.stack = fixtures, stack
        # With files.
        self.home = None

    def version(self):
        raise NotImplementedError

    def start(self, variant):
        """A running `Server`."""
        raise NotImplementedError

    def expected(self, security, case, default):
        """What must come of a login, and why if that is not what the RFCs have."""
        return self.answers.get((security, case)) or self.answers.get(case) or (default, None)

    def can(self, security, case):
        """Whether this is tried with files."""
        return not {case, (security, case)} & set(self.lacks_with_files)

    def run(self, variant, command, port=None, **options):
        name = f"{self.name} {variant}"
        options["env"] = (options.get("env") or os.environ) | self.environment
        return Server(self.stack, name.replace("/", "-"), command, port, **options)

    def make_home(self, folder):
        """The folder in which users work: one with files."""
        self.home = Home(folder / "home")
        return self.home.folder

    def folder(self, variant):
        """A new one: the same variant may be started again."""
        name = f"{self.name}-{variant}".replace(" ", "-")
        for number in itertools.count(1):
            folder = host_setup.RUN / (name if number == 1 else f"{name}-{number}")
            if not folder.exists():
                folder.mkdir(mode=0o755)
                return folder

    def tls_environment(self, variant):
        """For the variants tls12 and tls13 of programs that use OpenSSL."""
        version = {"tls12": "1.2", "tls13": "1.3"}.get(variant)
        return {"OPENSSL_CONF": str(self.fixtures.openssl[version])} if version else {}


def refused(phase, code, why=None):
    """For `answers`: a refusal."""
    return REFUSED | {"phase": phase, "code": code}, why


def logged_in_by_name(tls):
    """For `answers`: 230 to `USER` already, which RFC 959 permits."""
    return (PRIVATE if tls else CLEAR) | {"by": "user"}, None


def no_facts(code):
    """For `answers`: no MLST, which RFC 959 does not know."""
    return {"is": f"size, modified, {code}"}, None


def not_resumed():
    """For `answers`: no data connection resumes a session."""
    return {"is": "sent, received, " * 3 + "Resumed 0 of 6"}


def no_0xff(why):
    """For `answers`: the password with 0xFF is refused."""
    return refused("password", 530, why)


# RFC 959 §5.3 has the control connection speak Telnet, in which 0xFF is sent doubled.
KEEPS_DOUBLED = ("takes the two bytes FF FF, which are one in Telnet (RFC 854), for two: the password "
                 "of 61 FF … comes as 61 FF FF …")


def greeting_lines(is_raw=False):
    """A greeting of 20 lines that looks like other things. `is_raw`: for servers that put no code
    before each line, none that would be its end."""
    odd = ["", "230 Logged in.", "220 Is this the end?", "  indented", "421-", "220-", "530 No."]
    if is_raw:
        odd = [line for line in odd if not line[:1].isdigit() and line]
    return odd + [f"Line {number} of the greeting" for number in range(len(odd), 20)]
