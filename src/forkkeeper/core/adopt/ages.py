"""How old each part of a tree is: the map as a table, as JSON, and as the page that stays with the fork."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.adopt.nearest import Age, Base, Finding, Own, age
from forkkeeper.core.adopt.timeline import Moment, Timeline
from forkkeeper.core.ids import short
from forkkeeper.core.markdown import cell, prose
from forkkeeper.core.planning import printable
from forkkeeper.core.report import Painted, Table

MOST_ROWS = 24  # parts shown on a terminal; the page and JSON have all


@dataclass(frozen=True, slots=True)
class Map:
    """A tree seen from an upstream commit: `place` on the line. files -- lines of each text file."""

    timeline: Timeline
    place: int
    findings: Mapping[str, Finding]
    files: Mapping[str, int]

    @property
    def pin(self) -> Moment:
        """The commit that all is seen from."""
        return self.timeline.line[self.place]

    def age(self, base: Base) -> Age:
        """Say where a file's base stands."""
        return age(base, self.place)

    def behind(self, base: Base) -> int:
        """Count the commits from the last one in which a file's base stood to the pin; below 0: it came after."""
        if self.age(base) is Age.SAME:
            return 0
        version = base.version
        return self.place - version.last if version.last < self.place else self.place - version.first

    def counts(self) -> dict[Age, int]:
        """Count the files with upstream history by where their base stands."""
        found = [self.age(one) for one in self.findings.values() if isinstance(one, Base)]
        return {each: found.count(each) for each in Age}


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the tree: its files, and how far its oldest base is behind."""

    part: str
    files: int
    own: int
    identical: int
    changed: int
    elsewhere: int
    added: int
    removed: int
    oldest: Base | None


def rows(seen: Map, *, depth: int | None = None) -> tuple[Row, ...]:
    """Give the parts, ordered. depth -- how many folders deep they go; None: every folder is a part."""
    parts: dict[str, list[str]] = {}
    for path in seen.findings:
        folders = posixpath.dirname(path).split("/")
        parts.setdefault("/".join(folders[:depth]) or ".", []).append(path)
    return tuple(_row(seen, part, parts[part]) for part in sorted(parts))


def _row(seen: Map, part: str, paths: Sequence[str]) -> Row:
    bases = [base for path in paths if isinstance(base := seen.findings[path], Base)]
    older = [base for base in bases if seen.age(base) is not Age.SAME]
    oldest = min(older, key=lambda base: (base.version.last, base.version.path)) if older else None
    return Row(
        part,
        len(paths),
        len(paths) - len(bases),
        sum(base.is_exact for base in bases),
        sum(not base.is_exact for base in bases),
        len(older),
        sum(base.added for base in bases),
        sum(base.removed for base in bases),
        oldest,
    )


def table(seen: Map) -> tuple[Table, int]:
    """Show the parts in 80 columns; gives, too, how many there are in truth.

    own -- files with no upstream history; same, edit -- files that are as upstream had them, or edited
    old -- files whose base is another version than the pin's; oldest, late -- its date, and commits up to the pin
    """
    all_rows = rows(seen)
    shown = all_rows if len(all_rows) <= MOST_ROWS else rows(seen, depth=1)
    headers = ("part", "files", "own", "same", "edit", "+", "-", "old", "oldest", "late")
    return Table(headers, tuple(_cells(seen, row) for row in shown[:MOST_ROWS])), len(all_rows)


def _cells(seen: Map, row: Row) -> tuple[str | Painted, ...]:
    numbers = (row.files, row.own, row.identical, row.changed, row.added, row.removed)
    base = row.oldest
    if base is None:
        return (row.part, *(f"{number:,}" for number in numbers), "0", "", "")
    behind = seen.behind(base)
    when = seen.timeline.ended(base.version).date
    return (
        row.part,
        *(f"{number:,}" for number in numbers),
        Painted(str(row.elsewhere), "yellow"),
        when,
        f"{behind:,}" if behind >= 0 else f"{-behind:,} ahead",
    )


def document(seen: Map) -> dict[str, object]:
    """Give the map for JSON."""
    return {
        "counts": {each.value: count for each, count in seen.counts().items()}
        | {"own": sum(isinstance(one, Own) for one in seen.findings.values())},
        "parts": [
            {
                "part": printable(row.part),
                "files": row.files,
                "own": row.own,
                "identical": row.identical,
                "changed": row.changed,
                "other_base": row.elsewhere,
                "added": row.added,
                "removed": row.removed,
            }
            for row in rows(seen)
        ],
        "files": [_file(seen, path) for path in seen.findings],
    }


def _file(seen: Map, path: str) -> dict[str, object]:
    base = seen.findings[path]
    if isinstance(base, Own):
        return {"path": printable(path), "own": True, "lines": seen.files.get(path), "why": printable(base.why)}
    version = base.version
    began, ended = seen.timeline.began(version), seen.timeline.ended(version)
    return {
        "path": printable(path),
        "own": False,
        "upstream_path": printable(version.path),
        "blob": version.blob,
        "first": began.sha,
        "first_date": began.date,
        "last": ended.sha,
        "last_date": ended.date,
        "age": seen.age(base).value,
        "commits_behind": seen.behind(base),
        "days_behind": _days(seen, base),
        "identical": base.is_exact,
        "added": base.added,
        "removed": base.removed,
        "share": round(base.share, 3),
        "piece": base.is_piece,
        "equal": len({one.blob for one in base.equal}),
        "path_at_pin": None if base.here is None else printable(base.here.path),
        "others": [{"path": printable(part.path), "lines": part.lines} for part in base.others],
    }


def _days(seen: Map, base: Base) -> int:
    """Count the days between the pin and a base that does not stand there."""
    if seen.age(base) is Age.SAME:
        return 0
    behind = seen.behind(base) > 0
    end = seen.timeline.ended(base.version) if behind else seen.timeline.began(base.version)
    return round((seen.pin.time - end.time) / 86400)


def page(seen: Map, head: Sequence[str]) -> bytes:
    """Write the whole map as Markdown. head -- what is said above it, a paragraph each."""
    lines = ["# What this fork was adopted from", ""]
    for paragraph in head:
        lines += [paragraph, ""]
    lines += [
        "## Files",
        "",
        "| file | base: upstream's | from | to | seen from the pin | + | - | also holds lines of |",
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    own: list[str] = []
    for path, base in seen.findings.items():
        if isinstance(base, Own):
            own.append(f"| {cell(path)} | {prose(base.why)} |")
            continue
        began, ended = seen.timeline.began(base.version), seen.timeline.ended(base.version)
        behind = seen.behind(base)
        far = f"{base_age(seen, base)}, {abs(behind):,} commits" if behind else base_age(seen, base)
        others = ", ".join(f"{part.path} ({part.lines})" for part in base.others)
        names = (cell(path), cell(base.version.path))
        cells = (*names, *(f"{short(one.sha)} {one.date}" for one in (began, ended)), far)
        lines.append(f"| {' | '.join(cells)} | {base.added} | {base.removed} | {cell(others)} |")
    if own:
        lines += ["", "## Files with no upstream history", "", "| file | evidence |", "|---|---|", *own]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def base_age(seen: Map, base: Base) -> str:
    """Say in a word where a base stands."""
    return {Age.SAME: "same", Age.OLDER: "older", Age.NEWER: "newer", Age.ABSENT: "not there"}[seen.age(base)]
