"""Making something of the fork: a directory (`materialise`), and builds (`build`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from forkkeeper.core import (
    cmakeoptions,
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
from forkkeeper.core.report import Block, Cell, Painted, Report, Table
from forkkeeper.core.variants import COSTS, Variant, c_compiler
from forkkeeper.errors import AnswerIsNo, ExitCode, ForkkeeperError, OutsideError
from forkkeeper.flow import doctoring, failing
from forkkeeper.flow.failing import Attempt
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
from forkkeeper.stages.build import Built, Identity, StepError
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

    One that fails never stops the others.


    variants -- their names; none: all that can be built here, those that cost least first
    strict -- one that cannot be built here is a failure, not only *skipped*
    The exit code is that of what failed: 1 where a patch or the overlay does not compile, else 2 where an option of
    fork.toml does nothing, else 3 where a tool, memory or room is missing, or upstream's own code does not compile.
    Where nothing could be built at all that is 3 as well: no build is no success.
    """
    project, upstream, notes = open_fork(setting, "build")
    names = doctoring.known(project.declaration, variants, "build")
    abilities = doctoring.examine(project.root, project.declaration, names)
    if not variants:
        abilities = tuple(sorted(abilities, key=lambda one: COSTS.index(one.variant.cost)))  # the declared order stays
    if len(abilities) == 1 and not abilities[0].builds and not strict:
        raise _cannot(abilities[0])
    rows: list[tuple[Cell, ...]] = []
    remote: list[Block] = []
    failed: list[ForkkeeperError] = []
    making = make_baseline if baseline else make_fork
    doubts: list[Painted] = []
    with composed(project, upstream, step="build") as stand:
        for ability in abilities:
            if not ability.builds:
                rows.append(_skipped(ability))
                continue
            try:
                fetch(setting, project, stand, ability)
                made = making(setting, project, stand, ability.name)
                rows.append(_built(ability, made))
                remote += _remote(made)
                doubts += [Painted(f"{ability.shown}: {declaration.FILE}: {one}", "yellow") for one in made.doubts]
            except ForkkeeperError as error:
                if len(abilities) == 1:
                    raise
                failed.append(error)
                rows.append((_named(ability), "", "", "", "", Painted(f"FAILED: {error.found.splitlines()[0]}", "red")))
    skipped = sum(not one.builds for one in abilities)
    code = next((one for one in _FIRST if one in {error.code for error in failed}), ExitCode.IN_STEP)
    if not failed and skipped:
        code = ExitCode.ANSWER_IS_NO if strict else ExitCode.OUTSIDE_FAILED if skipped == len(abilities) else code
    headers = ("variant", "tree", "seconds", "compiled", "from ccache", "built")
    messages = tuple(Painted(str(error), "red") for error in failed)
    nothing = ("next: `forkkeeper doctor` says what to install",) if skipped == len(abilities) else ()
    table = Table(headers, tuple(rows), prose=("built",))
    return Report((*notes, *messages, "", table, *remote, *doubts, *nothing), code)


# Of several failures the one that the fork itself can mend counts: a missing tool hides behind it, not it behind that.
_FIRST = (ExitCode.ANSWER_IS_NO, ExitCode.BAD_REQUEST, ExitCode.OUTSIDE_FAILED)


def fetch(setting: Setting, project: Project, stand: Stand, ability: Ability) -> None:
    """Fetch the kits that a build needs and that are not here."""
    for name in ability.to_fetch:
        kit = project.declaration.kit[name]
        try:
            kits.fetch(project.root, name, kit, offline=setting.offline, on_progress=setting.on_progress)
        except OSError as error:
            folder = folder_of(project, "build", ability.name)
            attempt = Attempt(project, stand, ability.name, folder, _fields(project, ability.name))
            raise failing.of_system(error, attempt) from error


def with_kits(project: Project, ability: Ability) -> Variant:
    """Give a variant with the options of the kits that it uses here; an emulated one with all that its device needs.

    The kits of an emulated form are its device's: the ordinary build has no need of its own.
    """
    variant, form = ability.variant, ability.variant.emulated
    more = tuple(
        option for kit in ability.beside for option in kits.options(project.root, kit, project.declaration.kit[kit])
    )
    if form is None:
        return msgspec.structs.replace(variant, cmake=(*variant.cmake, *more))
    options = (*_compilers(ability.compiler), *more, *form.options)
    whole = msgspec.structs.replace(form, project=str((project.root / form.project).resolve()), options=options)
    return msgspec.structs.replace(variant, emulated=whole)


def _compilers(compiler: str) -> tuple[str, ...]:
    """Give the options that choose a C++ compiler, and the C compiler that belongs to it."""
    beside = c_compiler(compiler)
    chosen = (("CXX", compiler), ("C", beside if beside and Path(beside).is_file() else ""))
    return tuple(f"-DCMAKE_{language}_COMPILER={path}" for language, path in chosen if path)


def as_here(project: Project, name: str) -> Variant:
    """Give a variant as it is built on this machine; looked at anew, since kits may just have been fetched."""
    (ability,) = doctoring.examine(project.root, project.declaration, (name,))
    return with_kits(project, ability)


def _skipped(ability: Ability) -> tuple[Cell, ...]:
    why = needs.skipped(ability, ability.lacking, probes.system())
    return (_named(ability), "", "", "", "", Painted(f"skipped: {why}", "yellow"))


def _cannot(ability: Ability) -> OutsideError:
    """Make the error for the only variant that was asked for, which cannot be built here."""
    system = probes.system()
    if not ability.platform:
        found, hint = f"is made for {' and '.join(ability.variant.platform)}", "`forkkeeper doctor` lists the others"
        return OutsideError("build", f"variant {ability.name}", found, hint)
    found = "; ".join(needs.lacking(one) for one in ability.lacking)
    remedies = (needs.remedy(one, system) for one in ability.lacking)
    hint = "\n        ".join(dict.fromkeys(one for one in remedies if one)) or f"`forkkeeper doctor {ability.name}`"
    return OutsideError("build", f"variant {ability.name}", f"needs {found}", hint)


# What a folder of builds is of: the fork, the baseline, the fork without one of its patches, what `size` measures, a
# side of a benchmark.
Kind = Literal["build", "baseline", "without", "size", "sides"]


def folder_of(project: Project, kind: Kind, name: str) -> Path:
    """Give the folder that holds `src` and `build` of a variant: alike for every kind, so they share ccache's hits."""
    return project.root / projects.STATE / kind / name


def make_fork(setting: Setting, project: Project, stand: Stand, name: str) -> Built:
    """Build a variant of the fork."""
    return make(setting, project, stand, name, "build")


def make_baseline(setting: Setting, project: Project, stand: Stand, name: str) -> Built:
    """Build a variant of upstream at the pin, with no patch and no overlay: what the fork is compared with."""
    bare = pristine(project, stand)
    return make(setting, bare.project, bare.stand, name, "baseline")


@dataclass(frozen=True, slots=True)
class Made:
    """Something that can be built: a composed tree, and the fork with the queue and overlay that it was made of."""

    project: Project
    stand: Stand


def pristine(project: Project, stand: Stand) -> Made:
    """Give the baseline of a composed fork: the same with no patch and no overlay."""
    bare = replace(project, queue=Queue(b"", ()), overlay={})
    made = compose_at(stand.store, bare, stand.pin, step="build")
    return Made(bare, replace(stand, made=made))


def make(
    setting: Setting,
    project: Project,
    stand: Stand,
    name: str,
    kind: Kind,
    *,
    variant: Variant | None = None,
    folder: str = "",
) -> Built:
    """Build a variant of a composed tree.

    project, stand -- the queue and overlay that it was composed with, and what was made of them
    kind -- for all but "build" the tree need not know every option of fork.toml
    variant -- as it is built, None for as it is declared
    folder -- the last part of its folder's path, "" for the variant's name
    Raises what `failing` makes of a failure.
    """
    attempt = Attempt(project, stand, name, folder_of(project, kind, folder or name), _fields(project, name))
    try:
        materialising.materialise(
            stand.store,
            stand.made.tree,
            attempt.folder / "src",
            project.root / projects.STATE / "materialised",
            overwrite=True,
            on_progress=setting.on_progress,
        )
        return builds.build(
            name,
            variant or as_here(project, name),
            source=attempt.folder / "src",
            build=attempt.folder / "build",
            identity=Identity(stand.made.tree, stand.pin.sha, project.queue.digest()),
            fields=attempt.fields if kind == "build" else None,
        )
    except StepError as error:
        raise failing.explained(error, attempt) from error
    except OSError as error:
        raise failing.of_system(error, attempt) from error


def _fields(project: Project, name: str) -> dict[str, str]:
    """Give the fields of fork.toml by the CMake variables that they set; the last one to set a variable has it."""
    shared = project.declaration.build.cmake
    own = project.declaration.variant[name].cmake[len(shared) :]  # a declared variant begins with what all share
    form = project.declaration.variant[name].emulated
    found = dict.fromkeys(cmakeoptions.names(shared), "build.cmake")
    if form is None:
        return found | dict.fromkeys(cmakeoptions.names(own), f"variant.{name}.cmake")
    found |= dict.fromkeys(cmakeoptions.names(own), f"variant.{name}.emulated.cmake")
    return found | dict.fromkeys(cmakeoptions.names(form.options), f"variant.{name}.emulated.options")


def _named(ability: Ability) -> Cell:
    return report.of_variant(ability.name, ability.variant)


def _built(ability: Ability, built: Built) -> tuple[Cell, ...]:
    counts = ("", "") if built.counts is None else (str(built.counts.compiled), str(built.counts.cached))
    return (_named(ability), ids.short(built.tree), f"{built.seconds:.0f}", *counts, Painted("yes", "green"))


def _remote(built: Built) -> Iterator[Block]:
    """Say what ccache's remote storage gave, and that it failed, which only made the build slower."""
    if built.counts and built.counts.remote:
        yield f"{built.variant}: {built.counts.remote} of {built.counts.cached} came out of ccache's remote storage"
    if built.counts and built.counts.failed:
        files = report.count(built.counts.failed, "file")
        said = f"{built.variant}: ccache's remote storage failed for {files}; `ccache --show-config` says which it is"
        yield Painted(said, "yellow")
