"""A file of tokens as its declarations: what each one names, and which names it needs.

A unit is compiled from the declarations that its kernels can reach, so that a changed line is compiled again where
it counts and nowhere else. Names are followed, not meanings: what has a name that is used is taken along, at worst too
much.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from metal_source.faults import UnknownConstructError
from metal_source.lexing import Kind, Token, closing


class What(Enum):
    """What a declaration is."""

    ALWAYS = auto()  # using namespace, static_assert, operators: wanted in every unit
    NAMED = auto()  # a function, type, constant or variable
    CONSTANT = auto()  # a function constant: a number that the host sets
    KERNEL = auto()  # a kernel function, or a template of one
    INSTANCE = auto()  # template [[host_name("...")]] kernel ...: asks for one kernel


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration at the outermost level.

    names -- what it declares
    uses -- every word in it
    head -- number of tokens of a template's parameter list at its start, `template` included
    """

    what: What
    tokens: tuple[Token, ...]
    names: frozenset[str]
    uses: frozenset[str]
    head: int


def declarations(tokens: Sequence[Token]) -> list[Declaration]:
    """Give a file's declarations, in its order.

    Raises:
        UnknownConstructError: a form of a declaration that this step does not know
    """
    found: list[Declaration] = []
    start = 0
    while start < len(tokens):
        if tokens[start].kind is Kind.PRAGMA or tokens[start].text == ";":
            start += 1
            continue
        end = _end(tokens, start)
        found.append(_declaration(tuple(tokens[start:end])))
        start = end
    _check_constants(found)
    return found


def _check_constants(of: Sequence[Declaration]) -> None:
    """Refuse a value made of function constants: it would be made before the host sets them."""
    set_late = {name for each in of if each.what is What.CONSTANT for name in each.names}
    for each in of:
        late = sorted(each.uses & set_late)
        has_value = any(token.text == "=" for token in _outermost(each.tokens[each.head :]))
        if each.what is What.NAMED and late and has_value:
            raise UnknownConstructError(each.tokens[0].place, f"a constant made of a function constant, {late[0]}")


def reachable(roots: Iterable[str], within: Sequence[Declaration]) -> list[Declaration]:
    """Give the declarations that some names need, and what those need, in the file's order."""
    by_name: dict[str, list[int]] = {}
    for index, declaration in enumerate(within):
        for name in declaration.names:
            by_name.setdefault(name, []).append(index)
    taken = {index for index, declaration in enumerate(within) if declaration.what is What.ALWAYS}
    wanted = list(roots) + [name for index in taken for name in within[index].uses]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for index in by_name.get(name, ()):
            if index not in taken:
                taken.add(index)
                wanted.extend(within[index].uses)
    return [within[index] for index in sorted(taken)]


def _end(tokens: Sequence[Token], start: int) -> int:
    """Find the end of a declaration: its semicolon, or the brace that closes a function."""
    function = True
    index = start
    while index < len(tokens):
        token = tokens[index]
        if token.kind is Kind.SIGN:
            if token.text == ";":
                return index + 1
            if token.text == "=":
                function = False
            if token.text in "([":
                index = closing(tokens, index)
            elif token.text == "{":
                index = closing(tokens, index)
                if function:
                    return index + 1
        elif token.text in ("struct", "class", "union", "enum", "typedef") and not _in_template(tokens, start, index):
            function = False
        index += 1
    raise UnknownConstructError(tokens[start].place, "a declaration without an end")


def _in_template(tokens: Sequence[Token], start: int, index: int) -> bool:
    """Whether a word stands in the parameter list of a template, as in `template <class T>`."""
    return tokens[start].text == "template" and index < start + _head(tokens[start:])


def _head(tokens: Sequence[Token]) -> int:
    if tokens[0].text != "template" or len(tokens) < 2 or tokens[1].text != "<":
        return 0
    return closing(tokens, 1) + 1


def _declaration(tokens: tuple[Token, ...]) -> Declaration:
    uses = frozenset(token.text for token in tokens if token.kind is Kind.WORD)
    head = _head(tokens)
    rest = [token for token in _without_attributes(tokens[head:]) if token.kind is not Kind.PRAGMA]
    for word in rest[:2] if rest and rest[0].text != "using" else ():
        if word.text in ("namespace", "extern"):
            raise UnknownConstructError(word.place, f"{word.text} in a shader")
    if tokens[0].text == "template" and not head:
        return Declaration(What.INSTANCE, tokens, frozenset(), uses, 0)
    if not rest or rest[0].text in ("using", "static_assert") or "operator" in uses:
        return Declaration(What.ALWAYS, tokens, frozenset(), uses, head)
    if "kernel" in (token.text for token in rest[:4]):
        return Declaration(What.KERNEL, tokens, frozenset({_function_name(rest)}), uses, head)
    what = What.CONSTANT if "function_constant" in uses else What.NAMED
    return Declaration(what, tokens, frozenset(_names(rest)), uses, head)


def _without_attributes(tokens: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        if tokens[index].text == "[" and index + 1 < len(tokens) and tokens[index + 1].text == "[":
            index = closing(tokens, index) + 1
            continue
        kept.append(tokens[index])
        index += 1
    return kept


def _names(rest: Sequence[Token]) -> set[str]:
    if rest[0].text == "typedef":
        return _typedef_names(rest)
    for index, token in enumerate(rest):
        if token.text in ("struct", "class", "union", "enum"):
            names = _type_names(rest, index)
            if names:
                return names
            break
        if token.text in ("(", "=", ";", "{"):
            break
    return {_function_name(rest)}


def _typedef_names(rest: Sequence[Token]) -> set[str]:
    names = set()
    for index, token in enumerate(rest):
        if token.text in ("struct", "class", "union", "enum"):
            names |= _type_names(rest, index)
        if token.text == "(" and rest[closing(rest, index) + 1].text == "(":  # of a function's type
            return names | {inside.text for inside in rest[index : closing(rest, index)] if inside.kind is Kind.WORD}
    flat = _outermost(rest)
    return names | {[token.text for token in flat if token.kind is Kind.WORD][-1]}


def _type_names(rest: Sequence[Token], index: int) -> set[str]:
    """Give a type's own name, its enumerators, and what is declared behind its body; none where it has no body."""
    body = next((at for at in range(index, len(rest)) if rest[at].text in ("{", "(", ";", "=")), None)
    if body is None or rest[body].text != "{":
        return set()
    end = closing(rest, body)
    names = {token.text for token in rest[index + 1 : body] if token.kind is Kind.WORD and token.text != "class"}
    if rest[index].text == "enum":
        names |= {
            rest[at].text
            for at in range(body + 1, end)
            if rest[at].kind is Kind.WORD and rest[at - 1].text in ("{", ",")
        }
    return names | {token.text for token in rest[end + 1 :] if token.kind is Kind.WORD}


def _function_name(rest: Sequence[Token]) -> str:
    """Give the name of a function or variable: the last word before its parameters, value or size."""
    flat = _outermost(rest)
    name = ""
    for token in flat:
        if token.kind is Kind.SIGN and token.text in ("(", "=", "[", ";", "{"):
            break
        if token.kind is Kind.WORD:
            name = token.text
    if not name:
        raise UnknownConstructError(rest[0].place, "a declaration without a name")
    return name


def _outermost(rest: Sequence[Token]) -> list[Token]:
    """Leave out what stands inside of brackets, and a value; the brackets stay."""
    kept: list[Token] = []
    index = 0
    while index < len(rest):
        token = rest[index]
        kept.append(token)
        if token.text == "=":
            break
        opens = token.kind is Kind.SIGN and token.text in ("(", "[", "{")
        template = token.text == "<" and index > 0 and rest[index - 1].kind is Kind.WORD
        if opens or template:
            index = closing(rest, index)
            kept.append(rest[index])
        index += 1
    return kept
