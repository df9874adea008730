"""What got worse and better from one night to the next."""

from dataclasses import dataclass

import msgspec
import pytest

from forkkeeper.core import trend
from forkkeeper.core.nights import BAD, Count, Ending, Findings, Night, Side, Speed, Step, Taken

BF16 = Count(
    "bf16 cpu",
    "cpu",
    "a processor",
    emulated=False,
    check="cases",
    cases=9,
    passed=9,
    skipped=0,
    seconds=1.0,
    verdict="passed",
)
SAME = Speed(Side.TRIAL, "cpu", "small", "prompt 32", "instructions", (1000.0,), (1001.0,), 0.001, 0.001, 0.001, "same")


def night(
    ending: Ending = Ending.PASSED, *, counts: tuple[Count, ...] = (BF16,), speeds: tuple[Speed, ...] = (SAME,)
) -> Night:
    """Give a night of one step."""
    taken = (Taken(Step("bf16 cpu", "check", Side.TRIAL), ending),)
    findings = Findings(counts=counts, speeds=speeds)
    return Night("2026-01-01T00:00:00Z", 1.0, "f", "p", "", "h", "", "h", "d", 1, 2, "0", "m", taken, findings)


def slower(by: float) -> Speed:
    """Give the same comparison with another result."""
    return msgspec.structs.replace(SAME, change=SAME.change + by)


def test_the_first_night_is_compared_with_nothing() -> None:
    """No night before: nothing got worse or better."""
    assert trend.compare(None, night(Ending.FAILED)) == trend.Trend()


@pytest.mark.parametrize("ending", list(Ending))
def test_a_night_is_no_worse_than_itself(ending: Ending) -> None:
    """Whatever it found, comparing it with itself says nothing."""
    assert trend.compare(night(ending), night(ending)) == trend.Trend()


@pytest.mark.parametrize("ending", [one for one in Ending if one in BAD])
def test_a_step_that_fails_and_passed_is_worse_and_its_recovery_is_better(ending: Ending) -> None:
    """Both ways, by the step's name."""
    assert trend.compare(night(), night(ending)).worse == (f"bf16 cpu: {ending.value}, and was passed",)
    assert trend.compare(night(ending), night()).better == ("bf16 cpu: passes again",)


def test_cases_that_pass_no_more_are_worse() -> None:
    """Eight of nine, and a test that passed and did not run though its step did."""
    less = night(counts=(msgspec.structs.replace(BF16, passed=8),))
    assert trend.compare(night(), less).worse == ("bf16 cpu, cases: 8 cases pass, and 9 did",)
    assert trend.compare(less, night()).better == ("bf16 cpu, cases: 9 cases pass, and 8 did",)
    (gone,) = trend.compare(night(), night(counts=())).worse
    assert gone == "bf16 cpu, cases: ran, and did not run this time"
    assert trend.compare(night(), night(Ending.BLOCKED, counts=())).worse == ()


@dataclass(frozen=True)
class Change:
    """A change of the fork's share of instructions, and whether it is told."""

    by: float
    worse: int
    better: int


@pytest.mark.parametrize("case", [Change(0.02, 1, 0), Change(-0.02, 0, 1), Change(0.0005, 0, 0)])
def test_the_share_above_the_pin_is_what_counts(case: Change) -> None:
    """Two percent more is worse, two less better, half a thousandth is nothing."""
    found = trend.compare(night(), night(speeds=(slower(case.by),)))
    assert (len(found.worse), len(found.better)) == (case.worse, case.better)
