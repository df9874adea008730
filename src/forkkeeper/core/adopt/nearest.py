"""Which upstream version a file is closest to: the measure, the candidates, and how ties are broken.

The measure is the number of lines added and removed from the version to the file, as few as can be (`git diff
--minimal`), where a carriage return at a line's end makes no difference. A file that is a *piece* of an upstream file
(most of its lines are from there, and it is less than half of it) is measured by the lines added, then by all: what
stands elsewhere in the fork would else count as removed, and the smallest old version would always win.

Of versions that are equally close, the nearest to the *majority base* counts, then the newest: the majority base is the
upstream commit at which the most files have a closest version.
"""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.adopt.sketch import LEAST, LEAST_NAMED, Seen
from forkkeeper.core.adopt.timeline import Timeline, Version
from forkkeeper.core.ids import ObjectId

CHUNK = 8  # versions of a file that are compared line by line at once


class Age(Enum):
    """Where a file's base stands, seen from an upstream commit."""

    SAME = "same"
    OLDER = "older"
    NEWER = "newer"
    ABSENT = "absent"  # upstream has no such file there


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that a file may come from."""

    blob: ObjectId
    seen: Seen


@dataclass(frozen=True, slots=True)
class Part:
    """Another upstream file that a file holds lines of. lines -- telling lines that the main one has not."""

    path: str
    lines: int


@dataclass(frozen=True, slots=True)
class Base:
    """The upstream version that a file is closest to.

    equal -- every version that is as close, `version` among them
    added, removed -- lines, from the version to the file
    share -- how much of the file's telling lines the version holds, from 0 to 1
    is_piece -- whether the file is a part of a larger upstream file
    here -- the version of the same file that stands at the reference commit; None where there is none
    others -- further upstream files that it holds lines of
    """

    version: Version
    equal: tuple[Version, ...]
    added: int
    removed: int
    share: float
    is_piece: bool = False
    here: Version | None = None
    others: tuple[Part, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether the file is that version, but for line ends."""
        return self.added == self.removed == 0


@dataclass(frozen=True, slots=True)
class Own:
    """A file with no upstream history. nearest -- the upstream path with the most of it; share -- how much, 0 to 1."""

    nearest: str
    share: float
    why: str


Finding = Base | Own


def stem(path: str) -> str:
    """Give a file's name without its folder and last ending, in small letters.

    >>> stem("ggml/src/ggml-quants.c"), stem("Makefile"), stem("a/.gitignore")
    ('ggml-quants', 'makefile', '.gitignore')
    """
    return posixpath.splitext(posixpath.basename(path))[0].lower()


def is_named(path: str, versions: Iterable[Version]) -> bool:
    """Whether any of the versions has the name of a file, but for its ending."""
    return any(stem(version.path) == stem(path) for version in versions)


def may_be(path: str, seen: Seen, versions: Sequence[Version]) -> bool:
    """Whether a file may come from a version: enough telling lines in common, and half of the one or the other."""
    return seen.is_alike and seen.shared >= (LEAST_NAMED if is_named(path, versions) else LEAST)


def is_same(seen: Seen) -> bool:
    """Whether a version is the same file as another: half of both is in common."""
    return 2 * seen.shared >= max(seen.own, seen.other)


def is_piece(candidates: Sequence[Candidate]) -> bool:
    """Whether a file is a part of a larger one: so it is to the version that holds the most of it."""
    most = max(candidates, key=lambda one: (one.seen.shared, -one.seen.other, one.blob)).seen
    return 2 * most.own < most.other and 2 * most.shared >= most.own


@dataclass(slots=True)
class Race:
    """The comparison of one file with its candidates, the likeliest first, until no other can be closer."""

    candidates: tuple[Candidate, ...]
    piece: bool
    counts: dict[ObjectId, tuple[int, int]]

    @staticmethod
    def begin(candidates: Sequence[Candidate]) -> "Race":
        """Line them up."""
        piece = is_piece(candidates)
        return Race(tuple(sorted(candidates, key=lambda one: (_least(one.seen, piece), one.blob))), piece, {})

    def wanted(self) -> tuple[ObjectId, ...]:
        """Give the versions to count next; none when the closest is known."""
        best = self._best()
        rest = [
            one
            for one in self.candidates
            if one.blob not in self.counts and (best is None or _least(one.seen, self.piece) <= best[0])
        ]
        return tuple(one.blob for one in rest[:CHUNK])

    def closest(self) -> tuple[Candidate, ...]:
        """Give the closest of those counted, ordered by blob."""
        best = self._best()
        found = [one for one in self.candidates if one.blob in self.counts and self._far(one.blob) == best]
        return tuple(sorted(found, key=lambda one: one.blob))

    def _best(self) -> tuple[int, int] | None:
        return min(map(self._far, self.counts), default=None)

    def _far(self, blob: ObjectId) -> tuple[int, int]:
        added, removed = self.counts[blob]
        return (added, added + removed) if self.piece else (added + removed, 0)


def _least(seen: Seen, piece: bool) -> int:
    return seen.own - seen.shared if piece else seen.least


def majority(timeline: Timeline, found: Iterable[Sequence[Version]], declared: int | None) -> int:
    """Find the place at which the most files have a closest version; of equals the declared one, or the newest."""
    steps = [0] * (len(timeline.line) + 1)
    for versions in found:
        spans = sorted({(one.first, one.last) for one in versions if one.aside is None})
        end = -1
        for first, last in spans:  # a file counts once, however many of its versions stand at a place
            begin = max(first, end + 1)
            if begin <= last:
                steps[begin] += 1
                steps[last + 1] -= 1
            end = max(end, last)
    counts, total = [], 0
    for step in steps[:-1]:
        total += step
        counts.append(total)
    most = max(counts, default=0)
    if declared is not None and counts[declared] == most:
        return declared
    return max((at for at, count in enumerate(counts) if count == most), default=0)


def choose(path: str, versions: Sequence[Version], place: int) -> Version:
    """Choose among versions that are equally close: nearest to a place, then newest, then by name."""

    def rank(version: Version) -> tuple[int, int, bool, bool, str]:
        named = stem(version.path) != stem(path)
        return version.gap(place), -version.last, version.path != path, named, version.path

    return min(versions, key=rank)


def age(base: Base, place: int) -> Age:
    """Say where a file's base stands, seen from a place on the line."""
    if any(version.gap(place) == 0 for version in base.equal):
        return Age.SAME
    if base.here is None:
        return Age.ABSENT
    return Age.OLDER if base.version.last < place else Age.NEWER


def standing(
    base: Version, candidates: Mapping[ObjectId, Seen], timeline: Timeline, paths: Mapping[str, ObjectId], place: int
) -> Version | None:
    """Find the version of a file that stands at a place: at its base's path, or else the one with most in common.

    candidates -- the versions that the file may come from; paths -- what stands there
    """
    if base.path in paths:
        there = timeline.versions.get(paths[base.path], ())
        found = [one for one in there if one.path == base.path and one.gap(place) == 0]
        if found:
            return found[0]
    here = [
        (seen, version)
        for blob, seen in candidates.items()
        if is_same(seen)
        for version in timeline.versions[blob]
        if version.gap(place) == 0
    ]
    return min(here, key=lambda one: (one[0].least, one[1].path))[1] if here else None
