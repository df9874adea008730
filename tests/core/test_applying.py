"""A diff is applied at its own lines just as `git apply` does, and is called absent only where git agrees."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from world import git

from forkkeeper.core import applying, hunks
from forkkeeper.core.ids import TreeId
from forkkeeper.core.store import Entry, Written
from forkkeeper.shell.git import Scratch

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "", " x"]), max_size=24)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give an empty bare repository."""
    git(tmp_path, "init", "--quiet", "--bare")
    return tmp_path


def tree_of(store: Scratch, lines: list[str]) -> TreeId:
    """Write a tree of one file."""
    data = "".join(f"{line}\n" for line in lines).encode()
    return store.graft(TreeId("4b825dc642cb6eb9a060e54bf8d69288fbee4904"), {"f": Entry("100644", store.put(data))})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES, LINES)
def test_what_is_applied_is_what_git_applies(repository: Path, was: list[str], now: list[str], on: list[str]) -> None:
    """On its own base and on any other text, a diff applied at its lines gives the very bytes that git gives."""
    with Scratch([repository / "objects"]) as store:
        old, new = tree_of(store, was), tree_of(store, now)
        diff = store.diffs([(old, new)])[0]
        for tree in (old, tree_of(store, on)):
            made = applying.exactly(hunks.parse(diff), store.entries(tree), store.blob) if diff else None
            if made is None:
                continue
            judged = store.apply(tree, diff)
            assert isinstance(judged, Written)
            assert store.blob(store.entries(judged.tree)["f"].oid) == made["f"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES, LINES)
def test_what_is_called_absent_does_not_apply_in_reverse(
    repository: Path, was: list[str], now: list[str], on: list[str]
) -> None:
    """Where a result is said not to be there, git cannot apply the diff in reverse either."""
    with Scratch([repository / "objects"]) as store:
        diff = store.diffs([(tree_of(store, was), tree_of(store, now))])[0]
        for tree in (tree_of(store, on), tree_of(store, now)):
            if diff and applying.cannot_be_there(hunks.parse(diff), store.entries(tree), store.blob):
                assert not store.undoes(tree, diff)


def test_what_is_not_plain_is_left_to_git(repository: Path) -> None:
    """A new file, a mode, a missing final newline and a line at an offset are not applied here."""
    with Scratch([repository / "objects"]) as store:
        base = tree_of(store, ["a", "b", "c"])
        entry = store.entries(base)["f"]
        odd = {
            "new": {"g": Entry("100644", store.put(b"x\n"))},
            "mode": {"f": Entry("100755", entry.oid)},
            "no newline": {"f": Entry("100644", store.put(b"a\nb\nC"))},
        }
        for name, change in odd.items():
            diff = hunks.parse(store.diffs([(base, store.graft(base, change))])[0])
            assert applying.exactly(diff, store.entries(base), store.blob) is None, name
        diff = hunks.parse(store.diffs([(base, tree_of(store, ["a", "b", "C"]))])[0])
        assert applying.exactly(diff, store.entries(tree_of(store, ["0", "a", "b", "c"])), store.blob) is None
