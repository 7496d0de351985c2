"""netrc files as people have them, read by curl and by ours: who says what to a server.

Both get the same bytes and the same URL, and a server writes down the bytes of USER and PASS. They
must be equal, but for the files at which versions of curl differ, or at which curl says what ours
must not: for these there is a reason, and what else a curl may say.
"""

import dataclasses
import os
import socket
import subprocess
import threading

from host_setup import ADDRESS, PATIENCE, RUN, Failure

HOST = ADDRESS.encode()
# What ends without a word to the server.
ERROR = "error"
# No login of the file: anonymous, each with the password that it has for that.
ANONYMOUS = "anonymous"
# Without a password ours says USER and asks; curl says an empty one.
NO_PASSWORD = b""

M = b"machine " + HOST + b" "
OTHER = b"machine example.com "
AB = (b"a", b"b")
NEW = (b"new", b"new")
LOGIN_NEW = b"login new password new\n"
LOGIN_OLD = b"login old password old"


@dataclasses.dataclass
class File:
    name: str
    text: bytes
    ours: object
    user: str = ""
    # What else a curl may say, and why ours does not.
    curl: tuple = ()
    why: str = ""


def files():
    """Those that every curl since 7.84 (quotes) reads as ours does, then the others."""
    for name, before in {
        "at the beginning": b"",
        "after a blank line": b"\n\n",
        "after blanks": b" \t\n  ",
        "after CRLF": OTHER + b"login x password y\r\n\r\n",
        "after a space": OTHER + b"login x password y \n",
        "after a quoted value": OTHER + b"login x password \"y\"\n",
    }.items():
        for kind, hash_sign in {"glued": b"#", "spaced": b"# "}.items():
            for ends, end in {"LF": b"\n", "CRLF": b"\r\n"}.items():
                is_odd = name == "after CRLF"
                yield File(f"commented out {name}, {kind}, {ends}",
                           before + hash_sign + M + LOGIN_OLD + end + M + LOGIN_NEW, NEW,
                           curl=(ERROR,) if is_odd else (),
                           why="curl 8.11 to 8.20 refuses empty lines that end with CRLF")
    yield File("nothing but commented out", b"\n# " + M + LOGIN_OLD + b"\n", ANONYMOUS)
    yield File("a comment of words", b"# it's for \"the NAS\nin the cellar\n" + M + LOGIN_NEW, NEW)
    yield File("a comment behind the pair", M + b"login a password b # password c\n", AB,
               curl=((b"a", b"c"),), why="curl 8.21 knows comments on lines of their own only")
    yield File("a comment inside an entry", M + b"login a\n# password c\npassword b\n", AB)
    yield File("a commented value", M + b"login a password\n# c\nb\n", AB)
    yield File("unknown words of another's", OTHER + b"protocol https port 21\n" + M + LOGIN_NEW,
               NEW)
    yield File("unknown words of its own", M + b"protocol https port 21 login a password b", AB)
    yield File("an unquoted password of words", M + b"login a password b c d\n", AB)
    yield File("capital keywords", b"MACHINE " + HOST + b" Login a PASSWORD b\n", AB)
    yield File("two entries on a line",
               OTHER + b"login x password y " + M + b"login a password b", AB)
    yield File("an entry over lines", M.replace(b" ", b"\n") + b"login\na\npassword b", AB)
    yield File("password before login", M + b"password b login a\n", AB)
    yield File("tabs", M.replace(b" ", b"\t") + b"\tlogin\ta\tpassword\tb\t\n", AB)
    yield File("quotes", M + b"login \"a b\" password \"c\\\"d \\\\e\\q\"\n",
               (b"a b", b"c\"d \\eq"))
    yield File("quotes inside a word", M + b"login a password b\"c\\d\"\n", (b"a", b"b\"c\\d\""))
    yield File("an empty password", M + b"login a password \"\"\n", (b"a", b""))
    yield File("no password", M + b"login a\n", (b"a", NO_PASSWORD))
    yield File("the default", OTHER + b"login x password y\ndefault login a password b\n", AB)
    yield File("a default before the entry", b"default login a password b\n" + M + LOGIN_NEW, AB)
    yield File("somebody else's", OTHER + LOGIN_OLD, ANONYMOUS)
    yield File("an empty file", b"", ANONYMOUS)
    yield File("a macro", b"macdef init\n" + M + LOGIN_OLD + b"\ndefault " + LOGIN_OLD + b"\n\n" + M
               + LOGIN_NEW, NEW)
    yield File("a macro behind the pair", M + b"login a password b\nmacdef init\npassword c\n\n",
               AB)
    yield File("a macro without end", b"macdef init\n" + M + LOGIN_OLD, ANONYMOUS)
    yield File("a line feed in a password", M + b"login a password \"b\\nDELE c\"\n", ERROR)
    yield File("a quote without end", M + b"login a password \"b c\n", ERROR)
    both = M + b"login a password 1\n" + M + b"login b password 2\n"
    yield File("two users, the first", both, (b"a", b"1"), user="a")
    yield File("two users, the second", both, (b"b", b"2"), user="b")
    yield File("two users, neither", both, (b"c", NO_PASSWORD), user="c", curl=((b"c", b"2"),),
               why="curl up to 8.20 says the password of another user")
    yield from differing()


def differing():
    early = "curl up to 8.20 has passwords end at the first byte that is not ASCII, or refuses them"
    yield File("bytes that are not UTF-8", M + b"login a\xff password \xe9b\xc3\x28\n",
               (b"a\xff", b"\xe9b\xc3\x28"), curl=(ERROR,), why=early)
    yield File("bytes behind ASCII", M + b"login a password b\xe9\xff\n", (b"a", b"b\xe9\xff"),
               curl=(AB,), why=early)
    yield File("a byte order mark", b"\xef\xbb\xbf" + M + LOGIN_NEW, NEW,
               curl=(ANONYMOUS, ERROR), why="curl takes the first word for an unknown one")
    yield File("a byte order mark and a comment", b"\xef\xbb\xbf# " + M + LOGIN_OLD + b"\n" + M
               + LOGIN_NEW, NEW, curl=((b"old", b"old"), ERROR),
               why="curl uses the entry that is commented out")
    yield File("a password with #", M + b"login a password #b\n", (b"a", b"#b"),
               curl=((b"a", NO_PASSWORD),), why="a comment until curl 8.11")
    yield File("a password or a comment", M + b"login a password # b\nmachine x", ERROR,
               curl=((b"a", b"#"), (b"a", b"machine")), why="curl says one or the other")
    yield File("no password, but the next entry", M + b"login a password\n" + OTHER + b"login b\n",
               ERROR, curl=((b"a", b"machine"), (b"b", b"machine")),
               why="curl says the keyword as the password")
    yield File("an entry over lines, CRLF", M.replace(b" ", b"\r\n") + b"login\r\na\r\npassword b",
               AB, curl=(ANONYMOUS,), why="curl 7.88 reads an empty word at CRLF")
    yield File("no password, and the end", M + b"login a password", ERROR,
               curl=((b"a", NO_PASSWORD),), why="curl says an empty one")
    yield File("an empty login", M + b"login \"\" password b", ERROR, curl=((b"", b"b"),),
               why="no server knows a user without a name")
    yield File("no login", M + b"password b", ERROR, curl=((b"", b"b"), "crash"),
               why="curl 7.88 crashes; later ones say an empty name")
    broken = b"login x password \"y\n"
    yield File("a quote without end in another's entry", OTHER + broken + M + LOGIN_NEW, NEW,
               curl=(ERROR,), why="curl refuses the whole file")
    yield File("keywords as another's values", OTHER + b"login machine password default\n" + M
               + LOGIN_NEW, NEW, curl=(ANONYMOUS, (b"new", b"new"), (b"a", b"b")),
               why="curl up to 8.20 takes the values for keywords")
    yield File("a macro of its own machine", M + b"macdef init\nlogin old\npassword old\n\n" + M
               + LOGIN_NEW, NEW, curl=((b"old", b"old"),),
               why="curl up to 8.20 reads macros of the machine it looks for as the entry")
    yield File("a macro and a line of blanks", b"macdef init\nbye\n \t\n" + M + LOGIN_NEW, NEW,
               curl=(ANONYMOUS,), why="only an empty line ended a macro before curl 8.11")
    yield File("several passwords", M + b"login a password b password c", AB, curl=((b"a", b"c"),),
               why="curl 8.21 takes the last")
    yield File("two users in one entry, the second",
               M + b"login a password b login c password d\n", (b"c", b"d"), user="c",
               curl=((b"c", b"b"),), why="curl up to 8.20 says the password of the other user")
    yield File("two users in one entry, the first",
               M + b"login a password b login c password d\n", AB, user="a",
               curl=((b"a", NO_PASSWORD),), why="curl 8.21 takes the last of each")
    yield File("password first, two users", M + b"password 1 login a password 2 login b\n",
               (b"b", b"2"), user="b", curl=((b"b", b"1"),),
               why="curl 7.88 says the password of the other user")
    yield File("carriage returns alone", M.replace(b" ", b"\r") + b"login\ra\rpassword\rb\r", AB)
    yield File("carriage returns alone, and a comment", b"# mine\r" + M + b"login a password b\r",
               ERROR, curl=(ANONYMOUS, "crash"), why="the comment never ends; it may have been meant to")
    long = b"x" * 3000
    yield File("a long password", M + b"login a password " + long, (b"a", long))
    long = b"x" * 5000
    yield File("a password longer than curl takes", M + b"login a password " + long, (b"a", long),
               curl=(ERROR, ANONYMOUS), why="curl has limits to words and lines")
    yield File("a NUL", M + b"login a password b\0c\nmachine x login y\n", ERROR,
               curl=(AB, (b"a", b"bmachine"), (b"y", b"bmachine"), ANONYMOUS),
               why="curl drops it and the rest of the line, or of the file")
    yield File("UTF-16", (b"\xff\xfe" + M.decode().encode("utf-16-le")), ERROR,
               curl=(ANONYMOUS, ERROR), why="curl finds no word in it")


def run(program):
    """Reads all files with both; how many there were. Fails if one is read otherwise."""
    wrong = []
    count = 0
    with Server() as server:
        for file in files():
            count += 1
            path = RUN / "netrc"
            path.write_bytes(file.text)
            path.chmod(0o600)
            url = f"ftp://{file.user + '@' if file.user else ''}{ADDRESS}:{server.port}/"
            ours = server.said_to(
                [program, "login", "--plaintext", "--quiet", "--timeout", "20", url],
                {"NETRC": str(path)},
            )
            curl = server.said_to(["curl", "--silent", "--netrc-file", str(path), url], {})
            if ours != file.ours:
                wrong.append(f"{file.name}: ours says {ours}, not {file.ours}")
            if curl != file.ours and curl not in file.curl:
                wrong.append(f"{file.name}: curl says {curl}, ours {ours}")
    if wrong:
        raise Failure("netrc files are read otherwise than they must be:\n" + "\n".join(wrong))
    return count


class Server:
    """Refuses every login, and remembers what was said."""

    def __init__(self):
        self.listener = socket.create_server((ADDRESS, 0))
        self.port = self.listener.getsockname()[1]
        self.lines = []
        self.serving = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.serving.start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        """One client after the other, until the listener is closed."""
        replies = {b"USER": b"331 Password?\r\n", b"PASS": b"530 No.\r\n", b"QUIT": b"221 Bye.\r\n"}
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                try:
                    connection.settimeout(PATIENCE)
                    connection.sendall(b"220 Ready.\r\n")
                    for line in lines:
                        self.lines.append(line)
                        connection.sendall(replies.get(line[:4].upper(), b"500 What?\r\n"))
                except OSError:
                    pass  # the client has left; what it said is known

    def said_to(self, command, environment):
        """The user and the password that this program sends, ANONYMOUS, or why there is none."""
        self.lines.clear()
        inherited = {name: value for name, value in os.environ.items()
                     if name not in ("FTP_PASSWORD", "NETRC")}
        # No ~/.netrc from outside.
        environment = inherited | {"HOME": str(RUN)} | environment
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, timeout=PATIENCE)
        # Ours doubles 255, as Telnet has it.
        said = {line[:4]: line[5:].removesuffix(b"\r\n").replace(b"\xff\xff", b"\xff")
                for line in list(self.lines)}
        if b"USER" not in said:
            return "crash" if done.returncode < 0 else ERROR
        if said[b"USER"] == b"anonymous":
            return ANONYMOUS
        return said[b"USER"], said.get(b"PASS", NO_PASSWORD)
