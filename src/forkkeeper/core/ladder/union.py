r"""*union*: both sides insert at one place, in a list, a table, a switch, a struct: both stay, upstream's first.

Holds when neither side removes a line there (a separator that the line before needs now counts as none). Separators are
set right: an entry that was the last one and is no longer gets the comma (or `|`, `\`) that its neighbours have.
"""

import re

from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Lines, indent, squeeze
from forkkeeper.core.threeway import Place

RULE = "union"
WHY = "both sides insert here, and neither removes anything"
_SEPARATORS = (b",", b" |", b" \\", b" ||", b" &&")


def resolve(place: Place) -> Answer | None:
    """Keep both insertions."""
    start, end = _common(place)
    base = place.base[start : len(place.base) - end]
    if base:
        return _after_a_separator(place)
    ours, theirs = place.ours[start : len(place.ours) - end], place.theirs[start : len(place.theirs) - end]
    if not ours or not theirs:
        return None
    return _answer(place, place.base[:start], ours, theirs, place.base[len(place.base) - end :])


def _common(place: Place) -> tuple[int, int]:
    """Count the base's lines that both sides left at the beginning and at the end of a place."""
    sides = (place.ours, place.theirs)
    start = 0
    while start < len(place.base) and all(side[start : start + 1] == place.base[start : start + 1] for side in sides):
        start += 1
    end = 0
    while end < len(place.base) - start and all(
        len(side) - end > start and side[len(side) - end - 1] == place.base[len(place.base) - end - 1] for side in sides
    ):
        end += 1
    return start, end


def _after_a_separator(place: Place) -> Answer | None:
    """Keep both where the one line before them got the same separator on both sides."""
    if len(place.base) != 1 or place.ours[:1] != place.theirs[:1]:
        return None
    before, after = place.base[0].rstrip(), place.ours[0].rstrip()
    if after not in {before + sign for sign in _SEPARATORS} or len(place.ours) < 2 or len(place.theirs) < 2:
        return None
    return _answer(place, place.ours[:1], place.ours[1:], place.theirs[1:], ())


def _answer(place: Place, head: Lines, ours: Lines, theirs: Lines, tail: Lines) -> Answer:
    twice = _twice(ours, theirs)
    if twice:
        why = f"both sides insert here; but upstream inserts the patch's lines itself, so they stand twice: `{twice}`"
        return Answer(RULE, (*head, *ours, *theirs, *tail), why, Trust.GUESS)
    if not head and goes_first(place, ours, theirs):
        return Answer(RULE, (*theirs, *ours, *tail), f"{WHY}; the patch's lines go first")
    before = next((line for line in reversed((*place.before, *head)) if line.strip()), b"")
    joined = _deduplicated(_separated(before, ours, theirs), theirs)
    return Answer(RULE, (*head, *joined, *tail), WHY)


def _twice(ours: Lines, theirs: Lines) -> str:
    """Give the first of the patch's lines where upstream inserts every one of them, too."""
    known = {squeeze(line) for line in ours}
    own = [line for line in theirs if _WORD.search(line)]
    return own[0].strip().decode("utf-8", "replace") if own and all(squeeze(line) in known for line in own) else ""


_WORD = re.compile(rb"\w{3,}")


def goes_first(place: Place, ours: Lines, theirs: Lines) -> bool:
    """Whether the patch's lines stand before upstream's: at the file's beginning, or where one side opens a block.

    What opens a block around the lines after it, goes around upstream's lines, too; and where upstream opens one, the
    patch's lines stay out of it as they were.
    """
    if place.before == () and place.at == 0 and place.line == 0:
        return True
    return opens(theirs) > 0 >= opens(ours) or (opens(theirs) == 0 and _is_deeper(place, ours, theirs))


def opens(lines: Lines) -> int:
    """Count the brackets and preprocessor conditions that lines open and do not close."""
    depth = 0
    for line in lines:
        word = re.match(rb"\s*#\s*(if|endif)", line)
        if word:
            depth += 1 if word[1] == b"if" else -1
        else:
            depth += line.count(b"{") - line.count(b"}")
    return depth


def _is_deeper(place: Place, ours: Lines, theirs: Lines) -> bool:
    """Whether upstream's lines begin a block by indentation; what follows them is in it, the patch's lines are not."""
    last = next((line for line in reversed(ours) if line.strip()), b"")
    following = next((line for line in place.after if line.strip()), b"")
    own = next((line for line in theirs if line.strip()), b"")
    return len(indent(following)) > len(indent(last)) >= len(indent(own)) and bool(following)


def _deduplicated(ours: Lines, theirs: Lines) -> Lines:
    """Leave out the lines that both insert at the end of the one and the beginning of the other."""
    for size in range(min(len(ours), len(theirs)), 0, -1):
        if ours[-size:] == theirs[:size] and any(line.strip() for line in theirs[:size]):
            return (*ours, *theirs[size:])
    return (*ours, *theirs)


def _separated(before: bytes, ours: Lines, theirs: Lines) -> Lines:
    """Give upstream's last entry the separator that it needs, now that it is the last no more.

    before -- the line before them, which tells the separator where each side adds one line
    """
    last = ours[-1]
    if not re.search(rb"[\w)}\"'\]]\s*$", last):
        return ours
    others = [line for line in (*ours[:-1], *theirs[:-1]) if line.strip()] or [before]
    sign = next((sign for sign in _SEPARATORS if all(_ends(line, sign) for line in others)), None)
    return ours if sign is None else (*ours[:-1], last.rstrip() + sign + last[len(last.rstrip()) :])


def _ends(line: bytes, sign: bytes) -> bool:
    return re.sub(rb"\s*(//.*)?$", b"", line.rstrip()).endswith(sign.strip())
