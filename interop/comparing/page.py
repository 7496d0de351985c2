"""docs/reports/COMPARISON.md: what came of each job."""

from host_setup import HERE, call, python_version, stamp, unpacked_version

from comparing import clocks, cuts, many, odd_names, same_jobs
from comparing.result import OURS, key

FILE = HERE.parent / "docs/reports/COMPARISON.md"

HEAD = """\
# The same jobs by curl, lftp and ftp-cli

{stamp}
Servers: vsftpd {vsftpd}, ProFTPD {proftpd}, Pure-FTPd {pure_ftpd}, pyftpdlib {pyftpdlib}, ftp-cli serve. Clients: curl {curl},
lftp {lftp}, and this repository's `ftp-cli`. Everything runs on 127.0.0.1.

*yes*: what is on the other disk afterwards is the same, by SHA-256, and so are sizes and times. *other times*: only the times of files were not
kept. A run fails if `ftp-cli` is not right without a reason that is written in `interop/comparing`, or if another tool is more right.
"""

SECTIONS = {
    same_jobs.SECTION: """
## Jobs

curl knows no trees: it is told each file of them. `tree` is `mirror` of the others. The rest of a cut file must be moved alone:
*from the beginning* says that it was not.
""",
    cuts.SECTION: """
## Over a line that breaks

Each connection, for control and for data, is cut after a random number of bytes, by a reset or as if it had ended. The job is repeated until
the tool says that it is done: then it must be. After each run of `ftp-cli`, every file that it calls transferred must be whole as well.
*hangs*: it did not end within two minutes.
""",
    many.SECTION: """
## Ten thousand small files

`mirror`, in clear: the peak of resident memory, and how long it took on a machine that had other work. *again* must transfer nothing.
""",
    odd_names.SECTION: """
## Odd names

`mirror` of a directory with such a name in it, twice: it must come as it is, and the second time nothing is transferred. Names: {names}.
""",
    clocks.SECTION: """
## Clocks and time zones

Servers elsewhere in the world, or hours off (by libfaketime): `mirror` a second time transfers nothing, and a change that the size does
not show is transferred.
""",
}


def write(results):
    lftp = call("lftp", "--version").split("Version ")[1].split(" ")[0].rstrip(" |")
    text = [HEAD.format(
        stamp=stamp("interop/compare --record"), vsftpd=unpacked_version("vsftpd"),
        proftpd=unpacked_version("proftpd-core"), pure_ftpd=unpacked_version("pure-ftpd"),
        pyftpdlib=python_version("pyftpdlib"), curl=call("curl", "--version").split()[1], lftp=lftp)]
    for section, head in SECTIONS.items():
        text.append(head.format(names=", ".join(odd_names.NAMES)) + "\n")
        text += table([result for result in results if result.section == section])
    FILE.write_text("".join(text))
    print(f"written: {FILE.relative_to(HERE.parent)}")


def table(results):
    """A row for each job, a column for each tool."""
    tools = list(dict.fromkeys(result.tool for result in results))
    yield f"| server | security | job | {' | '.join(tools)} |\n|---|---|---|{'---|' * len(tools)}\n"
    rows = {}
    for result in results:
        rows.setdefault(key(result), {})[result.tool] = result
    reasons = {}
    for (_, *row), came in rows.items():
        words = [came[tool].word if tool in came else "–" for tool in tools]
        ours = came.get(OURS)
        if ours and ours.why:
            number = reasons.setdefault(f"{ours.server}: {ours.why}", len(reasons) + 1)
            words[tools.index(OURS)] += f" ({number})"
        yield f"| {' | '.join(map(escaped, [*row, *words]))} |\n"
    if reasons:
        yield "\n"
    for reason, number in reasons.items():
        yield f"({number}) {escaped(reason)}.\n"


def escaped(text):
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text).replace(
        "|", "\\|").replace("<", "&lt;")
