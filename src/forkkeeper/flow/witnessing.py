"""Does each patch still do its work (`check witness`)? The fork is built without it, and its witness must fail there.

With that each patch is asked whether it undoes upstream (`undoing`), which takes no build. Either fault makes it red.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forkkeeper.core import queue as queues, witnesses
from forkkeeper.core.checksreport import ChecksResult
from forkkeeper.core.mail import Patch
from forkkeeper.core.needs import Ability
from forkkeeper.core.report import Cell, Painted, Report, Table, of_variant
from forkkeeper.core.witnesses import Judged
from forkkeeper.errors import ExitCode, ForkkeeperError
from forkkeeper.flow import undoing
from forkkeeper.flow.building import folder_of, make
from forkkeeper.flow.standing import Setting, Stand, compose_at
from forkkeeper.stages import check as checks
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

_HEADERS = ("variant", "patch", "with it", "without it", "verdict")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the table of witnesses. with_it, without -- how the witness ran; None where it did not."""

    variant: Cell
    patch: Patch
    judged: Judged
    with_it: ChecksResult | None = None
    without: ChecksResult | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The row."""
        passed = f"{self.with_it.passed} of {self.with_it.ran} pass" if self.with_it else ""
        failed = f"{len(self.without.failed)} of {self.without.ran} fail" if self.without else ""
        said = Painted(str(self.judged), witnesses.COLOURS[self.judged.effect])
        return (self.variant, self.patch.title, passed, failed, said)


def report(setting: Setting, project: Project, upstream: Upstream, stand: Stand, variants: Sequence[Ability]) -> Report:
    """Judge every patch on these variants, which are built; red when one is at fault, or when no witness ran."""
    deletions = undoing.judge(project, upstream, stand)
    rows = [row for ability in variants for row in _witnesses(setting, project, stand, ability)]
    green = witnesses.exits_green([row.judged.effect for row in rows]) and undoing.exits_green(deletions)
    table = Table(_HEADERS, tuple(row.cells for row in rows), prose=("verdict",))
    blocks = ("", table, "", *undoing.blocks(deletions, stand.pin))
    return Report(blocks, ExitCode.IN_STEP if green else ExitCode.ANSWER_IS_NO)


def _witnesses(setting: Setting, project: Project, stand: Stand, ability: Ability) -> Iterator[Verdict]:
    shown = of_variant(ability.name, ability.variant)
    for patch in project.queue.patches:
        witness = witnesses.named(patch.trailer("Witness"))
        if witness is None:
            yield Verdict(shown, patch, witnesses.undeclared(patch.trailer("Witness")))
        else:
            yield _witness(setting, project, stand, ability, patch, witness)


def _witness(setting: Setting, project: Project, stand: Stand, ability: Ability, patch: Patch, witness: str) -> Verdict:
    """Run a patch's witness on both builds; a patch that others need never stops the verdict on the rest."""
    name, shown = ability.name, of_variant(ability.name, ability.variant)
    with_it = _ran(project, folder_of(project, "build", name), witness)
    try:
        _make_without(setting, project, stand, name, patch)
    except ForkkeeperError as error:
        why = f"{error.thing}: {' '.join(error.found.split())}"
        return Verdict(shown, patch, witnesses.not_made(why), with_it)
    without = _ran(project, folder_of(project, "without", name), witness)
    return Verdict(shown, patch, witnesses.judge(with_it, without), with_it, without)


def _make_without(setting: Setting, project: Project, stand: Stand, name: str, patch: Patch) -> None:
    """Make and build the fork without one patch."""
    queue = queues.rebuild(project.queue, [other for other in project.queue.patches if other is not patch])
    shorter = replace(project, queue=queue)
    cut = compose_at(stand.store, shorter, stand.pin, step="check")
    make(setting, shorter, replace(stand, made=cut), name, "without")


def _ran(project: Project, folder: Path, witness: str) -> ChecksResult:
    return checks.run_checks([project.root / witness], source=folder / "src", build=folder / "build")
