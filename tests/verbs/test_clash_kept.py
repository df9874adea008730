"""What a person made in the worktree of a clash and did not finish: however it goes, it is kept, and said where."""

import re
from pathlib import Path

import pytest
from world import Fork, Local, Upstream, assert_message, fork_of, git

TEXT = "".join(f"line {number}\n" for number in range(1, 21))
MINE = TEXT.replace("line 10\n", "mine 10\n")
THEIRS = TEXT.replace("line 10\n", "upstream ten\n")
BOTH = THEIRS.replace("upstream ten", "both ten")
RULES = "build*/\n*.o\n"


@pytest.fixture
def clashing(upstream_repo: Upstream) -> Fork:
    """Give a fork of two patches in the midst of a sync: ten clashes and is settled, with a line more; two is free."""
    pin = upstream_repo.commit({"a.txt": TEXT, "b.txt": "b\n", ".gitignore": RULES}, tag="v1")
    target = upstream_repo.commit({"a.txt": THEIRS}, tag="v2")
    locals_ = [Local("ten", {"a.txt": MINE}), Local("two", {"b.txt": "mine\n"})]
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, locals_, {})
    assert fork.run("sync", "--upto", "v2").code == 1
    (worktree(fork) / "a.txt").write_text(BOTH + "X of mine\n")
    return fork


def worktree(fork: Fork) -> Path:
    """Give the worktree of the clash."""
    return fork.root / ".forkkeeper/sync/clash"


def put_back(fork: Fork) -> None:
    """Leave the clash as it was laid."""
    (worktree(fork) / "a.txt").write_text(git(worktree(fork), "show", f"{laid(fork)}:a.txt") + "\n")


def laid(fork: Fork) -> str:
    """Give the tree that was laid."""
    session = (fork.root / ".forkkeeper/sync/session.json").read_text()
    found = re.search(r'"laid": "(\w+)"', session)
    assert found is not None
    return found[1]


def said_place(fork: Fork, out: str) -> Path:
    """Give the place in `.forkkeeper/set-aside/` that was said, which must be there."""
    places: list[str] = re.findall(r"\.forkkeeper/set-aside/[\w/.-]+\w", " ".join(out.split()))
    assert len(places) == 1, out
    assert (fork.root / places[0]).exists(), out
    return fork.root / places[0]


# the queue is changed meanwhile -------------------------------------------------------------------------------------

CHANGES = {
    "renamed": ["patch", "rename", "ten", "zehn"],
    "dropped": ["patch", "drop", "ten", "--why", "x"],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("words", [["--continue"], ["--skip", "two"], ["--accept", "two"], ["--abort"]])
def test_edits_of_a_patch_that_left_the_queue_are_kept(clashing: Fork, change: str, words: list[str]) -> None:
    """The clashing patch is renamed or dropped during a sync: what was edited of it is kept, and said."""
    clashing.ok(*CHANGES[change])
    ran = clashing.run("sync", *words)
    assert "+X of mine" in said_place(clashing, ran.out).read_text()


def test_a_patch_that_left_the_queue_is_said_and_the_way_on_works(clashing: Fork) -> None:
    """`--status` does not say that it clashes, nor `--skip` that it has no name; what both say to type works."""
    clashing.ok("patch", "drop", "ten", "--why", "x")
    said = clashing.run("sync", "--status")
    assert "ten clashed, and is no patch of the queue any more" in said.out
    assert "next: `forkkeeper sync --continue`" in said.out
    assert_message(clashing.run("sync", "--skip"), 2, "--skip: ten, which clashed, is no patch", "sync --continue")
    assert "+X of mine" in said_place(clashing, clashing.ok("sync", "--continue").out).read_text()
    assert clashing.names() == ["two.patch"]


def test_edits_are_not_taken_on_other_ground(upstream_repo: Upstream) -> None:
    """A patch below the clash leaves the queue during the sync: its lines do not come into the one that is settled."""
    pin = upstream_repo.commit({"a.txt": TEXT}, tag="v1")
    target = upstream_repo.commit({"a.txt": THEIRS}, tag="v2")
    below = TEXT.replace("line 1\n", "first of mine\n")
    locals_ = [Local("one", {"a.txt": below}), Local("ten", {"a.txt": below.replace("line 10\n", "mine 10\n")})]
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, locals_, {})
    assert fork.run("sync", "--upto", "v2").code == 1
    (worktree(fork) / "a.txt").write_text(BOTH.replace("line 1\n", "first of mine\n"))
    fork.ok("patch", "drop", "one", "--why", "x")
    ran = fork.run("sync", "--continue")
    assert "+both ten" in said_place(fork, ran.out).read_text()
    assert "first of mine" not in (worktree(fork) / "a.txt").read_text()


@pytest.mark.parametrize("words", [["--skip", "two"], ["--drop", "two", "--why", "x"]])
def test_deciding_another_patch_leaves_the_edits_where_they_are(clashing: Fork, words: list[str]) -> None:
    """What lies before the person stays while another patch is decided by its name."""
    assert_message(clashing.run("sync", *words), 1, "settle ten")
    assert (worktree(clashing) / "a.txt").read_text().endswith("X of mine\n")
