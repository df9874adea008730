"""Upstream's history as versions of files: each blob with the path at which it stood, from which commit to which.

The line is the first-parent line of the commit that was asked for: what upstream's branch was after each step. What
stood on a side branch alone is known, too, as of the one commit that brought it there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from forkkeeper.core.commits import seconds
from forkkeeper.core.ids import CommitId, ObjectId
from forkkeeper.core.store import EXECUTABLE, REGULAR, SYMLINK

_FILES = (REGULAR, EXECUTABLE, SYMLINK)


@dataclass(frozen=True, slots=True)
class Moment:
    """A commit of upstream's. time -- seconds since 1970 (UTC); date -- YYYY-MM-DD, in the committer's time zone."""

    sha: CommitId
    time: int
    date: str


@dataclass(frozen=True, slots=True)
class Version:
    """A blob at a path of upstream's.

    first, last -- the places on the line (from 0) between which it stood there, both included
    aside -- the commit of a side branch, where it never stood on the line; first and last are then where that branch
        began to be, as far as an order of commits can say
    """

    path: str
    mode: str
    blob: ObjectId
    first: int
    last: int
    aside: Moment | None = None

    def gap(self, place: int) -> int:
        """Count the commits between this version and a place on the line; 0 where it stands there."""
        if self.aside is None and self.first <= place <= self.last:
            return 0
        return max(self.first - place, place - self.last, 1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Upstream's history. line -- its commits, oldest first; versions -- by blob, in the order of first commits."""

    line: tuple[Moment, ...]
    versions: Mapping[ObjectId, tuple[Version, ...]]

    def place(self, sha: str) -> int | None:
        """Find a commit on the line."""
        return next((at for at, moment in enumerate(self.line) if moment.sha == sha), None)

    def began(self, version: Version) -> Moment:
        """Give the commit with which a version began to stand."""
        return version.aside or self.line[version.first]

    def ended(self, version: Version) -> Moment:
        """Give the last commit in which a version stood."""
        return version.aside or self.line[version.last]


@dataclass(slots=True)
class _Row:
    """One commit of the log: its id, first parent, and what it changes: (mode, blob, path) after it."""

    moment: Moment
    parent: str
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def parse(log: bytes) -> Timeline:
    r"""Read what `git log --raw -z --diff-merges=first-parent --topo-order --reverse` writes of upstream's history.

    Each commit begins with \x01, its id, its parents (divided by blanks), its time and its date, divided by \x02.
    """
    rows = list(_rows(log))
    on_line = set(_line(rows))
    began: dict[str, tuple[str, str, int]] = {}
    found: dict[ObjectId, list[Version]] = {}
    line: list[Moment] = []
    for row in rows:
        here = len(line)
        for mode, blob, path in row.changes:
            if row.moment.sha not in on_line:
                if mode in _FILES:
                    aside = Version(path, mode, ObjectId(blob), here, here, row.moment)
                    found.setdefault(aside.blob, []).append(aside)
                continue
            _end(began.pop(path, None), path, here - 1, found)
            if mode in _FILES:
                began[path] = mode, blob, here
        if row.moment.sha in on_line:
            line.append(row.moment)
    for path, start in began.items():
        _end(start, path, len(line) - 1, found)
    ordered = {blob: tuple(sorted(some, key=_order)) for blob, some in found.items()}
    return Timeline(tuple(line), ordered)


def _order(version: Version) -> tuple[bool, int, str]:
    return version.aside is not None, version.first, version.path


def _end(start: tuple[str, str, int] | None, path: str, last: int, found: dict[ObjectId, list[Version]]) -> None:
    """Write down a version that has come to its end."""
    if start is not None:
        mode, blob, first = start
        found.setdefault(ObjectId(blob), []).append(Version(path, mode, ObjectId(blob), first, last))


def _line(rows: Sequence[_Row]) -> Iterator[str]:
    """Follow first parents from the last commit."""
    parents: dict[str, str] = {row.moment.sha: row.parent for row in rows}
    here: str = rows[-1].moment.sha if rows else ""
    while here in parents:
        yield here
        here = parents[here]


def _rows(log: bytes) -> Iterator[_Row]:
    fields = iter(log.split(b"\0"))
    row: _Row | None = None
    for raw in fields:
        text = raw.removeprefix(b"\n")
        if text.startswith(b"\x01"):
            if row is not None:
                yield row
            sha, parents, time, date = text[1:].decode().split("\x02")
            row = _Row(Moment(CommitId(sha), seconds(time), date), parents.split(" ")[0])
        elif text.startswith(b":") and row is not None:
            _, mode, _, blob, _ = text.decode().split(" ")
            row.changes.append((mode, blob, next(fields).decode("utf-8", "surrogateescape")))
    if row is not None:
        yield row
