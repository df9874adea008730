"""What a rung of the ladder is given, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core.lines import Lines
from forkkeeper.core.threeway import Place


class Trust(Enum):
    """How far an answer is to be trusted. Both are for a person to see; nothing beyond git's merge is silent."""

    LIKELY = "likely"  # saved when the person accepts the row
    GUESS = "guess"  # only proposed: the patch is still clashed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rung makes of a place.

    lines -- what stands there then
    why -- the evidence, for the person: what was found, in one sentence
    """

    rule: str
    lines: Lines
    why: str
    trust: Trust = Trust.LIKELY


GOES_ON = "the line that ended the file goes on with a line end now"  # said where a rung sets that right

Rung = Callable[[Place], Answer | None]
"""A resolver: a pure function that answers when its preconditions hold, and is silent otherwise."""
