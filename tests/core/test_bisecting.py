"""Halving finds a step with few measurements, goes past what cannot be measured, and never asks outside its range."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core.bisecting import Shape, Step, halve, shape, share


def walked(kinds: Sequence[bool | None]) -> Step:
    """Halve a line of which number 0 is old and the last is new; kinds -- of those in between, None: not known."""
    line = (False, *kinds, True)

    def is_new(number: int) -> bool | None:
        assert 0 < number < len(line) - 1
        return line[number]

    return halve(len(line) - 1, is_new)


@given(count=st.integers(1, 5000), data=st.data())
def test_a_step_is_found_with_few_measurements(count: int, data: st.DataObject) -> None:
    """Wherever the one step is, it is found exactly, with log2(n) measurements and both ends."""
    first = data.draw(st.integers(1, count))
    step = walked([number >= first for number in range(1, count)])
    assert (step.low, step.high) == (first - 1, first)
    assert len(step.asked) <= math.ceil(math.log2(count))
    assert len(set(step.asked)) == len(step.asked)
    assert step.skipped == ()


@given(kinds=st.lists(st.sampled_from([False, True, None]), max_size=60))
def test_whatever_the_numbers_what_is_found_is_true(kinds: list[bool | None]) -> None:
    """The one after is new, the one before is old, and all that lies between them was tried and had no answer."""
    step = walked(kinds)
    line = (False, *kinds, True)
    assert line[step.high] is True
    assert line[step.low] is False
    between = set(range(step.low + 1, step.high))
    assert between <= set(step.skipped)
    assert {line[number] for number in step.skipped} <= {None}
    assert len(set(step.asked)) == len(step.asked)


@given(count=st.integers(2, 300), data=st.data())
def test_a_step_is_found_past_what_cannot_be_measured(count: int, data: st.DataObject) -> None:
    """With one step and some commits that do not build, the step lies within what is found, and only those with it."""
    first = data.draw(st.integers(1, count))
    broken = data.draw(st.sets(st.integers(1, count - 1), max_size=count // 2))
    step = walked([None if number in broken else number >= first for number in range(1, count)])
    assert step.low < first <= step.high
    assert set(range(step.low + 1, step.high)) <= broken


def test_broken_commits_beside_one_another_are_left_quickly() -> None:
    """A stretch of commits that do not build costs a few tries, not one for each of them."""
    step = walked([None if 400 <= number <= 600 else number >= 700 for number in range(1, 1000)])
    assert (step.low, step.high) == (699, 700)
    assert len(step.skipped) <= 3


def test_there_must_be_a_way_to_go() -> None:
    """Two ends that are one commit are refused."""
    with pytest.raises(ValueError, match="nothing between"):
        halve(0, lambda _: True)


def test_shares_are_of_the_ratio() -> None:
    """Half of a change to the fourfold is the twofold, in either direction, and the ends are 0 and 1."""
    assert [share(1, 4, value) for value in (1, 2, 4)] == [0, 0.5, 1]
    assert [share(4, 1, value) for value in (4, 2, 1)] == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("shares", "seen"),
    [
        ({0: 0.0, 5: 0.02, 6: 0.99, 10: 1.0}, Shape.STEP),
        ({0: 0.0, 5: 0.3, 6: 0.7, 10: 1.0}, Shape.CREEP),
        ({0: 0.0, 3: 0.4, 5: 0.0, 6: 1.0, 10: 1.0}, Shape.BACK_AND_FORTH),
        ({0: 0.0, 5: 0.0, 6: 1.3, 10: 1.0}, Shape.BACK_AND_FORTH),
        ({0: 0.0, 5: 0.03, 6: 1.02, 10: 1.0}, Shape.STEP),  # within the slack
    ],
)
def test_what_the_numbers_look_like_is_said(shares: dict[int, float], seen: Shape) -> None:
    """One step, several, or back and forth: by all that was measured, and but for what is no difference."""
    assert shape(shares, Step(5, 6, (5, 6), ()), slack=0.05) is seen
