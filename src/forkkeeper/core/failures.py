"""The same tests run in two builds: which failures are *new*, which were *known* before the fork changed anything."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    FIXED = "fixed"  # only the baseline fails or does not run it
    LEFT_OUT = "ran on neither side"


@dataclass(frozen=True, slots=True)
class Tried:
    """One test in both builds. why -- why it did not pass: in the fork where only that did not"""

    name: str
    change: Change
    why: str = ""


ABSENT = Result(Ended.LEFT_OUT, "is not there")


def compare(baseline: Mapping[str, Result], fork: Mapping[str, Result]) -> tuple[Tried, ...]:
    """Compare two runs by the tests' names, in the baseline's order; then what only the fork has."""
    names = dict.fromkeys((*baseline, *fork))
    return tuple(_test(name, baseline.get(name, ABSENT), fork.get(name, ABSENT)) for name in names)


def _test(name: str, baseline: Result, fork: Result) -> Tried:
    match baseline.ended, fork.ended:
        case Ended.PASSED, Ended.PASSED:
            return Tried(name, Change.PASSES)
        case Ended.FAILED, Ended.FAILED:
            return Tried(name, Change.KNOWN, fork.why)
        case Ended.LEFT_OUT, Ended.LEFT_OUT:
            return Tried(name, Change.LEFT_OUT, fork.why)
        case Ended.PASSED, _:
            why = fork.why if fork.ended is Ended.FAILED else f"does not run any more: {fork.why or 'left out'}"
            return Tried(name, Change.NEW, why)
        case Ended.LEFT_OUT, Ended.FAILED:
            return Tried(name, Change.NEW, fork.why)
        case Ended.FAILED, Ended.LEFT_OUT:
            return Tried(name, Change.KNOWN, f"fails on the baseline, {fork.why or 'left out'} in the fork")
        case _:
            return Tried(name, Change.FIXED, baseline.why)


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
