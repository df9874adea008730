"""Kernel functions: their parameters, and which kernels a file asks for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metal_source.declarations import Declaration, What
from metal_source.faults import UnknownConstructError
from metal_source.lexing import Kind, Token, closing, split

# Metal's attributes of a kernel's parameters, as execution.h names the values
POSITIONS = {
    "thread_position_in_grid": "ThreadInGrid",
    "thread_position_in_threadgroup": "ThreadInGroup",
    "thread_index_in_threadgroup": "IndexInGroup",
    "thread_index_in_simdgroup": "Lane",
    "simdgroup_index_in_threadgroup": "Simdgroup",
    "simdgroups_per_threadgroup": "Simdgroups",
    "threadgroup_position_in_grid": "Group",
    "threadgroups_per_grid": "Groups",
    "threads_per_threadgroup": "Threads",
    "threads_per_simdgroup": "LanesOfSimdgroup",
}
NUMBERED = re.compile(r"(threadgroup|buffer)\((\d+)\)")


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel that a file asks for.

    name -- as the host asks for it
    function -- the kernel function, with its template arguments
    base -- its name without them
    parameters -- what the machine hands to each parameter, as execution.h spells it
    at -- where upstream asks for it
    needs -- every name in its template arguments
    """

    name: str
    function: str
    base: str
    parameters: tuple[str, ...]
    at: Token
    needs: frozenset[str]


def kernels(of: Sequence[Declaration]) -> list[Kernel]:
    """Give a file's kernels, in its order.

    Raises:
        UnknownConstructError: an attribute or a form that this step does not know
    """
    functions = {name: each for each in of if each.what is What.KERNEL for name in each.names}
    found = []
    for declaration in of:
        if declaration.what is What.KERNEL and not declaration.head:
            found.append(_plain(declaration))
        if declaration.what is What.INSTANCE:
            found.append(_instance(declaration, functions))
    return found


def _plain(declaration: Declaration) -> Kernel:
    (base,) = declaration.names
    name = _host_name(declaration.tokens) or base
    return Kernel(name, base, base, _parameters(declaration), declaration.tokens[0], frozenset())


def _instance(declaration: Declaration, functions: dict[str, Declaration]) -> Kernel:
    """Read template [[host_name("NAME")]] kernel TYPE FUNCTION<ARGUMENTS>; whose TYPE says nothing new."""
    tokens = declaration.tokens
    name = _host_name(tokens)
    at = _asked_for(tokens, functions)
    if name is None or at is None:
        raise UnknownConstructError(tokens[0].place, "an instance of a template that is no kernel of this file")
    # TYPE may be spelled as a parameter list behind it, which says nothing new either
    asked = tokens[at : closing(tokens, at + 1) + 1]
    spelled = "".join(f" {token.text}" if token.space else token.text for token in asked).strip()
    needs = frozenset(token.text for token in asked if token.kind is Kind.WORD)
    base = tokens[at].text
    return Kernel(name, spelled, base, _parameters(functions[base]), tokens[0], needs)


def _asked_for(tokens: Sequence[Token], functions: dict[str, Declaration]) -> int | None:
    """Give the index of the function's name: not of one in decltype( ), whose arguments may be others."""
    index = 0
    while index < len(tokens) - 1:
        if tokens[index].text in functions and tokens[index + 1].text == "<":
            return index
        if tokens[index].text in ("(", "["):
            index = closing(tokens, index)
        index += 1
    return None


def _host_name(tokens: Sequence[Token]) -> str | None:
    for index, token in enumerate(tokens):
        if token.text == "{":
            return None
        if token.text == "host_name":
            return tokens[index + 2].text.strip('"')
    return None


def _parameters(declaration: Declaration) -> tuple[str, ...]:
    start, end = parameter_list(declaration)
    kinds: list[str] = []
    unnumbered: list[Token] = []
    numbered = False
    for parameter in split(declaration.tokens[start + 1 : end]):
        attribute = attribute_of(parameter)
        if attribute is None:
            _check_is_buffer(parameter)
            kinds.append(f"emulated::Buffer<{len(unnumbered)}>")
            unnumbered.append(parameter[0])
        else:
            kinds.append(_kind(attribute, parameter[0]))
            numbered |= attribute.startswith("buffer(")
    if unnumbered and numbered:  # counted from 0 it might fall on another's number
        raise UnknownConstructError(unnumbered[0].place, "a buffer without a number beside buffers with one")
    return tuple(kinds)


def _check_is_buffer(parameter: Sequence[Token]) -> None:
    """Without attribute it points to device or constant memory: threadgroup memory and positions say what they are."""
    words = {token.text for token in parameter}
    if not words & {"device", "constant"} or not words & {"*", "&"}:
        told = " ".join(token.text for token in parameter)
        raise UnknownConstructError(parameter[0].place, f"a parameter without attribute that is no buffer: {told}")


def _kind(attribute: str, at: Token) -> str:
    if numbered := NUMBERED.fullmatch(attribute):
        return f"emulated::{numbered[1].capitalize()}<{numbered[2]}>"
    if attribute not in POSITIONS:
        raise UnknownConstructError(
            at.place, f"an attribute of a kernel's parameter that is not known: [[{attribute}]]"
        )
    return f"emulated::{POSITIONS[attribute]}"


def parameter_list(declaration: Declaration) -> tuple[int, int]:
    """Give the indices of the brackets around a kernel's parameters."""
    (name,) = declaration.names
    tokens = declaration.tokens
    at = next(index for index in range(declaration.head, len(tokens)) if tokens[index].text == name) + 1
    if tokens[at].text == "<":  # a specialisation
        at = closing(tokens, at) + 1
    if tokens[at].text != "(":
        raise UnknownConstructError(tokens[0].place, f"a kernel of a form that is not known: {name}")
    return at, closing(tokens, at)


def attribute_of(parameter: Sequence[Token]) -> str | None:
    """Give what stands in a parameter's [[ ]], None where it has none; of several, all of it."""
    found = []
    for index in range(len(parameter) - 1):
        if parameter[index].text == "[" and parameter[index + 1].text == "[":
            inside = parameter[index + 2 : closing(parameter, index + 1)]
            found.append("".join(token.text for token in inside))
    return "]] [[".join(found) or None
