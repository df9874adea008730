"""Whose a change over a sync is: upstream's own change is never the fork's, and a doubt is no answer."""

import math

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core.counts import Counted, judge
from forkkeeper.core.fourway import Whose, four, own_change
from forkkeeper.core.speed import Judged, Speed

MARGIN = 0.001


def judged(change: float, spread: float = 0.0) -> Judged:
    """Make a comparison with this change, and an interval of so much to both sides."""
    low, high = change - spread, change + spread
    if low > -MARGIN and high < MARGIN:
        speed = Speed.SAME
    elif low > 0 or high < 0:
        speed = Speed.SLOWER if change > 0 else Speed.FASTER
    else:
        speed = Speed.INCONCLUSIVE
    return Judged(speed, change, low, high, spread, 2, "by what it is")


@pytest.mark.parametrize(
    ("upstream", "then", "now", "whose", "own"),
    [
        (0.05, 0.02, 0.02, Whose.UPSTREAM, Speed.SAME),
        (-0.05, 0.02, 0.02, Whose.UPSTREAM, Speed.SAME),
        (0.0, 0.0, 0.03, Whose.FORK, Speed.SLOWER),
        (0.0, 0.03, 0.0, Whose.FORK, Speed.FASTER),
        (0.05, 0.0, 0.03, Whose.BOTH, Speed.SLOWER),
        (0.05, 0.03, 0.0, Whose.BOTH, Speed.FASTER),
        (0.0, 0.02, 0.02, Whose.NEITHER, Speed.SAME),
    ],
)
def test_whose_it_is(upstream: float, then: float, now: float, whose: Whose, own: Speed) -> None:
    """A cost that the fork always had is no change of its own, and what pristine became is upstream's."""
    fork = (1 + upstream) * (1 + now) / (1 + then) - 1
    found = four(judged(upstream), judged(then), judged(now), judged(fork), MARGIN)
    assert found.whose is whose
    assert found.own.speed is own
    assert found.said.startswith(f"{whose.value}: pristine ")


def test_the_sentence_names_both_parts() -> None:
    """It says what pristine became and what the fork's own cost did."""
    found = four(judged(0.05), judged(0.02), judged(0.02), judged(0.05), MARGIN)
    assert found.said == "upstream's: pristine got 5.00% slower, the fork's own cost is unchanged"


@pytest.mark.parametrize("place", range(3))
def test_what_is_not_known_is_no_answer(place: int) -> None:
    """Where upstream's change or one of the fork's costs is inconclusive, so is whose the change is."""
    upstream, then, now = (judged(0.0, spread=0.01 if number == place else 0.0) for number in range(3))
    found = four(upstream, then, now, judged(0.05), MARGIN)
    assert found.whose is Whose.UNKNOWN
    assert "is not known (" in found.said


changes = st.floats(-0.4, 1.0)


def test_more_than_all_cannot_be_saved() -> None:
    """Where the fork saved more than upstream now takes at all, its share alone counts."""
    assert own_change(judged(-0.7), judged(-0.5), judged(-0.5), MARGIN).speed is Speed.SAME
    assert own_change(judged(-0.7), judged(-0.5), judged(0.0), MARGIN).speed is Speed.SLOWER


@given(upstream=changes, then=changes)
def test_a_cost_that_stayed_is_never_the_forks(upstream: float, then: float) -> None:
    """Whatever upstream did, the same share of its work is no change of the fork's, nor is the same amount."""
    as_amount = then / (1 + upstream)
    for now in (then, as_amount, (then + as_amount) / 2):
        found = own_change(judged(upstream), judged(then), judged(now), MARGIN)
        assert found.speed is Speed.SAME


@given(upstream=changes, then=changes, more=st.floats(0.01, 1.0))
def test_a_cost_that_grew_by_both_is_the_forks(upstream: float, then: float, more: float) -> None:
    """What is slower than the same share and the same amount would be is slower, by what it exceeds the larger."""
    expected = max((1 + upstream) * (1 + then), 1 + upstream + then)
    now = expected * (1 + more) / (1 + upstream) - 1
    found = own_change(judged(upstream), judged(then), judged(now), MARGIN)
    assert found.speed is Speed.SLOWER
    assert math.isclose(found.change, more, rel_tol=1e-6)


@given(then=changes, now=changes, wide=st.floats(0, 0.01), wider=st.floats(0, 0.01))
def test_the_doubt_of_both_is_in_the_answer(then: float, now: float, wide: float, wider: float) -> None:
    """With an upstream as it was, the interval holds the ratio of any two costs that lie within theirs."""
    one, other = judged(then, wide), judged(now, wider)
    found = own_change(judged(0.0), one, other, MARGIN)
    for cost_then in (one.low, one.high):
        for cost_now in (other.low, other.high):
            ratio = (1 + cost_now) / (1 + cost_then) - 1
            assert found.low <= ratio or math.isclose(found.low, ratio, abs_tol=1e-12)
            assert found.high >= ratio or math.isclose(found.high, ratio, abs_tol=1e-12)


def counted(change: float, apart: float) -> Judged:
    """Judge counts that differ by this, and whose runs are so far apart, both as shares."""
    number = 100_000_000
    fork = round(number * (1 + change))
    return judge(Counted(number, number), Counted(fork, round(fork * (1 + apart))), MARGIN)


SAME_COUNT = counted(0.0, 0.0)


@pytest.mark.parametrize(
    ("now", "own"),
    [
        (counted(0.00095, 0.00009), Speed.INCONCLUSIVE),
        (counted(-0.00095, 0.00009), Speed.INCONCLUSIVE),
        (counted(0.00085, 0.00009), Speed.SAME),
        (counted(0.0012, 0.00009), Speed.SLOWER),
        (counted(-0.0012, 0.00009), Speed.FASTER),
    ],
)
def test_nobody_is_blamed_for_less_than_the_threshold(now: Judged, own: Speed) -> None:
    """What a count calls the same is never called the fork's: the whole interval has to reach the threshold."""
    found = four(SAME_COUNT, SAME_COUNT, now, now, MARGIN, beyond=MARGIN)
    assert found.own.speed is own
    assert (found.whose is Whose.FORK) is (own in (Speed.SLOWER, Speed.FASTER))


def test_a_cost_that_grew_by_less_than_the_threshold_is_not_blamed() -> None:
    """Both costs are sure, and what lies between them is not sure to reach the threshold: that is not known."""
    then, now = counted(0.0005, 0.00001), counted(0.00145, 0.0001)
    found = four(SAME_COUNT, then, now, now, MARGIN, beyond=MARGIN)
    assert (then.speed, now.speed) == (Speed.SAME, Speed.SLOWER)
    assert found.whose is Whose.UNKNOWN
    assert "about the threshold of 0.10%" in found.said


@pytest.mark.parametrize("place", range(3))
def test_times_without_bounds_are_no_answer(place: int) -> None:
    """Few pairs can show that times are alike and yet bound nothing: then whose the change is is not known."""
    endless = Judged(Speed.SAME, 0.001, -1.0, math.inf, 0.01, 6, "differs by less than 3.0%")
    upstream, then, now = (endless if number == place else judged(0.0) for number in range(3))
    found = four(upstream, then, now, judged(0.0), 0.03)
    assert found.whose is Whose.UNKNOWN
    assert "is not known (6 pairs are too few" in found.said
