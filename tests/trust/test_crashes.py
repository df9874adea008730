"""Inputs that once escaped from a parser: each is replayed, and holds for ever."""

from pathlib import Path

import pytest
from fuzzing import crashes
from fuzzing.parsers import BY_NAME


@pytest.mark.parametrize(
    ("name", "file"), list(crashes.kept()), ids=lambda part: part.name if isinstance(part, Path) else part
)
def test_what_escaped_once_holds(name: str, file: Path) -> None:
    """The parser gives a value or its own error for an input that fuzzing found."""
    BY_NAME[name].holds(file.read_bytes())
