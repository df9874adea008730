"""The commands that a verb prints do what they say when they are typed, wherever one stands and whatever names hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from typing_in import printed, shell
from world import Fork, Local, Ran, Upstream, assert_message, fork_of, git, run

HOSTILE = ['up"; touch pwn; echo "', "up'; touch pwn; '", "$(touch pwn)", "`touch pwn`"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_the_message_of_a_commit_is_no_command(fork_behind: Fork, name: str) -> None:
    """What fork.toml calls upstream stands in the printed commit's message as it is, and is never run."""
    declared = fork_behind.root / "fork.toml"
    text = declared.read_text()
    declared.write_text(text.replace('name = "upstream"', f"name = '''{name}'''"))
    assert declared.read_text() != text
    fork_behind.relog()
    shell(printed(fork_behind.ok("sync", "--upto", "v1.1")), fork_behind.root)
    assert git(fork_behind.root, "log", "-1", "--format=%s").startswith(f"sync: {name} ")
    assert not git(fork_behind.root, "status", "--porcelain")


def test_a_path_in_a_printed_command_is_one_word(upstream_repo: Upstream) -> None:
    """A path of upstream's with blanks and shell code is quoted where a command names it."""
    path = "src/a b$(touch pwn).c"
    pin = upstream_repo.commit({path: "one\n"}, tag="v1")
    own = Local("own", {"src/own.c": "own\n"})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [own], {})
    ran = fork.run("patch", "why", f"{path}:9")
    assert ran.code == 2, ran.said
    command = ran.err.split("`")[1]
    assert command == f"forkkeeper patch why '{path}:1'"


# what git ignores ---------------------------------------------------------------------------------------------------


def ignoring(fork: Fork, *patterns: str) -> None:
    """Have git ignore files in this clone, as many do in all of theirs."""
    exclude = fork.root / ".git/info/exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("".join(f"{pattern}\n" for pattern in patterns))


def clone(fork: Fork) -> Fork:
    """Clone the fork beside it, and take the very same upstream along."""
    place = fork.root.parent / "clone"
    git(fork.root.parent, "clone", "--quiet", str(fork.root), str(place))
    return replace(fork, root=place)


def new_patch(fork: Fork) -> Ran:
    """Make a patch of a file that the fork adds."""
    diff = fork.root.parent / "four.diff"
    diff.write_text(
        "diff --git a/four.c b/four.c\nnew file mode 100644\n--- /dev/null\n+++ b/four.c\n@@ -0,0 +1 @@\n+4\n"
    )
    return fork.ok("patch", "new", "four", "--diff", str(diff), "--why", "The fork has it.", "--witness", "none [x]")


@pytest.mark.parametrize("rules", [["*.patch"], ["patches/"], ["*.patch", "fork.lock", "/patches/series", "*.md"]])
def test_what_git_ignores_is_committed_all_the_same(fork_in_step: Fork, rules: list[str]) -> None:
    """Status names each file that git ignores, the printed command commits it, and a clone is in step."""
    ignoring(fork_in_step, *rules)
    ran = new_patch(fork_in_step)
    (fork_in_step.root / "patches/four.patch.orig").write_text("an editor's\n")
    assert_message(fork_in_step.run("status"), 1, "git ignores patches/four.patch: no clone would have it")
    shell(printed(ran), fork_in_step.root)
    fork_in_step.ok("status")
    held = git(fork_in_step.root, "ls-files").splitlines()
    assert ("patches/four.patch.orig" in held) == ("patches/" not in rules)  # what is not ours is git's matter
    clone(fork_in_step).ok("status")


def test_what_status_says_of_an_ignored_file_can_be_typed(fork_in_step: Fork) -> None:
    """Committed without that file, the fork is out of step, and the command that status prints mends it."""
    ignoring(fork_in_step, "*.patch")
    new_patch(fork_in_step)
    fork_in_step.commit_all()
    ran = fork_in_step.run("status")
    assert_message(ran, 1, "git ignores patches/four.patch")
    shell(ran.out.split("next: `")[1].split("`")[0], fork_in_step.root)
    fork_in_step.ok("status")
    clone(fork_in_step).ok("status")


@pytest.mark.parametrize("rules", [["*.patch"], ["patches/"], ["/patches/parked"]])
def test_a_parked_patch_is_in_the_commit_whatever_git_ignores(fork_with_clash: Fork, rules: list[str]) -> None:
    """`sync --commit` after a --skip holds the only copy of the patch that was set aside."""
    ignoring(fork_with_clash, *rules)
    fork_with_clash.run("sync", "--upto", "v1.1", "--commit")
    ran = fork_with_clash.run("sync", "--skip")
    while ran.code == 1:
        ran = fork_with_clash.run("sync", "--skip")
    assert "committed as" in ran.out, ran.said
    assert "patches/parked/limit.patch" in git(fork_with_clash.root, "ls-tree", "-r", "--name-only", "HEAD")
    fork_with_clash.ok("status")
    clone(fork_with_clash).ok("status")


def test_a_fork_in_a_folder_that_git_ignores_is_not_meant_for_it(fork_in_step: Fork) -> None:
    """A fork below an ignored folder of another repository is in step: that repository is to hold none of it."""
    (fork_in_step.root / ".git").rename(fork_in_step.root.parent / "gone")
    git(fork_in_step.root.parent, "init", "--quiet")
    (fork_in_step.root.parent / ".gitignore").write_text(f"{fork_in_step.root.name}/\n")
    fork_in_step.ok("log")  # the overlay is what git has of it
    fork_in_step.ok("status")


# where one stands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def below(fork_behind: Fork) -> Path:
    """Give a folder of the fork that is not its root, with a blank in its name."""
    folder = fork_behind.root / "notes" / "of mine"
    folder.mkdir(parents=True)
    return folder


def test_a_commit_is_typed_where_one_stands(fork_behind: Fork, below: Path) -> None:
    """What sync, undo, patch and decline print to commit with works in a folder of the fork, and commits all of it."""
    for words in (
        ["sync", "--upto", "v1.1"],
        ["patch", "move", "buffer-size", "--before", "greeting"],
        ["decline", git(fork_behind.upstream.path, "rev-parse", "main"), "--why", "not for us"],
    ):
        ran = run(below, *words)
        assert ran.code == 0, ran.said
        assert "git -C ../.. add" in ran.out
        shell(f"GIT_EDITOR='echo done >' && export GIT_EDITOR && {printed(ran).strip()}", below)
        assert not git(fork_behind.root, "status", "--porcelain")
    ran = run(below, "undo")
    shell(printed(ran), below)
    assert not git(fork_behind.root, "status", "--porcelain")


def test_a_refused_sync_and_a_refused_undo_say_what_works_where_one_stands(fork_behind: Fork, below: Path) -> None:
    """The commit that a sync asks for, and the copies that an undo asks for, can be typed in a folder of the fork."""
    patch = fork_behind.root / "patches/null-check.patch"
    patch.write_bytes(patch.read_bytes().replace(b"A null text crashed", b"A text of null crashed"))
    fork_behind.ok("log")
    ran = run(below, "sync", "--upto", "v1.1")
    assert_message(ran, 2, "its text as it was is in no commit")
    command = ran.err.split("`")[1]
    assert command == "git -C ../.. add -A -- patches/null-check.patch && git -C ../.. commit"
    shell(f"{command} -m kept", below)
    assert run(below, "sync", "--upto", "v1.1").code == 0
    series = fork_behind.root / "patches/series"
    series.write_text(f"{series.read_text()}# mine\n")
    ran = run(below, "undo")
    assert_message(ran, 2, "patches/series", "edited since")
    shell(next(word for word in ran.err.split("`") if word.startswith("cp ")), below)
    assert run(below, "undo").code == 0


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_parked_patch_that_has_no_place_is_removed_as_printed(fork_with_clash: Fork, *, is_committed: bool) -> None:
    """What `patch unpark` says to type removes the file, whether or not a commit holds it, in a folder of the fork."""
    fork = fork_with_clash
    fork.run("sync", "--upto", "v1.1")
    while fork.run("sync", "--skip").code == 1:
        pass
    if is_committed:
        fork.commit_all()
    ran = run(fork.root / "patches", "patch", "unpark", "limit")
    assert_message(ran, 1, "limit.patch: clashes still")
    command = next(word for word in ran.err.split("`") if word.startswith(("rm ", "git ")) and "parked" in word)
    assert command == ("git -C .. rm -- patches/parked/limit.patch" if is_committed else "rm parked/limit.patch")
    shell(command, fork.root / "patches")
    assert not (fork.root / "patches/parked/limit.patch").exists()
    fork.ok("log")
