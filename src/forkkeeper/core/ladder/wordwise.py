"""*words*: both sides change one line, in different words: each word is merged by itself.

Holds when the changed words of the two sides neither overlap nor touch.
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
    twice = _more_often(seen, words.tokens(place.ours))
    if twice:
        why = f"both sides change these lines, in different words; but upstream has {twice} more often now"
        return Answer(RULE, words.lines_of(merged), why, Trust.GUESS)
    kept = 1 - sum(edit.end - edit.start for edit in seen.ours) / max(len(seen.base), 1)
    trust = Trust.LIKELY if kept >= _ALIKE else Trust.GUESS
    return Answer(RULE, words.lines_of(merged), "both sides change these lines, in different words", trust)


def _more_often(seen: words.Words, ours: Lines) -> str:
    """Give a name that the patch takes away, and that upstream's lines have more often than they had."""
    before, now = words.bare(seen.base), words.bare(ours)
    gone = (token for edit in seen.theirs for token in before[edit.start : edit.end] if words.is_name(token))
    return next((name.decode("utf-8", "replace") for name in gone if now.count(name) > before.count(name)), "")


_ALIKE = 0.5
