"""Edits of the vendored directory taken into the queue: `patch absorb`. The directory itself is left as it is."""

import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import compose, mailing, manifest as manifests, overlay, queue as queues, report, restack
from forkkeeper.core.ids import EMPTY_TREE, ObjectId, TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.mailing import Letter
from forkkeeper.core.manifest import Edit, Held, Manifest
from forkkeeper.core.overlay import Overlay, OverlayFile
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.core.restack import Blocked, Piece
from forkkeeper.core.store import EXECUTABLE, REGULAR, Entry, Refused, Written
from forkkeeper.errors import AnswerIsNo, MissingObjectError, RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.holding import place_of
from forkkeeper.flow.patching import Working, keep, said_of, working
from forkkeeper.flow.reshaping import free, words, written
from forkkeeper.flow.standing import Setting, locked_of, missing
from forkkeeper.flow.unsaved import refuse_unsaved
from forkkeeper.shell import clock
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects, vendored
from forkkeeper.stages.vendored import Place, Standing

STEP = "patch absorb"


@dataclass(frozen=True, slots=True)
class Words:
    """What a new patch says. name -- None where the edits go into an existing one."""

    name: str | None
    why: str | None
    title: str | None
    origin: str
    status: str
    witness: str


def patch_absorb(setting: Setting, paths: Sequence[str], said: Words, *, into: str | None = None) -> Report:
    """Take edits of the vendored directory into the queue, and those of overlay files into the overlay.

    paths -- files and folders, in the directory or in the tree (none: all edits); into -- the patch that takes them
    """
    with working(setting, STEP) as work:
        projects.need_in_step(work.project, step=STEP)
        if work.opened is not None:
            refuse_unsaved(work.opened, STEP)
        place, standing, known = _looked(work)
        chosen = _chosen(place, standing, paths)
        own = [one for one in chosen if one.path in work.project.overlay]
        rest = [one for one in chosen if one.path not in work.project.overlay]
        now = _contents(work, place, chosen)
        laid, also = _laid(work, known, own, now)
        after = _after(work, place, known, rest)
        pieces, patches, name = _queue(work, after, said, into)
        fresh = _manifest(work, known, chosen, pieces, patches, laid, name)
        stands = work.opened.chain.at if work.opened else None
        stands = stands if stands in {patch.name for patch in patches} else None
        changed = keep(
            work, pieces, patches, at=stands, also={**also, place.manifest: manifests.write(fresh)}, laid=laid
        )
        title = name.removesuffix(".patch") if name else "the fork's own files"
        told = said_of(work.project, patches, changed, f"patches: edits of {place.name} go into {title}", held=True)
        return Report((*work.notes, *_told(chosen, own, name), *told, *_then(work, place, fresh)))


def _looked(work: Working) -> tuple[Place, Standing, Manifest]:
    if work.project.declaration.materialise.strategy != "vendored":
        found = f'strategy is "{work.project.declaration.materialise.strategy}": there is no vendored directory'
        raise RequestError(STEP, "fork.toml", found, "`forkkeeper patch open` gives a worktree to edit in")
    place = place_of(work.project)
    standing = vendored.look(place)
    if standing.manifest is None:
        found = "is missing, so nobody knows what was edited"
        hint = f"`{committing.typed(place.root, 'restore', place.manifest)}`, or `forkkeeper materialise`"
        raise RequestError(STEP, place.manifest, found, hint)
    return place, standing, standing.manifest


def _chosen(place: Place, standing: Standing, paths: Sequence[str]) -> tuple[Edit, ...]:
    """Give the edits at these paths. Raises RequestError where there are none."""
    every = standing.edits
    if not every:
        raise RequestError(STEP, place.name, "nothing was edited there", "`forkkeeper verify` looks at all of it")
    if not paths:
        return every
    found: dict[str, Edit] = {}
    for given in paths:
        path = given.removeprefix("./").removeprefix(f"{place.name.rstrip('/')}/").rstrip("/")
        hits = [one for one in every if one.path == path or one.path.startswith(f"{path}/") or path == place.name]
        if not hits:
            edited = vendored.some([one.path for one in every])
            raise RequestError(STEP, given, "nothing was edited there", f"edited are {edited}")
        found |= {one.path: one for one in hits}
    return tuple(found[path] for path in sorted(found))


def _contents(work: Working, place: Place, chosen: Sequence[Edit]) -> Mapping[str, bytes]:
    """Read the edited files, and write them as blobs. Raises RequestError where one changes meanwhile."""
    found = {}
    for one in chosen:
        if one.now is not None:
            found[one.path] = vendored.content(place, one.path)
            if work.store.put(found[one.path]) != one.now.oid:
                raise RequestError(STEP, one.path, "was edited while the command ran", "run the command again")
    return found


def _laid(
    work: Working, known: Manifest, own: Sequence[Edit], now: Mapping[str, bytes]
) -> tuple[Overlay, dict[str, bytes | None]]:
    """Give the overlay with the edits of its files, and those files."""
    laid = dict(work.project.overlay)
    files: dict[str, bytes | None] = {}
    for one in own:
        place, file = f"{overlay.FOLDER}/{one.path}", laid[one.path]
        held = known.paths.get(one.path)
        if held is None or work.store.put(file.data) != held.oid or file.mode != held.mode:
            found = "was changed in both places: the overlay has another text than what was materialised"
            raise AnswerIsNo(STEP, place, found, f"put the edit into {place} by hand, then `forkkeeper log`")
        if {file.mode, one.now.mode if one.now else REGULAR} != {REGULAR} and (
            one.now is None or one.now.mode != file.mode or file.mode != EXECUTABLE
        ):
            found = "is a link or an executable, and the edit is more than its text"
            raise AnswerIsNo(STEP, place, found, f"make the edit in {overlay.FOLDER} by hand, then `forkkeeper log`")
        files[place] = now.get(one.path)
        if one.now is None:
            del laid[one.path]
        else:
            laid[one.path] = OverlayFile(file.mode, now[one.path])
    return laid, files


def _after(work: Working, place: Place, known: Manifest, rest: Sequence[Edit]) -> TreeId:
    """Give the queue's tree with the edits; those of an older tree are merged onto the present one."""
    if known.tree == locked_of(work.project, STEP).trees.composed:
        return work.store.graft(work.tip, {one.path: one.now for one in rest})
    paths = [one.path for one in rest]
    base: dict[str, Entry | None] = {one.path: one.was for one in rest if one.was is not None}
    for one in rest:
        if one.was is not None:
            _bring(work, place, one.path, one.was.oid)
    there = work.store.some(work.tip, paths)
    sides = [
        work.store.graft(EMPTY_TREE, entries)
        for entries in (base, dict(there), {one.path: one.now for one in rest if one.now is not None})
    ]
    answer = work.store.merge(*sides)
    match answer:
        case Refused(paths=stopped, why=why, places=places):
            where = tuple(dict.fromkeys(f"{one.path}:{one.line}" for one in places)) or stopped
            found = f"was edited on the tree of an older lock, and that does not merge: {', '.join(where)}: {why}"
            hint = (
                "absorb the other files by naming them; for these, `forkkeeper undo` back to the lock that the"
                " directory was made for, absorb there, and sync again"
            )
            raise AnswerIsNo(STEP, place.name, found, hint)
        case Written(tree=merged):
            now = work.store.entries(merged)
            return work.store.graft(work.tip, {path: now.get(path) for path in {*paths, *there, *now}})


def _bring(work: Working, place: Place, path: str, oid: ObjectId) -> None:
    """Have an older blob at hand: upstream's objects hold it, or a commit of the fork. Raises RequestError."""
    try:
        work.store.blob(oid)
    except MissingObjectError:
        data = Worktree(place.root).blob(oid)
        if data is None:
            found = f"was edited on an older text ({oid[:12]}) that neither upstream nor the fork's git has here"
            hint = f"keep a copy of the edit, `forkkeeper materialise --overwrite`, and make it again in {place.name}"
            raise RequestError(STEP, f"{place.name}/{path}", found, hint) from None
        work.store.put(data)


# the queue ----------------------------------------------------------------------------------------------------------


def _queue(
    work: Working, after: TreeId, said: Words, into: str | None
) -> tuple[tuple[Piece, ...], tuple[Patch, ...], str | None]:
    """Give the new queue, as trees and as files, and the name of the patch that took the edits in."""
    if after == work.tip:  # overlay files alone
        return work.pieces, work.project.queue.patches, None
    if into is not None:
        pieces, name = _joined(work, after, into)
        return pieces, restack.written(work.store, pieces), name
    if said.name is None:
        raise missing("name NAME")
    if said.why is None or not said.why.strip():
        raise missing("why TEXT")
    new = free(work.project, said.name, STEP)
    trailers = f"Origin: {said.origin}\nUpstream-Status: {said.status}\nWitness: {said.witness}"
    message = mailing.joined(f"{said.title or words(new)}\n\n{said.why}", trailers)
    letter = Letter(Worktree(work.project.root).author(), email.utils.format_datetime(clock.moment()), message)
    patch = written(work, new, letter, work.store.diffs([(work.tip, after)])[0])
    pieces = (*work.pieces, Piece(patch, work.tip, after, (work.tip, after)))
    return pieces, restack.written(work.store, pieces), new


def _joined(work: Working, after: TreeId, into: str) -> tuple[tuple[Piece, ...], str]:
    """Make the edits part of a patch: brought past the later ones, which must leave those lines alone."""
    at = work.at(into)
    kept = work.pieces[at].patch
    edit = Piece(replace(kept, name="the edits"), work.tip, after, (work.tip, after))
    answer = restack.move(work.store, (*work.pieces, edit), len(work.pieces), at + 1)
    if isinstance(answer, Blocked):
        other = answer.by.title
        hint = f"absorb them --into {other}, or with --name; `forkkeeper patch why FILE:LINE` tells them apart"
        found = f"cannot be part of it: they build on {other}; {answer.stopped.said}"
        raise AnswerIsNo(STEP, f"--into {kept.title}", found, hint)
    first, second = answer[at : at + 2]
    if first.before == second.after:
        raise AnswerIsNo(STEP, kept.title, "nothing would be left of it", f"`forkkeeper patch drop {kept.title}`")
    one = Piece(kept, first.before, second.after, first.stood)
    return (*answer[:at], one, *answer[at + 2 :]), kept.name


def _manifest(
    work: Working,
    known: Manifest,
    chosen: Sequence[Edit],
    pieces: Sequence[Piece],
    patches: Sequence[Patch],
    laid: Overlay,
    name: str | None,
) -> Manifest:
    """Give the manifest of the directory as it is now: what was absorbed is forkkeeper's from here on."""
    if known.tree == locked_of(work.project, STEP).trees.composed:
        steps = [(one.patch.name, work.store.changes(one.before, one.after)) for one in pieces]
        tip = pieces[-1].after if pieces else work.made.baseline.tree
        tree = compose.lay(work.store, tip, overlay.entries(work.store, laid))
        owners = manifests.owners_of(work.made.baseline.entries, steps, laid)
        queue = queues.arrange(work.project.queue, patches)
        entries = sorted(work.store.entries(tree).items())
        paths = {path: Held(entry.mode, entry.oid, owners[path]) for path, entry in entries}
        return Manifest(tree, work.pin.sha, queue.digest(), paths)
    paths = dict(known.paths)
    for one in chosen:
        owner = manifests.OVERLAY if one.path in work.project.overlay else name or manifests.UPSTREAM
        had = paths[one.path].owners if one.path in paths else ()
        if one.now is None:
            del paths[one.path]
        else:
            paths[one.path] = Held(one.now.mode, one.now.oid, had if owner in had else (*had, owner))
    older = replace(known, paths=dict(sorted(paths.items())))
    return replace(older, tree=vendored.tree_of(work.store, older.entries))


def _told(chosen: Sequence[Edit], own: Sequence[Edit], name: str | None) -> tuple[Block, ...]:
    rest = len(chosen) - len(own)
    patch = (
        (f"{report.count(rest, 'file')} went into the patch {name.removesuffix('.patch')}",) if name and rest else ()
    )
    files = tuple(f"{one.path} went into {overlay.FOLDER}/{one.path}" for one in own)
    return (*patch, *files)


def _then(work: Working, place: Place, fresh: Manifest) -> tuple[Block, ...]:
    """Say what is left to do for the directory."""
    standing = vendored.look(place)
    left = manifests.edits(fresh, standing.entries)
    if left:
        return (Painted(f"{report.count(len(left), 'file')} of {place.name} are still edited by hand", "yellow"),)
    if fresh.tree != locked_of(projects.load(work.project.root, step=STEP), STEP).trees.composed:
        return (f"next: `forkkeeper materialise` brings {place.name} to the present lock",)
    return (f"{place.name} is what the fork's files make; no byte of it changed",)
