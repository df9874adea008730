"""Trees are changed and compared as git does it: git's own index and diff-tree are the judges."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from world import environment, git

from forkkeeper.core.ids import EMPTY_TREE, ObjectId, TreeId
from forkkeeper.core.store import Change, Entry
from forkkeeper.shell.git import Scratch

NAMES = st.sampled_from(["a", "a.c", "a-b", "b", "lib", "lib.c", "ä", "x y"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from([b"one\n", b"two\n", b""])
FILES = st.dictionaries(PATHS, CONTENTS, max_size=8)


def without_collisions(files: dict[str, bytes]) -> dict[str, bytes]:
    """Keep only files that can stand together: none is a folder of another."""
    return {path: data for path, data in files.items() if not any(other.startswith(f"{path}/") for other in files)}


def by_git(repository: Path, files: dict[str, bytes]) -> TreeId:
    """Write files as a tree with git's index."""
    env = environment(GIT_INDEX_FILE=str(repository / "judge"))
    (repository / "judge").unlink(missing_ok=True)
    with Scratch([repository / "objects"], objects=repository / "objects") as store:
        rows = "".join(f"100644 {store.put(data)}\t{path}\0" for path, data in files.items())
    git(repository, "update-index", "-z", "--add", "--index-info", stdin=rows.encode(), env=env)
    return TreeId(git(repository, "write-tree", env=env))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give an empty bare repository."""
    git(tmp_path, "init", "--quiet", "--bare")
    return tmp_path


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES.map(without_collisions), FILES.map(without_collisions))
def test_a_graft_gives_the_tree_that_gits_index_gives(
    repository: Path, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    """Turning any tree into any other, path by path, ends in the id that git's index writes for the other."""
    old, new = by_git(repository, before), by_git(repository, after)
    with Scratch([repository / "objects"]) as store:
        wanted: dict[str, Entry | None] = dict.fromkeys(before)
        wanted |= {path: Entry("100644", store.put(data)) for path, data in after.items()}
        assert store.graft(old, wanted) == new


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES.map(without_collisions), FILES.map(without_collisions))
def test_changes_are_those_that_git_finds(repository: Path, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """The paths that differ between any two trees are those of `git diff-tree`, with the same modes and ids."""
    old, new = by_git(repository, before), by_git(repository, after)
    rows = git(repository, "diff-tree", "-r", "-z", "--no-abbrev", "--no-renames", old, new).split("\0")
    expected = []
    for meta, path in zip(rows[:-1:2], rows[1::2], strict=False):
        old_mode, new_mode, old_oid, new_oid, _ = meta.lstrip(":").split()
        sides = ((old_mode, old_oid), (new_mode, new_oid))
        was, now = (Entry(mode, ObjectId(oid)) if mode != "000000" else None for mode, oid in sides)
        expected.append(Change(path, was, now))
    with Scratch([repository / "objects"]) as store:
        assert store.changes(old, new) == tuple(sorted(expected, key=lambda change: change.path))


def test_removing_the_last_file_gives_the_empty_tree(repository: Path) -> None:
    """A tree whose every file is removed is git's empty tree, and its folders are gone with it."""
    old = by_git(repository, {"a/b/c": b"one\n"})
    with Scratch([repository / "objects"]) as store:
        assert store.graft(old, {"a/b/c": None}) == EMPTY_TREE
        assert store.graft(EMPTY_TREE, {"x": None}) == EMPTY_TREE


def test_modes_of_old_tools_are_read_as_git_reads_them(repository: Path) -> None:
    """A tree that spells a folder 040000 and a file 100664 loses nothing when one of its files is replaced."""
    with Scratch([repository / "objects"], objects=repository / "objects") as store:
        oid = bytes.fromhex(store.put(b"one\n"))
        write = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
        inner = git(repository, *write, stdin=b"100664 b.c\0" + oid + b"100644 c.c\0" + oid)
        old = TreeId(git(repository, *write, stdin=b"040000 src\0" + bytes.fromhex(inner)))
        new = store.graft(old, {"src/c.c": Entry("100644", store.put(b"two\n"))})
        assert sorted(store.entries(new)) == ["src/b.c", "src/c.c"]
        assert [change.path for change in store.changes(old, new)] == ["src/c.c"]


def test_a_mode_and_a_submodule_are_kept_as_they_are(repository: Path) -> None:
    """Executable files, links and submodules that a graft does not touch keep their mode and id."""
    env = environment(GIT_INDEX_FILE=str(repository / "judge"))
    oid = git(repository, "hash-object", "-w", "--stdin", stdin=b"x\n")
    rows = f"100755 {oid}\trun\n120000 {oid}\tlink\n160000 {'1' * 40}\tsub\n100644 {oid}\tplain\n"
    git(repository, "update-index", "--add", "--index-info", stdin=rows.encode(), env=env)
    old = TreeId(git(repository, "write-tree", env=env))
    git(repository, "update-index", "--index-info", stdin=f"0 {'0' * 40}\tplain\n".encode(), env=env)
    new = git(repository, "write-tree", env=env)
    with Scratch([repository / "objects"]) as store:
        assert store.graft(old, {"plain": None}) == new


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES.map(without_collisions), st.lists(PATHS, max_size=4))
def test_some_of_a_tree_is_what_stands_at_the_paths(
    repository: Path, files: dict[str, bytes], paths: list[str]
) -> None:
    """Of any tree, the entries at some paths are those at them, below them, and files in the place of their folders."""
    tree = by_git(repository, files)
    with Scratch([repository / "objects"]) as store:
        whole = store.entries(tree)
        wanted = {
            at: entry
            for at, entry in whole.items()
            if any(at == path or at.startswith(f"{path}/") or path.startswith(f"{at}/") for path in paths)
        }
        assert store.some(tree, paths) == wanted
