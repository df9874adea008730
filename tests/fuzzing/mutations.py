"""Strategies that spoil real bytes in the ways in which patches and outputs are: by line, by number, by byte."""

import re
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

MOST = 6  # mutations of one example
NUMBERS = (b"0", b"-1", b"1", b"2", b"4294967296", b"9" * 25, b"9" * 5000, b"1e999", b"\xd9\xa3", b"0x1", b"1_0", b"")
PIECES = (
    *(b"\0", b"\r", b"\r\n", b"\n", b"\n\n", b"\t", b"\\", b'"', b"'", b" ", b"/", b"../", b"#", b"=", b"[", b"{"),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xc2\x85", b"\x1c"),
    *(b"\x1b[31m", b"\x1b]8;;x\x07", b"\\ud800", b"\\u0000", b"=?utf-8?b?a?=", b"=?x?q?=41?=", b"=?utf-8?q?=0A?="),
    *(b"-- \n", b"--- ", b"+++ ", b"---\n", b"@@ -1 +1 @@\n", b"diff --git a/a b/a\n", b"GIT binary patch\n"),
    *(b"From x\n", b"<<<<<<< a\n", b"=======\n", b">>>>>>> b\n", b"\\ No newline at end of file\n", b"/dev/null"),
    *(b"rename from a\n", b'"a/\\', b"[[", b"]]", b"null", b"true", b"[" * 2000, b'{"a":' * 2000, b"a." * 500),
)

Mutation = Callable[[st.DrawFn, bytes], bytes]


def _line(draw: st.DrawFn, data: bytes) -> bytes:
    """Remove a line, double it, swap it with another, or cut the text there."""
    lines = data.split(b"\n")
    at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    match draw(st.sampled_from(["remove", "double", "swap", "cut", "many"])):
        case "remove":
            del lines[at]
        case "double":
            lines.insert(other, lines[at])
        case "swap":
            lines[at], lines[other] = lines[other], lines[at]
        case "cut":
            del lines[at:]
        case _:
            lines[at:at] = [lines[at]] * draw(st.integers(2, 40))
    return b"\n".join(lines)


def _ends(draw: st.DrawFn, data: bytes) -> bytes:
    """Change how lines end: all of them, or the last."""
    match draw(st.sampled_from(["crlf", "cr", "none", "blank"])):
        case "crlf":
            return data.replace(b"\n", b"\r\n")
        case "cr":
            return data.replace(b"\n", b"\r")
        case "none":
            return data.rstrip(b"\n")
        case _:
            return data + b"\n \n"


def _number(draw: st.DrawFn, data: bytes) -> bytes:
    """Put another number in the place of one."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data
    match = draw(st.sampled_from(found))
    return data[: match.start()] + draw(st.sampled_from(NUMBERS)) + data[match.end() :]


def _piece(draw: st.DrawFn, data: bytes) -> bytes:
    """Put something that means something to a parser in a place, or over what stands there."""
    at = draw(st.integers(0, len(data)))
    piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
    return data[:at] + piece + data[at + draw(st.sampled_from([0, 0, 1, len(piece)])) :]


def _byte(draw: st.DrawFn, data: bytes) -> bytes:
    """Flip a bit."""
    if not data:
        return data
    at = draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]


def _word(draw: st.DrawFn, data: bytes) -> bytes:
    """Take a word out, or put another word of the text in its place: keys, values and paths change places."""
    words = list(re.finditer(rb"[\w./:-]+", data))
    if not words:
        return data
    one, other = draw(st.sampled_from(words)), draw(st.sampled_from(words))
    return data[: one.start()] + draw(st.sampled_from([other[0], b""])) + data[one.end() :]


MUTATIONS: tuple[Mutation, ...] = (_line, _ends, _number, _piece, _byte, _word)


@st.composite
def spoiled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw real bytes after up to `MOST` mutations; parts of two real ones are put together, too."""
    data = draw(st.sampled_from(seeds))
    if draw(st.integers(0, 7)) == 0:
        other = draw(st.sampled_from(seeds))
        data = data[: draw(st.integers(0, len(data)))] + other[draw(st.integers(0, len(other))) :]
    for _ in range(draw(st.integers(0, MOST))):
        data = draw(st.sampled_from(MUTATIONS))(draw, data)
    return data
