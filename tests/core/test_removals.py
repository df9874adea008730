"""What a patch takes away and upstream put elsewhere: whole blocks, and nothing that merely looks alike."""

import pytest

from forkkeeper.core import removals
from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.store import REGULAR, SUBMODULE, Change, Entry

STOOD = "first(ctx);\nlast(ctx);\n"


def found(hunk: str, before: str, now: str, mode: str = REGULAR) -> str | None:
    """Give where a hunk's lines stand now that upstream made one text into another, beside the patch."""
    blobs = {ObjectId("a"): before.encode(), ObjectId("b"): now.encode()}
    change = Change("g", Entry(REGULAR, ObjectId("a")), Entry(mode, ObjectId("b")))
    lines = tuple(f"{line}\n".encode() for line in hunk.split("\n"))
    file = FileDiff("f", "f", hunks=(Hunk(1, 1, "", lines),))
    moved = removals.only_moved([file], [change], blobs.__getitem__)
    return str(moved) if moved else None


def test_a_line_that_stands_elsewhere_is_found() -> None:
    """Indentation aside; said with its file and line."""
    said = found(" a\n-  send(ctx);\n b", STOOD, f"if (x)\n    send(ctx);\n{STOOD}")
    assert said == "`send(ctx);`, which it takes away, stands in g, line 2 now"


SILENT = {
    "upstream added something else": (" a\n-send(ctx);\n b", STOOD, f"{STOOD}other(ctx);\n"),
    "the line stood there before, as often": (" a\n-first(ctx);\n b", STOOD, f"{STOOD}other(ctx);\n"),
    "the patch puts something for it": (" a\n-send(ctx);\n+receive(ctx);\n b", STOOD, f"{STOOD}send(ctx);\n"),
    "a bracket says nothing": (" a\n-}\n b", STOOD, f"{STOOD}}}\n"),
    "less than most of a block": (
        " a\n-send(ctx);\n-more(ctx);\n-most(ctx);\n b",
        STOOD,
        f"{STOOD}send(ctx);\n",
    ),
    "only part of a longer line": (" a\n-send(ctx);\n b", STOOD, f"{STOOD}x = send(ctx);\n"),
    "what is no text": (" a\n-send(ctx);\n b", STOOD, f"{STOOD}send(ctx);\n\0"),
}


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_what_upstream_did_not_move_is_not_found(case: tuple[str, str, str]) -> None:
    """Each case is close to one that moved."""
    assert found(*case) is None


def test_a_submodule_holds_no_line() -> None:
    """It is never read."""
    assert found(" a\n-send(ctx);\n b", STOOD, f"{STOOD}send(ctx);\n", mode=SUBMODULE) is None


def test_most_of_a_block_is_enough() -> None:
    """Three of four lines of it stand elsewhere."""
    hunk = " a\n-one(ctx);\n-two(ctx);\n-three(ctx);\n-four(ctx);\n b"
    assert found(hunk, STOOD, f"{STOOD}one(ctx);\ntwo(ctx);\nthree(ctx);\n") is not None
