"""Names that are not letters: what comes back is what was sent, and what cannot come is left out aloud."""

import os

from comparing import trees
from comparing.result import OTHER_TIMES, OURS, UNSET, YES, Result

SECTION = "names"
NAMES = {
    "blanks": b" two  blanks ", "a dash": b"-rf", "two dashes": b"--help", "a star": b"*", "brackets": b"[x]",
    "a brace": b"{a,b}", "a question mark": b"what?", "quotes": b'"\'`quoted', "a percent sign": b"100%41",
    "a hash": b"#x#", "a backslash": b"a\\b", "a dollar": b"$HOME", "a tilde": b"~root", "an arrow": b"a -> b",
    "an ampersand": b"a&b;c|d", "a colon": b"c:d", "a tab": b"a\tb", "control characters": b"a\x01\x1b[31m\x7fb",
    "UTF-8": "größe €𝄞".encode(), "decomposed": "e\u0301".encode(), "Latin-1": "größe".encode("latin-1"),
    "0xff": b"a\xff\xfeb", "very long": b"x" * 240, "three dots": b"...", "a hidden one": b".hidden",
    "like a line of a listing": b"drwxr-xr-x 2 0 0 4096 Jan  1 00:00 x", "like facts": b"type=dir; x",
    "like a total": b"total 0", "a type": b"x;type=a", "a comma": b"+i1,r,\tx", "a digit": b"226 done",
    "a time": b"20240501123400 x",
}
# What a server makes of some names. Of each it must be said, or nobody can see it.
CANNOT = {
    "pyftpdlib": {("Latin-1", "0xff"): "it puts U+FFFD or `?` into names that are not UTF-8"},
    "vsftpd": {("0xff",): "it keeps 0xFF doubled, which is one in Telnet",
               ("three dots", "a hidden one"): "it lists no names that begin with a dot (force_dot_files)"},
    "Pure-FTPd": {("0xff",): "it keeps 0xFF doubled, which is one in Telnet",
                  ("a tab", "control characters", "a comma", "blanks", "a backslash"):
                  "it puts `_` in place of control characters and of a blank at the end, refuses backslashes, and does "
                  "not list such names"},
}


def run(place, tools, is_short):
    if place.security != "clear":
        return
    (tool,) = [tool for tool in tools if tool.name == OURS]
    for job, do in (("up", up), ("down", down)):
        rows = {}
        for word, name in NAMES.items():
            came, said = do(place, tool, name)
            why = "" if came == YES else reason(place.name, word)
            if came == OTHER_TIMES:
                why = why or UNSET.get(place.name, "")
            rows.setdefault((came, why), []).append((word, said))
        for (came, why), words in rows.items():
            listed = ", ".join(word for word, _ in words)
            yield Result(SECTION, place.name, place.security, f"{job}: {listed}" if came not in (
                YES, OTHER_TIMES) else f"{job}: {len(words)} names", OURS, came, words[0][1], why)


def reason(server, word):
    found = [why for words, why in CANNOT.get(server, {}).items() if word in words]
    return found[0] if found else ""


def up(place, tool, name):
    (remote, there), here = place.there(), place.here({name: b"content", b"plain": b"x"})
    return mirrored(place, tool, (here, tool.url(place.session(), remote) + "/"), here, there)


def down(place, tool, name):
    (remote, there), here = place.there({name: b"content", b"plain": b"x"}), place.here()
    return mirrored(place, tool, (tool.url(place.session(), remote) + "/", here), there, here)


def mirrored(place, tool, sides, wanted, came):
    done = tool.call(place.session(), "mirror", *map(os.fspath, sides))
    again = tool.call(place.session(), "mirror", *map(os.fspath, sides))
    said = f"{done.stdout}{done.stderr}\nagain:\n{again.stdout}{again.stderr}"
    word = trees.differences(trees.seen(wanted), trees.seen(came))
    if word.startswith("yes"):
        if done.returncode or again.returncode:
            return f"all there, and exit code {done.returncode or again.returncode}", said
        is_idle = "transferred        0" in again.stdout
        return word if is_idle else "transferred again", said
    # Not all came: that must have been said.
    return (f"left out, exit code {done.returncode}" if done.returncode else f"not said: {word}"), said
