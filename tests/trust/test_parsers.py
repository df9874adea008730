"""Every parser on spoiled real bytes: it gives a value or its own error, and reads again what it writes."""

from collections.abc import Callable

import pytest
from fuzzing.crashes import Escape, escape
from fuzzing.mutations import spoiled
from fuzzing.parsers import PARSERS, Parser
from hypothesis import HealthCheck, given, settings, strategies as st

ORDINARY, THOROUGH = 60, 3_000  # examples of each parser
each = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


def hold(parser: Parser, examples: int, figures: Callable[..., None]) -> None:
    """Hold a parser to what must hold, on so many examples; what was tried and what escaped is left as figures."""
    count = 0
    escapes: set[Escape] = set()

    is_same = examples == ORDINARY  # the same each time: what is new is looked for at length, not by chance in a change

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=is_same,
    )
    @given(data=st.one_of(spoiled(list(parser.begin())), st.binary(max_size=200)))
    def example(data: bytes) -> None:
        nonlocal count
        count += 1
        found = escape(parser, data)
        escapes.update({found} if found is not None else ())
        assert found is None

    try:
        example()
    finally:
        figures("spoiled inputs", parser=parser.name, tried=count, escapes=len(escapes))


@each
def test_real_bytes_are_read(parser: Parser) -> None:
    """At least one of the bytes that fuzzing begins from parses, so that it does not begin from nothing."""
    assert sum(parser.holds(data) for data in parser.begin()) > 0


@each
def test_spoiled_bytes_are_read_or_refused(parser: Parser, figures: Callable[..., None]) -> None:
    """Nothing but a value or the parser's own error comes of them, and what is written is read back."""
    hold(parser, ORDINARY, figures)


@pytest.mark.trust
@each
def test_many_spoiled_bytes_are_read_or_refused(parser: Parser, figures: Callable[..., None]) -> None:
    """The same, some thousand times."""
    hold(parser, THOROUGH, figures)
