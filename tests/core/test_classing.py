"""What kind of change a commit is, by its title and its paths; titles as many projects write them."""

import pytest

from forkkeeper.core.lines import Edit
from forkkeeper.core.triage import classing
from forkkeeper.core.triage.nearness import _forward
from forkkeeper.core.variants import Variant

CODE = ["src/a.c"]
KINDS = [
    ("area : fix a leak", CODE, "fix"),
    ("fix(area): leak", CODE, "fix"),
    ("feat!: leaks", CODE, "feature"),
    ("perf: less work", CODE, "feature"),
    ("prevent a deadlock when the queue is full", CODE, "fix"),
    ("area : typo in a message", CODE, "docs"),
    ("area : typo that crashes old devices", CODE, "fix"),
    ("area : support for more", CODE, "feature"),
    ("area : rename the support functions", CODE, "refactor"),
    ("area : remove what nobody calls, add a note", CODE, "refactor"),
    ('Revert "area : fix a leak"', CODE, "revert"),
    ("area : revert to the old order", CODE, "revert"),
    ("ci : fix the arm build", CODE, "build"),
    ("fix everything", ["docs/a.c", "README.md"], "docs"),
    ("fix everything", ["tests/a.c"], "test"),
    ("fix everything", ["CMakeLists.txt", ".github/workflows/a.yml"], "build"),
    ("sync", CODE, "other"),
    ("", [], "other"),
]


@pytest.mark.parametrize(("title", "paths", "kind"), KINDS)
def test_the_kind_of_a_commit(title: str, paths: list[str], kind: str) -> None:
    """A revert first, then what all paths are, then the word before the colon, then the words behind it."""
    assert classing.kind(title, paths).value == kind


def variant(device: str) -> Variant:
    """Make a variant for a device."""
    return Variant(device=device, targets=("all",))


def test_backends_are_those_of_the_variants() -> None:
    """A variant's name or device names a backend; one that is in no table is a backend of its own."""
    variants = {"fast": variant("CUDA0"), "metal": variant("MTL0"), "quantum": variant("Q9")}
    assert classing.built(variants) == {"cuda", "metal", "quantum"}
    table = classing.table(variants)
    assert classing.backends(table, "quantum : entangle", CODE) == ("quantum",)
    assert classing.backends(table, "speed up", ["src/quantum/a.c"]) == ("quantum",)
    assert classing.built({}) == frozenset()


def test_a_commit_that_touches_what_all_share_is_about_no_backend() -> None:
    """One path that belongs to no backend makes a commit common, unless its title names one."""
    table = classing.table({})
    assert classing.backends(table, "speed up", ["a/cuda/x.c", "a/common.c"]) == ()
    assert classing.backends(table, "speed up", ["a/x.cu", "b/y.metal"]) == ("cuda", "metal")
    assert classing.backends(table, "vulkan : speed up", ["a/common.c"]) == ("vulkan",)


def test_a_span_is_followed_past_edits() -> None:
    """Lines stand lower or higher after edits before them, and are lost by edits in them."""
    edit = Edit(1, 3, (b"one\n",))
    assert _forward((5, 6), [edit]) == (4, 5)
    assert _forward((2, 2), [edit]) is None
    assert _forward((3, 3), [edit]) == (2, 2)
    assert _forward((1, 1), [edit]) == (1, 1)
