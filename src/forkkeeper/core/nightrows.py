"""A night as rows of tables, and back again: what is read is equal to what was kept.

The tables are those of `data/history/`; a column is named as its field, but for `Step.seconds`, which is "allowed".
Lists of words are JSON in their column; a number that is none (NaN) is NULL; what UTF-8 cannot hold is spelled out.
"""

import functools
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import msgspec

from forkkeeper.core.history import Carried, Record
from forkkeeper.core.nights import Count, Effect, Fate, Findings, Night, Reach, Speed, Step, Taken

Cell = str | int | float | None
Row = tuple[Cell, ...]
_Pair = tuple[Cell, Cell]
BASELINE, FORK = "baseline", "fork"  # whose a sample is
_NOTHING: dict[Any, Any] = {}
_JSON = (tuple[str, ...], dict[str, Any] | None)  # what is JSON in its column
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class RowError(ValueError):
    """Rows make no night: they are of a forkkeeper that knows more, or somebody changed them."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. key -- its first columns, which say whose a row is; columns -- the others."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every column, in the order of a row."""
        return (*self.key, *self.columns)


def _fields(struct: type[msgspec.Struct], *but: str) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(struct) if field.name not in but)


_IN_NIGHT = ("night", "position")
NIGHT = Table("night", ("number",), (*_fields(Night, "taken", "findings"), "has_history"))
_OF_STEP, _OF_TAKEN = _fields(Step), _fields(Taken, "step")
STEP = Table("step", _IN_NIGHT, (*(name if name != "seconds" else "allowed" for name in _OF_STEP), *_OF_TAKEN))
REACH = Table("reach", ("night",), _fields(Reach))
FATE = Table("fate", _IN_NIGHT, _fields(Fate))
COMMIT = Table("upstream_commit", (), _fields(Effect, "effects"))
BEHIND = Table("behind", _IN_NIGHT, ("upstream_commit",))
EFFECT = Table("effect", ("night", "behind", "position"), ("patch", "effect"))
COUNT = Table("count", _IN_NIGHT, _fields(Count))
SPEED = Table("speed", _IN_NIGHT, _fields(Speed, BASELINE, FORK))
SAMPLE = Table("sample", ("night", "speed", "whose", "position"), ("value",))
PARTS = (STEP, REACH, FATE, EFFECT, COUNT, SPEED, SAMPLE)  # what belongs to a night beside its commits, parents first
SYNC = Table("sync", ("position",), _fields(Record, "patch"))
SYNC_PATCH = Table("sync_patch", ("sync", "position"), _fields(Carried))


# to rows ------------------------------------------------------------------------------------------------------------


def of_night(night: Night) -> Row:
    """Give the row of the night itself, without its number."""
    return (*_cells(night, NIGHT.columns[:-1]), int(night.findings.has_history))


def of_commits(night: Night) -> tuple[Row, ...]:
    """Give the rows of the upstream commits behind it, in order; the same commit has the same row in every night."""
    return tuple(_cells(effect, COMMIT.columns) for effect in night.findings.behind)


def of_parts(night: Night, number: int) -> dict[str, tuple[Row, ...]]:
    """Give the rows of everything else, by the name of the table. number -- the night's own."""
    found = night.findings
    return {
        STEP.name: tuple(
            (number, at, *_cells(one.step, _OF_STEP), *_cells(one, _OF_TAKEN)) for at, one in enumerate(night.taken)
        ),
        REACH.name: ((number, *_cells(found.reach, REACH.columns)),) if found.reach else (),
        FATE.name: _listed(number, found.fates, FATE),
        EFFECT.name: tuple(
            (number, behind, at, _cell(patch), _cell(effect))
            for behind, one in enumerate(found.behind)
            for at, (patch, effect) in enumerate(one.effects.items())
        ),
        COUNT.name: _listed(number, found.counts, COUNT),
        SPEED.name: _listed(number, found.speeds, SPEED),
        SAMPLE.name: tuple(
            (number, speed, whose, at, _cell(value))
            for speed, one in enumerate(found.speeds)
            for whose, samples in ((BASELINE, one.baseline), (FORK, one.fork))
            for at, value in enumerate(samples)
        ),
    }


def of_syncs(records: Sequence[Record], begin: int = 0) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Give the rows of syncs, and those of what became of their patches. begin -- the first one's position."""
    numbered = list(enumerate(records, start=begin))
    return (
        tuple((at, *_cells(record, SYNC.columns)) for at, record in numbered),
        tuple(
            (at, place, *_cells(carried, SYNC_PATCH.columns))
            for at, record in numbered
            for place, carried in enumerate(record.patch)
        ),
    )


def _listed(number: int, values: Sequence[msgspec.Struct], table: Table) -> tuple[Row, ...]:
    return tuple((number, at, *_cells(value, table.columns)) for at, value in enumerate(values))


def _cells(value: msgspec.Struct, fields: Sequence[str]) -> Row:
    return tuple(_cell(getattr(value, field)) for field in fields)


def _cell(value: Cell | Enum | tuple[str, ...] | dict[str, Any]) -> Cell:
    match value:
        case bool():
            return int(value)
        case Enum():
            return str(value.value)
        case str():
            return _sound(value)
        case float():
            return None if math.isnan(value) else value
        case tuple() | dict():
            return _sound(json.dumps(value, ensure_ascii=False))
        case int() | None:
            return value


def _sound(text: str) -> str:
    r"""Spell out halves of surrogate pairs, which a path that is no UTF-8 is read with: `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# and back -----------------------------------------------------------------------------------------------------------


def nights(heads: Sequence[Row], commits: Sequence[Row], parts: Mapping[str, Sequence[Row]]) -> tuple[Night, ...]:
    """Put nights together again, in the order of their own rows. Raises RowError.

    heads -- rows of NIGHT; commits -- the number and the row of each commit that was behind
    parts -- rows of BEHIND and of PARTS by table, each ordered by its key
    """
    by_night = {name: _grouped(rows) for name, rows in parts.items()}
    try:
        known = _Commits({number: tuple(row) for number, *row in commits}, {})
        return tuple(
            _night(row, {name: rows.get(row[0], []) for name, rows in by_night.items()}, known) for row in heads
        )
    except (KeyError, ValueError, TypeError, msgspec.ValidationError) as error:
        raise RowError(str(error)) from error


def records(syncs: Sequence[Row], patches: Sequence[Row]) -> tuple[Record, ...]:
    """Put syncs together again, from rows that are ordered by their keys. Raises RowError."""
    by_sync = _grouped(patches)
    try:
        return tuple(_record(row, by_sync.get(row[0], [])) for row in syncs)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise RowError(str(error)) from error


def _record(row: Row, patches: Sequence[Row]) -> Record:
    _, from_sha, to_sha, date = row
    carried = tuple(_value(Carried, SYNC_PATCH, one) for one in patches)
    return msgspec.convert({"from": from_sha, "to": to_sha, "date": date, "patch": carried}, Record)


def _grouped(rows: Sequence[Row]) -> dict[Cell, list[Row]]:
    found: dict[Cell, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return dict(found)


def _night(row: Row, parts: Mapping[str, Sequence[Row]], commits: "_Commits") -> Night:
    *_, has_history = row
    findings = Findings(
        reach=next((_value(Reach, REACH, one) for one in parts[REACH.name]), None),
        fates=tuple(_value(Fate, FATE, one) for one in parts[FATE.name]),
        behind=_behind(parts, commits),
        has_history=bool(has_history),
        counts=tuple(_value(Count, COUNT, one) for one in parts[COUNT.name]),
        speeds=_speeds(parts),
    )
    more = {"taken": tuple(_taken(one) for one in parts[STEP.name]), "findings": findings}
    return _made(Night, NIGHT.columns[:-1], row[1:-1], more)


def _taken(row: Row) -> Taken:
    begin = len(STEP.key)
    end = begin + len(_OF_STEP)
    return _made(Taken, _OF_TAKEN, row[end:], {"step": _made(Step, _OF_STEP, row[begin:end], _NOTHING)})


@dataclass(frozen=True, slots=True)
class _Commits:
    """The commits that were behind, by number, and what was made of them: nights share most of their effects."""

    rows: Mapping[Cell, Row]
    made: dict[tuple[Cell, tuple[_Pair, ...]], Effect]

    def effect(self, number: Cell, on: tuple[_Pair, ...]) -> Effect:
        """Give the effect of a commit. on -- pairs of a patch and what happens to it."""
        key = (number, on)
        if key not in self.made:
            self.made[key] = _made(Effect, COMMIT.columns, self.rows[number], {"effects": dict(on)})
        return self.made[key]


def _behind(parts: Mapping[str, Sequence[Row]], commits: _Commits) -> tuple[Effect, ...]:
    effects: dict[Cell, list[_Pair]] = defaultdict(list)
    for _, behind, _, patch, effect in parts[EFFECT.name]:
        effects[behind].append((patch, effect))
    return tuple(commits.effect(number, tuple(effects.get(position, ()))) for _, position, number in parts[BEHIND.name])


def _speeds(parts: Mapping[str, Sequence[Row]]) -> tuple[Speed, ...]:
    samples: dict[tuple[Cell, Cell], list[Cell]] = defaultdict(list)
    for _, speed, whose, _, value in parts[SAMPLE.name]:
        samples[speed, whose].append(math.nan if value is None else value)
    return tuple(
        _value(Speed, SPEED, row, {whose: tuple(samples.get((row[1], whose), ())) for whose in (BASELINE, FORK)})
        for row in parts[SPEED.name]
    )


def _value(kind: type[_Struct], table: Table, row: Row, more: Mapping[str, object] = _NOTHING) -> _Struct:
    return _made(kind, table.columns, row[len(table.key) :], more)


def _made(kind: type[_Struct], names: Sequence[str], row: Sequence[Cell], more: Mapping[str, object]) -> _Struct:
    """Make a value of cells; what a field may hold is checked. more -- the fields that have no column here."""
    types = _types(kind)
    cells = {name: _read(cell, types[name]) for name, cell in zip(names, row, strict=True)}
    return msgspec.convert({**cells, **more}, kind, strict=False)


@functools.cache
def _types(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _read(cell: Cell, kind: Any) -> object:
    if kind is float and cell is None:
        return math.nan
    return json.loads(cell) if isinstance(cell, str) and kind in _JSON else cell
