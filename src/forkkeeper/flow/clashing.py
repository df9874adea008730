"""The worktree of a clash: laid before a person, taken from them, and nothing of theirs lost on the way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from forkkeeper.core import clash as clashes, clashnote, mail, planning, report, resolutions, session as sessions
from forkkeeper.core.clash import Clash, Labels
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.placing import Aid, LeftOut
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.report import Block, Painted, Table
from forkkeeper.core.resolutions import Recorded
from forkkeeper.core.session import Before, Session
from forkkeeper.core.shown import spelled
from forkkeeper.core.verdict import Outcome, Row
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.passing import passed
from forkkeeper.flow.standing import Setting, scratch
from forkkeeper.flow.strays import refuse_ignored
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout, Scratch, Stages
from forkkeeper.stages import session as desks, upstream as upstreams
from forkkeeper.stages.opened import some
from forkkeeper.stages.project import Project
from forkkeeper.stages.session import Desk, Kept
from forkkeeper.stages.upstream import Upstream

MADE, PARKED, DROPPED = "made", "parked", "dropped"


@dataclass(frozen=True, slots=True)
class Moving:
    """A fork that is being moved: all that each step of a sync stands on."""

    setting: Setting
    root: Path
    desk: Desk
    upstream: Upstream
    project: Project
    notes: tuple[Block, ...]


def carried(moving: Moving, session: Session, store: Scratch, old: Commit, new: Commit) -> Plan:
    """Plan with all that was decided."""
    project = moving.project
    queue = project.queue
    decisions = {patch.name: found for patch in queue.patches if (found := session.counts(patch)) is not None}
    trusted = frozenset(session.accepted)
    outcomes = {PARKED: Outcome.PARKED, DROPPED: Outcome.DROPPED}
    aid = Aid(
        by_hand={name: mail.parse(name, data) for name, data in counted(moving, session).items()},
        trusted=trusted,
        recorded=resolutions.by_key(known(moving, session)),
        left_out={n: LeftOut(outcomes[d.kind], d.why) for n, d in decisions.items() if d.kind in outcomes},
        titled=upstreams.titled(moving.upstream, old, new),
        passed=passed(moving.upstream, store, queue.patches, project.declaration.path, new),
    )
    return planning.make(store, old, new, queue, project.overlay, project.declaration.path, aid)


def counted(moving: Moving, session: Session) -> dict[str, bytes]:
    """Read the patches that a person made to fit, of the queue as it is, by file name."""
    found = {}
    for patch in moving.project.queue.patches:
        decision = session.counts(patch)
        data = moving.desk.made(patch.name) if decision is not None and decision.kind == MADE else None
        if data is not None:
            found[patch.name] = data
    return found


def known(moving: Moving, session: Session) -> tuple[Recorded, ...]:
    """Give the recorded resolutions: those of syncs that were given up, the fork's, those of this sync.

    One of this sync counts from when it is decided: of a `--continue` that was killed before, the edits are taken anew.
    """
    own = desks.read_resolutions(moving.root / resolutions.FOLDER)
    decided = {one.key for one in session.decisions.values() if one.key}
    return (*moving.desk.kept(), *own, *(one for one in moving.desk.drafts() if one.key in decided))


def root_of(plan: Plan) -> Row | None:
    """Give the first patch that clashes by itself."""
    return next((row for row in plan.clashed if row.root is None), None)


def labels(plan: Plan, row: Row) -> Labels:
    """Give what stands behind the markers of a clash."""
    upto = f"upstream {short(plan.new.sha)}, with the patches before"
    return Labels(upto, f"common base, as on {short(plan.old.sha)}", f"patch {row.old.title}")


def ends(moving: Moving, session: Session) -> tuple[Commit, Commit]:
    """Give the upstream commit that a sync goes to, and the one that it comes from."""
    new = upstreams.hold(moving.upstream, session.target, step="sync")
    return new, upstreams.hold(moving.upstream, session.pin, step="sync")


# the worktree -----------------------------------------------------------------------------------------------------


def opened(moving: Moving, session: Session, plan: Plan, row: Row, laid: TreeId) -> Session:
    """Lay a clash before the person: the worktree and the note; one that is open already stays as it is."""
    desk, clash = moving.desk, row.clash
    if clash is None:
        return session
    disk.write(desk.note, clashnote.text(row, clash, plan.culprits.get(row.old.name)).encode())
    before = session.before
    if before is not None and before.patch == row.old.name and before.laid == laid and desk.checkout.is_whole:
        desk.save(session)
        return session
    desk.save(msgspec.structs.replace(session, before=None))
    checkout = desk.checkout
    checkout.make([*upstreams.lenders(moving.upstream), desk.objects])
    head = _stood(checkout, plan, row, clash)
    checkout.stand(head)
    checkout.lay(laid, [Stages(one.path, one.base, one.ours, one.theirs) for one in clash.contests])
    session = msgspec.structs.replace(session, before=Before(row.old.name, head, laid))
    desk.save(session)  # last: what is not written down is made anew
    return session


def _stood(checkout: Checkout, plan: Plan, row: Row, clash: Clash) -> CommitId:
    """Write the commits that the worktree stands on: upstream, and the patches before the one that clashes."""
    who = {"author": "forkkeeper <forkkeeper@invalid>", "date": f"{plan.new.time} +0000"}
    base = checkout.commit(plan.baseline, (), f"upstream {plan.new.sha}\n", **who)
    if clash.before == plan.baseline:
        return base
    names = [one.old.title for one in plan.rows[: plan.rows.index(row)] if one.new is not None]
    message = f"the patches before {row.old.title}\n\n" + "".join(f"* {name}\n" for name in names)
    return checkout.commit(clash.before, (base,), message, **who)


def closed(desk: Desk, session: Session) -> Session:
    """Take the worktree away: no clash lies before the person."""
    session = msgspec.structs.replace(session, before=None)
    desk.save(session)
    desk.checkout.remove()
    desk.note.unlink(missing_ok=True)
    return session


def taken(moving: Moving, session: Session, before: Before, *, widen: bool) -> tuple[Session, tuple[Block, ...]]:
    """Take a person's edits as the patch that fits; gives also what is to be said of what else they had made there.

    Where the clash is not the one that was laid, nothing is taken: the edits are set aside when the worktree goes.
    Raises RequestError or AnswerIsNo where that cannot be meant.
    """
    desk, checkout = moving.desk, moving.desk.checkout
    patch = moving.project.queue.named(before.patch)
    row = _still(moving, session, before) if patch is not None else None
    if patch is None or row is None or row.clash is None:
        return session, ()
    clash = row.clash
    own = {*patch.paths, *(one.path for one in clash.contests), *row.paths}
    _check_outside(desk, own)
    now = checkout.tree(also=sorted(own))
    with Scratch((*upstreams.lenders(moving.upstream), desk.objects, checkout.objects)) as store:
        changed = [change.path for change in store.changes(clash.before, now)]
        _check_settled(store, desk, clash, now, changed, before)
        _check_reach(patch, changed, own, widen=widen)
        if not changed:
            raise RequestError(
                "sync",
                f"--continue {patch.title}",
                "nothing is left of it in the worktree",
                f'`forkkeeper sync --drop {patch.title} --why "…"`, or --skip, if that is meant',
            )
        diff = store.diffs([(clash.before, now)])[0]
    recorded = None
    if clash.key is not None:
        sides = resolutions.sides(clash.contests)
        recorded = Recorded(patch.name, clash.key, session.pin, session.target, sides, row.why or "", diff)
    fits = patch.with_diff(diff).data
    said = forgotten(desk, patch, fits)
    desk.keep_made(patch.name, fits, recorded)
    if more := desk.beyond(checkout.head() or before.head):
        said = (*said, _said_kept(before, desk.keep_whole(before, more)))
    # their word holds for files that they left alone, too
    accepted = {**session.accepted, patch.name: ""}
    decided = sessions.decided(session, patch, MADE, key=clash.key or "")
    return msgspec.structs.replace(decided, accepted=accepted, before=None), said


def _still(moving: Moving, session: Session, before: Before) -> Row | None:
    """Give the row of the clash that was laid; None where it is settled in another way, or on other ground now."""
    _check_stand(moving.desk, before)
    new, old = ends(moving, session)
    with scratch(moving.upstream, moving.desk.objects) as store:
        plan = carried(moving, session, store, old, new)
        row = next(one for one in plan.rows if one.old.name == before.patch)
        if row.outcome is not Outcome.CLASHED or row.clash is None:
            return None
        return row if clashes.lay(store, row.clash, labels(plan, row)) == before.laid else None


def _check_stand(desk: Desk, before: Before) -> None:
    """Refuse a worktree that was moved by hand, or in which git is in the middle of something."""
    checkout, shown = desk.checkout, desk.shown()
    doing = checkout.underway()
    if doing is not None:
        hint = f"`git -C {shown} {doing} --continue` or --abort, then `forkkeeper sync --continue`"
        raise RequestError("sync", str(shown), f"a {doing} of git's is underway there", hint)
    head = checkout.head()
    if head is None or not checkout.holds(before.head, head):
        hint = f"`git -C {shown} reset --soft {short(before.head)}` keeps your files, then `forkkeeper sync --continue`"
        raise RequestError("sync", str(shown), "was moved to another commit by hand", hint)


def _check_outside(desk: Desk, own: set[str]) -> None:
    """Refuse what git would leave out of the patch though it lies there: ignored files, repositories in it."""
    checkout, shown = desk.checkout, desk.shown()
    anew = "`forkkeeper sync --continue`"
    refuse_ignored(checkout, shown, own, step="sync", taken="`forkkeeper sync --continue --widen`", then=anew)
    known = checkout.submodules()
    nested = [path for path in checkout.nested() if path not in known]
    if nested:
        raise RequestError(
            "sync",
            str(shown),
            f"holds repositories of their own, which no patch can hold: {some(nested)}",
            "move them out of there, then `forkkeeper sync --continue`",
        )


def _check_settled(
    store: Scratch, desk: Desk, clash: Clash, now: TreeId, changed: Sequence[str], before: Before
) -> None:
    """Refuse what a person has not settled yet: markers, and paths of which lines say nothing."""
    shown = desk.shown()
    paths = {*changed, *(one.path for one in clash.contests)}
    left = clashes.left_over(store, clash, now, sorted(paths))
    if left:
        rows = [spelled(f"{one.path}:{one.line}: {one.text}") for one in left[:10]]
        more = f"\n    … and {len(left) - 10} more" if len(left) > 10 else ""
        raise AnswerIsNo(
            "sync",
            str(shown),
            "conflict markers are left:\n    " + "\n    ".join(rows) + more,
            "edit them away, then `forkkeeper sync --continue`",
        )
    open_ones = [path for path in desk.checkout.unsettled() if _is_untouched(store, path, now, before.laid)]
    if open_ones:
        raise AnswerIsNo(
            "sync",
            str(shown),
            f"not settled yet: {', '.join(open_ones)}",
            f"`git -C {shown} add FILE` as it is to be, or `git -C {shown} rm FILE`, then `forkkeeper sync --continue`",
        )


def _is_untouched(store: Scratch, path: str, now: TreeId, laid: TreeId) -> bool:
    return store.some(now, [path]).get(path) == store.some(laid, [path]).get(path)


def _check_reach(patch: Patch, changed: Sequence[str], own: set[str], *, widen: bool) -> None:
    """Refuse edits of files that the patch has nothing to do with, unless that is meant."""
    others = [path for path in changed if path not in own]
    if others and not widen:
        raise AnswerIsNo(
            "sync",
            patch.title,
            f"the worktree changes files that the patch does not touch: {', '.join(others)}",
            "restore or remove them there; or add --widen if they now belong to the patch",
        )


def aside(desk: Desk, before: Before | None) -> tuple[Block, ...]:
    """Set aside what a person made in the worktree and did not finish; gives what is to be said of it."""
    kept = desk.keep_work(before) if before is not None else None
    return () if before is None or kept is None else (_said_kept(before, kept),)


def _said_kept(before: Before, kept: Kept) -> Block:
    if not kept.beyond:
        return Painted(f"your edits for {before.patch} that were not finished are kept in {kept.place}", "yellow")
    holds = spelled("; ".join(f"{what}: {some(names)}" for what, names in kept.beyond.items()))
    return Painted(f"the worktree of {before.patch} is kept whole in {kept.place}/, as it holds {holds}", "yellow")


def progress(desk: Desk, session: Session, names: Collection[str]) -> tuple[Block, ...]:
    """Say where a sync in progress stands, and what to type. names -- the patches of the queue."""
    rows = [
        (name.removesuffix(".patch"), {MADE: "made to fit"}.get(one.kind, one.kind), one.why)
        for name, one in session.decisions.items()
    ]
    rows += [
        (name.removesuffix(".patch"), "accepted", "") for name in session.accepted if name not in session.decisions
    ]
    blocks: list[Block] = [
        f"a sync to {session.upto} ({short(session.target)}) is in progress, from {short(session.pin)}",
        *([Table(("patch", "decided", "why"), tuple(rows))] if rows else ["nothing is decided yet"]),
    ]
    before = session.before
    if before is None:
        return (*blocks, "next: `forkkeeper sync --continue` shows what is open")
    title, shown = before.patch.removesuffix(".patch"), desk.shown()
    if not desk.is_laid:
        return (*blocks, f"{title} clashes; its worktree is gone", "next: `forkkeeper sync --continue` makes it anew")
    if not desk.checkout.is_whole:
        said = f"{title} clashes; its worktree {shown} is damaged: git cannot read it"
        return (*blocks, said, "next: `forkkeeper sync --continue` moves it aside as it is, and lays the clash anew")
    edited = "edited" if desk.is_edited(before) else "not edited yet"
    if before.patch not in names:
        said = f"{title} clashed, and is no patch of the queue any more; it lies in {shown}, {edited}"
        hint = "next: `forkkeeper sync --continue` keeps what was edited, and goes on with the queue as it is now"
        return (*blocks, said, hint)
    said = f"{title} clashes; it lies in {shown}, {edited}; what it is about: {shown.parent / desks.NOTE}"
    return (*blocks, Painted(said, "bold"), *report.ways_on(title, proposed=False))


def ended(desk: Desk, session: Session, queue: Mapping[str, bytes]) -> tuple[Block, ...]:
    """End a sync, and set aside what a person made in it that is in no file. queue -- what was saved, by name."""
    said = (*aside(desk, session.before), *kept_made(desk, session, queue))
    desk.finish()
    return said


def kept_made(desk: Desk, session: Session, queue: Mapping[str, bytes]) -> tuple[Block, ...]:
    """Set aside the patches that a person made to fit, but for those that are in the queue so."""
    made = {name: data for name in sorted(session.decisions) if (data := desk.made(name)) is not None}
    made = {name: data for name, data in made.items() if queue.get(name) != data}
    if not made:
        return ()
    return (f"patches that were made to fit are kept in {desk.set_aside(made)}/: {', '.join(made)}",)


def forgotten(desk: Desk, patch: Patch, now: bytes | None = None) -> tuple[Block, ...]:
    """Set aside what a person made of a patch before they decided it in another way. now -- what they make of it."""
    if desk.made(patch.name) in (None, now):
        return ()
    return (Painted(f"what was made of {patch.title} is kept in {desk.forget(patch.name)}/", "yellow"),)


def moved_on(moving: Moving, session: Session, root: Row | None, laid: TreeId | None) -> tuple[Block, ...]:
    """Set edits aside where another clash lies before the person now, or the ground of this one has moved."""
    before = session.before
    stays = before is not None and root is not None and before.patch == root.old.name and before.laid == laid
    return () if stays and moving.desk.checkout.is_whole else aside(moving.desk, before)
