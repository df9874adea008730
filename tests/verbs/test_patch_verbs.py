"""The verbs on single patches: looked at, written, put otherwise; each save leaves a fork whose files all agree."""

import re
from pathlib import Path

import pytest
from world import Fork, assert_message, git

TREE = ".forkkeeper/patches"
WHY = "The fork's users asked for it."


def edit(file: Path, old: str, new: str) -> None:
    """Change a text in a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def composed(fork: Fork) -> str:
    """Give the tree that the lock says the fork is."""
    found = re.search(r'composed = "(\w+)"', (fork.root / "fork.lock").read_text())
    assert found
    return found[1]


def refused(fork: Fork, code: int, words: tuple[str, ...], *parts: str) -> None:
    """Hold a refusal to its form, and to changing no byte of the fork's."""
    before = fork.state()
    assert_message(fork.run("patch", *words), code, *parts)
    assert fork.state() == before


# looked at ----------------------------------------------------------------------------------------------------------


def test_list_shows_the_order_and_the_upstream_status(fork_in_step: Fork) -> None:
    """Each patch has a row: title, files, lines, status."""
    out = fork_in_step.ok("patch", "list").out
    rows = [line.split() for line in out.splitlines()[2:]]
    assert [row[1] for row in rows] == ["greeting", "buffer-size", "null-check"]
    assert re.search(r"null-check +null-check: do it +1 +2 +0 +Inappropriate", out)


def test_show_gives_the_file_itself(fork_in_step: Fork) -> None:
    """Where nothing is painted, a patch is shown byte for byte; a mistyped name is guessed."""
    assert fork_in_step.ok("patch", "show", "null-check.patch").out.encode() == fork_in_step.mails()[2]
    refused(fork_in_step, 2, ("show", "nul-check"), "did you mean null-check?")


def test_why_agrees_with_git_blame(fork_in_step: Fork) -> None:
    """Each line of each file that is upstream's or a patch's has the owner that git finds in the commits."""
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    title = {f"{name.removesuffix('.patch')}: do it": name.removesuffix(".patch") for name in fork_in_step.names()}
    for path in ("src/main.c", "src/load.c", "src/parse.c"):
        blamed = re.findall(r"^summary (.*)$", git(tree, "blame", "--line-porcelain", path), re.MULTILINE)
        for number, summary in enumerate(blamed, start=1):
            said = fork_in_step.ok("patch", "why", f"{path}:{number}").out
            wanted = f"of the patch {title[summary]}:" if summary in title else "upstream's own: "
            assert wanted in said, (path, number, said)


def test_why_shows_the_line_and_its_reason(fork_in_step: Fork) -> None:
    """A patch's line comes with the reason, upstream's with its number there, the overlay's with its file."""
    said = fork_in_step.ok("patch", "why", "src/parse.c:6").out
    assert "src/parse.c:6:     if (!text)" in said
    assert "A null text crashed." in said
    assert "upstream's own: src/parse.c:8 at" in fork_in_step.ok("patch", "why", "src/parse.c:10").out
    assert "native/overlay/native/extra.c" in fork_in_step.ok("patch", "why", "native/extra.c:1").out
    refused(fork_in_step, 2, ("why", "src/parse.c:99"), "has 11 lines")
    refused(fork_in_step, 2, ("why", "parse.c:1"), "is no file of the composed fork", "src/parse.c")
    refused(fork_in_step, 2, ("why", "src/parse.c"), "is not of the form FILE:LINE")


# put otherwise ------------------------------------------------------------------------------------------------------


def test_rename_changes_a_name_and_nothing_else(fork_in_step: Fork) -> None:
    """The file keeps its bytes under the new name, the series its order and comments, the fork its tree."""
    mails, tree = fork_in_step.mails(), composed(fork_in_step)
    series = fork_in_step.root / "patches/series"
    series.write_text(series.read_text().replace("greeting.patch", "greeting.patch -p1  # hello"))
    fork_in_step.relog()
    fork_in_step.ok("patch", "rename", "greeting", "welcome")
    assert "welcome.patch -p1  # hello\n" in series.read_text()
    assert (fork_in_step.root / "patches/welcome.patch").read_bytes() == mails[0]
    assert not (fork_in_step.root / "patches/greeting.patch").exists()
    assert composed(fork_in_step) == tree
    fork_in_step.ok("status")
    refused(fork_in_step, 2, ("rename", "welcome", "Null-Check"), "is the name of a patch already")
    refused(fork_in_step, 2, ("rename", "welcome", "../x"), "is no plain file name")
    refused(fork_in_step, 2, ("rename", "welcom", "x"), "did you mean welcome?")


def test_move_changes_the_order_and_not_the_fork(fork_in_step: Fork) -> None:
    """Patches that commute change places, to and fro."""
    tree, start = composed(fork_in_step), fork_in_step.state()
    fork_in_step.ok("patch", "move", "greeting", "--after", "null-check")
    assert fork_in_step.names() == ["buffer-size.patch", "null-check.patch", "greeting.patch"]
    fork_in_step.ok("status")
    assert composed(fork_in_step) == tree
    fork_in_step.ok("patch", "move", "greeting", "--before", "buffer-size")
    assert fork_in_step.state() == start
    assert "nothing to save" in fork_in_step.ok("patch", "move", "greeting", "--before", "buffer-size").out
    refused(fork_in_step, 2, ("move", "greeting"), "--before OTHER")
    refused(fork_in_step, 2, ("move", "greeting", "--after", "greeting"), "beside itself")


def test_patches_that_do_not_commute_stay(fork_with_clash: Fork) -> None:
    """Where one patch builds on another, both and the place are named, and nothing is saved."""
    words = ("move", "limit", "--after", "greeting")
    refused(fork_with_clash, 1, words, "limit and limit-more", "do not commute", "include/core.h:5")
    words = ("move", "greeting", "--before", "limit")
    fork_with_clash.ok("patch", *words)
    assert fork_with_clash.names()[0] == "greeting.patch"


def test_drop_takes_a_patch_out(fork_in_step: Fork) -> None:
    """The queue goes on without it; what git holds is not kept twice."""
    ran = fork_in_step.ok("patch", "drop", "buffer-size", "--why", "Machines are faster now.")
    assert "Machines are faster now." in ran.out
    assert fork_in_step.names() == ["greeting.patch", "null-check.patch"]
    assert not (fork_in_step.root / "patches/dropped").exists()
    fork_in_step.ok("status")
    refused(fork_in_step, 2, ("drop", "greeting"), "--why")
    for name in ("greeting", "null-check"):
        fork_in_step.ok("patch", "drop", name, "--why", WHY)
    assert fork_in_step.names() == []
    fork_in_step.ok("status")


def test_what_builds_on_a_patch_is_named(fork_with_clash: Fork) -> None:
    """A patch on which another stands cannot go alone."""
    refused(fork_with_clash, 1, ("drop", "limit", "--why", WHY), "limit cannot be dropped", "limit-more", "core.h:5")


def test_what_no_commit_holds_is_kept(fork_in_step: Fork) -> None:
    """The text of a dropped patch that was never committed lies in patches/dropped/ afterwards."""
    fork_in_step.ok("patch", "rename", "greeting", "welcome")
    text = (fork_in_step.root / "patches/welcome.patch").read_bytes()
    assert "patches/dropped/welcome.patch" in fork_in_step.ok("patch", "drop", "welcome", "--why", WHY).out
    assert (fork_in_step.root / "patches/dropped/welcome.patch").read_bytes() == text
    fork_in_step.ok("status")


def test_split_and_fold(fork_in_step: Fork) -> None:
    """Fold makes one patch of two with both reasons, split takes paths out again; the fork stays the same tree."""
    tree, mails = composed(fork_in_step), fork_in_step.mails()
    fork_in_step.ok("patch", "fold", "null-check", "--into", "greeting")
    assert fork_in_step.names() == ["greeting.patch", "buffer-size.patch"]
    folded = fork_in_step.mails()[0].decode()
    assert "Folded in from null-check (null-check: do it):\n\nA null text crashed.\n" in folded
    assert folded.count("Upstream-Status:") == 1
    assert composed(fork_in_step) == tree
    fork_in_step.ok("status")
    words = ("--into", "null-check", "--paths", "src/parse.c", "--why", "A null text crashed.")
    fork_in_step.ok("patch", "split", "greeting", *words, "--title", "null-check: do it")
    assert fork_in_step.names() == ["greeting.patch", "null-check.patch", "buffer-size.patch"]
    assert fork_in_step.mails()[1].split(b"diff --git")[1] == mails[2].split(b"diff --git")[1]
    assert composed(fork_in_step) == tree
    fork_in_step.ok("status")
    fork_in_step.ok("lint")
    words = ("--into", "x", "--paths", "src/", "--why", WHY)
    refused(fork_in_step, 2, ("split", "greeting", *words), "nothing would be left of greeting")
    words = ("--into", "x", "--paths", "src/load.c", "--why", WHY)
    refused(fork_in_step, 2, ("split", "greeting", *words), "changes nothing there", "src/main.c")


@pytest.mark.parametrize(("name", "into"), [("limit", "limit-more"), ("limit-more", "limit")])
def test_neighbours_that_build_on_each_other_fold(fork_with_clash: Fork, name: str, into: str) -> None:
    """Two patches side by side become one whichever takes the other in."""
    tree = composed(fork_with_clash)
    fork_with_clash.ok("patch", "fold", name, "--into", into)
    assert fork_with_clash.names() == [f"{into}.patch", "greeting.patch"]
    assert composed(fork_with_clash) == tree
    fork_with_clash.ok("status")


def test_a_fold_past_what_does_not_commute_is_refused(fork_with_clash: Fork) -> None:
    """Patches that cannot stand side by side are not folded."""
    fork_with_clash.ok("patch", "move", "greeting", "--before", "limit")
    refused(fork_with_clash, 2, ("fold", "limit", "--into", "limit"), "into itself")
    refused(fork_with_clash, 1, ("fold", "limit-more", "--into", "greeting"), "limit-more and limit", "do not commute")


# written ------------------------------------------------------------------------------------------------------------


def test_new_takes_the_edits_of_the_worktree(fork_in_step: Fork) -> None:
    """Edits and new files become a patch with reason and trailers; the worktree stands on it, clean."""
    refused(fork_in_step, 2, ("new", "tiny", "--why", WHY), "patch open", "--diff")
    fork_in_step.ok("patch", "open")
    tree = fork_in_step.root / TREE
    refused(fork_in_step, 2, ("new", "tiny", "--why", WHY), "nothing was edited")
    edit(tree / "README.md", "A small", "A tiny")
    (tree / "src/tiny.c").write_text("int tiny;\n")
    fork_in_step.ok("patch", "new", "tiny", "--why", WHY)
    assert fork_in_step.names()[-1] == "tiny.patch"
    mail = fork_in_step.mails()[-1].decode()
    assert "From: Keeper <keeper@example.invalid>\nDate: Thu, 09 Oct 2025" in mail or "Date: Thu, 9 Oct 2025" in mail
    assert f"Subject: [PATCH] tiny\n\n{WHY}\n\nOrigin: local\nUpstream-Status: Pending\nWitness: none [" in mail
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "log", "-1", "--format=%s") == "tiny"
    assert "nothing to save" in fork_in_step.ok("patch", "save").out
    fork_in_step.ok("status")
    fork_in_step.ok("lint")


def test_new_takes_a_diff(fork_in_step: Fork) -> None:
    """A diff that applies on the queue becomes a patch where it is wanted; one that does not is refused."""
    diff = "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,3 @@\n # small\n \n-A small project.\n+A tiny project.\n"
    (fork_in_step.root / "../tiny.diff").write_text(diff)
    words = ("new", "tiny", "--why", WHY, "--diff", "../tiny.diff")
    refused(fork_in_step, 2, (*words, "--status", "Perhaps"), "'Perhaps'", "known are")
    refused(fork_in_step, 2, (*words, "--after", "greting"), "did you mean greeting?")
    fork_in_step.ok("patch", *words, "--after", "greeting", "--title", "readme: tiny")
    assert fork_in_step.names() == ["greeting.patch", "tiny.patch", "buffer-size.patch", "null-check.patch"]
    assert b"diff --git a/README.md b/README.md\nindex " in fork_in_step.mails()[1]
    fork_in_step.ok("status")
    refused(fork_in_step, 1, ("new", "again", "--why", WHY, "--diff", "../tiny.diff"), "does not apply on the queue")
    refused(fork_in_step, 2, ("new", "again", "--why", WHY, "--diff", "../none.diff"), "no such file")


def test_edit_and_refresh(fork_in_step: Fork) -> None:
    """Edits go into the patch at which the worktree stands; words stay, later patches are carried."""
    fork_in_step.ok("patch", "edit", "greeting")
    tree = fork_in_step.root / TREE
    refused(fork_in_step, 2, ("refresh",), "nothing was edited")
    refused(fork_in_step, 2, ("save",), "stands at the patch greeting", "patch refresh")
    edit(tree / "src/main.c", "hello, fork", "hello, world")
    refused(fork_in_step, 2, ("edit", "null-check"), "uncommitted edits: src/main.c", "patch refresh")
    heads = [mail.split(b"diff --git")[0] for mail in fork_in_step.mails()]
    fork_in_step.ok("patch", "refresh")
    assert b"hello, world" in fork_in_step.mails()[0]
    assert [mail.split(b"diff --git")[0] for mail in fork_in_step.mails()] == heads
    fork_in_step.ok("status")
    assert git(tree, "log", "-1", "--format=%s") == "greeting: do it"
    assert git(tree, "status", "--porcelain") == ""
    git(tree, "commit", "--quiet", "--amend", "-m", git(tree, "log", "-1", "--format=%B").replace("says so", "says it"))
    fork_in_step.ok("patch", "refresh")
    assert b"and says it here" in fork_in_step.mails()[0]
    fork_in_step.ok("patch", "open")
    assert git(tree, "log", "-1", "--format=%s") == "null-check: do it"
    refused(fork_in_step, 2, ("refresh",), "stands at no single patch", "patch edit NAME")


def test_new_comes_after_the_patch_that_is_edited(fork_in_step: Fork) -> None:
    """Where the worktree stands at a patch, a new one comes right after it."""
    fork_in_step.ok("patch", "edit", "greeting")
    edit(fork_in_step.root / TREE / "README.md", "A small", "A tiny")
    fork_in_step.ok("patch", "new", "tiny", "--why", WHY)
    assert fork_in_step.names()[:2] == ["greeting.patch", "tiny.patch"]
    assert git(fork_in_step.root / TREE, "log", "-1", "--format=%s") == "tiny"
    fork_in_step.ok("status")


def test_a_refresh_that_later_patches_do_not_fit_on(fork_with_clash: Fork) -> None:
    """The later patch and the place are named, and neither the fork nor the edit is touched."""
    fork_with_clash.ok("patch", "edit", "limit")
    file = fork_with_clash.root / TREE / "include/core.h"
    edit(file, "MAX_ITEMS 1024", "MAX_ITEMS 2048")
    refused(fork_with_clash, 1, ("refresh",), "limit: later patches do not fit", "limit-more", "include/core.h:5")
    assert "MAX_ITEMS 2048" in file.read_text()


def test_an_open_worktree_follows_the_other_verbs(fork_in_step: Fork) -> None:
    """Rename, move and drop bring it up to date; with unsaved work in it they refuse."""
    fork_in_step.ok("patch", "edit", "greeting")
    tree = fork_in_step.root / TREE
    fork_in_step.ok("patch", "rename", "greeting", "welcome")
    assert "Patch: welcome.patch" in git(tree, "log", "-1", "--format=%B")
    fork_in_step.ok("patch", "move", "welcome", "--after", "null-check")
    assert git(tree, "log", "--format=%s", "base..HEAD").count("\n") == 2
    (tree / "new.c").write_text("new\n")
    refused(fork_in_step, 2, ("drop", "null-check", "--why", WHY), "uncommitted edits: new.c")
    (tree / "new.c").unlink()
    fork_in_step.ok("patch", "drop", "welcome", "--why", WHY)
    assert git(tree, "symbolic-ref", "--short", "HEAD") == "queue"
    assert "nothing to save" in fork_in_step.ok("patch", "save").out


def test_the_group_lists_its_verbs(fork_in_step: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """`forkkeeper patch` shows what there is; a mistyped verb of it is guessed."""
    assert ".refresh " in fork_in_step.ok("patch").out
    assert ".refresh " in fork_in_step.ok("patch", "--help").out
    monkeypatch.setattr("sys.argv", ["forkkeeper", "patch", "opn"])
    assert "did you mean `forkkeeper patch open`?" in fork_in_step.run("patch", "opn").err
