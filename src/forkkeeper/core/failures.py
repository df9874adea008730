"""The same tests run in two builds: which failures are *new*, which were *known* before the fork changed anything."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from forkkeeper.core.report import count


class Ended(Enum):
    """How one test ended in one build."""

    PASSED = auto()
    FAILED = auto()
    LEFT_OUT = auto()  # it was not built, not supported, skipped by itself, or is not there at all


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended, and why where it did not pass ("" where nothing is known)."""

    ended: Ended
    why: str = ""


class Change(Enum):
    """What the fork made of a test; the values are a report's words."""

    PASSES = "pass on both sides"
    KNOWN = "known failures"  # the baseline fails as well
    NEW = "new failures"  # only the fork fails, or only the fork does not run it
    UNSTEADY = "unsteady"  # failed in the fork alone, but not when both ran it again
    FIXED = "fixed"  # only the baseline fails or does not run it
    LEFT_OUT = "ran on neither side"


@dataclass(frozen=True, slots=True)
class Tried:
    """One test in both builds. why -- why it did not pass: in the fork where only that did not."""

    name: str
    change: Change
    why: str = ""


ABSENT = Result(Ended.LEFT_OUT, "is not there")


def compare(baseline: Mapping[str, Result], fork: Mapping[str, Result]) -> tuple[Tried, ...]:
    """Compare two runs by the tests' names, in the baseline's order; then what only the fork has."""
    names = dict.fromkeys((*baseline, *fork))
    return tuple(_test(name, baseline.get(name, ABSENT), fork.get(name, ABSENT)) for name in names)


def _test(name: str, baseline: Result, fork: Result) -> Tried:
    change = _CHANGES[baseline.ended, fork.ended]
    match change:
        case Change.PASSES:
            return Tried(name, change)
        case Change.FIXED:
            return Tried(name, change, baseline.why)
        case Change.NEW if fork.ended is Ended.LEFT_OUT:
            return Tried(name, change, f"does not run any more: {fork.why or 'left out'}")
        case Change.KNOWN if fork.ended is Ended.LEFT_OUT:
            return Tried(name, change, f"fails on the baseline, in the fork left out: {fork.why}")
        case _:
            return Tried(name, change, fork.why)


# (how it ended on the baseline, how in the fork): what that is
_CHANGES = {
    (Ended.PASSED, Ended.PASSED): Change.PASSES,
    (Ended.PASSED, Ended.FAILED): Change.NEW,
    (Ended.PASSED, Ended.LEFT_OUT): Change.NEW,
    (Ended.FAILED, Ended.PASSED): Change.FIXED,
    (Ended.FAILED, Ended.FAILED): Change.KNOWN,
    (Ended.FAILED, Ended.LEFT_OUT): Change.KNOWN,
    (Ended.LEFT_OUT, Ended.PASSED): Change.FIXED,
    (Ended.LEFT_OUT, Ended.FAILED): Change.NEW,
    (Ended.LEFT_OUT, Ended.LEFT_OUT): Change.LEFT_OUT,
}


def confirmed(tests: tuple[Tried, ...], again: tuple[Tried, ...]) -> tuple[Tried, ...]:
    """Keep the new failures that were new when they were run again; any other is one that fails now and then.

    again -- the new ones of `tests`, run a second time in both builds
    """
    still = {test.name for test in of(again, Change.NEW)}
    return tuple(
        replace(test, change=Change.UNSTEADY) if test.change is Change.NEW and test.name not in still else test
        for test in tests
    )


def of(tests: tuple[Tried, ...], change: Change) -> tuple[Tried, ...]:
    """Give the tests of one kind."""
    return tuple(test for test in tests if test.change is change)


def is_green(tests: tuple[Tried, ...]) -> bool:
    """Whether nothing is newly broken, and something ran and passed on both sides."""
    return bool(of(tests, Change.PASSES)) and not of(tests, Change.NEW)


def totals(tests: tuple[Tried, ...], noun: str) -> str:
    """Say how many there are of each kind.

    >>> totals((Tried("a", Change.PASSES), Tried("b", Change.KNOWN)), "case")
    '2 cases: 1 pass on both sides, 1 known failures'
    """
    counts = [f"{len(found):,} {change.value}" for change in Change if (found := of(tests, change))]
    return f"{count(len(tests), noun)}: {', '.join(counts) or 'none ran'}"
