"""What can go wrong in this step: always a place in a source file, and what was found there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a source file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class UnknownConstructError(Exception):
    """A construct that this step does not know. Guessing would make another program of it than Metal does."""

    def __init__(self, place: Place, found: str) -> None:
        super().__init__(f"{place}: error: {found}")
