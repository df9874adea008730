"""*renamed*: upstream renamed something, or changed how it is called, and the patch's own lines have the old way.

What was replaced by what is learned from upstream's edits alone: a sequence of tokens with a name in it, replaced by
another everywhere in the text at hand. Holds when those replacements, made in the base, give upstream's text exactly,
and each of them fits in the patch's lines, too; they are then made there.
"""

from dataclasses import dataclass

from forkkeeper.core.ladder import words
from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Edit, Lines, indent
from forkkeeper.core.threeway import Place

RULE = "renamed"
_NEAR = 3  # tokens between two changes that still belong to one


@dataclass(frozen=True, slots=True)
class Replacement:
    """Tokens that upstream replaced by others."""

    old: Lines
    new: Lines

    def __str__(self) -> str:
        """Show it to a person."""
        return f"{_text(self.old)} → {_text(self.new)}"


def resolve(place: Place) -> Answer | None:
    """Make upstream's replacements in the patch's lines."""
    seen = words.look(place)
    if seen is None or not place.base or not place.theirs:
        return None
    learned = learn(seen.base, seen.ours)
    theirs, ours = words.tokens(place.theirs), words.bare(words.tokens(place.ours))
    likewise = replace(seen.base, learned)
    if not learned or words.bare(likewise) != ours or len(words.lines_of(likewise)) != len(place.ours):
        return None
    made = replace(theirs, learned)
    if words.bare(made) == ours or any(replace(theirs, _without(learned, one)) == made for one in learned):
        return None  # the patch's own change, or one of upstream's, would go with it
    said = ", ".join(str(one) for one in learned[:_MOST_SAID])
    why = f"upstream replaced {said}; so do the patch's lines"
    if any(indent(one) != indent(other) for one, other in zip(words.lines_of(likewise), place.ours, strict=True)):
        why = f"{why}; but upstream moved its lines to the side, too"
        return Answer(RULE, words.lines_of(made), why, Trust.GUESS)
    return Answer(RULE, words.lines_of(made), why)


_MOST_SAID = 3


def _without(learned: tuple[Replacement, ...], one: Replacement) -> tuple[Replacement, ...]:
    return tuple(other for other in learned if other != one)


def learn(base: Lines, edits: tuple[Edit, ...]) -> tuple[Replacement, ...]:
    """Learn what was replaced by what.

    Nothing where one thing became two different ones, where only signs changed, or where a statement came along.

    base -- tokens; edits -- of them
    """
    found: dict[Lines, Lines] = {}
    for start, end, new in _joined(base, edits):
        old = words.bare(base[start:end])
        if not any(map(words.is_name, old)) or not any(map(words.is_name, new)):
            return ()
        if set(words.bare(new)) & _STATEMENT - set(old):
            return ()
        if words.bare(found.setdefault(old, new)) != words.bare(new):
            return ()
    return tuple(Replacement(old, new) for old, new in sorted(found.items(), key=lambda one: (-len(one[0]), one[0])))


_STATEMENT = {b";", b"{", b"}"}


def _joined(base: Lines, edits: tuple[Edit, ...]) -> list[tuple[int, int, Lines]]:
    """Join edits that stand in one expression, and let an insertion take a neighbouring name along."""
    found: list[tuple[int, int, Lines]] = []
    for edit in edits:
        start, end, new = edit.start, edit.end, edit.lines
        if (
            found
            and start - found[-1][1] <= _NEAR
            and not {b";", b",", b"{", b"}"} & {*words.bare(base[found[-1][1] : start])}
        ):
            start, new = found[-1][0], (*found[-1][2], *base[found[-1][1] : start], *new)
            found.pop()
        found.append((start, end, new))
    return [_with_a_name(base, *one) for one in found]


def _with_a_name(base: Lines, start: int, end: int, new: Lines) -> tuple[int, int, Lines]:
    """Let an insertion take along what it belongs to: an argument its call, all else the name that its sign is beside.

    A name alone would do for no argument: the patch's lines may hand the same thing to another function.
    """
    if start != end:
        return start, end, new
    signs = [not words.is_word(token) for token in (new[0], new[-1])]
    call = _call(base, start) if b"," in (new[0].strip(), new[-1].strip()) else None
    if call is not None:
        return call, end, (*base[call:start], *new)
    before, after = start > 0 and words.is_name(base[start - 1]), end < len(base) and words.is_name(base[end])
    if after and (not before or signs == [False, True]):
        return start, end + 1, (*new, (b" " if words.is_word(new[-1]) else b"") + base[end].strip())
    return (start - 1, end, (base[start - 1], *new)) if before else (start, end, new)


def _call(base: Lines, at: int) -> int | None:
    """Find the name that is called with what stands at a token."""
    depth = 0
    for number in range(at - 1, 0, -1):
        depth += (base[number].strip() in _CLOSING) - (base[number].strip() in _OPENING)
        if depth < 0:
            return number - 1 if words.is_name(base[number - 1]) else None
    return None


_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")


def replace(found: Lines, learned: tuple[Replacement, ...]) -> Lines:
    """Make replacements wherever they fit, the longest first, never in what a replacement brought."""
    plain = words.bare(found)
    made: list[bytes] = []
    at = 0
    while at < len(found):
        fitting = next((one for one in learned if plain[at : at + len(one.old)] == one.old), None)
        if fitting is None:
            is_behind_comma = made[-1:] == [b","] and at > 0 and plain[at - 1] != b","  # one that a replacement brought
            made.append(b" " + found[at].lstrip() if is_behind_comma else found[at])
            at += 1
        else:
            made += [words.space(found[at]) + fitting.new[0].lstrip(), *fitting.new[1:]]
            at += len(fitting.old)
    return tuple(made)


def occurs(wanted: Lines, found: Lines) -> bool:
    """Whether tokens stand in others, one after the other."""
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1))


def _text(found: Lines) -> str:
    text = b""
    for token in found:
        text += (b" " if words.is_word(text[-1:]) and words.is_word(token[:1]) else b"") + token
    return text.decode("utf-8", "replace").strip()
