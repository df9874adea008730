"""*words*: both sides change one line, in different words: each word is merged by itself.

Holds when the changed words of the two sides neither overlap nor touch. Where both changed the white space before a
word, upstream's stays, and that is said; at the beginning of a line it makes the answer a guess, as there it may mean
something.
"""

from forkkeeper.core.ladder import words
from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Lines
from forkkeeper.core.threeway import Place

RULE = "words"


def resolve(place: Place) -> Answer | None:
    """Merge a place word by word."""
    seen = words.look(place)
    if seen is None or any(isinstance(piece, Place) for piece in seen.pieces):
        return None
    merged = tuple(token for piece in seen.pieces if not isinstance(piece, Place) for token in piece.lines)
    made = words.lines_of(merged)
    why = f"{_what(seen)}; where both changed white space, upstream's stays" if seen.respaced else _what(seen)
    twice = _more_often(seen, words.tokens(place.ours))
    if twice:
        return Answer(RULE, made, f"{why}; but upstream has {twice} more often now", Trust.GUESS)
    kept = 1 - sum(edit.end - edit.start for edit in seen.ours) / max(len(seen.base), 1)
    is_likely = kept >= _ALIKE and not seen.moved and (seen.theirs or not seen.respaced)
    return Answer(RULE, made, why, Trust.LIKELY if is_likely else Trust.GUESS)


def _what(seen: words.Words) -> str:
    """Say what both sides did."""
    sides = "".join(name for name, edits in (("ours", seen.ours), ("theirs", seen.theirs)) if edits)
    return _WHAT[sides]


_WHAT = {
    "ourstheirs": "both sides change these lines, in different words",
    "ours": "the patch changes only white space here",
    "theirs": "upstream changed only white space here",
    "": "both sides changed only white space here",
}


def _more_often(seen: words.Words, ours: Lines) -> str:
    """Give a name that the patch takes away, and that upstream's lines have more often than they had."""
    before, now = words.bare(seen.base), words.bare(ours)
    gone = (token for edit in seen.theirs for token in before[edit.start : edit.end] if words.is_name(token))
    return next((name.decode("utf-8", "replace") for name in gone if now.count(name) > before.count(name)), "")


_ALIKE = 0.5
