"""What the vendored strategy promises: one tree, old or new whatever happens, and no edit lost or missed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from holding import DIRECTORY, MANIFEST, WHY, composed, declare, tree_of, vendored
from world import (
    BIN,
    EXECUTABLE,
    SYMLINK,
    TODAY,
    Fork,
    Upstream,
    assert_message,
    copied,
    environment,
    fork_of,
    git,
    snapshot,
)

KILLED = Path(__file__).parents[1] / "killed.py"


def test_the_directory_is_the_composed_tree(fork_in_step: Fork, tmp_path: Path) -> None:
    """The directory's files, and the tree that the fork's commit has there, are the composed tree; verify agrees."""
    folder = vendored(fork_in_step)
    assert tree_of(folder, tmp_path) == composed(fork_in_step)
    assert git(fork_in_step.root, "rev-parse", f"HEAD:{DIRECTORY}") == composed(fork_in_step)
    assert composed(fork_in_step) in fork_in_step.ok("verify").out
    assert "0 files written, 7 unchanged, 0 removed" in fork_in_step.ok("materialise").out


def test_the_manifest_says_whose_each_file_is(fork_in_step: Fork) -> None:
    """Head and one line per path: blob, owners; the same fork gives the same bytes."""
    vendored(fork_in_step)
    text = (fork_in_step.root / MANIFEST).read_text()
    lock = (fork_in_step.root / "fork.lock").read_text()
    assert f"tree: {composed(fork_in_step)}\npin: {fork_in_step.pin}\nqueue: sha256:" in text
    assert text.split("queue: ")[1].split("\n")[0] in lock
    assert " upstream,greeting.patch\tsrc/main.c\n" in text
    assert " overlay\tnative/extra.c\n" in text
    assert " upstream\tREADME.md\n" in text
    shutil.rmtree(fork_in_step.root / DIRECTORY)
    (fork_in_step.root / MANIFEST).unlink()
    fork_in_step.ok("materialise")
    assert (fork_in_step.root / MANIFEST).read_text() == text


def test_unchanged_files_keep_their_times_over_a_sync(fork_behind: Fork, tmp_path: Path) -> None:
    """After a sync the directory is stale, status says so, and materialise writes what differs alone."""
    folder = vendored(fork_behind)
    for file in (path for path in folder.rglob("*") if path.is_file()):
        os.utime(file, ns=(10**18, 10**18))
    ran = fork_behind.ok("sync", "--upto", "v1.1")
    assert f"next: `forkkeeper materialise` brings {DIRECTORY} up to date" in ran.out
    assert f"{DIRECTORY} is that of another lock: `forkkeeper materialise`" in fork_behind.ok("status").out
    assert_message(
        fork_behind.run("verify"), 1, "made for another pin", "`forkkeeper materialise` brings it up to date"
    )
    assert "by hand" not in fork_behind.run("verify").out
    assert "4 files written, 3 unchanged, 1 removed" in fork_behind.ok("materialise").out
    same = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.stat().st_mtime == 10**9}
    assert same == {"README.md", "native/extra.c", "src/parse.c"}
    assert tree_of(folder, tmp_path) == composed(fork_behind)
    fork_behind.ok("verify")


def test_links_modes_and_odd_names_survive(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Links, executable bits and names with quotes, tabs and bytes are exact, in the directory and the manifest."""
    files: dict[str, str | bytes | None] = {
        "run.sh": "#!/bin/sh\n",
        "here": "run.sh",
        "nowhere": "/no/such/place",
        'od"d name\t': b"\xff\0\r\n",
        os.fsdecode(b"latin-\xe9"): "x",
    }
    pin = upstream_repo.commit(files, modes={"run.sh": EXECUTABLE, "here": SYMLINK, "nowhere": SYMLINK})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    folder = vendored(fork)
    assert tree_of(folder, tmp_path) == upstream_repo.tree(pin)
    fork.ok("verify")
    (folder / "run.sh").chmod(0o644)
    ran = fork.run("verify")
    assert ran.code == 1
    assert "mode" in ran.out
    fork.ok("materialise", "--overwrite")
    assert os.access(folder / "run.sh", os.X_OK)


@pytest.mark.parametrize("how", ["edited", "added", "removed", "mode"])
def test_an_edit_by_hand_is_found_and_never_overwritten(fork_in_step: Fork, how: str) -> None:
    """Verify names the file, what happened to it and whose it is; materialise does nothing; --overwrite does."""
    folder = vendored(fork_in_step)
    file = folder / ("src/new.c" if how == "added" else "src/main.c")
    match how:
        case "edited" | "added":
            file.write_text("mine\n")
        case "removed":
            file.unlink()
        case _:
            file.chmod(0o755)
    ran = fork_in_step.run("verify")
    assert_message(ran, 1, file.name, how, "1 file changed by hand", "patch absorb --name NAME")
    assert how == "added" or "upstream, greeting" in ran.out
    assert f"{DIRECTORY}: 1 file changed by hand: `forkkeeper verify`" in fork_in_step.ok("status").out
    fork_in_step.ok("patch", "drop", "greeting", "--why", "not needed")
    before = snapshot(folder)
    assert_message(fork_in_step.run("materialise"), 1, "was edited by hand", file.name, "patch absorb")
    assert snapshot(folder) == before
    fork_in_step.ok("materialise", "--overwrite")
    fork_in_step.ok("verify")


def test_what_builds_leave_there_is_left_alone(fork_in_step: Fork) -> None:
    """Files that git ignores are no edits, and stay where they are when the directory is replaced."""
    with (fork_in_step.root / ".gitignore").open("a") as ignored:
        ignored.write("*.o\n")
    folder = vendored(fork_in_step)
    (folder / "src/main.o").write_bytes(b"object")
    fork_in_step.ok("verify")
    fork_in_step.ok("patch", "drop", "greeting", "--why", "not needed")
    fork_in_step.ok("materialise")
    assert (folder / "src/main.o").read_bytes() == b"object"
    fork_in_step.ok("verify")


def test_files_that_git_would_lose_or_change_are_named(upstream_repo: Upstream) -> None:
    """Upstream's own .gitignore and .gitattributes count in the fork's repository: verify says what they would do."""
    files: dict[str, str | bytes | None] = {
        ".gitignore": "*.bin\n",
        ".gitattributes": "*.txt text\n",
        "a.bin": "a\n",
        "dos.txt": "line\r\n",
    }
    pin = upstream_repo.commit(files)
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    declare(fork, "vendored", directory=DIRECTORY)
    assert "git add -f -A" in fork.ok("materialise").out
    ran = fork.run("verify")
    assert_message(ran, 1, "git ignores 1 file", "a.bin", f"git add -f {DIRECTORY}", "would change the bytes of 1 file")
    assert "dos.txt" in ran.out
    git(fork.root, "add", "-f", DIRECTORY)
    assert "git ignores" not in fork.run("verify").out


def test_a_directory_of_others_is_left_alone(fork_in_step: Fork) -> None:
    """Files that forkkeeper did not write are named, and nothing is touched; own places are refused in fork.toml."""
    place = fork_in_step.root / DIRECTORY
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine\n")
    declare(fork_in_step, "vendored", directory=DIRECTORY)
    assert_message(fork_in_step.run("materialise"), 1, "forkkeeper did not write: mine.txt", "--overwrite")
    assert (place / "mine.txt").read_text() == "mine\n"
    for path in ("native", "native/overlay/x", "patches", ".forkkeeper/x"):
        declare(fork_in_step, "vendored", directory=path)
        assert_message(fork_in_step.run("materialise"), 2, f"materialise.directory is '{path}'", "give another place")


@pytest.mark.parametrize(
    ("strategy", "fields", "found"),
    [
        ("vendored", {}, "materialise.directory is missing"),
        ("branch", {"branch": "x"}, "materialise.repository is missing"),
        ("branch", {"repository": "x"}, "materialise.branch is missing"),
        ("branch", {"repository": "x", "branch": "a..b"}, "which is no name of a branch"),
        ("vendored", {"directory": "../x"}, "leaves the tree"),
        ("submodule", {}, "known are scratch, vendored, branch"),
        ("vendored", {"directry": "x"}, "did you mean `directory`?"),
    ],
)
def test_a_wrong_declaration_is_explained(
    fork_in_step: Fork, strategy: str, fields: dict[str, str], found: str
) -> None:
    """A strategy that is unknown or lacks a field is an error that says what to add."""
    declare(fork_in_step, strategy, **fields)
    assert_message(fork_in_step.run("lint"), 2, "read: fork.toml", found)


def test_a_damaged_manifest_is_said(fork_in_step: Fork) -> None:
    """Markers, a damaged line and an edited line are each found; nothing is written."""
    vendored(fork_in_step)
    file = fork_in_step.root / MANIFEST
    whole = file.read_text()
    file.write_text(whole.replace("schema: 1", "<<<<<<< ours\nschema: 1"))
    assert_message(fork_in_step.run("verify"), 2, "conflict markers", "git checkout --ours")
    file.write_text(whole.replace("100644", "100640", 1))
    assert_message(fork_in_step.run("verify"), 2, "is damaged", "git restore")
    file.write_text(whole.replace("100644", "100755", 1))
    assert_message(fork_in_step.run("verify"), 1, "its lines do not make the tree")


def test_after_a_merge_of_branches_the_directory_is_brought_in_step(fork_in_step: Fork, tmp_path: Path) -> None:
    """Two branches with a patch each: one side's manifest, `log` and `materialise` give the merged fork's tree."""
    folder = vendored(fork_in_step)
    fork_in_step.ok("setup")
    fork_in_step.commit_all("setup")
    root = fork_in_step.root
    start = git(root, "rev-parse", "--abbrev-ref", "HEAD")
    for branch, file, old, new in (
        ("one", "src/load.c", "retries = 3", "retries = 9"),
        ("two", "src/main.c", "return 2;", "return 3;"),
    ):
        git(root, "checkout", "--quiet", "-b", branch, start)
        edit(folder / file, old, new)
        fork_in_step.ok("patch", "absorb", "--name", branch, *WHY)
        fork_in_step.commit_all(branch)
    merge = ["git", "merge", "--no-edit", "one"]
    env = environment(TODAY, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", HOME=os.environ["HOME"])
    ran = subprocess.run(merge, cwd=root, env=env, capture_output=True, text=True, check=False)
    unmerged = git(root, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert unmerged == [MANIFEST], ran.stdout
    git(root, "checkout", "--ours", MANIFEST)
    fork_in_step.ok("log")
    fork_in_step.ok("materialise")
    fork_in_step.ok("verify")
    assert sorted(fork_in_step.names())[-2:] == ["one.patch", "two.patch"]
    assert tree_of(folder, tmp_path) == composed(fork_in_step)


@pytest.mark.parametrize("first", [True, False])
def test_killed_at_any_moment_it_is_the_old_or_the_new(fork_behind: Fork, tmp_path: Path, *, first: bool) -> None:
    """Killed before each change of a name, the next verb finds the old directory whole, or finishes the new one."""
    if first:
        declare(fork_behind, "vendored", directory=DIRECTORY)
    else:
        vendored(fork_behind)
        fork_behind.ok("sync", "--upto", "v1.1")
    old = tree_of(fork_behind.root / DIRECTORY, tmp_path) if not first else None
    seen, env = set(), os.environ | {"KILLED_ANYWHERE": "1"}
    for moment in range(120):
        fork = copied(fork_behind, tmp_path / f"killed {moment}")
        words = [sys.executable, str(KILLED), str(fork.root), str(moment), "materialise"]
        code = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL, env=env).returncode
        if code == 0:
            break
        assert code == 77
        ran = fork.run("status")
        assert ran.code == 0, ran.said
        folder = fork.root / DIRECTORY
        now = tree_of(folder, tmp_path / f"killed {moment}") if folder.exists() else None
        assert now in (old, composed(fork))
        seen.add(now)
        assert fork.run("verify").code == (0 if now == composed(fork) else 1)
        fork.ok("materialise")
        fork.ok("verify")
        assert not (fork.root / ".forkkeeper/swap").exists()
        shutil.rmtree(tmp_path / f"killed {moment}")
    else:
        pytest.fail("never came to an end")
    assert seen == {old, composed(fork_behind)}


# absorbing ----------------------------------------------------------------------------------------------------------


def edit(file: Path, old: str, new: str) -> None:
    """Change a file by hand."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_edits_become_a_patch_and_no_byte_changes(fork_in_step: Fork) -> None:
    """All edits become a new patch at the end: verify is clean, the directory untouched, and undo takes it back."""
    folder = vendored(fork_in_step)
    edit(folder / "src/main.c", "return 2;", "return 3;")
    edit(folder / "src/load.c", "retries = 3", "retries = 9")
    (folder / "src/new.c").write_text("int fresh;\n")
    (folder / "docs/manual.txt").unlink()
    (folder / "README.md").chmod(0o755)
    before, state = snapshot(folder), fork_in_step.state()
    ran = fork_in_step.ok("patch", "absorb", "--name", "by-hand", *WHY)
    assert "5 files went into the patch by-hand" in ran.out
    assert "no byte of it changed" in ran.out
    assert snapshot(folder) == before
    assert fork_in_step.names()[-1] == "by-hand.patch"
    fork_in_step.ok("verify")
    fork_in_step.ok("log", "--check")
    assert " upstream,greeting.patch,by-hand.patch\tsrc/main.c\n" in (fork_in_step.root / MANIFEST).read_text()
    assert "0 files written" in fork_in_step.ok("materialise").out
    fork_in_step.ok("undo")
    assert fork_in_step.state() == state


def test_an_absorbed_edit_can_be_undone_after_the_next_materialise(fork_in_step: Fork) -> None:
    """The manifest that materialise wrote since stays as it is; undo and redo of the patch go on as ever."""
    folder = vendored(fork_in_step)
    edit(folder / "src/main.c", "return 2;", "return 3;")
    fork_in_step.ok("patch", "absorb", "--name", "by-hand", *WHY)
    fork_in_step.ok("patch", "drop", "null-check", "--why", "not needed")
    fork_in_step.ok("materialise")
    queue = fork_in_step.mails()
    fork_in_step.ok("undo")
    fork_in_step.ok("undo")
    assert len(fork_in_step.names()) == 3
    assert_message(fork_in_step.run("verify"), 1, "made for another queue")
    fork_in_step.ok("redo")
    fork_in_step.ok("redo")
    assert fork_in_step.mails() == queue
    fork_in_step.ok("verify")


def test_some_edits_are_absorbed_and_others_wait(fork_in_step: Fork) -> None:
    """With paths only those are taken, as they are in the tree or from the fork's folder; the others stay edits."""
    folder = vendored(fork_in_step)
    edit(folder / "src/main.c", "return 2;", "return 3;")
    edit(folder / "src/load.c", "retries = 3", "retries = 9")
    ran = fork_in_step.ok("patch", "absorb", f"{DIRECTORY}/src/main.c", "--name", "usage", *WHY)
    assert "1 file of native/small are still edited by hand" in ran.out
    assert "src/load.c" in fork_in_step.run("verify").out
    fork_in_step.ok("patch", "absorb", "src", "--name", "retries", *WHY)
    fork_in_step.ok("verify")
    assert_message(fork_in_step.run("patch", "absorb", "--name", "x", *WHY), 2, "nothing was edited there")


def test_an_edit_goes_into_the_patch_that_it_belongs_to(fork_in_step: Fork) -> None:
    """--into makes the edit part of a patch in the middle of the queue, which keeps its words; later ones stay."""
    folder = vendored(fork_in_step)
    edit(folder / "src/main.c", '"hello, fork"', '"hello, my fork"')
    mails = dict(zip(fork_in_step.names(), fork_in_step.mails(), strict=True))
    fork_in_step.ok("patch", "absorb", "--into", "greeting")
    now = dict(zip(fork_in_step.names(), fork_in_step.mails(), strict=True))
    assert [name for name in now if now[name] != mails[name]] == ["greeting.patch"]
    assert b'"hello, my fork"' in now["greeting.patch"]
    assert b"The fork needs this" in now["greeting.patch"]
    fork_in_step.ok("verify")


def test_an_edit_of_a_later_patch_does_not_go_into_an_earlier_one(fork_in_step: Fork) -> None:
    """Lines that a later patch wrote cannot be part of an earlier one: refused by name, and nothing changes."""
    folder = vendored(fork_in_step)
    edit(folder / "src/load.c", "size = 4096", "size = 8192")
    before = fork_in_step.state()
    ran = fork_in_step.run("patch", "absorb", "--into", "greeting")
    assert_message(ran, 1, "--into greeting: cannot be part of it: they build on buffer-size", "--into buffer-size")
    assert fork_in_step.state() == before
    fork_in_step.ok("patch", "absorb", "--into", "buffer-size")


def test_edits_of_overlay_files_go_into_the_overlay(fork_in_step: Fork) -> None:
    """The overlay's own file takes the edit; with no other edit no patch is made, and no name is needed."""
    folder = vendored(fork_in_step)
    edit(folder / "native/extra.c", "return 1", "return 7")
    before = snapshot(folder)
    ran = fork_in_step.ok("patch", "absorb")
    assert "native/extra.c went into native/overlay/native/extra.c" in ran.out
    assert "return 7" in (fork_in_step.root / "native/overlay/native/extra.c").read_text()
    assert len(fork_in_step.names()) == 3
    assert snapshot(folder) == before
    fork_in_step.ok("verify")
    fork_in_step.ok("status")
    fork_in_step.ok("undo")
    assert "return 1" in (fork_in_step.root / "native/overlay/native/extra.c").read_text()


def test_a_file_of_the_overlay_that_is_removed_leaves_it(fork_in_step: Fork) -> None:
    """Removing an overlay's file from the directory and absorbing that removes it from the overlay."""
    folder = vendored(fork_in_step)
    (folder / "native/extra.c").unlink()
    fork_in_step.ok("patch", "absorb")
    assert not (fork_in_step.root / "native/overlay/native/extra.c").exists()
    fork_in_step.ok("verify")


def test_edits_on_an_older_lock_are_merged(fork_behind: Fork, tmp_path: Path) -> None:
    """Edits on the directory of the lock before a sync are merged onto the present tree; then materialise goes on."""
    folder = vendored(fork_behind)
    edit(folder / "src/main.c", "return work(argv[1]);", "return work(argv[1]) + 1;")
    fork_behind.ok("sync", "--upto", "v1.1")
    assert_message(fork_behind.run("verify"), 1, "1 file changed by hand", "made for another pin")
    assert_message(fork_behind.run("materialise"), 1, "was edited by hand: src/main.c")
    before = snapshot(folder)
    ran = fork_behind.ok("patch", "absorb", "--name", "by-hand", *WHY)
    assert f"next: `forkkeeper materialise` brings {DIRECTORY} to the present lock" in ran.out
    assert snapshot(folder) == before
    assert "by hand" not in fork_behind.run("verify").out
    fork_behind.ok("materialise")
    text = (folder / "src/main.c").read_text()
    assert "return 64;" in text
    assert "return work(argv[1]) + 1;" in text
    fork_behind.ok("verify")
    assert tree_of(folder, tmp_path) == composed(fork_behind)


def test_edits_on_an_older_lock_that_do_not_merge_are_refused(fork_behind: Fork) -> None:
    """Where upstream changed the same lines meanwhile, the place is named and nothing changes."""
    folder = vendored(fork_behind)
    edit(folder / "src/main.c", "return 2;", "return 3;")
    fork_behind.ok("sync", "--upto", "v1.1")
    before = fork_behind.state()
    ran = fork_behind.run("patch", "absorb", "--name", "by-hand", *WHY)
    assert_message(ran, 1, "that does not merge: src/main.c:", "forkkeeper undo")
    assert fork_behind.state() == before


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], "--name: is needed"),
        (["--name", "x"], "--why: is needed"),
        (["--name", "greeting", *WHY], "is the name of a patch already"),
        (["--name", "x", "--into", "greeting"], "does not go with --into"),
        (["--into", "greting"], "did you mean greeting?"),
        (["no/such", "--name", "x", *WHY], "nothing was edited there"),
    ],
)
def test_a_wrong_call_changes_nothing(fork_in_step: Fork, words: list[str], found: str) -> None:
    """What is missing or wrong is said before anything is saved."""
    folder = vendored(fork_in_step)
    edit(folder / "src/main.c", "return 2;", "return 3;")
    before = fork_in_step.state()
    assert_message(fork_in_step.run("patch", "absorb", *words), 2, found)
    assert fork_in_step.state() == before


def test_without_a_vendored_directory_there_is_nothing_to_absorb(fork_in_step: Fork) -> None:
    """The scratch strategy says so, and where edits can be made; its verify and materialise have nothing to do."""
    assert_message(fork_in_step.run("patch", "absorb", "--name", "x", *WHY), 2, "there is no vendored directory")
    assert composed(fork_in_step) in fork_in_step.ok("verify").out
    assert composed(fork_in_step) in fork_in_step.ok("materialise").out
