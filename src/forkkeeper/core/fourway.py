"""Whose a change of speed over a sync is: upstream's, the fork's, both, or neither's.

Four builds tell it: the old pin pristine, the fork as it was on it, the new pin pristine, and the fork of now. What the
fork takes beside the pristine pin is its own cost; it had one before the sync and has one after it, and only where that
became another is a change the fork's. What pristine takes beside the old pristine is upstream's own. The fork's change
over the sync is the product of both.
"""

from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.speed import Judged, Speed


class Whose(Enum):
    """Whose doing it is that the fork's speed is another than before the sync."""

    UPSTREAM = "upstream's"
    FORK = "the fork's"
    BOTH = "both"
    NEITHER = "neither"
    UNKNOWN = "not known"  # what was measured says too little of one of them


@dataclass(frozen=True, slots=True)
class FourWay:
    """Four comparisons, and what follows.

    upstream -- the new pin beside the old one, both pristine
    then, now -- the fork beside the pristine pin that it stood on, and stands on
    fork -- the fork of now beside the fork of then
    own -- the fork's cost of now beside its cost of then
    """

    upstream: Judged
    then: Judged
    now: Judged
    fork: Judged
    own: Judged

    @property
    def whose(self) -> Whose:
        """Whose the change is."""
        speeds = (self.upstream.speed, self.own.speed)
        if Speed.INCONCLUSIVE in speeds:
            return Whose.UNKNOWN
        match tuple(speed is not Speed.SAME for speed in speeds):
            case (True, True):
                return Whose.BOTH
            case (True, False):
                return Whose.UPSTREAM
            case (False, True):
                return Whose.FORK
            case _:
                return Whose.NEITHER

    @property
    def said(self) -> str:
        """The answer as a sentence."""
        first = f"pristine {_got(self.upstream, 'is as fast as it was', 'got {}')}"
        second = f"the fork's own cost {_got(self.own, 'is unchanged', 'became {}')}"
        return f"{self.whose.value}: {first}, {second}"


def _got(judged: Judged, same: str, other: str) -> str:
    match judged.speed:
        case Speed.SAME:
            return same
        case Speed.INCONCLUSIVE:
            return f"is not known ({judged.because})"
        case Speed.SLOWER | Speed.FASTER:
            return other.format(f"{abs(judged.change):.2%} {judged.speed.value}")


def four(upstream: Judged, then: Judged, now: Judged, fork: Judged, margin: float) -> FourWay:
    """Put four comparisons together. margin -- the difference that matters, as a share."""
    return FourWay(upstream, then, now, fork, own_change(then, now, margin))


def own_change(then: Judged, now: Judged, margin: float) -> Judged:
    """Judge the fork's cost of now beside its cost of then; its interval is as wide as both of theirs together.

    What one of them could not tell, nobody can of the two: then it is inconclusive.
    """
    change = _beside(now.change, then.change)
    low, high = _beside(now.low, then.high), _beside(now.high, then.low)
    unsure = next((one.because for one in (then, now) if one.speed is Speed.INCONCLUSIVE), None)
    if unsure is not None:
        speed, because = Speed.INCONCLUSIVE, unsure
    elif -margin < low and high < margin:
        speed, because = Speed.SAME, f"differs by less than {margin:.2%}"
    elif low > 0 or high < 0:
        speed, because = (Speed.SLOWER if low > 0 else Speed.FASTER), f"{change:+.3%} beside what it was"
    else:
        speed, because = Speed.INCONCLUSIVE, f"between {low:+.1%} and {high:+.1%}: a quieter machine, or more time"
    return Judged(speed, change, low, high, (high - low) / 2, min(then.pairs, now.pairs), because)


def _beside(one: float, other: float) -> float:
    """Give a ratio less one of two ratios less one."""
    return (1 + one) / (1 + other) - 1 if other > -1 else float("inf")
