"""Moving the fork to another upstream commit (`sync`), with a person where one is needed.

What is sure is saved at once. Else the sync is *in progress*: what was decided is kept (`stages.session`), a worktree
is opened for the first clash, and each further call of `sync` adds a decision and carries the whole queue anew. Nothing
of the fork's own files changes before everything is decided.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from forkkeeper.core import (
    clash as clashes,
    declaration,
    lock,
    mail,
    overlay,
    report,
    session as sessions,
)
from forkkeeper.core.ids import CommitId
from forkkeeper.core.lock import Lock
from forkkeeper.core.mail import Patch
from forkkeeper.core.planning import Plan
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.core.session import Session
from forkkeeper.core.verdict import Outcome
from forkkeeper.errors import ExitCode, ForkkeeperError, RequestError
from forkkeeper.flow import clashing, passing, saving
from forkkeeper.flow.clashing import DROPPED, MADE, PARKED, Moving
from forkkeeper.flow.searching import with_culprits
from forkkeeper.flow.standing import Setting, near_hint, noted, open_upstream, refuse_faults, scratch
from forkkeeper.shell import disk
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects, session as desks, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.session import Desk
from forkkeeper.stages.upstream import Upstream

_NONE = "no sync is in progress"
_BEGIN = "`forkkeeper sync --upto SHA` begins one"


# the verbs ----------------------------------------------------------------------------------------------------------


def sync(
    setting: Setting,
    *,
    upto: str,
    accept: Sequence[str] = (),
    accept_reviewed: bool = False,
    replace_by: Sequence[str] = (),
    downgrade: bool = False,
    commit: bool = False,
) -> Report:
    """Move the fork to another upstream commit; saves everything as one transaction, or begins a sync in progress.

    replace_by -- "NAME=FILE": take the diff in FILE, made on the new side, in the place of patch NAME
    """
    root = projects.find_root(setting.here, step="sync")
    _check_commit(root, commit=commit)
    with projects.alone(root, doing="sync") as done:
        notes = noted(done)
        desk = Desk(root / projects.STATE)
        written = disk.read(root / lock.FILE)
        known = [lock.parse(written).pin.sha] if written is not None else []
        upstream = open_upstream(setting, root, projects.load_declaration(root))
        sha = upstreams.find(upstream, upto, step="sync", known=known)
        if sha in known:  # before any other check: there is nothing to do, whatever state the files are in
            return Report((*notes, Painted(f"already at {sha}", "green"), *_left_over(root, desk, sha)))
        moving, locked = _opened(setting, root, upstream, notes)
        session = Session(sessions.SCHEMA, upto, sha, locked.pin.sha, commit=commit)
        new, old = clashing.ends(moving, session)
        if not downgrade and upstreams.is_older(upstream, new, old):
            said = f"{report.said(new)} is older than the pin, {report.said(old)}"
            raise RequestError("sync", upto, said, "add --downgrade if that is meant")
        accepted = _named(moving.project, accept)
        session = _joined(moving, session)
        kept: list[Block] = []
        for pair in replace_by:
            session, before = _replaced(moving, session, pair)
            kept += before
        return _advance(moving, _accepted(session, accepted), kept, every=accept_reviewed)


def go_on(setting: Setting, *, widen: bool = False, commit: bool = False) -> Report:
    """Take what a person made of the clash that lies before them, and go on (`sync --continue`)."""
    with _resumed(setting, commit=commit) as (moving, session):
        if session.before is not None and moving.desk.checkout.is_whole:
            after, said = clashing.taken(moving, session, session.before, widen=widen)
            return _advance(moving, after, said)
        return _advance(moving, session)


def accept(setting: Setting, names: Sequence[str], *, every: bool = False, commit: bool = False) -> Report:
    """Accept reviewed rows and proposals by name, and go on. every -- all rows that are for review, no proposals."""
    with _resumed(setting, commit=commit) as (moving, session):
        named = _named(moving.project, names)
        return _advance(moving, _accepted(session, named), every=every)


def park(setting: Setting, name: str | None, *, why: str | None = None, commit: bool = False) -> Report:
    """Set a patch aside (none named: the one that lies before the person), and go on without it (`sync --skip`)."""
    with _resumed(setting, commit=commit) as (moving, session):
        patch = _meant(moving, session, name, "--skip")
        return _left_out(moving, session, patch, PARKED, why or "it clashed, and was set aside to be dealt with later")


def drop(setting: Setting, name: str | None, *, why: str | None = None, commit: bool = False) -> Report:
    """Take a patch out for good (none named: the one that lies before the person), and go on (`sync --drop`)."""
    with _resumed(setting, commit=commit) as (moving, session):
        patch = _meant(moving, session, name, "--drop")
        if not (why or "").strip():
            option = f"--drop {patch.title}"
            raise RequestError("sync", option, "needs the reason why the fork can do without it", 'add --why "…"')
        return _left_out(moving, session, patch, DROPPED, why or "")


def reopen(setting: Setting, name: str) -> Report:
    """Take back what was decided of a patch, and look at it again."""
    with _resumed(setting) as (moving, session):
        patch = _meant(moving, session, name, "--reopen")
        decided = dict.fromkeys((*session.decisions, *session.accepted))
        if patch.name not in decided:
            known = ", ".join(name.removesuffix(".patch") for name in decided) or "nothing yet"
            raise RequestError("sync", f"--reopen {name}", "nothing was decided of it", f"decided: {known}")
        aside = clashing.forgotten(moving.desk, patch)
        decisions = {key: value for key, value in session.decisions.items() if key != patch.name}
        accepted = {key: value for key, value in session.accepted.items() if key != patch.name}
        left = msgspec.structs.replace(session, accepted=accepted, decisions=decisions)
        return _advance(moving, left, aside)


def abort(setting: Setting) -> Report:
    """Give a sync up: the fork is as it was, and what a person had made is set aside, by name."""
    root = projects.find_root(setting.here, step="sync")
    with projects.alone(root, doing="sync") as done:
        desk = Desk(root / projects.STATE)
        try:
            session = desk.load()
            desk.drafts()
        except RequestError as error:  # whatever is wrong with it, this is the way out
            place = desk.move_aside()
            return Report((*noted(done), str(error), f"all of it is kept in {place}/; the fork is as it was"))
        if session is None:
            raise RequestError("sync", "--abort", _NONE, _BEGIN)
        said: list[Block] = [f"the sync to {session.upto} is given up; the fork's files are as they were"]
        said += (*clashing.aside(desk, session.before), *clashing.kept_made(desk, session, {}))
        if desk.give_up():
            said.append("and are replayed in the next sync, where the very same lines meet")
        for name, decision in sorted(session.decisions.items()):
            said += [f"no longer {decision.kind}: {name} ({decision.why})"] if decision.kind != MADE else []
        names = [name for name in session.accepted if name not in session.decisions]
        said += [f"no longer accepted: {', '.join(names)}"] if names else []
        return Report((*noted(done), *said))


def where(setting: Setting) -> Report:
    """Say where a sync in progress stands; exit 1 while there is one."""
    root = projects.find_root(setting.here, step="sync")
    notes = noted(projects.recover(root))
    desk = Desk(root / projects.STATE)
    session = desk.load()
    if session is None:
        return Report((*notes, Painted(_NONE, "green")))
    names = disk.patches_in(root / projects.PATCHES)
    return Report((*notes, *clashing.progress(desk, session, names)), ExitCode.ANSWER_IS_NO)


# one step -----------------------------------------------------------------------------------------------------------


def _advance(moving: Moving, session: Session, kept: Sequence[Block] = (), *, every: bool = False) -> Report:
    """Take one step.

    kept -- what is to be said of what was set aside before, also where the step cannot be taken
    every -- accept all rows that are for review now
    """
    try:
        shown = _step(moving, session, every=every)
    except ForkkeeperError as error:
        raise type(error)(error.step, error.thing, error.found + _listed(kept), error.hint) from error
    return replace(shown, blocks=(*shown.blocks, *kept))


def _step(moving: Moving, session: Session, *, every: bool) -> Report:
    """Carry the queue with all that was decided; save it, or lay the next question before the person."""
    project, desk = moving.project, moving.desk
    new, old = clashing.ends(moving, session)
    desk.save(session)
    saved = None
    with scratch(moving.upstream, desk.objects) as store:
        plan = clashing.carried(moving, session, store, old, new)
        saving.check_composition(store, project, _lock(project), old)
        session, said = _seen(session, plan, every=every)
        said = (*said, *passing.arrived(moving.upstream, project, new.sha))
        unaccepted = plan.unaccepted(tuple(session.accepted), every=False)
        if plan.tree is not None and not unaccepted:
            saving.refuse_loss(project, plan)
            files = saving.carried_files(store, project, plan, plan.tree) | _resolutions(moving, session, plan)
            changed = projects.save(project, files, typed=moving.setting.typed)
            above = (*moving.notes, *report.plan_blocks(plan), *said)
            saved = saving.saved(project, plan, changed, above, commit=session.commit)
        else:
            hand = [name for name, decision in session.decisions.items() if decision.kind == MADE]
            plan = with_culprits(moving.setting, store, moving.upstream, project.declaration, plan, by_hand=hand)
            root = clashing.root_of(plan)
            laid = clashes.lay(store, root.clash, clashing.labels(plan, root)) if root and root.clash else None
    if saved is not None:  # only here: the store writes into the sync's folder to its end
        ended = clashing.ended(desk, session, clashing.counted(moving, session))
        return replace(saved, blocks=(*saved.blocks, *ended))
    said = (*said, *clashing.moved_on(moving, session, root, laid))
    if root is None or laid is None:
        session = clashing.closed(desk, session)
    else:
        session = clashing.opened(moving, session, plan, root, laid)
    place = str(desk.shown()) if session.before is not None else None
    said = (*said, *report.standstill(plan, unaccepted, root, place))
    return Report((*moving.notes, *report.plan_blocks(plan), *said), ExitCode.ANSWER_IS_NO)


def _seen(session: Session, plan: Plan, *, every: bool) -> tuple[Session, tuple[Block, ...]]:
    """Bind what was accepted to what is seen now; what has become another thing since is asked for again."""
    wanted = dict(session.accepted)
    if every:
        wanted |= {row.old.name: wanted.get(row.old.name, "") for row in plan.rows if row.review}
    found: dict[str, str] = {}
    said: list[Block] = []
    for row in plan.rows:
        known = wanted.get(row.old.name)
        if known is None:
            continue
        title = row.old.title
        if row.review and known in ("", sessions.shape(row)):
            found[row.old.name] = sessions.shape(row)
        elif row.review:
            said.append(Painted(f"{title} was accepted, and has become another since: look again", "yellow"))
        elif row.outcome is Outcome.CLASHED:
            said.append(Painted(f"--accept {title}: it clashed, and there is no proposal to accept", "yellow"))
        elif row.rule != "hand":
            said.append(Painted(f"--accept {title}: nothing to accept; it is {row.outcome.value}", "yellow"))
    return msgspec.structs.replace(session, accepted=found), tuple(said)


def _resolutions(moving: Moving, session: Session, plan: Plan) -> dict[str, bytes | None]:
    """Give the files of the resolutions that this sync made or replayed."""
    made = [decision.key for decision in session.decisions.values() if decision.kind == MADE and decision.key]
    replayed = [row.clash.key for row in plan.rows if row.clash is not None and row.clash.key is not None]
    return {**desks.used(clashing.known(moving, session), [*made, *replayed])}


def _left_out(moving: Moving, session: Session, patch: Patch, kind: str, why: str) -> Report:
    aside = clashing.forgotten(moving.desk, patch)
    return _advance(moving, sessions.decided(session, patch, kind, why=" ".join(why.split())), aside)


def _listed(kept: Sequence[Block]) -> str:
    """Give what was set aside as lines of an error."""
    return "".join(f"\n    {block.text if isinstance(block, Painted) else block}" for block in kept)


# beginning and going on ---------------------------------------------------------------------------------------------


def _opened(setting: Setting, root: Path, upstream: Upstream, notes: tuple[Block, ...]) -> tuple[Moving, Lock]:
    """Read the fork, whose files must all agree."""
    project = projects.load(root, step="sync")
    locked = projects.need_in_step(project, step="sync")
    refuse_faults(project, "sync")
    return Moving(setting, root, Desk(root / projects.STATE), upstream, project, notes), locked


@contextlib.contextmanager
def _resumed(setting: Setting, *, commit: bool = False) -> Iterator[tuple[Moving, Session]]:
    """Take up the sync in progress. Raises RequestError where there is none, or the fork has moved on."""
    root = projects.find_root(setting.here, step="sync")
    _check_commit(root, commit=commit)
    with projects.alone(root, doing="sync") as done:
        desk = Desk(root / projects.STATE)
        session = desk.load()
        if session is None:
            raise RequestError("sync", "this call", _NONE, _BEGIN)
        upstream = open_upstream(setting, root, projects.load_declaration(root))
        moving, locked = _opened(setting, root, upstream, noted(done))
        if locked.pin.sha == session.target:
            kept = clashing.ended(desk, session, disk.patches_in(root / projects.PATCHES))
            found = "".join(f"\n    {shown.text if isinstance(shown, Painted) else shown}" for shown in kept)
            raise RequestError(
                "sync", session.upto, f"the fork is there already; nothing is in progress{found}", _BEGIN
            )
        if locked.pin.sha != session.pin:
            said = f"began at {session.pin}, and the pin is {locked.pin.sha} now"
            raise RequestError("sync", "the sync in progress", said, "`forkkeeper sync --abort`, then begin anew")
        yield moving, msgspec.structs.replace(session, commit=session.commit or commit)


def _joined(moving: Moving, wanted: Session) -> Session:
    """Go on with the sync in progress where it is to the same commit. Raises RequestError where work would be lost."""
    found = moving.desk.load()
    if found is None:
        return wanted
    if (found.target, found.pin) == (wanted.target, wanted.pin):
        return msgspec.structs.replace(found, upto=wanted.upto, commit=found.commit or wanted.commit)
    begun = bool(found.decisions) or (found.before is not None and moving.desk.is_edited(found.before))
    if begun:
        raise RequestError(
            "sync",
            wanted.upto,
            f"a sync to {found.upto} is in progress, and something was decided or edited in it",
            "`forkkeeper sync --status` shows it; --continue goes on with it, --abort gives it up",
        )
    moving.desk.finish()
    return wanted


def _left_over(root: Path, desk: Desk, sha: CommitId) -> tuple[Block, ...]:
    """Clear away a sync that was saved and whose end was interrupted; mention one that goes elsewhere."""
    session = desk.load()
    if session is not None and session.target == sha:
        return clashing.ended(desk, session, disk.patches_in(root / projects.PATCHES))
    return (f"a sync to {session.upto} is in progress: `forkkeeper sync --status`",) if session else ()


def _replaced(moving: Moving, session: Session, pair: str) -> tuple[Session, tuple[Block, ...]]:
    """Take what a person made for the new side: a `git diff`, or a whole patch with its own reason and trailers.

    Gives also what is to be said of what they had made of it before.
    """
    project = moving.project
    name, equals, file = pair.partition("=")
    old = project.queue.named(name)
    if not equals or old is None:
        titles = [patch.title for patch in project.queue.patches]
        what = "is no patch of the queue" if equals else "is not of the form NAME=FILE"
        raise RequestError("sync", f"--replace {pair}", what, near_hint(name, titles, "patches"))
    data = disk.read(moving.setting.here / file)
    if data is None:
        raise RequestError("sync", f"--replace {pair}", "there is no such file", "give the file of the new diff")
    try:
        made = mail.replacement(old, data)
    except mail.MailError as error:
        hint = "make it with `git diff` or `git format-patch` in the new tree"
        raise RequestError("sync", file, str(error), hint) from error
    said = clashing.forgotten(moving.desk, old, made.data)
    moving.desk.keep_made(old.name, made.data, None)
    return sessions.decided(session, old, MADE), said


def _named(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """Give the file names of patches. Raises RequestError for a name that is none."""
    found = []
    for name in names:
        patch = project.queue.named(name)
        if patch is None:
            titles = [patch.title for patch in project.queue.patches]
            hint = near_hint(name, titles, "patches")
            raise RequestError("sync", f"--accept {name}", "is no patch of the queue", hint)
        found.append(patch.name)
    return tuple(found)


def _accepted(session: Session, names: Sequence[str]) -> Session:
    return msgspec.structs.replace(session, accepted={**session.accepted, **dict.fromkeys(names, "")})


def _meant(moving: Moving, session: Session, name: str | None, option: str) -> Patch:
    """Find the patch that is meant: by name, or the one that lies before the person."""
    queue = moving.project.queue
    if name is None and session.before is None:
        raise RequestError("sync", option, "no clash lies before you", f"name a patch: `{option} NAME`")
    patch = queue.named(name or (session.before.patch if session.before else ""))
    if patch is None and name is None and session.before is not None:
        title = session.before.patch.removesuffix(".patch")
        hint = "`forkkeeper sync --continue` keeps what was edited of it, and goes on with the queue as it is now"
        raise RequestError("sync", option, f"{title}, which clashed, is no patch of the queue any more", hint)
    if patch is None:
        hint = near_hint(name or "", [one.title for one in queue.patches], "patches")
        raise RequestError("sync", f"{option} {name}", "is no patch of the queue", hint)
    return patch


def _check_commit(root: Path, *, commit: bool) -> None:
    """Refuse --commit where it could not commit what the lock is made of."""
    if commit and not Worktree(root).exists:
        raise RequestError("sync", "--commit", "this fork is in no git repository", "`git init`, or leave it out")
    if commit and (loose := Worktree(root).uncommitted([overlay.FOLDER, declaration.FILE])):
        raise RequestError("sync", "--commit", f"not committed yet: {', '.join(loose)}", "commit that first")


def _lock(project: Project) -> Lock:
    return projects.need_in_step(project, step="sync")
