"""Verdicts on counts of instructions."""

import pytest

from forkkeeper.core.counts import Counted, judge
from forkkeeper.core.speed import Speed

BASELINE = Counted(1_000_000_000, 1_000_000_060)


@pytest.mark.parametrize(
    ("fork", "speed"),
    [
        (Counted(1_000_000_000, 1_000_000_000), Speed.SAME),
        (Counted(1_000_900_000, 1_000_900_000), Speed.SAME),
        (Counted(1_005_000_000, 1_005_000_000), Speed.SLOWER),
        (Counted(995_000_000, 995_000_000), Speed.FASTER),
        (Counted(1_005_000_000, 1_006_000_000), Speed.SLOWER),  # slower by more than its runs are apart
        (Counted(5_000_000_000, 5_002_000_000), Speed.SLOWER),
        (Counted(1_000_500_000, 1_001_500_000), Speed.INCONCLUSIVE),
    ],
)
def test_a_count_is_judged_by_the_threshold(fork: Counted, speed: Speed) -> None:
    """Less than the threshold is the same; what two runs of one program are apart by hides no more than that."""
    assert judge(BASELINE, fork, 0.001).speed is speed


def test_a_baseline_that_does_not_repeat_says_nothing_either() -> None:
    """It takes both sides to be steady."""
    assert judge(Counted(1_000_000, 1_010_000), Counted(1_000_000, 1_000_000), 0.001).speed is Speed.INCONCLUSIVE
