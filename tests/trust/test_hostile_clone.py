"""A fork that somebody else made is cloned, or a verb runs where the environment is set against it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hostile import Canary, journal, unharmed
from world import Fork, git, script

pytestmark = pytest.mark.attack
LOOKS = (["status"], ["lint"], ["log", "--check"], ["plan", "--upto", "v1.1"], ["diff"])  # verbs that only look


def swap(fork: Fork, canary: Canary) -> None:
    """Leave a swap, to be finished by the next verb, that puts a folder in another place."""
    folder = fork.root / ".forkkeeper/swap"
    (folder / "new").mkdir(parents=True)
    (folder / "new/x").write_text("x\n")
    (folder / "file").write_text("x\n")
    said = {"target": "../outside", "file": "../outside.toml", "looked": ""}
    (folder / "ready.json").write_text(json.dumps(said))


def store(fork: Fork, canary: Canary) -> None:
    """Have a repository in it whose configuration names a program."""
    git(fork.root, "clone", "--quiet", "--bare", "--template=", str(fork.upstream.path), ".forkkeeper/upstream.git")
    with (fork.root / ".forkkeeper/upstream.git/config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {canary.program}\n\tsshCommand = {canary.program}\n")
        file.write(f"[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {canary.program}\n")


def session(fork: Fork, canary: Canary) -> None:
    """Have a sync in progress in it whose worktree has hooks."""
    folder = fork.root / ".forkkeeper/sync/clash"
    folder.mkdir(parents=True)
    (fork.root / ".forkkeeper/sync/session.json").write_text("{}")


def link(fork: Fork, canary: Canary) -> None:
    """Have a link out in its place."""
    outside = fork.root.parent / "outside"
    outside.mkdir()
    (fork.root / ".forkkeeper").rename(fork.root.parent / "state")
    (fork.root / ".forkkeeper").symlink_to(outside)


@pytest.mark.parametrize("what", [journal, swap, store, session, link], ids=lambda what: what.__name__)
@pytest.mark.parametrize("name", [".forkkeeper", ".ForkKeeper"])
def test_a_state_folder_that_came_with_a_clone(fork_behind: Fork, canary: Canary, what: object, name: str) -> None:
    """Attack: `.forkkeeper/` is committed, and holds what the next verb would finish, read or run; all verbs refuse."""
    assert callable(what)
    what(fork_behind, canary)
    files = fork_behind.root / ".forkkeeper"
    listed = ["."] if files.is_symlink() else [p for p in files.rglob("*") if p.is_file()]
    assert listed
    git(fork_behind.root, "add", "--force", ".forkkeeper")
    if name != ".forkkeeper":  # as a file system that folds case would give it
        rows = git(fork_behind.root, "ls-files", "-s", ".forkkeeper").splitlines()
        git(fork_behind.root, "rm", "-r", "--cached", "--quiet", ".forkkeeper")
        for row in rows:
            mode, oid, rest = row.split(" ", 2)
            path = rest.partition("\t")[2].replace(".forkkeeper", name)
            git(fork_behind.root, "update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}")
    git(fork_behind.root, "commit", "--quiet", "--message", "state")
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        for words in (*LOOKS, ["undo"], ["sync", "--upto", "v1.1"], ["build"], ["materialise", "x"]):
            ran = fork_behind.run(*words)
            assert (ran.code, "is committed" in ran.err, "git rm -r --cached" in ran.err) == (2, True, True), ran.said
    assert fork_behind.state() == before


def owned_by_another(fork: Fork) -> None:
    """Give the files to another user, as a folder that is mounted into a container has them; only root can."""
    for path in (fork.root, *fork.root.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)


def away(fork: Fork) -> None:
    """Have the repository elsewhere, as a linked worktree has it, and out of reach."""
    (fork.root / ".git").rename(fork.root.parent / "elsewhere")
    (fork.root / ".git").write_text("gitdir: /nowhere/.git/worktrees/fork\n")


def damaged(fork: Fork) -> None:
    """Have a line in its configuration that git cannot read."""
    with (fork.root / ".git/config").open("a") as file:
        file.write("[\n")


REFUSED = [away, damaged, *([owned_by_another] if os.geteuid() == 0 else [])]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.__name__)
def test_a_state_folder_in_a_clone_that_git_does_not_read(fork_behind: Fork, canary: Canary, refused: object) -> None:
    """Attack: `.forkkeeper/` is committed in a clone of which git says nothing; no verb takes that for a no."""
    journal(fork_behind, canary)
    git(fork_behind.root, "add", "--force", ".forkkeeper")
    git(fork_behind.root, "commit", "--quiet", "--message", "state")
    assert callable(refused)
    refused(fork_behind)
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        for words in (*LOOKS, ["undo"], ["sync", "--upto", "v1.1"], ["build"], ["materialise", "x"]):
            ran = fork_behind.run(*words)
            assert (ran.code, "came with the clone is not known" in ran.err) == (3, True), ran.said
    assert fork_behind.state() == before
    assert not (fork_behind.root / ".github/workflows/evil.yml").exists()


def test_a_swap_that_nobody_declared(fork_behind: Fork, canary: Canary) -> None:
    """Attack: a swap in the state folder names a place outside of the fork; it is refused, with what to remove."""
    swap(fork_behind, canary)
    with unharmed(fork_behind, canary):
        ran = fork_behind.run("status")
        assert (ran.code, "leaves the tree" in ran.err) == (2, True), ran.said


@pytest.mark.parametrize("name", ["../outside", "/etc/evil", ".git/hooks/pre-commit", "patches/../../x"])
def test_a_journal_that_nobody_wrote(fork_behind: Fork, canary: Canary, name: str) -> None:
    """Attack: a journal in the state folder names a file outside of the fork, or a hook of its git."""
    journal(fork_behind, canary)
    path = fork_behind.root / ".forkkeeper/journal/operation.json"
    path.write_text(path.read_text().replace(".github/workflows/evil.yml", name))
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        ran = fork_behind.run("status")
        assert ran.code == 2, ran.said
    assert fork_behind.state() == before
    assert not (fork_behind.root / ".git/hooks/pre-commit").exists()


MODULES = ("pip", "git", "invoke", "msgspec", "forkkeeper", "tasks", "sitecustomize", "pytest", "numpy")


def test_modules_in_the_fork_named_like_ours(fork_behind: Fork, canary: Canary) -> None:
    """Attack: the fork's folder has Python files named like what we import, and settings of Invoke; none is loaded."""
    for module in MODULES:
        (fork_behind.root / f"{module}.py").write_text(canary.python)
    for config in ("invoke.yaml", "invoke.json", "invoke.py"):
        (fork_behind.root / config).write_text(canary.python if config.endswith("py") else "{}")
    script(fork_behind.root, "python", "-c", "import msgspec")
    assert canary.sang, "Python looks there first, where it may"
    canary.hush()
    with unharmed(fork_behind, canary):
        ran = fork_behind.script("plan", "--upto", "v1.1")
        assert ran.code in (0, 1), ran.said


def test_a_module_named_pip_when_an_index_is_asked(fork_behind: Fork, canary: Canary) -> None:
    """Attack: the fork's folder has a `pip.py`, and pip's settings are asked for; the real pip answers."""
    (fork_behind.root / "pip.py").write_text(canary.python)
    assert script(fork_behind.root, "python", "-m", "pip").code == 0
    assert canary.sang
    canary.hush()
    toml = fork_behind.root / "fork.toml"
    source = '[[upstream.source]]\nkind = "sdist"\npackage = "small-package"\nembedded = ".git"\n'
    toml.write_text(toml.read_text().replace("[[upstream.source]]", f"{source}\n[[upstream.source]]", 1))
    with unharmed(fork_behind, canary):
        ran = fork_behind.script("upstream", "refresh")
        assert "small-package" in ran.said


def test_a_module_named_pip_when_a_kit_is_fetched(fork_behind: Fork, canary: Canary, tmp_path: Path) -> None:
    """Attack: the fork's folder has a `pip.py`, and a kit is fetched with pip; the real pip answers."""
    (fork_behind.root / "pip.py").write_text(canary.python)
    assert script(fork_behind.root, "python", "-m", "pip").code == 0
    assert canary.sang
    canary.hush()
    with (fork_behind.root / "fork.toml").open("a") as file:
        part = f'kind = "wheel"\nrequirement = "small-package==1.0"\nsha256 = "{"0" * 64}"\n'
        file.write(f'\n[kit.toy]\nabout = "a toy"\nmegabytes = 1\n\n[[kit.toy.part]]\n{part}')
    with unharmed(fork_behind, canary):
        # pip itself writes at home: a cache, and what a `rustc` leaves there that it asks for its version
        ran = fork_behind.script("kit", "fetch", "toy", HOME=str(tmp_path / "home of pip"))
        assert (ran.code, "No matching distribution found for small-package" in ran.said) == (3, True), ran.said


def test_a_module_named_like_us_in_a_night(fork_behind: Fork, canary: Canary) -> None:
    """Attack: the fork has a committed `forkkeeper.py`, in a folder in which a night runs our verbs; ours are run."""
    (fork_behind.root / "forkkeeper.py").write_text(canary.python)
    assert script(fork_behind.root, "python", "-m", "forkkeeper").code == 0
    assert canary.sang
    canary.hush()
    fork_behind.commit_all()
    with unharmed(fork_behind, canary):
        ran = fork_behind.script("nightly", "--json", "-")
        endings = {one["step"]: one["ending"] for one in json.loads(ran.out)["night"]["steps"]}
        assert ("plan" in endings, set(endings.values())) == (True, {"passed"}), ran.said


PROGRAMS = ("git", "cmake", "ninja", "ccache", "less", "ssh", "python3", "dpkg-deb", "apt-get", "c++", "cc")


@pytest.mark.parametrize("path", [".", "", "sub"])
def test_programs_in_the_fork_s_folder(fork_behind: Fork, canary: Canary, path: str) -> None:
    """Attack: PATH has a relative entry, and the fork programs of known names there; none is taken."""
    place = fork_behind.root / path
    place.mkdir(exist_ok=True)
    for program in PROGRAMS:
        (place / program).write_bytes(canary.program.read_bytes())
        (place / program).chmod(0o755)
    searched = os.pathsep.join((path, os.environ["PATH"]))
    done = subprocess.run(["/bin/sh", "-c", "git version"], cwd=fork_behind.root, env={"PATH": searched}, check=False)
    assert (done.returncode, canary.sang) == (0, True), "a shell takes it"
    canary.hush()
    with unharmed(fork_behind, canary):
        fork_behind.script("doctor", PATH=searched)


def test_a_fork_toml_that_names_programs(fork_behind: Fork, canary: Canary) -> None:
    """Attack: fork.toml of a clone names commands; verbs that only look run none of them."""
    text = f"""
[variant.evil]
device = "CPU"
targets = ["all"]
cmake = ["-DCMAKE_C_COMPILER={canary.program}"]
checks = ["evil.py"]
"""
    file = fork_behind.root / "fork.toml"
    file.write_text(file.read_text() + text)
    (fork_behind.root / "evil.py").write_text(canary.python)
    (fork_behind.root / "conftest.py").write_text(canary.python)
    with unharmed(fork_behind, canary):
        for words in (
            *LOOKS,
            ["triage"],
            ["explain", "src/main.c"],
            ["verify"],
            ["patch", "list"],
            ["sync", "--upto", "v1.1"],
        ):
            assert fork_behind.run(*words).code in (0, 1, 2)
