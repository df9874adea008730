"""Where lanes of a SIMD-group meet: what is written there, so that fibers do what lanes do that run in step.

Hardware runs lanes in step. What one lane does alone is done before the others go on; lanes that leave a branch wait
for those that are still in it, and none begins a loop's next turn before. Fibers must be told: the machine is given the
loops and calls in which lanes meet, and lets those go first that are behind.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from metal_source.declarations import Declaration, What
from metal_source.lexing import Kind, Token, closing

IN_STEP = "emulated::in_step();"
# Metal's own: matrices of a SIMD-group are no meeting, one lane has them
_METALS = ("simd_", "simdgroup_barrier")


@dataclass(frozen=True, slots=True)
class Meetings:
    """What a file's declarations know of meetings.

    lanes -- what the file calls the index of a thread in its SIMD-group
    functions -- its functions in which lanes meet
    """

    lanes: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Insertions:
    """C++ to be written before and behind tokens, by their index."""

    before: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    after: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def meetings_of(declarations: Sequence[Declaration]) -> Meetings:
    """Find the names of lanes, and the functions that meet: by Metal's functions, or by one another."""
    lanes = frozenset(
        tokens[at - 3].text
        for tokens in (declaration.tokens for declaration in declarations)
        for at in range(3, len(tokens))
        if tokens[at].text == "thread_index_in_simdgroup" and tokens[at - 1].text == "["
    )
    functions = [each for each in declarations if each.what in (What.NAMED, What.KERNEL)]
    found = {
        name
        for each in functions
        if any(word.startswith(_METALS) for word in each.uses) or _of_one_lane(each.tokens, lanes)
        for name in each.names
    }
    while more := {
        name for each in functions if not each.uses.isdisjoint(found - each.names) for name in each.names - found
    }:
        found |= more
    return Meetings(lanes, frozenset(found))


def insertions(tokens: Sequence[Token], meetings: Meetings) -> Insertions:
    """Give what is to be written into a declaration."""
    made = Insertions()
    alone = _of_one_lane(tokens, meetings.lanes)
    calls = _calls(tokens, meetings.functions)
    meet = {index for index, token in enumerate(tokens) if token.text.startswith(_METALS)} | set(alone) | set(calls)
    _enter_loops(tokens, sorted(meet), made)
    for index, last in calls.items():
        made.before[index].append(f"(emulated::Within({tokens[index].line}),")
        made.after[last].append(")")
    for index, last in alone.items():
        made.before[index].append(IN_STEP)
        made.after[last].append(IN_STEP)
    return made


def _of_one_lane(tokens: Sequence[Token], lanes: frozenset[str]) -> dict[int, int]:
    """Find what one lane of a SIMD-group does alone: `if (lane == 0) ...`. Gives where it begins and its last token.

    What the others did before is done then, and what it writes they read behind it, with no barrier: they meet there.
    """
    found = {}
    for index, token in enumerate(tokens):
        if token.text != "if" or tokens[index - 1].text not in ("{", "}", ";") or tokens[index + 1].text != "(":
            continue
        end = closing(tokens, index + 1)
        condition = [each.text for each in tokens[index + 1 : end]]
        alone = any(condition[at] in lanes and condition[at + 1 : at + 3] == ["=", "="] for at in range(len(condition)))
        last = _end_of_statement(tokens, end + 1)
        if alone and tokens[last + 1].text != "else":
            found[index] = last
    return found


def _calls(tokens: Sequence[Token], functions: frozenset[str]) -> dict[int, int]:
    """Find calls of functions in which lanes meet, in a function's body: where each begins and its last token."""
    body = next((index for index, token in enumerate(tokens) if token.text == "{"), len(tokens))
    found = {}
    for index in range(body, len(tokens) - 1):
        if tokens[index].text in functions and not _is_member(tokens, index):
            at = index + 1
            if tokens[at].text == "<":
                at = closing(tokens, at) + 1
            if tokens[at].text == "(":
                found[index] = closing(tokens, at)
    return found


def _is_member(tokens: Sequence[Token], index: int) -> bool:
    return tokens[index - 1].text == "." or "".join(each.text for each in tokens[index - 2 : index]) in ("->", "::")


def _enter_loops(tokens: Sequence[Token], meet: Sequence[int], made: Insertions) -> None:
    """Tell the machine when a lane enters a loop with a meeting in it, begins a turn, and leaves it."""
    tails = set()  # the `while` behind a `do`
    for index, token in enumerate(tokens):
        if token.kind is not Kind.WORD or token.text not in ("for", "while", "do") or index in tails:
            continue
        body = index + 1 if token.text == "do" else closing(tokens, index + 1) + 1
        while tokens[body].kind is Kind.PRAGMA:
            body += 1
        last_of_body, last = _end_of_statement(tokens, body), _end_of_statement(tokens, index)
        if token.text == "do":
            tails.add(last_of_body + 1)
        if not any(index < each <= last for each in meet):
            continue
        name = f"emulated_loop_{token.line}"
        # lanes that hand values on in memory: none writes the next turn's before the others have read this one's
        in_memory = any(each.text == "simdgroup_barrier" for each in tokens[index : last + 1])
        turn = f"{name}.turn();" + (f" {IN_STEP}" if in_memory else "")
        made.before[index].append(f"{{ emulated::Within {name}({token.line});")
        if tokens[body].text == "{":
            made.after[body].append(turn)
        else:
            made.before[body].append(f"{{ {turn}")
            made.after[last_of_body].append("}")
        made.after[last].append("}")


def _end_of_statement(tokens: Sequence[Token], start: int) -> int:
    """Give the last token of the statement that begins at `start`."""
    while tokens[start].kind is Kind.PRAGMA:
        start += 1
    text = tokens[start].text
    if text == "{":
        return closing(tokens, start)
    if text in ("for", "while", "switch"):
        return _end_of_statement(tokens, closing(tokens, start + 1) + 1)
    if text == "do":
        condition = _end_of_statement(tokens, start + 1) + 2
        return closing(tokens, condition) + 1
    if text == "if":
        condition = start + 1 + (tokens[start + 1].text == "constexpr")
        end = _end_of_statement(tokens, closing(tokens, condition) + 1)
        return _end_of_statement(tokens, end + 2) if tokens[end + 1].text == "else" else end
    while tokens[start].text != ";":
        start = closing(tokens, start) + 1 if tokens[start].text in ("(", "[", "{") else start + 1
    return start
