"""What a night has that the night before had not: what got worse, what got better."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forkkeeper.core.nights import BAD, Count, Ending, Night, Speed

NOTICED = 0.001  # of a count of instructions, beside the pin's: below that nothing is said
_GONE = "ran, and did not run this time"


@dataclass(frozen=True, slots=True)
class Trend:
    """The difference, in sentences; strangers' text in them was made safe when it was found."""

    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()


def compare(last: Night | None, now: Night) -> Trend:
    """Compare a night with the one before it; where there was none, nothing is said.

    Counts of instructions are compared as the fork's share above its own pin, so that upstream's own changes between
    two nights are no one's fault; cases by how many pass.
    """
    if last is None:
        return Trend()
    worse: list[str] = []
    better: list[str] = []
    for is_worse, sentence in (*_endings(last, now), *_counts(last, now), *_speeds(last, now)):
        (worse if is_worse else better).append(sentence)
    return Trend(tuple(worse), tuple(better))


def _endings(last: Night, now: Night) -> Iterator[tuple[bool, str]]:
    before = {one.step.name: one for one in last.taken}
    for one in now.taken:
        old = before.get(one.step.name)
        if old is None:
            continue
        if one.ending in BAD and old.ending not in BAD:
            yield True, f"{one.step.name}: {one.ending.value}, and was {old.ending.value}"
        elif one.ending is Ending.PASSED and old.ending in BAD:
            yield False, f"{one.step.name}: passes again"


def _counts(last: Night, now: Night) -> Iterator[tuple[bool, str]]:
    before = _by_test(last.findings.counts)
    after = _by_test(now.findings.counts)
    for key, old in before.items():
        new = after.get(key)
        named = ", ".join(part for part in key if part)
        if new is None:
            if any(one.step.name == old.step and one.ending is Ending.PASSED for one in now.taken):
                yield True, f"{named}: {_GONE}"
        elif new.passed < old.passed:
            yield True, f"{named}: {new.passed:,} cases pass, and {old.passed:,} did"
        elif new.passed > old.passed:
            yield False, f"{named}: {new.passed:,} cases pass, and {old.passed:,} did"


def _by_test(counts: tuple[Count, ...]) -> Mapping[tuple[str, str], Count]:
    return {(one.step, one.check): one for one in counts}


def _speeds(last: Night, now: Night) -> Iterator[tuple[bool, str]]:
    before = {_test_of(one): one for one in last.findings.speeds}
    for one in now.findings.speeds:
        old = before.get(_test_of(one))
        if old is None or abs(one.change - old.change) < NOTICED:
            continue
        named = f"{one.variant}, {one.model}, {one.test}, {one.metric} of the {one.side.value}"
        yield one.change > old.change, f"{named}: {one.change:+.2%} beside its pin, and was {old.change:+.2%}"


def _test_of(one: Speed) -> tuple[str, ...]:
    return (one.side.value, one.variant, one.model, one.test, one.metric)
