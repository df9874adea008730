"""A patch written or rewritten: `patch new`, `patch edit` and `patch refresh`."""

import email.utils
from dataclasses import replace
from pathlib import Path

from forkkeeper.core import mailing, restack
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.mailing import Letter
from forkkeeper.core.patchcommits import Taken
from forkkeeper.core.report import Report
from forkkeeper.core.restack import Piece
from forkkeeper.core.store import Refused, Written
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.patching import (
    Working,
    keep,
    not_open,
    patch_open,
    piece_of,
    refuse_stale,
    said_of,
    working,
)
from forkkeeper.flow.reshaping import free, moved, restacked, words, written
from forkkeeper.flow.standing import Setting
from forkkeeper.flow.strays import left_out
from forkkeeper.flow.unsaved import refuse_unsaved
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import opened as openeds, project as projects
from forkkeeper.stages.opened import FOLDER, Opened

_LATER = "later patches do not fit on it"
_LATER_HINT = "change less, or change those first (`forkkeeper patch edit NAME`); nothing was saved"


def patch_new(
    setting: Setting,
    name: str,
    *,
    why: str,
    title: str | None = None,
    origin: str = "local",
    status: str = "Pending",
    witness: str = "none [not written yet]",
    after: str | None = None,
    diff: str | None = None,
) -> Report:
    """Make a patch of the edits in the open worktree, or of a diff that applies on the queue.

    after -- the patch to come right after; None: where the worktree stands, else the last
    diff -- a file, from where the person stands
    """
    step = "patch new"
    with working(setting, step) as work:
        projects.need_in_step(work.project, step=step)
        new = free(work.project, name, step)
        at, before, tree = _applied(work, Path(setting.here, diff)) if diff else _edited(work)
        trailers = f"Origin: {origin}\nUpstream-Status: {status}\nWitness: {witness}"
        message = mailing.joined(f"{title or words(new)}\n\n{why}", trailers)
        letter = Letter(Worktree(work.project.root).author(), email.utils.format_datetime(clock.moment()), message)
        patch = written(work, new, letter, work.store.diffs([(before, tree)])[0])
        piece = Piece(patch, before, tree, (before, tree))
        wanted = (*work.pieces[:at], piece, *work.pieces[at:])
        pieces = restacked(work, wanted, f"{new}: {_LATER}", _LATER_HINT)
        if after is not None:
            there = work.at(after) + 1
            pieces = moved(work, pieces, at, there if there < at else there - (there > at))
        patches = restack.written(work.store, pieces)
        stands = new if at < len(work.pieces) else None
        changed = keep(work, pieces, patches, at=stands)
        out = left_out(work.opened.checkout, at_patch=stands is not None) if work.opened and not diff else ()
        said = said_of(work.project, patches, changed, f"patches: {words(new)}\n\n{why}")
        return Report((*work.notes, *said, *out))


def _applied(work: Working, file: Path) -> tuple[int, TreeId, TreeId]:
    """Apply a diff on the whole queue: the place in the order, and the trees before and after it."""
    if work.opened is not None:
        refuse_unsaved(work.opened, work.step)
    data = disk.read(file)
    if data is None:
        raise RequestError(work.step, f"--diff {file.name}", "there is no such file", "give the file of a `git diff`")
    tree = work.tip
    answer = work.store.apply(tree, data)
    match answer:
        case Refused(paths=paths, why=why):
            where = f" ({', '.join(paths)})" if paths else ""
            hint = "make it on the composed fork: `forkkeeper patch open`, and `git apply --3way` there"
            raise AnswerIsNo(work.step, f"--diff {file.name}", f"does not apply on the queue: {why}{where}", hint)
        case Written(tree=after) if after == tree:
            raise RequestError(work.step, f"--diff {file.name}", "changes nothing on the queue", "give another diff")
        case Written(tree=after):
            return len(work.pieces), tree, after


def _edited(work: Working) -> tuple[int, TreeId, TreeId]:
    """Take the edits of the open worktree: the place in the order, and the trees before and after them."""
    if work.opened is None:
        hint = "`forkkeeper patch open`, edit files there, and run this again; or give --diff FILE"
        raise RequestError(work.step, FOLDER, "is not open, and no --diff was given", hint)
    checkout, chain = work.opened.checkout, work.opened.chain
    _refuse_unready(work, work.opened)
    if checkout.head() != chain.stands:
        raise RequestError(work.step, FOLDER, "holds commits that are not saved", "`forkkeeper patch save` first")
    at = work.at(chain.at) + 1 if chain.at else len(work.pieces)
    before = work.pieces[at - 1].after if at else work.made.baseline.tree
    tree = checkout.tree()
    if tree == before:
        hint = f"edit files in {FOLDER}, and run this again; or give --diff FILE"
        raise RequestError(work.step, FOLDER, "nothing was edited", hint)
    return at, before, tree


def _refuse_unready(work: Working, opened: Opened) -> None:
    checkout = opened.checkout
    if doing := checkout.underway():
        hint = f"in {FOLDER}: `git {doing} --continue`, or `git {doing} --abort`"
        raise RequestError(work.step, FOLDER, f"a {doing} is underway", hint)
    if unsettled := checkout.unsettled():
        hint = f"in {FOLDER}: settle them, and `git add` them"
        raise RequestError(work.step, FOLDER, f"unsettled conflicts: {openeds.some(unsettled)}", hint)
    if checkout.commit_at(f"refs/heads/{openeds.BRANCH}") not in (None, opened.chain.tip):
        hint = f"`git -C {FOLDER} checkout {openeds.BRANCH}`, then `forkkeeper patch save`"
        raise RequestError(work.step, FOLDER, f"branch {openeds.BRANCH} holds commits that are not saved", hint)
    refuse_stale(work, opened)


def patch_edit(setting: Setting, name: str) -> Report:
    """Open the worktree standing at a patch."""
    return patch_open(setting, at=name, step="patch edit")


def patch_refresh(setting: Setting) -> Report:
    """Take what was edited into the patch at which the open worktree stands; carry the later ones over it."""
    step = "patch refresh"
    with working(setting, step) as work:
        projects.need_in_step(work.project, step=step)
        opened = work.opened
        if opened is None:
            raise not_open(step)
        checkout, chain = opened.checkout, opened.chain
        if chain.at is None or checkout.branch() is not None:
            hint = "`forkkeeper patch edit NAME` first; on the branch, commit or amend, and `forkkeeper patch save`"
            raise RequestError(step, FOLDER, "stands at no single patch", hint)
        _refuse_unready(work, opened)
        at = work.at(chain.at)
        piece = _refreshed(work, opened, at)
        wanted = (*work.pieces[:at], piece, *work.pieces[at + 1 :])
        pieces = restacked(work, wanted, f"{piece.patch.title}: {_LATER}", _LATER_HINT)
        patches = restack.written(work.store, pieces)
        changed = keep(work, pieces, patches, at=chain.at)
        said = said_of(work.project, patches, changed, f"patches: {piece.patch.title} does it otherwise")
        return Report((*work.notes, *said, *left_out(checkout, at_patch=True)))


def _refreshed(work: Working, opened: Opened, at: int) -> Piece:
    """Give the patch as the worktree has it now: its files, and the words of its commit where that was amended."""
    checkout, chain = opened.checkout, opened.chain
    below = CommitId(chain.commits[at - 1][0] if at else chain.base)
    found = checkout.since(below)
    step = work.made.steps[at]
    if len(found) != 1 or found[0].parents != (below,):
        hint = f"in {FOLDER}: make one commit of them (`git rebase -i {below[:12]}`), then refresh again"
        what = f"{len(found)} commits stand where {step.patch.title} stood"
        raise RequestError(work.step, FOLDER, what, hint)
    tree = checkout.tree(also=step.patch.paths)
    made = replace(found[0], tree=tree)
    if tree == step.before:
        hint = f"`forkkeeper patch drop {step.patch.title} --why TEXT`"
        raise RequestError(work.step, step.patch.title, "nothing would be left of it", hint)
    if tree == step.after and found[0].sha == chain.stands:
        raise RequestError(work.step, step.patch.title, "nothing was edited", f"edit files in {FOLDER}, then refresh")
    (was,) = checkout.since(below, chain.stands)
    letter = Letter(made.author, made.date, mailing.nameless(made.message))
    return piece_of(work, Taken(step.patch.name, made, step.before, letter, ()), step, was)
