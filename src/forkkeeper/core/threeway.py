"""A three-way merge by lines, that says where it stops: pieces that are sure, and places that both sides changed.

base is the file before the patch on the old pin, ours the file on the new pin, theirs the file after the patch on the
old pin. Edits that overlap or touch make a place together, as git has it; the ladder (`core/ladder/`) goes on from
there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core.lines import Edit, Lines, apply

AROUND = 6  # lines around a place that are given along
_NEAR = 40  # lines between a place and one that both sides insert alike, which may belong to it


@dataclass(frozen=True, slots=True)
class Sure:
    """Lines that are certain.

    is_patched -- whether the patch had a part in them
    is_agreed -- whether both sides insert them alike, so that they stand there once
    """

    lines: Lines
    is_patched: bool = False
    is_agreed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A region that upstream and the patch both changed.

    at -- the first line of it in base; line -- in our side's file; both from 0
    base, ours, theirs -- its lines as they were, as upstream has them, as the patch has them
    our_edits, their_edits -- how, counted in `base`
    before, after -- the lines around it, as upstream has them; none where the file begins or ends
    agreed -- lines that both sides insert alike near it, which stand there once: each may need its own
    """

    at: int
    line: int
    base: Lines
    ours: Lines
    theirs: Lines
    our_edits: tuple[Edit, ...]
    their_edits: tuple[Edit, ...]
    before: Lines = ()
    after: Lines = ()
    agreed: Lines = ()

    def within(self, before: Lines, after: Lines) -> "Place":
        """Give the same place with what stands around it, cut to a few lines."""
        return replace(self, before=before[-AROUND:], after=after[:AROUND])


Piece = Sure | Place


def merge(base: Lines, ours: Sequence[Edit], theirs: Sequence[Edit], *, closely: bool = False) -> tuple[Piece, ...]:
    """Merge two versions of a file, given as edits of the version that both come from.

    closely -- only edits that overlap, or insert at one spot, make a place; those that merely touch are both made
    """
    pieces: list[Piece] = []
    at = line = 0
    groups = _groups(ours, theirs, closely=closely)
    for group in groups if closely else _wraps(groups):
        start, end = min(edit.start for _, edit in group), max(edit.end for _, edit in group)
        pieces.append(Sure(base[at:start]))
        line += start - at
        region = base[start:end]
        mine, their = (_moved([edit for side, edit in group if side == which], start) for which in (0, 1))
        our_lines = apply(region, mine)
        their_lines = apply(region, their)
        if not their or our_lines == their_lines:
            pieces.append(Sure(our_lines, is_agreed=_inserts(mine) and _inserts(their)))
        elif not mine:
            pieces.append(Sure(their_lines, is_patched=True))
        else:
            pieces.append(Place(start, line, region, our_lines, their_lines, mine, their))
        line += len(our_lines)
        at = end
    pieces.append(Sure(base[at:]))
    found = tuple(piece for piece in pieces if isinstance(piece, Place) or piece.lines or piece.is_patched)
    return tuple(_surrounded(found, number, piece) for number, piece in enumerate(found))


def _surrounded(pieces: Sequence[Piece], number: int, piece: Piece) -> Piece:
    if isinstance(piece, Sure):
        return piece
    before = pieces[number - 1] if number else Sure(())
    after = pieces[number + 1] if number + 1 < len(pieces) else Sure(())
    around = piece.within(*(one.lines if isinstance(one, Sure) else one.ours for one in (before, after)))
    agreed = (*_agreed(reversed(pieces[:number])), *_agreed(pieces[number + 1 :]))
    return replace(around, agreed=agreed)


def _inserts(edits: Sequence[Edit]) -> bool:
    """Whether a side inserts something there that is not blank, and takes nothing away."""
    return bool(edits) and all(edit.start == edit.end and any(map(bytes.strip, edit.lines)) for edit in edits)


def _agreed(pieces: Iterable[Piece]) -> Lines:
    """Give the lines that both sides insert alike in the pieces nearest to a place."""
    found: list[bytes] = []
    between = 0
    for piece in pieces:
        if between > _NEAR:
            break
        if isinstance(piece, Sure) and piece.is_agreed:
            found += piece.lines
        else:
            between += len(piece.lines if isinstance(piece, Sure) else piece.ours)
    return tuple(found)


def _moved(edits: Sequence[Edit], by: int) -> tuple[Edit, ...]:
    return tuple(Edit(edit.start - by, edit.end - by, edit.lines) for edit in edits)


def _groups(ours: Sequence[Edit], theirs: Sequence[Edit], *, closely: bool) -> list[list[tuple[int, Edit]]]:
    """Put together the edits that overlap or touch."""
    found: list[list[tuple[int, Edit]]] = []
    span = Edit(-1, -1, ())
    both = [*((0, edit) for edit in ours), *((1, edit) for edit in theirs)]
    for side, edit in sorted(both, key=lambda one: (one[1].start, one[1].end, one[0])):
        if found and (overlap(span, edit) if closely else edit.start <= span.end):
            found[-1].append((side, edit))
            span = Edit(span.start, max(span.end, edit.end), ())
        else:
            found.append([(side, edit)])
            span = edit
    return found


def _wraps(groups: Sequence[Sequence[tuple[int, Edit]]]) -> list[list[tuple[int, Edit]]]:
    """Put together what may be two blocks around the same lines: insertions that differ, and soon alike ones."""
    found: list[list[tuple[int, Edit]]] = []
    for group in groups:
        last = found[-1] if found else []
        if _is_alike(group) is True and _is_alike(last) is False and group[0][1].start - last[-1][1].end <= _SHORT:
            found[-1] = [*last, *group]
        else:
            found.append(list(group))
    return found


def _is_alike(group: Sequence[tuple[int, Edit]]) -> bool | None:
    """Whether both sides only insert, at one spot, the same lines; None where they do anything else."""
    sides = {side for side, _ in group}
    if sides != {0, 1} or not _inserts([edit for _, edit in group]) or len(group) != len(sides):
        return None
    return group[0][1].lines == group[1][1].lines


_SHORT = 12  # lines that two such blocks hold


def overlap(one: Edit, other: Edit) -> bool:
    """Whether two edits change a line that both have, or insert at one spot, or one inside the other."""
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    if one.start == one.end or other.start == other.end:
        point, span = (one, other) if one.start == one.end else (other, one)
        return span.start < point.start < span.end
    return one.start < other.end and other.start < one.end
