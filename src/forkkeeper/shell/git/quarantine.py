"""Folders for throw-away repositories, where the system has its temporary files: none outlives its owner for long.

Each is held by a lock of the system's, which goes when its owner does, however that ends; the next process that needs
such a folder first removes those that nobody holds any more.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from functools import cache
from pathlib import Path

PREFIX = "forkkeeper-git-"
_HELD = "held"  # the file whose lock its owner has
_WITHIN = "in"  # what is removed first: as long as there is something, it is known whose it is
_YOUNG = 3600.0  # seconds that a folder without one may be in the making


class Quarantine:
    """A folder that is gone when it is closed, or after its owner was killed."""

    def __init__(self) -> None:
        """Make it. Raises OSError where the system has no room for it."""
        sweep(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX)
        self._handle = _hold(Path(self._folder.name))
        self.path = Path(self._folder.name, _WITHIN)
        self.path.mkdir()

    def close(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)
        self._folder.cleanup()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()


def _hold(folder: Path) -> int:
    """Lock a file in a folder, and give its descriptor; the file has its name only when it is locked."""
    handle = os.open(folder / f"{_HELD}-not-yet", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    (folder / f"{_HELD}-not-yet").rename(folder / _HELD)
    return handle


@cache  # once in a process: what dies beside us is the matter of the next one
def sweep(temporary: Path) -> None:
    """Remove the folders of dead owners; one that cannot be removed is left."""
    for folder in temporary.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and _is_left(folder, status.st_mtime):
                shutil.rmtree(folder / _WITHIN, ignore_errors=True)
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, changed: float) -> bool:
    """Whether nobody holds a folder. changed -- when it was changed last, in seconds since 1970."""
    try:
        handle = os.open(folder / _HELD, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - changed > _YOUNG
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
