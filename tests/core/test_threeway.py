"""The merge by lines: what one side changed is that side's, what both changed is a place, and nothing is lost."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from merging import pieces, places, settled, split
from world import git

from forkkeeper.core import lines, threeway
from forkkeeper.core.ids import TreeId
from forkkeeper.core.lines import Edit, Lines
from forkkeeper.core.store import Entry, Marked, Refused, Sides, Written
from forkkeeper.core.threeway import Place, Sure
from forkkeeper.shell.git import Scratch

TEXT = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"\n"]), max_size=10).map(tuple)


@given(TEXT, TEXT)
def test_with_no_edits_of_one_side_it_is_the_other_side(base: Lines, other: Lines) -> None:
    """Nothing is left open, and the result is the changed version, whichever side changed it."""
    for ours, theirs in ((base, other), (other, base), (other, other)):
        found = pieces(base, ours, theirs)
        assert all(isinstance(piece, Sure) for piece in found)
        assert settled(found, lambda place: place.ours) == other


@given(TEXT, TEXT, TEXT, st.booleans())
def test_the_pieces_hold_every_version(base: Lines, ours: Lines, theirs: Lines, closely: bool) -> None:
    """With upstream's lines in each place no line of upstream's is lost, and likewise with the patch's."""
    found = pieces(base, ours, theirs, closely=closely)
    for piece in found:
        if isinstance(piece, Place):
            assert lines.apply(piece.base, piece.our_edits) == piece.ours
            assert lines.apply(piece.base, piece.their_edits) == piece.theirs
            assert ours[piece.line : piece.line + len(piece.ours)] == piece.ours or not _is_plain(found)
            assert base[piece.at : piece.at + len(piece.base)] == piece.base
    added = [line for edit in lines.edits_between(base, theirs) for line in edit.lines]
    made = settled(found, lambda place: (*place.ours, *place.theirs))
    assert all(line in made for line in added)


def _is_plain(found: tuple[threeway.Piece, ...]) -> bool:
    """Whether the patch had a part in places alone, so that the other pieces are upstream's file."""
    return not any(isinstance(piece, Sure) and piece.is_patched for piece in found)


def test_edits_that_touch_are_a_place_unless_looked_at_closely() -> None:
    """Neighbouring lines are a place as git has it; closely only lines that both change, or one spot, are."""
    base, ours, theirs = split("a\nb\nc\n"), split("a\nB\nc\n"), split("a\nb\nC\n")
    (place,) = places(base, ours, theirs)
    assert (place.at, place.base, place.ours, place.theirs) == (1, base[1:], ours[1:], theirs[1:])
    assert (place.before, place.after) == ((b"a\n",), ())
    assert settled(pieces(base, ours, theirs, closely=True), lambda _: ()) == split("a\nB\nC\n")


def test_a_place_knows_where_it_stands_in_upstreams_file() -> None:
    """Its line is counted with what upstream added before it; what the patch added there does not count."""
    base = split("a\nb\nc\nd\ne\nf\n")
    (place,) = places(base, split("new\na\nb\nc\nd\nE\nf\n"), split("a\nb\nmine\nc\nd\nee\nf\n"))
    assert (place.at, place.line) == (4, 5)


def test_what_both_changed_alike_is_sure() -> None:
    """The same edit on both sides is taken once."""
    assert settled(pieces(split("a\nb\n"), split("a\nB\n"), split("a\nB\n")), lambda _: ()) == split("a\nB\n")


@pytest.mark.parametrize(
    ("one", "other", "is_overlap"),
    [
        (Edit(1, 3, ()), Edit(2, 4, ()), True),
        (Edit(1, 2, ()), Edit(2, 3, ()), False),
        (Edit(2, 2, ()), Edit(2, 2, ()), True),
        (Edit(2, 2, ()), Edit(1, 3, ()), True),
        (Edit(1, 1, ()), Edit(1, 3, ()), False),
        (Edit(3, 3, ()), Edit(1, 3, ()), False),
        (Edit(1, 1, ()), Edit(2, 2, ()), False),
    ],
)
def test_when_edits_overlap(one: Edit, other: Edit, is_overlap: bool) -> None:
    """A line that both change, one spot, or an insertion into what the other rewrites; the order does not matter."""
    assert threeway.overlap(one, other) is is_overlap
    assert threeway.overlap(other, one) is is_overlap


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, TEXT, TEXT)
def test_what_it_calls_sure_is_what_git_merges(tmp_path: Path, base: Lines, ours: Lines, theirs: Lines) -> None:
    """With git's own alignment the sure results are git's, and where it leaves a place open git stops, too."""
    if not (tmp_path / "objects").is_dir():
        git(tmp_path, "init", "--quiet", "--bare")
    with Scratch([tmp_path / "objects"]) as store:
        blobs = [store.put(b"".join(version)) for version in (base, ours, theirs)]
        empty = TreeId("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        trees = [store.graft(empty, {"f": Entry("100644", blob)}) for blob in blobs]
        mine, their = store.alignments([(blobs[0], blobs[1]), (blobs[0], blobs[2])])
        found = threeway.merge(base, mine, their)
        judged = store.merge(*trees)
        if isinstance(judged, Written):
            made = b"".join(settled(found, lambda place: place.ours))
            assert [piece for piece in found if isinstance(piece, Place)] or store.blob(
                store.entries(judged.tree)["f"].oid
            ) == made
        else:
            assert isinstance(judged, Refused)
            assert any(isinstance(piece, Place) for piece in found)


CODE = (b"}\n", b"{\n", b"\n", b"    x = 1;\n", b"#endif\n", b"call(a);\n", b"\ttext\r\n", b"end")


def _drawn(dice: Random) -> list[bytes]:
    """Draw a file of lines that repeat, and two newer versions of it in which most stays."""
    base = dice.choices(CODE, k=dice.randint(1, 10))
    versions = [base, list(base), list(base)]
    for version in versions[1:]:
        for _ in range(dice.randint(1, 3)):
            at = dice.randint(0, len(version))
            version[at : at + dice.randint(0, 2)] = dice.choices(CODE, k=dice.randint(0, 3))
    return [b"".join(version) for version in versions]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ladder_stands_where_git_stops(tmp_path: Path, seed: int) -> None:
    """Exactly where git's merge of a file stops there is a place to answer; all else is merged to the same bytes."""
    git(tmp_path, "init", "--quiet", "--bare")
    dice = Random(seed)  # noqa: S311 -- no secret, but the same files each time
    files = [_drawn(dice) for _ in range(1500)]
    with Scratch([tmp_path / "objects"]) as store:
        sides = [Sides(*(store.put(version) for version in versions)) for versions in files]
        pairs = [pair for one in sides for pair in ((one.base, one.ours), (one.base, one.theirs))]
        aligned = iter(store.alignments(pairs))
        for (base, _, _), merged in zip(files, store.merge_files(sides), strict=True):
            found = threeway.merge(lines.split(base), next(aligned), next(aligned))
            assert isinstance(merged, Marked) == any(isinstance(piece, Place) for piece in found)
            if not isinstance(merged, Marked):
                assert store.blob(merged) == b"".join(settled(found, lambda place: place.ours))
