"""What may be wrong with a patch that was carried: applied, and yet broken, or without its effect.

A merge looks at lines alone. So each carried patch is read again, for the kinds of change that lines do not show.

Doubts, with which the result will hardly build or do what it did:

* it uses a name that upstream took away
* it calls something with as many arguments as before, and upstream calls it with more or fewer everywhere
* it adds lines that upstream has added elsewhere

Hints, beside which the result may be right:

* it adds an entry to a list of names, and upstream lists those names at more places now
* it takes lines away that it did not take away before, so maybe new ones of upstream's

A count that both sides changed alike, which a merge takes once, is mended (`ladder/counters.py`).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.lines import says_something, squeeze

Mentions = Callable[[Sequence[str]], frozenset[str]]

_NAME = re.compile(rb"\b[A-Za-z_]\w{3,99}\b")  # longer is data, such as base64
_CALL = re.compile(rb"\b([A-Za-z_]\w{3,99})\s*\(")
_CONSTANT = re.compile(rb"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_NO_CODE = re.compile(rb"//.*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|^\s*(?:#(?!\s*(?:if|el|define|include)).*|\*.*)")
_LONG = 20  # characters that a line needs to be no accident when upstream has it, too
_MOST_ARGUMENTS = 4000  # characters that are read for the arguments of one call
_SIBLINGS = 2  # entries beside a new one that must all stand at more places
_BESIDE = 3  # lines on each side in which they are looked for
_SHOWN = 3
_MOST_NAMES = 30  # that are looked for in whole trees: a file written anew loses thousands, and a few are telling


@dataclass(frozen=True, slots=True)
class Carried:
    """A patch before and after it was carried, with the files that it touches.

    was, now -- its diff on the old side and on the new one
    base, ours -- the contents of the files before the patch, on the old side and on the new one, by path
    """

    was: Sequence[FileDiff]
    now: Sequence[FileDiff]
    base: Mapping[str, bytes]
    ours: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Upstream:
    """What upstream did to those files: all that they held, all that they hold, the lines that went and that came."""

    had: bytes
    has: bytes
    went: bytes
    came: bytes

    @staticmethod
    def of(carried: Carried) -> "_Upstream":
        had, has = b"\n".join(carried.base.values()), b"\n".join(carried.ours.values())
        before, after = had.split(b"\n"), has.split(b"\n")
        kept = frozenset(before) & frozenset(after)
        went, came = (b"\n".join(line for line in lines if line not in kept) for lines in (before, after))
        return _Upstream(had, has, went, came)


@dataclass(frozen=True, slots=True)
class Found:
    """What speaks against a result (doubts), and what to look at beside it (hints, removals), a sentence each."""

    doubts: tuple[str, ...]
    hints: tuple[str, ...]
    removals: tuple[str, ...]


def look(carried: Carried, mentions: Mentions) -> Found:
    """Read a carried patch again.

    mentions -- tells which of some names stand anywhere in the new upstream tree
    """
    upstream, own = _Upstream.of(carried), _own(carried.now)
    code = _code([line for lines in own for line in lines])
    doubts = (*_names(code, upstream, mentions), *_calls(code, upstream), *_twice(carried, own, upstream))
    hints, removals = _lists(carried, upstream), _removes_more(carried)
    return Found(*(tuple(dict.fromkeys(said)) for said in (doubts, hints, removals)))


# doubts -------------------------------------------------------------------------------------------------------------


def called(files: Sequence[FileDiff]) -> tuple[str, ...]:
    """Give the names that a patch's added lines call, in order."""
    return tuple(dict.fromkeys(name.decode() for name in _CALL.findall(_code(_added(files)))))


def used(files: Sequence[FileDiff], sign: bytes = b"+") -> tuple[str, ...]:
    """Give the names in a patch's added lines (or its removed ones), comments and strings left out, in order."""
    return tuple(dict.fromkeys(name.decode() for name in _NAME.findall(_code(_signed(files, sign)))))


def calls(files: Sequence[FileDiff], names: Sequence[str], had: bytes, has: bytes) -> tuple[str, ...]:
    """Say what speaks against calls that a patch adds, wherever upstream has what is called.

    names -- those called
    had, has -- the lines of upstream's old tree and of its new one in which the names stand (`Store.usages`)
    """
    code = _code(_added(files))
    found = []
    for name in names:
        before = _arities(had, name.encode())
        own = _arities(code, name.encode()) & before
        after = _arities(has, name.encode()) if own else before
        if own and not _holds(has, name.encode()):
            found.append(f"upstream has no {name} any more, and the patch's lines use it")
        elif after and not before & after:
            found.append(_said(name, after))
    return tuple(found)


def _said(name: str, after: set[int]) -> str:
    numbers = " or ".join(str(n) for n in sorted(after))
    return f"upstream calls {name} with {numbers} arguments now, and the patch as it was called before"


def _names(code: bytes, upstream: _Upstream, mentions: Mentions) -> Iterator[str]:
    """Find names in added lines that upstream's files had and have no longer."""
    used = dict.fromkeys(_NAME.findall(code))
    lost = [name.decode() for name in used if _holds(upstream.went, name) and not _holds(upstream.has, name)]
    asked = lost[:_MOST_NAMES]
    known = mentions(asked) if asked else frozenset()
    gone = [name for name in asked if name not in known]
    if gone:
        more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
        yield f"upstream has no {', '.join(gone[:_SHOWN])}{more} any more, and the patch's lines use it"


def _calls(code: bytes, upstream: _Upstream) -> Iterator[str]:
    """Find calls in added lines with a number of arguments that upstream has given up."""
    for name in dict.fromkeys(_CALL.findall(code)):
        if name not in upstream.went or name not in upstream.came:
            continue
        before = _arities(upstream.had, name)
        own = _arities(code, name) & before
        after = _arities(upstream.has, name) if own else before
        if after and not before & after:
            yield _said(name.decode(), after)


def _arities(text: bytes, name: bytes) -> set[int]:
    """Give the numbers of arguments with which something is called or declared in a text."""
    found = set()
    for match in re.finditer(rb"\b" + name + rb"\s*\(", text):
        count = _arguments(text[match.end() : match.end() + _MOST_ARGUMENTS])
        if count is not None:
            found.add(count)
    return found


def _arguments(text: bytes) -> int | None:
    """Count the arguments up to the bracket that closes; None where none does."""
    depth, commas, is_empty = 0, 0, True
    for match in re.finditer(rb"[()\[\]{},]|\"(?:[^\"\\]|\\.)*\"|[^\s()\[\]{},\"]+", text):
        sign = match[0]
        if sign in (b"(", b"[", b"{"):
            depth += 1
        elif sign in (b")", b"]", b"}"):
            if depth == 0:
                return 0 if is_empty else commas + 1
            depth -= 1
        elif sign == b"," and depth == 0:
            commas += 1
        is_empty = False
    return None


def _twice(carried: Carried, own: Sequence[Sequence[bytes]], upstream: _Upstream) -> Iterator[str]:
    """Find added lines that upstream has added itself, and that now stand there twice."""
    for file, added in zip(carried.now, own, strict=True):
        ours = carried.ours.get(file.old or "", b"")
        removed = {squeeze(line) for hunk in file.hunks for line in hunk.signed(b"-")}
        double = [
            line.strip()
            for line in added
            if says_something(line) and len(squeeze(line)) >= _LONG and squeeze(line) not in removed
            if line.strip() in upstream.came
            and _is_line(line.strip(), ours)
            and not _is_line(line.strip(), upstream.had)
        ]
        if double:
            shown = double[0].decode("utf-8", "replace")
            yield f"upstream has added {len(double)} of its lines to {file.path}, too: `{shown}`"


# hints --------------------------------------------------------------------------------------------------------------


def _lists(carried: Carried, upstream: _Upstream) -> Iterator[str]:
    """Find lists that upstream has begun elsewhere, of the things that the patch adds one to."""
    for hunk in (hunk for file in carried.now for hunk in file.hunks):
        for new, siblings in _entries(hunk):
            if _holds(upstream.had, new) or not all(name in upstream.came for name in siblings):
                continue
            more = min(_count(upstream.came, name) - _count(upstream.went, name) for name in siblings)
            if more > 0:
                said = " and ".join(name.decode() for name in siblings[:_SIBLINGS])
                yield f"upstream lists {said} at {more} more places now; {new.decode()} may belong there, too"


def _entries(hunk: Hunk) -> Iterator[tuple[bytes, list[bytes]]]:
    """Give each constant on a line that a hunk adds, and those on the lines beside it that have the same form."""
    for number, line in enumerate(hunk.lines):
        found = _entry(line[1:]) if line.startswith(b"+") else None
        if found is None:
            continue
        form, name = found
        beside = hunk.lines[max(number - _BESIDE, 0) : number + _BESIDE + 1]
        entries = [entry for other in beside if other.startswith(b" ") and (entry := _entry(other[1:]))]
        siblings = [other for shape, other in entries if shape == form]
        if len(siblings) >= _SIBLINGS:
            yield name, siblings


def _entry(line: bytes) -> tuple[bytes, bytes] | None:
    """Give the form of a line that lists something by a constant, its signs alone, and the constant."""
    names = _CONSTANT.findall(line)
    return (re.sub(rb"[\w\"%.]+|\s+", b"", line), names[0]) if names else None


def _removes_more(carried: Carried) -> Iterator[str]:
    """Find lines that the patch takes away and did not take away before."""
    before = Counter(squeeze(line) for line in _signed(carried.was, b"-"))
    after = Counter(squeeze(line) for line in _signed(carried.now, b"-") if says_something(line))
    more = after - before - Counter(squeeze(line) for line in _signed(carried.now, b"+"))
    if more:
        lines = "a line" if sum(more.values()) == 1 else f"{sum(more.values())} lines"
        yield f"it takes {lines} away that it did not take away before"


# reading ------------------------------------------------------------------------------------------------------------


def _added(files: Sequence[FileDiff]) -> list[bytes]:
    return [line for lines in _own(files) for line in lines]


def _own(files: Sequence[FileDiff]) -> list[list[bytes]]:
    """Give the lines that a patch adds to each file, without those that it only moves there with a whole file."""
    moved = Counter(_signed([file for file in files if file.new is None], b"-"))
    return [[line for line in _signed([file], b"+") if not _take(moved, line)] for file in files]


def _take(lines: Counter[bytes], line: bytes) -> bool:
    """Take a line out of some, if it is among them."""
    there = lines.get(line, 0)
    if there:
        lines[line] = there - 1
    return there > 0


def _signed(files: Sequence[FileDiff], sign: bytes) -> list[bytes]:
    return [line for file in files for hunk in file.hunks for line in hunk.signed(sign)]


def _code(lines: Sequence[bytes]) -> bytes:
    """Join lines without their comments and strings."""
    return b"\n".join(_NO_CODE.sub(b" ", line) for line in lines)


def _holds(text: bytes, name: bytes) -> bool:
    return name in text and re.search(rb"\b" + name + rb"\b", text) is not None


def _count(text: bytes, name: bytes) -> int:
    return len(re.findall(rb"\b" + name + rb"\b", text))


def _is_line(line: bytes, text: bytes) -> bool:
    """Whether a text has a line, indentation aside."""
    return line in text and re.search(rb"(?m)^[ \t]*" + re.escape(line) + rb"[ \t\r]*$", text) is not None
