"""Runs the benchmark on sides whose difference is known, and keeps each run: same code, and a planted slowdown."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.calibrate import plants
from forkkeeper.core import speed
from forkkeeper.core.benches import Asked
from forkkeeper.core.speed import Pair, Rule, Speed
from forkkeeper.flow import Setting, benching, doctoring, measuring
from forkkeeper.flow.building import pristine
from forkkeeper.flow.measuring import Measured, Rig, Side
from forkkeeper.flow.standing import Stand, composed, open_fork
from forkkeeper.shell import disk
from forkkeeper.stages import probe as probes, project as projects
from forkkeeper.stages.project import Project

Kind = Literal["time-same", "time-slower", "time-long", "count-same", "count-slower"]
PLANTED = {"time-slower": 20, "count-slower": 200}  # one part in so many of all products is done twice: 5 %, 0.5 %
PASSES = 8  # tokens that are written where instructions are counted
COPIES = 40  # a side, of the run whose labels are drawn anew
ELSEWHERE = "elsewhere"  # the same tree, built in another place


class Row(msgspec.Struct, frozen=True):
    """One comparison of a live run. pairs -- (baseline, fork) in seconds; none for counts."""

    model: str
    test: str
    speed: Speed
    change: float
    pairs: tuple[tuple[float, float], ...]

    def as_pairs(self) -> list[Pair]:
        """Give the pairs as they are judged."""
        return [Pair(*one) for one in self.pairs]


class Live(msgspec.Struct, frozen=True):
    """One live run.

    key -- what it was made on: pin, processor and [bench]; another is of something else
    seconds -- that it took, without the build; load -- the machine's as it ended
    """

    kind: str
    key: str
    seconds: float
    load: float
    rows: tuple[Row, ...]

    @property
    def said(self) -> frozenset[Speed]:
        """All verdicts of the run."""
        return frozenset(row.speed for row in self.rows)


@dataclass(frozen=True)
class Place:
    """Where runs are made and kept."""

    root: Path
    kept: Path
    setting: Setting
    seconds: int | None

    def runs(self, kind: Kind) -> tuple[Live, ...]:
        """Give the runs of a kind that are kept, in their order."""
        found = sorted(self.kept.glob(f"{kind}-[0-9][0-9][0-9].json"))
        runs = tuple(msgspec.json.decode(path.read_bytes(), type=Live) for path in found)
        return tuple(judged(live) for live in runs if live.key == self.key)

    @property
    def key(self) -> str:
        """Say what runs are made on here, in a few digits; what was kept of anything else is not of this."""
        project = projects.load(self.root, step="calibrate")
        pin = project.lock.pin.sha if project.lock else ""
        made = msgspec.json.encode((pin, probes.processor(), project.declaration.bench))
        return hashlib.sha256(made).hexdigest()[:16]

    def make(self, kind: Kind, wanted: int) -> Iterator[Live]:
        """Make the runs of a kind that are still wanting; each is kept as soon as it ends."""
        done, key = len(self.runs(kind)), self.key
        if done >= wanted:
            return
        with self._fork(kind) as (project, stand):
            rig, baseline, fork = self._sides(kind, project, stand)
            for number in range(done, wanted):
                live = _live(kind, key, self._measure(kind, rig, baseline, fork))
                disk.write(self.kept / f"{kind}-{number:03}.json", msgspec.json.encode(live))
                yield live

    @contextmanager
    def _fork(self, kind: Kind) -> Iterator[tuple[Project, Stand]]:
        project, upstream, _ = open_fork(self.setting, f"calibrate {kind}")
        with composed(project, upstream, step="calibrate") as stand:
            yield project, stand

    def _sides(self, kind: Kind, project: Project, stand: Stand) -> tuple[Rig, Side, Side]:
        seconds = 600 if kind == "time-long" else self.seconds
        declared = benching.declared_bench(project, Asked(seconds=seconds))
        variant = "cpu"
        if kind.startswith("count"):
            how = declared.instructions
            variant = how.variant if how else variant
            if how and kind in PLANTED:
                # one part in 200 is less than the smallest product of a pass: it takes some passes to be done at all
                how = msgspec.structs.replace(how, prompt=0, generation=PASSES)
                declared = msgspec.structs.replace(declared, model=declared.model[:1], instructions=how)
        (ability,) = doctoring.examine(project.root, project.declaration, (variant,))
        rig = measuring.rig(self.setting, project, benching.able(ability), declared)
        bare = pristine(project, stand)
        baseline = measuring.side(rig, bare, "baseline")
        if kind in PLANTED:
            return rig, baseline, measuring.side(rig, plants.slower(bare, PLANTED[kind]), "planted")
        return rig, baseline, measuring.side(rig, bare, "again", salt=ELSEWHERE)

    def _measure(self, kind: Kind, rig: Rig, baseline: Side, fork: Side) -> Measured:
        how = rig.bench.instructions
        if kind.startswith("count") and how is not None:
            return measuring.by_instructions(rig, how, baseline, fork)
        return measuring.by_time(rig, baseline, fork, least=COPIES if kind == "time-long" else 0)


def _live(kind: Kind, key: str, measured: Measured) -> Live:
    rows = (
        Row(
            one.model,
            one.test,
            one.judged.speed,
            one.judged.change,
            tuple((pair.baseline, pair.fork) for pair in one.pairs),
        )
        for one in measured.rows
    )
    load = next((taken.run.load for taken in reversed(measured.taken)), 0.0)
    return Live(kind, key, measured.seconds, load, tuple(rows))


def judged(live: Live) -> Live:
    """Give a run with the verdicts of today's rule on its times; counts have none to judge again."""
    rows = tuple(
        msgspec.structs.replace(row, speed=found.speed, change=found.change)
        for row in live.rows
        if row.pairs
        for found in [speed.judge(row.as_pairs(), Rule(comparisons=len(live.rows)))]
    )
    return msgspec.structs.replace(live, rows=rows or live.rows)


def swapped(rows: tuple[Row, ...], flips: dict[str, list[bool]]) -> tuple[Row, ...]:
    """Give the rows with the two labels of some pairs exchanged; the tests of one process go together."""
    return tuple(
        msgspec.structs.replace(
            row,
            pairs=tuple(pair[::-1] if flip else pair for pair, flip in zip(row.pairs, flips[row.model], strict=True)),
        )
        for row in rows
    )
