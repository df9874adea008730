"""Says of paired times whether a fork is faster, the same or slower, or that nothing can be said.

The unit is a pair: one fresh process of each side, each from a fresh copy of its build, one right after the other, the
order flipped from pair to pair. What a pair says is the logarithm of its ratio, so a drift of the machine cancels, and
the luck of a copy (where its pages lie in memory) is drawn anew for each pair instead of being measured as speed.

    interval  Hodges and Lehmann's estimate, the median of all Walsh averages, and Tukey's interval on it, from the
              exact distribution of Wilcoxon's signed-rank statistic (Hollander, Wolfe and Chicken, "Nonparametric
              Statistical Methods", 3rd ed., 3.1 to 3.3). No outlier moves it far. If both sides are the same code
              either of a pair might have been the other, and it misses 0 as seldom as is said (but see pairs).
    same      two one-sided tests (Schuirmann 1987): the interval at 1 - 2·MISS lies within the margin. Not having
              seen a difference is no proof that there is none.
    several   the chance of a false alarm is for all comparisons that are judged together; each has its share
              (Bonferroni).
    floor     pairs against the pairs before them, in which the sides cancel and copies of one side are left: what
              this machine, now, makes of no difference. A difference of the sides has to be larger than its interval.
    pairs     enough that an interval of the width seen so far, which shrinks with the root of their number, misses 0
              with the stated power. The width alone decides when to stop, never where it lies. That is nearly no
              peeking: the width depends a little on the signs, and a level of 5 % was 6.2 % in a simulation.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
from scipy import special

from forkkeeper.core.benches import EFFECT, POWER

Numbers = npt.NDArray[np.float64]

ALARM = 0.001  # the chance to say faster or slower of the same code: one night in three years
MISS = 0.05  # the chance to say *same* of what differs by the effect
PILOT = 12  # pairs before the spread is believed
MOST_PAIRS = 400  # Walsh averages grow with the square; a spread that asks for more is no machine to measure on


class Speed(Enum):
    """What the times say of the fork beside the baseline."""

    FASTER = "faster"
    SAME = "same"  # shown to differ by less than the effect that is looked for
    SLOWER = "slower"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for, stated beforehand.

    effect -- the difference that matters, as a share of the baseline's time: 0.03 is 3 %
    power -- the chance to find it
    alarm -- the chance to say faster or slower of the same code in any of the comparisons
    comparisons -- how many are judged together
    """

    effect: float = EFFECT
    power: float = POWER
    alarm: float = ALARM
    comparisons: int = 1

    @property
    def level(self) -> float:
        """The chance of a false alarm that one comparison has."""
        return self.alarm / self.comparisons


@dataclass(frozen=True, slots=True)
class Pair:
    """Times of one process of each side, run one after the other, in any unit."""

    baseline: float
    fork: float


@dataclass(frozen=True, slots=True)
class Interval:
    """How much longer one takes than the other, as logarithms of the ratio: 0 for no difference."""

    low: float
    middle: float
    high: float

    @property
    def is_off_zero(self) -> bool:
        """Whether no difference is ruled out."""
        return self.low > 0 or self.high < 0

    @property
    def farthest(self) -> float:
        """How far from 0 the interval reaches."""
        return max(abs(self.low), abs(self.high))

    def is_within(self, margin: float) -> bool:
        """Whether more than a margin is ruled out."""
        return -margin < self.low and self.high < margin


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and what it rests on; times are ratios less one: 0.03 is 3 % longer, so slower.

    change, low, high -- the estimate and the interval in which the truth lies, as surely as false alarms are rare
    floor -- what this run made of no difference: one that is no larger is not told from none
    pairs -- how many were run
    because -- one line that says why
    """

    speed: Speed
    change: float
    low: float
    high: float
    floor: float
    pairs: int
    because: str


def judge(pairs: Sequence[Pair], rule: Rule) -> Judged:
    """Judge pairs, in the order in which they were run.

    Raises ValueError for fewer than two, or a time that is not above zero.
    """
    found = differences(pairs)
    sure, near = interval(found, 1 - rule.level), interval(found, 1 - 2 * MISS)
    margin, floor = math.log1p(rule.effect), _floor(pairs)
    if math.isinf(sure.low):
        speed = Speed.INCONCLUSIVE
        because = f"{len(pairs)} pairs in the time that there was are too few: give more --seconds"
    elif near.is_within(margin):
        speed, because = Speed.SAME, f"differs by less than {rule.effect:.1%}"
    elif sure.is_off_zero and abs(sure.middle) <= floor:
        speed = Speed.INCONCLUSIVE
        because = f"{_percent(sure.middle)} is no more than this run made of the same code, {math.expm1(floor):.1%}"
    elif sure.is_off_zero:
        speed = Speed.SLOWER if sure.middle > 0 else Speed.FASTER
        because = f"between {_percent(sure.low)} and {_percent(sure.high)}, with a doubt of {rule.level:.2%}"
    else:
        speed = Speed.INCONCLUSIVE
        because = f"between {_percent(sure.low)} and {_percent(sure.high)}: more pairs, or a quieter machine"
    low, middle, high = (math.expm1(one) for one in (sure.low, sure.middle, sure.high))
    return Judged(speed, middle, low, high, math.expm1(floor), len(pairs), because)


def pairs_needed(pairs: Sequence[Pair], rule: Rule) -> int:
    """Say how many pairs the stated effect and power take, by the widths of the intervals on those at hand.

    Both answers must be within reach: to see the effect where there is one, and to rule it out where there is none.
    At least PILOT, since fewer say little of their spread, and as many as the level takes at all.
    """
    least = max(PILOT, math.ceil(math.log2(2 / rule.level)) + 1)  # all signs alike must be rare enough
    if len(pairs) < least:
        return least
    found, effect = differences(pairs), math.log1p(rule.effect)
    seen = _reach(interval(found, 1 - rule.level), rule.level / 2, rule.power)
    ruled_out = _reach(interval(found, 1 - 2 * MISS), MISS, (1 + rule.power) / 2)
    wanted = len(pairs) * (max(seen, ruled_out) / effect) ** 2
    return max(least, min(MOST_PAIRS, math.ceil(wanted)))


def _reach(found: Interval, tail: float, power: float) -> float:
    """Give the difference that an interval of this width misses 0 for, with this power."""
    return (found.high - found.low) / 2 * (1 + float(special.ndtri(power) / special.ndtri(1 - tail)))


def differences(pairs: Sequence[Pair]) -> Numbers:
    """Give the logarithm of each pair's ratio, fork to baseline."""
    times = np.array([(pair.baseline, pair.fork) for pair in pairs], np.float64).reshape(-1, 2)
    if not (np.isfinite(times).all() and (times > 0).all()):
        raise ValueError("a time is not above zero")
    found: Numbers = np.log(times[:, 1]) - np.log(times[:, 0])
    return found


def floor_differences(pairs: Sequence[Pair]) -> Numbers:
    """Give what each two pairs in a row make of no difference: how far they are apart, which the sides cancel out of.

    It is half of the difference of two copies of the one side less that of the other, so it spreads as the mean of two
    pairs does. The later pair stands above and below in turn: a machine that grows slower steadily cancels, too.
    """
    found = differences(pairs)
    whole = found[: len(found) // 2 * 2].reshape(-1, 2)
    apart: Numbers = (whole[:, 1] - whole[:, 0]) / 2
    apart[1::2] *= -1
    return apart


def _floor(pairs: Sequence[Pair]) -> float:
    """Give how far from 0 the same code comes out in a run, nine times in ten, as a logarithm."""
    return interval(floor_differences(pairs), 1 - 2 * MISS).farthest if len(pairs) > 1 else math.inf


def interval(values: Numbers, confidence: float) -> Interval:
    """Give Hodges and Lehmann's estimate of a symmetric distribution's middle, and Tukey's interval on it.

    Where the values are too few for the confidence the interval is without end: nothing is ruled out.
    Raises ValueError where there is no value.
    """
    count = len(values)
    if not count:
        raise ValueError("there is nothing to judge")
    rows, columns = np.triu_indices(count)
    walsh = np.sort((values[rows] + values[columns]) / 2)
    middle = float(np.median(walsh))
    cut = signed_rank_cut(count, (1 - confidence) / 2)
    if cut < 0:
        return Interval(-math.inf, middle, math.inf)
    return Interval(float(walsh[cut]), middle, float(walsh[-1 - cut]))


@functools.cache
def signed_rank_cut(count: int, tail: float) -> int:
    """Give the largest k for which the signed-rank statistic of `count` values is at most k in `tail` of all cases.

    -1 where not even 0 is that rare. Exact: the sums of all subsets of the ranks 1 to `count`, each as likely.
    """
    chances = np.ones(1)
    for rank in range(1, count + 1):
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    return int(np.searchsorted(np.cumsum(chances), tail * (1 + 1e-12), side="right")) - 1


def _percent(logarithm: float) -> str:
    return f"{math.expm1(logarithm):+.1%}"
