"""Upstream's versions of files, and which of them each file of a tree is closest to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core.adopt import nearest, sketch, timeline as timelines
from forkkeeper.core.adopt.nearest import Base, Candidate, Finding, Own, Race
from forkkeeper.core.adopt.sketch import Seen
from forkkeeper.core.adopt.timeline import Timeline, Version
from forkkeeper.core.ids import CommitId, ObjectId
from forkkeeper.core.lines import says_something
from forkkeeper.core.store import SYMLINK, Entry
from forkkeeper.shell.disk import Found as FileFound
from forkkeeper.shell.git import Scratch
from forkkeeper.shell.git.chronicle import Chronicle

Progress = Callable[[str, float, float], None]
LARGEST = 32 * 1024 * 1024  # bytes of a file or version that is compared line by line
STEP = 200  # versions between two words of progress
LEAST_PART = 10  # telling lines of another upstream file from which on it is named as a part


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a tree.

    majority -- the place on the line at which the most files have a closest version
    place -- where the files are seen from: the pin
    missing -- versions that the repository lacks
    """

    timeline: Timeline
    majority: int
    place: int
    findings: Mapping[str, Finding]
    missing: int


@dataclass(slots=True)
class _Search:
    """The tree's files, and what is known of each while versions are looked through."""

    files: Mapping[str, Entry]
    texts: Mapping[str, bytes]
    alike: dict[str, dict[ObjectId, Seen]]
    most: dict[str, tuple[float, str]]
    missing: int = 0


def read_line(chronicle: Chronicle, tip: CommitId) -> Timeline:
    """Read upstream's history."""
    return timelines.parse(chronicle.log(tip))


def search(
    store: Scratch,
    chronicle: Chronicle,
    timeline: Timeline,
    files: Mapping[str, Entry],
    *,
    declared: int | None,
    pin: int | None,
    on_progress: Progress,
) -> Found:
    """Find the upstream version that each file is closest to.

    store -- borrows upstream's objects, and holds the files; declared -- the place of the base that the tree names
    pin -- the place that files are seen from; None: the majority base
    """
    texts = {
        path: data
        for path, entry in files.items()
        if entry.mode != SYMLINK and not sketch.is_binary(data := store.blob(entry.oid)) and len(data) <= LARGEST
    }
    run = _Search(files, texts, {path: {} for path in files}, {})
    _look(run, chronicle, timeline, on_progress)
    closest = _closest(run, store, timeline, on_progress)
    spans = [[one for blob, _, _ in some for one in timeline.versions[blob]] for some in closest.values()]
    majority = nearest.majority(timeline, spans, declared)
    place = majority if pin is None else pin
    at = {version.path: blob for blob, some in timeline.versions.items() for version in some if not version.gap(place)}
    findings: dict[str, Finding] = {}
    for path in files:
        base = _base(run, timeline, path, closest.get(path, ()), (majority, place), at)
        findings[path] = base if base is not None else _own(run, path)
    return Found(timeline, majority, place, _with_parts(run, chronicle, timeline, findings, place), run.missing)


def _look(run: _Search, chronicle: Chronicle, timeline: Timeline, on_progress: Progress) -> None:
    """Look through every version for the lines of the files."""
    sketched = sketch.make(run.texts)
    for number, (blob, versions) in enumerate(timeline.versions.items()):
        if number % STEP == 0:
            on_progress("versions", number, len(timeline.versions))
        data = chronicle.text(blob)
        if data is None:
            run.missing += 1
            continue
        if len(data) > LARGEST or sketch.is_binary(data) or versions[0].mode == SYMLINK:
            continue
        for file, seen in sketched.look(data):
            path = sketched.paths[file]
            if nearest.may_be(path, seen, versions):
                run.alike[path][blob] = seen
            run.most[path] = max(run.most.get(path, (0.0, "")), (seen.share, versions[0].path))


_Close = tuple[ObjectId, int, int]


def _closest(run: _Search, store: Scratch, timeline: Timeline, on_progress: Progress) -> dict[str, tuple[_Close, ...]]:
    """Give the closest versions of each file that has any, with lines added and removed."""
    found: dict[str, tuple[_Close, ...]] = {}
    races: dict[str, Race] = {}
    for path, entry in run.files.items():
        exact = timeline.versions.get(entry.oid, ())
        if exact and (nearest.is_named(path, exact) or _says(run.texts.get(path))):
            found[path] = ((entry.oid, 0, 0),)
        elif run.alike[path]:
            races[path] = Race.begin([Candidate(blob, seen) for blob, seen in run.alike[path].items()])
    open_races = dict(races)
    while open_races:
        on_progress("line diffs", len(races) - len(open_races), len(races))
        wanted = {path: race.wanted() for path, race in open_races.items()}
        asked = [(path, blob) for path, blobs in wanted.items() for blob in blobs]
        counts = store.line_counts([(blob, run.files[path].oid) for path, blob in asked])
        for (path, blob), count in zip(asked, counts, strict=True):
            races[path].counts[blob] = count
        open_races = {path: race for path, race in open_races.items() if wanted[path]}
    for path, race in races.items():
        found[path] = tuple((one.blob, *race.counts[one.blob]) for one in race.closest())
    return found


def _says(data: bytes | None) -> bool:
    """Whether a file holds enough that its being the same as another is no chance; a binary file does."""
    return data is None or sum(says_something(line) for line in sketch.distinct(data)) >= sketch.LEAST_NAMED


def _base(
    run: _Search,
    timeline: Timeline,
    path: str,
    close: Sequence[_Close],
    places: tuple[int, int],
    at: Mapping[str, ObjectId],
) -> Base | None:
    """Give a file's base. places -- the majority base, and the pin; at -- what stands at the pin."""
    if not close:
        return None
    equal = tuple(version for blob, _, _ in close for version in timeline.versions[blob])
    version = nearest.choose(path, equal, places[0])
    _, added, removed = next(one for one in close if one[0] == version.blob)
    seen = run.alike[path].get(version.blob)
    here = nearest.standing(version, run.alike[path], timeline, at, places[1])
    share = seen.share if seen else 1.0
    candidates = [Candidate(blob, one) for blob, one in run.alike[path].items()]
    piece = bool(added or removed) and bool(candidates) and nearest.is_piece(candidates)
    return Base(version, equal, added, removed, share, piece, here)


def _own(run: _Search, path: str) -> Own:
    share, other = run.most.get(path, (0.0, ""))
    if path in run.texts and not _says(run.texts[path]):
        return Own("", 0.0, "it holds next to nothing, and no upstream file of its name has its id")
    if path not in run.texts:
        return Own("", 0.0, "no upstream version has its id; it is no text that could be compared")
    if not other:
        return Own("", 0.0, "no upstream version shares three telling lines with it")
    return Own(other, share, f"the most that any upstream version holds of it is {share:.0%} ({other})")


def _with_parts(
    run: _Search, chronicle: Chronicle, timeline: Timeline, findings: Mapping[str, Finding], place: int
) -> dict[str, Finding]:
    """Name the other upstream files that a file holds lines of: those that stood when its base did."""
    found = dict(findings)
    places: dict[int, list[str]] = {}
    for path, base in findings.items():
        if isinstance(base, Base) and base.added >= LEAST_PART and path in run.texts:
            when = min(max(place, base.version.first), base.version.last)
            places.setdefault(when, []).append(path)
    for when, paths in sorted(places.items()):
        lacking = {path: _lacking(run, chronicle, findings[path], path) for path in paths}
        wide = sketch.make({path: b"\n".join(sorted(lines)) for path, lines in lacking.items()})
        holders: dict[str, dict[str, bytes]] = {path: {} for path in paths}
        for version in _at(timeline, when):
            data = chronicle.text(version.blob)
            if data is None or len(data) > LARGEST or sketch.is_binary(data):
                continue
            for number, seen in wide.look(data):
                if seen.shared >= LEAST_PART:
                    holders[wide.paths[number]][version.path] = data
        for path in paths:
            base = found[path]
            if isinstance(base, Base):
                texts = [(other, data) for other, data in sorted(holders[path].items()) if other != base.version.path]
                parts = sketch.covered(lacking[path], texts, LEAST_PART)
                found[path] = replace(base, others=tuple(nearest.Part(*part) for part in parts))
    return found


def _lacking(run: _Search, chronicle: Chronicle, base: Finding, path: str) -> set[bytes]:
    """Give the telling lines of a file that its base does not hold."""
    held = chronicle.text(base.version.blob) if isinstance(base, Base) else None
    return {line for line in sketch.distinct(run.texts[path]) - sketch.distinct(held or b"") if says_something(line)}


def _at(timeline: Timeline, place: int) -> list[Version]:
    """Give what stood at a place on the line, ordered by path."""
    some = (version for versions in timeline.versions.values() for version in versions)
    return sorted((one for one in some if one.mode != SYMLINK and one.gap(place) == 0), key=lambda one: one.path)


def tree_files(store: Scratch, files: Mapping[str, FileFound]) -> dict[str, Entry]:
    """Write files of a folder as blobs, and give their entries, by path."""
    return {path: Entry(file.mode, store.put(file.data)) for path, file in files.items()}
