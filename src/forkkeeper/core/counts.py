"""Judges counts of instructions: they repeat to some parts in ten million, so two runs a side are enough."""

from dataclasses import dataclass

from forkkeeper.core.speed import Judged, Speed

STEADY = 0.1  # how much of the threshold two runs of the same program may differ


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

    The smaller of two runs is a side's count. Where the runs of a side are themselves apart by a tenth of the
    threshold the program does not do the same work each time, and its count says nothing.
    """
    apart = max(baseline.apart, fork.apart)
    change = min(fork.first, fork.second) / min(baseline.first, baseline.second) - 1
    low, high = change - apart, change + apart
    if apart > STEADY * threshold:
        speed = Speed.INCONCLUSIVE
        because = f"two runs of the same program are {apart:.3%} apart: it does not do the same work each time"
    elif abs(change) < threshold:
        speed, because = Speed.SAME, f"differs by less than {threshold:.2%}"
    else:
        speed = Speed.SLOWER if change > 0 else Speed.FASTER
        because = f"{change:+.3%} instructions"
    return Judged(speed, change, low, high, apart, 2, because)
