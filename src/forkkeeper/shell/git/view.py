"""A git directory of our own, through which somebody else's repository is read: its objects and refs, nothing more.

A repository that is read in place is input from outside. Its configuration names programs (`gpg.program`,
`diff.NAME.textconv`, `core.fsmonitor`, a promisor's address), its `info/` says what they are run on, and no option
turns all of that off. So git is never pointed at it: this directory has a configuration and a `HEAD` of its own, and
links to refs and to where history is cut off. Objects are named by GIT_OBJECT_DIRECTORY.
"""

import atexit
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from forkkeeper.shell.git.quarantine import Quarantine

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_REFTABLE = (
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\trefStorage = reftable\n"  # git ≥ 2.45
)
_LINKED = ("refs", "packed-refs", "reftable", "shallow")
_LONGEST_HEAD = 4096  # bytes


def common_dir(git_dir: Path) -> Path:
    """Give the git directory that holds refs and objects: a linked worktree's is that of its main repository."""
    named = git_dir / "commondir"
    return (git_dir / named.read_text().strip()).resolve() if named.is_file() else git_dir


def onto(git_dir: Path) -> Mapping[str, str]:
    """Give the variables with which git reads a repository through a directory of our own. git_dir -- absolute."""
    common = common_dir(git_dir)
    folder = _made(git_dir)
    with (git_dir / "HEAD").open("rb") as file:
        (folder / "HEAD").write_bytes(file.read(_LONGEST_HEAD))
    (folder / "config").write_text(_REFTABLE if (common / "reftable").is_dir() else _CONFIG)
    return {"GIT_DIR": str(folder), "GIT_OBJECT_DIRECTORY": str(common / "objects")}


@cache
def _made(git_dir: Path) -> Path:
    """Make the directory, once for a repository."""
    folder = Path(tempfile.mkdtemp(dir=_place()))
    for name in _LINKED:
        (folder / name).symlink_to(common_dir(git_dir) / name)  # what is not there yet may come
    return folder


@cache
def _place() -> Path:
    """Make the folder of all of them; it goes when this process ends, however that comes."""
    place, owner = Quarantine(), os.getpid()
    atexit.register(lambda: place.close() if os.getpid() == owner else None)  # a process that was forked has it, too
    return place.path
