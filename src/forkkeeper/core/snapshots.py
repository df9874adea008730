"""The snapshot table: which upstream commit each source distribution holds.

File format (`snapshots.csv`), one snapshot a line, in the order of package and version:

    package    name at the registry, normalised, e.g. llama-cpp-python
    version    as packaging reads versions
    released   day the package was released, YYYY-MM-DD
    commit     upstream commit inside the sdist, 40 hex digits
    committed  day that commit was made, in its committer's time zone, YYYY-MM-DD
    tag        upstream's tag on that commit
    tree       tree id of that commit, 40 hex digits
    count      commits from upstream's first to this one

Only package, version and commit are always there; an empty field means "not known", never "none". A lookup gives one
snapshot for each *commit* that is meant, in its newest version: none, one, or several when the question is ambiguous.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import Version

from forkkeeper.core.ids import CommitId, TreeId, is_abbreviated, is_full
from forkkeeper.errors import RequestError

FILE = "snapshots.csv"
COLUMNS = ("package", "version", "released", "commit", "committed", "tag", "tree", "count")

TAG = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")  # what git-check-ref-format(1) lets a name hold
COUNT = re.compile(r"[1-9][0-9]{0,9}")
NUMBERED_TAG = re.compile(r"([A-Za-z]+)([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One source distribution, and the upstream commit in it. None: not known.

    count -- commits from upstream's first to this one
    """

    package: str
    version: str
    commit: CommitId
    committed: date | None = None
    released: date | None = None
    tag: str | None = None
    tree: TreeId | None = None
    count: int | None = None

    @property
    def name(self) -> str:
        """The way pip spells it, e.g. "llama-cpp-python==0.3.36"."""
        return f"{self.package}=={self.version}"

    @property
    def day(self) -> date | None:
        """The commit's day; where it is not known the release's, by the shipped table 1 day before to 5 after."""
        return self.committed or self.released


class Neighbours(NamedTuple):
    """The snapshots on both sides of a place in upstream's history; older may be at that very place."""

    older: Snapshot | None
    newer: Snapshot | None


def parse(text: str) -> tuple[Snapshot, ...]:
    """Read a table and put it in order.

    Raises RequestError naming the line and the column.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    seen: dict[tuple[str, Version], Snapshot] = {}
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise _wrong(1, "header", f"is not {','.join(COLUMNS)}")
        for cells in reader:
            row = _snapshot(cells, reader.line_num)
            if seen.setdefault(_key(row), row) is not row:
                raise _wrong(reader.line_num, "version", f"{row.name} stands here a second time")
    except csv.Error as error:
        raise _wrong(reader.line_num, "quotes", str(error)) from error
    return tuple(sorted(seen.values(), key=_order))


def format_table(rows: Iterable[Snapshot]) -> str:
    """Write a table: the same rows give the same text, and `parse` gives them back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=_order):
        values = (getattr(row, column) for column in COLUMNS)
        writer.writerow("" if value is None else str(value) for value in values)
    return out.getvalue()


def merge(shipped: Iterable[Snapshot], refreshed: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Lay a refreshed table over the shipped one.

    A refreshed row was read from the sdist itself, so its commit wins; what it does not know is taken from the shipped
    row, and of that only the release's day when the two name different commits.
    """
    rows = {_key(row): row for row in shipped}
    for row in refreshed:
        rows[_key(row)] = _fill(row, rows.get(_key(row), row))
    return tuple(sorted(rows.values(), key=_order))


def by_name(rows: Iterable[Snapshot], text: str) -> tuple[Snapshot, ...]:
    """Find "llama-cpp-python==0.3.36", or "0.3.36" in every package."""
    package, named, version = text.strip().rpartition("==")
    try:
        wanted = Version(version)
    except ValueError:
        return ()
    owner = canonicalize_name(package.strip())
    return _newest_versions(
        row for row in rows if Version(row.version) == wanted and (not named or row.package == owner)
    )


def by_commit_prefix(rows: Iterable[Snapshot], prefix: str) -> tuple[Snapshot, ...]:
    """Find the commits whose id begins so; fewer than 4 hex digits find nothing, as in git."""
    wanted = prefix.lower()
    return _newest_versions(row for row in rows if is_abbreviated(wanted) and row.commit.startswith(wanted))


def by_tag(rows: Iterable[Snapshot], tag: str) -> tuple[Snapshot, ...]:
    """Find the commits that upstream tagged exactly so. A row whose tag is not known is never found."""
    return _newest_versions(row for row in rows if row.tag == tag)


def newest(rows: Iterable[Snapshot], n: int) -> tuple[Snapshot, ...]:
    """Give the n newest versions, newest first."""
    return tuple(sorted(rows, key=_age, reverse=True)[:n])


def neighbours(rows: Sequence[Snapshot], day: date) -> Neighbours:
    """Give the last snapshot up to the end of a day, and the first after it.

    By the commit's day, or by the release's where that is not known (see `Snapshot.day`); a row with neither is
    left out.
    """
    return _around(rows, day.toordinal(), lambda row: row.day.toordinal() if row.day else None)


def neighbours_by_tag(rows: Sequence[Snapshot], tag: str) -> Neighbours:
    """Give the snapshots on both sides of a tag made of letters and a number, e.g. "b8700".

    Compared with the numbers of tags with the same letters. Where the table's own rows show that this number is the
    commit count (as llama.cpp's bNNNN is), a row without a tag is placed by its count. Rows with neither cannot be
    placed: `between` gives those that may be nearer. Nothing is found for a tag of another form.
    """
    wanted = NUMBERED_TAG.fullmatch(tag)
    if wanted is None:
        return Neighbours(None, None)
    letters, is_count = wanted[1], _is_count(rows, wanted[1])
    return _around(rows, int(wanted[2]), lambda row: _tag_number(row, letters) or (row.count if is_count else None))


def between(rows: Iterable[Snapshot], ends: Neighbours) -> tuple[Snapshot, ...]:
    """Give what lies between two neighbours by version: snapshots that could not be placed, and may be nearer."""
    low, high = (Version(end.version) if end else None for end in ends)
    commits = {end.commit for end in ends if end}
    inside = (
        row
        for row in rows
        if (low is None or low < Version(row.version)) and (high is None or Version(row.version) < high)
    )
    return _newest_versions(row for row in inside if row.commit not in commits)


def _snapshot(cells: list[str], line: int) -> Snapshot:
    if len(cells) != len(COLUMNS):
        column = COLUMNS[min(len(cells), len(COLUMNS) - 1)]
        raise _wrong(line, column, f"{len(cells)} fields where {len(COLUMNS)} belong")
    field = dict(zip(COLUMNS, cells, strict=True))
    return Snapshot(
        package=_package(field["package"], line),
        version=_version(field["version"], line),
        commit=CommitId(_id(field["commit"], line, "commit")),
        committed=_day(field["committed"], line, "committed"),
        released=_day(field["released"], line, "released"),
        tag=_matching(TAG, field["tag"], line, "tag"),
        tree=TreeId(_id(field["tree"], line, "tree")) if field["tree"] else None,
        count=int(_matching(COUNT, field["count"], line, "count") or 0) or None,
    )


def _package(text: str, line: int) -> str:
    normal = canonicalize_name(text)
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", normal) or text != normal:
        raise _wrong(line, "package", f"{text!r} is not a normalised package name")
    return text


def _version(text: str, line: int) -> str:
    try:
        Version(text)
    except ValueError as error:  # InvalidVersion is one, and so is what `int` says of thousands of digits
        raise _wrong(line, "version", f"{text!r} is not a version") from error
    if text != text.strip():
        raise _wrong(line, "version", f"{text!r} has spaces around it")
    return text


def _id(text: str, line: int, column: str) -> str:
    if not is_full(text):
        raise _wrong(line, column, f"{text!r} is not an id of 40 hex digits")
    return text


def _day(text: str, line: int, column: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # fromisoformat takes 20240131 and 2024-W05-3 too
        raise _wrong(line, column, f"{text!r} is not a day written YYYY-MM-DD")
    return day


def _matching(pattern: re.Pattern[str], text: str, line: int, column: str) -> str | None:
    if text and not pattern.fullmatch(text):
        raise _wrong(line, column, f"{text!r} is not a {column}")
    return text or None


def _wrong(line: int, column: str, found: str) -> RequestError:
    return RequestError("read", FILE, f"line {line}, column {column}: {found}", f"mend line {line} of {FILE}")


def _key(row: Snapshot) -> tuple[str, Version]:
    return row.package, Version(row.version)


def _order(row: Snapshot) -> tuple[str, Version, str]:
    return row.package, Version(row.version), row.version


def _age(row: Snapshot) -> tuple[Version, str]:
    return Version(row.version), row.package


def _fill(row: Snapshot, older: Snapshot) -> Snapshot:
    """Take what a row does not know from what was known of the same version before."""
    released = row.released or older.released
    if row.commit != older.commit:
        return replace(row, released=released)
    return replace(
        row,
        released=released,
        committed=row.committed or older.committed,
        tag=row.tag or older.tag,
        tree=row.tree or older.tree,
        count=row.count or older.count,
    )


def _newest_versions(rows: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Give one row per commit, the newest version of each, in the table's order."""
    newest_of = {row.commit: row for row in sorted(rows, key=_age)}
    return tuple(sorted(newest_of.values(), key=_order))


def _around(rows: Sequence[Snapshot], wanted: int, place_of: Callable[[Snapshot], int | None]) -> Neighbours:
    """Place each commit by the smallest number any of its rows has, and look on both sides of the wanted one.

    The smallest: several releases may hold one commit, and the first of them is the nearest to the commit's own day.
    """
    places: dict[CommitId, int] = {}
    for row in rows:
        place = place_of(row)
        if place is not None:
            places[row.commit] = min(place, places.get(row.commit, place))
    placed = [row for row in _newest_versions(rows) if row.commit in places]
    placed.sort(key=lambda row: (places[row.commit], *_age(row)))
    older = [row for row in placed if places[row.commit] <= wanted]
    newer = [row for row in placed if places[row.commit] > wanted]
    return Neighbours(older[-1] if older else None, newer[0] if newer else None)


def _tag_number(row: Snapshot, letters: str) -> int | None:
    found = NUMBERED_TAG.fullmatch(row.tag or "")
    return int(found[2]) if found and found[1] == letters else None


def _is_count(rows: Iterable[Snapshot], letters: str) -> bool:
    """Whether the table shows that tags with these letters carry the commit count: one row at least, none against."""
    pairs = [(_tag_number(row, letters), row.count) for row in rows]
    known = [number == count for number, count in pairs if number is not None and count is not None]
    return bool(known) and all(known)
