"""Real clients with files of `ftp-cli serve --root`: every transfer, and what must be on both disks."""

import concurrent.futures
import contextlib
import itertools
import os
import time

from clients import WITH_FILES
from clients.working import Session, Step, names
from homes import MEBIBYTE, NAMES, pattern
from host_setup import PATIENCE, RUN, call
from servers import Ours
from table import Cell, Part

CLIENTS_AT_A_TIME = 4
# A directory with more names than fit into one piece of a listing.
MANY = 2_000
RIGHT = "right"
# Names that are text: clients take others for what they like.
TEXTS = {word: name.decode() for word, name in NAMES.items() if word != "Latin-1"}
numbers = itertools.count()


def run(fixtures, only=""):
    part = Part()
    clients = [client for client in WITH_FILES if only in client.name]
    if not clients:
        return part
    with contextlib.ExitStack() as stack:
        ours = Ours(fixtures, stack)
        ports = {variant: ours.start(variant).port for variant in ours.variants_with_files()}
        prepare(ours.home)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS_AT_A_TIME) as pool:
            trials = [pool.submit(try_client, client(fixtures), ours.home, ports)
                      for client in clients]
            for client, trial in zip(clients, trials):
                part.heading(f"{client.name}, with files", ours.name)
                for cell in trial.result():
                    part.add(cell)
    return part


def prepare(home):
    for word, name in TEXTS.items():
        home.write(b"texts/" + name.encode(), content_of(word))
    for number in range(MANY):
        home.write(b"many/file-%05d" % number, b"")


def content_of(word):
    return pattern(1000, 20 + list(TEXTS).index(word))


def try_client(client, home, ports):
    """All cells of one client."""
    cells = []
    for variant, port in ports.items():
        for security in client.securities_with_files(variant):
            for case, steps in CASES.items():
                if case == "by pattern" and not client.leaves_patterns:
                    continue
                if not lacking(security, variant, case) & set(client.lacks_with_files):
                    cells.append(Trial(client, home, security, variant, port).cell(case, steps))
    return cells


def lacking(security, variant, case):
    """The keys of `lacks_with_files` that are about this."""
    how, _, version = security.partition(" 1.")
    keys = {case, how, (how, case)}
    if "resumed" in variant:
        resumed = ("resumed", f"TLS 1.{version}")
        keys |= {("resumed", case), resumed, (*resumed, case)}
    return keys


class Trial:
    """One session of a client: its steps, and what must be there afterwards."""

    def __init__(self, client, home, security, variant, port):
        self.client, self.home, self.security = client, home, security
        self.resumes = "resumed" in variant
        self.local = RUN / f"local-{next(numbers)}"
        self.local.mkdir()
        self.remote = b"new-client-%d" % next(numbers)
        self.home.make(self.remote)
        self.checks = []
        fixtures = client.fixtures
        self.session = Session(
            security, port, fixtures.user, fixtures.password, fixtures.ca, self.local,
            self.until_begun, self.resumes,
        )

    def cell(self, case, steps):
        steps = list(steps(self))
        try:
            came, said = self.client.work(self.session, steps)
        except Exception as error:  # noqa: BLE001: it is judged, and shown
            came, said = [repr(error)], ""
        words = [f"{step.verb}: {word}" for step, word in itertools.zip_longest(
            steps, came, fillvalue=None) if step is None or word != step.must]
        words += [word for check in self.checks if (word := check())]
        came = "; ".join(words) or RIGHT
        expected, why = self.client.expected_with_files(self.security, case, RIGHT)
        security = f"{self.security}, resumed" if self.resumes else self.security
        return Cell(
            self.client.name, security, case, {"is": expected}, {"is": came},
            self.client.fixtures.mask(said[-3000:]), why, version=self.client.version(),
            side="clients with files", is_usual=came == RIGHT,
        )

    def path(self, name):
        """On the server, in a directory of its own."""
        return f"/{self.remote.decode()}/{name}"

    # Each makes a step, and says what must be on which disk then.

    def get(self, remote, content, *, offset=0):
        local = self.local / f"got-{len(self.checks)}"
        if offset:
            local.write_bytes(content[:offset])
        self.checks.append(lambda: same("here", local, content))
        return Step("get-rest" if offset else "get", remote, local, offset)

    def put(self, name, content, verb="put", *, must=None, offset=0):
        local = self.local / f"put-{len(self.checks)}"
        local.write_bytes(content)
        self.stores(name, content if must is None else must)
        return Step(verb, self.path(name), local, offset)

    def stores(self, name, content):
        self.checks = [check for check in self.checks if getattr(check, "name", None) != name]

        def check():
            return same("there", self.home.folder / self.path(name)[1:], content)

        check.name = name
        self.checks.append(check)

    def gone(self, name):
        path = self.home.folder / self.path(name)[1:]
        self.checks.append(lambda: f"{name} is still there" if path.exists() else "")

    def until_begun(self, name="cut"):
        """An upload has begun: some of it is on the server's disk."""
        end = time.monotonic() + PATIENCE
        while not any(entry.name != name and entry.stat().st_size
                      for entry in os.scandir(self.home.folder / self.remote.decode())):
            if time.monotonic() > end:
                raise TimeoutError("the upload does not begin")
            time.sleep(0.002)


def same(where, path, content):
    """What is wrong with a file."""
    try:
        there = path.read_bytes()
    except OSError as error:
        return f"{where} {error.strerror}"
    return "" if there == content else f"{where} {len(there)} other bytes for {len(content)}"


def downloads(trial):
    for name in ("empty", "one", "mebibyte"):
        yield trial.get(f"/{name}", trial.home.known[name.encode()])


def uploads(trial):
    for name, count in (("empty", 0), ("one", 1), ("mebibyte", MEBIBYTE)):
        yield trial.put(name, pattern(count, 2))


def overwriting(trial):
    yield trial.put("twice", pattern(5000, 3))
    yield trial.put("twice", pattern(3000, 4))


def appending(trial):
    first, second = pattern(1000, 5), pattern(500, 6)
    yield trial.put("grows", first)
    yield trial.put("grows", second, "append", must=first + second)


def rest_of_download(trial):
    yield trial.get("/mebibyte", trial.home.known[b"mebibyte"], offset=600_000)
    yield trial.get("/one", b"1")


def rest_of_upload(trial):
    content = pattern(MEBIBYTE, 7)
    trial.home.write(trial.path("rest")[1:].encode(), content[:600_000])
    yield trial.put("rest", content, "put-rest", offset=600_000)
    yield trial.put("next", b"next")


def odd_names(trial):
    for word, name in TEXTS.items():
        yield trial.get(f"/texts/{name}", content_of(word))
        if trial.client.puts:
            yield trial.put(name, content_of(word))


def listings(trial):
    for folder, what in (("tree/a", ["b", "leaf"]), ("texts", TEXTS.values()), ("hollow", []),
                         ("many", [f"file-{number:05}" for number in range(MANY)])):
        yield Step("list", f"/{folder}", trial.local / f"list-{folder[:4]}", must=names(what))


def operations(trial):
    yield Step("mkdir", trial.path("made"))
    yield trial.put("made/old", b"moved")
    yield Step("rename", trial.path("made/old"), to=trial.path("a new"))
    trial.checks.clear()
    trial.stores("a new", b"moved")
    yield Step("rmdir", trial.path("made"))
    deleted = trial.put("deleted", b"deleted")
    trial.checks.pop()
    yield deleted
    yield Step("delete", trial.path("deleted"))
    for name in ("made", "deleted"):
        trial.gone(name)


def cut_downloads(trial):
    """Given up in the middle; then the next one is whole."""
    yield Step("cut-get", "/big", trial.local / "big")
    yield trial.get("/one", b"1")


def cut_uploads(trial):
    """Given up in the middle: the old file stays as it was if TLS can tell, and nothing else is left."""
    old = pattern(1000, 9)
    yield trial.put("cut", old)
    big = trial.local / "big"
    with big.open("wb") as file:
        file.truncate(1 << 30)  # sparse
    yield Step("cut-put", trial.path("cut"), big)
    yield trial.put("after", b"after")
    if trial.security == "clear":
        # RFC 959 §3.4: the end of the connection is the end of the file.
        trial.checks = [check for check in trial.checks if check.name != "cut"]
    trial.checks.append(lambda: nothing_hidden(trial))


def nothing_hidden(trial):
    folder, end = trial.home.folder / trial.remote.decode(), time.monotonic() + PATIENCE
    while left := sorted(set(os.listdir(folder)) - {"cut", "after"}):
        if time.monotonic() > end:
            return f"left: {left}"
        time.sleep(0.05)
    return ""


def trees(trial):
    """A directory with all that is in it, there and back, with as many connections as it likes."""
    leaves = {f"a/b/{number}/leaf {number}": pattern(3000 * number, number) for number in range(8)}
    leaves |= {"top": b"top", "a/empty": b""}
    tree = trial.local / "tree"
    for path, content in leaves.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
        trial.stores(f"tree/{path}", content)
    if trial.client.puts:
        yield Step("put-tree", trial.path("tree"), tree)
    else:
        call("cp", "-r", tree, trial.home.folder / trial.path("tree")[1:])
    back = trial.local / "back"
    for path, content in leaves.items():
        trial.checks.append(lambda path=path, content=content: same("back", back / path, content))
    yield Step("get-tree", trial.path("tree"), back)


def by_pattern(trial):
    """The client says `*.txt`, and the server which files those are."""
    for name in ("1.txt", "2 .txt", "3.bin"):
        trial.home.write(trial.path(name)[1:].encode(), name.encode())
    local = trial.local / "matched"
    local.mkdir()
    trial.checks.append(lambda: "" if sorted(os.listdir(local)) == ["1.txt", "2 .txt"] else "other files")
    for name in ("1.txt", "2 .txt"):
        trial.checks.append(lambda name=name: same("here", local / name, name.encode()))
    yield Step("get-matching", trial.path("*.txt"), local)


CASES = {
    "listings": listings, "downloads": downloads, "uploads": uploads,
    "in place of a longer file": overwriting, "append": appending,
    "rest of a download": rest_of_download, "rest of an upload": rest_of_upload,
    "odd names": odd_names, "operations": operations, "download given up": cut_downloads,
    "upload given up": cut_uploads, "tree, both ways": trees, "by pattern": by_pattern,
}
