"""Upstream may be of any size: verbs answer all the same, within a memory that is given here."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hostile import FOLDER, Canary, blob, entries_of, raw_tree, unharmed
from world import BIN, REGULAR, Fork, environment, git

pytestmark = pytest.mark.attack
MANY = 1_000_000  # files in one folder
HUGE = 600_000_000  # bytes of one file
GIB = 1024 * 1024  # KiB


def with_root(fork: Fork, entries: dict[str, tuple[str, str]]) -> str:
    """Add a commit whose root has these entries as well."""
    repository = fork.upstream.path
    tree = raw_tree(repository, dict(sorted((entries_of(repository, "refs/heads/main^{tree}") | entries).items())))
    commit = git(repository, "commit-tree", tree, "-p", "refs/heads/main", "-m", "grow", env=environment())
    git(repository, "update-ref", "refs/heads/main", commit)
    return commit


def within(fork: Fork, most: int, *words: str) -> tuple[int, str]:
    """Run a verb with so many KiB of memory; gives its exit status and what it said."""
    command = f"ulimit -v {most}; exec {shlex.join([str(BIN / 'forkkeeper'), *words])}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=fork.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.trust
def test_a_million_files_in_one_folder(fork_behind: Fork, canary: Canary) -> None:
    """Attack: a folder of upstream's has a million files; plan, sync, status and log go on, in two GiB."""
    file = blob(fork_behind.upstream.path, b"x\n")
    folder = raw_tree(fork_behind.upstream.path, {f"f{number:07}": (REGULAR, file) for number in range(MANY)})
    to = with_root(fork_behind, {"zmany": (FOLDER, folder)})
    with unharmed(fork_behind, canary):
        for words in (("plan", "--upto", to), ("sync", "--upto", to), ("status",), ("log", "--check"), ("lint",)):
            code, said = within(fork_behind, 2 * GIB, *words)
            assert code in (0, 1), said
    assert f"sha = '{to}'" in (fork_behind.root / "fork.lock").read_text().replace('"', "'")


@pytest.mark.trust
def test_a_huge_file(fork_behind: Fork, canary: Canary, tmp_path: Path) -> None:
    """Attack: a file that is small in the pack is of 600 MB when it is read; what is composed has it, in two GiB."""
    zeros = tmp_path / "zeros"
    with zeros.open("wb") as out:
        out.truncate(HUGE)
    file = git(fork_behind.upstream.path, "hash-object", "-w", "--", str(zeros))
    zeros.unlink()
    to = with_root(fork_behind, {"zhuge": (REGULAR, file)})
    with unharmed(fork_behind, canary):
        for words in (("triage",), ("plan", "--upto", to), ("sync", "--upto", to), ("status",), ("materialise", "out")):
            code, said = within(fork_behind, 2 * GIB, *words)
            assert code in (0, 1), said
    assert (fork_behind.root / "out/zhuge").stat().st_size == HUGE
