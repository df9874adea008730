r"""What a program prints, made safe to pass on as it comes: a compiler quotes whatever upstream wrote.

Its colours stay, and what draws a line of progress anew (a carriage return, "erase to the end of the line"). Everything
else that acts on a terminal or is out of sight is spelled out, as `\u001b`; and so is what a CI runner takes for an
order: `::name` where a line begins, `##[name` and `##vso[name` anywhere.
"""

import re
from dataclasses import dataclass

from forkkeeper.core.shown import spelled

_DRAWS = rb"(?P<draws>\x1b\[[0-9;:]{0,60}[mK])"
_ACTS = (
    rb"(?P<acts>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c"
    rb"|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xf3\xa0[\x80\x81][\x80-\xbf])"
)
_ORDERS = rb"|(?P<orders>%s[ \t]*:(?=:)|#(?=#(?:vso)?\[))"
_INSIDE = re.compile(_DRAWS + _ORDERS % rb"(?<=[\n\r])" + b"|" + _ACTS)
_AT_START = re.compile(_DRAWS + _ORDERS % rb"(?:(?<=[\n\r])|\A)" + b"|" + _ACTS)
# an end that may be the beginning of one of those: it waits for what comes next
_BEGUN = (
    rb"(?:\x1b(?:\[[0-9;:]{0,60})?|\xc2|\xd8|\xe2[\x80\x81]?|\xef\xbb?|\xf3(?:\xa0[\x80\x81]?)?"
    rb"|#(?:#(?:v(?:so?)?)?)?%s)\Z"
)
_HELD_INSIDE = re.compile(_BEGUN % rb"|(?<=[\n\r])[ \t]*:?")
_HELD_AT_START = re.compile(_BEGUN % rb"|(?:(?<=[\n\r])|\A)[ \t]*:?")


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
    begun = (_HELD_AT_START if starts else _HELD_INSIDE).search(data)
    cut = begun.start() if begun else len(data)
    shown = whole(data[:cut], starts=starts)
    return Passed(shown, data[cut:], data[cut - 1 : cut] in (b"\n", b"\r") if cut else starts)


def whole(data: bytes, *, starts: bool) -> bytes:
    r"""Make bytes safe that nothing comes after.

    >>> whole(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\n::error::no\n", starts=True)
    b'\x1b[31mred\x1b[0m \\u001b]0;title\\u0007\n\\u003a:error::no\n'
    """
    return (_AT_START if starts else _INSIDE).sub(_spelled, data)


def _spelled(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if found["draws"] is not None:
        return text
    if found["acts"] is not None:
        return spelled(text.decode("utf-8", "replace")).encode()
    return text[:-1] + f"\\u{text[-1]:04x}".encode()
