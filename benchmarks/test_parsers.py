"""How the time of each parser grows with what it is given: at n, 2n and 4n bytes of many shapes, in one run.

Read the growth factors: 4 is a time that grows with the size, 16 one that grows with its square. What is asserted lies
between: 12, where the time is long enough to be measured at all. The largest input has 10 MB, or `--largest` bytes.
"""

import contextlib
import time
from collections.abc import Callable

import pytest
from attacks import leave
from fuzzing.growing import shapes
from fuzzing.parsers import PARSERS, Parser

SHORTEST = 0.2  # seconds: what takes less at the largest size says nothing about growth
MOST = 12.0  # times as long for four times as much
ROUNDS = 3  # the fastest counts, as what else a machine does only ever adds


def timed(parser: Parser, data: bytes) -> float:
    """Give the processor time of one reading, in seconds."""
    began = time.process_time()
    with contextlib.suppress(*parser.refuses):
        parser.parse(data)
    return time.process_time() - began


def fastest(parser: Parser, data: bytes) -> float:
    """Give the fastest of some readings; one alone of what takes long."""
    first = timed(parser, data)
    return first if first > 1 else min(first, *(timed(parser, data) for _ in range(ROUNDS - 1)))


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_time_grows_with_size(parser: Parser, request: pytest.FixtureRequest, growth: Callable[..., None]) -> None:
    """Four times as much takes about four times as long, whatever it is made of."""
    largest = request.config.getoption("--largest")
    found = shapes(parser.name)
    for name, shape in found.items():
        seconds = [fastest(parser, shape(largest // part)) for part in (4, 2, 1)]
        growth(parser.name, name, largest, seconds)
        assert seconds[2] < SHORTEST or seconds[2] < MOST * seconds[0], (name, seconds)
    leave({"subject": "growth", "parser": parser.name, "shapes": len(found)})
