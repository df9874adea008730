"""Going back and forward through the operations: `undo`, `redo`, `undo --list`."""

from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core import operations
from forkkeeper.core.operations import Kind, Operation, Position
from forkkeeper.core.report import Cell, Painted, Report, Table
from forkkeeper.errors import RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.standing import Setting, noted, recover
from forkkeeper.shell import disk
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
    known = len(projects.past(root))
    with projects.alone(root, doing=kind.value) as done:
        log = projects.past(root)
        if (
            done and len(log) > known and log[-1].kind is kind
        ):  # the same verb had died: typed again, it is not meant twice
            chosen, commit, back = log[-1].of, "", log[-1]
            operation = next((each for each in log if each.number == chosen), back)
        else:
            chosen = _next(log, kind)
            operation = next(each for each in log if each.number == chosen)
            commit = _commit_of(root, operation) if kind is Kind.UNDO else ""
            back = projects.restore(root, operation, kind, typed=setting.typed)
        told = operations.told(back.files, projects.pins_of(root, back), projects.PATCHES)
    said = Painted(
        f"{'undone' if kind is Kind.UNDO else 'done again'}: {operation.number}, {_verb(operation)}", "green"
    )
    blocks = (*noted(done), said, *(f"  {line}" for line in told))
    if commit:
        return Report((*blocks, *_after_commit(root, operation, commit)))
    other = Kind.REDO if kind is Kind.UNDO else Kind.UNDO
    way = f"next: `forkkeeper {other.value}` takes that back; `forkkeeper undo --list` shows where you stand"
    return Report((*blocks, way))


def _next(log: Sequence[Operation], kind: Kind) -> int:
    """Give the operation that is next. Raises RequestError where there is none."""
    stands = operations.position(log)
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
            hint = "; ".join(["`forkkeeper undo --list` shows what was done", *_replaced(log, stands)])
            raise RequestError("redo", "", "nothing to redo: no undo is the last thing that was done", hint)


def _replaced(log: Sequence[Operation], stands: Position) -> tuple[str, ...]:
    """Say where the files are of the last operation that was undone and that no verb brings back any more."""
    within = {*stands.done, *stands.undone}
    lost = [each for each in log if each.kind is Kind.DO and each.number not in within]
    if not lost:
        return ()
    last = lost[-1]
    folder = f"{projects.STATE}/{disk.OPERATIONS}/{operations.folder(last.number)}/{disk.AFTER}"
    places = [f"{at} is {each.name}" for at, each in enumerate(last.files) if each.after is not None]
    held = f", in it {', '.join(places)}" if places else ""
    return (
        f"operation {last.number}, `{last.said}`, was undone and others were done since, so no verb brings it back:"
        f"\n    what it had saved is in {folder}/{held}"
        f"\n    (also in git, where it was committed); copy from there what you want:"
        f" a record leaves when {operations.KEPT} newer ones are there",
    )


def _commit_of(root: Path, operation: Operation) -> str:
    """Give the last commit where it holds all files as an operation left them; else nothing."""
    worktree = Worktree(root)
    left = {each.name: each.after for each in operation.files}
    if not worktree.exists or not any(left.values()):
        return ""
    held = all(operations.digest(worktree.committed(name)) == after for name, after in left.items())
    return worktree.last_commit(list(left)) if held else ""


def _after_commit(root: Path, operation: Operation, commit: str) -> tuple[str, ...]:
    """Say how to go on where git holds what was undone."""
    parts = sorted({each.name.split("/", 1)[0] for each in operation.files})
    return (
        f"commit {commit} holds what was undone, and stays: forkkeeper takes no commit back",
        "next: commit the files as they are now:",
        f"  {committing.command(root, parts, f'undo: {operation.said}')}",
        f"or, where that commit holds nothing else, `forkkeeper redo`, then `git revert {commit}`",
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
