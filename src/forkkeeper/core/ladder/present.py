"""*partly-upstreamed*: what the patch does at a place, upstream has done itself.

Holds when the lines that the patch adds there stand in upstream's text, together and in the patch's order, and did not
stand in the base; and every line that it removes is gone. Added lines alone prove nothing: many patches add lines that
also stand beside them. Lines of few letters prove nothing either, and yet must be there as often as the patch has them.
"""

import re
from collections import Counter

from forkkeeper.core.ladder.rung import Answer
from forkkeeper.core.lines import Lines, says_something, squeeze
from forkkeeper.core.threeway import Place

RULE = "partly-upstreamed"


def resolve(place: Place) -> Answer | None:
    """Take upstream's lines where they hold the patch's change."""
    added, removed = _changed(place)
    if not added and not removed:
        return None
    ours = [squeeze(line) for line in place.ours]
    at_one_spot = not place.base and len(ours) <= _MANY * len(place.theirs) + _BETWEEN
    least = _LEAST_AT_ONE_SPOT if at_one_spot else _LEAST
    has, wants = Counter(ours), Counter(_squeezed(place.theirs))
    if any(has[line] > wants[line] for line in removed) or any(has[line] < wants[line] for line in added):
        return None
    if not _stand_together(added, ours, least):
        return None
    if not added and place.ours:  # it only removes, and upstream has rewritten what it removes
        return None
    lines = "the line" if len(added) == 1 else f"the {len(added)} lines"
    said = f"upstream has {lines} that the patch adds here" if added else "upstream removed the lines, too"
    return Answer(RULE, place.ours, said)


def _changed(place: Place) -> tuple[list[bytes], list[bytes]]:
    """Give the lines that the patch adds and removes, white space left out, moved ones not counted."""
    base, theirs = _squeezed(place.base), _squeezed(place.theirs)
    return _more(theirs, base), _more(base, theirs)


def _squeezed(lines: Lines) -> list[bytes]:
    """Give the lines that hold more than signs: what signs stand where is a matter of format."""
    return [squeeze(line) for line in lines if re.search(rb"\w", line)]


def _more(lines: list[bytes], others: list[bytes]) -> list[bytes]:
    """Give the lines that stand in the one more often than in the other, in order."""
    left = Counter(lines) - Counter(others)
    return [line for line in lines if left[line] > 0]


def _stand_together(wanted: list[bytes], lines: list[bytes], least: int) -> bool:
    """Whether lines stand in others in their order, with few lines between; a short one proves nothing alone."""
    if not wanted:
        return True
    if sum(len(line) for line in wanted if says_something(line)) < least:
        return False
    for start in (number for number, line in enumerate(lines) if line == wanted[0]):
        window = iter(lines[start : start + 2 * len(wanted) + _BETWEEN])
        if all(line in window for line in wanted):
            return True
    return False


_LEAST = 16  # characters that the added lines must have between them to prove anything …
_LEAST_AT_ONE_SPOT = 8  # … and where both sides insert them at one spot
_MANY = 3  # times the patch's lines that upstream may insert there
_BETWEEN = 4
