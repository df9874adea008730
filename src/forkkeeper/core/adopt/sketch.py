"""The lines of a fork's files, and how many of them each version of upstream's holds.

Every version is looked at once and none is kept, so a history of any size takes the memory of its largest file. What is
counted are *telling* lines (`lines.says_something`), each once, without the carriage return of CRLF: brackets and blank
lines say nothing of where a file comes from.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from forkkeeper.core.lines import says_something

LEAST = 8  # telling lines in common from which on two files may be of one origin
LEAST_NAMED = 3  # the same, where the files have one name
BINARY = 8000  # bytes in which git looks for a NUL


@dataclass(frozen=True, slots=True)
class Seen:
    """What a version has in common with a file.

    shared -- telling lines that both have
    own -- telling lines of the file
    other -- distinct lines of the version that are telling, or are in none of the fork's files
    """

    shared: int
    own: int
    other: int

    @property
    def least(self) -> int:
        """Number of lines that any line diff of the two must add and remove at least."""
        return self.own + self.other - 2 * self.shared

    @property
    def is_alike(self) -> bool:
        """Whether half of the one or the other is the same."""
        return 2 * self.shared >= min(self.own, self.other)

    @property
    def share(self) -> float:
        """How much of the file the version holds, from 0 to 1."""
        return self.shared / self.own if self.own else 0.0


def is_binary(data: bytes) -> bool:
    """Whether git takes a file for binary."""
    return b"\0" in data[:BINARY]


def distinct(data: bytes) -> set[bytes]:
    """Give the distinct lines of a file, without their line ends."""
    return set((data.replace(b"\r\n", b"\n") if b"\r" in data else data).split(b"\n"))


@dataclass(frozen=True, slots=True)
class Sketch:
    """The telling lines of files. index -- which files have a line; plain -- the other lines of any of them."""

    paths: tuple[str, ...]
    sizes: tuple[int, ...]
    index: Mapping[bytes, tuple[int, ...]]
    plain: frozenset[bytes] = field(default_factory=frozenset)

    def look(self, data: bytes) -> list[tuple[int, Seen]]:
        """Say what a version has in common with each file, by the file's number; next to nothing is left out."""
        held = distinct(data)
        common = held & self.index.keys()
        if len(common) < LEAST_NAMED:
            return []
        other = len(held) - len(held & self.plain)
        counted = Counter(chain.from_iterable(map(self.index.__getitem__, common)))
        return [
            (number, Seen(shared, self.sizes[number], other))
            for number, shared in counted.items()
            if shared >= LEAST_NAMED
        ]


def make(files: Mapping[str, bytes]) -> Sketch:
    """Sketch files, by path."""
    index: dict[bytes, list[int]] = {}
    plain: set[bytes] = set()
    sizes = []
    for number, path in enumerate(files):
        telling = {line for line in distinct(files[path]) if says_something(line)}
        plain |= distinct(files[path]) - telling
        sizes.append(len(telling))
        for line in telling:
            index.setdefault(line, []).append(number)
    return Sketch(tuple(files), tuple(sizes), {line: tuple(some) for line, some in index.items()}, frozenset(plain))


def covered(lines: set[bytes], texts: Sequence[tuple[str, bytes]], least: int) -> tuple[tuple[str, int], ...]:
    """Say which texts hold lines, the one with the most first, each line counted for one text alone.

    least -- lines from which on a text counts
    """
    held = {path: distinct(data) & lines for path, data in texts}
    found: list[tuple[str, int]] = []
    while held:
        path = min(held, key=lambda one: (-len(held[one]), one))
        if len(held[path]) < least:
            break
        taken = held.pop(path)
        found.append((path, len(taken)))
        held = {one: some - taken for one, some in held.items()}
    return tuple(found)
