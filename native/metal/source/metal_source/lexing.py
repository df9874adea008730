"""Preprocessed source as tokens that know their file and line."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from metal_source.faults import Place, UnknownConstructError


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    NUMBER = auto()
    TEXT = auto()  # a string or a character
    SIGN = auto()  # one character of punctuation
    PRAGMA = auto()


class Token(NamedTuple):
    """One token. space -- whether white space stands before it; file, line -- where upstream has it."""

    kind: Kind
    text: str
    file: str
    line: int
    space: bool

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, self.line)


_LINE_MARKER = re.compile(r'# (\d+) "((?:[^"\\]|\\.)*)"[ 0-9]*$')
_PRAGMA = re.compile(r"\s*#\s*pragma\s+(.*)$")
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)"
    r'|(?P<text>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')'
    r"|(?P<sign>[^\s\w])"
)
_KINDS = {"word": Kind.WORD, "number": Kind.NUMBER, "text": Kind.TEXT, "sign": Kind.SIGN}


def tokens(preprocessed: str) -> list[Token]:
    """Give the tokens of what `clang -E` printed. Its line markers say where each comes from."""
    return list(_tokens(preprocessed))


def _tokens(preprocessed: str) -> Iterator[Token]:
    file, line = "", 0
    for text in preprocessed.split("\n"):
        if marker := _LINE_MARKER.match(text):
            file, line = marker[2], int(marker[1])
            continue
        if pragma := _PRAGMA.match(text):
            yield Token(Kind.PRAGMA, pragma[1], file, line, space=True)
        else:
            yield from _of_line(text, file, line)
        line += 1


def _of_line(text: str, file: str, line: int) -> Iterator[Token]:
    space, position = True, 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found or found.lastgroup is None:
            raise UnknownConstructError(Place(file, line), f"no token of C++: {text[position:].strip()[:60]}")
        position = found.end()
        if found.lastgroup == "space":
            space = True
            continue
        yield Token(_KINDS[found.lastgroup], found[0], file, line, space)
        space = False


def closing(of: Sequence[Token], start: int) -> int:
    """Give the index of the bracket that closes the one at `start`: ( [ { or, for template arguments, <."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    if of[start].text == "<":
        return _closing_angle(of, start)
    opened, closed, depth = of[start].text, pairs[of[start].text], 0
    for index in range(start, len(of)):
        token = of[index]
        if token.kind is Kind.SIGN:
            depth += (token.text == opened) - (token.text == closed)
            if depth == 0:
                return index
    raise UnknownConstructError(of[start].place, f"{opened} is never closed")


def _closing_angle(of: Sequence[Token], start: int) -> int:
    """Angle brackets stand for comparisons, too, but not outside of round ones in a list of template arguments."""
    depth, index = 0, start
    while index < len(of):
        text = of[index].text
        if of[index].kind is Kind.SIGN:
            if text in "([{":
                index = closing(of, index)
            else:
                depth += (text == "<") - (text == ">")
                if depth == 0:
                    return index
        index += 1
    raise UnknownConstructError(of[start].place, "< is never closed")


def split(of: Sequence[Token], separator: str = ",") -> list[list[Token]]:
    """Split at commas that stand outside of all brackets."""
    parts: list[list[Token]] = [[]]
    index = 0
    while index < len(of):
        token = of[index]
        if token.kind is Kind.SIGN and token.text in ("(", "[", "{", "<"):
            end = closing(of, index)
            parts[-1].extend(of[index : end + 1])
            index = end + 1
            continue
        if token.kind is Kind.SIGN and token.text == separator:
            parts.append([])
        else:
            parts[-1].append(token)
        index += 1
    return [part for part in parts if part]
