"""How a test of a variant stands: what its cases, the declaration and the device's driver say together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core import needs
from forkkeeper.core.checksreport import ALL_WELL, NONE_COLLECTED, TESTS_FAILED, ChecksResult, ChecksVerdict
from forkkeeper.core.opsreport import OpsAnswer, OpsReport, OpsResult, OpsVerdict
from forkkeeper.core.variants import Crash


class Standing(Enum):
    """How a test ended; the values are a report's words."""

    PASSED = "passed"
    FAILED = "FAILED"
    NONE_DECLARED = "not supported (declared)"  # no case can run, as fork.toml says
    DEVICE_CRASHES = "device crashes"  # as fork.toml says of this driver
    SKIPPED = "skipped"  # something that it needs is missing here


RED = frozenset({Standing.FAILED})
RED_IF_STRICT = RED | {Standing.DEVICE_CRASHES, Standing.SKIPPED}
COLOURS = {
    Standing.PASSED: "green",
    Standing.FAILED: "red",
    Standing.NONE_DECLARED: "yellow",
    Standing.DEVICE_CRASHES: "yellow",
    Standing.SKIPPED: "yellow",
}


@dataclass(frozen=True, slots=True)
class Stood:
    """How a test stands, and one line that says why."""

    standing: Standing
    because: str


def of_ops(report: OpsReport, verdict: OpsVerdict, *, none: str, crash: Crash | None) -> Stood:
    """Judge operation tests by what is declared of them.

    none -- the declared reason why no case can run, "" where cases are expected
    crash -- the declared crash that holds of this device and these operations, None for none
    """
    ran = report.counts[OpsResult.OK] + report.counts[OpsResult.FAIL]
    if crash is not None and verdict.answer is OpsAnswer.CUT_SHORT and report.exit_status < 0:
        return Stood(Standing.DEVICE_CRASHES, f"{crash.why} ({verdict.because})")
    if none and ran:
        found = f"{ran} cases ran, though fork.toml says that none can ({none}): take the line away"
        return Stood(Standing.FAILED, found)
    if none and verdict.answer is OpsAnswer.NOTHING_RAN:
        return Stood(Standing.NONE_DECLARED, none)
    return Stood(Standing.PASSED if verdict.passed else Standing.FAILED, verdict.because)


def of_checks(result: ChecksResult, verdict: ChecksVerdict, *, none: str, crash: Crash | None) -> Stood:
    """Judge the fork's checks on a device by what is declared of it.

    none -- the declared reason why no model can run there, "" where models are expected to
    crash -- the declared crash that holds of this device, None for none; it explains tests in which a program crashed,
        never one that saw something wrong
    """
    if none and result.passed:
        found = f"{result.passed} tests passed, though fork.toml says that none can ({none}): take the line away"
        return Stood(Standing.FAILED, found)
    tests_failed = bool(result.failed) and result.exit_status == TESTS_FAILED
    if crash is not None and tests_failed and len(result.crashed) == len(result.failed):
        return Stood(Standing.DEVICE_CRASHES, f"{crash.why} ({verdict.because})")
    if none and (tests_failed or result.exit_status in {ALL_WELL, NONE_COLLECTED}):
        return Stood(Standing.NONE_DECLARED, f"{none} ({verdict.because})")
    return Stood(Standing.PASSED if verdict.passed else Standing.FAILED, verdict.because)


def known_crash(crashes: Sequence[Crash], device: str, version: str) -> Crash | None:
    """Give the first declared crash that holds of a device and its driver; an unknown version meets none."""
    for crash in crashes:
        if device and re.search(crash.device, device) and needs.older(version, crash.below):
            return crash
    return None


def exits_green(standings: Sequence[Standing], *, strict: bool) -> bool:
    """Whether a session is green: none is red, and in at least one cases ran and passed."""
    red = RED_IF_STRICT if strict else RED
    return Standing.PASSED in standings and not red & set(standings)
