"""A queue in another order, without a patch, or with one that does something else: on trees, in memory.

Each patch whose place moves is merged three ways onto what then stands before it. One that does not merge is named with
the places where it stops, and left out; nothing here decides for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import moves
from forkkeeper.core.compose import Applied
from forkkeeper.core.ids import TreeId
from forkkeeper.core.mail import Patch, statless
from forkkeeper.core.store import Refused, Store, Written


@dataclass(frozen=True, slots=True)
class Piece:
    """A patch and what it is to do.

    before, after -- the trees between which it stands
    stood -- those for which the bytes of the patch are right
    """

    patch: Patch
    before: TreeId
    after: TreeId
    stood: tuple[TreeId, TreeId]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A patch that has no place any more. places -- `file:line` of each hunk that does not fit, as far as known."""

    patch: Patch
    why: str
    places: tuple[str, ...]

    @property
    def said(self) -> str:
        """The patch, where, and why."""
        where = f" ({', '.join(self.places)})" if self.places else ""
        return f"{self.patch.title}{where}: {self.why}"


@dataclass(frozen=True, slots=True)
class Restacked:
    """Patches one upon the other, and those that found no place."""

    pieces: tuple[Piece, ...]
    tree: TreeId
    stopped: tuple[Stopped, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A move that is not possible: the patch that is in the way, and why."""

    by: Patch
    stopped: Stopped


def pieces(steps: Sequence[Applied]) -> tuple[Piece, ...]:
    """Give a composed queue as pieces."""
    return tuple(Piece(step.patch, step.before, step.after, (step.before, step.after)) for step in steps)


def restack(store: Store, base: TreeId, wanted: Sequence[Piece]) -> Restacked:
    """Put patches one upon the other from a tree on; one that stops is left out, and the later ones go on."""
    made: list[Piece] = []
    stopped: list[Stopped] = []
    tree = base
    for piece in wanted:
        answer = store.merge(piece.before, tree, piece.after)
        match answer:
            case Refused(paths=paths, why=why, places=found):
                where = tuple(dict.fromkeys(f"{one.path}:{one.line}" for one in found)) or paths
                stopped.append(Stopped(piece.patch, why, where))
            case Written(tree=after) if after == tree:
                stopped.append(Stopped(piece.patch, "nothing of it is left", piece.patch.paths))
            case Written(tree=after):
                made.append(replace(piece, before=tree, after=after))
                tree = after
    return Restacked(tuple(made), tree, tuple(stopped))


def move(store: Store, order: Sequence[Piece], start: int, end: int) -> tuple[Piece, ...] | Blocked:
    """Bring a patch from a place to another, past one neighbour after the other; the whole stays the same tree."""
    line = list(order)
    step = 1 if end > start else -1
    for at in range(start, end, step):
        low, high = sorted((at, at + step))
        first, second = line[low], line[high]
        again = restack(store, first.before, (second, first))
        if again.stopped or again.tree != second.after:
            neighbour = line[at + step].patch
            why = f"with {neighbour.title} on the other side of it the fork would not stay the same"
            other = Stopped(line[at].patch, why, line[at].patch.paths)
            return Blocked(neighbour, again.stopped[0] if again.stopped else other)
        line[low], line[high] = again.pieces
    return tuple(line)


def written(store: Store, made: Sequence[Piece]) -> tuple[Patch, ...]:
    """Give the patches with diffs that are right where they stand; a diff that says the same keeps its bytes."""
    moved = [
        piece
        for piece in made
        if (piece.before, piece.after) != piece.stood
        and not moves.still_says(store, piece.patch, piece.before, piece.after)
    ]
    now = store.diffs([(piece.before, piece.after) for piece in moved])
    was = store.diffs([piece.stood for piece in moved])
    fresh = {piece.patch.name: new for piece, new, old in zip(moved, now, was, strict=True) if new != old}
    return tuple(
        renewed(piece.patch, fresh[piece.patch.name]) if piece.patch.name in fresh else piece.patch for piece in made
    )


def renewed(patch: Patch, diff: bytes) -> Patch:
    """Give a patch with another diff, and without the diffstat of the one before."""
    return replace(patch.with_diff(diff), head=statless(patch.head))
