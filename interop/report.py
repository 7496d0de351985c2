"""docs/reports/INTEROP.md: the matrix, where peers differ from the RFCs, and the misbehaving peers."""

import collections

from clients import CLIENTS, WITH_FILES
from faulty_servers import ERROR, FALSE, HANGS, HANGS_AFTER, IN, TOLD
from host_setup import HERE, stamp
from recording import plain
from servers import KINDS

FILE = HERE.parent / "docs/reports/INTEROP.md"

HEAD = """\
# Real servers, real clients, and misbehaving peers

{stamp}
`interop/run` checks all of it and writes nothing. Each login has its expected end from the RFCs and from the program's
documentation, written in `interop/servers` and `interop/clients`. A run fails if any login ends differently.

Programs are Debian 12's, the registries' latest at the time, or this repository's. Everything runs on 127.0.0.1.
Runtimes of our client: {runtimes}.
"""

SERVERS = """
## Our client, `ftp-cli login`, against servers

*in*: logged in; a number: refused or unavailable with this code, as it must be; *TLS fails*: as it must; –: the
server cannot do this. REIN, CCC and idling run in the program `probe`, through each runtime: the words are what came of each
step. A star: the server does otherwise than the RFCs have it, and the list below says how.

"""

FILES = """
## Transfers: our clients against servers

By the program `probe`, through each runtime. *yes*: all came as it must on every runtime; what was received and what is on
the server's disk is compared byte by byte. Else the words are what came of each step; a code alone is a refusal. –: not tried,
and the next list says why. vsftpd demands that data connections resume the TLS session of the control connection
(`require_ssl_reuse`), and so does ProFTPD, as it is installed.

"""

WITH_CLIENTS = """
## Clients with files of `ftp-cli serve --root`

*yes*: all came as it must, and what is on both disks is the same, byte by byte. *resumed*: with `--tls-resumption require`.
–: not tried, and the next list says why.

"""

MISBEHAVING = """
## With misbehaving servers

The misbehaving servers of `ftp-testkit` (`crates/ftp-testkit/misbehaving/servers`), those that are about the login, and what
clients do with them. Each client was told to wait {told} s for a reply, where it can be told, and had {hangs} s in all.

* *in*: logged in, rightly: what the server does is permitted by the RFCs, or harmless;
* *error*: it gave up, in whatever words;
* *hangs*: it was not done by then;
* *{false}*: it took itself for logged in although no login was granted to what it had sent, or although the rest
  of the replies contradicts it.

Ours may do only the first two: otherwise the run fails. Each adapter's test `conformance` checks which error it is.

"""


def write(table, fixtures, cases, runtimes):
    text = [HEAD.format(stamp=stamp("interop/record"), runtimes=", ".join(runtimes)), SERVERS]
    of_servers = [cell for cell in table.cells if cell.side == "servers" and cell.version]
    of_clients = [cell for cell in table.cells if cell.side == "clients"]
    text += matrix(of_servers, [kind.name for kind in KINDS])
    text += ["\n### Where servers do otherwise\n\n", *deviations(of_servers, fixtures)]
    text += ["\n### What servers cannot do\n\n", *lacks(KINDS)]
    of_files = [cell for cell in table.cells if cell.side == "files"]
    text += [FILES, *matrix(of_files, [kind.name for kind in KINDS if kind.files], "what")]
    text += ["\n### Where servers do otherwise with files\n\n", *deviations(of_files, fixtures)]
    text += ["\n### What servers cannot do with files\n\n", *lacks(KINDS, "lacks_with_files")]
    text += ["\n## Clients against our server, `ftp-cli serve`\n\n"]
    text += matrix(of_clients, [client.name for client in CLIENTS])
    text += ["\n### What clients cannot do\n\n", *lacks(CLIENTS)]
    of_both = [cell for cell in table.cells if cell.side == "clients with files"]
    text += [WITH_CLIENTS, *matrix(of_both, [client.name for client in WITH_FILES], "what")]
    text += ["\n### What clients cannot do with files\n\n", *lacks(WITH_FILES, "lacks_with_files")]
    text += resumes_not()
    text += misbehaving(cases)
    FILE.write_text("".join(text))
    print(f"written: {FILE.relative_to(HERE.parent)}")


def matrix(cells, peers, what="login"):
    """A row for each security and case, a column for each peer."""
    versions, rows = {}, collections.defaultdict(dict)
    for cell in cells:
        versions[cell.peer] = cell.version
        star = " \\*" if cell.why else ""
        words = rows[cell.security, cell.case].setdefault(cell.peer, [])
        if (word := cell.short() + star) not in words:  # runtimes agree
            words.append(word)
    lines = [f"| security | {what} | " + " | ".join(peers) + " |",
             "|---|---|" + "---|" * len(peers),
             "| | version | " + " | ".join(versions.get(peer, "–") for peer in peers) + " |"]
    for (security, case), came in rows.items():
        words = [" / ".join(came.get(peer, ["–"])) for peer in peers]
        lines.append(f"| {security} | {case} | {' | '.join(words)} |")
    return [line + "\n" for line in lines]


def deviations(cells, fixtures):
    """With the bytes, where the dialogue is known: its last two lines."""
    seen = set()
    for cell in cells:
        if not cell.why or (cell.peer, cell.case, cell.why) in seen:
            continue
        seen.add((cell.peer, cell.case, cell.why))
        said = [f"`{direction[0].replace('s', 'C').replace('r', 'S')}: {plain(fixtures, line)}`"
                for direction, line in cell.dialogue[-2:]]
        bytes_ = f" ({', '.join(said)})" if said else ""
        yield f"* **{cell.peer}**, {cell.case}: {cell.why}{bytes_}.\n"


def lacks(peers, of="lacks"):
    for peer in peers:
        reasons = collections.defaultdict(list)
        for what, why in getattr(peer, of).items():
            reasons[why].append(what if isinstance(what, str) else ": ".join(what))
        for why, what in reasons.items():
            yield f"* **{peer.name}**, {', '.join(what)}: {why}.\n"


def resumes_not():
    for client in WITH_FILES:
        if client.never_resumes:
            yield f"* **{client.name}**, resumed: {client.never_resumes}.\n"
    yield "* by pattern: all others match names themselves, or take one name.\n"


def misbehaving(cases):
    names = list(next(iter(cases.values())))
    yield MISBEHAVING.format(told=TOLD, hangs=HANGS_AFTER, false=FALSE.lower())
    yield f"| {len(cases)} servers | " + " | ".join(names) + " |\n"
    yield "|---|" + "---|" * len(names) + "\n"
    for word in (IN, ERROR, HANGS, FALSE):
        counts = [sum(came[name] == word for came in cases.values()) for name in names]
        yield f"| {word.lower()} | {' | '.join(map(str, counts))} |\n"
    yield "\nEach server with which any of them did more than fail:\n\n"
    yield "| server | " + " | ".join(names) + " |\n|---|" + "---|" * len(names) + "\n"
    for case, came in cases.items():
        if {IN, HANGS, FALSE} & set(came.values()):
            words = [f"**{word.lower()}**" if word in (HANGS, FALSE) else word
                     for word in came.values()]
            yield f"| {case} | {' | '.join(words)} |\n"
