"""How upstream's objects come here: the store in `.forkkeeper/`, fetches, copies out of an unpacked snapshot."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from forkkeeper.core.ids import CommitId
from forkkeeper.shell.git.door import HOST_PATIENCE, SEALED, SEALED_CONFIG, TRANSPORT_CONFIG, Door, config
from forkkeeper.shell.git.repository import git_dir_of

ABANDONED = 3600  # seconds after which a half-received pack is nobody's any more


def make_store(git_dir: Path) -> None:
    """Make the bare repository that holds upstream's objects, if there is none.

    What killed fetches left in it is swept away.
    """
    for left in (git_dir / "objects/pack").glob("tmp_*"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            left.unlink(missing_ok=True)
    if git_dir_of(git_dir) is None:
        git_dir.mkdir(parents=True, exist_ok=True)
        Door(git_dir, SEALED | config(SEALED_CONFIG)).get("init", "--quiet", "--bare", "--template=", str(git_dir))


def keep(store: Path, sha: CommitId) -> None:
    """Keep a commit in the store for good, by a ref of its own."""
    environment = {"GIT_DIR": str(store)} | SEALED | config(SEALED_CONFIG)
    Door(store, environment).get("update-ref", f"refs/forkkeeper/commits/{sha}", sha)


def take_from(store: Path, lender: Path, sha: CommitId) -> str | None:
    """Copy a commit and its tree from a bare repository on disk into the store, every object's id recomputed.

    Returns None, or git's words on why it cannot.
    """
    sealed = SEALED | {"GIT_ALLOW_PROTOCOL": "file"} | config(SEALED_CONFIG | {"fetch.fsckObjects": "true"})
    door = Door(store, {"GIT_DIR": str(store)} | sealed)
    refs = f"{sha}:refs/forkkeeper/commits/{sha}"
    answer = door.ask("fetch", "--quiet", "--no-tags", "--update-shallow", str(lender), refs)
    return None if answer.code == 0 else answer.err.strip()


def fetch(store: Path, location: str, on_progress: Callable[[str, float, float], None]) -> str | None:
    """Fetch every branch and tag of upstream into the store's `refs/upstream/`.

    Never asks for anything; gives up on a host that does not answer. Returns None, or git's words on why not.
    """
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh")
    environment = {
        "GIT_DIR": str(store),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_SSH_COMMAND": f"{ssh} -oBatchMode=yes -oConnectTimeout={HOST_PATIENCE}",
    }
    door = Door(store, environment | config(TRANSPORT_CONFIG))
    refspecs = ("+refs/heads/*:refs/upstream/heads/*", "+refs/tags/*:refs/upstream/tags/*")
    answer = door.follow(
        "fetch", "--progress", "--no-tags", "--prune", "--end-of-options", location, *refspecs, on_progress=on_progress
    )
    return None if answer.code == 0 else answer.err.strip()
