"""A fork is the same bytes in every clone, whatever git does with line ends there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typing_in import printed, shell
from world import Fork, Local, Upstream, assert_message, fork_of

TEXT = "".join(f"line {number}\r\n" for number in range(1, 21))
OWN = TEXT.replace("line 10\r", "line ten\r")


@pytest.fixture
def fork_of_crlf(upstream_repo: Upstream) -> Fork:
    """Give a fork with a patch on a file of upstream's with CR LF; upstream moved on beside it, then took the patch."""
    pin = upstream_repo.commit({"a.txt": TEXT, "b.txt": "b\n"}, tag="v1")
    target = upstream_repo.commit({"a.txt": TEXT.replace("line 12\r", "line twelve\r")}, tag="v1b")
    upstream_repo.commit({"a.txt": OWN}, tag="v2", parent=pin, title="took it")
    own = Local("own", {"a.txt": OWN})
    return fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [own], {"mine/x.txt": "x\r\ny\r\n"})


def old(fork: Fork, setting: str) -> Fork:
    """Make it a fork of a time when `.gitattributes` said nothing of line ends, committed with that core.autocrlf."""
    attributes = fork.root / ".gitattributes"
    attributes.write_text(re.sub(r".* -text\n", "", attributes.read_text()))
    git = f"git -c core.autocrlf={setting}"
    shell(f"git config core.autocrlf {setting} && {git} add --renormalize . && {git} commit -qam old", fork.root)
    return fork


def cloned(fork: Fork, name: str = "clone", setting: str = "false") -> Fork:
    """Clone a fork beside it, with a core.autocrlf of its own."""
    place = fork.root.parent / name
    shell(f"git clone -q -c core.autocrlf={setting} {fork.root.name} {name}", fork.root.parent)
    return replace(fork, root=place)


def same(fork: Fork, other: Fork) -> bool:
    """Whether two clones hold the same patches and the same overlay."""
    return fork.mails() == other.mails() and fork.overlay() == other.overlay()


@pytest.mark.parametrize("setting", ["input", "true", "false"])
def test_line_ends_stay_whatever_git_is_set_to(fork_of_crlf: Fork, setting: str) -> None:
    """A fork that `init` began is committed as it is by `sync --commit`, and each clone of it is in step."""
    shell(f"git config core.autocrlf {setting}", fork_of_crlf.root)
    ran = fork_of_crlf.ok("sync", "--upto", "v1b", "--commit")
    assert "committed as" in ran.out
    assert "line ends" not in fork_of_crlf.ok("status").out
    for theirs in ("input", "true", "false"):
        clone = cloned(fork_of_crlf, f"clone-{theirs}", theirs)
        assert "line ends" not in clone.ok("status").out
        clone.ok("log", "--check")
        assert same(clone, fork_of_crlf)


def test_a_commit_with_other_line_ends_is_not_made_and_setup_mends_it(fork_of_crlf: Fork) -> None:
    """Where git would commit another patch than the lock has, status and sync say so; what they say to type helps."""
    fork = old(fork_of_crlf, "input")
    assert_message(fork.run("status"), 1, "patches/own.patch: git stores it with other line ends", "forkkeeper setup")
    ran = fork.run("sync", "--upto", "v1b", "--commit")
    assert_message(ran, 3, "saved, but not committed", "patches/own.patch", "`forkkeeper setup`")
    shell(printed(fork.ok("setup")), fork.root)
    shell(printed(ran), fork.root)
    fork.ok("status")
    shell('test -z "$(git status --porcelain)"', fork.root)
    clone = cloned(fork)
    clone.ok("status")
    clone.ok("log", "--check")
    assert same(clone, fork)


def test_a_patch_whose_commit_has_other_line_ends_is_no_loop(fork_of_crlf: Fork) -> None:
    """A sync that takes such a patch away refuses with what helps: `setup`, its commit, and the sync again."""
    fork = old(fork_of_crlf, "input")
    ran = fork.run("sync", "--upto", "v2")
    assert_message(ran, 2, "patches/own.patch", "with other line ends", "`forkkeeper setup`")
    shell(printed(fork.ok("setup")), fork.root)
    fork.ok("sync", "--upto", "v2", "--commit")
    assert not fork.names()


def test_a_clone_whose_line_ends_git_changed_is_mended(fork_of_crlf: Fork) -> None:
    """With core.autocrlf=true a clone of an old fork is out of step; `setup` gives its files the lock's bytes again."""
    fork = old(fork_of_crlf, "false")
    clone = cloned(fork, setting="true")
    names = ("fork.lock", "CHANGES-LOCAL.md", "patches/series", "patches/own.patch")
    assert any(clone.state()[name] != fork.state()[name] for name in names)
    assert_message(clone.run("status"), 1, "fork.lock: git stores it with other line ends", "`forkkeeper setup`")
    assert_message(clone.run("sync", "--upto", "v1b"), 2, "fork.lock: does not match", "`forkkeeper setup`")
    shell(printed(clone.ok("setup")), clone.root)
    assert all(clone.state()[name] == fork.state()[name] for name in names)
    assert "line ends" not in clone.ok("status").out
    shell('test -z "$(git status --porcelain)"', clone.root)
    clone.ok("sync", "--upto", "v1b", "--commit")
    cloned(clone, "third", "true").ok("status")


def test_status_names_line_ends_only_where_git_may_change_them(fork_in_step: Fork) -> None:
    """A fork without such attributes is told of them where core.autocrlf or a `text` attribute is set, and else not."""
    attributes = fork_in_step.root / ".gitattributes"
    lines = attributes.read_text()
    attributes.write_text(re.sub(r".* -text\n", "", lines))
    assert "line ends" not in fork_in_step.ok("status").out
    shell("git config core.autocrlf input", fork_in_step.root)
    assert "git may change line ends of" in fork_in_step.ok("status").out
    shell("git config core.autocrlf false", fork_in_step.root)
    with attributes.open("a") as file:
        file.write("* text=auto\n")
    assert "`forkkeeper setup`" in fork_in_step.ok("status").out
    fork_in_step.ok("setup")
    assert "line ends" not in fork_in_step.ok("status").out
    attributes.write_text(f"{attributes.read_text()}*.patch text\n")
    assert "`git check-attr -a FILE` shows" in fork_in_step.ok("status").out


def test_line_ends_in_a_folder_of_a_larger_repository(fork_of_crlf: Fork, tmp_path: Path) -> None:
    """A fork that lies below the top of its repository is looked at there, and not at files of these names above it."""
    fork = fork_of_crlf
    (fork.root / ".git").rename(tmp_path / "gone")
    (fork.root.parent / "fork.lock").write_text("another\r\n")
    above = fork.root.parent
    shell("git init -q && git config core.autocrlf input && git add -A fork && git commit -qm all", above)
    assert "line ends" not in fork.ok("status").out
    old(fork, "input")
    assert_message(fork.run("status"), 1, "patches/own.patch: git stores it with other line ends")
    shell(printed(fork.ok("setup")), fork.root)
    fork.ok("status")
