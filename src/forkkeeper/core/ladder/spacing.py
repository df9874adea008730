"""*spacing*: one side changed only the white space of lines: the other side's words, moved to the side as far.

Holds when lines are the same but for indentation on two of the three sides, and that side moved all of them to the side
by as much; the other side's lines are then moved so, too. Other white space is merged word by word (`wordwise`).
"""

from forkkeeper.core.ladder.rung import Answer
from forkkeeper.core.lines import Lines, indent, squeeze
from forkkeeper.core.threeway import Place

RULE = "spacing"


def resolve(place: Place) -> Answer | None:
    """Take the words of the side that changed words."""
    base, ours, theirs = ([squeeze(line) for line in side] for side in (place.base, place.ours, place.theirs))
    if not base:
        return None
    if base == theirs and _shifted(place.base, place.base, place.theirs) == place.theirs:
        return Answer(RULE, _shifted(place.ours, place.base, place.theirs), "the patch changes only white space here")
    if base == ours and _shifted(place.base, place.base, place.ours) == place.ours:
        return Answer(RULE, _shifted(place.theirs, place.base, place.ours), "upstream changed only white space here")
    return None


def _shifted(lines: Lines, was: Lines, now: Lines) -> Lines:
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
