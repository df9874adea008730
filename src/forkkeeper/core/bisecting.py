"""Between which two neighbours a number changes: found by halving a line of commits between two ends that differ.

Every commit is one of two kinds: *like the old end*, or *like the new one*, by which side of the half of the whole
change its number lies on. A halving finds a commit that is like the new end while the one before it is like the old
one. That is the culprit where the number changes in one step; where it creeps or goes back and forth there are several
such places, or none that is the whole change, and the one found is one of them. `judged` says how far to trust it.

A commit of which no number can be had is passed over, as `git bisect skip` does: another is asked instead.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

HALF = 0.5  # of the whole change: what tells the two kinds apart
MOST = 0.8  # of the whole change: a step of less is not all of it


@dataclass(frozen=True, slots=True)
class Step:
    """Where the kind changes: after number `low`, at the latest at number `high`.

    asked -- the numbers that were asked, in order
    skipped -- those of them that had no answer
    """

    low: int
    high: int
    asked: tuple[int, ...]
    skipped: tuple[int, ...]


def halve(count: int, is_new: Callable[[int], bool | None]) -> Step:
    """Find a step between number 0, which is like the old end, and number `count`, which is like the new one.

    is_new -- whether a number between the ends is like the new end; None: it cannot be told. Asked at most once for a
        number, never for the ends, and where all can be told at most ceil(log2(count)) times

    What has no answer and lies between the two that are found stays there: any of it may be the step.

    >>> halve(100, lambda number: number >= 70).high
    70
    """
    if count < 1:
        raise ValueError("there is nothing between an end and itself")
    low, high = 0, count
    asked: list[int] = []
    skipped: list[int] = []
    while (number := _middle(low, high, skipped)) is not None:
        asked.append(number)
        match is_new(number):
            case None:
                skipped.append(number)
            case True:
                high = number
            case False:
                low = number
    return Step(low, high, tuple(asked), tuple(skipped))


def _middle(low: int, high: int, skipped: Sequence[int]) -> int | None:
    """Give the middle of the widest stretch with nothing skipped in it; None: there is nothing left to ask.

    What does not build seldom stands alone, so one far from it is more use than its neighbour.
    """
    marks = sorted({low, high, *(number for number in skipped if low < number < high)})
    before, after = max(itertools.pairwise(marks), key=lambda gap: (gap[1] - gap[0], -gap[0]))
    return (before + after) // 2 if after - before > 1 else None


def share(old: float, new: float, value: float) -> float:
    """Say how much of the whole change a number has: 0 at the old end's, 1 at the new one's, by its logarithm.

    Numbers are above zero, and those of the ends differ.

    >>> share(100, 400, 200)
    0.5
    """
    return math.log(value / old) / math.log(new / old)


class Shape(Enum):
    """What the numbers that were taken look like, from the old end to the new one."""

    STEP = "one step"
    CREEP = "several steps"  # the one that was found is not nearly the whole change
    BACK_AND_FORTH = "back and forth"


def shape(shares: Mapping[int, float], step: Step, slack: float) -> Shape:
    """Say what the shares of the commits that were measured look like, ends included.

    slack -- what two numbers may differ by that are the same, as a share of the whole change
    """
    line = [shares[number] for number in sorted(shares)]
    if any(later < earlier - slack for earlier, later in itertools.pairwise(line)):
        return Shape.BACK_AND_FORTH
    return Shape.STEP if shares[step.high] - shares[step.low] >= MOST else Shape.CREEP
