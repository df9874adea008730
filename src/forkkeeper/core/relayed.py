r"""What a program prints, made safe to pass on as it comes: a compiler quotes whatever upstream wrote.

Its colours stay, and what draws a line of progress anew (a carriage return, "erase to the end of the line"). Everything
else that acts on a terminal, is out of sight, or is an order to a CI runner is spelled out as elsewhere (`core.shown`).
"""

import re
from dataclasses import dataclass

from forkkeeper.core.shown import disarmed, spelled

_DRAWS = re.compile(r"(\x1b\[[0-9;:]{0,60}[mK]|[\n\r])")
# an end that may be the beginning of something: it waits for what comes next
_BEGUN = re.compile(rb"(?:\x1b(?:\[[0-9;:]{0,60})?|#(?:#(?:v(?:so?)?)?)?|(?:(?<=[\n\r])|\A)[ \t]*:?)\Z")
_HALF = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")  # of a character in UTF-8
_RAW = "".join(map(chr, range(0xDC80, 0xDD00)))  # how bytes that are no UTF-8 are decoded: they pass as they are
_WITHIN = "."  # stands before what does not begin a line


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of bytes that came.

    shown -- to be shown now
    held -- the end, which waits for what comes next
    starts -- whether the next byte to be shown begins a line
    """

    shown: bytes
    held: bytes
    starts: bool


def passed(data: bytes, *, starts: bool) -> Passed:
    """Make what came safe. data -- with what was held before; starts -- whether it begins a line."""
    before = b"" if starts else _WITHIN.encode()
    begun = _HALF.search(data) or _BEGUN.search(before + data)
    cut = len(data) if begun is None else len(data) - len(begun[0])
    at_line = data[cut - 1 : cut] in (b"\n", b"\r") if cut else starts
    return Passed(whole(data[:cut], starts=starts), data[cut:], at_line)


def whole(data: bytes, *, starts: bool) -> bytes:
    r"""Make bytes safe that nothing comes after.

    >>> whole(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\n::error::no\n", starts=True)
    b'\x1b[31mred\x1b[0m \\u001b]0;title\\u0007\n\\u003a:error::no\n'
    """
    parts = _DRAWS.split(data.decode("utf-8", "surrogateescape"))  # each second one is what draws
    parts[::2] = [spelled(part, but="\t" + _RAW) for part in parts[::2]]
    before = "" if starts else _WITHIN
    return disarmed(before + "".join(parts)).removeprefix(before).encode("utf-8", "surrogateescape")
