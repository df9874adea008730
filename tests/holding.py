"""Forks that are held in one of the three ways, for the tests of `materialise`, `verify` and `patch absorb`."""

import re
from pathlib import Path

from world import Fork, Upstream, git

DIRECTORY = "native/small"
MANIFEST = f"{DIRECTORY}.manifest"
WHY = ("--why", "Users asked for it.")


def declare(fork: Fork, strategy: str, **fields: str) -> None:
    """Say in fork.toml how the fork is held, and commit."""
    toml = fork.root / "fork.toml"
    table = "".join(f'{key} = "{value}"\n' for key, value in {"strategy": strategy, **fields}.items())
    text = re.sub(r"(?s)\n\[materialise\]\n.*?\n\n", lambda _: f"\n[materialise]\n{table}\n", toml.read_text())
    assert table in text
    toml.write_text(text)
    fork.commit_all("declare")


def vendored(fork: Fork) -> Path:
    """Hold the fork in a directory of its repository, committed; gives the directory."""
    declare(fork, "vendored", directory=DIRECTORY)
    fork.ok("materialise")
    git(fork.root, "add", "--all")
    git(fork.root, "add", "--all", "--force", "--", DIRECTORY, MANIFEST)
    git(fork.root, "commit", "--quiet", "-m", "vendor")
    return fork.root / DIRECTORY


def composed(fork: Fork) -> str:
    """Give the composed tree of the lock."""
    return (fork.root / "fork.lock").read_text().split('composed = "')[1][:40]


def tree_of(folder: Path, work: Path) -> str:
    """Give the tree that git alone makes of a directory's files."""
    bare = Upstream.make(work / f"{folder.name}-judge.git").path
    git(bare, f"--work-tree={folder}", "-c", "core.bare=false", "add", "--all", "--force", ".")
    return git(bare, "write-tree")


def server(fork: Fork) -> Path:
    """Make the fork's repository of upstream: a bare clone."""
    place = fork.root.parent / "server.git"
    git(fork.root.parent, "clone", "--quiet", "--bare", str(fork.upstream.path), str(place))
    return place
