"""Submodules and attributes of upstream's tree are entries and files: nothing is fetched for them, nothing run."""

import os
import subprocess
from pathlib import Path

import pytest
from holding import declare
from hostile import Canary, blob, unharmed, with_entry
from world import REGULAR, Fork, git

from forkkeeper.core.store import SUBMODULE

pytestmark = pytest.mark.attack
MODULES = {
    "an address that is a program": '[submodule "sub"]\n\tpath = sub\n\turl = ext::{}\n',
    "an address that is an option": '[submodule "sub"]\n\tpath = sub\n\turl = --upload-pack={}\n',
    "an update that is a program": '[submodule "sub"]\n\tpath = sub\n\turl = ../up\n\tupdate = !{}\n',
    "a name that leads out": '[submodule "../../hooks/x"]\n\tpath = sub\n\turl = ../up\n',
    "a path that is an option": '[submodule "sub"]\n\tpath = -sub\n\turl = ../up\n',
    "a path into git": '[submodule "sub"]\n\tpath = .git/hooks\n\turl = ../up\n',
}
ATTRIBUTES = "* filter=evil diff=evil merge=evil text working-tree-encoding=UTF-16 export-subst\n"
DRIVERS = (
    *("filter.evil.smudge", "filter.evil.clean", "filter.evil.process"),
    *("diff.evil.command", "diff.evil.textconv", "merge.evil.driver"),
)


def used(fork: Fork, to: str) -> None:
    """Look at a commit, carry the fork there, and hold it as files and as a branch."""
    verbs = (["plan", "--upto", to], ["sync", "--upto", to], ["materialise", "out"], ["diff"])
    for words in (*verbs, ["patch", "open"], ["patch", "save"]):
        ran = fork.run(*words)
        assert ran.code in (0, 1, 2, 3), ran.said
    fork.run("patch", "close")
    (fork.root / ".git/info").mkdir(exist_ok=True)
    (fork.root / ".git/info/exclude").write_text("/out/\n/held.git/\n")  # our own git heeds the attributes there
    fork.commit_all()
    bare = fork.root / "held.git"
    git(fork.root, "init", "--quiet", "--bare", str(bare))
    declare(fork, "branch", repository=str(bare), branch="fork")
    fork.run("materialise")


@pytest.mark.parametrize("how", MODULES)
def test_submodules_of_upstream_s(fork_behind: Fork, canary: Canary, how: str) -> None:
    """Attack: upstream has a submodule whose address, name, path or update would run or write; it is only an entry."""
    upstream = fork_behind.upstream
    text = MODULES[how].replace("{}", str(canary.program)).encode()
    with_entry(upstream, ".gitmodules", REGULAR, blob(upstream.path, text), tag="modules")
    to = with_entry(upstream, "sub", SUBMODULE, fork_behind.pin, tag="evil")
    with unharmed(fork_behind, canary):
        used(fork_behind, to)
    assert (fork_behind.root / "out/.gitmodules").read_bytes() == text
    assert not any(Path(fork_behind.root, ".git/hooks").glob("x*"))


def test_attributes_of_upstream_s(fork_behind: Fork, canary: Canary) -> None:
    """Attack: upstream's attributes ask for drivers that the user's git has; none is run on what is upstream's."""
    users = Path(os.environ["HOME"], ".gitconfig")  # every repository heeds it, those that we make among them
    for key in DRIVERS:
        git(fork_behind.root, "config", "--file", str(users), key, str(canary.program))
    upstream = fork_behind.upstream
    to = with_entry(upstream, ".gitattributes", REGULAR, blob(upstream.path, ATTRIBUTES.encode()), tag="evil")
    with unharmed(fork_behind, canary):
        used(fork_behind, to)
    assert (fork_behind.root / "out/.gitattributes").read_text() == ATTRIBUTES
    subprocess.run(["git", "add", "--force", "out"], cwd=fork_behind.root, check=False, capture_output=True)
    assert canary.sang, "plain git does not fall for this: the test proves nothing"
