"""Packs that git itself reads: many objects taken in at once are all there, byte for byte."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings, strategies as st
from world import git, git_bytes

from forkkeeper.core.ids import EMPTY_TREE
from forkkeeper.core.store import Entry
from forkkeeper.shell.git import Scratch
from forkkeeper.shell.git.packing import pack

BLOBS = st.lists(
    st.binary(max_size=300) | st.integers(1, 70_000).map(lambda size: b"x" * size), min_size=1, max_size=40
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blobs=BLOBS)
def test_git_reads_every_object_of_a_pack(tmp_path: Path, blobs: list[bytes]) -> None:
    """`git verify-pack` accepts pack and index, and gives each object back as it went in."""
    root = tmp_path / "pack.git"
    if not root.exists():
        root.mkdir()
        git(root, "init", "--quiet", "--bare", "--template=")
    with Scratch([root / "objects"]) as store:
        objects = {str(store.put(blob)): ("blob", blob) for blob in blobs}
    made = pack(objects)
    folder = root / "objects" / "pack"
    folder.mkdir(exist_ok=True)
    (folder / f"pack-{made.name}.pack").write_bytes(made.data)
    (folder / f"pack-{made.name}.idx").write_bytes(made.index)
    git(root, "verify-pack", str(folder / f"pack-{made.name}.idx"))
    read = {oid: git_bytes(root, "cat-file", "blob", oid) for oid in objects}
    assert read == {oid: data for oid, (_, data) in objects.items()}


def test_what_is_written_is_there_for_git_few_or_many(tmp_path: Path) -> None:
    """One object and a thousand are found by git's processes, and by the store before and after."""
    with Scratch([], objects=tmp_path / "kept") as store:
        for count in (1, 1000):
            oids = {f"d{n % 7}/f{n}": store.put(b"%d of %d\n" % (n, count)) for n in range(count)}
            tree = store.graft(EMPTY_TREE, {p: Entry("100644", oid) for p, oid in oids.items()})
            assert {path: entry.oid for path, entry in store.entries(tree).items()} == oids
            assert all(store.blob(oid).endswith(b" of %d\n" % count) for oid in oids.values())
