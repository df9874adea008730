"""The vendored directory: read, compared with its manifest, replaced as a whole. Unchanged files keep their times."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import manifest as manifests
from forkkeeper.core.ids import EMPTY_TREE, ObjectId, TreeId
from forkkeeper.core.manifest import Edit, Manifest
from forkkeeper.core.paths import alike, fault, parents
from forkkeeper.core.store import SUBMODULE, Entries, Entry, Store
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.shell import disk, swap
from forkkeeper.shell.git import Scratch, Worktree

STEP = "materialise"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fork has its vendored directory. root -- the fork's folder; name -- the directory, relative to it."""

    root: Path
    state: Path
    name: str

    @property
    def directory(self) -> Path:
        """The directory."""
        return self.root / self.name

    @property
    def manifest(self) -> str:
        """The manifest beside it, relative to the fork's folder."""
        return f"{self.name.rstrip('/')}{manifests.SUFFIX}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the directory.

    manifest -- None where forkkeeper never wrote it
    entries -- every file and link but those of `aside`
    aside -- files that the manifest does not have and the fork's git ignores: what builds and editors leave
    looked -- a digest of how it looked
    """

    manifest: Manifest | None
    entries: Entries
    aside: tuple[str, ...]
    looked: str

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What is not as forkkeeper wrote it."""
        return manifests.edits(self.manifest, self.entries) if self.manifest is not None else ()


def look(place: Place) -> Standing:
    """Read the directory and its manifest. Raises RequestError for a damaged manifest, or a git repository there."""
    data = disk.read(place.root / place.manifest)
    known = manifests.read(data, place.manifest) if data is not None else None
    if place.directory.is_symlink() or (place.directory.exists() and not place.directory.is_dir()):
        raise RequestError(STEP, place.name, "is a link or a file", "move it away, or give another directory")
    looked = swap.look(place.directory)
    names = disk.names_below(place.directory)
    inside = [path for path in names if ".git" in path.split("/")]
    if inside:
        hint = "move it away: the directory is part of the fork's own repository"
        raise RequestError(STEP, place.name, f"holds a git repository: {inside[0]}", hint)
    aside = _ignored(place, [path for path in names if path not in known.paths]) if known is not None else frozenset()
    entries = {}
    for path in names:
        if path not in aside and (found := disk.identify(place.directory / path)) is not None:
            entries[path] = Entry(*found)
    return Standing(known, entries, tuple(sorted(aside)), looked)


def _ignored(place: Place, paths: Sequence[str]) -> frozenset[str]:
    worktree = Worktree(place.root)
    if not paths or not worktree.exists:
        return frozenset()
    prefix = f"{place.name.rstrip('/')}/"
    return frozenset(path.removeprefix(prefix) for path in worktree.ignored([prefix + path for path in paths]))


def content(place: Place, path: str) -> bytes:
    """Read a file as a blob has it: of a link, where it leads."""
    file = place.directory / path
    return os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()


def lost_to_git(place: Place, paths: Sequence[str]) -> frozenset[str]:
    """Give those of these files that the fork's git ignores and does not track: a commit would lack them."""
    return _ignored(place, paths)


def rewritten_by_git(place: Place, entries: Entries) -> tuple[str, ...]:
    """Give the files whose bytes the fork's git would change on their way in: attributes, line ends, filters."""
    worktree = Worktree(place.root)
    prefix = f"{place.name.rstrip('/')}/"
    plain = [path for path, entry in entries.items() if entry.mode in ("100644", "100755") and "\n" not in path]
    if not plain or not worktree.exists:
        return ()
    stored = worktree.stored([prefix + path for path in plain])
    return tuple(path for path, oid in zip(plain, stored, strict=True) if oid != entries[path].oid)


def tree_of(store: Store, entries: Entries) -> TreeId:
    """Give the tree that entries make; their blobs need not be there."""
    return store.graft(EMPTY_TREE, entries)


@dataclass(frozen=True, slots=True)
class Placed:
    """How many files were written, left and removed, and what is to be said of a directory that was kept."""

    written: int
    left: int
    removed: int
    kept: str | None


def put(
    store: Scratch,
    place: Place,
    standing: Standing,
    wanted: Manifest,
    *,
    overwrite: bool = False,
    on_progress: Callable[[str, float, float], None],
) -> Placed:
    """Make the directory hold exactly a manifest's tree, in one step; nothing is done where it does already.

    Raises AnswerIsNo where files there are neither as they were written nor as they are wanted, unless `overwrite`.
    """
    files = {path: held.entry for path, held in wanted.paths.items() if held.mode != SUBMODULE}
    _refuse(place, standing, files, overwrite=overwrite)
    data = manifests.write(wanted)
    gone = [path for path in standing.entries if path not in files]
    fresh = {path: entry for path, entry in files.items() if standing.entries.get(path) != entry}
    if not gone and not fresh:
        if disk.read(place.root / place.manifest) != data:
            disk.write(place.root / place.manifest, data)
        return Placed(0, len(files), 0, None)
    made = swap.begin(place.state, place.directory, place.root / place.manifest)
    for path in files:
        if path not in fresh:
            swap.take(made, path)
    for number, (path, entry) in enumerate(fresh.items(), start=1):
        disk.place(made.new, path, entry.mode, store.blob(entry.oid))
        on_progress(f"writing {len(fresh)} files", number, len(fresh))
    for path in standing.aside:
        swap.take(made, path)
    kept = swap.finish(made, data, standing.looked)
    return Placed(len(fresh), len(files) - len(fresh), len(gone), kept)


def _refuse(place: Place, standing: Standing, files: Entries, *, overwrite: bool) -> None:
    """Refuse paths that cannot be written, and files of a person's that would be lost."""
    for path in files:
        if wrong := fault(path):
            raise RequestError(STEP, path, f"upstream's path {wrong}", "exclude it with a [[path]] rule in fork.toml")
    twins = alike(files)
    if twins and disk.is_caseless(place.directory):
        found = f"is {twins[1]} on this disk, which does not tell letter case apart"
        raise RequestError(STEP, twins[0], found, "exclude one of them with a [[path]] rule in fork.toml")
    folders = {parent for path in files for parent in parents(path)}
    taken = [path for path in standing.aside if path in files or path in folders]
    taken += [path for path in standing.aside if any(parent in files for parent in parents(path))]
    if taken:
        found = f"git ignores it, and the fork has a file of this name: {some(taken)}"
        raise AnswerIsNo(STEP, place.name, found, "move it away")
    known = standing.manifest.entries if standing.manifest is not None else {}
    foreign = [
        path
        for path in sorted({*known, *standing.entries})
        if standing.entries.get(path) not in (known.get(path), files.get(path))
        and known.get(path, _NONE).mode != SUBMODULE
    ]
    if not foreign or overwrite or not standing.entries:  # a directory that was removed can be made again
        return
    if standing.manifest is None:
        found = f"holds files that forkkeeper did not write: {some(foreign)}"
        hint = "move them away, give another materialise.directory, or add --overwrite to lose them"
    else:
        found = f"was edited by hand: {some(foreign)}"
        hint = (
            "`forkkeeper verify` shows it, `forkkeeper patch absorb --name NAME --why TEXT` makes a patch of it;"
            " or add --overwrite to lose it"
        )
    raise AnswerIsNo(STEP, place.name, found, hint)


_NONE = Entry("", ObjectId(""))


def some(paths: Sequence[str], most: int = 5) -> str:
    """List a few paths, and count the rest."""
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")
