"""The dialogues of a run as transcripts, for `cargo test` to replay without the programs.

One file a dialogue: `servers/` has what real servers said to our client, `clients/` what real
clients said to our server. Passwords, names and the machine's own name are replaced.
"""

import re
import shutil
import socket

from host_setup import HERE, Failure

FOLDER = HERE.parent / "crates/ftp-testkit/transcripts"
RIGHT, WRONG = "correct horse", "incorrect horse"
# These add nothing to a dialogue, or end it where it cannot be told.
UNTOLD = ("tls_failed", "io", "peer_fault")


def write(table, fixtures):
    for side in ("servers", "clients"):
        shutil.rmtree(FOLDER / side, ignore_errors=True)
    seen, written = set(), 0
    for cell in table.cells:
        outcome = cell.came.get("outcome", cell.came.get("is"))
        if not cell.dialogue or not cell.is_right or outcome in UNTOLD:
            continue
        lines = [step(fixtures, *said) for said in cell.dialogue]
        if (cell.peer, *lines) in seen:
            continue
        seen.add((cell.peer, *lines))
        file = FOLDER / cell.side / slug(cell.peer) / f"{slug(f'{cell.security} {cell.case}')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([
            f"# {cell.peer} {cell.version}, {cell.security}: {cell.case}. Recorded by interop/record.",
            f"# came to: {came_to(cell)}", *lines,
        ]) + "\n")
        written += 1
    print(f"{written} dialogues in {FOLDER.relative_to(HERE.parent)}")


def came_to(cell):
    facts = cell.came
    if "is" in facts:
        return facts["is"]
    return " ".join(str(facts[name]) for name in ("outcome", "phase", "code"))


def step(fixtures, direction, line):
    """A line of a transcript."""
    if direction == "tls":
        return "TLS"
    text = line.decode() if isinstance(line, bytes) else line
    if re.match("PASS ", text, re.IGNORECASE):
        wrong = fixtures.wrong_password.decode()
        text = f"PASS {WRONG if wrong in text else RIGHT}"
    text = plain(fixtures, text)
    if not text.isprintable():
        raise Failure(f"a transcript cannot hold this line: {text!r}")
    return f"{'C' if direction in ('sent', 'C') else 'S'}: {text}"


def plain(fixtures, text):
    for user in fixtures.users.values():
        text = text.replace(user.name, "developer")
    text = fixtures.mask(text).replace("****", RIGHT)
    return re.sub(rf"\b{re.escape(socket.gethostname())}\b", "ftp.example.com", text)


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
