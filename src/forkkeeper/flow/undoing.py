"""Whether a patch undoes upstream (`check deletions`, part of `check witness`): what it deletes, and how old that is.

No build is needed. A patch was written for the pin that its `Written-For:` trailer names, else for the one that it
stood on when a sync first carried it, else for the present one; then there is nothing to undo.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import history, lines, mail, undoing
from forkkeeper.core.compose import Applied
from forkkeeper.core.history import Record
from forkkeeper.core.ids import short
from forkkeeper.core.lines import Edit
from forkkeeper.core.mail import Patch
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, count
from forkkeeper.core.shown import spelled
from forkkeeper.core.store import Entry
from forkkeeper.core.undoing import Answer, Deleting, Line, Written
from forkkeeper.errors import ExitCode, ForkkeeperError
from forkkeeper.flow.standing import Stand, scratch
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "check"
MOST_SHOWN = 5  # lines shown of a patch
WIDEST = 100  # characters shown of a line


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a patch does to upstream's lines.

    written -- the upstream commit that it was written for, as far as that is known
    deleted -- how many lines of upstream's it deletes
    undone -- those that came after it was written
    because -- why it cannot be told
    """

    patch: Patch
    written: str
    deleted: int
    answer: Answer
    undone: tuple[Line, ...] = ()
    because: str = ""


def report(project: Project, upstream: Upstream, stand: Stand) -> Report:
    """Say of each patch whether it undoes upstream; no patch at all is no success."""
    verdicts = judge(project, upstream, stand)
    code = ExitCode.IN_STEP if exits_green(verdicts) else ExitCode.ANSWER_IS_NO
    return Report(("", *blocks(verdicts, stand.pin)), code)


def exits_green(verdicts: Sequence[Verdict]) -> bool:
    """Whether there are patches, and none is at fault."""
    return bool(verdicts) and not any(one.answer in undoing.RED for one in verdicts)


def judge(project: Project, upstream: Upstream, stand: Stand) -> tuple[Verdict, ...]:
    """Give the verdict on each patch of the queue, in order."""
    looked = tuple(look(project.records, stand))
    asked = dict.fromkeys(one.written for one in looked if one.total and not _is_pin(one.written, stand.pin))
    pins = {written: _pin(upstream, stand.pin, written) for written in asked}
    with scratch(upstream) as store:  # opened after those commits were brought here
        return tuple(of_patch(store, stand, one, pins.get(one.written)) for one in looked)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a patch deletes of each file. written -- the commit that it was written for, as it is named there."""

    patch: Patch
    written: str
    files: tuple[Deleting, ...]
    gone: tuple[tuple[Line, ...], ...]

    @property
    def total(self) -> int:
        """How many lines it deletes."""
        return sum(map(len, self.gone))


def look(records: Sequence[Record], stand: Stand) -> Iterator[Looked]:
    """Find what each patch deletes, in order. records -- the fork's saved syncs."""
    stood: dict[str, str] = {}  # paths in the tree before a patch, where they are not upstream's
    for step in stand.made.steps:
        written = step.patch.trailer(mail.WRITTEN_FOR)
        written = written or history.since(records, step.patch.name, stand.pin.sha)
        moves = _moves(stand.store, step)
        files = tuple(_files(stand, step, stood, moves))
        yield Looked(step.patch, written.lower(), files, undoing.deleted(files))
        stood |= {new: stood.get(old, old) for old, new in moves.items()}


def _moves(store: Scratch, step: Applied) -> Mapping[str, str]:
    """Give the files that a patch moves: path before → path after."""
    comes, goes = (any(getattr(change, side) is None for change in step.changes) for side in ("old", "new"))
    return store.renames(step.before, step.after) if comes and goes else {}


def _files(stand: Stand, step: Applied, stood: Mapping[str, str], moves: Mapping[str, str]) -> Iterator[Deleting]:
    """Give what a patch changes, file by file; what it adds counts too, as a line may go there from another file."""
    read = stand.store.blob
    changes = {change.path: change for change in step.changes}
    for path, change in changes.items():
        if path in moves.values() and change.old is None:
            continue  # it is told with the path that it came from
        new = changes[moves[path]].new if path in moves else change.new
        at = stood.get(path, path)
        pin = stand.made.baseline.entries.get(at)
        before = lines.split(undoing.text(change.old, read))
        earlier, own = _edits(stand.store, pin, change.old), _edits(stand.store, change.old, new)
        yield Deleting(at, lines.split(undoing.text(pin, read)), before, earlier, own)


def _edits(store: Scratch, old: Entry | None, new: Entry | None) -> tuple[Edit, ...]:
    """Align two versions of a file; None is an empty one."""
    one, other = (lines.split(undoing.text(entry, store.blob)) for entry in (old, new))
    if one == other:
        return ()
    if old is None or new is None or undoing.is_odd(old, store.blob) or undoing.is_odd(new, store.blob):
        return (Edit(0, len(one), other),)
    return store.alignments([(old.oid, new.oid)])[0]


def _is_pin(written: str, pin: Commit) -> bool:
    return pin.sha.startswith(written)


def _pin(upstream: Upstream, pin: Commit, written: str) -> Commit | ForkkeeperError:
    """Bring the commit that a patch was written for; gives why it cannot be had."""
    try:
        sha = upstreams.find(upstream, written, step=STEP, known=(pin.sha,))
        return upstreams.hold(upstream, sha, step=STEP)
    except ForkkeeperError as error:
        return error


def of_patch(store: Scratch, stand: Stand, looked: Looked, written: Commit | ForkkeeperError | None) -> Verdict:
    """Judge one patch. written -- what it was written for, or why that cannot be had; None: the present pin."""
    if not looked.total:
        return Verdict(looked.patch, looked.written, 0, Answer.NONE)
    if written is None:
        return Verdict(looked.patch, stand.pin.sha, looked.total, Answer.AS_WRITTEN)
    if isinstance(written, ForkkeeperError):
        because = " ".join(written.found.split())
        return Verdict(looked.patch, looked.written, looked.total, Answer.CANNOT_BE_TOLD, because=because)
    found = _undone(store, stand, written, looked)
    answer = Answer.UNDOES if found else Answer.AS_WRITTEN
    return Verdict(looked.patch, written.sha, looked.total, answer, found)


def _undone(store: Scratch, stand: Stand, written: Commit, looked: Looked) -> tuple[Line, ...]:
    then, now = store.entries(written.tree), stand.made.baseline.entries
    away = any(own and file.path not in then for file, own in zip(looked.files, looked.gone, strict=True))
    was = {new: old for old, new in store.renames(written.tree, stand.pin.tree).items()} if away else {}
    found: list[Line] = []
    for file, own in zip(looked.files, looked.gone, strict=True):
        old = then.get(file.path) or then.get(was.get(file.path, ""))
        if not own or old == now[file.path]:
            continue
        side = Written(lines.split(undoing.text(old, store.blob)), _edits(store, old, now[file.path]))
        undone = undoing.undone(file, own, side)
        if undone:
            changes = store.changes(written.tree, stand.pin.tree)
            found += undoing.but_moved(undone, undoing.brought(file, side), changes, store.blob)
    return tuple(found)


# what is said -------------------------------------------------------------------------------------------------------


def blocks(verdicts: Sequence[Verdict], pin: Commit) -> tuple[Block, ...]:
    """Show the verdicts, and of each patch that is at fault the lines and what to type."""
    headers = ("patch", "written for", "deletes", "newer", "upstream's lines")
    table = Table(headers, tuple(_row(one) for one in verdicts))
    return (table, *(Painted(text, "red") for one in verdicts for text in _said(one, pin)))


def _row(one: Verdict) -> tuple[Cell, ...]:
    newer = "?" if one.answer is Answer.CANNOT_BE_TOLD else str(len(one.undone))
    said = Painted(one.answer.value, undoing.COLOURS[one.answer])
    return (one.patch.title, short(one.written), str(one.deleted), newer, said)


def _said(one: Verdict, pin: Commit) -> Iterator[str]:
    meant = f"end its words in {projects.PATCHES}/{one.patch.name} with `{mail.WRITTEN_FOR}: {pin.sha}`, then"
    meant = f"{meant} `forkkeeper log`"
    match one.answer:
        case Answer.NONE | Answer.AS_WRITTEN:
            return
        case Answer.CANNOT_BE_TOLD:
            yield (
                f"{one.patch.title}: whether it undoes upstream cannot be told: it was written for "
                f"{short(one.written)}, which is not to be had: {one.because}\n"
                f"  next: run it again when a source has that commit; or look at what it deletes "
                f"(`forkkeeper patch show {one.patch.title}`), and {meant}"
            )
        case Answer.UNDOES:
            listed = "".join(f"\n    {shown(line)}" for line in one.undone[:MOST_SHOWN])
            more = len(one.undone) - MOST_SHOWN
            listed += f"\n    and {count(more, 'more line')}" if more > 0 else ""
            yield (
                f"{one.patch.title} undoes upstream: it deletes {count(len(one.undone), 'line')} that upstream brought "
                f"after {short(one.written)}, for which it was written, and by {short(pin.sha)}:{listed}\n"
                f"  next: `forkkeeper patch edit {one.patch.title}`, put them back, `forkkeeper patch refresh`; "
                f"or, where that is meant, {meant}"
            )


def shown(line: Line) -> str:
    """Say a line to a person: where it stands at the pin, and its text."""
    text = spelled(line.text.decode("utf-8", "replace").strip())
    cut = text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
    return f"{spelled(line.path)}, line {line.number}: `{cut}`"
