"""The folder of a sync in progress, `.forkkeeper/sync/`, and of what was kept of syncs that were given up.

session.json     what was asked and decided (`core.session`); written first, and gone in one step with all of it
made/            patches that a person made to fit
resolutions/     what they made, to be recorded when the sync is saved
objects/         trees that the worktree needs
clash/           the worktree; CLASH.md beside it says what it is about
"""

import itertools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import resolutions, session as sessions
from forkkeeper.core.resolutions import Recorded
from forkkeeper.core.session import Session
from forkkeeper.shell import disk
from forkkeeper.shell.git import Checkout

NOTE = "CLASH.md"
_STATE = "session.json"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a sync in progress is kept. state -- the fork's `.forkkeeper/`."""

    state: Path

    @property
    def folder(self) -> Path:
        """The folder of the sync in progress."""
        return self.state / "sync"

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
        return self._shown(folder)

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


def read_resolutions(folder: Path) -> tuple[Recorded, ...]:
    """Read the resolutions of a folder, ordered by name. Raises RequestError when one is damaged."""
    names = sorted(path.name for path in folder.glob(f"*{resolutions.SUFFIX}")) if folder.is_dir() else []
    return tuple(resolutions.parse(name, (folder / name).read_bytes()) for name in names)


def used(recorded: Sequence[Recorded], keys: Sequence[str]) -> dict[str, bytes]:
    """Give the files in which the resolutions with these keys are recorded, by their path in the fork."""
    found = resolutions.by_key(recorded)
    wanted = [found[key] for key in keys if key in found]
    return {f"{resolutions.FOLDER}/{one.name}": resolutions.format_resolution(one) for one in wanted}
