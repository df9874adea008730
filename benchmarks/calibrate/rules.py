"""How others would have judged the same times: three rules in use, each as its own program applies it.

All are given every process's time of a test, both sides, as they were measured; only the judging differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import PercentageRegressionCheck
from scipy import stats

from forkkeeper.core import speed
from forkkeeper.core.speed import Pair, Rule, Speed

SHOWN = 0.005  # llama.cpp's script prints the ratio with two places: what rounds to 1.00 is no difference
ASV_FACTOR, ASV_P = 1.05, 0.002  # asv: what both must pass


@dataclass(frozen=True)
class Judge:
    """A rule by its name: what it says of one test's pairs, as one of so many comparisons in a run."""

    name: str
    says: Callable[[Sequence[Pair], int], Speed]


def ours(pairs: Sequence[Pair], comparisons: int) -> Speed:
    """Judge as `bench throughput` does."""
    return speed.judge(pairs, Rule(comparisons=comparisons)).speed


def ratio_of_means(pairs: Sequence[Pair], _: int) -> Speed:
    """Judge as a reader of llama.cpp's compare-llama-bench.py does: the ratio of mean tokens a second, as printed."""
    baseline, fork = (float(np.mean(1 / np.array(side))) for side in _sides(pairs))
    return _said(baseline / fork, SHOWN)


def rank_test(pairs: Sequence[Pair], _: int) -> Speed:
    """Judge as asv's `compare` does: Mann and Whitney's test, and a ratio of medians beyond the factor."""
    baseline, fork = _sides(pairs)
    if stats.mannwhitneyu(baseline, fork, alternative="two-sided").pvalue >= ASV_P:
        return Speed.INCONCLUSIVE
    ratio = float(np.median(fork) / np.median(baseline))
    return Speed.SLOWER if ratio > ASV_FACTOR else Speed.FASTER if ratio < 1 / ASV_FACTOR else Speed.INCONCLUSIVE


def least(pairs: Sequence[Pair], _: int) -> Speed:
    """Judge as `pytest --benchmark-compare-fail=min:5%` does, by its own class; it never says faster."""
    baseline, fork = (_stats(side) for side in _sides(pairs))
    failed = PercentageRegressionCheck("min", 5.0).fails(fork, baseline)
    return Speed.SLOWER if failed else Speed.INCONCLUSIVE


JUDGES = (
    Judge("forkkeeper", ours),
    Judge("llama.cpp: ratio of means, as printed", ratio_of_means),
    Judge("asv: Mann-Whitney, then 1.05", rank_test),
    Judge("pytest-benchmark: min:5%", least),
)


def _sides(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    return [pair.baseline for pair in pairs], [pair.fork for pair in pairs]


def _said(ratio: float, margin: float) -> Speed:
    return Speed.SLOWER if ratio > 1 + margin else Speed.FASTER if ratio < 1 - margin else Speed.SAME


def _stats(seconds: Sequence[float]) -> dict[str, float]:
    found = Stats()
    for one in seconds:
        found.update(one)
    return {"min": found.min}
