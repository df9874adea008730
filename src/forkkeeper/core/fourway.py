"""Whose a change of speed over a sync is: upstream's, the fork's, both, or neither's.

Four builds tell it: the old pin pristine, the fork as it was on it, the new pin pristine, and the fork of now. What the
fork takes beside the pristine pin is its own cost; it had one before the sync and has one after it, and only where that
became another is a change the fork's. What pristine takes beside the old pristine is upstream's own.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    own -- the fork of now beside what its cost of then would make of the pristine pin of now
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


def four(upstream: Judged, then: Judged, now: Judged, fork: Judged, margin: float, *, beyond: float = 0.0) -> FourWay:
    """Put four comparisons together. margin, beyond -- see `own_change`."""
    return FourWay(upstream, then, now, fork, own_change(upstream, then, now, margin, beyond=beyond))


def own_change(upstream: Judged, then: Judged, now: Judged, margin: float, *, beyond: float = 0.0) -> Judged:
    """Judge the fork of now beside what its cost of then makes of the pristine pin of now.

    Nobody can tell from outside whether a cost is a share of the work (each product takes longer) or an amount (a step
    more for each token): where upstream became slower or faster the two part. The fork has changed only where it is
    slower than by both, or faster than by both; the nearer one counts. Intervals hold all that the parts may be. What
    one of the parts could not tell nobody can of the whole: then it is inconclusive. So it is where one has no bounds,
    as a time has of which there are too few pairs.

    margin -- the difference that matters, as a share
    beyond -- how far from none an interval has to lie to be a change: the threshold of counts, whose intervals are so
        narrow that what nobody minds lies off zero; of times 0
    """
    pairs = min(upstream.pairs, then.pairs, now.pairs)
    unsure = next(filter(None, map(_unsure, (upstream, then, now))), None)
    if unsure is not None:
        return Judged(Speed.INCONCLUSIVE, 0.0, -math.inf, math.inf, math.inf, pairs, unsure)
    found = [_judged(one, upstream, then, now, margin, beyond) for one in (_by_share, _by_amount)]
    nearest = min(found, key=lambda one: (one.speed is not Speed.SAME, abs(one.change)))
    if {one.speed for one in found} == {Speed.SLOWER, Speed.FASTER}:
        because = "lies between what the same share and what the same amount would be"
        low, high = min(one.low for one in found), max(one.high for one in found)
        nearest = Judged(Speed.SAME, 0.0, low, high, (high - low) / 2, 0, because)
    return replace(nearest, pairs=pairs)


def _unsure(judged: Judged) -> str | None:
    """Say why nothing follows from a comparison; None where something does."""
    if judged.speed is Speed.INCONCLUSIVE:
        return judged.because
    if math.isinf(judged.high) or judged.low <= -1:  # no bounds, as shares: nothing takes less than no time
        return f"{judged.pairs} pairs are too few to say how far it may be off: raise `seconds` of [bench]"
    return None


Beside = Callable[[float, float, float], float]


def _by_share(_: float, then: float, now: float) -> float:
    return (1 + now) / (1 + then) - 1


def _by_amount(upstream: float, then: float, now: float) -> float:
    expected = 1 + upstream + then
    # a fork that saved more than upstream now takes at all: no amount can have stayed
    return (1 + upstream) * (1 + now) / expected - 1 if expected > 0 else _by_share(upstream, then, now)


def _judged(beside: Beside, upstream: Judged, then: Judged, now: Judged, margin: float, beyond: float) -> Judged:
    change = beside(upstream.change, then.change, now.change)
    ends = itertools.product(*((one.low, one.high) for one in (upstream, then, now)))
    reached = [beside(*corner) for corner in ends]
    low, high = min(reached), max(reached)
    is_slower = low >= beyond if beyond else low > 0
    is_faster = high <= -beyond if beyond else high < 0
    if -margin < low and high < margin:
        speed, because = Speed.SAME, f"differs by less than {margin:.2%}"
    elif is_slower or is_faster:
        speed, because = (Speed.SLOWER if is_slower else Speed.FASTER), f"{change:+.3%} beside what it was"
    elif beyond:
        speed, because = Speed.INCONCLUSIVE, f"between {low:+.3%} and {high:+.3%}, about the threshold of {beyond:.2%}"
    else:
        speed, because = Speed.INCONCLUSIVE, f"between {low:+.1%} and {high:+.1%}: a quieter machine, or more time"
    return Judged(speed, change, low, high, (high - low) / 2, 0, because)
