"""Which rung answers first. Cheap and certain evidence comes before far-fetched; what is whole before what is pieced.

A place is looked at as it is, then line by line (each changed line beside the one that it was, white space aside), then
by looser rules. What no rung answers stays open, for a person.
"""

from collections.abc import Sequence
from dataclasses import replace

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
    wrapped,
)
from forkkeeper.core.ladder.rung import GOES_ON, Answer, Rung, Trust
from forkkeeper.core.lines import Edit, ended
from forkkeeper.core.threeway import Place, Sure

_WHOLE: Sequence[Rung] = (present.resolve, union.resolve, counters.resolve, spacing.resolve, wrapped.resolve)
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
    answer = _first(_WHOLE, place) or small or line_by_line(place) or _first(_LOOSE, place)
    lines = ended(answer.lines, is_last=not place.after) if answer else ()
    if answer is None or lines == answer.lines:
        return answer
    return replace(answer, lines=lines, why=f"{answer.why}; {GOES_ON}")


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
    whole = replace(place, our_edits=mine, their_edits=their)
    twice = [line for piece in pieces if isinstance(piece, Sure) and piece.is_agreed for line in piece.lines]
    doubt = union.once(twice) if _inserts_more(mine, their) and _inserts_more(their, mine) else ""
    if not answers:
        answers = [touching.answer(tuple(made), whole)]
        made = list(answers[0].lines)
    lost = touching.stood_beside_removed(mine, their)
    trust = Trust.GUESS if lost or doubt or any(answer.trust is Trust.GUESS for answer in answers) else Trust.LIKELY
    rules = dict.fromkeys(name for answer in answers for name in answer.rule.split("+"))
    lines = ended(tuple(made), is_last=not place.after)
    said = "; ".join(dict.fromkeys(answer.why for answer in answers))
    said = f"{said}; but {doubt}" if doubt and doubt not in said else said
    return Answer("+".join(rules), lines, said if lines == tuple(made) else f"{said}; {GOES_ON}", trust)


def _inserts_more(edits: Sequence[Edit], others: Sequence[Edit]) -> bool:
    """Whether a side inserts lines that the other does not."""
    return any(edit not in others and len(edit.lines) > edit.end - edit.start for edit in edits)


def _with_surroundings(whole: Place, pieces: Sequence[threeway.Piece], number: int, piece: Place) -> Place:
    """Tell a place in a place what stands around it."""
    before = [line for one in pieces[:number] for line in (one.lines if isinstance(one, Sure) else one.ours)]
    after = [line for one in pieces[number + 1 :] for line in (one.lines if isinstance(one, Sure) else one.ours)]
    around = piece.within((*whole.before, *before), (*after, *whole.after))
    return replace(around, agreed=(*around.agreed, *whole.agreed))
