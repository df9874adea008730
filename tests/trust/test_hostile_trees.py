"""Upstream's trees, a patch and the overlay hold paths that lead elsewhere: nothing is ever written outside."""

import json
import os
from pathlib import Path

import pytest
from holding import DIRECTORY, declare
from hostile import FOLDER, Canary, blob, raw_tree, unharmed, with_entry
from world import REGULAR, SYMLINK, Fork

from forkkeeper.core.paths import fault
from forkkeeper.shell import disk

LED_OUT = {
    "dots": "..",
    "dots and a blank, which Windows drops": ".. ",
    "git": ".git",
    "git in capitals": ".GIT",
    "git in mixed case": ".gIt",
    "git with a character that HFS+ ignores": ".g\u200cit",
    "git with a mark of direction": "\u202a.git",
    "git with a byte order mark": ".git\ufeff",
    "NTFS short name": "GIT~1",
    "another NTFS short name": "git~27",
    "NTFS stream": ".git::$INDEX_ALLOCATION",
    "another NTFS stream": ".git:config",
    "trailing dot": ".git.",
    "trailing blanks": ".git  ",
    "trailing dots and blanks": ".git . .",
    "absolute": "/etc",
    "drive": "C:",
    "backslashes": "..\\outside",
    "backslash into git": "x\\.git\\config",
    "slash in one name": "a/../../outside",
}


@pytest.mark.attack
@pytest.mark.parametrize("held", ["a directory", "vendored"])
@pytest.mark.parametrize("name", LED_OUT)
def test_a_path_of_upstream_s_that_leads_out(fork_behind: Fork, canary: Canary, name: str, held: str) -> None:
    """Attack: a tree of upstream's has a folder named to lead out of the tree; no verb writes one of its files."""
    bare = fork_behind.upstream.path
    inner = raw_tree(
        bare, {"hooks": (FOLDER, raw_tree(bare, {"post-checkout": ("100755", blob(bare, b"#!/bin/sh\n"))}))}
    )
    with_entry(fork_behind.upstream, LED_OUT[name], FOLDER, inner, tag="v1.2")
    place = fork_behind.root.parent / "written"
    place.mkdir()
    if held == "vendored":
        declare(fork_behind, "vendored", directory=DIRECTORY)
    with unharmed(fork_behind, canary):
        for words in (["plan", "--upto", "v1.2"], ["sync", "--upto", "v1.2"], ["status"], ["diff"], ["patch", "open"]):
            assert fork_behind.run(*words).code in (0, 1, 2, 3)
        ran = fork_behind.run("materialise", *(["../written"] if held == "a directory" else []))
        assert (ran.code, ran.err.count("next:"), "upstream's path" in ran.err) == (2, 1, True), ran.said
        assert list(place.iterdir()) == []
    assert not (fork_behind.root / DIRECTORY).exists()
    assert list(fork_behind.root.rglob("post-checkout")) == []


@pytest.mark.attack
@pytest.mark.parametrize("name", LED_OUT)
def test_a_path_of_a_patch_that_leads_out(fork_in_step: Fork, canary: Canary, name: str) -> None:
    """Attack: a patch makes a file behind such a name; it is refused by lint, plan and import before git sees it."""
    path = f"{LED_OUT[name]}/x"
    quoted = json.dumps(path, ensure_ascii=False)
    head = (fork_in_step.root / "patches" / fork_in_step.names()[0]).read_bytes().partition(b"diff --git ")[0]
    diff = f"diff --git {quoted[:1]}a/{quoted[1:]} {quoted[:1]}b/{quoted[1:]}\nnew file mode 100644\n--- /dev/null\n"
    diff += f"+++ {quoted[:1]}b/{quoted[1:]}\n@@ -0,0 +1 @@\n+x\n"
    assert fault(path)
    (fork_in_step.root.parent / "evil").mkdir()
    (fork_in_step.root.parent / "evil/evil.patch").write_bytes(head + diff.encode())
    state = fork_in_step.state()
    with unharmed(fork_in_step, canary):
        ran = fork_in_step.run("patch", "import", "mail", "../evil", "--why", "because")
        assert ran.code == 2, ran.said
    assert fork_in_step.state() == state
    (fork_in_step.root / "patches" / fork_in_step.names()[0]).write_bytes(head + diff.encode())
    with unharmed(fork_in_step, canary):
        for words in (["lint"], ["plan", "--upto", "v1.1"], ["log"], ["materialise", "../written"]):
            assert fork_in_step.run(*words).code == 2
    assert not (fork_in_step.root.parent / "written").exists()


DEVICES = ("CON", "aux.c", "nul", "COM1.txt", "lpt9")


@pytest.mark.parametrize("name", DEVICES)
def test_a_name_that_is_a_device_elsewhere(fork_behind: Fork, canary: Canary, name: str) -> None:
    """A file of upstream's is named as a device of Windows; here it is a file as any other, and stays one."""
    fork_behind.upstream.commit({name: "plain\n"}, tag="v1.2")
    with unharmed(fork_behind, canary):
        fork_behind.ok("sync", "--upto", "v1.2")
        fork_behind.ok("materialise", "written")
    written = fork_behind.root / "written" / name
    assert (written.is_file(), written.is_symlink(), written.read_text()) == (True, False, "plain\n")


def linked(fork: Fork, where: str, outside: Path) -> None:
    """Put a link to a folder outside in the place of one of the fork's own, committed or not."""
    place = fork.root / where
    if place.exists():
        place.rename(fork.root.parent / "moved")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)


@pytest.mark.attack
@pytest.mark.parametrize("where", ["patches", "resolutions", "native"])
def test_a_folder_of_the_fork_that_is_a_link(fork_behind: Fork, canary: Canary, where: str) -> None:
    """Attack: a clone has a link out of it in the place of one of its folders; a save does not go through it."""
    outside = fork_behind.root.parent / "outside"
    outside.mkdir()
    if where == "patches":
        for path in (fork_behind.root / "patches").iterdir():
            (outside / path.name).write_bytes(path.read_bytes())
        (fork_behind.root / "patches").rename(fork_behind.root / "old")
    linked(fork_behind, where, outside)
    with unharmed(fork_behind, canary):
        for words in (["log"], ["sync", "--upto", "v1.1"], ["patch", "rename", "greeting", "hello"]):
            fork_behind.run(*words)


@pytest.mark.attack
def test_a_link_in_upstream_s_tree_and_a_file_behind_it(fork_behind: Fork, canary: Canary) -> None:
    """Attack: one tree has a link and a folder of the same name; what is in the folder is not written through."""
    bare = fork_behind.upstream.path
    (fork_behind.root.parent / "outside").mkdir()
    inner = raw_tree(bare, {"x": (REGULAR, blob(bare, b"through\n"))})
    with_entry(fork_behind.upstream, "d", FOLDER, inner, tag="v1.2", twice=True)
    with unharmed(fork_behind, canary):
        for words in (["plan", "--upto", "v1.2"], ["sync", "--upto", "v1.2"], ["materialise", "written"]):
            assert fork_behind.run(*words).code in (0, 1, 2, 3)


@pytest.mark.attack
def test_a_link_of_upstream_s_where_a_folder_was(fork_behind: Fork, canary: Canary) -> None:
    """Attack: upstream turns a folder that was materialised into a link out, then back with a file in it."""
    (fork_behind.root.parent / "outside").mkdir()
    fork_behind.upstream.commit({"docs/guide.txt": None, "docs": "../../outside"}, modes={"docs": SYMLINK}, tag="v1.2")
    fork_behind.upstream.commit({"docs": None, "docs/guide.txt": "back\n"}, tag="v1.3")
    with unharmed(fork_behind, canary):
        for tag in ("v1.1", "v1.2", "v1.3"):
            fork_behind.ok("sync", "--upto", tag)
            fork_behind.ok("materialise", "written")
    written = fork_behind.root / "written/docs"
    assert (written.is_symlink(), (written / "guide.txt").read_text()) == (False, "back\n")


@pytest.mark.attack
def test_a_link_in_the_overlay(fork_in_step: Fork, canary: Canary) -> None:
    """Attack: the overlay has a link out of it, and a file that lies behind the link is not read into the fork."""
    outside = fork_in_step.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    (fork_in_step.root / "native/overlay/linked").symlink_to(outside)
    with unharmed(fork_in_step, canary):
        fork_in_step.relog()
        fork_in_step.ok("materialise", "written")
    written = fork_in_step.root / "written/linked"
    assert (written.is_symlink(), written.readlink()) == (True, outside)
    assert "secret" not in fork_in_step.ok("diff").out


@pytest.mark.attack
@pytest.mark.parametrize("path", ["linked/x", "linked"])
def test_a_link_in_the_vendored_directory(fork_in_step: Fork, canary: Canary, path: str) -> None:
    """Attack: somebody puts a link out into the directory that is materialised; it is named, and never followed."""
    fork_in_step.upstream.commit({path: "upstream's\n"}, tag="v1.2")
    fork_in_step.ok("materialise", "written")
    outside = fork_in_step.root.parent / "outside"
    outside.mkdir()
    (outside / "x").write_text("mine\n")
    (fork_in_step.root / "written/linked").symlink_to(outside if "/" in path else outside / "x")
    fork_in_step.ok("sync", "--upto", "v1.2", "--accept-reviewed")
    with unharmed(fork_in_step, canary):
        assert fork_in_step.run("materialise", "written").code == 1
        fork_in_step.ok("materialise", "written", "--overwrite")
    assert (fork_in_step.root / "written" / path).read_text() == "upstream's\n"


@pytest.mark.attack
def test_what_is_removed_behind_a_link(tmp_path: Path) -> None:
    """Attack: a folder whose file is to be removed has become a link out; what is behind the link stays."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x").write_text("mine\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/d").symlink_to(tmp_path / "outside")
    disk.remove(tmp_path / "in", ["d/x"])
    assert (tmp_path / "outside/x").read_text() == "mine\n"


@pytest.mark.attack
def test_a_very_long_path(fork_behind: Fork, canary: Canary) -> None:
    """Attack: a path is longer than the system takes; the verb says which, with an exit code of its own, and no bug."""
    path = "/".join(["d" * 200] * 30)
    fork_behind.upstream.commit({path: "x\n", "n" * 300: "x\n"}, tag="v1.2")
    with unharmed(fork_behind, canary):
        fork_behind.ok("sync", "--upto", "v1.2")
        ran = fork_behind.run("materialise", "written")
        assert ran.code in (2, 3), ran.said
    assert not list((fork_behind.root / ".forkkeeper").glob("reports/*"))


@pytest.mark.attack
@pytest.mark.parametrize("kind", ["fifo", "a folder", "a link to itself"])
def test_a_patch_file_that_is_no_file(fork_in_step: Fork, canary: Canary, kind: str) -> None:
    """Attack: what the series names is no file; it is refused, and nothing waits for it."""
    place = fork_in_step.root / "patches" / fork_in_step.names()[0]
    place.unlink()
    make = {"fifo": os.mkfifo, "a folder": os.mkdir, "a link to itself": lambda path: path.symlink_to(path)}
    make[kind](place)
    with unharmed(fork_in_step, canary):
        ran = fork_in_step.run("lint")
        assert ran.code == 2, ran.said
