"""Reads the JUnit XML that pytest leaves behind, and judges the run.

Form (pytest's `xunit2` family): `testsuites > testsuite > testcase`; a test case holds `failure`, `error` or
`skipped` when it did not pass. A crashed pytest leaves no file: that is an empty text here. Where a test failed because
a signal ended a program of the build, the fork's conftest.py leaves its name as the property `signal`.
"""

from dataclasses import dataclass
from enum import Enum, auto
from xml.etree import ElementTree as ET

from forkkeeper.core.exitstatus import describe

ALL_WELL, TESTS_FAILED, NONE_COLLECTED = 0, 1, 5  # pytest's own exit statuses; the others say that pytest went wrong
PYTEST_MEANING = {
    ALL_WELL: "",
    TESTS_FAILED: "",
    2: ", which says interrupted",
    3: ", which says an error inside pytest",
    4: ", which says wrong usage",
    NONE_COLLECTED: ", which says no test was collected",
}


class ChecksAnswer(Enum):
    """What a run of checks proves; only PASSED is green."""

    PASSED = auto()
    FAILED = auto()  # a check failed, or pytest itself ended badly
    NOTHING_RAN = auto()  # no check was found, or every one was skipped
    CRASHED = auto()  # a signal ended the run: whatever came after never ran


@dataclass(frozen=True, slots=True)
class Crashed:
    """A test that failed because a program of the build was ended by a signal, e.g. "SIGABRT"."""

    test: str
    signal: str


@dataclass(frozen=True, slots=True)
class ChecksResult:
    """How a run of pytest ended.

    passed, skipped -- number of tests
    failed -- the tests that failed or could not be set up, as "file::test"
    exit_status -- of pytest; negative: the signal that ended it
    crashed -- those of `failed` in which a program crashed
    errors -- those of `failed` that failed around the test alone: in a fixture, or because the file cannot be read
    """

    passed: int
    skipped: int
    failed: tuple[str, ...]
    exit_status: int
    crashed: tuple[Crashed, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def ran(self) -> int:
        """Number of tests that ran; skipped ones did not."""
        return self.passed + len(self.failed)


@dataclass(frozen=True, slots=True)
class ChecksVerdict:
    """The answer, and one line that says why."""

    answer: ChecksAnswer
    because: str

    @property
    def passed(self) -> bool:
        """Whether the run is green."""
        return self.answer is ChecksAnswer.PASSED


def parse(junit: str, *, exit_status: int) -> ChecksResult:
    """Read pytest's report; an empty or broken text counts as no test at all."""
    try:
        cases = list(ET.fromstring(junit).iter("testcase"))  # noqa: S314 -- our own pytest wrote it a moment ago
    except ET.ParseError:
        cases = []
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    known = set(bad)
    skipped = [case for case in cases if case not in known and case.find("skipped") is not None]
    return ChecksResult(
        passed=len(cases) - len(bad) - len(skipped),
        skipped=len(skipped),
        failed=tuple(_name(case) for case in bad),
        exit_status=exit_status,
        crashed=tuple(Crashed(_name(case), signal) for case in bad if (signal := _signal(case))),
        errors=tuple(_name(case) for case in bad if case.find("failure") is None),
    )


def judge(result: ChecksResult) -> ChecksVerdict:
    """Decide whether the run is green: a test ran, none failed, and pytest ended with 0."""
    ended = describe(result.exit_status) + PYTEST_MEANING.get(result.exit_status, "")
    if result.exit_status < 0:
        return ChecksVerdict(ChecksAnswer.CRASHED, f"pytest {ended}; the test under way is the last one shown above")
    if result.failed:
        said = f"{len(result.failed)} of {result.ran} tests failed, first {result.failed[0]}"
        return ChecksVerdict(ChecksAnswer.FAILED, said + _crashes(result.crashed))
    if result.ran == 0:
        return ChecksVerdict(ChecksAnswer.NOTHING_RAN, f"0 tests ran ({result.skipped} skipped; {ended})")
    if result.exit_status != ALL_WELL:
        return ChecksVerdict(ChecksAnswer.FAILED, f"every test passed, yet {ended}")
    return ChecksVerdict(ChecksAnswer.PASSED, f"{result.passed} tests passed" + _skips(result))


def _skips(result: ChecksResult) -> str:
    return f", {result.skipped} skipped" if result.skipped else ""


def _crashes(crashed: tuple[Crashed, ...]) -> str:
    if not crashed:
        return ""
    return f"; in {len(crashed)} a program crashed, last in {crashed[-1].test} by {crashed[-1].signal}"


def _signal(case: ET.Element) -> str:
    """Give the signal that ended a program of the build, "" for none."""
    named = case.find("properties/property[@name='signal']")
    return "" if named is None else named.get("value", "")


def _name(case: ET.Element) -> str:
    return "::".join(part for part in (case.get("classname"), case.get("name")) if part)
