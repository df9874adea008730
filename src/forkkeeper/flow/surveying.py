"""Where the fork stands, said: `status`. Typed more often than all else, so it imports no more than it needs."""

import datetime as dt

from forkkeeper.core import lock, merging, parked, queue as queues, report
from forkkeeper.core.mail import Patch
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.core.shown import spelled
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow import committing, passing
from forkkeeper.flow.holding import glance
from forkkeeper.flow.standing import Setting, composed, open_fork, sources_table
from forkkeeper.shell import clock, disk
from forkkeeper.stages import materialise as materialising, project as projects, upstream as upstreams
from forkkeeper.stages.project import LineEnds, Project
from forkkeeper.stages.session import Desk
from forkkeeper.stages.upstream import Upstream


def status(setting: Setting, *, max_age: int | None = None) -> Report:
    """Say where the fork stands; exit 1 when that is not in step.

    max_age -- days that the pin may be old
    """
    project, upstream, notes = open_fork(setting, "status")
    faults = queues.faults(project.queue, step="status")
    unproved = _without_witness(project)
    if project.lock is None:
        raise RequestError("status", lock.FILE, "is missing", projects.LOCK_HINT)
    pin = project.lock.pin
    age = (clock.today() - dt.date.fromisoformat(pin.date)).days
    known = ", ".join(upstreams.names_of(upstream, pin.sha))
    drifted = project.drift()
    blocks: list[Block] = [
        *notes,
        f"{project.declaration.name}: a fork of {project.declaration.upstream.name}",
        f"pin       {pin.sha}" + (f" ({known})" if known else ""),
        f"age       {age} days (commit of {pin.date})",
        f"queue     {report.count(len(project.queue.patches), 'patch')}",
        f"overlay   {report.count(len(project.overlay), 'file')}",
        "",
        sources_table(upstream, pin.sha),
        "",
    ]
    blocks += [Painted(f"{d.thing} differs from {lock.FILE}", "red") for d in drifted]
    blocks += [
        Painted(f"{text}; `forkkeeper patch unpark` brings it back", "yellow")
        for text in parked.summary(project.parked)
    ]
    blocks += [*passing.followed(upstream, project), *passing.arrived(upstream, project, pin.sha)]
    blocks += _in_progress(project)
    blocks += [Painted(f"no witness: {name}", "yellow") for name in unproved]
    blocks += [Painted(text, "yellow") for text in faults if "Witness" not in text]
    blocks += driver_hint(project)
    blocks += [*glance(project), *_half_written(project)]
    wrong = _tree_fault(project, upstream)
    blocks += [Painted(wrong, "red")] if wrong else []
    ends = projects.line_ends(project.root)
    blocks += _line_ends(project, ends)
    hidden = projects.ignored(project.root)
    blocks += [Painted(f"git ignores {path}: no clone would have it", "red") for path in hidden]
    old = max_age is not None and age > max_age
    if old:
        blocks.append(Painted(f"the pin is {age} days old, more than the {max_age} allowed", "red"))
    meant = "`git restore` what was not meant; else `forkkeeper log`, then commit"
    hints = [
        *([_kept_exact(project)] if ends.rewritten else [meant] if drifted or wrong else []),
        *([f"`{committing.command(project.root, hidden, 'the fork, whole')}`"] if hidden else []),
        *([f"`forkkeeper sync --upto {upstreams.newest(upstream) or 'SHA'}`"] if old else []),
    ]
    if hints:
        return Report((*blocks, *(f"next: {hint}" for hint in hints)), ExitCode.ANSWER_IS_NO)
    if upstreams.held(upstream, pin.sha) is None:
        said = "queue, overlay, log and lock agree; the pin is not held here, so the composed tree was not compared"
        hint = "next: `forkkeeper log --check` brings the pin here and compares, or says why it cannot"
        return Report((*blocks, Painted(said, "yellow"), hint))
    return Report((*blocks, Painted("in step: queue, overlay, log and lock agree", "green")))


def _line_ends(project: Project, ends: LineEnds) -> tuple[Block, ...]:
    """Say whose line ends git's settings change, or may change once there are any of the other kind."""
    if ends.rewritten:
        said = "git stores it with other line ends than it has here (core.autocrlf, .gitattributes)"
        return tuple(Painted(f"{spelled(path)}: {said}", "red") for path in ends.rewritten)
    if not ends.reached:
        return ()
    said = f"git may change line ends of {report.count(len(ends.reached), 'file')} of the fork's own"
    return (Painted(f"{said}, such as {spelled(ends.reached[0])}: {_kept_exact(project)}", "yellow"),)


def _kept_exact(project: Project) -> str:
    """Say what keeps git from changing line ends."""
    if merging.lacking(disk.read(project.root / merging.ATTRIBUTES) or b""):
        return "`forkkeeper setup` has git keep the fork's own files byte for byte"
    return f"`git check-attr -a FILE` shows what outdoes the fork's lines in {merging.ATTRIBUTES}"


def _half_written(project: Project) -> tuple[Block, ...]:
    """Say which directories a killed command left with some old files and some new ones."""
    found = materialising.unfinished(project.root / projects.STATE / "materialised")
    text = "was being written when a command was killed: some of its files are old, some new; run that command again"
    return tuple(Painted(f"{spelled(str(folder))} {text}", "yellow") for folder in found)


def _in_progress(project: Project) -> list[Block]:
    """Mention a sync that a person is in the middle of."""
    session = Desk(project.root / projects.STATE).load()
    if session is None:
        return []
    return [Painted(f"a sync to {session.upto} is in progress: `forkkeeper sync --status`", "yellow")]


def _tree_fault(project: Project, upstream: Upstream) -> str | None:
    """Compare the composed tree with the lock, where upstream's objects are at hand."""
    if project.lock is None or project.drift() or upstreams.held(upstream, project.lock.pin.sha) is None:
        return None
    with composed(project, upstream, step="status") as stand:
        tree = stand.made.tree
    locked = project.lock.trees.composed
    return f"{lock.FILE} says tree {locked}, and the files compose to {tree}" if tree != locked else None


def driver_hint(project: Project) -> tuple[Block, ...]:
    """Say where this clone does not know the merge driver that the fork's files ask for."""
    said = f"this clone merges {merging.FILES[0]} as plain text: `forkkeeper setup` tells git of the merge driver"
    return (Painted(said, "yellow"),) if projects.lacks_driver(project.root) else ()


def _without_witness(project: Project) -> tuple[str, ...]:
    return tuple(p.title for p in project.queue.patches if not p.trailer("Witness")) + _witness_files_missing(project)


def _witness_files_missing(project: Project) -> tuple[str, ...]:
    return tuple(f"{patch.title} ({patch.trailer('Witness')})" for patch in without_witness_file(project))


def without_witness_file(project: Project) -> tuple[Patch, ...]:
    """Give the patches whose witness is a file that does not exist."""
    found = []
    for patch in project.queue.patches:
        witness = patch.trailer("Witness") or "none"
        if not witness.startswith("none") and not (project.root / witness.split("::", 1)[0]).is_file():
            found.append(patch)
    return tuple(found)
