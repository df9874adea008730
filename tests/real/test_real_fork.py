"""The fork kept in this repository, on real upstream: its objects come from the package registry."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from world import (
    Content,
    Fork,
    Local,
    Upstream,
    am_trees,
    assert_message,
    format_patch,
    git,
    git_bytes,
    keep_fork,
    quilt_tree,
    run,
    script,
    snapshot,
    with_files,
)

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
OLD = "f449e0553708b895adbd94a301431cef691f632d"  # llama-cpp-python==0.3.31, 2026-06-20
NEW = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"  # llama-cpp-python==0.3.36, 2026-10-01
OLDER = "26a8406ba9198eb6fdd8329fa717555b4f77f05f"  # llama-cpp-python==0.3.5, 2024-12


@pytest.fixture(scope="module")
def real_fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Copy this repository's fork, commit it, and bring both pins; the target is the pin that it does not stand on."""
    root = keep_fork(tmp_path_factory.mktemp("real") / "fork")
    pin = OLD if OLD in (root / "fork.lock").read_text() else NEW
    fork = Fork(root, Upstream(root / ".forkkeeper/upstream.git"), pin, NEW if pin == OLD else OLD)
    fork.ok("log", "--check")
    fork.ok("plan", "--upto", fork.target)
    return fork


@pytest.fixture
def fresh(real_fork: Fork, tmp_path: Path) -> Fork:
    """Copy the real fork, objects included."""
    root = tmp_path / "fork"
    shutil.copytree(real_fork.root, root, symlinks=True)
    return Fork(root, Upstream(root / ".forkkeeper/upstream.git"), real_fork.pin, real_fork.target)


def composed(fork: Fork) -> str:
    """Give the composed tree that the lock holds."""
    found = re.search(r'^composed = "([0-9a-f]{40})"$', (fork.root / "fork.lock").read_text(), re.MULTILINE)
    assert found
    return found[1]


def baseline(fork: Fork) -> str:
    """Give the baseline's tree that the lock holds."""
    found = re.search(r'^baseline = "([0-9a-f]{40})"$', (fork.root / "fork.lock").read_text(), re.MULTILINE)
    assert found
    return found[1]


@dataclass(frozen=True)
class Made:
    """A baseline made by git alone from the materialised files: a bare repository, and the tree in it."""

    repository: Path
    tree: str


def made(fork: Fork, work: Path) -> Made:
    """Materialise the baseline and write it as a tree: the path policy's tree is in no upstream repository."""
    fork.ok("materialise", str(work / "baseline"), "--baseline")
    store = work / "made.git"
    store.mkdir(parents=True)
    git(store, "init", "--quiet", "--bare")
    tree = written(store, work / "baseline")
    assert tree == baseline(fork)
    return Made(store, tree)


def assert_git_am_gives_the_fork(fork: Fork, work: Path) -> None:
    """Compose the fork with git am, lay the overlay on, and compare with the lock."""
    base = made(fork, work)
    am = am_trees(base.repository, base.tree, fork.mails(), work / "am")[-1]
    assert with_files(work / "am", am, fork.overlay(), executable(fork)) == composed(fork)


def assert_quilt_gives_the_fork(fork: Fork, work: Path) -> None:
    """Compose the fork with quilt and no fuzz, lay the overlay on, and compare with the lock."""
    base = made(fork, work)
    pushed = quilt_tree(base.repository, base.tree, fork.root / "patches", work / "quilt")
    assert with_files(work / "quilt", pushed, fork.overlay(), executable(fork)) == composed(fork)


def executable(fork: Fork) -> list[str]:
    """Give the overlay's executable files."""
    folder = fork.root / "native/overlay"
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o100]


def written(store: Path, folder: Path) -> str:
    """Write a folder's files as a tree with git alone."""
    git(store, f"--work-tree={folder}", "add", "--all", "--force")
    return git(store, "write-tree")


def test_every_patch_is_carried_to_the_other_pin_and_git_am_agrees(fresh: Fork, tmp_path: Path) -> None:
    """At both pins the queue applies with git am and, with the overlay, gives the tree of compose."""
    assert_git_am_gives_the_fork(fresh, tmp_path / "before")
    names = fresh.names()
    ran = fresh.ok("sync", "--offline", "--downgrade", "--upto", fresh.target)
    assert "saved:" in ran.out
    assert f'sha = "{fresh.target}"' in (fresh.root / "fork.lock").read_text()
    assert all(f'name = "{name}"' in (fresh.root / "history.toml").read_text() for name in names)
    fresh.ok("log", "--check", "--offline")
    assert_git_am_gives_the_fork(fresh, tmp_path / "after")


@pytest.mark.quilt
def test_quilt_agrees_at_both_pins(fresh: Fork, tmp_path: Path) -> None:
    """At both pins the queue applies with quilt and no fuzz and, with the overlay, gives the tree of compose."""
    assert_quilt_gives_the_fork(fresh, tmp_path / "before")
    fresh.ok("sync", "--offline", "--downgrade", "--upto", fresh.target)
    assert_quilt_gives_the_fork(fresh, tmp_path / "after")


def test_a_second_sync_changes_no_byte(fresh: Fork) -> None:
    """Syncing again to where the fork stands says so and leaves every file alone."""
    fresh.ok("sync", "--offline", "--downgrade", "--upto", fresh.target)
    before = fresh.state()
    assert "already at" in fresh.ok("sync", "--offline", "--upto", fresh.target).out
    assert fresh.state() == before


def test_a_plan_leaves_nothing_behind(fresh: Fork) -> None:
    """With upstream's objects here, a plan adds no object, ref or file and touches none."""
    before = snapshot(fresh.root)
    fresh.ok("plan", "--offline", "--upto", fresh.target)
    assert snapshot(fresh.root) == before


def test_a_git_source_gives_the_same_trees(fresh: Fork, tmp_path: Path) -> None:
    """Read from a git repository in place, both commits give the very trees that the snapshots gave."""
    planned = fresh.ok("plan", "--offline", "--upto", fresh.target, "--json", "-").out
    clone = tmp_path / "upstream.git"
    shutil.copytree(fresh.upstream.path, clone)
    other = tmp_path / "other"
    shutil.copytree(fresh.root, other, ignore=shutil.ignore_patterns(".forkkeeper"))
    declared = (other / "fork.toml").read_text()
    git_source = f'[[upstream.source]]\nkind = "git"\nlocation = "{clone}"\n'
    (other / "fork.toml").write_text(
        re.sub(r"(?s)\[\[upstream\.source\]\].*?(?=\n# The path policy)", git_source, declared, count=1)
    )
    again = run(other, "plan", "--offline", "--upto", fresh.target, "--json", "-")
    assert again.code == 0, again.said
    assert json.loads(again.out) == json.loads(planned)


def test_the_clash_that_the_readme_shows_is_real(fresh: Fork) -> None:
    """The README's example, the patch as it was first written, is resolved for review just as the README prints it."""
    queue = ROOT / "docs/examples/clash"
    ran = script(fresh.root, "forkkeeper", "plan", "--offline", "--from", OLD, "--upto", NEW, "--queue", str(queue))
    assert ran.code == 1, ran.said
    readme = (ROOT / "README.md").read_text()
    shown = readme.split("<!-- shown: clash -->\n```\n", 1)[1].split("\n```", 1)[0]
    assert "lazy-mmap: signature in src/llama-mmap.cpp" in shown
    assert shown in ran.out, ran.said


def test_the_sync_that_the_readme_shows_is_real(fresh: Fork) -> None:
    """From the older pin to the newer, the plan prints what the README shows of the sync."""
    if fresh.pin == NEW:
        fresh.ok("sync", "--offline", "--downgrade", "--upto", OLD)
    shown = (ROOT / "README.md").read_text().split("<!-- shown: sync -->\n```\n", 1)[1].split("\n…\n", 1)[0]
    assert "lazy-mmap         refreshed" in shown
    assert shown in fresh.ok("plan", "--offline", "--upto", NEW).out


def test_the_snapshot_of_a_commit_that_a_clone_holds_has_the_clones_tree(fresh: Fork) -> None:
    """Commit 26a8406b out of its snapshot has the tree that the table recorded from a clone of the real repository."""
    ran = fresh.run("materialise", "older", "--baseline", "--at", "llama-cpp-python==0.3.5")
    assert ran.code == 0, ran.said
    table = (ROOT / "src/forkkeeper/data/snapshots.csv").read_text()
    row = next(line for line in table.splitlines() if line.startswith("llama-cpp-python,0.3.5,"))
    assert OLDER in row
    assert git(fresh.upstream.path, "rev-parse", f"{OLDER}^{{tree}}") in row


def test_patches_as_commits_change_no_byte(fresh: Fork) -> None:
    """The queue kept here makes the round trip through commits, and no file of the fork changes."""
    before = fresh.state()
    fresh.ok("patch", "open")
    assert "nothing to save" in fresh.ok("patch", "save").out
    assert fresh.state() == before
    fresh.ok("patch", "close")


# a clash of each kind -----------------------------------------------------------------------------------------------

KILLED = Path(__file__).parents[1] / "killed.py"
WINDOW = "common/common.h"
MOVED, AWAY = "common/console.h", "common/terminal/console.h"
DELETED = "common/base64.hpp"
BINARY = "models/ggml-vocab-aquila.gguf"
MODE = "convert_hf_to_gguf.py"


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Give a file with one line changed, which must be there."""
    assert old in data
    return data.replace(old, new, 1)


def planted(fork: Fork) -> tuple[Fork, str]:
    """Plant five clashes: an upstream commit on the real pin, and a patch against each of its changes."""
    place = fork.root.parent
    up = Upstream.make(place / "up.git")
    up.commits = 500  # days after the first one of the tests: younger than the pin
    objects = (fork.root / ".forkkeeper/upstream.git/objects").absolute()
    (up.path / "objects/info/alternates").write_text(f"{objects}\n")
    (up.path / "shallow").write_text(f"{OLD}\n")

    def there(path: str) -> bytes:
        return git_bytes(up.path, "show", f"{OLD}:{path}")

    window, console, vocab = there(WINDOW), there(MOVED), there(BINARY)
    first = b"// Console functions\n"
    theirs: dict[str, Content] = {
        WINDOW: changed(window, b"dry_penalty_last_n = -1;", b"dry_penalty_last_n = 64;"),
        AWAY: changed(console, first, b"// theirs: 1\n// theirs: 2\n\n"),
        DELETED: None,
        BINARY: vocab + b"theirs",
        MODE: there(MODE) + b"# theirs\n",
    }
    target = up.commit(
        theirs, moves={MOVED: AWAY}, parent=OLD, title="upstream: five things at once", modes={MODE: "100755"}
    )
    mine = (
        Local("window", {WINDOW: changed(window, b"dry_penalty_last_n = -1;", b"dry_penalty_last_n = 4096;")}),
        Local("console", {MOVED: changed(console, first, b"/* the fork has a\n   word to say here */\n")}),
        Local("base64", {DELETED: changed(there(DELETED), b"means.\n", b"means, here too.\n")}),
        Local("vocab", {BINARY: vocab + b"mine"}),
        Local("convert", {MODE: "setup.cfg"}, modes={MODE: "120000"}),
    )
    stands = OLD
    with (fork.root / "patches/series").open("a") as series:
        for local in mine:
            body = f"{local.name}: do it\n\n{local.reason}\n\n{local.trailers}"
            stands = up.commit(local.files, modes=local.modes, title=body, branch="mine", parent=stands)
            (fork.root / f"patches/{local.name}.patch").write_bytes(format_patch(up.path, stands))
            series.write(f"{local.name}.patch\n")
    declared = (fork.root / "fork.toml").read_text()
    located = re.sub(r'(kind = "git"\n(?:#[^\n]*\n)*location = )"[^"]*"', r'\1"../up.git"', declared)
    assert located != declared
    (fork.root / "fork.toml").write_text(located)
    fork.relog()
    return fork, target


def settle(fork: Fork, name: str) -> None:
    """Do what a person would do at each of the five."""
    place = fork.root / ".forkkeeper/sync/clash"
    marked = re.compile(rb"<<<<<<< .*?\n(.*?)\|\|\|\|\|\|\| .*?=======\n(.*?)>>>>>>> .*?\n", re.DOTALL)
    if name in ("window", "console"):
        file = place / (WINDOW if name == "window" else AWAY)
        data = file.read_bytes()
        assert marked.search(data), data[:400]
        file.write_bytes(marked.sub(lambda found: found[2], data))
    elif name == "base64":
        git(place, "add", DELETED)
    elif name == "vocab":
        (place / BINARY).write_bytes((place / BINARY).read_bytes() + b"and mine")
        git(place, "add", BINARY)
    else:
        (place / MODE).unlink(missing_ok=True)
        (place / MODE).symlink_to("./setup.cfg")
        git(place, "add", "--force", MODE)


def now_open(fork: Fork) -> str | None:
    """Name the patch that lies before the person."""
    state = fork.root / ".forkkeeper/sync/session.json"
    before = json.loads(state.read_text())["before"] if state.exists() else None
    return str(before["patch"]).removesuffix(".patch") if before else None


def test_a_session_with_a_clash_of_each_kind(fresh: Fork, tmp_path: Path) -> None:
    """Clash, edit, abort: the same bytes; clash, kill, edit, continue: saved; a second clone needs no human."""
    fork, target = planted(fresh)
    clone = Fork(tmp_path / "clone/fork", fork.upstream, fork.pin, target)
    shutil.copytree(fork.root.parent, clone.root.parent, symlinks=True)
    start = fork.state()

    assert_message(fork.run("sync", "--upto", target), 1, "window clashes", "settle window in .forkkeeper/sync/clash")
    settle(fork, "window")
    assert fork.run("sync", "--continue").code == 1
    ran = fork.ok("sync", "--abort")
    assert "are replayed in the next sync" in ran.out
    assert fork.state() == start

    shutil.rmtree(fork.root / ".forkkeeper/resolutions")
    words = [sys.executable, str(KILLED), str(fork.root), "2", "sync", "--upto", target]
    assert subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 77
    assert fork.state() == start
    ran = fork.run("sync", "--upto", target)
    seen = []
    while (name := now_open(fork)) is not None:
        assert name not in seen, ran.said
        seen.append(name)
        settle(fork, name)
        ran = fork.run("sync", "--continue")
    assert (ran.code, seen) == (0, ["window", "console", "base64", "vocab", "convert"]), ran.said
    fork.ok("log", "--check")
    assert len(list((fork.root / "resolutions").iterdir())) == 5

    shutil.copytree(fork.root / "resolutions", clone.root / "resolutions")
    clone.ok("sync", "--upto", target)
    assert composed(clone) == composed(fork)
    assert clone.mails() == fork.mails()


# the three ways to hold it ------------------------------------------------------------------------------------------


def test_the_three_strategies_hold_one_tree(fresh: Fork, tmp_path: Path) -> None:
    """Directory, branch and scratch directory are the lock's tree at both pins; going through all changes no byte."""
    server = tmp_path / "server.git"
    git(tmp_path, "init", "--quiet", "--bare", str(server))
    toml = fresh.root / "fork.toml"
    fields = f'directory = "native/vendored"\nrepository = "{server}"\nbranch = "fork"\n'
    for target in (fresh.pin, fresh.target):
        fresh.ok("sync", "--offline", "--downgrade", "--upto", target)
        text = toml.read_text()
        if "native/vendored" not in text:
            toml.write_text(re.sub(r'(\[materialise\]\n(?:#[^\n]*\n)*)strategy = "scratch"\n', rf"\1{fields}", text))
        fresh.ok("materialise", "--offline", "--strategy", "vendored")
        start = fresh.state()
        fresh.ok("materialise", "--offline", "--strategy", "branch")
        fresh.ok("materialise", "--offline", "--strategy", "scratch")
        fresh.ok("materialise", "--offline", "--strategy", "vendored")
        assert fresh.state() == start
        fresh.ok("materialise", "--offline", str(tmp_path / "scratch"))
        store = tmp_path / f"judge-{target[:7]}.git"
        git(tmp_path, "init", "--quiet", "--bare", str(store))
        held = {written(store, fresh.root / "native/vendored"), written(store, tmp_path / "scratch")}
        assert held | {git(server, "rev-parse", "fork^{tree}")} == {composed(fresh)}
