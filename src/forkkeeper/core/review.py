"""What became of a queue between two states of a fork: which patches came, left, and do something else by now.

Where the pins differ, the earlier queue is what a carry made of it, so that upstream's own changes and what they did to
context and offsets are no change of the fork's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import delta
from forkkeeper.core.delta import Mark
from forkkeeper.core.mail import Patch


@dataclass(frozen=True, slots=True)
class Changed:
    """A patch that both queues have, and that is not the same in them.

    more, fewer -- the lines that it changes now and did not before, and the other way round (as range-diff counts them)
    files -- whether it makes other modes, binary contents or names of files
    words -- whether its reason, trailers or headers are others
    """

    title: str
    more: int
    fewer: int
    files: bool
    words: bool


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The difference of two queues, by the patches' titles, each group in the order of its queue.

    renamed -- (before, now) of patches that change the same lines under another name
    reordered -- whether the patches that both have stand in another order
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    changed: tuple[Changed, ...]
    reordered: bool


def compare(before: Sequence[Patch], now: Sequence[Patch]) -> Reviewed:
    """Compare two queues that stand on one pin."""
    was, has = {patch.name: patch for patch in before}, {patch.name: patch for patch in now}
    added = [patch for patch in now if patch.name not in was]
    removed = [patch for patch in before if patch.name not in has]
    renamed = _renamed(removed, added)
    both = [patch.name for patch in now if patch.name in was]
    return Reviewed(
        tuple(patch.title for patch in added if patch.name not in renamed.values()),
        tuple(patch.title for patch in removed if patch.name not in renamed),
        tuple((was[one].title, has[other].title) for one, other in renamed.items()),
        tuple(found for name in both if (found := _changed(was[name], has[name])) is not None),
        both != [patch.name for patch in before if patch.name in has],
    )


def _renamed(removed: Sequence[Patch], added: Sequence[Patch]) -> Mapping[str, str]:
    """Pair each patch that left with the first that came and changes the same lines."""
    found: dict[str, str] = {}
    for one in removed:
        lines = delta.changed_lines(one)
        free = (other for other in added if other.name not in found.values() and _files(other) == _files(one))
        same = (other.name for other in free if delta.changed_lines(other) == lines)
        other = next(same, None)
        found |= {one.name: other} if other is not None else {}
    return found


def _changed(before: Patch, now: Patch) -> Changed | None:
    marks = [line.mark for line in delta.compare(before, now)]
    more, fewer = marks.count(Mark.NOW), marks.count(Mark.BEFORE)
    files, words = _files(before) != _files(now), before.head != now.head
    return Changed(now.title, more, fewer, files, words) if more or fewer or files or words else None


def _files(patch: Patch) -> list[tuple[object, ...]]:
    """Give what a patch does to its files apart from their lines."""
    return [(file.old, file.new, file.modes, file.created_mode, file.binary) for file in patch.files]


def said(found: Reviewed) -> list[str]:
    """Say it, a line for each kind of change.

    >>> said(Reviewed(("a", "b"), (), (("c", "d"),), (Changed("e", 2, 1, False, True),), True))
    ['added     a, b', 'renamed   c to d', 'changed   e (+2 -1 lines, its words)', 'order     changed']
    """
    rows = (
        ("added", found.added),
        ("removed", found.removed),
        ("renamed", [f"{one} to {other}" for one, other in found.renamed]),
        ("changed", [f"{one.title} ({_what(one)})" for one in found.changed]),
        ("order", ["changed"] if found.reordered else []),
    )
    return [f"{what:<9} {', '.join(names)}" for what, names in rows if names]


def _what(one: Changed) -> str:
    lines = [f"+{one.more} -{one.fewer} lines"] if one.more or one.fewer else []
    others = [*(["its files"] if one.files else []), *(["its words"] if one.words else [])]
    return ", ".join([*lines, *others])
