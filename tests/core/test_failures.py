"""The same tests in two builds: new, known and fixed failures."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import failures
from forkkeeper.core.failures import Change, Ended, Result

RESULTS = st.dictionaries(st.sampled_from("abcdef"), st.builds(Result, st.sampled_from(Ended)))


@given(RESULTS, RESULTS)
def test_every_test_has_one_place(baseline: dict[str, Result], fork: dict[str, Result]) -> None:
    """Each name of either side is there once, the baseline's first; and a side against itself has nothing new."""
    tests = failures.compare(baseline, fork)
    assert [test.name for test in tests] == list(dict.fromkeys((*baseline, *fork)))
    assert failures.of(failures.compare(fork, fork), Change.NEW) == ()


@pytest.mark.parametrize(
    ("baseline", "fork", "change"),
    [
        (Ended.PASSED, Ended.PASSED, Change.PASSES),
        (Ended.PASSED, Ended.FAILED, Change.NEW),
        (Ended.PASSED, Ended.LEFT_OUT, Change.NEW),
        (Ended.PASSED, None, Change.NEW),
        (Ended.FAILED, Ended.PASSED, Change.FIXED),
        (Ended.FAILED, Ended.FAILED, Change.KNOWN),
        (Ended.FAILED, None, Change.KNOWN),
        (None, Ended.FAILED, Change.NEW),
        (None, Ended.PASSED, Change.FIXED),
        (Ended.LEFT_OUT, Ended.LEFT_OUT, Change.LEFT_OUT),
    ],
)
def test_what_the_fork_made_of_a_test(baseline: Ended | None, fork: Ended | None, change: Change) -> None:
    """A test that passed and does not run any more is as new a failure as one that fails."""
    sides = [{} if ended is None else {"a": Result(ended)} for ended in (baseline, fork)]
    (test,) = failures.compare(*sides)
    assert test.change is change


def test_nothing_that_ran_is_never_green() -> None:
    """Neither no test at all nor tests that all are left out, or fail on both sides."""
    for ended in (Ended.LEFT_OUT, Ended.FAILED):
        side = {"a": Result(ended)}
        assert not failures.is_green(failures.compare(side, side))
    assert not failures.is_green(())


def test_a_failure_that_does_not_come_again_is_unsteady() -> None:
    """What was new stays so only where both sides, run again, say the same."""
    passed, failed = Result(Ended.PASSED), Result(Ended.FAILED)
    tests = failures.compare({"a": passed, "b": passed, "c": passed}, {"a": failed, "b": failed, "c": passed})
    again = failures.compare({"a": passed, "b": failed}, {"a": failed, "b": failed})
    changes = [test.change for test in failures.confirmed(tests, again)]
    assert changes == [Change.NEW, Change.UNSTEADY, Change.PASSES]
