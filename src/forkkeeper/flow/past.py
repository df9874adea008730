"""Going back and forward through the operations: `undo`, `redo`, `undo --list`."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core import operations
from forkkeeper.core.operations import Changed, Kind, Operation, Position
from forkkeeper.core.report import Cell, Painted, Report, Table
from forkkeeper.errors import RequestError
from forkkeeper.flow.standing import Setting, noted, recover
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects


def undo(setting: Setting) -> Report:
    """Take back the last operation that still stands. Raises RequestError where there is none, or a file was edited."""
    return _go(setting, Kind.UNDO)


def redo(setting: Setting) -> Report:
    """Bring back the operation that was undone last. Raises RequestError as `undo` does."""
    return _go(setting, Kind.REDO)


def _go(setting: Setting, kind: Kind) -> Report:
    root = projects.find_root(setting.here, step=kind.value, or_past=True)
    with projects.alone(root, doing=kind.value) as done:
        log = projects.past(root)
        chosen = _next(operations.position(log), kind)
        operation = next(each for each in log if each.number == chosen)
        is_undo = kind is Kind.UNDO
        files = operations.swapped(operation.files) if is_undo else operation.files
        commit = _commit_of(root, files)
        old, new = projects.pins_of(root, operation)
        projects.restore(root, operation, kind, typed=setting.typed)
    told = operations.told(files, (new, old) if is_undo else (old, new), projects.PATCHES)
    said = Painted(f"{'undone' if is_undo else 'done again'}: {operation.number}, {_verb(operation)}", "green")
    other = "redo" if is_undo else "undo"
    way: tuple[str, ...] = (f"`forkkeeper {other}` takes that back; `forkkeeper undo --list` shows where you stand",)
    blocks = (*noted(done), said, *(f"  {line}" for line in told))
    if commit:
        way = _after_commit(operation, kind, commit, files)
    return Report((*blocks, f"next: {way[0]}", *way[1:]))


def _next(stands: Position, kind: Kind) -> int:
    """Give the operation that is next. Raises RequestError where there is none."""
    match kind:
        case Kind.UNDO if stands.done:
            return stands.done[-1]
        case Kind.REDO if stands.undone:
            return stands.undone[-1]
        case Kind.UNDO if stands.undone:
            hint = "`forkkeeper redo` brings the last one back; `forkkeeper undo --list` shows them"
            raise RequestError("undo", "", "nothing is left to undo: every operation on record is undone", hint)
        case Kind.UNDO:
            hint = "`git log` shows older states, `git restore` brings them back"
            raise RequestError("undo", "", f"nothing to undo: {projects.STATE}/ holds no operation", hint)
        case Kind.REDO | Kind.DO:
            hint = (
                "`forkkeeper undo --list` shows what was done; what an operation saved after an undo replaced is in git"
            )
            raise RequestError("redo", "", "nothing to redo: no undo is the last thing that was done", hint)


def _commit_of(root: Path, files: Sequence[Changed]) -> str:
    """Give the commit that holds the files as they stand, where all of them are committed so; else nothing."""
    worktree = Worktree(root)
    if not worktree.exists:
        return ""
    held = all(operations.digest(worktree.committed(each.name)) == each.before for each in files)
    some = any(each.before is not None for each in files)
    return worktree.last_commit([each.name for each in files]) if held and some else ""


def _after_commit(operation: Operation, kind: Kind, commit: str, files: Sequence[Changed]) -> tuple[str, ...]:
    """Say how to go on where git holds the state that was left."""
    parts = sorted({name.split("/", 1)[0] for name in (each.name for each in files)})
    message = shlex.quote(f"{kind.value}: {operation.said or operation.number}")
    back = "redo" if kind is Kind.UNDO else "undo"
    return (
        f"commit {commit} stays: forkkeeper takes no commit back. Commit the files as they are now:",
        f"  git add -A -- {shlex.join(parts)} && git commit -m {message}",
        f"or `forkkeeper {back}`, then `git revert {commit}`",
    )


def past(setting: Setting) -> Report:
    """Show the operations, newest first: what each changed, which is undone, and where one stands."""
    root = projects.find_root(setting.here, step="undo", or_past=True)
    notes = recover(root)
    log = projects.past(root)
    if not log:
        return Report((*notes, f"nothing was done on record: {projects.STATE}/ holds no operation"))
    stands = operations.position(log)
    rows = tuple(
        (
            str(operation.number),
            operation.time.replace("T", " ").removesuffix("Z"),
            _verb(operation),
            "\n".join(operations.told(operation.files, projects.pins_of(root, operation), projects.PATCHES)),
            _mark(operation, stands),
        )
        for operation in reversed(log)
    )
    return Report((*notes, Table(("number", "when (UTC)", "verb", "what changed", "where it stands"), rows)))


def _verb(operation: Operation) -> str:
    of = f" of {operation.of}" if operation.of is not None else ""
    return f"{operation.said}{of}"


def _mark(operation: Operation, stands: Position) -> Cell:
    number = operation.number
    if operation.kind is not Kind.DO:
        return ""
    if number in stands.done:
        return Painted("done; undo takes it back", "green") if number == stands.done[-1] else "done"
    if number in stands.undone:
        is_next = number == stands.undone[-1]
        return Painted("undone; redo brings it back" if is_next else "undone", "yellow")
    return Painted("undone, and others done since", "dim")
