"""The worktree that is opened for a person: real git, the person's own commands."""

import os
from pathlib import Path

import pytest
from world import START, Upstream, git, seal

from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.store import REGULAR, Entry
from forkkeeper.shell.git import Checkout, Scratch, Stages

WHO = {"author": "Ann Author <ann@example.invalid>", "date": "Sun, 15 Jun 2025 15:06:40 +0000"}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Checkout, CommitId, TreeId]:
    """Give a worktree that stands on a commit of upstream's tree."""
    seal(monkeypatch, tmp_path / "home")
    upstream = Upstream.make(tmp_path / "up.git")
    crlf = {".gitattributes": "* text=auto\n*.c filter=evil\n", "a.c": "one\r\ntwo\n", "sub/b.txt": "b\n"}
    tree = TreeId(upstream.tree(upstream.commit({**crlf, ".gitignore": "*.o\n"})))
    checkout = Checkout(tmp_path / "work tree")
    checkout.make([upstream.path / "objects"])
    base = checkout.commit(tree, (), "base\n", **WHO)
    checkout.stand(base)
    return checkout, base, tree


def test_what_nobody_edited_is_the_tree_that_was_laid(opened: tuple[Checkout, CommitId, TreeId]) -> None:
    """Upstream's attributes and line ends change no byte on the way out and in."""
    checkout, base, tree = opened
    assert (checkout.folder / "a.c").read_bytes() == b"one\r\ntwo\n"
    assert checkout.tree() == tree
    assert checkout.loose() == ()
    assert checkout.head() == base


def test_the_same_commit_has_the_same_id(opened: tuple[Checkout, CommitId, TreeId]) -> None:
    """A commit depends on nothing but what it is given."""
    checkout, base, tree = opened
    assert checkout.commit(tree, (), "base\n", **WHO) == base


def test_commits_are_read_back_whole(opened: tuple[Checkout, CommitId, TreeId]) -> None:
    """Author, message, parents and tree of a person's commits come in order."""
    checkout, base, _ = opened
    (checkout.folder / "a.c").write_text("new\n")
    git(checkout.folder, "commit", "--quiet", "-am", "first: say it\n\nWhy.\n\nOrigin: local")
    git(checkout.folder, "commit", "--quiet", "--allow-empty", "-m", "second")
    first, second = checkout.since(base)
    assert (first.parents, second.parents) == ((base,), (first.sha,))
    assert first.message == "first: say it\n\nWhy.\n\nOrigin: local\n"
    assert first.author == "Ann Author <ann@example.invalid>"
    assert first.tree == second.tree == checkout.tree()
    assert checkout.holds(base, second.sha)
    assert not checkout.holds(second.sha, base)


def test_a_conflict_looks_as_git_leaves_one(opened: tuple[Checkout, CommitId, TreeId], tmp_path: Path) -> None:
    """`git status` shows what is unmerged, and the files as they stand are read without touching the index."""
    checkout, _, tree = opened
    with Scratch([], objects=checkout.objects) as store:
        one, two = (Entry(REGULAR, store.put(text)) for text in (b"ours\n", b"theirs\n"))
    marked = b"<<<<<<< x\nours\n=======\ntheirs\n>>>>>>> y\n"
    with Scratch([checkout.objects, tmp_path / "up.git" / "objects"], objects=checkout.objects) as store:
        laid = store.graft(tree, {"a.c": Entry(REGULAR, store.put(marked))})
    checkout.lay(laid, [Stages("a.c", None, one, two)])
    assert git(checkout.folder, "status", "--porcelain") == "AA a.c"
    assert checkout.unsettled() == ("a.c",)
    assert checkout.tree() == laid
    assert checkout.unsettled() == ("a.c",)
    (checkout.folder / "x.o").write_text("ignored")
    (checkout.folder / "new.c").write_text("new")
    assert "x.o" not in git(checkout.folder, "ls-tree", "-r", "--name-only", checkout.tree())
    assert "x.o" in git(checkout.folder, "ls-tree", "-r", "--name-only", checkout.tree(also=["x.o"]))


def test_a_damaged_worktree_is_not_taken_for_the_repository_around_it(tmp_path: Path) -> None:
    """Where `.git` is gone, nothing is there, though a repository stands above."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "outer")
    (tmp_path / "inner").mkdir()
    assert not Checkout(tmp_path / "inner").exists
    assert Checkout(tmp_path / "inner").head() is None


def test_an_unfinished_rebase_is_named(opened: tuple[Checkout, CommitId, TreeId]) -> None:
    """What git itself has begun is told."""
    checkout, _, _ = opened
    assert checkout.underway() is None
    (checkout.folder / ".git" / "rebase-merge").mkdir()
    assert checkout.underway() == "rebase"


def test_an_edit_in_the_same_moment_is_seen(opened: tuple[Checkout, CommitId, TreeId]) -> None:
    """A file edited right after it was checked out, to as many bytes, is not taken for what git wrote there."""
    checkout, _, tree = opened
    git(checkout.folder, "config", "core.trustctime", "false")
    file = checkout.folder / "sub" / "b.txt"
    moment = (START, START)
    os.utime(file, moment)
    git(checkout.folder, "update-index", "--refresh")
    file.write_text("B\n")
    for path in (file, checkout.folder / ".git" / "index"):
        os.utime(path, moment)
    assert checkout.tree() != tree
