"""What a person made in the worktree of a clash and did not finish: however it goes, it is kept, and said where."""

import re
import shutil
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
    places: list[str] = re.findall(r"\.forkkeeper/set-aside/[\w/.-]*\w", " ".join(out.split()))
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


# what a diff does not hold ------------------------------------------------------------------------------------------


def stashed(place: Path) -> str:
    """Put the edits into the stash."""
    git(place, "add", "a.txt")
    git(place, "stash")
    return git(place, "rev-parse", "stash@{0}")


def left_on_a_branch(place: Path) -> str:
    """Commit the edits to a branch, and go back below it."""
    git(place, "commit", "--quiet", "--all", "-m", "try")
    git(place, "branch", "try1")
    tried = git(place, "rev-parse", "HEAD")
    git(place, "checkout", "--quiet", "HEAD~1")
    return tried


def left_behind(place: Path) -> str:
    """Commit the edits, and go back so that no name leads to them."""
    git(place, "commit", "--quiet", "--all", "-m", "try")
    tried = git(place, "rev-parse", "HEAD")
    git(place, "reset", "--quiet", "--hard", "HEAD~1")
    return tried


COMMITS = {"stash": stashed, "branch": left_on_a_branch, "nameless": left_behind}


@pytest.mark.parametrize("how", COMMITS)
@pytest.mark.parametrize("words", [["--abort"], ["--skip"]])
def test_commits_and_the_stash_are_kept(clashing: Fork, how: str, words: list[str]) -> None:
    """The worktree is kept whole where it holds commits; git reads them there after the sync's own objects are gone."""
    tried = COMMITS[how](worktree(clashing))
    ran = clashing.ok("sync", *words)
    assert not (clashing.root / ".forkkeeper/sync").exists()
    place = said_place(clashing, ran.out)
    assert "it holds commits: " in ran.out
    assert git(place, "show", f"{tried}:a.txt").endswith("X of mine")
    git(place, "fsck", "--no-dangling")


def test_a_branch_alone_counts_as_work(clashing: Fork) -> None:
    """With a branch and the laid file put back, `--status` says so, and a sync elsewhere is refused."""
    other = clashing.upstream.commit({"z.txt": "z\n"}, tag="v3")
    place = worktree(clashing)
    git(place, "branch", "attempt1", git(place, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "attempt"))
    put_back(clashing)
    assert "ten clashes; it lies in .forkkeeper/sync/clash, edited" in clashing.run("sync", "--status").out
    assert_message(clashing.run("sync", "--upto", other), 2, "something was decided or edited in it", "--abort")
    kept = said_place(clashing, clashing.ok("sync", "--abort").out)
    assert git(kept, "log", "-1", "--format=%s", "attempt1") == "attempt"


def test_a_stash_outlives_what_is_taken(clashing: Fork) -> None:
    """The edits are taken as the patch, and what else was made there is kept beside it."""
    place = worktree(clashing)
    git(place, "add", "a.txt")
    git(place, "stash")
    (place / "a.txt").write_text(BOTH)
    ran = clashing.ok("sync", "--continue")
    assert "saved:" in ran.out
    assert git(said_place(clashing, ran.out), "show", "stash@{0}:a.txt").endswith("X of mine")
    assert b"X of mine" not in clashing.mails()[0]


def test_what_is_staged_and_edited_on_is_kept(clashing: Fork) -> None:
    """A text that only the index has is no less a person's."""
    place = worktree(clashing)
    git(place, "add", "a.txt")
    (place / "a.txt").write_text(BOTH)
    kept = said_place(clashing, clashing.ok("sync", "--abort").out)
    assert git(kept, "show", ":a.txt").endswith("X of mine")


# what was made to fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--skip", "ten"], ["--drop", "ten", "--why", "x"]])
def test_a_patch_made_to_fit_and_left_out_later_is_kept(clashing: Fork, words: list[str]) -> None:
    """Another decision on a patch does not take away what was made of it, nor the resolution."""
    clashing.ok("sync", "--abort")
    shutil.rmtree(clashing.root / ".forkkeeper/set-aside")
    clashing.ok("patch", "open")
    (clashing.root / ".forkkeeper/patches/c.txt").write_text("mine\n")
    clashing.ok("patch", "new", "three", "--why", "It is needed.", "--witness", "none [x]")
    clashing.ok("patch", "close")
    clashing.commit_all()
    clashing.upstream.commit({"c.txt": "theirs\n"}, tag="v3")
    assert clashing.run("sync", "--upto", "v3").code == 1
    (worktree(clashing) / "a.txt").write_text(BOTH + "X of mine\n")
    assert_message(clashing.run("sync", "--continue"), 1, "settle three")
    assert_message(clashing.run("sync", *words), 1, "settle three")
    (kept,) = (clashing.root / ".forkkeeper/set-aside").iterdir()
    assert "+X of mine" in (kept / "ten.patch").read_text()
    assert list(kept.glob("ten.*.resolution"))
    clashing.ok("sync", "--skip")


def test_a_replaced_patch_keeps_what_lay_there(clashing: Fork, tmp_path: Path) -> None:
    """`--replace` takes a diff from elsewhere: what was edited in the worktree is kept."""
    new = tmp_path / "ten.diff"
    (worktree(clashing) / "a.txt").write_text(BOTH)
    new.write_text(git(worktree(clashing), "diff", "HEAD") + "\n")
    (worktree(clashing) / "a.txt").write_text(BOTH + "X of mine\n")
    ran = clashing.ok("sync", "--upto", "v2", "--replace", f"ten={new}")
    assert "+X of mine" in said_place(clashing, ran.out).read_text()


def test_what_is_set_aside_is_said_where_the_step_fails(clashing: Fork) -> None:
    """The edits are taken and a stash is kept beside them, and then nothing can be saved: the message says both."""
    place = worktree(clashing)
    git(place, "add", "a.txt")
    git(place, "stash")
    (place / "a.txt").write_text(BOTH)
    git(clashing.root, "rm", "--quiet", "--cached", "patches/ten.patch")
    git(clashing.root, "commit", "--quiet", "--message", "not this one")
    ran = clashing.run("sync", "--continue")
    assert_message(ran, 2, "its text as it was is in no commit")
    assert git(said_place(clashing, ran.err), "show", "stash@{0}:a.txt").endswith("X of mine")
    clashing.commit_all()
    clashing.ok("sync", "--continue")


# a worktree that is damaged -----------------------------------------------------------------------------------------


def no_head(place: Path) -> None:
    """Empty HEAD."""
    (place / ".git/HEAD").write_text("")


def no_git(place: Path) -> None:
    """Remove git's folder."""
    shutil.rmtree(place / ".git")


def no_index(place: Path) -> None:
    """Remove the index."""
    (place / ".git/index").unlink()


def bad_index(place: Path) -> None:
    """Spoil the index."""
    (place / ".git/index").write_bytes(b"no index")


DAMAGES = {"HEAD": no_head, ".git": no_git, "no index": no_index, "bad index": bad_index}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("words", [["--continue"], ["--skip"], ["--abort"], ["--upto", "v2"]])
def test_a_damaged_worktree_is_kept(clashing: Fork, damage: str, words: list[str]) -> None:
    """It is said to be damaged, and every way on keeps its files."""
    DAMAGES[damage](worktree(clashing))
    assert "is damaged: git cannot read it" in clashing.run("sync", "--status").out
    ran = clashing.run("sync", *words)
    assert ran.code == (0 if words[0] in ("--skip", "--abort") else 1), ran.said
    assert (said_place(clashing, ran.out) / "a.txt").read_text().endswith("X of mine\n")
    if ran.code:
        (worktree(clashing) / "a.txt").write_text(BOTH)
        clashing.ok("sync", "--continue")


def test_a_sync_whose_state_is_damaged_is_kept_whole(clashing: Fork) -> None:
    """`--abort` keeps all of it, and git still reads the stash in the worktree there."""
    git(worktree(clashing), "add", "a.txt")
    git(worktree(clashing), "stash")
    (clashing.root / ".forkkeeper/sync/session.json").write_text("{")
    place = said_place(clashing, clashing.ok("sync", "--abort").out)
    assert git(place / "clash", "show", "stash@{0}:a.txt").endswith("X of mine")
    git(place / "clash", "stash", "pop")


@pytest.mark.parametrize("with_commit", [True, False])
@pytest.mark.parametrize("words", [["--abort"], ["--skip"]])
def test_a_repository_in_it_is_kept(clashing: Fork, words: list[str], *, with_commit: bool) -> None:
    """A repository that was made in the worktree is refused as part of a patch, and kept with all that is in it."""
    tools = worktree(clashing) / "tools"
    git(worktree(clashing), "init", "--quiet", "tools")
    (tools / "x").write_text("x of mine\n")
    if with_commit:
        git(tools, "add", "x")
        git(tools, "commit", "--quiet", "-m", "x")
    assert "it lies in .forkkeeper/sync/clash, edited" in clashing.run("sync", "--status").out
    assert_message(clashing.run("sync", "--continue", "--widen"), 2, "repositories of their own", "tools")
    place = said_place(clashing, clashing.ok("sync", *words).out)
    assert (place / "tools/x").read_text() == "x of mine\n"
    assert (place / "a.txt").read_text().endswith("X of mine\n")


# files that upstream ignores ----------------------------------------------------------------------------------------


def test_ignored_files_are_refused_and_taken_in_as_said(clashing: Fork) -> None:
    """A new file that a .gitignore matches is named before the worktree goes; what is said to type takes it in."""
    place = worktree(clashing)
    (place / "buildsys").mkdir()
    (place / "buildsys/h.cmake").write_text("X\n")
    said = "holds files that a .gitignore leaves out: buildsys/h.cmake"
    ran = clashing.run("sync", "--continue")
    assert_message(ran, 1, said, "forkkeeper sync --continue --widen")
    (typed,) = re.findall(r"`git -C (\S+) (add [^`]+)`", ran.err)
    git(clashing.root / typed[0], *typed[1].split())
    clashing.ok("sync", "--continue", "--widen")
    assert b"+++ b/buildsys/h.cmake" in clashing.mails()[0]


def test_what_was_built_there_is_counted_and_cleaned_as_said(clashing: Fork) -> None:
    """Of many ignored files a few are named; the command that is said removes them, and no other file."""
    place = worktree(clashing)
    (place / "build").mkdir()
    for number in range(30):
        (place / "build" / f"{number}.o").write_text("o")
    (place / "c.txt").write_text("new\n")
    ran = clashing.run("sync", "--continue", "--widen")
    assert_message(ran, 1, "build/0.o", "and 25 more")
    (typed,) = re.findall(r"`git -C (\S+) (clean [^`]+)`", ran.err)
    git(clashing.root / typed[0], *typed[1].split())
    clashing.ok("sync", "--continue", "--widen")
    assert b"+++ b/c.txt" in clashing.mails()[0]


@pytest.mark.parametrize("words", [["--abort"], ["--skip"]])
def test_ignored_files_are_kept_aside(clashing: Fork, words: list[str]) -> None:
    """A clash that is given up keeps the files, too, that no diff of the worktree would have."""
    (worktree(clashing) / "buildsys").mkdir()
    (worktree(clashing) / "buildsys/h.cmake").write_text("X\n")
    ran = clashing.ok("sync", *words)
    assert "ignored files: buildsys/h.cmake" in " ".join(ran.out.split())
    assert (said_place(clashing, ran.out) / "buildsys/h.cmake").read_text() == "X\n"
