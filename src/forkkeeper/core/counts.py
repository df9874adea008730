"""Judges counts of instructions: they repeat to some parts in ten million, so two runs a side are enough."""

from dataclasses import dataclass

from forkkeeper.core.speed import Judged, Speed


@dataclass(frozen=True, slots=True)
class Counted:
    """Instructions of two runs of the same program."""

    first: int
    second: int

    @property
    def apart(self) -> float:
        """How far the runs are from each other, as a share."""
        return abs(self.first - self.second) / min(self.first, self.second)


def judge(baseline: Counted, fork: Counted, threshold: float) -> Judged:
    """Judge the fork's count beside the baseline's. threshold -- the difference that matters, as a share.

    The smaller of two runs is a side's count. What the runs of a side are themselves apart by is how far the truth may
    lie from that: a verdict has to hold all over it. A program that does other work each time has a wide one.
    """
    apart = max(baseline.apart, fork.apart)
    change = min(fork.first, fork.second) / min(baseline.first, baseline.second) - 1
    low, high = change - apart, change + apart
    if -threshold < low and high < threshold:
        speed, because = Speed.SAME, f"differs by less than {threshold:.2%}"
    elif low >= threshold or high <= -threshold:
        speed = Speed.SLOWER if change > 0 else Speed.FASTER
        because = f"{change:+.3%} instructions"
    else:
        speed = Speed.INCONCLUSIVE
        because = f"{change:+.3%} instructions, and two runs of the same program are {apart:.3%} apart"
    return Judged(speed, change, low, high, apart, 2, because)
