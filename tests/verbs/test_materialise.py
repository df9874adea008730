"""What `materialise` promises: the exact tree as plain files, untouched ones with their times, edits never lost."""

import os
from pathlib import Path

import pytest
from world import EXECUTABLE, SYMLINK, Fork, Upstream, assert_message, fork_of, git


def tree_of(folder: Path, fork: Fork) -> str:
    """Give the tree that git makes of a directory."""
    bare = fork.upstream.path
    git(bare, f"--work-tree={folder}", "-c", "core.bare=false", "add", "--all", "--force", ".")
    return git(bare, "write-tree")


def locked(fork: Fork, what: str) -> str:
    """Give a tree of the lock."""
    return (fork.root / "fork.lock").read_text().split(f'{what} = "')[1][:40]


@pytest.mark.parametrize("verb", ["materialise", "materialize"])
def test_the_composed_tree_is_written(fork_in_step: Fork, verb: str) -> None:
    """The directory is the composed tree, whichever way the verb is spelled, and says which tree it is."""
    ran = fork_in_step.ok(verb, "out/tree")
    assert tree_of(fork_in_step.root / "out/tree", fork_in_step) == locked(fork_in_step, "composed")
    assert f"composed tree {locked(fork_in_step, 'composed')}" in ran.out
    assert "7 files written, 0 unchanged, 0 removed" in ran.out


def test_the_baseline_and_that_of_another_commit(fork_behind: Fork) -> None:
    """--baseline leaves queue and overlay out; --at gives the baseline, or the fork, as carried to another commit."""
    fork_behind.ok("materialise", "out", "--baseline")
    assert tree_of(fork_behind.root / "out", fork_behind) == fork_behind.upstream.tree("v1.0")
    fork_behind.ok("materialise", "out", "--baseline", "--at", "v1.1")
    assert tree_of(fork_behind.root / "out", fork_behind) == fork_behind.upstream.tree("v1.1")
    fork_behind.ok("materialise", "out", "--at", "v1.1")
    carried = tree_of(fork_behind.root / "out", fork_behind)
    fork_behind.ok("sync", "--upto", "v1.1")
    assert f'composed = "{carried}"' in (fork_behind.root / "fork.lock").read_text()


def test_unchanged_files_keep_their_times(fork_behind: Fork) -> None:
    """After a sync only what differs is written, moved files move, and folders left empty go."""
    out = fork_behind.root / "out"
    fork_behind.ok("materialise", "out")
    for file in (path for path in out.rglob("*") if path.is_file()):
        os.utime(file, ns=(10**18, 10**18))
    fork_behind.ok("sync", "--upto", "v1.1")
    ran = fork_behind.ok("materialise", "out")
    same = {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and path.stat().st_mtime_ns == 10**18
    }
    assert same == {"README.md", "native/extra.c", "src/parse.c"}
    assert "4 files written, 3 unchanged, 1 removed" in ran.out
    assert tree_of(out, fork_behind) == locked(fork_behind, "composed")
    assert "0 files written, 7 unchanged, 0 removed" in fork_behind.ok("materialise", "out").out


@pytest.mark.parametrize("how", ["edited", "added", "mode", "replaced by a link"])
def test_edits_by_hand_are_never_lost(fork_in_step: Fork, how: str) -> None:
    """A file that forkkeeper did not write so is named, nothing is touched, and --overwrite takes it away."""
    out = fork_in_step.root / "out"
    fork_in_step.ok("materialise", "out")
    file = out / ("mine.txt" if how == "added" else "src/main.c")
    if how == "mode":
        file.chmod(0o755)
    elif how == "replaced by a link":
        file.unlink()
        file.symlink_to("/etc/hostname")
    else:
        file.write_text("mine\n")
    before = tree_of(out, fork_in_step)
    ran = fork_in_step.run("materialise", "out", "--baseline")
    assert_message(ran, 1, "that were edited", file.name, "--overwrite")
    assert tree_of(out, fork_in_step) == before
    fork_in_step.ok("materialise", "out", "--overwrite")
    assert tree_of(out, fork_in_step) == locked(fork_in_step, "composed")


def test_a_strange_directory_is_left_alone(fork_in_step: Fork, tmp_path: Path) -> None:
    """A folder with files of others, a checkout or a file in its place are refused, and nothing there changes."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/precious.txt").write_text("mine\n")
    assert_message(fork_in_step.run("materialise", str(tmp_path / "full")), 1, "precious.txt")
    git(tmp_path, "init", "--quiet", "checkout")
    assert_message(fork_in_step.run("materialise", str(tmp_path / "checkout")), 2, "is a git checkout")
    (tmp_path / "file").write_text("mine\n")
    assert_message(fork_in_step.run("materialise", str(tmp_path / "file")), 2, "is a file")
    assert (tmp_path / "full/precious.txt").read_text() == (tmp_path / "file").read_text() == "mine\n"


def test_links_modes_and_names_are_exact(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Links stay links (also broken and absolute ones), programs stay executable, odd names and bytes survive."""
    files: dict[str, str | bytes | None] = {
        "run.sh": "#!/bin/sh\n",
        "here": "run.sh",
        "nowhere": "/no/such/place",
        'od"d name\t': b"\xff\0\r\n",
        os.fsdecode(b"latin-\xe9"): "x",
        "empty": "",
    }
    pin = upstream_repo.commit(files, modes={"run.sh": EXECUTABLE, "here": SYMLINK, "nowhere": SYMLINK})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    fork.ok("materialise", "out")
    assert tree_of(fork.root / "out", fork) == upstream_repo.tree(pin)


def test_a_hostile_upstream_cannot_write_outside(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A link that becomes a folder is replaced, never followed: nothing is written where it points."""
    outside = tmp_path / "outside"
    outside.mkdir()
    first = upstream_repo.commit({"lib": str(outside)}, modes={"lib": SYMLINK})
    second = upstream_repo.commit({"lib": None, "lib/evil.txt": "x\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, first, second, [], {})
    fork.ok("materialise", "out")
    fork.ok("materialise", "out", "--baseline", "--at", second)
    assert list(outside.iterdir()) == []
    assert (fork.root / "out/lib/evil.txt").read_text() == "x\n"
