"""Patches as commits where it is hard: every kind of change, odd mails, and a process that is killed on the way."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from world import BIN, EXECUTABLE, SYMLINK, Fork, Local, Upstream, assert_message, fork_of, git

from forkkeeper.shell.git import Checkout
from forkkeeper.stages import opened, project

if TYPE_CHECKING:
    from collections.abc import Callable

TREE = ".forkkeeper/patches"
DIED = 77
WANTED = "Origin: local\nUpstream-Status: Pending\nWitness: none [not written yet]\n"
WHY = "The fork's users asked for it."
TEXT = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture
def many_kinds(upstream_repo: Upstream) -> Fork:
    """Give a fork whose patches add, remove, move, link, make executable, change bytes and odd line ends."""
    first: dict[str, str | bytes | None] = {
        "a.txt": TEXT,
        "b.txt": TEXT,
        "run.sh": TEXT,
        "crlf.txt": "one\r\ntwo\r\n",
        "bin": bytes(range(256)),
    }
    first |= {".gitignore": "*.o\n", ".gitattributes": "* text=auto\n"}
    pin = upstream_repo.commit(first, tag="v1")
    locals_ = [
        Local("add", {"new/deep/file.c": "int x;\n", "ignored.o": "object\n"}),
        Local("remove", {"b.txt": None}),
        Local("move", {}, moves={"a.txt": "moved.txt"}),
        Local("mode", {"run.sh": TEXT}, modes={"run.sh": EXECUTABLE}),
        Local("link", {"link": "run.sh"}, modes={"link": SYMLINK}),
        Local("bytes", {"bin": bytes(reversed(range(256)))}),
        Local("ends", {"crlf.txt": "one\r\nzwei\r\nno end"}),
        Local("odd-name", {"odd näme.txt": "x\n"}, reason="Grüße, sagt sie."),
    ]
    return fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, locals_, {})


def test_every_kind_of_change_makes_the_round_trip(many_kinds: Fork) -> None:
    """Adding, removing, moving, links, modes, bytes, line ends and names come back byte for byte, rewritten too."""
    before = many_kinds.state()
    many_kinds.ok("patch", "open")
    tree = many_kinds.root / TREE
    assert Checkout(tree).loose() == ()
    assert "nothing to save" in many_kinds.ok("patch", "save").out
    reword = "git log -1 --format=%B | sed 's/says so here/says it here/' | git commit --quiet --amend --file=-"
    git(tree, "rebase", "--quiet", "--exec", reword, "base")
    many_kinds.ok("patch", "save")
    for name in many_kinds.names():
        was, now = before[f"patches/{name}"], (many_kinds.root / "patches" / name).read_bytes()
        cut = was.index(b"diff --git")
        if b"says so here" in was:
            assert b"says it here" in now
        assert now.endswith(was[cut:])
    many_kinds.ok("status")


def test_each_patch_can_be_moved_to_the_front(many_kinds: Fork) -> None:
    """Patches on files of their own commute, whatever they do to them; no patch file changes."""
    mails = dict(zip(many_kinds.names(), many_kinds.mails(), strict=True))
    for name in many_kinds.names()[1:]:
        many_kinds.ok("patch", "move", name, "--before", many_kinds.names()[0])
    assert dict(zip(many_kinds.names(), many_kinds.mails(), strict=True)) == mails
    many_kinds.ok("status")


def test_a_refresh_takes_what_upstream_ignores(many_kinds: Fork) -> None:
    """A patch's own file counts although upstream's .gitignore names it."""
    many_kinds.ok("patch", "edit", "add")
    (many_kinds.root / TREE / "ignored.o").write_text("other\n")
    many_kinds.ok("patch", "refresh")
    assert b"+other" in many_kinds.mails()[0]
    many_kinds.ok("status")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Date: Sun, 15 Jun 2025 15:06:40 +0000\n", b""),
        (b"Date: Sun, 15 Jun 2025 15:06:40 +0000\n", b"Date: some day\n"),
        (b"Date: Sun, 15 Jun 2025 15:06:40 +0000\n", b"Date: 2025-06-15 12:00:00 +0200\n"),
        (b"From: Ann Author <ann@example.invalid>\n", b"From: ann@example.invalid\n"),
        (b"From: Ann Author <ann@example.invalid>\n", b"From: =?ISO-8859-1?Q?J=F6rg?= <j@example.invalid>\n"),
        (b"[PATCH] ", b"[PATCH v2 3/7] [RFC] "),
        (b"\nThe fork needs this", b"\nThe fork n\xc3\xa4\xff needs this"),
        (b"\n\ndiff --git", b"\n---\nnotes of mine\n\ndiff --git"),
        (b"\n\ndiff --git", b"\n---\n\ndiff --git"),
        (b"\nOrigin: local", b"\n\n\n\nSigned-off-by: Ann <a@b>\nOrigin: local"),
        (b"do it\n", b"do it, and say so in a title that is so long\n that a mail folds it onto a second line\n"),
        (b"@@ -7,7", b"@@ -8,7"),
    ],
)
def test_odd_mails_make_the_round_trip(fork_in_step: Fork, old: bytes, new: bytes) -> None:
    """Whatever a mail looks like, no byte of it changes while nobody edits it, and its neighbour may be edited."""
    file = fork_in_step.root / "patches/greeting.patch"
    old = (
        next(line for line in file.read_bytes().splitlines(True) if line.startswith(b"Date:"))
        if b"Date" in old
        else old
    )
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    fork_in_step.relog()
    before = fork_in_step.state()
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    assert "nothing to save" in fork_in_step.ok("patch", "save").out
    tip = git(tree, "rev-parse", "HEAD")
    fork_in_step.ok("patch", "open")
    assert git(tree, "rev-parse", "HEAD") == tip
    (tree / "src/parse.c").write_text((tree / "src/parse.c").read_text().replace("return 0", "return 1"))
    git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    fork_in_step.ok("patch", "save")
    assert file.read_bytes() == before["patches/greeting.patch"]
    fork_in_step.ok("status")


# killed -------------------------------------------------------------------------------------------------------------


def dies(fork: Fork, words: tuple[str, ...], owner: Any, name: str, *, after: bool) -> None:
    """Run a verb in a process that ends, without any clean-up, just before or after a function."""
    child = os.fork()
    if child == 0:
        real: Callable[..., Any] = getattr(owner, name)

        def dying(*args: Any, **named: Any) -> None:
            if after:
                real(*args, **named)
            os._exit(DIED)

        setattr(owner, name, dying)
        fork.run("patch", *words)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED


MOMENTS = [
    (project, "save", False),
    (project, "save", True),
    (opened, "stand", False),
    (Checkout, "stand", True),
    (opened, "_write", False),
    (opened, "_write", True),
]


@pytest.mark.parametrize(("owner", "name", "after"), MOMENTS)
@pytest.mark.parametrize("verb", ["save", "new", "move"])
def test_a_killed_save_is_there_or_is_not(fork_in_step: Fork, verb: str, owner: Any, name: str, after: bool) -> None:
    """Whenever the process dies: run again, the verb does its work or says that it is done; no edit is lost."""
    words = {"new": ("new", "tiny", "--why", WHY), "move": ("move", "greeting", "--after", "buffer-size")}
    command = words.get(verb, (verb,))
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    readme = tree / "README.md"
    if verb != "move":
        readme.write_text("# tiny\n")
    if verb == "save":
        git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    before = fork_in_step.state()
    dies(fork_in_step, command, owner, name, after=after)
    saved = fork_in_step.state() != before
    again = fork_in_step.run("patch", *command)
    assert (again.code == 0) == (not saved or verb in ("save", "move")), again.said
    fork_in_step.ok("status")
    if verb != "move":
        assert readme.read_text() == "# tiny\n"
    assert Checkout(tree).loose() == ()
    fork_in_step.ok("patch", "close")
    if verb != "move":
        assert any(b"+# tiny" in mail for mail in fork_in_step.mails())


@pytest.mark.parametrize("name", ["enter", "stand", "chain"])
def test_a_killed_open_leaves_nothing_half(fork_in_step: Fork, name: str) -> None:
    """The worktree is there whole or not at all, and opening again makes it."""
    dies(fork_in_step, ("open",), opened, name, after=name != "enter")
    fork_in_step.ok("patch", "open")
    assert "nothing to save" in fork_in_step.ok("patch", "save").out


def test_an_edit_after_a_killed_save_is_not_overwritten(fork_in_step: Fork) -> None:
    """What was edited between the kill and the next command stays, and the way on is said."""
    fork_in_step.ok("patch", "open")
    dies(fork_in_step, ("move", "greeting", "--after", "null-check"), opened, "stand", after=False)
    readme = fork_in_step.root / TREE / "README.md"
    readme.write_text("# mine\n")
    ran = fork_in_step.run("patch", "save")
    assert ran.code == 2
    assert "git stash" in ran.err
    assert readme.read_text() == "# mine\n"
    git(fork_in_step.root / TREE, "stash")
    assert "nothing to save" in fork_in_step.ok("patch", "save").out
    git(fork_in_step.root / TREE, "stash", "pop")
    assert readme.read_text() == "# mine\n"


def test_a_folder_that_is_no_worktree_of_ours_is_left_alone(fork_in_step: Fork) -> None:
    """Something else in its place is named, not removed."""
    place = Path(fork_in_step.root, TREE)
    place.mkdir(parents=True)
    (place / "notes").write_text("mine\n")
    ran = fork_in_step.run("patch", "open")
    assert ran.code == 2
    assert "is damaged" in ran.err
    assert (place / "notes").read_text() == "mine\n"


# what a refusal says to type ----------------------------------------------------------------------------------------


def typed(fork: Fork, said: str) -> None:
    """Type what a refusal says to type, line by line, in the fork's folder."""
    lines = [line.strip() for line in said.splitlines()]
    commands = [line for line in lines if line.startswith(("mv ", "git -C ", "forkkeeper "))]
    assert commands, said
    for command in commands:
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        env = os.environ | {"PATH": path}
        done = subprocess.run(["sh", "-c", command], cwd=fork.root, env=env, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def quoted(said: str) -> list[str]:
    """Give the git commands that stand in a refusal, in backquotes."""
    return re.findall(r"`(git [^`]*)`", said)


def own_commit(tree: Path, title: str, words: str = f"{WHY}\n\n{WANTED}") -> str:
    """Commit an edit of the readme."""
    readme = tree / "README.md"
    readme.write_text(f"{readme.read_text()}{title}\n")
    git(tree, "commit", "--quiet", "--all", "-m", f"{title}\n\n{words}")
    return git(tree, "rev-parse", "HEAD")


def change_meanwhile(fork: Fork) -> None:
    """Let the fork's files change while the worktree is open."""
    file = fork.root / "patches/greeting.patch"
    file.write_text(file.read_text().replace("says so here", "says so there"))
    fork.relog()


@pytest.mark.parametrize("how", ["commits", "amended"])
def test_commits_come_over_to_a_fork_that_was_changed(fork_in_step: Fork, how: str) -> None:
    """What a refused save says to type brings the person's commits to the fork as it is now, and they are saved."""
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    if how == "commits":
        own_commit(tree, "mine one")
        own_commit(tree, "mine two")
    else:
        (tree / "README.md").write_text("# mine two\n")
        git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    change_meanwhile(fork_in_step)
    ran = fork_in_step.run("patch", "save")
    assert_message(ran, 2, "changed since", f"mv {TREE}")
    typed(fork_in_step, ran.err)
    if how == "amended":
        git(tree, "commit", "--quiet", "--all", "--amend", "--no-edit")
    fork_in_step.ok("patch", "save")
    assert any(b"mine two" in mail for mail in fork_in_step.mails())
    assert b"says so there" in fork_in_step.mails()[0]
    fork_in_step.ok("patch", "close")
    fork_in_step.ok("status")


@pytest.mark.parametrize("verb", ["edit", "open"])
def test_edits_come_over_to_a_fork_that_was_synced(fork_behind: Fork, verb: str) -> None:
    """Uncommitted edits, new files among them, are named, and come over by what is said, too."""
    fork_behind.ok("patch", verb, *(["greeting"] if verb == "edit" else []))
    tree = fork_behind.root / TREE
    (tree / "README.md").write_text(f"{(tree / 'README.md').read_text()}mine\n")
    (tree / "own.c").write_text("int own;\n")
    fork_behind.ok("sync", "--upto", fork_behind.target)
    fork_behind.commit_all()
    take = ("refresh",) if verb == "edit" else ("new", "mine", "--why", WHY)
    ran = fork_behind.run("patch", *take)
    assert_message(ran, 2, "changed since", "own.c", "README.md")
    typed(fork_behind, ran.err)
    fork_behind.ok("patch", *take)
    assert any(b"+mine\n" in mail and b"+int own;" in mail for mail in fork_behind.mails())
    assert (fork_behind.root / f"{TREE}-kept/own.c").exists()
    fork_behind.ok("patch", "close")


@pytest.mark.parametrize("way", ["into the patch", "patches of their own"])
def test_commits_made_at_a_patch_are_taken_in(fork_in_step: Fork, way: str) -> None:
    """A save that is refused at a patch says how the commits there become part of it, or patches."""
    fork_in_step.ok("patch", "edit", "greeting")
    tree = fork_in_step.root / TREE
    own_commit(tree, "mine one")
    own_commit(tree, "mine two")
    ran = fork_in_step.run("patch", "save")
    assert_message(ran, 2, "stands at the patch greeting, with 2 commits of yours on it", "patch refresh")
    assert "checkout queue" not in ran.err
    into, apart = quoted(ran.err)
    git(fork_in_step.root, *shlex.split(into if way == "into the patch" else apart)[1:])
    fork_in_step.ok("patch", "refresh" if way == "into the patch" else "save")
    assert any(b"+mine two" in mail for mail in fork_in_step.mails())
    assert len(fork_in_step.names()) == (3 if way == "into the patch" else 5)
    fork_in_step.ok("patch", "close")
    fork_in_step.ok("status")


def test_close_knows_commits_that_were_left_behind(fork_in_step: Fork) -> None:
    """A commit that no branch has keeps the worktree, until it is taken in as is said, or given up by --discard."""
    fork_in_step.ok("patch", "edit", "greeting")
    tree = fork_in_step.root / TREE
    own_commit(tree, "mine one")
    own_commit(tree, "mine two")
    git(tree, "checkout", "--quiet", "queue")
    assert "nothing to save" in fork_in_step.ok("patch", "save").out
    ran = fork_in_step.run("patch", "close")
    assert_message(ran, 2, "left behind", "mine one", "mine two", "--discard")
    (back,) = quoted(ran.err)
    git(fork_in_step.root, *shlex.split(back)[1:])
    fork_in_step.ok("patch", "save")
    fork_in_step.ok("patch", "close")
    assert any(b"+mine two" in mail for mail in fork_in_step.mails())


def test_a_discarded_close_names_what_was_left_behind(fork_in_step: Fork) -> None:
    """With --discard, the commits that are lost are named."""
    fork_in_step.ok("patch", "edit", "greeting")
    tree = fork_in_step.root / TREE
    own_commit(tree, "mine")
    git(tree, "checkout", "--quiet", "queue")
    assert "mine" in fork_in_step.ok("patch", "close", "--discard").out


REWRITES = {
    "amended": ["commit --quiet --amend -m again"],
    "rebased": ["rebase --quiet --force-rebase base"],
    "made one": ["reset --quiet --soft HEAD~1", "commit --quiet --amend --no-edit"],
    "merged": ["checkout --quiet -b topic", "checkout --quiet queue", "branch --quiet -d topic"],
    "looked around": ["checkout --quiet base", "checkout --quiet queue~1", "checkout --quiet queue"],
}


@pytest.mark.parametrize("how", list(REWRITES))
def test_close_asks_nothing_of_who_saved_what_they_rewrote(fork_in_step: Fork, how: str) -> None:
    """Amending, rebasing, making one commit of two and looking around leave nothing behind once it is saved."""
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    own_commit(tree, "mine")
    words = git(tree, "log", "-1", "--format=%B")
    for command in REWRITES[how]:
        git(tree, *command.split())
    if how == "amended":
        git(tree, "commit", "--quiet", "--amend", "-m", words)
    fork_in_step.ok("patch", "save")
    own_commit(tree, "more")
    fork_in_step.ok("patch", "save")
    fork_in_step.ok("patch", "edit", "greeting")
    fork_in_step.ok("patch", "close")
