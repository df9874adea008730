"""*signature*: both sides add an argument, or a condition, at one spot: both stay, upstream's first.

Holds when, word by word, the two sides touch only in insertions at one spot, and each insertion is whole: an argument
that brings its own comma or stands alone between the brackets, or a condition that both join by the same `&&` or `||`.
"""

from forkkeeper.core.ladder import words
from forkkeeper.core.ladder.rung import Answer
from forkkeeper.core.lines import Lines
from forkkeeper.core.threeway import Place

RULE = "signature"
_OPEN = ((b"(",), (b"[",), (b"{",), (b"<",))
_CLOSED = ((b")",), (b"]",), (b"}",), (b">",))
_OPERATORS = ((b"&", b"&"), (b"|", b"|"))
_BRACKETS = (b"(", b"[", b"{"), (b")", b"]", b"}")


def resolve(place: Place) -> Answer | None:
    """Keep both."""
    seen = words.look(place)
    if seen is None or not any(isinstance(piece, Place) for piece in seen.pieces):
        return None
    made: list[bytes] = []
    for piece in seen.pieces:
        if not isinstance(piece, Place):
            made += piece.lines
            continue
        both = _both(tuple(made), piece, piece.after[:1])
        if both is None:
            return None
        made += both
    return Answer(RULE, words.lines_of(tuple(made)), "both sides add an argument or a condition at one spot")


def _both(before: Lines, piece: Place, after: Lines) -> Lines | None:
    if piece.base or not _is_balanced(piece.ours) or not _is_balanced(piece.theirs):
        return None
    mine, their = words.bare(piece.ours), words.bare(piece.theirs)
    if not mine or not their or b";" in (*mine, *their):
        return None
    if mine[0] == their[0] == b"," or mine[:2] == their[:2] in _OPERATORS:
        return (*piece.ours, *piece.theirs)
    if mine[-1] == their[-1] == b",":  # the patch's first word stands behind a comma, as the next one does
        return (*piece.ours, b"".join(map(words.space, after)) + piece.theirs[0].lstrip(), *piece.theirs[1:])
    if words.bare(before[-1:]) in _OPEN and words.bare(after) in _CLOSED:
        return (*piece.ours, b",", b" " + piece.theirs[0].lstrip(), *piece.theirs[1:])
    return None


def _is_balanced(side: Lines) -> bool:
    depth = 0
    for token in words.bare(side):
        depth += (token in _BRACKETS[0]) - (token in _BRACKETS[1])
        if depth < 0:
            return False
    return depth == 0
