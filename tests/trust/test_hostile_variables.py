"""A verb runs where the environment has variables with which git is redirected: no git that is asked heeds them."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import Canary, journal, unharmed
from world import Fork, Ran, copied, git, seal

from forkkeeper.core.ids import EMPTY_TREE

pytestmark = pytest.mark.attack


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
