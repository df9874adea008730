"""Patches as commits where it is hard: every kind of change, odd mails, and a process that is killed on the way."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from world import EXECUTABLE, SYMLINK, Fork, Local, Upstream, fork_of, git

from forkkeeper.shell.git import Checkout
from forkkeeper.stages import opened, project

if TYPE_CHECKING:
    from collections.abc import Callable

TREE = ".forkkeeper/patches"
DIED = 77
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
