"""Which patches of a queue are tried together: those that share a file with one that shares a file, and no others."""

from hypothesis import given, strategies as st

from forkkeeper.core import mail, trials
from forkkeeper.core.compose import Applied, NotApplied, Step
from forkkeeper.core.ids import EMPTY_TREE

HEAD = "From: A <a@example.invalid>\nDate: x\nSubject: [PATCH] s\n\nwhy\n\n---\n"
FILES = st.lists(st.sets(st.sampled_from("abcdef"), min_size=1, max_size=2), max_size=7)


def step(number: int, files: set[str]) -> Step:
    """Make a step of a queue whose patch touches these files."""
    diff = "".join(f"diff --git a/{f} b/{f}\n--- a/{f}\n+++ b/{f}\n@@ -1 +1 @@\n-a\n+b\n" for f in sorted(files))
    return Applied(mail.parse(f"p{number}.patch", (HEAD + diff).encode()), EMPTY_TREE, EMPTY_TREE, ())


def queue(*files: str) -> list[Step]:
    """Make a queue, one patch per text of one-letter file names."""
    return [step(number, set(names)) for number, names in enumerate(files)]


def test_a_patch_is_tried_with_what_it_may_build_on() -> None:
    """Of the patches before it those on its files come along, and those on the files of these; later ones do not."""
    part = trials.up_to(queue("ab", "c", "bd", "d", "da"), "p3.patch")
    assert part is not None
    assert (part.names, part.paths) == (("p0.patch", "p2.patch", "p3.patch"), ("a", "b", "d"))
    alone = trials.up_to(queue("ab", "c", "bd"), "p1.patch")
    assert alone is not None
    assert (alone.names, alone.paths) == (("p1.patch",), ("c",))


def test_on_whole_trees_all_patches_before_it_come_along() -> None:
    """Where whole trees are taken no patch before is left out."""
    part = trials.up_to(queue("a", "b", "c"), "p1.patch", whole=True)
    assert part is not None
    assert (part.names, part.paths) == (("p0.patch", "p1.patch"), None)


def test_a_patch_that_does_not_apply_is_not_tried() -> None:
    """It has no files to be tried on, and the ones after it are tried without it."""
    steps = queue("a", "a", "a")
    steps[1] = NotApplied(steps[1].patch, EMPTY_TREE, "because")
    assert trials.up_to(steps, "p1.patch") is None
    part = trials.up_to(steps, "p2.patch")
    assert part is not None
    assert part.names == ("p0.patch", "p2.patch")


@given(files=FILES)
def test_the_parts_of_a_queue_share_no_file(files: list[set[str]]) -> None:
    """Each patch is in one part, in the queue's order; no file is in two; what a patch builds on is with it."""
    steps = [step(number, names) for number, names in enumerate(files)]
    parts = trials.parts(steps)
    names = [name for part in parts for name in part.names]
    assert sorted(names) == sorted(one.patch.name for one in steps)
    assert all(list(part.names) == sorted(part.names) for part in parts)
    paths = [path for part in parts for path in part.paths or ()]
    assert len(paths) == len(set(paths))
    for part in parts:
        for name in part.names:
            before = trials.up_to(steps, name)
            assert before is not None
            assert set(before.names) <= set(part.names)
