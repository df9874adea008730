"""Compares many builds of one variant with one another; what is the same code is never measured twice.

Imported late, as `measuring` is.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from forkkeeper.core import counts, declaration, samecode
from forkkeeper.core.benches import INSTRUCTIONS, TIME, Bench, Instructions, Test
from forkkeeper.core.counts import Counted
from forkkeeper.core.report import Cell, Painted
from forkkeeper.core.samecode import Code
from forkkeeper.core.speed import Judged, Speed
from forkkeeper.errors import ForkkeeperError, RequestError
from forkkeeper.flow import benching, doctoring, measuring
from forkkeeper.flow.measuring import Compared, Rig, Side, Taken
from forkkeeper.flow.standing import Setting, near_hint
from forkkeeper.stages import bench as benches, project as projects, results
from forkkeeper.stages.project import Project

METRICS = (INSTRUCTIONS, TIME)
SAME_CODE = Judged(Speed.SAME, 0.0, 0.0, 0.0, 0.0, 0, "the same code")


@dataclass
class Comparer:
    """Compares sides of a rig, by time or by instructions, and remembers.

    how -- how instructions are counted; None: time is measured
    taken -- every process that was run for a time
    """

    rig: Rig
    how: Instructions | None
    taken: list[Taken] = field(default_factory=list)
    _codes: dict[str, Code] = field(default_factory=dict)
    _kinds: list[Code] = field(default_factory=list)
    _counted: dict[tuple[int, str, Test], Counted] = field(default_factory=dict)
    _timed: dict[tuple[int, int], tuple[Compared, ...]] = field(default_factory=dict)

    @property
    def margin(self) -> float:
        """The difference that matters, as a share."""
        return self.how.threshold if self.how is not None else self.rig.bench.effect

    @property
    def tests(self) -> tuple[Test, ...]:
        """The tests of each model."""
        return (self.how or self.rig.bench).tests

    def compare(self, before: Side, after: Side) -> tuple[Compared, ...]:
        """Judge one side beside another, for each model and test; where their code is the same nothing is run."""
        first, second = self._kind(before), self._kind(after)
        if first == second:
            return tuple(
                Compared(model, test.name, test.tokens, SAME_CODE) for model in self.rig.models for test in self.tests
            )
        if self.how is None:
            if (first, second) not in self._timed:
                found = measuring.by_time(self.rig, before, after)
                self.taken += found.taken
                self._timed[first, second] = found.rows
            return self._timed[first, second]
        measuring.refuse_other_compilers(self.rig, before, after)
        return tuple(
            Compared(model, test.name, test.tokens, counts.judge(*pair, self.how.threshold), counted=pair)
            for one, other in [(self.counts(before), self.counts(after))]
            for model, test in one
            for pair in [(one[model, test], other[model, test])]
        )

    def counts(self, side: Side) -> dict[tuple[str, Test], Counted]:
        """Count the instructions of a side, by model and test, in their order."""
        if self.how is None:
            raise ValueError("times are no counts")
        kind = self._kind(side)
        found: dict[tuple[str, Test], Counted] = {}
        wanted = list(itertools.product(self.rig.models, self.tests))
        for model, test in wanted:
            key = (kind, model, test)
            if key not in self._counted:
                self.rig.setting.on_progress(f"counting {side.name}", len(found), len(wanted))
                self._counted[key] = measuring.count(self.rig, self.how, side, model, test)
            found[model, test] = self._counted[key]
        self.rig.setting.on_progress(f"counting {side.name}", 1, 1)
        return found

    def _kind(self, side: Side) -> int:
        """Give the number of a side's code: the same for the same code."""
        address = str(side.build)
        if address not in self._codes:
            self._codes[address] = benches.code_of(side.build, self.rig.programs, side.names)
        code = self._codes[address]
        for number, known in enumerate(self._kinds):
            if samecode.is_same(known, code):
                return number
        self._kinds.append(code)
        return len(self._kinds) - 1


def comparer(setting: Setting, project: Project, declared: Bench, metric: str, variant: str | None) -> Comparer:
    """Make ready to compare builds of a variant.

    variant -- None: the one that instructions are counted in, or whose time is measured where none is named
    Raises RequestError for an unknown metric or variant, OutsideError for a variant that cannot be built or run.
    """
    if metric not in METRICS:
        raise RequestError("bench", f"--metric {metric}", "is none", near_hint(metric, METRICS, "metrics"))
    how = declared.instructions if metric == INSTRUCTIONS else None
    if metric == INSTRUCTIONS and how is None:
        raise RequestError("bench", declaration.FILE, "declares no [bench.instructions]", "add it, or --metric time")
    name = variant or (how.variant if how is not None else next(iter(benching.usual(project)), ""))
    names = doctoring.known(project.declaration, [name], "bench")
    (ability,) = doctoring.examine(project.root, project.declaration, names)
    return Comparer(measuring.rig(setting, project, benching.able(ability), declared), how)


def why(error: ForkkeeperError) -> str:
    """Say in one line what kept a build from being made or run."""
    return f"{error.thing}: {' '.join(error.found.split())}"


def cells(row: Compared) -> tuple[Cell, ...]:
    """Make the cells of a comparison: model, test, both numbers, the change, the verdict."""
    if row.judged is SAME_CODE:
        return (row.model, row.test, "", "", "", verdict(row))
    _, model, test, before, after, takes, *_, _ = benching.row_of("", row)
    return (model, test, before, after, takes, verdict(row))


def verdict(row: Compared) -> Painted:
    """Give a verdict as tables show it; of the same code that it is that."""
    word = row.judged.speed.value
    return Painted(f"{word}: the same code" if row.judged is SAME_CODE else word, benching.COLOURS[row.judged.speed])


def reasons(label: str, rows: tuple[Compared, ...]) -> Iterator[Painted]:
    """Say why of what is inconclusive."""
    for row in rows:
        if row.judged.speed is Speed.INCONCLUSIVE:
            text = f"{label}, {row.model}, {row.test}: inconclusive: {row.judged.because}"
            yield Painted(text, benching.COLOURS[Speed.INCONCLUSIVE])


def keep(comparer: Comparer, verb: str, **found: Any) -> str:
    """Keep all that was measured, and say where. found -- what the verb adds to it."""
    rig = comparer.rig
    metric = TIME if comparer.how is None else INSTRUCTIONS
    record = benching.record_of(rig, metric, comparer.how, comparer.taken, verb=verb, **found)
    folder = rig.project.root / projects.STATE / benching.RECORDS
    path = results.keep(folder, f"{rig.ability.name}-{verb}-{metric}", record)
    return f"all that was measured is in {path.relative_to(rig.project.root)}"
