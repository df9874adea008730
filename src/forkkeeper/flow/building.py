"""Making something of the fork: a directory (`materialise`), and builds (`build`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from forkkeeper.core import (
    compose,
    declaration,
    ids,
    needs,
    overlay,
    planning,
    report,
)
from forkkeeper.core.ids import TreeId
from forkkeeper.core.needs import Ability
from forkkeeper.core.planning import Commit
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Cell, Painted, Report, Table
from forkkeeper.core.variants import COSTS, Variant
from forkkeeper.errors import AnswerIsNo, ExitCode, ForkkeeperError, OutsideError
from forkkeeper.flow import doctoring
from forkkeeper.flow.standing import Setting, Stand, compose_at, composed, locked_of, open_fork, scratch
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import (
    build as builds,
    kit as kits,
    materialise as materialising,
    probe as probes,
    project as projects,
    upstream as upstreams,
)
from forkkeeper.stages.build import Built, Identity
from forkkeeper.stages.project import Project


def materialise(
    setting: Setting, directory: str, *, baseline: bool = False, at: str | None = None, overwrite: bool = False
) -> Report:
    """Write the composed tree, or the baseline, as a plain directory.

    at -- another upstream commit: its baseline, or the fork carried there without the patches that clash
    """
    project, upstream, notes = open_fork(setting, "materialise")
    pin = upstreams.hold(upstream, locked_of(project, "materialise").pin.sha, step="materialise")
    stands = pin
    if at:
        stands = upstreams.hold(upstream, upstreams.find(upstream, at, step="materialise"), step="materialise")
    with scratch(upstream) as store:
        chosen = _chosen(store, project, pin, stands, baseline=baseline)
        done = materialising.materialise(
            store,
            chosen.tree,
            setting.here / directory,
            project.root / projects.STATE / "materialised",
            keep=_own(project),
            overwrite=overwrite,
            on_progress=setting.on_progress,
        )
    left_out = tuple(Painted(f"left out, as it clashes there: {title}", "yellow") for title in chosen.left_out)
    said = f"{chosen.what} {done.tree} of {report.said(stands)} is in {done.directory}"
    counts = f"{report.count(done.written, 'file')} written, {done.left} unchanged, {done.removed} removed"
    return Report((*notes, said, *left_out, counts))


def _own(project: Project) -> tuple[Path, ...]:
    """Give the fork's own files and folders: no tree is ever written over them."""
    names = (*projects.SAVED, declaration.FILE, overlay.FOLDER, ".git", projects.STATE)
    return tuple(project.root / name for name in names)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The tree to write, what it is, and the patches that it goes without."""

    tree: TreeId
    what: str
    left_out: tuple[str, ...] = ()


def _chosen(store: Scratch, project: Project, pin: Commit, stands: Commit, *, baseline: bool) -> _Chosen:
    rules = project.declaration.path
    if baseline:
        return _Chosen(compose.baseline(store, stands.tree, rules).tree, "baseline")
    if stands.sha == pin.sha:
        return _Chosen(compose_at(store, project, pin, step="materialise").tree, "composed tree")
    made = planning.make(store, pin, stands, project.queue, project.overlay, rules)
    if made.collisions:
        path, found = made.collisions[0].path, made.collisions[0].found
        raise AnswerIsNo("materialise", f"{overlay.FOLDER}/{path}", found, "rename or remove the overlay file")
    laid = compose.lay(store, made.carried.tree, overlay.entries(store, project.overlay))
    return _Chosen(laid, "carried tree", tuple(row.old.title for row in made.clashed))


def build(setting: Setting, variants: Sequence[str], *, strict: bool = False, baseline: bool = False) -> Report:
    """Build variants of the composed fork in `.forkkeeper/build/`, or of the baseline in `.forkkeeper/baseline/`.

    variants -- their names; none: all that can be built here, those that cost least first
    strict -- one that cannot be built here is a failure, not only *skipped*
    """
    project, upstream, notes = open_fork(setting, "build")
    names = doctoring.known(project.declaration, variants, "build")
    abilities = doctoring.examine(project.root, project.declaration, names)
    if not variants:
        abilities = tuple(sorted(abilities, key=lambda one: COSTS.index(one.variant.cost)))  # the declared order stays
    rows: list[tuple[Cell, ...]] = []
    remote: list[Cell] = []
    failed: list[ForkkeeperError] = []
    making = make_baseline if baseline else make_fork
    with composed(project, upstream, step="build") as stand:
        for ability in abilities:
            if not ability.builds:
                rows.append(_skipped(ability))
                continue
            try:
                fetch(setting, project, ability)
                made = making(setting, project, stand, ability.name)
                rows.append(_built(made))
                remote += _remote(made)
            except OutsideError as error:  # one variant never stops the others
                if len(abilities) == 1:
                    raise
                failed.append(error)
                rows.append((ability.name, "", "", "", "", Painted(f"FAILED: {error.found}", "red")))
    code = ExitCode.OUTSIDE_FAILED if failed else ExitCode.IN_STEP
    if not failed and strict and any(not one.builds for one in abilities):
        code = ExitCode.ANSWER_IS_NO
    headers = ("variant", "tree", "seconds", "compiled", "from ccache", "built")
    messages = tuple(Painted(str(error), "red") for error in failed)
    return Report((*notes, *messages, "", Table(headers, tuple(rows), prose=("built",)), *remote), code)


def fetch(setting: Setting, project: Project, ability: Ability) -> None:
    """Fetch the kits that a build needs and that are not here."""
    for name in ability.to_fetch:
        kits.fetch(
            project.root, name, project.declaration.kit[name], offline=setting.offline, on_progress=setting.on_progress
        )


def with_kits(project: Project, name: str) -> Variant:
    """Give a variant with the options of the kits that it uses here."""
    variant = project.declaration.variant[name]
    (ability,) = doctoring.examine(project.root, project.declaration, (name,))
    more = (
        option for kit in ability.beside for option in kits.options(project.root, kit, project.declaration.kit[kit])
    )
    return replace(variant, cmake=(*variant.cmake, *more))


def _skipped(ability: Ability) -> tuple[Cell, ...]:
    why = needs.skipped(ability, ability.lacking, probes.system())
    return (ability.name, "", "", "", "", Painted(f"skipped: {why}", "yellow"))


# What a folder of builds is of: the fork, the baseline, the fork without one of its patches, what `size` measures.
Kind = Literal["build", "baseline", "without", "size"]


def folder_of(project: Project, kind: Kind, name: str) -> Path:
    """Give the folder that holds `src` and `build` of a variant: alike for every kind, so they share ccache's hits."""
    return project.root / projects.STATE / kind / name


def make_fork(setting: Setting, project: Project, stand: Stand, name: str) -> Built:
    """Build a variant of the fork."""
    return make(setting, project, stand, name, stand.made.tree, project.queue, "build")


def make_baseline(setting: Setting, project: Project, stand: Stand, name: str) -> Built:
    """Build a variant of upstream at the pin, with no patch and no overlay: what the fork is compared with."""
    return make(setting, project, stand, name, stand.made.baseline.tree, Queue(b"", ()), "baseline")


def make(setting: Setting, project: Project, stand: Stand, name: str, tree: TreeId, queue: Queue, kind: Kind) -> Built:
    """Build a variant of a tree, which this queue made of the pin."""
    folder = folder_of(project, kind, name)
    materialising.materialise(
        stand.store,
        tree,
        folder / "src",
        project.root / projects.STATE / "materialised",
        overwrite=True,
        on_progress=setting.on_progress,
    )
    return builds.build(
        name,
        with_kits(project, name),
        source=folder / "src",
        build=folder / "build",
        identity=Identity(tree, stand.pin.sha, queue.digest()),
        whole=kind == "build",
    )


def _built(built: Built) -> tuple[Cell, ...]:
    counts = ("", "") if built.counts is None else (str(built.counts.compiled), str(built.counts.cached))
    return (built.variant, ids.short(built.tree), f"{built.seconds:.0f}", *counts, Painted("yes", "green"))


def _remote(built: Built) -> Iterator[Cell]:
    """Say what ccache's remote storage gave, and that it failed, which only made the build slower."""
    if built.counts and built.counts.remote:
        yield f"{built.variant}: {built.counts.remote} of {built.counts.cached} came out of ccache's remote storage"
    if built.counts and built.counts.failed:
        files = report.count(built.counts.failed, "file")
        said = f"{built.variant}: ccache's remote storage failed for {files}; `ccache --show-config` says which it is"
        yield Painted(said, "yellow")
