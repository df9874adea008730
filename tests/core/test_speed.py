"""The statistics of a comparison: right against scipy's own, right in its laws, and as seldom wrong as it says."""

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from forkkeeper.core import speed
from forkkeeper.core.speed import Pair, Rule, Speed, differences, interval, judge, pairs_needed, signed_rank_cut

times = st.floats(1e-6, 1e6)
pairs_of_times = st.lists(st.builds(Pair, times, times), min_size=3, max_size=40)


def drawn(count: int, *, spread: float, longer: float, seed: int) -> list[Pair]:
    """Draw pairs with heavy tails, as a shared machine's times have them; the fork takes longer by a share."""
    noise = np.random.default_rng(seed).standard_t(3, (count, 2)) * spread / math.sqrt(3)
    return [Pair(float(np.exp(one)), float(np.exp(other) * (1 + longer))) for one, other in noise]


@pytest.mark.parametrize("count", [5, 12, 25, 50])
def test_the_interval_is_what_the_signed_rank_test_does_not_reject(count: int) -> None:
    """A shift just inside the interval is not rejected by scipy's exact test at its level, one just outside is."""
    values = np.random.default_rng(count).normal(0.1, 1, count)
    found = interval(values, 0.9)
    sides: tuple[tuple[float, float, Literal["greater", "less"]], ...] = (
        (found.low, 1e-9, "greater"),
        (found.high, -1e-9, "less"),
    )
    for edge, inside, alternative in sides:
        within, outside = (
            stats.wilcoxon(values - edge - shift, alternative=alternative, method="exact").pvalue
            for shift in (inside, -inside)
        )
        assert outside <= 0.05 < within


@pytest.mark.parametrize("count", [3, 4, 7])
def test_the_cut_is_counted_out(count: int) -> None:
    """The cut is the largest statistic that is rare enough, counting every pattern of signs."""
    sums = [sum(rank + 1 for rank in range(count) if bits >> rank & 1) for bits in range(2**count)]
    for tail in (0.0, 0.01, 0.125, 0.3, 0.5):
        cut = signed_rank_cut(count, tail)
        assert sum(one <= cut for one in sums) <= tail * 2**count
        assert sum(one <= cut + 1 for one in sums) > tail * 2**count


def test_too_few_values_rule_nothing_out() -> None:
    """Three values cannot be as sure as one in a thousand: the interval has no end, and the verdict is no verdict."""
    found = interval(np.array([1.0, 2.0, 3.0]), 0.999)
    assert (found.low, found.middle, found.high) == (-math.inf, 2.0, math.inf)
    assert judge([Pair(1, 2)] * 3, Rule()).speed is Speed.INCONCLUSIVE


@given(pairs_of_times)
def test_exchanging_the_sides_exchanges_the_verdict(pairs: list[Pair]) -> None:
    """What is slower one way is faster the other way, by the same interval."""
    other = {Speed.SLOWER: Speed.FASTER, Speed.FASTER: Speed.SLOWER}
    one, back = (
        judge(pairs, Rule(alarm=0.3)),
        judge([Pair(pair.fork, pair.baseline) for pair in pairs], Rule(alarm=0.3)),
    )
    assert back.speed is other.get(one.speed, one.speed)
    assert back.pairs == one.pairs


@given(pairs_of_times, st.floats(0.01, 100))
def test_the_unit_does_not_matter(pairs: list[Pair], unit: float) -> None:
    """Seconds or nanoseconds: the same verdict."""
    scaled = [Pair(pair.baseline * unit, pair.fork * unit) for pair in pairs]
    assert np.allclose(differences(pairs), differences(scaled))


@given(st.floats(1e-3, 1e3), st.integers(12, 60))
def test_equal_times_are_the_same(seconds: float, count: int) -> None:
    """Pairs without any difference are shown to be the same."""
    assert judge([Pair(seconds, seconds)] * count, Rule(alarm=0.01)).speed is Speed.SAME


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_same_code_is_seldom_called_different(seed: int) -> None:
    """Of 60 runs of the same code, with heavy tails, at an alarm of 5 %, hardly more than 3 say slower or faster."""
    said = [judge(drawn(20, spread=0.05, longer=0, seed=seed + n), Rule(alarm=0.05)).speed for n in range(60)]
    assert sum(one in {Speed.SLOWER, Speed.FASTER} for one in said) <= 11  # 1 in 10,000 at one in twenty


def test_a_difference_is_found_with_as_many_pairs_as_are_said_to_be_needed() -> None:
    """With pairs run until as many are there as are needed, a slowdown of the effect is found nine times in ten."""
    rule, said = Rule(effect=0.05, power=0.9, alarm=0.01), []
    for seed in range(100):
        pairs: list[Pair] = []
        every = drawn(100, spread=0.05, longer=0.05, seed=seed)
        while len(pairs) < pairs_needed(pairs, rule):
            pairs = every[: len(pairs) + 2]
        said.append(judge(pairs, rule).speed)
    assert sum(one is Speed.SLOWER for one in said) >= 80  # 1 in 500 at nine in ten


def test_what_differs_by_the_effect_is_seldom_called_the_same() -> None:
    """Of what does differ by the margin hardly more than one in twenty is called the same."""
    rule = Rule(effect=0.03)
    said = [judge(drawn(60, spread=0.03, longer=0.03, seed=n), rule).speed for n in range(200)]
    assert sum(one is Speed.SAME for one in said) <= 25


def test_a_small_difference_that_is_sure_is_still_the_same() -> None:
    """Half a percent, measured without noise, is less than what was looked for: the same, with the change beside it."""
    found = judge([Pair(1.0, 1.005)] * 20, Rule())
    assert found.speed is Speed.SAME
    assert found.change == pytest.approx(0.005)


def test_a_difference_no_larger_than_that_of_the_same_code_is_not_believed() -> None:
    """Where pairs in a row are as far apart as the sides, that the sides differ is not said."""
    found = judge(drawn(16, spread=0.05, longer=0.04, seed=1), Rule(alarm=0.02))
    assert found.speed is Speed.INCONCLUSIVE
    assert "no more than this run made of the same code" in found.because


def test_no_unrest_of_the_machine_hides_a_large_difference() -> None:
    """A fork that takes five times as long is slower, also where copies of a side are told apart."""
    pairs = [Pair(1.0, 5.6), Pair(1.0, 5.0), Pair(1.0, 5.0), Pair(1.0, 5.6)] * 10
    assert judge(pairs, Rule()).speed is Speed.SLOWER


@given(st.lists(times, min_size=4, max_size=40), st.floats(0.1, 10))
def test_the_floor_knows_nothing_of_the_sides(seconds: list[float], ratio: float) -> None:
    """However much slower the fork is throughout, what the run makes of the same code stays as it is."""
    pairs = [Pair(one, one * (1 + 0.01 * (number % 3))) for number, one in enumerate(seconds)]
    slower = [Pair(pair.baseline, pair.fork * ratio) for pair in pairs]
    assert np.allclose(speed.floor_differences(pairs), speed.floor_differences(slower))


def test_a_drift_is_no_floor() -> None:
    """Both sides drifting together, however wildly, leave the floor as it is without."""
    drift = np.exp(np.random.default_rng(2).normal(0, 0.1, 40))
    still = drawn(40, spread=0.01, longer=0, seed=1)
    moved = [Pair(pair.baseline * one, pair.fork * one) for pair, one in zip(still, drift, strict=True)]
    assert np.allclose(speed.floor_differences(still), speed.floor_differences(moved))


def test_a_machine_that_slows_down_steadily_is_no_difference() -> None:
    """A drift over the run that is the same for both sides leaves the same code the same."""
    pairs = [Pair(1 + 0.01 * n, 1 + 0.01 * n) for n in range(40)]
    assert judge(pairs, Rule()).speed is Speed.SAME


def test_one_outlier_moves_nothing() -> None:
    """A process that was held up for ten times its time leaves the verdict as it was."""
    pairs = drawn(40, spread=0.01, longer=0, seed=3)
    assert judge([*pairs[:-1], Pair(1.0, 10.0)], Rule()).speed is Speed.SAME


def test_more_spread_takes_more_pairs_up_to_a_limit() -> None:
    """The number of pairs grows with the spread, never falls below the pilot, and ends at the most."""
    needed = [pairs_needed(drawn(100, spread=spread, longer=0, seed=1), Rule()) for spread in (1e-6, 0.02, 0.05, 1)]
    assert needed == sorted(needed)
    assert needed[0] == speed.PILOT
    assert needed[-1] == speed.MOST_PAIRS


@pytest.mark.parametrize("wrong", [Pair(0, 1), Pair(1, -1), Pair(math.nan, 1), Pair(1, math.inf)])
def test_a_time_that_is_none_is_refused(wrong: Pair) -> None:
    """Zero, less, or no number at all is an error, not a verdict."""
    with pytest.raises(ValueError, match="above zero"):
        judge([wrong] * 5, Rule())
