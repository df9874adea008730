"""A fork that somebody else made is cloned, or a verb runs where the environment is set against it."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import Canary, unharmed
from world import Fork, Ran, copied, git, script, seal

from forkkeeper.core.ids import EMPTY_TREE

pytestmark = pytest.mark.attack
LOOKS = (["status"], ["lint"], ["log", "--check"], ["plan", "--upto", "v1.1"], ["diff"])  # verbs that only look


def journal(fork: Fork, canary: Canary) -> None:
    """Leave a journal, to be finished by the next verb, that writes a hook."""
    folder = fork.root / ".forkkeeper/journal"
    (folder / "after").mkdir(parents=True)
    (folder / "after/0").write_text(f"#!/bin/sh\n{canary.program}\n")
    files = [{"name": ".github/workflows/evil.yml", "before": None, "after": digest(folder / "after/0")}]
    said = {"schema": 1, "number": 9, "kind": "do", "of": None, "words": ["x"], "time": "2025-01-01T00:00:00Z"}
    (folder / "operation.json").write_text(json.dumps(said | {"files": files}))


def digest(path: Path) -> str:
    """Give a digest as journals have it."""
    from forkkeeper.core.operations import digest as ours  # noqa: PLC0415 -- one place alone needs it

    return ours(path.read_bytes()) or ""


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


@dataclass(frozen=True)
class Inherited:
    """Variables of git's that are inherited, and a plain git, run in the fork or in upstream, that they redirect.

    `{}` stands for the canary, `{evil}` for a folder in which the attack has what it needs (`lay_out`).
    """

    variables: dict[str, str]
    git: Sequence[str]
    where: str = "fork"


MADE = "cd {evil} && git init --quiet made && git -C made rev-parse --show-object-format && rm -r made"
INHERITED = {
    "GIT_DIR": Inherited({"GIT_DIR": "/nowhere"}, ("ls-files",)),
    "GIT_COMMON_DIR": Inherited({"GIT_COMMON_DIR": "/nowhere"}, ("ls-files",)),
    "GIT_WORK_TREE": Inherited({"GIT_WORK_TREE": "/nowhere"}, ("status",)),
    "GIT_INDEX_FILE": Inherited({"GIT_INDEX_FILE": "/nowhere/index"}, ("ls-files",)),
    "GIT_OBJECT_DIRECTORY": Inherited({"GIT_OBJECT_DIRECTORY": "{evil}/other.git/objects"}, ("log", "-1")),
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": Inherited(
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "{evil}/other.git/objects"}, ("cat-file", "-t", "{other}"), "upstream"
    ),
    "GIT_EXTERNAL_DIFF": Inherited({"GIT_EXTERNAL_DIFF": "{}"}, ("diff", EMPTY_TREE, "HEAD")),
    "GIT_REPLACE_REF_BASE": Inherited({"GIT_REPLACE_REF_BASE": "refs/evil/"}, ("ls-tree", "HEAD")),
    "GIT_GRAFT_FILE": Inherited({"GIT_GRAFT_FILE": "{evil}/cut"}, ("rev-list", "--count", "v1.1"), "upstream"),
    "GIT_SHALLOW_FILE": Inherited({"GIT_SHALLOW_FILE": "{evil}/cut"}, ("rev-list", "--count", "v1.1"), "upstream"),
    "GIT_CONFIG_PARAMETERS": Inherited({"GIT_CONFIG_PARAMETERS": "'core.fsmonitor={}'"}, ("status",)),
    "GIT_CONFIG_COUNT": Inherited(
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "{}"}, ("status",)
    ),
    "GIT_CONFIG_GLOBAL": Inherited({"GIT_CONFIG_GLOBAL": "{evil}/config"}, ("status",)),
    "GIT_CONFIG_SYSTEM": Inherited({"GIT_CONFIG_SYSTEM": "{evil}/config"}, ("status",)),
    "GIT_CONFIG": Inherited({"GIT_CONFIG": "{evil}/config"}, ("config", "--list")),
    "GIT_NAMESPACE": Inherited({"GIT_NAMESPACE": "evil"}, ("ls-remote", "."), "upstream"),
    "GIT_DEFAULT_HASH": Inherited({"GIT_DEFAULT_HASH": "sha256"}, ("-c", f"alias.made=!{MADE}", "made")),
}
STATE_HIDDEN = {  # these hide a committed `.forkkeeper/` from git, or run the canary when it is looked for
    "GIT_LITERAL_PATHSPECS": Inherited({"GIT_LITERAL_PATHSPECS": "1"}, ()),
    **{name: INHERITED[name] for name in INHERITED if name.startswith(("GIT_DIR", "GIT_COMMON", "GIT_INDEX"))},
    **{name: INHERITED[name] for name in INHERITED if name.startswith("GIT_CONFIG_")},
}


@dataclass(frozen=True)
class Laid:
    """A fork with all that the variables name beside it. other -- a commit that only a repository there holds."""

    fork: Fork
    other: str
    honest: list[tuple[str, int, str]]


@pytest.fixture(scope="module")
def laid(built: dict[str, Fork], tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """Lay out once what the variables name, and what is answered without them; the tests work on copies."""
    fork = copied(built["behind"], tmp_path_factory.mktemp("laid") / "place")
    bare, evil = fork.upstream.path, fork.root.parent / "evil"
    evil.mkdir()
    (evil / "cut").write_text(git(bare, "rev-parse", "v1.1") + "\n")
    git(evil, "clone", "--quiet", "--bare", "--template=", str(bare), "other.git")
    tree = git(bare, "rev-parse", "v1.1^{tree}")
    other = git(evil / "other.git", "commit-tree", tree, "-p", "v1.1", "-m", "other")
    empty = git(fork.root, "commit-tree", git(fork.root, "mktree"), "-m", "empty")
    fork.commit_all("another")
    git(fork.root, "update-ref", f"refs/evil/{git(fork.root, 'rev-parse', 'HEAD')}", empty)
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, tmp_path_factory.mktemp("home"))
        honest = answers(copied(fork, tmp_path_factory.mktemp("honest") / "place"), other, {})
    assert [code for _, code, _ in honest] == [0, 0, 2, 0, 0, 0, 0, 0], honest
    return Laid(fork, other, honest)


def answers(fork: Fork, other: str, variables: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """Run verbs that ask upstream's git, the fork's own, and gits that are made; each inherits the variables anew."""
    toml = fork.root / "fork.toml"
    found = []
    for words in (
        ["status"],
        ["plan", "--upto", "v1.1", "--json", "-"],
        ["plan", "--upto", other],
        ["diff"],
        ["patch", "open"],
        ["patch", "close"],
        ["sync", "--upto", "v1.1"],
        ["upstream", "refresh"],
    ):
        if words == ["upstream", "refresh"]:  # from here on upstream is fetched
            toml.write_text(toml.read_text().replace("../upstream.git", f"file://{fork.upstream.path}"))
        ran = inheriting(fork, variables, *words)
        said = ran.out.replace(str(fork.root.parent), "")
        found.append((" ".join(words), ran.code, re.sub(r"[ -]{2,}", " ", said)))  # columns are as wide as paths
    return found


def inheriting(fork: Fork, variables: Mapping[str, str], *words: str) -> Ran:
    """Run a verb that inherits variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return fork.run(*words)


@pytest.mark.parametrize("name", INHERITED)
def test_a_variable_of_git_s_in_the_environment(laid: Laid, canary: Canary, name: str, tmp_path: Path) -> None:
    """Attack: variables with which git is redirected are inherited (a hook sets some); no answer, no file changes."""
    fork, attack = copied(laid.fork, tmp_path / "place"), INHERITED[name]
    evil, variables = filled(fork, attack, canary)
    argv = [word.format(other=laid.other, evil=shlex.quote(str(evil))) for word in attack.git]
    refuse_no_attack(fork.root if attack.where == "fork" else fork.upstream.path, variables, argv, canary)
    with unharmed(fork, canary):
        assert answers(fork, laid.other, variables) == laid.honest


@pytest.mark.parametrize("name", STATE_HIDDEN)
def test_a_committed_journal_and_a_variable_of_git_s(laid: Laid, canary: Canary, name: str, tmp_path: Path) -> None:
    """Attack: a clone has a committed journal, and git is redirected when it is asked for it; all the same refused."""
    fork = copied(laid.fork, tmp_path / "place")
    _, variables = filled(fork, STATE_HIDDEN[name], canary)
    journal(fork, canary)
    git(fork.root, "add", "--force", ".forkkeeper")
    git(fork.root, "commit", "--quiet", "--message", "state")
    refuse_no_attack(fork.root, variables, ("ls-files", ":(icase).ForkKeeper"), canary)
    before = fork.state()
    with unharmed(fork, canary):
        ran = inheriting(fork, variables, "status")
        assert (ran.code, "is committed" in ran.err) == (2, True), ran.said
    assert fork.state() == before


def filled(fork: Fork, attack: Inherited, canary: Canary) -> tuple[Path, dict[str, str]]:
    """Fill in an attack's variables; gives also the folder in which it has what it needs."""
    evil = fork.root.parent / "evil"
    (evil / "config").write_text(f"[core]\n\tfsmonitor = {canary.program}\n")
    return evil, {key: value.format(canary.program, evil=evil) for key, value in attack.variables.items()}


def refuse_no_attack(folder: Path, variables: Mapping[str, str], argv: Sequence[str], canary: Canary) -> None:
    """Fail where plain git gives the same answer with the variables as without them, and runs nothing."""
    honest = plain(folder, {}, argv)
    assert not canary.sang
    assert plain(folder, variables, argv) != honest or canary.sang, "plain git does not fall: the test proves nothing"
    canary.mark.unlink(missing_ok=True)


def plain(folder: Path, variables: Mapping[str, str], argv: Sequence[str]) -> tuple[int, bytes]:
    """Run git with none of our protections; gives how it ended and what it wrote."""
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(["git", *argv], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout


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
