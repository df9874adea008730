"""Holding the composed tree as fork.toml declares: `materialise` without a directory, and `verify`.

The three strategies are three ways to hold one tree; each says that tree's id.
"""

from dataclasses import dataclass

from forkkeeper.core import declaration, lock, manifest as manifests, report
from forkkeeper.core.manifest import Edit, Manifest
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.shown import spelled
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.branching import branch_materialise, branch_verify, outgoing
from forkkeeper.flow.standing import Setting, Stand, compose_at, locked_of, noted, open_fork, open_upstream, scratch
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import project as projects, upstream as upstreams, vendored
from forkkeeper.stages.project import Project
from forkkeeper.stages.vendored import Place, Standing

STRATEGIES = declaration.KNOWN_VALUES["strategy"]
MOST = 40  # rows shown


def place_of(project: Project) -> Place:
    """Give where the fork has its vendored directory."""
    return Place(project.root, project.root / projects.STATE, project.declaration.materialise.directory)


def hold(setting: Setting, *, strategy: str | None = None, overwrite: bool = False) -> Report:
    """Hold the composed tree as fork.toml declares. strategy -- another one, for this run."""
    step = "materialise"
    root = projects.find_root(setting.here, step=step)
    with projects.alone(root, doing=step) as done:
        project = projects.load(root, step=step)
        declared = project.declaration.materialise
        chosen = _known(strategy or declared.strategy)
        declaration.need(declared, chosen)
        if chosen != "scratch":
            projects.need_in_step(project, step=step)
        upstream = open_upstream(setting, root, project.declaration)
        pin = upstreams.hold(upstream, locked_of(project, step).pin.sha, step=step)
        out = outgoing(project, upstream, pin.sha) if chosen == "branch" else None
        with scratch(upstream, out.objects if out else None) as store:
            stand = Stand(store, pin, compose_at(store, project, pin, step=step))
            said: tuple[Block, ...]
            if chosen == "vendored":
                said = _vendor(setting, project, stand, overwrite=overwrite)
            elif out is not None:
                said = branch_materialise(project, upstream, out, stand, overwrite=overwrite)
            else:
                said = _scratch(project, stand)
    return Report((*noted(done), *said))


def _known(strategy: str) -> str:
    if strategy in STRATEGIES:
        return strategy
    raise RequestError("materialise", f"--strategy {strategy}", "is none", f"known are {', '.join(STRATEGIES)}")


def _scratch(project: Project, stand: Stand) -> tuple[Block, ...]:
    names = ", ".join(project.declaration.variant) or "none is declared"
    return (
        f"composed tree {stand.made.tree} of {report.said(stand.pin)}",
        Painted('strategy "scratch": it is held nowhere; each build writes it for itself', "green"),
        f"next: `forkkeeper build VARIANT` makes {projects.STATE}/build/VARIANT/src and builds it (variants: {names});"
        " `forkkeeper materialise DIR` writes it elsewhere",
    )


def _vendor(setting: Setting, project: Project, stand: Stand, *, overwrite: bool) -> tuple[Block, ...]:
    place = place_of(project)
    wanted = wanted_of(project, stand)
    done = vendored.put(
        stand.store, place, vendored.look(place), wanted, overwrite=overwrite, on_progress=setting.on_progress
    )
    counts = f"{report.count(done.written, 'file')} written, {done.left} unchanged, {done.removed} removed"
    hidden = vendored.lost_to_git(place, list(wanted.paths))
    add = ("add", *(("-f",) if hidden else ()), "-A", "--", place.name, place.manifest)
    changed = done.written or done.removed
    after: tuple[Block, ...] = (
        "next: look at it with `git diff`, then commit it:",
        f"  {committing.typed(place.root, *add)} && {committing.typed(place.root, 'commit')}",
    )
    return (
        f"composed tree {stand.made.tree} of {report.said(stand.pin)} is in {place.name}",
        counts,
        *((Painted(done.kept, "yellow"),) if done.kept else ()),
        *(after if changed else ()),
    )


def wanted_of(project: Project, stand: Stand) -> Manifest:
    """Give the manifest that the present fork has."""
    made = stand.made
    return manifests.of(made, stand.store.entries(made.tree), project.overlay, stand.pin.sha, project.queue.digest())


# verify -------------------------------------------------------------------------------------------------------------


def verify(setting: Setting) -> Report:
    """Compare what is held with what fork.lock says; exit 1 where it is not that."""
    step = "verify"
    project, upstream, notes = open_fork(setting, step)
    locked = locked_of(project, step)
    drifted = tuple(
        Painted(f"{one.thing} differs from {lock.FILE}: `forkkeeper status`", "yellow") for one in project.drift()
    )
    notes = (*notes, *drifted)
    strategy = project.declaration.materialise.strategy
    if strategy == "scratch":
        said = (
            f'strategy "scratch": nothing is held but build directories; the composed tree is {locked.trees.composed}'
        )
        return Report((*notes, said))
    if strategy == "branch":
        return branch_verify(setting, project, upstream, notes)
    place = place_of(project)
    standing = vendored.look(place)
    if standing.manifest is None:
        lacks = f"has no {place.manifest}: nobody knows whose it is" if standing.entries else "was never materialised"
        return Report(
            (*notes, Painted(f"{place.name} {lacks}", "red"), "next: `forkkeeper materialise`"), ExitCode.ANSWER_IS_NO
        )
    faults = _faults(project, place, standing, standing.manifest)
    if faults:
        return Report((*notes, *faults), ExitCode.ANSWER_IS_NO)
    sound = f"{place.name} is tree {locked.trees.composed}, as {lock.FILE} says: {len(standing.entries):,} files"
    return Report((*notes, Painted(sound, "green")))


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Something that is wrong with the directory: what is shown of it, and what to type."""

    blocks: tuple[Block, ...]
    hint: str


def _faults(project: Project, place: Place, standing: Standing, manifest: Manifest) -> tuple[Block, ...]:
    """Say all that is wrong with the directory, and what to type."""
    parts = (
        *_of_manifest(place, manifest),
        *_by_hand(standing.edits, place),
        *_older(project, place, manifest),
        *_through_git(place, standing, manifest),
    )
    steps = tuple(f"next: {part.hint}" if n == 0 else f"then: {part.hint}" for n, part in enumerate(parts))
    return (*(block for part in parts for block in part.blocks), *steps) if parts else ()


def _of_manifest(place: Place, manifest: Manifest) -> tuple[_Wrong, ...]:
    with Scratch([]) as store:
        if vendored.tree_of(store, manifest.entries) == manifest.tree:
            return ()
    said = Painted(f"{place.manifest} was edited: its lines do not make the tree that it names", "red")
    return (_Wrong((said,), f"`{committing.typed(place.root, 'restore', place.manifest)}`"),)


def _by_hand(edits: tuple[Edit, ...], place: Place) -> tuple[_Wrong, ...]:
    if not edits:
        return ()
    colours = {"edited": "yellow", "added": "green", "removed": "red", "mode": "yellow"}
    rows = tuple((spelled(one.path), Painted(one.what, colours[one.what]), one.owner) for one in edits[:MOST])
    more = (f"… and {len(edits) - MOST:,} more",) if len(edits) > MOST else ()
    said = Painted(f"{place.name}: {report.count(len(edits), 'file')} changed by hand since `materialise`", "red")
    hint = (
        "`forkkeeper patch absorb --name NAME --why TEXT` makes a patch of them"
        " (--into PATCH: part of that one); `forkkeeper materialise --overwrite` throws them away"
    )
    return (_Wrong((said, Table(("file", "what", "whose"), rows), *more), hint),)


def _older(project: Project, place: Place, manifest: Manifest) -> tuple[_Wrong, ...]:
    said = stale(project, place, manifest)
    return (_Wrong((Painted(said, "red"),), "`forkkeeper materialise` brings it up to date"),) if said else ()


def stale(project: Project, place: Place, manifest: Manifest) -> str | None:
    """Say where the directory is that of another lock; None where it is not."""
    locked = locked_of(project, "verify")
    if manifest.tree == locked.trees.composed:
        return None
    other = "another pin" if manifest.pin != locked.pin.sha else "another queue or overlay"
    return f"{place.name} is tree {manifest.tree}, made for {other}; {lock.FILE} says {locked.trees.composed}"


def _through_git(place: Place, standing: Standing, manifest: Manifest) -> tuple[_Wrong, ...]:
    """Say what the fork's own git would leave out, or change, where upstream's .gitignore and .gitattributes count."""
    parts: list[_Wrong] = []
    ignored = vendored.lost_to_git(place, list(manifest.paths))
    hidden = [path for path in standing.entries if path in ignored]
    if hidden:
        said = f"git ignores {report.count(len(hidden), 'file')} of {place.name}: {vendored.some(hidden)}"
        parts.append(_Wrong((Painted(said, "red"),), f"`{committing.typed(place.root, 'add', '-f', place.name)}`"))
    changed = [path for path in vendored.rewritten_by_git(place, standing.entries) if path in manifest.paths]
    if changed:
        said = f"git would change the bytes of {report.count(len(changed), 'file')}: {vendored.some(changed)}"
        hint = (
            "see `git check-attr -a FILE` and `git config core.autocrlf`; a [[path]] rule can leave upstream's"
            " .gitattributes out"
        )
        parts.append(_Wrong((Painted(said, "red"),), hint))
    return tuple(parts)


# what other verbs say of it -----------------------------------------------------------------------------------------


def glance(project: Project) -> tuple[Block, ...]:
    """Say in a line where the vendored directory is stale or edited."""
    if project.declaration.materialise.strategy != "vendored" or project.lock is None:
        return ()
    place = place_of(project)
    standing = vendored.look(place)
    if standing.manifest is None:
        return (Painted(f"{place.name} was never materialised: `forkkeeper materialise`", "yellow"),)
    if standing.edits:
        said = f"{place.name}: {report.count(len(standing.edits), 'file')} changed by hand: `forkkeeper verify`"
        return (Painted(said, "yellow"),)
    if stale(project, place, standing.manifest):
        return (Painted(f"{place.name} is that of another lock: `forkkeeper materialise`", "yellow"),)
    return ()
