"""Three versions of a file for the merge and its ladder: as text in, as text out."""

from collections.abc import Callable
from dataclasses import dataclass

from forkkeeper.core import lines, threeway
from forkkeeper.core.ladder.rung import Answer, Rung
from forkkeeper.core.lines import Lines
from forkkeeper.core.threeway import Piece, Place, Sure


def split(text: str) -> Lines:
    """Give a text's lines."""
    return lines.split(text.encode())


def pieces(base: Lines, ours: Lines, theirs: Lines, *, closely: bool = False) -> tuple[Piece, ...]:
    """Merge three versions."""
    mine, their = lines.edits_between(base, ours), lines.edits_between(base, theirs)
    return threeway.merge(base, mine, their, closely=closely)


def places(base: Lines, ours: Lines, theirs: Lines) -> list[Place]:
    """Give the places that a merge leaves open."""
    return [piece for piece in pieces(base, ours, theirs) if isinstance(piece, Place)]


def settled(found: tuple[Piece, ...], answer: Callable[[Place], Lines]) -> Lines:
    """Put a merge's pieces together."""
    return tuple(line for piece in found for line in (piece.lines if isinstance(piece, Sure) else answer(piece)))


@dataclass(frozen=True)
class Case:
    """Three versions of a file. made -- what the rule makes of them; of a case in which it is silent, nothing."""

    base: str
    ours: str
    theirs: str
    made: str = ""

    @property
    def place(self) -> Place:
        """Give the one place that git's merge leaves open."""
        (found,) = self.places
        return found

    @property
    def places(self) -> list[Place]:
        """Give the places that git's merge leaves open."""
        return places(split(self.base), split(self.ours), split(self.theirs))

    def result(self, rung: Rung) -> tuple[Answer, str] | None:
        """Give what a rung answers, and the whole file with it."""
        answer = rung(self.place)
        if answer is None:
            return None
        whole = settled(pieces(split(self.base), split(self.ours), split(self.theirs)), lambda _: answer.lines)
        return answer, b"".join(whole).decode()


def holds(case: Case, rung: Rung, rule: str) -> Answer:
    """Hold a rung to a case that it must answer by its rule, and give the answer."""
    found = case.result(rung)
    assert found is not None, "the rung is silent"
    answer, made = found
    assert made == case.made
    assert answer.rule == rule
    assert answer.why
    return answer
