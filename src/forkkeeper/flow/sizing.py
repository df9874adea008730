"""How large a backend's code is (`size`): the fork's variants beside the pristine pin, section by section."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from forkkeeper.core import declaration, ids, needs, sections
from forkkeeper.core.needs import Ability
from forkkeeper.core.page.given import Sized
from forkkeeper.core.report import Cell, Painted, Report, Table, of_variant
from forkkeeper.core.variants import Size, Variant
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow import doctoring
from forkkeeper.flow.building import Made, as_here, fetch, make, pristine
from forkkeeper.flow.standing import Setting, Stand, composed, open_fork
from forkkeeper.shell import disk
from forkkeeper.stages import build as builds, probe as probes, project as projects
from forkkeeper.stages.project import Project

SIZES = "sizes"  # below the state folder: one file for each tree and set of options that was measured
MEGABYTE = 1e6  # bytes
UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class _Job:
    """One library to measure: of which tree, and as which variant."""

    name: str
    of: str
    made: Made
    ability: Ability
    size: Size


@dataclass(frozen=True, slots=True)
class _Measured:
    """A library's sections, in bytes; before -- whether they were measured in an earlier run."""

    job: _Job
    kinds: dict[str, int]
    before: bool


def size(setting: Setting, variants: Sequence[str]) -> Report:
    """Build the target of each variant's `size`, of the pristine pin and of the fork, and count its sections.

    variants -- their names; none: all that declare a size and can be built here
    What was measured is kept by tree and options, so a second call builds nothing.
    Raises RequestError for a variant that declares no size, AnswerIsNo when one that is named cannot be built here.
    """
    project, upstream, notes = open_fork(setting, "size")
    names = _declared(project, variants)
    abilities = doctoring.examine(project.root, project.declaration, names)
    left_out = [one for one in abilities if not one.builds]
    skipped = [f"{one.shown}: {needs.skipped(one, one.lacking, probes.system())}" for one in left_out]
    if skipped and (variants or len(skipped) == len(abilities)):
        raise AnswerIsNo("size", left_out[0].name, "; ".join(skipped), "`forkkeeper doctor` says what is here")
    with composed(project, upstream, step="size") as stand:
        jobs = tuple(_jobs(abilities, pristine(project, stand), Made(project, stand)))
        measured = [_measure(setting, project, stand, job) for job in jobs]
    table = Table(("of", "variant", "tree", *measured[0].kinds, "beside upstream", "measured"), _rows(measured))
    said = "MB of each kind of section in the library; device code before compression."
    return Report((*notes, *(Painted(f"skipped: {one}", "yellow") for one in skipped), "", table, said))


def _declared(project: Project, variants: Sequence[str]) -> tuple[str, ...]:
    """Give the variants to measure."""
    names = doctoring.known(project.declaration, variants, "size")
    able = tuple(name for name in names if project.declaration.variant[name].size is not None)
    lacking = [name for name in names if name not in able]
    if (variants and lacking) or not able:
        thing = f"variant.{lacking[0]}" if variants else declaration.FILE
        raise RequestError("size", thing, "declares no [variant.NAME.size]", "say there what to build and to count")
    return able


def _jobs(abilities: Sequence[Ability], baseline: Made, fork: Made, *, every: bool = False) -> Iterator[_Job]:
    """Give what is to be measured. every -- also what cannot be built here: it may have been measured before."""
    for ability in abilities:
        found = ability.variant.size
        if found is None or not (every or ability.builds):
            continue
        if found.upstream:
            yield _Job(ability.name, UPSTREAM, baseline, ability, found)
        yield _Job(ability.name, "fork", fork, ability, found)


def _measure(setting: Setting, project: Project, stand: Stand, job: _Job) -> _Measured:
    """Build what is to be measured, unless that was done before."""
    fetch(setting, project, stand, job.ability)
    variant, record = _measurable(project, job)
    data = disk.read(record)
    if data is not None:
        kinds = dict(_read(data).kinds)
        disk.write(record, _record(job, kinds))  # one that has no name yet gets it
        return _Measured(job, kinds, before=True)
    label = job.name if job.of != UPSTREAM else f"{UPSTREAM}-{job.name}"
    built = make(setting, job.made.project, job.made.stand, job.name, "size", variant=variant, folder=label)
    kinds = sections.by_kind(builds.sections_of(built.build / job.size.library))
    disk.write(record, _record(job, kinds))
    return _Measured(job, kinds, before=False)


def _measurable(project: Project, job: _Job) -> tuple[Variant, Path]:
    """Give what is built to measure a library, and the file that keeps the result by its tree and options."""
    declared = as_here(project, job.name)
    variant = replace(  # an emulated device is no code that anybody ships
        declared, cmake=(*declared.cmake, *job.size.cmake), targets=(job.size.target,), emulated=None
    )
    tree = job.made.stand.made.tree
    key = hashlib.sha256("\n".join((tree, job.size.library, *variant.targets, *variant.cmake)).encode()).hexdigest()
    return variant, project.root / projects.STATE / SIZES / f"{key[:32]}.json"


def _record(job: _Job, kinds: dict[str, int]) -> bytes:
    return msgspec.json.encode(Sized(job.name, job.of, job.made.stand.made.tree, kinds))


def _read(data: bytes) -> Sized:
    """Read what is kept of a library; what was kept before names were is its sections alone."""
    try:
        return msgspec.json.decode(data, type=Sized)
    except msgspec.ValidationError:
        return Sized("", "", "", msgspec.json.decode(data, type=dict[str, int]))


def kept(project: Project, stand: Stand) -> tuple[Sized, ...]:
    """Give what was measured; nothing is built.

    First the libraries of the fork and the pristine pin as they are now, with no sections where they were not measured;
    then those of other trees, and what has no name, in the order of their files.
    """
    names = [name for name, variant in project.declaration.variant.items() if variant.size is not None]
    folder = project.root / projects.STATE / SIZES
    found = {path: _read(file.data) for path, file in sorted(disk.files_below(folder).items())}
    now = []
    abilities = doctoring.examine(project.root, project.declaration, names) if names else ()
    for job in _jobs(abilities, pristine(project, stand), Made(project, stand), every=True):
        tree = job.made.stand.made.tree
        by_options = _measurable(project, job)[1].name
        named = (path for path, one in found.items() if (one.variant, one.of, one.tree) == (job.name, job.of, tree))
        path = by_options if by_options in found else next(named, "")
        kinds = found.pop(path).kinds if path in found else {}
        now.append(Sized(job.name, job.of, tree, kinds))
    return (*now, *found.values())


def _rows(measured: Sequence[_Measured]) -> tuple[tuple[Cell, ...], ...]:
    """Make the rows; each is compared with upstream's total, the last that stands above it."""
    rows: list[tuple[Cell, ...]] = []
    beside = 0
    for one in measured:
        total = one.kinds[sections.TOTAL]
        beside = total if one.job.of == UPSTREAM else beside
        numbers = (f"{count / MEGABYTE:.1f}" for count in one.kinds.values())
        ratio = f"{total / beside:.0%}" if beside else ""
        when = "before" if one.before else "now"
        variant = of_variant(one.job.name, one.job.ability.variant)
        rows.append((one.job.of, variant, ids.short(one.job.made.stand.made.tree), *numbers, ratio, when))
    return tuple(rows)
