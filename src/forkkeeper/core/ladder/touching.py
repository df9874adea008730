"""*touching*: the two sides change neighbouring lines, none of them the same. Both changes are made, in their order.

Git stops there, as lines that stand together often belong together. Holds when no edit overlaps another, and upstream
changed its lines rather than taking them away: beside lines that are gone, nobody knows what an addition is for. A line
without a line end, as a file's last may be, gets one where the other side goes on behind it, which is said.
"""

from collections.abc import Sequence

from forkkeeper.core.ladder.rung import GOES_ON, Answer, Trust
from forkkeeper.core.lines import Edit, Lines, apply, ended
from forkkeeper.core.threeway import Place, overlap

RULE = "touching"
WHY = "upstream and the patch change neighbouring lines, none of them the same"


def resolve(place: Place) -> Answer | None:
    """Make both sides' edits, where none overlaps another."""
    if any(overlap(one, other) for one in place.our_edits for other in place.their_edits):
        return None
    both = sorted((*place.our_edits, *place.their_edits), key=lambda edit: (edit.start, edit.end))
    return answer(apply(place.base, both), place)


def answer(made: Lines, place: Place) -> Answer:
    """Give the answer for lines in which both sides' edits were made."""
    whole = ended(made, is_last=not place.after)
    why = WHY if whole == made else f"{WHY}; {GOES_ON}"
    if stood_beside_removed(place.our_edits, place.their_edits):
        return Answer(RULE, whole, f"{why}; but upstream took away lines that stood beside the patch's", Trust.GUESS)
    return Answer(RULE, whole, why)


def stood_beside_removed(ours: Sequence[Edit], theirs: Sequence[Edit]) -> bool:
    """Whether upstream took away lines beside which the patch inserts."""
    gone = [edit for edit in ours if edit.end > edit.start and not edit.lines]
    gone += [edit for edit in ours if edit.end - edit.start > _FEW and len(edit.lines) < (edit.end - edit.start) / 2]
    inserted = [edit for edit in theirs if edit.start == edit.end]
    return any(one.start <= edit.start <= one.end for one in gone for edit in inserted)


_FEW = 3  # lines that may be rewritten into fewer without being taken away
