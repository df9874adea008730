"""What a night touches: scratch clones of the fork, and its own verbs, each run as a process of its own."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forkkeeper.core import document as documents
from forkkeeper.core.ids import CommitId
from forkkeeper.core.nights import Side
from forkkeeper.errors import RequestError
from forkkeeper.shell import disk, process
from forkkeeper.shell.git import Checkout, Worktree

FOLDER = "nightly"
# below a fork's .forkkeeper/: what its clones share with it, and what they keep from night to night; all else of a
# clone's is the state of verbs, and begins anew
SHARED = ("upstream.git", "kits", "models", "snapshots.csv")
KEPT = frozenset(
    (*SHARED, "build", "baseline", "sides", "copies", "without", "outputs", "materialised", "size", "sizes")
)
_MADE = frozenset({"kits", "models"})  # what may be made in a clone is made for the fork as well
_UNTOLD = "untold"
COMMITTER = ("forkkeeper", "forkkeeper@invalid")
_END = 20_000  # characters of what a step printed that are kept


@dataclass(frozen=True, slots=True)
class Ran:
    """A verb that ran. code -- None where it took too long; document -- None where it wrote none that can be read."""

    code: int | None
    seconds: float
    document: dict[str, Any] | None
    log: str


def committed(root: Path) -> CommitId:
    """Give the commit that is checked out in the fork's own repository. Raises RequestError where there is none."""
    worktree = Worktree(root)
    found = worktree.revision("HEAD") if worktree.exists else None
    if found is None:
        hint = "`git init && git add -A && git commit`: a night looks at what is committed"
        raise RequestError("nightly", str(root.name), "is not in a git repository with a commit", hint)
    return found


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the clones for one night. Raises RequestError where another night goes on."""
    (state / FOLDER).mkdir(parents=True, exist_ok=True)
    with disk.only_one(state / FOLDER / "lock", doing="nightly"):
        yield


def clone(root: Path, state: Path, side: Side, commit: CommitId, *, home: str, branch: str | None = None) -> Path:
    """Check a commit of the fork out in a scratch clone, whatever is there. Gives the fork's folder in it.

    state -- the fork's `.forkkeeper/`; home -- the file in the clone's that says whose it is
    branch -- the branch to stand on, None for none
    Objects are borrowed, nothing of the fork's own repository is changed. Builds of earlier nights stay.
    """
    worktree = Worktree(root)
    git_dir, prefix = worktree.common_dir, worktree.prefix
    checkout = Checkout(state / FOLDER / side.value)
    lenders = (git_dir / "objects",)
    with contextlib.suppress(OSError):
        if checkout.exists and checkout.lenders() != lenders:
            checkout.remove()
    if not checkout.exists:
        checkout.make(lenders)
        checkout.commits_as(*COMMITTER)
    checkout.cut_off_as(git_dir)
    checkout.stand(commit, branch)
    checkout.clear(but=(state.name,))
    folder = checkout.folder / prefix
    _share(state, folder / state.name)
    disk.write(folder / state.name / home, os.fsencode(root.absolute()))
    return folder


def _share(state: Path, own: Path) -> None:
    """Let a clone's `.forkkeeper/` have what is shared, keep what costs to make, and forget everything else."""
    own.mkdir(exist_ok=True)
    for path in sorted(own.iterdir()):
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in SHARED:
        link, target = own / name, state / name
        if name in _MADE:
            target.mkdir(exist_ok=True)
        if not link.is_symlink() and target.exists():
            shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(target, own), target_is_directory=target.is_dir())


# A night that is kept and not yet told: were it killed in between, the next one would find nothing new, and neither an
# alarm nor a pull request would come of it.


def begin_telling(state: Path) -> None:
    """Write down that a night is about to be kept, and told. state -- the fork's `.forkkeeper/`."""
    disk.write(state / FOLDER / _UNTOLD, b"")


def end_telling(state: Path) -> None:
    """Write down that it was told."""
    (state / FOLDER / _UNTOLD).unlink(missing_ok=True)


def is_untold(state: Path) -> bool:
    """Whether the last night that was begun was killed before all of it was told."""
    return (state / FOLDER / _UNTOLD).exists()


def verb(words: tuple[str, ...], *, folder: Path, logs: Path, name: str, seconds: float) -> Ran:
    """Run a verb of forkkeeper in a folder, its report kept as JSON, what it prints in a file.

    name -- of the step: its log and document are named after it
    Raises OSError when Python cannot be started.
    """
    logs.mkdir(parents=True, exist_ok=True)
    stem = name.replace(" ", "-").replace("/", "-")
    document, log = logs / f"{stem}.json", logs / f"{stem}.log"
    document.unlink(missing_ok=True)
    # -P: a file of the fork's that is named like a module must not be taken for one
    argv = (sys.executable, "-P", "-m", "forkkeeper", *words, "--json", str(document))
    began = time.monotonic()
    try:
        code: int | None = process.record(argv, log, cwd=folder, seconds=seconds).code
    except TimeoutError:
        code = None
    said = (disk.read(log) or b"").decode(errors="replace")[-_END:]
    return Ran(code, time.monotonic() - began, documents.read(disk.read(document) or b""), said)
