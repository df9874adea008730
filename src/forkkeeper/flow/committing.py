"""How what a verb wrote gets into a commit: the command, as it works when it is typed where the person stands."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from forkkeeper.shell import disk
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects


def typed(root: Path, *call: str) -> str:
    """Give a call of git in the fork's folder as one types it: every word quoted, `-C` where one stands elsewhere."""
    place = disk.from_here(root)
    return shlex.join(["git", *(() if place == "." else ("-C", place)), *call])


def command(root: Path, names: Sequence[str], message: str = "") -> str:
    """Give the command that commits everything at and below these names; without a message git asks for one.

    What is the fork's own is among it even where git ignores it: a clone without it would be no fork.
    """
    worktree = Worktree(root)
    calls = worktree.staging(names, projects.ignored(root)) if worktree.exists else (("add", "-A", "--", *names),)
    commit = ("commit", *(("-m", message) if message else ()))
    return " && ".join(typed(root, *call) for call in (*calls, commit))
