"""What the core needs of git: trees as values, and a merger. Handed in; `shell/git/` has the real one.

Content-addressed objects count as values: reading an id always gives the same bytes, and writing one changes nothing
that anybody can see. Paths are text, decoded from git's bytes with surrogateescape, so that any path round-trips.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from forkkeeper.core.ids import ObjectId, TreeId
from forkkeeper.core.lines import Edit

REGULAR, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: git's mode (six octal digits) and the object it names."""

    mode: str
    oid: ObjectId


Entries = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees; None where the path is absent."""

    path: str
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class Stat:
    """How many lines differ in one path; None for a binary file."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """An operation that gave a tree."""

    tree: TreeId


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place where two sides changed the same lines.

    line -- where the conflict begins in our side's file, from 1
    base, ours, theirs -- the lines as they were, and as each side made them
    """

    path: str
    line: int
    base: tuple[str, ...]
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """One path that a merge could not settle: what each side has there; None where a side has nothing.

    is_nested -- whether a side is no file of anybody's but a merge that stopped, with conflict markers
    """

    path: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that could not give a tree.

    paths -- those at fault
    places -- where, line by line, as far as that is known
    contests -- the paths of a merge that it could not settle
    partly -- the merged tree, in which all other paths are settled
    unplaced -- conflicts for which no path is left open: a path that git names, and why
    """

    paths: tuple[str, ...]
    why: str
    places: tuple[Conflict, ...] = ()
    contests: tuple[Contest, ...] = ()
    partly: TreeId | None = None
    unplaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """A file on the three sides of a merge."""

    base: ObjectId
    ours: ObjectId
    theirs: ObjectId


@dataclass(frozen=True, slots=True)
class Marked:
    """A file that a merge could not settle: its content with conflict markers in git's zdiff3 style, and why."""

    oid: ObjectId
    kind: str


class Store(Protocol):
    """Trees, blobs and the operations on them."""

    def entries(self, tree: TreeId) -> Entries:
        """Give every path of a tree."""

    def paths(self, tree: TreeId) -> Entries:
        """Give every path of a tree, read as they are asked for; only as long as the store is open."""

    def is_folder(self, tree: TreeId, path: str) -> bool:
        """Whether a tree has a folder at a path."""

    def some(self, tree: TreeId, paths: Iterable[str]) -> Entries:
        """Give what a tree has at these paths, below them, and as a file or link in place of a folder above them."""

    def changes(self, old: TreeId, new: TreeId) -> tuple[Change, ...]:
        """Give the paths that differ, ordered by path; a rename is a removal and an addition."""

    def graft(self, tree: TreeId, entries: Mapping[str, Entry | None]) -> TreeId:
        """Give the tree with these paths replaced (None: removed)."""

    def apply(self, tree: TreeId, patch: bytes) -> Written | Refused:
        """Apply a diff at its own lines or at an offset, never with fuzz."""

    def undoes(self, tree: TreeId, patch: bytes) -> bool:
        """Whether the diff applies in reverse, that is, whether its result is already in the tree."""

    def merge(self, base: TreeId, ours: TreeId, theirs: TreeId) -> Written | Refused:
        """Merge three ways, following renames; Refused when any path conflicts."""

    def mentions(self, tree: TreeId, names: Sequence[str]) -> frozenset[str]:
        """Give those names that stand as whole words anywhere in a tree's text files."""

    def usages(self, tree: TreeId, names: Sequence[str]) -> bytes:
        """Give the lines of a tree's text files in which names stand as whole words, each with a few lines after it."""

    def alignments(self, pairs: Sequence[tuple[ObjectId, ObjectId]]) -> tuple[tuple[Edit, ...], ...]:
        """Find how the lines of each pair of blobs differ, as git's merge sees it. A binary blob's lines are lines."""

    def merge_files(self, sides: Sequence[Sides]) -> tuple[ObjectId | Marked, ...]:
        """Merge files three ways, each by itself."""

    def diffs(self, pairs: Sequence[tuple[TreeId, TreeId]]) -> tuple[bytes, ...]:
        """Give the canonical diff of each pair: full ids, binary, three lines of context, no renames."""

    def stats(self, old: TreeId, new: TreeId, paths: Sequence[str] = ()) -> tuple[Stat, ...]:
        """Count the lines changed per path, ordered by path."""

    def renames(self, old: TreeId, new: TreeId, alike: int = 50) -> Mapping[str, str]:
        """Find where files went: path before → path after. alike -- per cent of a file that must be the same."""

    def blob(self, oid: ObjectId) -> bytes:
        """Give a blob's bytes."""

    def put(self, data: bytes) -> ObjectId:
        """Write a blob."""
