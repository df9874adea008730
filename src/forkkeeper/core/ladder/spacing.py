"""*spacing*: one side changed only the white space of lines: the other side's words, moved to the side as far.

Holds when lines are the same but for indentation on two of the three sides, and that side moved all of them to the side
by as much; the other side's lines are then moved so, too. Other white space is merged word by word (`wordwise`).
Where the other side moved lines, too, nobody knows how deep they belong: upstream's stay, as a guess.
"""

from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Lines, indent, squeeze
from forkkeeper.core.threeway import Place

RULE = "spacing"


def resolve(place: Place) -> Answer | None:
    """Take the words of the side that changed words."""
    base, ours, theirs = ([squeeze(line) for line in side] for side in (place.base, place.ours, place.theirs))
    if not base:
        return None
    if base == theirs and shifted(place.base, place.base, place.theirs) == place.theirs:
        return _answer(place.ours, place.base, place.theirs, "the patch changes only white space here")
    if base == ours and shifted(place.base, place.base, place.ours) == place.ours:
        return _answer(place.theirs, place.base, place.ours, "upstream changed only white space here")
    return None


def _answer(lines: Lines, was: Lines, now: Lines, why: str) -> Answer:
    """Move lines as far to the side as `was` was moved; a guess where some have a depth of their own by now."""
    if _is_moved(lines, was):
        return Answer(RULE, lines, f"{why}; but the other side moved these lines, too", Trust.GUESS)
    return Answer(RULE, shifted(lines, was, now), why)


def _is_moved(lines: Lines, was: Lines) -> bool:
    """Whether a side has lines of the base at another depth, or any that do not begin as deep as the base does."""
    depths = {squeeze(line): indent(line) for line in reversed(was) if line.strip()}
    before = min((indent(line) for line in was if line.strip()), key=len, default=b"")
    return any(
        indent(line) != depths.get(squeeze(line), indent(line)) or (indent(line) and not line.startswith(before))
        for line in lines
        if line.strip()
    )


def shifted(lines: Lines, was: Lines, now: Lines) -> Lines:
    """Move lines as far to the side as `was` was moved to become `now`."""
    before, after = _margin(was), _margin(now)
    if before is None or after is None or before == after:
        return lines
    return tuple(_reindented(line, before, after) for line in lines)


def _margin(lines: Lines) -> bytes | None:
    """Give the indentation of the first line that has anything in it."""
    return next((indent(line) for line in lines if line.strip()), None)


def _reindented(line: bytes, before: bytes, after: bytes) -> bytes:
    if not line.strip() or not line.startswith(before):
        return line
    return after + line[len(before) :]
