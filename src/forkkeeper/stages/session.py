"""The folder of a sync in progress, `.forkkeeper/sync/`, and of what was kept of syncs that were given up.

session.json     what was asked and decided (`core.session`); written first, and gone in one step with all of it
made/            patches that a person made to fit
resolutions/     what they made, to be recorded when the sync is saved
objects/         trees that the worktree needs
clash/           the worktree; CLASH.md beside it says what it is about
"""

import contextlib
import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forkkeeper.core import resolutions, session as sessions
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.resolutions import Recorded
from forkkeeper.core.session import Before, Session
from forkkeeper.errors import OutsideError
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout, Scratch

NOTE = "CLASH.md"
_STATE = "session.json"
_UNREADABLE: dict[str, tuple[str, ...]] = {"what git cannot read": ("its files or its .git",)}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person had made in the worktree, and where it is kept, as seen from the fork.

    beyond -- for what the worktree itself was kept (`Desk.beyond`); nothing where a diff of its files holds all of it
    """

    place: Path
    beyond: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a sync in progress is kept. state -- the fork's `.forkkeeper/`; name -- the folder in it."""

    state: Path
    name: str = "sync"

    @property
    def folder(self) -> Path:
        """The folder of the sync in progress."""
        return self.state / self.name

    @property
    def checkout(self) -> Checkout:
        """The worktree of the clash."""
        return Checkout(self.folder / "clash")

    @property
    def objects(self) -> Path:
        """The git object directory for trees that the worktree needs."""
        return self.folder / "objects"

    @property
    def note(self) -> Path:
        """The file that says what the clash is about."""
        return self.folder / NOTE

    def load(self) -> Session | None:
        """Read the sync in progress; None where there is none. Raises RequestError when it is damaged."""
        data = disk.read(self.folder / _STATE)
        return None if data is None else sessions.parse(data, str(self._shown(self.folder / _STATE)))

    def save(self, session: Session) -> None:
        """Write where the sync stands."""
        disk.write(self.folder / _STATE, sessions.format_session(session))

    def made(self, name: str) -> bytes | None:
        """Give a patch as a person made it fit."""
        return disk.read(self.folder / "made" / name)

    def keep_made(self, name: str, data: bytes, recorded: Recorded | None) -> None:
        """Keep what a person made, before it is written down that they did."""
        disk.write(self.folder / "made" / name, data)
        if recorded is not None:
            disk.write(self.folder / resolutions.FOLDER / recorded.name, resolutions.format_resolution(recorded))

    def drafts(self) -> tuple[Recorded, ...]:
        """Give the resolutions of this sync, ordered by name."""
        return read_resolutions(self.folder / resolutions.FOLDER)

    def kept(self) -> tuple[Recorded, ...]:
        """Give the resolutions of syncs that were given up, ordered by name."""
        return read_resolutions(self.state / resolutions.FOLDER)

    def forget(self, patch: str) -> Path:
        """Set aside what a person made of one patch, and the resolution of it; gives where."""
        drafts = [one for one in self.drafts() if one.patch == patch]
        files = {patch: self.made(patch) or b"", **{one.name: resolutions.format_resolution(one) for one in drafts}}
        place = self.set_aside(files)
        (self.folder / "made" / patch).unlink(missing_ok=True)
        for one in drafts:
            (self.folder / resolutions.FOLDER / one.name).unlink(missing_ok=True)
        return place

    def set_aside(self, files: Mapping[str, bytes]) -> Path:
        """Write what would be lost into a new folder in `.forkkeeper/set-aside/`; gives it, as seen from the fork."""
        folder = self._free()
        for name, data in sorted(files.items()):
            disk.write(folder / name, data)
        return self._shown(folder)

    def move_aside(self) -> Path:
        """Move the whole folder of a sync in progress out of the way; gives where, as seen from the fork."""
        folder = self._free()
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.rename(folder)
        moved = Desk(self.state, name=f"set-aside/{folder.name}")
        with contextlib.suppress(OSError):  # the worktree finds its objects where they are now
            borrowed = moved.checkout.lenders()
            was = self.objects.absolute()
            moved.checkout.borrow([moved.objects if path == was else path for path in borrowed])
        return self._shown(folder)

    @property
    def is_laid(self) -> bool:
        """Whether anything stands where the worktree of the clash is."""
        return os.path.lexists(self.checkout.folder)

    def is_edited(self, before: Before) -> bool:
        """Whether a person has made anything in the worktree, or nobody can tell."""
        if not self.is_laid:
            return False
        if self.beyond(before.head, before.laid):
            return True
        try:
            return self.checkout.tree() != before.laid
        except (OutsideError, OSError):
            return True

    def beyond(self, head: CommitId, laid: TreeId | None = None) -> dict[str, tuple[str, ...]]:
        """Say what is in the worktree that a diff of its files would not hold: of each kind, the names.

        head -- what is accounted for, with all below it
        laid -- the tree that was put there; None: HEAD and what is staged are accounted for, and what they were before
        """
        checkout = self.checkout
        if not checkout.is_whole:
            return _UNREADABLE
        try:
            things = {
                "commits": checkout.apart(head, left=laid is not None),
                "repositories of their own": checkout.nested(),
                "ignored files": checkout.ignored(),
                "staged otherwise than edited": checkout.only_staged(laid) if laid is not None else (),
            }
        except (OutsideError, OSError):
            return _UNREADABLE
        doing = checkout.underway()
        return {what: names for what, names in {**things, "underway": (doing,) if doing else ()}.items() if names}

    def keep_work(self, before: Before) -> Kept | None:
        """Set aside what a person made in the worktree of a clash and did not finish; None where that is nothing.

        As a diff where one holds all of it; else the worktree itself is moved, and is there no more.
        """
        if not self.is_laid:
            return None
        if more := self.beyond(before.head, before.laid):
            return self.keep_whole(before, more)
        checkout = self.checkout
        try:
            now = checkout.tree()
            if now == before.laid:
                return None
            with Scratch((checkout.objects, self.objects, *checkout.lenders())) as store:
                diff = store.diffs([(before.laid, now)])[0]
        except (OutsideError, OSError):
            return self.keep_whole(before, _UNREADABLE)
        name = f"{before.patch.removesuffix('.patch')}.diff"
        return Kept(self.set_aside({name: diff}) / name)

    def keep_whole(self, before: Before, beyond: Mapping[str, tuple[str, ...]]) -> Kept:
        """Move the worktree itself out of the way, with all that is in it."""
        checkout = self.checkout
        with contextlib.suppress(OSError):  # it borrows the sync's objects, which go; a damaged one says nothing of it
            borrowed = checkout.lenders()
            shutil.copytree(self.objects, checkout.objects, copy_function=_copy_new, dirs_exist_ok=True)
            checkout.borrow([path for path in borrowed if path != self.objects.absolute()])
        place = self._free() / before.patch.removesuffix(".patch")
        place.parent.mkdir(parents=True)
        checkout.folder.rename(place)
        disk.flush_folder(place.parent)
        return Kept(self._shown(place), beyond)

    def _free(self) -> Path:
        numbers = (self.state / "set-aside" / str(number) for number in itertools.count(1))
        return next(path for path in numbers if not path.exists())

    def give_up(self) -> tuple[str, ...]:
        """End the sync in progress; resolutions are kept for the next one. Gives their names."""
        drafts = self.drafts()
        for one in drafts:
            disk.write(self.state / resolutions.FOLDER / one.name, resolutions.format_resolution(one))
        self.finish()
        return tuple(one.name for one in drafts)

    def finish(self) -> None:
        """Remove the sync in progress: out of the way by one rename first, so that nothing of it meets the next one."""
        spent = self.folder.with_name(f"{self.folder.name}-spent")
        shutil.rmtree(spent, ignore_errors=True)
        if self.folder.exists():
            self.folder.rename(spent)
            shutil.rmtree(spent, ignore_errors=True)

    def shown(self) -> Path:
        """Give the worktree's folder, as seen from the fork."""
        return self._shown(self.checkout.folder)

    def _shown(self, path: Path) -> Path:
        return path.absolute().relative_to(self.state.absolute().parent)


def _copy_new(source: str, target: str) -> None:
    """Copy a file that is not there yet: git writes its objects so that none can be written over."""
    if not Path(target).exists():
        shutil.copyfile(source, target)


def read_resolutions(folder: Path) -> tuple[Recorded, ...]:
    """Read the resolutions of a folder, ordered by name. Raises RequestError when one is damaged."""
    names = sorted(path.name for path in folder.glob(f"*{resolutions.SUFFIX}")) if folder.is_dir() else []
    return tuple(resolutions.parse(name, (folder / name).read_bytes()) for name in names)


def used(recorded: Sequence[Recorded], keys: Sequence[str]) -> dict[str, bytes]:
    """Give the files in which the resolutions with these keys are recorded, by their path in the fork."""
    found = resolutions.by_key(recorded)
    wanted = [found[key] for key in keys if key in found]
    return {f"{resolutions.FOLDER}/{one.name}": resolutions.format_resolution(one) for one in wanted}
