"""Which rung answers first. Cheap and certain evidence comes before far-fetched; what is whole before what is pieced.

A place is looked at as it is, then line by line (each changed line beside the one that it was, white space aside), then
by looser rules. What no rung answers stays open, for a person.
"""

from collections.abc import Sequence

from forkkeeper.core import threeway
from forkkeeper.core.ladder import (
    alike,
    counters,
    present,
    removed,
    replaced,
    signature,
    spacing,
    touching,
    union,
    wordwise,
)
from forkkeeper.core.ladder.rung import Answer, Rung, Trust
from forkkeeper.core.threeway import Place, Sure

_WHOLE: Sequence[Rung] = (present.resolve, union.resolve, counters.resolve, spacing.resolve)
_LINE: Sequence[Rung] = (
    *_WHOLE,
    removed.resolve,
    wordwise.resolve,
    signature.resolve,
    replaced.resolve,
)
_WORDS: Sequence[Rung] = (wordwise.resolve, signature.resolve)
_SMALL = 3  # lines of the base up to which words are looked at before lines
_LOOSE: Sequence[Rung] = (replaced.resolve, touching.resolve, wordwise.resolve, signature.resolve)


def climb(place: Place) -> Answer | None:
    """Give the first answer of the ladder, or None."""
    small = _first(_WORDS, place) if len(place.base) <= _SMALL else None
    return _first(_WHOLE, place) or small or line_by_line(place) or _first(_LOOSE, place)


def _first(rungs: Sequence[Rung], place: Place) -> Answer | None:
    return next((answer for rung in rungs if (answer := rung(place)) is not None), None)


def line_by_line(place: Place) -> Answer | None:
    """Merge a place with every changed line beside the one that it was, and climb for the lines that both changed."""
    mine, their = alike.edits(place.base, place.ours), alike.edits(place.base, place.theirs)
    if mine is None or their is None:
        return None
    pieces = threeway.merge(place.base, mine, their, closely=True)
    answers: list[Answer] = []
    made: list[bytes] = []
    for number, piece in enumerate(pieces):
        if isinstance(piece, Sure):
            made += piece.lines
            continue
        answer = _first(_LINE, _with_surroundings(place, pieces, number, piece))
        if answer is None:
            return None
        answers.append(answer)
        made += answer.lines
    if not answers:
        return touching.answer(tuple(made), mine, their)
    lost = touching.stood_beside_removed(mine, their)
    trust = Trust.GUESS if lost or any(answer.trust is Trust.GUESS for answer in answers) else Trust.LIKELY
    rules = dict.fromkeys(name for answer in answers for name in answer.rule.split("+"))
    return Answer("+".join(rules), tuple(made), "; ".join(dict.fromkeys(answer.why for answer in answers)), trust)


def _with_surroundings(whole: Place, pieces: Sequence[threeway.Piece], number: int, piece: Place) -> Place:
    """Tell a place in a place what stands around it."""
    before = [line for one in pieces[:number] for line in (one.lines if isinstance(one, Sure) else one.ours)]
    after = [line for one in pieces[number + 1 :] for line in (one.lines if isinstance(one, Sure) else one.ours)]
    return piece.within((*whole.before, *before), (*after, *whole.after))
