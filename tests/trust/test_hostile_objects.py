"""Upstream has objects that git would not make, or that stand outside of what can be written; their ids are true."""

import pytest
from hostile import Canary, unharmed
from world import Fork, git

pytestmark = pytest.mark.attack
LOOKS = ("status", "plan", "triage", "log --check", "diff")


def committed(fork: Fork, when: str, *, tree: str = "v1.1^{tree}", committer: str = "Bob <bob@example.invalid>") -> str:
    """Make upstream's newest commit by hand. when -- its time and time zone, as commits have them."""
    bare = fork.upstream.path
    oid = git(bare, "rev-parse", tree)
    lines = (f"tree {oid}", f"parent {git(bare, 'rev-parse', 'v1.1')}", f"author Ann <a@example.invalid> {when}")
    text = "\n".join((*lines, f"committer {committer} {when}", "", "a title", "")).encode()
    sha = git(bare, "hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=text)
    git(bare, "update-ref", "refs/heads/main", sha)
    return sha


@pytest.mark.parametrize(
    "when",
    ["253402300800 +0000", "9" * 20 + " +0000", "9" * 5000 + " +0000", "253402214400 +9999", "0 -9999", "", "x +0000"],
    ids=["ten-thousand", "overflow", "digits", "zone", "before-1970", "none", "word"],
)
def test_a_commit_of_no_time(fork_behind: Fork, canary: Canary, when: str) -> None:
    """Attack: upstream's newest commit is of the year 10,000, of no time, or of thousands of digits; verbs end well."""
    sha = committed(fork_behind, when)
    with unharmed(fork_behind, canary):
        for words in LOOKS:
            ran = fork_behind.run(*words.split(), *(("--upto", sha) if words in ("plan", "triage") else ()))
            assert ran.code in (0, 1), ran.said
        ran = fork_behind.run("sync", "--upto", sha)
        assert ran.code in (0, 1), ran.said
        assert fork_behind.run("status").code == 0


def test_a_tree_that_is_none(fork_behind: Fork, canary: Canary) -> None:
    """Attack: the tree of upstream's newest commit is no tree; that is said, and the fork stays as it was."""
    bare = fork_behind.upstream.path
    tree = git(bare, "hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=b"100644 a\0too short")
    sha = committed(fork_behind, "1750000000 +0000", tree=tree)
    before = fork_behind.state()
    with unharmed(fork_behind, canary):
        for words in (["plan"], ["sync"]):
            ran = fork_behind.run(*words, "--upto", sha)
            assert (ran.code, "git could not have made it" in ran.err) == (3, True), ran.said
    assert fork_behind.state() == before
