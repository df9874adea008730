"""Merging the fork's own files where two of its branches meet: git asks for it through a merge driver.

`patches/series` is an ordered list with comments, `history.toml` a file that only grows, `declined.toml` a set of
decisions by upstream's commits. `fork.lock` and `CHANGES-LOCAL.md` are generated: `forkkeeper log` writes them anew
after any merge that keeps the pin.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from forkkeeper.core import declined as declines, history, lock as locks
from forkkeeper.core.lines import Lines, split
from forkkeeper.errors import RequestError

T = TypeVar("T", bytes, Lines)
DRIVER = "forkkeeper"
ATTRIBUTES = ".gitattributes"
COMMAND = "forkkeeper merge-driver %P %O %A %B"  # what git is told to run; it quotes the path itself
_SERIES, _LOG = "patches/series", "CHANGES-LOCAL.md"
FILES = (_SERIES, history.FILE, declines.FILE, locks.FILE, _LOG)
# What git is to store byte for byte, whatever it does with line ends elsewhere: the lock holds digests of it, and a
# patch on a file with CR LF has them, too.
_EXACT = ("patches/**", "resolutions/**", "native/overlay/**", history.FILE, declines.FILE, locks.FILE, _LOG)
LINES = (  # what `.gitattributes` says of them
    *(f"/{name} merge={DRIVER}" for name in FILES),
    *(f"/{name} -text" for name in _EXACT),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """A file before two branches parted (empty where it was not there), and as each has it now."""

    base: bytes
    ours: bytes
    theirs: bytes


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a file. clashes -- what a person must settle, a sentence each; then `data` has markers."""

    data: bytes
    clashes: tuple[str, ...] = ()
    note: str = ""


def merge(path: str, sides: Sides) -> Merged | None:
    """Merge one of the fork's files; None for a path that is none of them."""
    drivers: Mapping[str, Callable[[Sides], Merged]] = {
        _SERIES: series,
        history.FILE: records,
        declines.FILE: decisions,
        locks.FILE: _lock,
        _LOG: _log,
    }
    found = next((drivers[name] for name in FILES if path == name or path.endswith(f"/{name}")), None)
    return found(sides) if found else None


def lacking(attributes: bytes) -> tuple[str, ...]:
    """Give the lines that a `.gitattributes` lacks for git to ask the driver, and to keep line ends as they are."""
    there = {b" ".join(line.split()).decode("utf-8", "replace") for line in attributes.splitlines()}
    return tuple(line for line in LINES if line not in there)


def with_lines(attributes: bytes) -> bytes:
    """Give a `.gitattributes` with the lines that it lacks at its end."""
    more = "".join(f"{line}\n" for line in lacking(attributes)).encode()
    ended = attributes if not attributes or attributes.endswith(b"\n") else attributes + b"\n"
    return ended + more if more else attributes


def names_driver(attributes: bytes) -> bool:
    """Whether a `.gitattributes` names the driver at all."""
    return f"merge={DRIVER}".encode() in attributes


def _clash(sides: Sides, *clashes: str) -> Merged:
    """Put markers around what differs between the sides, as git does."""
    ours, theirs = split(_ended(sides.ours)), split(_ended(sides.theirs))
    short = min(len(ours), len(theirs))
    top = next((at for at in range(short) if ours[at] != theirs[at]), short)
    end = next((at for at in range(short - top) if ours[-1 - at] != theirs[-1 - at]), short - top)
    mine, their = (side[top : len(side) - end] for side in (ours, theirs))
    marked = [b"<<<<<<< ours\n", *mine, b"=======\n", *their, b">>>>>>> theirs\n"]
    return Merged(b"".join([*ours[:top], *marked, *ours[len(ours) - end :]]), clashes)


def _ended(data: bytes) -> bytes:
    return data if not data or data.endswith(b"\n") else data + b"\n"


# fork.lock, CHANGES-LOCAL.md ----------------------------------------------------------------------------------------

_STALE = "kept as our side has it; `forkkeeper log` writes it anew"


def _lock(sides: Sides) -> Merged:
    """Keep ours where both sides stand on one pin."""
    try:
        pins = [locks.parse(data).pin.sha for data in (sides.ours, sides.theirs)]
    except RequestError as error:
        return _clash(sides, error.found)
    return _by_pin(sides, pins)


def _log(sides: Sides) -> Merged:
    pins = [
        m[1].decode() if (m := re.search(rb"`([0-9a-f]{40})`", data)) else "" for data in (sides.ours, sides.theirs)
    ]
    return _by_pin(sides, pins)


def _by_pin(sides: Sides, pins: Sequence[str]) -> Merged:
    if pins[0] != pins[1]:
        return _clash(sides, f"the pins differ: ours is {pins[0] or 'not named'}, theirs {pins[1] or 'not named'}")
    return Merged(sides.ours, note=_STALE)


# history.toml -------------------------------------------------------------------------------------------------------


def records(sides: Sides) -> Merged:
    """Keep the records that both sides added to the same beginning, oldest first, equal ones once."""
    begin = sides.base or history.HEADER.encode()
    for said, data in (("our", sides.ours), ("their", sides.theirs)):
        if not data.startswith(begin):
            return _clash(sides, f"{said} side changed what stood there, and history is only added to")
    try:
        mine, their = (_added(begin, data) for data in (sides.ours, sides.theirs))
    except RequestError as error:
        return _clash(sides, error.found)
    known = {record for record, _ in mine}
    added = sorted([*mine, *(one for one in their if one[0] not in known)], key=lambda one: one[0].date)
    return Merged(begin.rstrip(b"\n") + b"\n" + b"".join(b"\n" + text.strip(b"\n") + b"\n" for _, text in added))


def _added(begin: bytes, data: bytes) -> list[tuple[history.Record, bytes]]:
    """Give the records after a beginning, each with its text. Raises RequestError."""
    texts = [text for text in re.split(rb"(?m)^(?=\[\[sync\]\])", data[len(begin) :]) if text.strip()]
    return [(record, text) for text in texts for record in history.parse(text)]


# declined.toml ------------------------------------------------------------------------------------------------------


def decisions(sides: Sides) -> Merged:
    """Keep what either side declined or took back. A clash: both say otherwise of one commit."""
    try:
        was, mine, their = (
            {one.sha: one for one in declines.parse(data)} for data in (sides.base, sides.ours, sides.theirs)
        )
    except RequestError as error:
        return _clash(sides, error.found)
    merged = []
    for sha in sorted({*was, *mine, *their}):
        base, own, other = was.get(sha), mine.get(sha), their.get(sha)
        if own != base and other not in (base, own):
            return _clash(sides, f"{sha}: both sides decided on it, and otherwise")
        kept = other if own == base else own
        merged += [kept] if kept is not None else []
    try:
        return Merged(declines.format(merged, sides.ours, sides.theirs))
    except RequestError as error:
        return _clash(sides, error.found)


# patches/series -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Series:
    """A series read for merging. lines -- each patch's own; above -- the comments before it, and those of the list."""

    lines: dict[bytes, bytes]
    above: dict[bytes, Lines]

    @property
    def order(self) -> list[bytes]:
        return list(self.lines)


_TOP, _END = b"", b"\n"  # where comments stand that belong to the whole list


def _read(data: bytes, head: Lines) -> _Series:
    """Read a series. head -- the lines at its top that are about the list, where it begins with them."""
    lines: dict[bytes, bytes] = {}
    above: dict[bytes, Lines] = {}
    waiting: list[bytes] = []
    whole = split(_ended(data))
    top = head if whole[: len(head)] == head else _top(whole)
    for line in whole[len(top) :]:
        words = line.split(b"#", 1)[0].split()
        if not words or words[0] in lines:
            waiting.append(line)
            continue
        lines[words[0]] = line
        above[words[0]] = tuple(waiting)
        waiting = []
    return _Series(lines, above | {_TOP: top, _END: tuple(waiting)})


def _top(whole: Lines) -> Lines:
    """Give the comments before the first patch."""
    return tuple(itertools.takewhile(lambda line: not line.split(b"#", 1)[0].split(), whole))


def series(sides: Sides) -> Merged:
    """Merge an ordered list of patches: what either side added is there, what either side removed is not.

    What both added at one place stands with ours first. A clash: both moved patches, and otherwise; one removed
    what the other moved or wrote otherwise.
    """
    head = _top(split(_ended(sides.base)))
    base, ours, theirs = (_read(data, head) for data in (sides.base, sides.ours, sides.theirs))
    clashes = [*_removed_and_changed(base, ours, theirs, "theirs"), *_removed_and_changed(base, theirs, ours, "ours")]
    shared = [name for name in ours.lines if name in theirs.lines]
    backbone = _backbone(base, ours, theirs, shared)
    if backbone is None:
        clashes.append("both sides put the same patches in another order")
    clashes += [
        f"{_said(name)}: both sides changed its line"
        for name in shared
        if _three(base.lines.get(name), ours.lines[name], theirs.lines[name]) is None
    ]
    if clashes or backbone is None:
        return _clash(sides, *clashes)
    order = _woven(backbone, base, ours, theirs)
    return Merged(b"".join(_written(order, base, ours, theirs)))


def _said(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _removed_and_changed(base: _Series, one: _Series, other: _Series, keeper: str) -> list[str]:
    """Say which patches one side removed while the other moved them or wrote something about them."""
    found = []
    common = [name for name in base.order if name in other.lines]
    moved = _moved(common, [name for name in other.order if name in base.lines])
    for name in common:
        if name not in one.lines:
            if name in moved:
                found.append(f"{_said(name)}: removed on one side, moved on the other ({keeper})")
            elif other.lines[name] != base.lines[name]:
                found.append(f"{_said(name)}: removed on one side, its line changed on the other ({keeper})")
    return found


def _moved(before: Sequence[bytes], after: Sequence[bytes]) -> frozenset[bytes]:
    """Give what may have been moved: what is not needed for the longest run of names in the order they had."""
    at = {name: number for number, name in enumerate(before)}
    places = [at[name] for name in after]
    left, right = _longest(places), _longest([-place for place in reversed(places)])[::-1]
    whole = max(left, default=0)
    ways: dict[int, int] = {}
    for up, down in zip(left, right, strict=True):
        if up + down - 1 == whole:
            ways[up] = ways.get(up, 0) + 1
    # a name is in every longest run when it lies on one, and alone at its step
    sure = [up + down - 1 == whole and ways[up] == 1 for up, down in zip(left, right, strict=True)]
    return frozenset(name for name, is_sure in zip(after, sure, strict=True) if not is_sure)


def _longest(places: Sequence[int]) -> list[int]:
    """Give for each number the length of the longest rising run that ends with it."""
    found: list[int] = []
    for number, place in enumerate(places):
        found.append(1 + max((found[at] for at in range(number) if places[at] < place), default=0))
    return found


def _backbone(base: _Series, ours: _Series, theirs: _Series, shared: Sequence[bytes]) -> list[bytes] | None:
    """Give the patches that both sides have in the order of the side that moved some; None where both did."""
    kept, new = ([n for n in shared if (n in base.lines) is there] for there in (True, False))
    mine, their, was = (_among(one, kept) for one in (ours, theirs, base))
    if new and _among(ours, new) != _among(theirs, new):
        return None
    if mine in (was, their):
        # what both added may stand at two places: it stands where ours has it, unless ours moved nothing and theirs did
        return _among(theirs, shared) if mine == was != their else _among(ours, shared)
    return _among(ours, shared) if their == was else None


def _among(one: _Series, names: Sequence[bytes]) -> list[bytes]:
    wanted = set(names)
    return [name for name in one.order if name in wanted]


def _woven(backbone: Sequence[bytes], base: _Series, ours: _Series, theirs: _Series) -> list[bytes]:
    """Put what one side alone added after the patch that it follows there, ours before theirs."""
    after: dict[bytes, list[bytes]] = {}
    for side, other in ((ours, theirs), (theirs, ours)):
        anchor = _TOP
        for name in side.order:
            if name in other.lines:
                anchor = name
            elif name not in base.lines:
                after.setdefault(anchor, []).append(name)
    return [name for anchor in (_TOP, *backbone) for name in (anchor, *after.get(anchor, []))][1:]


def _written(order: Sequence[bytes], base: _Series, ours: _Series, theirs: _Series) -> list[bytes]:
    """Write the merged list with its comments; a comment that both sides added is there once."""
    out: list[bytes] = []
    fresh: set[bytes] = set()  # comments of patches that ours alone added, since the last one that both have
    for name in [_TOP, *order, _END]:
        whole = name in (_TOP, _END)
        if not whole and name not in theirs.lines:
            fresh |= set(ours.above[name])
        mine = whole or name in ours.lines
        above = _comments(base, ours, theirs, name)
        out += above if mine else [line for line in above if line not in fresh or not line.strip()]
        if mine and name in theirs.lines:
            fresh = set()
        line = _three(base.lines.get(name), ours.lines.get(name), theirs.lines.get(name))
        out += [line] if line else []
    return out


def _comments(base: _Series, ours: _Series, theirs: _Series, name: bytes) -> Lines:
    was, mine, their = (one.above.get(name) for one in (base, ours, theirs))
    if mine is None or their is None:
        return mine or their or ()
    same = _three(was, mine, their)
    if same is not None:
        return same
    before = set(was or ())
    kept = [line for line in mine if line in their or line not in before]
    more = [line for line in their if line.strip() and line not in mine and line not in before]
    return (*kept, *more)


def _three(was: T | None, mine: T | None, their: T | None) -> T | None:
    """Give what one side made of something where the other left it; None where both changed it, and otherwise."""
    if mine is None or their is None or was == mine:
        return their if their is not None else mine
    return mine if their in (was, mine) else None
