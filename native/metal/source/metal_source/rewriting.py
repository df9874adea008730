"""The text of a declaration in C++, on the lines on which upstream has it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metal_source.declarations import Declaration, What
from metal_source.faults import UnknownConstructError
from metal_source.kernels import NUMBERED, POSITIONS
from metal_source.lexing import Kind, Token, closing
from metal_source.meetings import Meetings, insertions

# address spaces: one memory here. What is constant may not be written.
DROPPED = frozenset({"device", "threadgroup", "thread", "kernel"})
REPLACED = {"constant": "const"}
# of loops and of arithmetic: how fast, never what
PRAGMAS = re.compile(r"unroll\b|clang loop\b|METAL fp math_mode\((?:safe|relaxed|fast)\)|once\b|clang diagnostic\b")
_FLOATING = re.compile(r"(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][\da-fA-F.]+[pP][+-]?\d+")
_SHORT = re.compile(r"((?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)(h|H|bf|BF)")
# of a kernel itself: how the host may run it, which the machine decides for itself
_OF_KERNELS = re.compile(r"host_name\(\"[^\"]*\"\)|max_total_threads_per_threadgroup\(.*\)|kernel")


def text_of(declaration: Declaration, meetings: Meetings) -> str:
    """Give a declaration's C++.

    meetings -- what the file's declarations know of them

    Raises:
        UnknownConstructError: an attribute, pragma or form of a variable that this step does not know
    """
    if declaration.what is What.CONSTANT:
        return _function_constant(declaration)
    writer = _Writer()
    tokens = declaration.tokens
    inserted = insertions(tokens, meetings)
    index = 0
    while index < len(tokens):
        token = tokens[index]
        start = index
        for text in inserted.before.get(index, ()):
            writer.put(token, f"{text} ")
        if token.text == "[" and index + 1 < len(tokens) and tokens[index + 1].text == "[":
            end = closing(tokens, index)
            _check_attribute(tokens[index : end + 1])
            index = end + 1
        elif divided := _division(tokens, index):
            writer.put(token, divided.text)
            index += divided.tokens
        elif token.text == "threadgroup" and not _is_of_pointer(tokens, index):
            index = _threadgroup_variable(tokens, index, writer)
        else:
            writer.put(token, _spelled(token))
            index += 1
        for done in range(start, index):
            for text in inserted.after.get(done, ()):
                writer.put(tokens[done], f" {text}")
    return writer.text()


class _Writer:
    """Puts tokens on upstream's lines."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._file = ""
        self._line = 0

    def put(self, token: Token, spelled: str) -> None:
        """Add a token, "" for none."""
        if not spelled:
            return
        if token.file != self._file or not self._line <= token.line <= self._line + 8:
            self._parts.append(f'\n#line {token.line} "{token.file}"\n')
        elif token.line > self._line:
            self._parts.append("\n" * (token.line - self._line))
        elif token.space:
            self._parts.append(" ")
        self._file, self._line = token.file, token.line
        self._parts.append(spelled)

    def text(self) -> str:
        """Give all of it."""
        return "".join(self._parts)


@dataclass(frozen=True, slots=True)
class _Division:
    """What stands for a division, and the number of tokens that it stands for."""

    text: str
    tokens: int


def _division(tokens: Sequence[Token], index: int) -> _Division | None:
    """Spell a division as division.h has it: by zero it ends a program here, and gives something on a GPU."""
    if tokens[index].kind is not Kind.SIGN or tokens[index].text not in "/%":
        return None
    assigned = index + 1 < len(tokens) and tokens[index + 1].text == "=" and not tokens[index + 1].space
    name = "over" if tokens[index].text == "/" else "modulo"
    return _Division(f"|=::metal::by_{name} =", 2) if assigned else _Division(f"*::metal::{name}*", 1)


def _spelled(token: Token) -> str:
    if token.kind is Kind.PRAGMA:
        if not PRAGMAS.match(token.text):
            raise UnknownConstructError(token.place, f"a pragma that is not known: {token.text}")
        return ""
    if token.kind is Kind.NUMBER:
        return _number(token)
    if token.text in DROPPED:
        return ""
    return REPLACED.get(token.text, token.text)


def _number(token: Token) -> str:
    """Metal has no double: a literal without suffix is a float. C++ cannot spell one of a half or a bfloat."""
    if short := _SHORT.fullmatch(token.text):
        digits = short[1] if re.search(r"[.eE]", short[1]) else f"{short[1]}.0"
        return f"{'half' if short[2] in 'hH' else 'bfloat'}({digits}f)"
    if _FLOATING.fullmatch(token.text):
        return f"{token.text}f"
    return token.text


def _check_attribute(attribute: Sequence[Token]) -> None:
    """`kernels.py` reads those of a kernel; on a function that a kernel calls, positions are plain arguments."""
    inside = "".join(token.text for token in attribute[2:-2])
    if inside not in POSITIONS and not NUMBERED.fullmatch(inside) and not _OF_KERNELS.fullmatch(inside):
        raise UnknownConstructError(attribute[0].place, f"an attribute that is not known here: [[{inside}]]")


def _function_constant(declaration: Declaration) -> str:
    """Make of `constant TYPE NAME [[function_constant(NUMBER)]];` a variable that the machine sets."""
    tokens = declaration.tokens
    text = " ".join(token.text for token in tokens)
    shape = re.fullmatch(r"constant (\w+) (\w+) \[ \[ function_constant \( ([\d +()]+) \) \] \] ;", text)
    if not shape:
        raise UnknownConstructError(tokens[0].place, f"a function constant of a form that is not known: {text}")
    number = sum(int(part) for part in re.findall(r"\d+", shape[3]))
    writer = _Writer()
    writer.put(tokens[0], f"static {shape[1]} {shape[2]}; EMULATED_CONSTANT({shape[2]}, {number})")
    return writer.text()


def _is_of_pointer(tokens: Sequence[Token], index: int) -> bool:
    """Whether an address space is that of a pointer, a reference or an argument, as in `tensor<threadgroup T>`."""
    if index > 0 and tokens[index - 1].text in ("(", "<", ","):
        return True
    at = index + 1
    while at < len(tokens) and tokens[at].text not in (";", "=", "[", ",", "{"):
        if tokens[at].text == "(":  # `threadgroup T (&name)[8]`
            return tokens[at + 1].text in ("*", "&")
        if tokens[at].text in ("*", "&"):
            return True
        at = closing(tokens, at) + 1 if tokens[at].text == "<" else at + 1
    return False


def _before_size(tokens: Sequence[Token]) -> Sequence[Token]:
    size = next((at for at, token in enumerate(tokens) if token.text == "["), len(tokens))
    return tokens[:size]


def _threadgroup_variable(tokens: Sequence[Token], index: int, writer: _Writer) -> int:
    """Make of `threadgroup TYPE NAME[SIZE];` a reference to memory of the group. Gives what follows it."""
    end = next(at for at in range(index, len(tokens)) if tokens[at].text == ";")
    declared = list(tokens[index + 1 : end])
    begins = index > 0 and (tokens[index - 1].kind is Kind.PRAGMA or tokens[index - 1].text in ("{", "}", ";"))
    if not begins:
        raise UnknownConstructError(tokens[index].place, "a variable of threadgroup memory that begins no statement")
    if any(token.text == "," and not _inside(declared, at) for at, token in enumerate(declared)):
        raise UnknownConstructError(tokens[index].place, "several variables of threadgroup memory in one statement")
    head = _before_size(declared)
    if any(token.text in ("=", "{", "(") for token in head) or len(head) < 2:
        raise UnknownConstructError(tokens[index].place, "a variable of threadgroup memory of a form that is not known")
    kind = " ".join(_spelled(token) for token in head[:-1])
    name = head[-1].text
    size = "".join(f" {_spelled(token)}" for token in declared[len(head) :])
    writer.put(
        tokens[index],
        f"using {name}_shared = {kind}{size}; struct {name}_place; "
        f"{name}_shared & {name} = emulated::threadgroup_variable<{name}_shared, {name}_place>();",
    )
    return end + 1


def _inside(tokens: Sequence[Token], at: int) -> bool:
    depth = 0
    for token in tokens[:at]:
        depth += (token.text in "([{<") - (token.text in ")]}>")
    return depth > 0
