"""What a person is given at a clash: the tree to edit, with markers where no rule is sure, and the paths to settle.

What the ladder answers and does not merely guess is in the tree already. The markers are git's, in its zdiff3 style
(lines that both sides begin or end with stand outside): upstream's new text, the common base, our patch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core import lines, threeway
from forkkeeper.core.ids import TreeId
from forkkeeper.core.ladder import climb
from forkkeeper.core.ladder.rung import Trust
from forkkeeper.core.lines import Lines
from forkkeeper.core.store import EXECUTABLE, REGULAR, Contest, Entry, Store
from forkkeeper.core.threeway import Place, Sure

_GITS = re.compile(rb"^(<<<<<<<|\|\|\|\|\|\|\||>>>>>>>) [0-9a-f]{40}[^\n]*$", re.MULTILINE)
_BESIDE = re.compile(r"~[0-9a-f]{40}(_\d+)?$")
_MARKER = re.compile(rb"(<<<<<<<|\|\|\|\|\|\|\||>>>>>>>) |=======\r?$")


@dataclass(frozen=True, slots=True)
class Labels:
    """What stands behind the markers, one line each: upstream's new text, the common base, the patch."""

    ours: str
    base: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A merge that stopped.

    before -- the tree that the patch has to fit
    contests -- the paths that the merge could not settle
    partly -- the merged tree, in which all other paths are settled
    key -- what was merged (`resolutions.key`)
    """

    before: TreeId
    contests: tuple[Contest, ...] = ()
    partly: TreeId | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """A conflict marker that still stands in a file. line -- from 1."""

    path: str
    line: int
    text: str


def lay(store: Store, clash: Clash, labels: Labels) -> TreeId:
    """Give the tree that a person edits."""
    if clash.partly is None:
        return clash.before
    there = store.some(clash.partly, [contest.path for contest in clash.contests])
    grafts: dict[str, Entry | None] = _without_git_names(store, clash.before, clash.partly)
    for contest in clash.contests:
        entry = there.get(contest.path)
        if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
            continue
        made = _marked(store, contest, labels) or _relabelled(store.blob(entry.oid), labels)
        grafts[contest.path] = Entry(entry.mode, store.put(made))
    return store.graft(clash.partly, grafts)


def _without_git_names(store: Store, before: TreeId, partly: TreeId) -> dict[str, Entry | None]:
    """Take out the files that git puts beside a path of two kinds, under the name of a throw-away commit."""
    beside = [
        change.path for change in store.changes(before, partly) if change.old is None and _BESIDE.search(change.path)
    ]
    return dict.fromkeys(beside)


def _marked(store: Store, contest: Contest, labels: Labels) -> bytes | None:
    """Merge a file of all three sides again, with what is likely answered and the rest marked.

    None for no text, and where no conflict is found that way: git's own markers stay.
    """
    base, ours, theirs = contest.base, contest.ours, contest.theirs
    if base is None or ours is None or theirs is None:
        return None
    if any(entry.mode not in (REGULAR, EXECUTABLE) for entry in (base, ours, theirs)):
        return None
    whole = store.blob(base.oid)
    if any(b"\0" in store.blob(entry.oid) for entry in (base, ours, theirs)):
        return None
    mine, their = store.alignments([(base.oid, ours.oid), (base.oid, theirs.oid)])
    pieces = threeway.merge(lines.split(whole), mine, their)
    if all(isinstance(piece, Sure) for piece in pieces):
        return None
    made: list[bytes] = []
    for piece in pieces:
        answer = None if isinstance(piece, Sure) else climb.climb(piece)
        if isinstance(piece, Sure):
            made += piece.lines
        elif answer is not None and answer.trust is Trust.LIKELY:
            made += answer.lines
        else:
            made += marked(piece, labels)
    return b"".join(made)


def marked(place: Place, labels: Labels) -> Lines:
    """Write a place with markers; every line ends, so that a marker begins one."""
    ours, theirs = place.ours, place.theirs
    head = _same(ours, theirs)
    tail = _same(ours[head:][::-1], theirs[head:][::-1])
    before, after = ours[:head], ours[len(ours) - tail :]
    ours, theirs = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    sides = (("<<<<<<<", labels.ours, ours), ("|||||||", labels.base, place.base))
    made = [*before]
    for sign, label, text in sides:
        made += [f"{sign} {label}\n".encode(), *_ended(text)]
    return (*made, b"=======\n", *_ended(theirs), f">>>>>>> {labels.theirs}\n".encode(), *after)


def _same(one: Lines, other: Lines) -> int:
    """Count the lines that two texts begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _ended(text: Lines) -> Lines:
    return tuple(line if line.endswith(b"\n") else line + b"\n" for line in text)


def _relabelled(data: bytes, labels: Labels) -> bytes:
    """Put our words behind the markers that git wrote; it names throw-away commits."""
    said = {b"<<<<<<<": labels.ours, b"|||||||": labels.base, b">>>>>>>": labels.theirs}
    return _GITS.sub(lambda found: found[1] + b" " + said[found[1]].encode(), data)


def left_over(store: Store, clash: Clash, now: TreeId, paths: Sequence[str]) -> tuple[Marker, ...]:
    """Find the conflict markers that a person left in some files: lines that no side has as text of its own."""
    there, was = store.some(now, paths), store.some(clash.before, paths)
    theirs = {contest.path: contest.theirs for contest in clash.contests}
    found: list[Marker] = []
    for path in sorted(paths):
        entry = there.get(path)
        if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
            continue
        own = {
            line
            for side in (was.get(path), theirs.get(path))
            if side is not None and side.mode in (REGULAR, EXECUTABLE)
            for line in lines.split(store.blob(side.oid))
        }
        for number, line in enumerate(lines.split(store.blob(entry.oid)), start=1):
            if _MARKER.match(line) and line not in own:
                found.append(Marker(path, number, line.decode("utf-8", "replace").rstrip("\r\n")))
    return tuple(found)
