"""How a test stands: its cases, what is declared of them, and the device's driver."""

import pytest

from forkkeeper.core import checksreport, standing
from forkkeeper.core.checksreport import ChecksResult, Crashed
from forkkeeper.core.opsreport import OpsAnswer, OpsCase, OpsReport, OpsResult, OpsVerdict
from forkkeeper.core.standing import Standing, Stood
from forkkeeper.core.variants import Crash

CASE = OpsCase("MUL_MAT", "type_a=bf16", OpsResult.OK)
CRASH = Crash(device="^llvmpipe", below="25", why="a double free")


def report(*cases: OpsCase, code: int = 0) -> OpsReport:
    """Give the report of a run."""
    return OpsReport("X", ("X",), (), cases, None, code, "")


def test_a_case_that_runs_where_none_was_declared_is_a_failure() -> None:
    """`none` is a promise: it is shown as such, and broken by one case that runs."""
    nothing = OpsVerdict(OpsAnswer.NOTHING_RAN, "no case")
    quiet = standing.of_ops(report(), nothing, none="by design", crash=None)
    assert (quiet.standing, quiet.because) == (Standing.NONE_DECLARED, "by design")
    loud = standing.of_ops(report(CASE), OpsVerdict(OpsAnswer.PASSED, "1"), none="by design", crash=None)
    assert loud.standing is Standing.FAILED
    absent = standing.of_ops(report(), OpsVerdict(OpsAnswer.NO_DEVICE, "none"), none="by design", crash=None)
    assert absent.standing is Standing.FAILED


def test_a_crash_is_excused_only_where_it_was_declared_and_by_a_signal() -> None:
    """A declared crash is no failure of the fork; the same words for an exit status, or without a declaration, are."""
    cut = OpsVerdict(OpsAnswer.CUT_SHORT, "SIGABRT")
    assert standing.of_ops(report(CASE, code=-6), cut, none="", crash=CRASH).standing is Standing.DEVICE_CRASHES
    assert standing.of_ops(report(CASE, code=-6), cut, none="", crash=None).standing is Standing.FAILED
    assert standing.of_ops(report(CASE, code=1), cut, none="", crash=CRASH).standing is Standing.FAILED


PROBED = ("a::t1", "a::t2")
BY_SIGNAL = tuple(Crashed(name, "SIGABRT") for name in PROBED)


def judged(result: ChecksResult, *, none: str = "", crash: Crash | None = CRASH) -> Stood:
    """Judge checks on a device that is known to crash."""
    return standing.of_checks(result, checksreport.judge(result), none=none, crash=crash)


def test_checks_that_only_crash_are_the_device_s_where_that_was_declared() -> None:
    """A driver that is known to crash explains any number of crashes, beside tests that passed."""
    stood = judged(ChecksResult(3, 0, PROBED, 1, BY_SIGNAL))
    assert stood.standing is Standing.DEVICE_CRASHES
    assert stood.because.startswith("a double free (2 of 5 tests failed")
    assert judged(ChecksResult(0, 0, PROBED, 1, BY_SIGNAL), crash=None).standing is Standing.FAILED


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(ChecksResult(3, 0, PROBED, 1, BY_SIGNAL[:1]), id="one saw a wrong number"),
        pytest.param(ChecksResult(3, 0, PROBED, 1), id="all saw a wrong number"),
        pytest.param(ChecksResult(3, 0, PROBED, 2, BY_SIGNAL), id="interrupted"),
        pytest.param(ChecksResult(3, 0, PROBED, -6, BY_SIGNAL), id="pytest crashed"),
        pytest.param(ChecksResult(0, 0, (), 5), id="nothing ran"),
    ],
)
def test_a_declared_crash_excuses_nothing_but_crashes(result: ChecksResult) -> None:
    """One failure of another kind is enough for a red row, however many programs crashed beside it."""
    assert judged(result).standing is Standing.FAILED


def test_checks_that_pass_are_passed_whatever_the_driver_is_known_for() -> None:
    """A declared crash that does not happen changes nothing."""
    assert judged(ChecksResult(3, 0, (), 0)).standing is Standing.PASSED


def test_a_model_that_runs_where_none_was_declared_is_a_failure() -> None:
    """`none` is shown as such while no test passes, and broken by one that does; it never hides a broken run."""
    quiet = judged(ChecksResult(0, 0, PROBED, 1), none="by design", crash=None)
    assert quiet.standing is Standing.NONE_DECLARED
    assert quiet.because.startswith("by design (2 of 2 tests failed")
    assert judged(ChecksResult(0, 0, (), 5), none="by design").standing is Standing.NONE_DECLARED
    loud = judged(ChecksResult(1, 0, PROBED, 1, BY_SIGNAL), none="by design")
    assert loud == Stood(
        Standing.FAILED, "1 tests passed, though fork.toml says that none can (by design): take the line away"
    )
    assert judged(ChecksResult(0, 0, (), 4), none="by design").standing is Standing.FAILED


def test_a_declared_crash_holds_of_old_drivers_of_that_device_alone() -> None:
    """A newer driver, another device and an unknown version are not excused."""
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "22.3.6") is CRASH
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "25.0.7") is None
    assert standing.known_crash((CRASH,), "NVIDIA A100", "22.3.6") is None
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "") is None


@pytest.mark.parametrize(
    ("standings", "green", "strictly"),
    [
        ([Standing.PASSED], True, True),
        ([], False, False),
        ([Standing.NONE_DECLARED], False, False),
        ([Standing.SKIPPED], False, False),
        ([Standing.PASSED, Standing.NONE_DECLARED], True, True),
        ([Standing.PASSED, Standing.DEVICE_CRASHES], True, False),
        ([Standing.PASSED, Standing.SKIPPED], True, False),
        ([Standing.PASSED, Standing.FAILED], False, False),
    ],
)
def test_a_session_is_green_only_if_something_ran(standings: list[Standing], green: bool, strictly: bool) -> None:
    """Nothing red, and at least one test whose cases ran; strictly, nothing that was left out either."""
    assert standing.exits_green(standings, strict=False) is green
    assert standing.exits_green(standings, strict=True) is strictly
