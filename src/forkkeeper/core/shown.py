r"""Text from outside made safe to show: nothing in it acts on a terminal, is out of sight, or looks like our own lines.

A title, a file's name or a line of code may hold what makes a terminal act, or text run backwards or out of sight
(trojansource.codes); the name of a file may hold a line feed. All of that is spelled out, as `\u202e`.
"""

import re
import textwrap
import unicodedata

WIDEST = 400  # characters of a line that are shown
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidirectional, zero width), line separators, …
# What a CI runner takes for its own: `::error::` where a line begins, `##[error]` and `##vso[…]` anywhere in one.
_ORDER = re.compile(r"(?:(?<=[\n\r])|\A)[ \t]*:(?=:)|#(?=#(?:vso)?\[)")
_JOINERS = "\u200c\u200d"  # some scripts and emoji are spelled with them; they neither reorder nor hide anything


def spelled(text: str, but: str = "") -> str:
    r"""Spell out whatever is not seen. but -- characters that stay.

    >>> print(spelled("a\x1b[31m\u202eb\U000e0041\n"))
    a\u001b[31m\u202eb\U000e0041\u000a
    """
    return text if text.isprintable() else "".join(char if char in but else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    if char.isprintable() or char in _JOINERS or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def disarmed(text: str) -> str:
    r"""Spell out the first character of what a CI runner would obey, wherever a broken text put it.

    >>> print(disarmed("::error::no std::string\n ##[x] a ##vso[x]"))
    \u003a:error::no std::string
     \u0023#[x] a \u0023#vso[x]
    """
    return _ORDER.sub(lambda found: f"{found[0][:-1]}\\u{ord(found[0][-1]):04x}", text)


def line(text: str, most: int = WIDEST) -> str:
    """Give a line of somebody's text, tabs as they are, cut where it is very long."""
    cut = f"{text[:most]} … {len(text) - most:,} more characters" if len(text) > most else text
    return spelled(cut, but="\t")


def of_bytes(text: bytes) -> str:
    """Give a line of a file, without its end."""
    return line(text.decode("utf-8", "replace").rstrip("\r\n"))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Break a sentence at blanks. indent -- of all lines but the first."""
    return textwrap.wrap(spelled(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
