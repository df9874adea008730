"""Two branches of a fork that each add a patch meet with a plain `git merge`."""

import os
import subprocess
from pathlib import Path

from world import BIN, TRAILERS, Fork, assert_message, environment, git

OWN = ("patches/series", "history.toml", "fork.lock", "CHANGES-LOCAL.md")


def patch(name: str, path: str) -> bytes:
    """Write a patch that adds a file."""
    zero = "0" * 40
    return (
        f"From {zero} Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@example.invalid>\n"
        f"Date: Sun, 15 Jun 2025 00:00:00 +0000\nSubject: [PATCH] {name}\n\nThe fork has it.\n\n{TRAILERS}---\n\n"
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{name}\n"
    ).encode()


def add(fork: Fork, name: str, *, above: str = "") -> None:
    """Add a patch to the queue of the branch that is checked out, with log and lock."""
    (fork.root / f"patches/{name}.patch").write_bytes(patch(name, f"src/{name}.c"))
    with (fork.root / "patches/series").open("a") as series:
        series.write(f"{above}{name}.patch\n")
    fork.relog()


def merge(fork: Fork, branch: str) -> subprocess.CompletedProcess[str]:
    """Merge a branch with git, which finds the installed driver."""
    paths = {
        "HOME": os.environ["HOME"],
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    argv = ["git", "merge", "--no-edit", branch]
    return subprocess.run(argv, cwd=fork.root, env=environment() | paths, capture_output=True, text=True, check=False)


def parted(fork: Fork, mine: str, theirs: str, *, ready: bool = True) -> None:
    """Make a branch `theirs` that adds a patch, and add another on the first branch."""
    if ready:
        fork.ok("setup")
        fork.commit_all()
    git(fork.root, "checkout", "--quiet", "-b", "theirs")
    add(fork, theirs, above=f"# about {theirs}\n")
    git(fork.root, "checkout", "--quiet", "-")
    add(fork, mine, above=f"# about {mine}\n")


def test_two_branches_that_add_patches_merge(fork_in_step: Fork) -> None:
    """Git merges with no conflict, ours stands first with both comments, and one `log` brings all in step."""
    parted(fork_in_step, "mine", "theirs")
    names = fork_in_step.names()
    done = merge(fork_in_step, "theirs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fork_in_step.names() == [*names, "theirs.patch"]
    text = (fork_in_step.root / "patches/series").read_text()
    assert text.endswith("# about mine\nmine.patch\n# about theirs\ntheirs.patch\n")
    assert fork_in_step.run("status").code == 1
    fork_in_step.ok("log")
    fork_in_step.ok("status")
    log = (fork_in_step.root / "CHANGES-LOCAL.md").read_text()
    assert "src/mine.c" in log
    assert "src/theirs.c" in log


def test_without_the_driver_the_same_merge_conflicts(fork_in_step: Fork) -> None:
    """A clone that was not set up merges as git does, so that the driver is what makes the difference."""
    parted(fork_in_step, "mine", "theirs", ready=False)
    assert merge(fork_in_step, "theirs").returncode == 1
    assert_message(fork_in_step.run("status"), 2, "holds the conflict markers of a merge")


def test_a_third_branch_merges_on_top(fork_in_step: Fork) -> None:
    """Branches that meet one after the other, with `log` between them or not, end with every patch once."""
    parted(fork_in_step, "mine", "theirs")
    git(fork_in_step.root, "checkout", "--quiet", "-b", "third", "HEAD~1")
    add(fork_in_step, "third")
    git(fork_in_step.root, "checkout", "--quiet", "-")
    for branch in ("theirs", "third"):
        done = merge(fork_in_step, branch)
        assert done.returncode == 0, done.stdout + done.stderr
    fork_in_step.relog()
    assert sorted(fork_in_step.names()[-3:]) == ["mine.patch", "theirs.patch", "third.patch"]
    fork_in_step.ok("status")


def test_a_sync_on_one_side_is_for_a_person(fork_behind: Fork) -> None:
    """Where the pins differ the lock and the log conflict with markers, and the series still merges by itself."""
    fork_behind.ok("setup")
    fork_behind.commit_all()
    git(fork_behind.root, "checkout", "--quiet", "-b", "theirs")
    add(fork_behind, "theirs")
    git(fork_behind.root, "checkout", "--quiet", "-")
    fork_behind.ok("sync", "--upto", "v1.1")
    fork_behind.commit_all()
    done = merge(fork_behind, "theirs")
    assert done.returncode == 1
    assert "the pins differ" in done.stdout + done.stderr
    assert "theirs.patch" in fork_behind.names()
    assert b"<<<<<<< ours" in (fork_behind.root / "fork.lock").read_bytes()
    assert_message(fork_behind.run("status"), 2, "fork.lock: holds the conflict markers of a merge")
    git(fork_behind.root, "checkout", "--ours", "fork.lock")
    fork_behind.relog()
    fork_behind.ok("status")


def test_setup_says_what_it_did_and_does_it_once(fork_in_step: Fork) -> None:
    """The first setup names the driver and the attributes that it wrote, the second finds nothing to do."""
    (fork_in_step.root / ".gitattributes").write_text("*.bin binary")
    first = fork_in_step.ok("setup").out
    assert "merge-driver %P %O %A %B" in first
    for name in OWN:
        assert f"/{name} merge=forkkeeper" in first
    before = fork_in_step.state()
    config = (fork_in_step.root / ".git/config").read_bytes()
    assert "ready already" in fork_in_step.ok("setup").out
    assert fork_in_step.state() == before
    assert (fork_in_step.root / ".git/config").read_bytes() == config
    assert before[".gitattributes"].decode().splitlines()[0] == "*.bin binary"


def test_a_clone_that_lacks_the_driver_is_told(fork_in_step: Fork) -> None:
    """Status and lint name `setup` in a clone whose attributes ask for a driver that git there does not know."""
    for verb in ("status", "lint"):
        assert "forkkeeper setup" in fork_in_step.ok(verb).out
    fork_in_step.ok("setup")
    for verb in ("status", "lint"):
        assert "forkkeeper setup" not in fork_in_step.ok(verb).out


def test_the_driver_refuses_what_is_not_its_own(fork_in_step: Fork, tmp_path: Path) -> None:
    """A file of another name, or one that is not there, is refused and left as it is."""
    for name in ("o", "a", "b"):
        (tmp_path / name).write_text(name)
    files = [str(tmp_path / name) for name in ("o", "a", "b")]
    assert_message(fork_in_step.run("merge-driver", "README.md", *files), 2, "README.md: is none of patches/series")
    assert_message(fork_in_step.run("merge-driver", "patches/series", "nowhere", *files[1:]), 2, "no file nowhere")
    assert (tmp_path / "a").read_text() == "a"


def test_setup_needs_a_repository(fork_in_step: Fork) -> None:
    """A fork that lies in no git repository has no merges to be told of."""
    (fork_in_step.root / ".git").rename(fork_in_step.root / "gone")
    assert_message(fork_in_step.run("setup"), 2, "is in no git repository")
