"""Reads what llama-bench prints (`-o jsonl`: an object a line, one for each test), and what callgrind counts."""

import re
from dataclasses import dataclass

import msgspec

from forkkeeper.core import reading
from forkkeeper.core.benches import Test
from forkkeeper.errors import OutsideError


@dataclass(frozen=True, slots=True)
class Timed:
    """One test of one process. test -- e.g. "prompt 64"; tokens -- of one repetition; nanoseconds -- of each."""

    test: str
    tokens: int
    nanoseconds: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """The fastest repetition.

        What else a machine does only ever adds time, so of equal work the least is nearest to what the work takes
        (Chen and Revels 2016, "Robust benchmarking in noisy environments").
        """
        return min(self.nanoseconds) / 1e9


class _Line(msgspec.Struct, frozen=True):
    """The fields of llama-bench's object that are read; it has some thirty more."""

    n_prompt: int
    n_gen: int
    samples_ns: tuple[int, ...]


def parse(text: str, *, program: str) -> tuple[Timed, ...]:
    """Read llama-bench's lines. Raises OutsideError where there is none, or one that cannot be read."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    try:
        read = [reading.struct(line, _Line) for line in lines]
    except ValueError as error:
        found = f"printed what is not llama-bench's JSON: {error}"
        raise OutsideError("bench", program, found, "run it by hand with `-o jsonl`") from error
    if not read or not all(one.samples_ns and min(one.samples_ns) > 0 for one in read):
        raise OutsideError("bench", program, "measured nothing", "run it by hand with `-o jsonl`")
    return tuple(
        Timed(test.name, test.tokens, one.samples_ns) for one in read for test in [Test(one.n_prompt, one.n_gen)]
    )


_COLLECTED = re.compile(r"^==\d+== Collected : (\d{1,18})\b", re.MULTILINE)


def instructions(said: str, *, within: str) -> int:
    """Read how many instructions callgrind counted.

    said -- what it writes to its standard error
    within -- the function that was counted, for the error
    Raises OutsideError where it counted none: there is no such function, or it was never called.
    """
    counts = [int(found) for found in _COLLECTED.findall(said)]
    if not counts or not sum(counts):
        what = f"no instruction within `{within}`" if within else "no instruction"
        raise OutsideError("bench", "valgrind", f"counted {what}", "mend `within` of [bench.instructions]")
    return sum(counts)
