"""*wrapped*: both sides put the same lines into a block of their own: upstream's goes around the patch's.

Holds when each side has lines before those of the base, opens a block with them or moves the base to the side, and else
leaves the base as it is. A guess always: the other block may be meant to be the outer one, or one to replace the other.
"""

from forkkeeper.core.ladder import spacing, union
from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Lines, ended, indent, squeeze
from forkkeeper.core.threeway import Place

RULE = "wrapped"


def resolve(place: Place) -> Answer | None:
    """Put the patch's block into upstream's."""
    mine, their = _start(place.base, place.ours), _start(place.base, place.theirs)
    if mine is None or their is None:
        return None
    end = mine + len(place.base)
    inner = spacing.shifted(place.theirs, place.base, place.ours[mine:end])
    made = ended((*place.ours[:mine], *inner, *place.ours[end:]), is_last=not place.after)
    why = "both sides put these lines into a block of their own; upstream's goes around the patch's"
    return Answer(RULE, made, why, Trust.GUESS)


def _start(base: Lines, side: Lines) -> int | None:
    """Find where the base begins in a side that puts a block around it."""
    wanted = [squeeze(line) for line in base]
    found = [squeeze(line) for line in side]
    if not any(wanted):
        return None
    for start in range(1, len(side) - len(base) + 1):
        if found[start : start + len(base)] == wanted:
            head, body, tail = side[:start], side[start : start + len(base)], side[start + len(base) :]
            return start if _is_deeper(base, body) or union.opens(head) == -union.opens(tail) > 0 else None
    return None


def _is_deeper(was: Lines, now: Lines) -> bool:
    """Whether all lines that hold anything were moved to the side."""
    pairs = [(indent(one), indent(other)) for one, other in zip(was, now, strict=True) if one.strip()]
    return all(len(other) > len(one) for one, other in pairs)
