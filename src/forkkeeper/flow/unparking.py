"""Bringing a patch back into the queue that a person had set aside (`patch unpark`)."""

import shlex

from forkkeeper.core import carry, compose, mail, parked
from forkkeeper.core.compose import Baseline, NotApplied
from forkkeeper.core.ids import TreeId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.parked import Parked
from forkkeeper.core.report import Painted, Report, review_blocks
from forkkeeper.core.restack import Piece
from forkkeeper.core.verdict import GONE, Outcome, Row
from forkkeeper.errors import AnswerIsNo, ExitCode, RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.patching import Working, keep, said_of, working
from forkkeeper.flow.standing import Setting, near_hint
from forkkeeper.shell import disk
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects, upstream as upstreams

_STEP = "patch unpark"


def patch_unpark(setting: Setting, name: str, *, accept: bool = False) -> Report:
    """Carry a parked patch from where it stood onto the end of the queue. accept -- also what is only for review."""
    with working(setting, _STEP) as work:
        project = work.project
        projects.need_in_step(project, step=_STEP)
        one = _found(work, name)
        patch = mail.parse(one.name, one.data)
        tip = work.pieces[-1].after if work.pieces else work.made.baseline.tree
        row = _carried(work, one, patch, tip)
        new = _taken(work, one, row)
        shown = (*work.notes, *review_blocks(row, None)) if row.review else work.notes
        if row.review and not accept:
            said = f"{one.name}: {row.outcome.value}, for review: {row.why}"
            hint = f"next: where that is right: `forkkeeper patch unpark {new.title} --accept`"
            return Report((*shown, Painted(said, "yellow"), hint), ExitCode.ANSWER_IS_NO)
        pieces = (*work.pieces, Piece(new, tip, row.tree or tip, (tip, row.tree or tip)))
        left = tuple(other for other in project.parked if other.name != one.name)
        gone = {f"{projects.PATCHES}/{parked.FOLDER}/{one.name}": None}
        patches = (*project.queue.patches, new)
        changed = keep(work, pieces, patches, parked=left, also=gone)
        return Report((*shown, *said_of(project, patches, changed, f"patches: {new.title} is back")))


def _found(work: Working, name: str) -> Parked:
    """Find a parked patch by name."""
    wanted = name.removesuffix(".patch")
    titles = [one.name.removesuffix(".patch") for one in work.project.parked]
    if wanted not in titles:
        raise RequestError(_STEP, name, "is not parked", near_hint(wanted, titles, "parked"))
    one = work.project.parked[titles.index(wanted)]
    if work.project.queue.named(one.name) is not None:
        hint = f"`forkkeeper patch rename {wanted} NEW`, then this again"
        raise RequestError(_STEP, name, "is the name of a patch in the queue, too", hint)
    return one


def _carried(work: Working, one: Parked, patch: Patch, tip: TreeId) -> Row:
    """Carry the patch, alone, from the commit that it stood on."""
    stood = upstreams.hold(work.upstream, one.stood_on, step=_STEP)
    base = compose.baseline(work.store, stood.tree, work.project.declaration.path)
    steps = compose.stack(work.store, base, [patch])
    for step in steps:
        if isinstance(step, NotApplied):
            found = f"does not apply by itself on {short(one.stood_on)}, where it stood: {step.why}"
            raise AnswerIsNo(_STEP, one.name, found, _anew(work, one))
    return carry.carry(work.store, steps, Baseline(tip, work.store.entries(tip), ())).rows[0]


def _taken(work: Working, one: Parked, row: Row) -> Patch:
    """Give the patch as it is to stand now. Raises AnswerIsNo where it has no place."""
    if row.outcome in GONE:
        gone = f"`{_removal(work, one)}`, then `forkkeeper log`"
        raise AnswerIsNo(_STEP, one.name, f"is {row.outcome.value}: {row.why}", gone)
    if row.outcome is Outcome.CLASHED or row.new is None:
        raise AnswerIsNo(_STEP, one.name, f"clashes still: {row.why}", _anew(work, one))
    return row.new


def _anew(work: Working, one: Parked) -> str:
    title = shlex.quote(one.name.removesuffix(".patch"))
    return (
        f"make it anew: `forkkeeper patch open`, edit, `forkkeeper patch new {title} --why …`; then "
        f"`{_removal(work, one)}` and `forkkeeper log`"
    )


def _removal(work: Working, one: Parked) -> str:
    """Give the command that removes its file: git's where git has it as it is, else the shell's."""
    root, name = work.project.root, f"{projects.PATCHES}/{parked.FOLDER}/{one.name}"
    worktree = Worktree(root)
    is_held = worktree.exists and worktree.committed(name) is not None and not worktree.uncommitted([name])
    return committing.typed(root, "rm", "--", name) if is_held else f"rm {shlex.quote(disk.from_here(root / name))}"
