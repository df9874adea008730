"""A witness proves its patch when it passes with it and fails without it; everything else says what is wrong."""

import pytest

from forkkeeper.core import witnesses
from forkkeeper.core.checksreport import ChecksResult
from forkkeeper.core.witnesses import Effect

PASSES = ChecksResult(2, 0, (), 0)
FAILS = ChecksResult(1, 0, ("test_x::test_one",), 1)
NOTHING = ChecksResult(0, 3, (), 5)
KILLED = ChecksResult(0, 0, (), -9)
NOT_SET_UP = ChecksResult(1, 0, ("test_x::test_one",), 1, errors=("test_x::test_one",))
PARTLY = ChecksResult(
    1, 0, ("test_x::test_one", "test_x::test_one"), 1, errors=("test_x::test_one",)
)  # its teardown, too
UNREADABLE = ChecksResult(0, 0, ("test_x",), 2)  # a check that cannot be imported counts as one that failed
BAD_END = ChecksResult(2, 0, (), 3)

CASES = {
    "passes and fails": (PASSES, FAILS, Effect.PROVED),
    "passes on both": (PASSES, PASSES, Effect.LOST),
    "fails with the patch": (FAILS, FAILS, Effect.FAILS),
    "fails with it, passes without": (FAILS, PASSES, Effect.FAILS),
    "nothing ran with the patch": (NOTHING, FAILS, Effect.FAILS),
    "nothing ran without it": (PASSES, NOTHING, Effect.NOT_JUDGED),
    "killed without it": (PASSES, KILLED, Effect.NOT_JUDGED),
    "not even read without it": (PASSES, UNREADABLE, Effect.NOT_JUDGED),
    "only fixtures fail without it": (PASSES, NOT_SET_UP, Effect.NOT_JUDGED),
    "a fixture and a test fail without it": (PASSES, PARTLY, Effect.PROVED),
    "a fixture fails with the patch": (NOT_SET_UP, FAILS, Effect.FAILS),
    "pytest itself went wrong without it": (PASSES, BAD_END, Effect.NOT_JUDGED),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_two_runs_give_one_word(case: tuple[ChecksResult, ChecksResult, Effect]) -> None:
    """Only a test that ran and failed without the patch proves it."""
    with_it, without, effect = case
    judged = witnesses.judge(with_it, without)
    assert judged.effect is effect
    assert str(judged).startswith(effect.value)


def test_a_trailer_may_say_that_there_is_none() -> None:
    """Its own words are shown then, and no check is run."""
    assert witnesses.named("none [docs only]") is None
    assert str(witnesses.undeclared("none [docs only]")) == "none [docs only]"
    assert witnesses.named("native/checks/test_x.py") == "native/checks/test_x.py"


@pytest.mark.parametrize("effect", Effect)
def test_a_session_is_green_only_when_something_was_proved(effect: Effect) -> None:
    """One red row makes it red, and patches that all declare no witness prove nothing."""
    assert witnesses.exits_green([effect]) is (effect is Effect.PROVED)
    assert witnesses.exits_green([Effect.PROVED, effect]) is (effect in (Effect.PROVED, Effect.NONE_DECLARED))
    assert not witnesses.exits_green([])
