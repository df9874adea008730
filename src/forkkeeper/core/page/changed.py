"""The fork's difference from upstream: by patch, with the reason, and by file."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forkkeeper.core import locallog, shown
from forkkeeper.core.hunks import FileDiff
from forkkeeper.core.overlay import FOLDER
from forkkeeper.core.page.given import Change, Given
from forkkeeper.core.page.shape import (
    Block,
    Cell,
    Column,
    Facts,
    Fold,
    Heading,
    Line,
    Missing,
    Note,
    Section,
    Table,
    Text,
    commit,
    name,
    number,
    words,
)
from forkkeeper.core.report import count

MOST_LINES = 400  # of one file
ALL_LINES = 20_000  # of all files together
MOST_FILES = 2_000  # that are listed
_PARAGRAPHS = 40  # of a reason


@dataclass(slots=True)
class _Room:
    """How many lines the page has room for yet."""

    lines: int = ALL_LINES

    def take(self, wanted: int) -> int:
        given = max(0, min(wanted, MOST_LINES, self.lines))
        self.lines -= given
        return given


def section(given: Given) -> Section:
    """Make the section."""
    about = "Every line in which the fork differs from upstream at the pin, by patch with its reason, and by file."
    room = _Room()
    blocks: list[Block] = []
    if given.queue:
        folds = [_patch(at, change, given, room) for at, change in enumerate(given.queue, 1)]
        blocks += [Heading("By patch"), *folds]
        blocks += [Heading("By file"), *_by_file(given, room)]
    else:
        blocks.append(Missing("No patch changes a file of upstream's.", "forkkeeper patch open"))
    blocks += _overlay(given)
    if given.left_out:
        said = f"{count(given.left_out, 'upstream path')} left out by the path policy."
        blocks.append(Note(f"{said} CHANGES-LOCAL.md lists them."))
    return Section("changes", "What the fork changes", about, tuple(blocks))


def _patch(at: int, change: Change, given: Given, room: _Room) -> Fold:
    patch = change.patch
    added, removed = sum(f.added for f in change.files), sum(f.removed for f in change.files)
    reason = [Note(words(part, most=2000).text) for part in patch.reason.split("\n\n")[:_PARAGRAPHS] if part.strip()]
    facts = [
        ("what it does", (words(f"{locallog.kind(change.files)}: {patch.subject}"),)),
        *((line_of(key), (words(value),)) for key, value in patch.trailers),
        ("since upstream", (commit(change.since, given.pages),)),
        ("file", (name(f"patches/{patch.name}"),)),
    ]
    texts = [
        _file(f"f-{at}-{n}", file, room, f"forkkeeper patch show {shlex.quote(patch.title)}")
        for n, file in enumerate(change.files[:MOST_FILES], 1)
    ]
    beside = f"{count(len(change.files), 'file')}, +{added:,} −{removed:,}"
    title = Cell(f"{at}. {words(patch.title).text}", code=True)
    return Fold(
        f"p-{at}", title, f"{words(patch.subject, most=120).text} · {beside}", (*reason, Facts(tuple(facts)), *texts)
    )


def line_of(key: str) -> str:
    """Give a trailer's name as the page writes names.

    >>> line_of("Upstream-Status")
    'upstream status'
    """
    return words(key, most=40).text.replace("-", " ").lower()


def _file(key: str, file: FileDiff, room: _Room, command: str) -> Fold:
    functions = ", ".join(locallog.functions(file)[:3])
    beside = f"{_what(file)}{f', in {functions}' if functions else ''}"
    return Fold(key, name(file.path), words(beside).text, tuple(_text(file, room, command)))


def _what(file: FileDiff) -> str:
    kind = "new file, " if file.old is None else "removed, " if file.new is None else ""
    kind = f"from {file.old}, " if file.old and file.new and file.old != file.new else kind
    size = "binary" if file.binary is not None else f"+{file.added:,} −{file.removed:,}"
    mode = f", mode {' → '.join(file.modes)}" if file.modes else ""
    return f"{kind}{size}{mode}"


def _text(file: FileDiff, room: _Room, command: str) -> Iterator[Block]:
    if file.binary is not None:
        yield Note("A binary file: its bytes are not shown.")
        return
    lines = list(_lines(file))
    if not lines:
        yield Note("No line changes.")
        return
    kept = room.take(len(lines))
    left = len(lines) - kept
    note = f"{count(left, 'more line')} not shown: `{command}`" if left else ""
    yield Text(f"Changes of {words(file.path).text}", tuple(lines[:kept]), note)


def _lines(file: FileDiff) -> Iterator[tuple[str, str]]:
    for hunk in file.hunks:
        yield "@", shown.line(f"@@ line {hunk.new_start} @@ {hunk.section}")
        for line in hunk.lines:
            sign = line[:1].decode("ascii", "replace")
            yield (sign if sign in "+-" else " "), shown.of_bytes(line[1:])


def _by_file(given: Given, room: _Room) -> list[Block]:
    """List the files, each with the patches that change it; where several do, with what they make of it together."""
    places: dict[str, list[Cell]] = {}
    for at, change in enumerate(given.queue, 1):
        for n, file in enumerate(change.files, 1):
            places.setdefault(file.path, []).append(name(change.patch.title, f"#f-{at}-{n}"))
    whole = {file.path: file for file in given.files}
    folds: list[Block] = []
    for n, path in enumerate(sorted(places)[:MOST_FILES], 1):
        together = whole.get(path)
        links = Note("Changed by", links=tuple(places[path]))
        text: Iterable[Block] = ()
        if together is not None and len(places[path]) > 1:
            text = _text(together, room, f"forkkeeper diff --file {shlex.quote(path)}")
        beside = _what(together) if together is not None else "as upstream has it"
        folds.append(Fold(f"file-{n}", name(path), f"{beside} · {count(len(places[path]), 'patch')}", (links, *text)))
    left = len(places) - MOST_FILES
    return [*folds, Note(f"{count(left, 'more file')} not shown.")] if left > 0 else folds


def _overlay(given: Given) -> list[Block]:
    if not given.overlay:
        return []
    columns = (Column("file"), Column("lines", numeric=True), Column("bytes", numeric=True))
    rows = tuple(
        Line((name(f"{FOLDER}/{path}"), number(file.lines), number(len(file.data))))
        for path, file in sorted(given.overlay.items())[:MOST_FILES]
    )
    caption = f"The overlay: {count(len(given.overlay), 'whole file')} that the fork adds"
    return [Heading("The overlay"), Table("overlay", caption, columns, rows)]
