"""Every parser on spoiled real bytes: it gives a value or its own error, and reads again what it writes."""

from collections.abc import Callable

import pytest
from fuzzing.mutations import spoiled
from fuzzing.parsers import PARSERS, Parser
from hypothesis import HealthCheck, given, settings, strategies as st

ORDINARY, THOROUGH = 60, 3_000  # examples of each parser
each = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


def tried(parser: Parser, examples: int) -> int:
    """Hold a parser to what must hold, on so many examples; gives how many were tried."""
    count = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(data=st.one_of(spoiled(list(parser.begin())), st.binary(max_size=200)))
    def hold(data: bytes) -> None:
        nonlocal count
        count += 1
        parser.holds(data)

    hold()
    return count


@each
def test_real_bytes_are_read(parser: Parser) -> None:
    """At least one of the bytes that fuzzing begins from parses, so that it does not begin from nothing."""
    assert sum(parser.holds(data) for data in parser.begin()) > 0


@each
def test_spoiled_bytes_are_read_or_refused(parser: Parser, figures: Callable[..., None]) -> None:
    """Nothing but a value or the parser's own error comes of them, and what is written is read back."""
    figures("spoiled inputs", parser=parser.name, tried=tried(parser, ORDINARY), escapes=0)


@pytest.mark.trust
@each
def test_many_spoiled_bytes_are_read_or_refused(parser: Parser, figures: Callable[..., None]) -> None:
    """The same, some thousand times."""
    figures("spoiled inputs", parser=parser.name, tried=tried(parser, THOROUGH), escapes=0)
