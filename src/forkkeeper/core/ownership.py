"""Whose line is this: followed from the composed fork down through the stacked trees to where it came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import lines
from forkkeeper.core.compose import Applied, Composed
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.lines import Edit
from forkkeeper.core.mail import Patch
from forkkeeper.core.store import EXECUTABLE, REGULAR, Change, Entries, Entry, Store


@dataclass(frozen=True, slots=True)
class Overlaid:
    """The line is in a file of the overlay."""


@dataclass(frozen=True, slots=True)
class Patched:
    """The line came in, or took its form, with a patch. path, number -- where it stands after that; number from 1."""

    patch: Patch
    path: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The line is upstream's own, where it stands at the pin. number -- from 1."""

    path: str
    number: int


Owner = Overlaid | Patched | Upstreams


@dataclass(frozen=True, slots=True)
class Owned:
    """A line of the composed fork, and whose it is.

    path, number -- where the line stands in the fork; number from 1
    passed -- patches that changed the same file and left the line as it was, the last one first
    """

    path: str
    number: int
    text: bytes
    owner: Owner
    passed: tuple[Patch, ...]


@dataclass(frozen=True, slots=True)
class NoLine:
    """There is no such line, and why."""

    found: str


def owner(store: Store, made: Composed, overlay: Mapping[str, object], path: str, number: int) -> Owned | NoLine:
    """Find whose a line of the composed fork is. overlay -- its paths; number -- from 1."""
    entry = store.some(made.tree, [path]).get(path)
    if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
        return NoLine("is no file of the composed fork")
    text = lines.split(store.blob(entry.oid))
    if not 1 <= number <= len(text):
        return NoLine(f"has {len(text)} lines")
    if path in overlay:
        return Owned(path, number, text[number - 1], Overlaid(), ())
    found, passed = _follow(store, made.steps, path, number)
    return Owned(path, number, text[number - 1], found, passed)


def _follow(store: Store, steps: Sequence[Applied], path: str, number: int) -> tuple[Owner, tuple[Patch, ...]]:
    passed: list[Patch] = []
    for step in reversed(steps):
        change = next((one for one in step.changes if one.path == path), None)
        if change is None or change.new is None:
            continue
        was = _was(store, step, change)
        if was is None:
            return Patched(step.patch, path, number), tuple(passed)
        before, old = was
        at = before_edits(number, _edits(store, old.oid, change.new.oid))
        if at is None:
            return Patched(step.patch, path, number), tuple(passed)
        path, number = before, at
        passed.append(step.patch)
    return Upstreams(path, number), tuple(passed)


def _was(store: Store, step: Applied, change: Change) -> tuple[str, Entry] | None:
    """Give where a patch found the file, also under another name; None where the patch brought it."""
    if change.old is not None:
        return (change.path, change.old) if change.old.mode in (REGULAR, EXECUTABLE) else None
    gone: Entries = {one.path: one.old for one in step.changes if one.old is not None and one.new is None}
    sources = {new: old for old, new in store.renames(step.before, step.after).items()} if gone else {}
    source = sources.get(change.path)
    return (source, gone[source]) if source in gone and source is not None else None


def _edits(store: Store, old: ObjectId, new: ObjectId) -> tuple[Edit, ...]:
    return store.alignments([(old, new)])[0] if old != new else ()


@dataclass(frozen=True, slots=True)
class Share:
    """How many lines of a file are a patch's; with no patch: upstream's own."""

    patch: Patch | None
    lines: int


def shares(store: Store, made: Composed, path: str) -> tuple[Share, ...]:
    """Say how many lines of a file of the composed fork are whose: upstream's first, then the patches in queue order.

    Nothing for what is no file there; a file of the overlay is all the overlay's, which is not asked here.
    """
    entry = store.some(made.tree, [path]).get(path)
    if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
        return ()
    left = list(range(1, len(lines.split(store.blob(entry.oid))) + 1))
    owned: dict[str, int] = {}
    for step in reversed(made.steps):
        change = next((one for one in step.changes if one.path == path), None)
        if change is None or change.new is None:
            continue
        was = _was(store, step, change)
        kept = _all_before(left, _edits(store, was[1].oid, change.new.oid)) if was is not None else []
        owned[step.patch.name] = len(left) - len(kept)
        if was is None:
            left = []
            break
        path, left = was[0], kept
    mine = (Share(step.patch, owned[step.patch.name]) for step in made.steps if step.patch.name in owned)
    return (*([Share(None, len(left))] if left else []), *mine)


def _all_before(numbers: Sequence[int], edits: Sequence[Edit]) -> list[int]:
    """Give where ascending lines stood before edits, in one pass; those that the edits brought are left out.

    >>> _all_before([1, 2, 3], [Edit(0, 0, (b"new",))])
    [1, 2]
    """
    found, at, shift = [], 0, 0
    for number in numbers:
        while at < len(edits) and number > edits[at].start + shift + len(edits[at].lines):
            shift += len(edits[at].lines) - (edits[at].end - edits[at].start)
            at += 1
        if at == len(edits) or number <= edits[at].start + shift:
            found.append(number - shift)
    return found


def before_edits(number: int, edits: Sequence[Edit]) -> int | None:
    """Give where a line stood before edits; None where they brought it. Numbers from 1.

    >>> before_edits(3, [Edit(0, 0, (b"new",))])
    2
    >>> before_edits(1, [Edit(0, 0, (b"new",))])
    """
    shift = 0
    for edit in edits:
        start = edit.start + shift
        if number <= start:
            break
        if number <= start + len(edit.lines):
            return None
        shift += len(edit.lines) - (edit.end - edit.start)
    return number - shift
