"""What a sparse checkout leaves out of the fork's own repository: git has it, and it is not on disk."""

import os
from collections.abc import Sequence
from pathlib import Path

from forkkeeper.shell.git.door import Door, decode


def left_out(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Give the files at and below these paths that git was told to leave out of the worktree, ordered by path."""
    door = Door(root, {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"})
    rows = door.ask("ls-files", "-t", "-z", "--", *paths).out.split(b"\0")
    marked = sorted(decode(row[2:]) for row in rows if row.startswith(b"S "))
    return tuple(path for path in marked if not os.path.lexists(root / path))
