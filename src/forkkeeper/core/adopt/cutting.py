"""The edits of a fork cut into patches: by file group, by annotations in comments, or by the fork's own commits."""

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.adopt.authors import Authors
from forkkeeper.core.lines import Edit, Lines, says_something

NEAR = 3  # lines around an edit in which an annotation counts
_COMMENT = rb"(?://|/\*|<!--|^\s*\* |(?:^|\s)# |(?:^|\s)-- |^\s*[;%])"
_ANNOTATION = re.compile(_COMMENT + rb".*?(?<![\w\])])\[([A-Za-z][A-Za-z0-9_.-]{2,30})\](?!\()")


class By(Enum):
    """How edits are cut into patches."""

    GROUP = "group"
    ANNOTATION = "annotation"
    HISTORY = "history"


class Kind(Enum):
    """What kind of patch an edit goes to, in the order of the queue."""

    LINE_ENDS = "line ends"
    COMMIT = "commit"
    ANNOTATION = "annotation"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A patch that edits go to. order -- its place among those of its kind; name -- annotation, commit or group."""

    place: int
    order: int
    name: str
    group: str = ""

    @property
    def kind(self) -> Kind:
        """What kind of patch it is."""
        return tuple(Kind)[self.place]


@dataclass(frozen=True, slots=True)
class Cut:
    """A file's edits. base -- the lines that they change; keys -- the patch of each edit."""

    base: Lines
    edits: tuple[Edit, ...]
    keys: tuple[Key, ...]


def key(kind: Kind, name: str, group: str = "", order: int = 0) -> Key:
    """Make a key."""
    return Key(tuple(Kind).index(kind), order, name, group)


def group(path: str) -> str:
    """Give the file group of a path: its folder; of a file at the top its name without the ending.

    >>> group("server/public/index.html"), group("ggml-cuda.cu"), group(".gitignore")
    ('server/public', 'ggml-cuda', '.gitignore')
    """
    folder, name = posixpath.split(path)
    return folder or posixpath.splitext(name)[0]


def with_line_ends(base: bytes, data: bytes) -> bytes | None:
    """Give the base with the line ends of the file, where the one has CRLF alone and the other none; else None."""
    feeds = [text.count(b"\n") for text in (base, data)]
    returns = [text.count(b"\r\n") for text in (base, data)]
    if not all(feeds) or returns[0] == returns[1]:
        return None
    if returns == [0, feeds[1]]:
        return base.replace(b"\n", b"\r\n")
    if returns == [feeds[0], 0]:
        return base.replace(b"\r\n", b"\n")
    return None


def cut(path: str, base: Lines, edits: Sequence[Edit], by: By, authors: Authors | None) -> Cut:
    """Give each edit of a file the patch that it goes to."""
    rest = key(Kind.GROUP, group(path))
    match by:
        case By.GROUP:
            keys = [rest for _ in edits]
        case By.ANNOTATION:
            keys = [key(Kind.ANNOTATION, name, group(path)) if name else rest for name in _annotated(edits)]
        case By.HISTORY:
            found = [authors.of(path, base[one.start : one.end], one.lines) if authors else None for one in edits]
            keys = [rest if at is None else key(Kind.COMMIT, str(at), order=at) for at in found]
    return Cut(base, tuple(edits), tuple(keys))


def annotations(lines: Sequence[bytes]) -> Counter[str]:
    """Count the `[name]` annotations in comments."""
    found = (match[1].decode() for line in lines if (match := _ANNOTATION.search(line)))
    return Counter(found)


def _annotated(edits: Sequence[Edit]) -> list[str]:
    """Give the annotation in or next to each edit; only one that the fork wrote counts, in the edit or close to it."""
    written = [annotations(edit.lines) for edit in edits]
    found = []
    for at, own in enumerate(written):
        beside = [
            written[other]
            for other in (at - 1, at + 1)
            if 0 <= other < len(edits) and edits[max(at, other)].start - edits[min(at, other)].end <= NEAR
        ]
        counted = own or sum(beside, Counter[str]())
        found.append(min(counted, key=lambda name: (-counted[name], name)) if counted else "")
    return found


def headings(base: Lines, edits: Sequence[Edit], most: int) -> tuple[str, ...]:
    """Give the first lines of what edits stand in, as git's hunk headers do: the nearest line above that begins one."""
    found: dict[str, None] = {}
    for edit in edits:
        for at in range(min(edit.start, len(base)) - 1, -1, -1):
            line = base[at]
            if line[:1].isalpha() and says_something(line) and not line.rstrip().endswith((b":", b";")):
                found[line.decode("utf-8", "replace").strip()[:76]] = None
                break
        if len(found) > most:
            break
    return tuple(found)[:most]


def stages(cuts: Mapping[str, Cut]) -> tuple[Key, ...]:
    """Give all patches of all files, in the order of the queue."""
    return tuple(sorted({one for found in cuts.values() for one in found.keys}))


def upto(found: Cut, last: Key) -> tuple[Edit, ...]:
    """Give the edits of a file that stand once a patch is applied."""
    return tuple(edit for edit, one in zip(found.edits, found.keys, strict=True) if one <= last)
