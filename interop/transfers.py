"""Transfers and what else is done with files on real servers, by the probes: on each runtime, in clear
and under TLS, and how each must end. What was stored is compared on the server's disk."""

import concurrent.futures
import contextlib
import dataclasses

import our_client
import probing
from homes import MODIFIED, NAMES, pattern, received
from servers import KINDS
from table import Cell, Part

# For the servers that take a data connection only if its session is resumed.
ROUNDS = 100
GIBIBYTES = 5


def run(program, fixtures, only=""):
    part = Part()
    probes = probing.build(our_client.runtimes(program))
    kinds = [kind for kind in KINDS if only in kind.name and kind.files]
    with concurrent.futures.ThreadPoolExecutor(our_client.KINDS_AT_A_TIME) as pool:
        trials = [pool.submit(try_kind, kind, fixtures, probes) for kind in kinds]
        for kind, trial in zip(kinds, trials):
            cells = trial.result()
            part.heading("transfers", kind.name)
            for cell in cells:
                part.add(cell)
    return part


def try_kind(kind, fixtures, probes):
    """All cells of one kind of server."""
    cells = []
    with contextlib.ExitStack() as stack:
        server = kind(fixtures, stack)
        # All runtimes at a time, if the server stands it: they have no file in common that is written.
        at_a_time = len(probes) if server.serves_several else 1
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(at_a_time))
        for variant, securities in kind.files.items():
            port = server.start(variant).port
            for security in securities:
                for case, steps in cases(server, security):
                    trials = [Trial(server, security, *probe, port) for probe in probes.items()]
                    cells += pool.map(lambda trial: trial.cell(case, steps), trials)
                if server.has_huge and security == "clear":
                    trial = Trial(server, security, *next(iter(probes.items())), port)
                    cells.append(trial.cell(f"{GIBIBYTES} GiB", huge))
    return cells


def cases(server, security):
    """The name of each, and what gives its steps."""
    yield from ((case, steps) for case, steps in CASES.items() if server.can(security, case))
    if security != "clear":
        yield "sessions resumed", sessions
        if server.demands_resumption:
            yield f"{ROUNDS} uploads, {ROUNDS} downloads", rounds


@dataclasses.dataclass
class Step:
    """A step of a probe, the line that must come of it, and what this is called in few words."""

    task: str
    line: str
    word: str = ""


class Trial:
    """One session of a probe."""

    def __init__(self, server, security, runtime, program, port):
        self.server, self.security, self.runtime, self.program = server, security, runtime, program
        self.port, self.home = port, server.home
        self.options, self.stored, self.gone = [], [], []
        self.new = self.home.make_new()

    def cell(self, case, steps):
        steps = [*self.begin(), *steps(self)]
        tasks = [*self.options, *(step.task for step in steps), "quit"]
        came, trace = probing.run(self.program, self.server.fixtures, self.security, self.port, tasks)
        words = self.words(steps, came)
        default = ", ".join(step.word for step in steps if step.word)
        default += ", stored" * len(self.stored)
        expected, why = self.server.expected(self.security, case, {"is": default})
        came, trace = {"is": ", ".join(words)}, "\n".join([*came, trace])
        return Cell(
            self.server.name, self.security, case, expected, came, trace, why, self.runtime,
            self.server.version(), side="files", is_usual=came["is"] == default,
        )

    def begin(self):
        if self.server.starts_at:
            yield Step(f"command CWD {self.server.starts_at}", "250")

    def words(self, steps, came):
        """In the words of the steps where all is right, else as it came."""
        if came[:1] != ["LoggedIn"]:
            return came
        words = []
        for index, line in enumerate(came[1:]):
            step = steps[index] if index < len(steps) else Step("quit", "Left")
            word = step.word if line == step.line else short(line)
            words += [word] if word else []
        words += [self.home.holds(name, content) for name, content in self.stored]
        return words + ["not gone" for name in self.gone if self.home.has(name)]

    def path(self, name):
        """The path of a file in a directory of its own."""
        return self.new + b"/" + name

    def retrieve(self, name, offset=0, word=""):
        content = self.home.known[name][offset:]
        step = f"retrieve-from {name.hex()} {offset}" if offset else f"retrieve {name.hex()}"
        return Step(step, received(content), word or "received")

    def store(self, name, count, seed, offset=0, command="store"):
        path = self.path(name).hex()
        if offset:
            return Step(f"store-from {path} {offset} {count} {seed}", f"Sent {count - offset}", "sent")
        return Step(f"{command} {path} {count} {seed}", f"Sent {count}", "sent")

    def stores(self, name, content):
        """What must be on the disk then."""
        self.stored.append((self.path(name), content))


def short(line):
    """Without hashes and hexadecimal names. They are in the details."""
    words = line.split()
    if words[:1] == ["Received"]:
        return f"Received {words[1]} other bytes"
    if words[:1] in (["Listed"], ["Named"], ["Facts"]):
        return f"{words[0]} {len(words) - 1} other"
    return line


def downloads(trial):
    yield trial.retrieve(b"empty")
    yield trial.retrieve(b"one")
    yield trial.retrieve(b"mebibyte")


def uploads(trial):
    for name, count in ((b"empty", 0), (b"one", 1), (b"mebibyte", 1 << 20)):
        trial.stores(name, pattern(count, 2))
        yield trial.store(name, count, 2)


def overwriting(trial):
    """What is longer than the new content goes away."""
    yield trial.store(b"twice", 5000, 3)
    yield trial.store(b"twice", 3000, 4)
    trial.stores(b"twice", pattern(3000, 4))


def appending(trial):
    yield trial.store(b"grows", 1000, 5, command="append")
    yield trial.store(b"grows", 500, 6, command="append")
    trial.stores(b"grows", pattern(1000, 5) + pattern(500, 6))


def resumed_download(trial):
    """And the next transfer begins at the first byte again."""
    yield trial.retrieve(b"mebibyte", 1_000_000)
    yield trial.retrieve(b"one")


def resumed_upload(trial):
    yield trial.store(b"rest", 5000, 7)
    yield trial.store(b"rest", 8000, 7, offset=5000)
    trial.stores(b"rest", pattern(8000, 7))
    yield trial.store(b"next", 10, 8)
    trial.stores(b"next", pattern(10, 8))


def names(trial):
    yield Step("command CWD names", "250")
    for word, name in NAMES.items():
        yield Step(f"retrieve {name.hex()}", received(trial.home.known[b"names/" + name]), word)


def listings(trial):
    """A tree, a directory with odd names, and an empty one: all that is said of each, and the names."""
    for folder, word in ((b"tree/a", "tree"), (b"names", "odd names"), (b"hollow", "nothing")):
        entries = trial.home.entries(folder)
        yield Step(f"list {folder.hex()}", f"Listed{entries}", word)
    yield Step("command CWD names", "250")
    yield Step("names", "Named" + "".join(f" {name.hex()}" for name in sorted(NAMES.values())), "names")


def operations(trial):
    """Each is seen on the disk."""
    made, new, moved = (trial.path(name) for name in (b"made", b"a new", b"moved to"))
    yield Step(f"mkdir {made.hex()}", "Made", "made")
    yield Step(f"rmdir {made.hex()}", "RemovedDir", "removed")
    yield trial.store(b"a new", 2000, 14)
    yield Step(f"rename {new.hex()} {moved.hex()}", "Renamed", "renamed")
    trial.stores(b"moved to", pattern(2000, 14))
    yield trial.store(b"deleted", 10, 15)
    yield Step(f"delete {trial.path(b'deleted').hex()}", "RemovedFile", "removed")
    trial.gone += [made, new, trial.path(b"deleted")]


def facts(trial):
    yield Step(f"size {b'mebibyte'.hex()}", f"Size {1 << 20}", "size")
    yield Step(f"modified {b'one'.hex()}", f"Modified {MODIFIED}", "modified")
    yield Step(f"facts {b'one'.hex()}", f"Facts file:1:{b'one'.hex()}", "facts")


def cut_downloads(trial):
    """Given up in the middle; the next command gets its own reply, and the next transfer is whole."""
    for _ in range(2):
        yield Step(f"cut {b'big'.hex()} 100000", "Cut 257", "cut")
    yield trial.retrieve(b"one")


def cut_uploads(trial):
    yield trial.store(b"before", 1000, 10)
    for _ in range(2):
        # More than what is on the way at a time: the server is in the middle of it.
        yield Step(f"cut-store {trial.path(b'part').hex()} {16 << 20} 9", "Cut 257", "cut")
    yield trial.store(b"after", 1000, 10)
    trial.stores(b"after", pattern(1000, 10))


def telnet_cuts(trial):
    trial.options.append("telnet-abort")
    yield from cut_downloads(trial)


def wrong_paths(trial):
    """Refused, and the session goes on."""
    yield Step(f"retrieve {b'missing'.hex()}", "550", "550")
    yield Step(f"retrieve {b'hollow'.hex()}", "550", "550")
    yield Step(f"store {b'missing/file'.hex()} 10 11", "553", "553")
    yield trial.retrieve(b"one")


def active(trial):
    trial.options.append("mode active")
    yield trial.retrieve(b"mebibyte")
    yield trial.store(b"active", 10_000, 12)
    trial.stores(b"active", pattern(10_000, 12))


def pasv(trial):
    trial.options.append("mode pasv")
    yield trial.retrieve(b"one")


def asked_ahead(trial):
    """`EPSV` for the next one with each: down, up, refused, given up, a listing."""
    trial.options.append("pipelining")
    for number in range(3):
        yield trial.retrieve(b"mebibyte")
        yield trial.store(b"ahead%d" % number, 10_000, number)
        trial.stores(b"ahead%d" % number, pattern(10_000, number))
    yield Step(f"retrieve {b'missing'.hex()}", "550", "550")
    yield trial.retrieve(b"one")
    yield Step(f"cut {b'big'.hex()} 100000", "Cut 257", "cut")
    yield trial.retrieve(b"empty")
    yield Step(f"list {b'tree/a'.hex()}", f"Listed{trial.home.entries(b'tree/a')}", "tree")
    yield trial.retrieve(b"one")


def sessions(trial):
    for number in range(3):
        yield trial.store(b"%d" % number, 1000, number)
        yield trial.retrieve(b"one")
    yield Step("sessions", "Resumed 6 of 6", "Resumed 6 of 6")


def huge(trial):
    """It takes no space on the disk. What it holds is not looked at."""
    trial.home.write(b"huge", b"", GIBIBYTES << 30)
    yield Step(f"count {b'huge'.hex()}", f"Counted {GIBIBYTES << 30}", "all bytes")


def rounds(trial):
    """Each upload is seen on the disk."""
    append = trial.store(b"rounds", 1000, 13, command="append")
    yield dataclasses.replace(append, task=f"times {ROUNDS} {append.task}")
    retrieve = trial.retrieve(b"mebibyte")
    yield dataclasses.replace(retrieve, task=f"times {ROUNDS} {retrieve.task}")
    yield Step("sessions", f"Resumed {2 * ROUNDS} of {2 * ROUNDS}", "all resumed")
    trial.stores(b"rounds", pattern(1000, 13) * ROUNDS)


CASES = {
    "downloads": downloads, "uploads": uploads, "in place of a longer file": overwriting,
    "append": appending, "rest of a download": resumed_download,
    "rest of an upload": resumed_upload, "odd names": names, 
    "downloads given up": cut_downloads, "uploads given up": cut_uploads,
    "given up after Telnet IP and DM": telnet_cuts, "wrong paths": wrong_paths, "listings": listings,
    "operations": operations, "facts": facts, "PASV": pasv, "active mode": active,
    "each asked ahead": asked_ahead,
}
