"""`patch open` and `patch save`: the queue as commits, a person's own git on them, and back to files."""

import re
import shlex
from pathlib import Path

import pytest
from benchmarks.seeded import Shape, make
from world import Fork, assert_message, environment, git, git_bytes

from forkkeeper.shell.git import Checkout

TREE = ".forkkeeper/patches"
WANTED = "Origin: local\nUpstream-Status: Pending\nWitness: none [not written yet]\n"


def opened(fork: Fork) -> Path:
    """Open the queue as commits, and give the worktree."""
    fork.ok("patch", "open")
    return fork.root / TREE


def subjects(tree: Path) -> list[str]:
    """Give the titles of the commits on the base, first to last."""
    return git(tree, "log", "--reverse", "--format=%s", "base..HEAD").splitlines()


def edit(tree: Path, path: str, old: str, new: str) -> None:
    """Change a text in a file."""
    text = (tree / path).read_text()
    assert old in text
    (tree / path).write_text(text.replace(old, new, 1))


def rebase(tree: Path, script: str, base: str = "base") -> None:
    """Run `git rebase -i` with a shell command as the editor of its list."""
    git(tree, "rebase", "--quiet", "--interactive", base, env=environment(GIT_SEQUENCE_EDITOR=script))


def test_open_and_save_change_no_byte(fork_in_step: Fork) -> None:
    """A round trip with no edit leaves every file as it was, and opening again makes the same commits."""
    before = fork_in_step.state()
    tree = opened(fork_in_step)
    tip = git(tree, "rev-parse", "HEAD")
    assert subjects(tree) == ["greeting: do it", "buffer-size: do it", "null-check: do it"]
    assert "nothing to save" in fork_in_step.ok("patch", "save").out
    assert fork_in_step.state() == before
    fork_in_step.ok("patch", "close")
    assert not tree.exists()
    assert git(opened(fork_in_step), "rev-parse", "HEAD") == tip


@pytest.mark.parametrize("seed", range(10))
def test_fifty_patches_come_back_byte_for_byte(tmp_path: Path, seed: int) -> None:
    """Queues of 50 patches make the round trip, rebased onto new commits of the same words, too."""
    made = make(tmp_path, Shape(files=60, patches=50, commits=1, seed=seed))
    fork = Fork(made.fork(), None, made.pin, made.target)  # type: ignore[arg-type]
    git(fork.root, "init", "--quiet", "--template=")
    fork.ok("init", "--pin", made.pin)
    fork.relog()
    before = fork.state()
    tree = opened(fork)
    assert len(subjects(tree)) == 50
    git(tree, "rebase", "--quiet", "--force-rebase", "base", env=environment(1_760_000_000))
    assert "nothing to save" in fork.ok("patch", "save").out
    assert fork.state() == before


def test_commits_are_what_git_am_makes_of_the_mails(fork_in_step: Fork) -> None:
    """Author, date, message but for the name's line, and tree are those of `git am`."""
    tree = opened(fork_in_step)
    form = "--format=%an%n%ae%n%at%n%T%n%B"
    ours = git(tree, "log", form, "base..HEAD")
    git(tree, "checkout", "--quiet", "-b", "am", "base")
    for mail in fork_in_step.mails():
        git(tree, "am", "--quiet", stdin=mail)
    theirs = git(tree, "log", form, "base..HEAD")
    names = [f"Patch: {name}" for name in fork_in_step.names()]
    assert [line for line in ours.splitlines() if line not in names] == theirs.splitlines()


def test_an_amended_tree_keeps_the_words(fork_in_step: Fork) -> None:
    """Where only files changed, the head of the patch file stays byte for byte, without a stale diffstat."""
    name = "patches/null-check.patch"
    file = fork_in_step.root / name
    stat = "---\n src/parse.c | 2 ++\n 1 file changed, 2 insertions(+)\n\n"
    file.write_text(
        file.read_text().replace("\ndiff --git", f"{stat}diff --git", 1).replace("\nDate:", "\nX-Note: kept\nDate:", 1)
    )
    fork_in_step.relog()
    tree = opened(fork_in_step)
    edit(tree, "src/parse.c", "return 0;", "return -1;")
    git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    fork_in_step.ok("patch", "save")
    assert "+        return -1;" in file.read_text()
    assert "X-Note: kept\n" in file.read_text()
    assert "2 ++" not in file.read_text()
    assert "---\n\ndiff --git" in file.read_text()
    fork_in_step.ok("status")
    assert "nothing to save" in fork_in_step.ok("patch", "save").out


def test_an_amended_message_is_written_as_git_does(fork_in_step: Fork) -> None:
    """A new message, author and non-ASCII words come back from `git am` as they were committed."""
    tree = opened(fork_in_step)
    title = "Begrüßung: " + "ein sehr langer Titel " * 5
    message = f"{title.strip()}\n\nWarum? Weil die Gabel es braucht … und ΑΒΓ.\n\n{WANTED}Patch: null-check.patch\n"
    author = "Jürgen Ørsted <j@example.invalid>"
    git(tree, "commit", "--quiet", "--amend", f"--author={author}", "-F", "-", stdin=message.encode())
    fork_in_step.ok("patch", "save")
    mail = fork_in_step.mails()[-1]
    assert mail.startswith(b"From " + b"0" * 40 + b" Mon Sep 17 00:00:00 2001\nFrom: =?UTF-8?q?J=C3=BCrgen")
    git(tree, "checkout", "--quiet", "-B", "am", "queue~1")
    git(tree, "am", "--quiet", stdin=mail)
    assert git(tree, "log", "-1", "--format=%an <%ae>") == author
    assert (
        git_bytes(tree, "log", "-1", "--format=%B").decode().strip()
        == message.replace("Patch: null-check.patch\n", "").strip()
    )
    assert fork_in_step.names() == ["greeting.patch", "buffer-size.patch", "null-check.patch"]
    fork_in_step.ok("lint")
    fork_in_step.ok("status")


def test_rebase_reorders_and_reasons_stay(fork_in_step: Fork) -> None:
    """`git rebase -i` moves a patch; the series follows, its comments stay, no patch file changes but in place."""
    series = fork_in_step.root / "patches/series"
    series.write_text(f"# our queue\n{series.read_text()}# the end\n")
    fork_in_step.relog()
    mails = dict(zip(fork_in_step.names(), fork_in_step.mails(), strict=True))
    tree = opened(fork_in_step)
    rebase(tree, "sed -i -e '1{h;d}' -e '2{G}'")
    fork_in_step.ok("patch", "save")
    assert fork_in_step.names() == ["buffer-size.patch", "greeting.patch", "null-check.patch"]
    assert series.read_text().startswith("# our queue\n")
    assert series.read_text().endswith("null-check.patch\n# the end\n")
    assert dict(zip(fork_in_step.names(), fork_in_step.mails(), strict=True)) == mails
    fork_in_step.ok("status")


def test_a_new_commit_gets_a_name_from_its_title(fork_in_step: Fork) -> None:
    """A commit of one's own becomes a patch at its place; what it lacks is named with lines to copy."""
    tree = opened(fork_in_step)
    edit(tree, "README.md", "small", "tiny")
    git(tree, "commit", "--quiet", "--all", "-m", "Readme: it's tiny!")
    ran = fork_in_step.run("patch", "save")
    assert_message(ran, 2, "Readme: it's tiny!", "gives no reason", "Origin: local\n", "Upstream-Status: Pending")
    git(tree, "commit", "--quiet", "--amend", "-m", f"Readme: it's tiny!\n\nIt is.\n\n{WANTED}")
    fork_in_step.ok("patch", "save")
    assert fork_in_step.names()[-1] == "readme-it-s-tiny.patch"
    assert b"\nPatch: " not in fork_in_step.mails()[-1]
    fork_in_step.ok("status")
    assert "nothing to save" in fork_in_step.ok("patch", "save").out


def test_a_vanished_patch_must_be_named(fork_in_step: Fork) -> None:
    """A commit that is gone stops the save unless --drop names it; what is in no commit of the fork's is kept."""
    (fork_in_step.root / "patches/greeting.patch").write_bytes(
        fork_in_step.mails()[0].replace(b"says so here", b"says so there")
    )
    fork_in_step.ok("log")  # but not committed
    old = fork_in_step.mails()[0]
    tree = opened(fork_in_step)
    rebase(tree, "sed -i 1d")
    before = fork_in_step.state()
    assert_message(fork_in_step.run("patch", "save"), 2, "greeting", "no commit any more", "--drop greeting")
    assert_message(fork_in_step.run("patch", "save", "--drop", "greetin"), 2, "did you mean greeting?")
    assert fork_in_step.state() == before
    fork_in_step.ok("patch", "save", "--drop", "greeting")
    assert fork_in_step.names() == ["buffer-size.patch", "null-check.patch"]
    assert (fork_in_step.root / "patches/dropped/greeting.patch").read_bytes() == old
    fork_in_step.ok("status")


def test_a_squash_folds_two_patches(fork_in_step: Fork) -> None:
    """`squash` in a rebase makes one patch of two: it keeps the first name, and both reasons."""
    tree = opened(fork_in_step)
    env = environment(GIT_SEQUENCE_EDITOR="sed -i '3s/^pick/squash/'", GIT_EDITOR="true")
    git(tree, "rebase", "--quiet", "--interactive", "base", env=env)
    fork_in_step.ok("patch", "save")
    assert fork_in_step.names() == ["greeting.patch", "buffer-size.patch"]
    assert b"Small reads are slow" in fork_in_step.mails()[1]
    assert b"A null text crashed." in fork_in_step.mails()[1]
    assert b"Patch:" not in fork_in_step.mails()[1]
    fork_in_step.ok("status")


def test_what_is_not_ready_is_refused_and_nothing_is_saved(fork_in_step: Fork) -> None:
    """Merges, empty commits, unfinished fixups, loose edits and a moved base are named, with what to type."""
    tree = opened(fork_in_step)
    before = fork_in_step.state()
    tip = git(tree, "rev-parse", "HEAD")

    def refused(*parts: str) -> None:
        assert_message(fork_in_step.run("patch", "save"), 2, *parts)
        git(tree, "checkout", "--quiet", "--force", "-B", "queue", tip)
        git(tree, "clean", "-fdq")

    edit(tree, "README.md", "small", "tiny")
    refused("uncommitted edits: README.md", "git stash")
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    refused("(nothing)", "changes nothing")
    git(tree, "checkout", "--quiet", "-b", "side", "base")
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "side")
    git(tree, "checkout", "--quiet", "queue")
    git(tree, "merge", "--quiet", "side", "-m", "both")
    refused("merge")
    edit(tree, "README.md", "small", "tiny")
    git(tree, "commit", "--quiet", "--all", "--fixup", "HEAD")
    refused("fixup! null-check", "--autosquash")
    git(tree, "checkout", "--quiet", "--orphan", "other")
    git(tree, "commit", "--quiet", "-m", "other")
    refused("the base has moved")
    git(
        tree,
        "commit",
        "--quiet",
        "--amend",
        "--reset-author",
        "-m",
        f"two\nlines\n\nWhy.\n\n{WANTED}Patch: null-check.patch",
    )
    refused("would not survive `git am`")
    git(tree, "commit", "--quiet", "--amend", "-m", f"title\n\nWhy.\n\n---\n\nmore\n\n{WANTED}Patch: null-check.patch")
    refused("commit")
    git(tree, "commit", "--quiet", "--amend", "-m", "title\n\nPatch: null-check.patch")
    refused("gives no reason")
    edit(tree, "README.md", "small", "tiny")
    git(tree, "commit", "--quiet", "--all", "-m", f"again\n\nWhy.\n\n{WANTED}Patch: null-check.patch")
    refused("says `Patch: null-check.patch`")
    assert fork_in_step.state() == before


def test_a_rebase_underway_is_named(fork_in_step: Fork) -> None:
    """A save in the middle of a rebase is refused."""
    tree = opened(fork_in_step)
    rebase(tree, "sed -i 's/^pick/edit/'")
    assert_message(fork_in_step.run("patch", "save"), 2, "a rebase is underway", "git rebase --continue")
    assert_message(fork_in_step.run("patch", "close"), 2, "a rebase is underway", "--discard")


def test_a_fork_that_was_changed_meanwhile_is_refused(fork_in_step: Fork) -> None:
    """Commits are not saved over a queue that they were not made of."""
    tree = opened(fork_in_step)
    edit(tree, "src/parse.c", "return 0;", "return -1;")
    git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    file = fork_in_step.root / "patches/greeting.patch"
    file.write_text(file.read_text().replace("says so here", "says so there"))
    fork_in_step.relog()
    assert_message(fork_in_step.run("patch", "save"), 2, "changed since", "git restore")
    assert_message(fork_in_step.run("patch", "open"), 2, "holds what is not saved", "patch close --discard")


def test_unsaved_work_is_not_thrown_away(fork_in_step: Fork) -> None:
    """Closing and opening again name what would be lost: edits, commits, the stash; --discard is needed."""
    tree = opened(fork_in_step)
    (tree / "new.c").write_text("new\n")
    assert_message(fork_in_step.run("patch", "close"), 2, "uncommitted edits: new.c")
    assert_message(fork_in_step.run("patch", "open"), 2, "uncommitted edits: new.c")
    git(tree, "stash", "--include-untracked")
    assert_message(fork_in_step.run("patch", "close"), 2, "commits:")
    git(tree, "stash", "drop")
    git(tree, "checkout", "--quiet", "-b", "mine")
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "mine")
    git(tree, "checkout", "--quiet", "queue")
    assert_message(fork_in_step.run("patch", "open"), 2, "mine", "check its branch out")
    assert "lost: commits" in fork_in_step.ok("patch", "close", "--discard").out
    assert not tree.exists()
    assert_message(fork_in_step.run("patch", "save"), 2, "is not open", "patch open")


@pytest.mark.attack
def test_the_worktree_is_not_upstreams_to_configure(fork_in_step: Fork) -> None:
    """What stands there is the composed queue without overlay, and git sees no edit in it."""
    tree = opened(fork_in_step)
    assert Checkout(tree).loose() == ()
    assert not (tree / "native/extra.c").exists()
    assert git(fork_in_step.root, "status", "--porcelain") == ""


def ignoring(fork: Fork) -> Path:
    """Open the queue, with upstream's rules for what a build makes in the last patch, and a file that they match."""
    tree = opened(fork)
    (tree / ".gitignore").write_text("build*/\n")
    git(tree, "add", ".gitignore")
    git(tree, "commit", "--quiet", "--amend", "--no-edit")
    fork.ok("patch", "save")
    (tree / "buildsys").mkdir()
    (tree / "buildsys/h.cmake").write_text("X\n")
    return tree


def typed(fork: Fork, said: str) -> None:
    """Type each command of a line of advice."""
    for words in re.findall(r"`([^`]+)`", said):
        if words.startswith("git "):
            git(fork.root, *shlex.split(words)[1:])
        else:
            fork.ok(*shlex.split(words)[1:])


def test_ignored_files_do_not_go_with_the_worktree(fork_in_step: Fork) -> None:
    """A new file that a .gitignore matches stops `patch close`; what is said to type takes it into a patch."""
    tree = ignoring(fork_in_step)
    ran = fork_in_step.run("patch", "close")
    assert_message(
        ran, 1, "patch close: .forkkeeper/patches: holds files that a .gitignore leaves out: buildsys/h.cmake"
    )
    assert (tree / "buildsys/h.cmake").is_file()
    typed(fork_in_step, next(line for line in ran.err.splitlines() if "takes them in" in line))
    assert b"+++ b/buildsys/h.cmake" in fork_in_step.mails()[-1]
    fork_in_step.ok("patch", "close")


def test_ignored_files_go_where_that_is_said(fork_in_step: Fork) -> None:
    """The command that is said removes what a build left, and `--discard` does, too."""
    ignoring(fork_in_step)
    ran = fork_in_step.run("patch", "close")
    typed(fork_in_step, next(line for line in ran.err.splitlines() if "clean -ffdXq" in line))
    assert not (fork_in_step.root / TREE).exists()
    (opened(fork_in_step) / "buildsys").mkdir()
    (fork_in_step.root / TREE / "buildsys/h.cmake").write_text("X\n")
    fork_in_step.ok("patch", "close", "--discard")


def test_edits_are_named_before_ignored_files(fork_in_step: Fork) -> None:
    """Where both lie there `--discard` is not offered for the ignored files: it would take the edits, too."""
    edit(ignoring(fork_in_step), "README.md", "small", "tiny")
    ran = fork_in_step.run("patch", "close")
    assert_message(ran, 2, "patch close: .forkkeeper/patches: holds what is not saved", "README.md")
    assert "does the same with --discard" not in ran.err


@pytest.mark.parametrize("verb", ["new", "refresh"])
def test_a_patch_says_what_it_left_out(fork_in_step: Fork, verb: str) -> None:
    """A patch that is made of edits names the files that a .gitignore kept out of it, and what takes them in."""
    tree = ignoring(fork_in_step)
    more = ["two", "--why", "It is needed.", "--witness", "none [x]"] if verb == "new" else []
    if verb == "refresh":
        (tree / "buildsys/h.cmake").rename(fork_in_step.root.parent / "h.cmake")
        fork_in_step.ok("patch", "edit", "null-check")
        (tree / "buildsys").mkdir(exist_ok=True)
        (fork_in_step.root.parent / "h.cmake").rename(tree / "buildsys/h.cmake")
    edit(tree, "README.md", "small", "tiny")
    ran = fork_in_step.ok("patch", verb, *more)
    assert "left out, as a .gitignore matches them: buildsys/h.cmake" in ran.out
    typed(fork_in_step, next(line for line in ran.out.splitlines() if "takes them in" in line))
    assert b"+++ b/buildsys/h.cmake" in fork_in_step.mails()[-1]
    fork_in_step.ok("patch", "close")
