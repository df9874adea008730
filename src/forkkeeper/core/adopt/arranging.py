"""How a tree is made of its pin: what stands elsewhere, what is held at another version, what is the fork's own."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from forkkeeper.core.adopt.nearest import Base, Finding
from forkkeeper.core.store import Entry

_Rank = tuple[bool, bool, bool, int]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The parts of an adopted fork, each by path in the tree, ordered.

    sources -- the path at the pin that a file follows
    held -- files whose base is another version than the pin's, with that version
    brought -- files that no path of the pin is left for, with the version that they are made of
    own -- files that go into the overlay
    """

    sources: Mapping[str, str]
    held: Mapping[str, Entry]
    brought: Mapping[str, Entry]
    own: tuple[str, ...]

    @property
    def moves(self) -> dict[str, str]:
        """The files that stand elsewhere than at the pin: path there → path in the tree."""
        return {source: path for path, source in self.sources.items() if source != path}


def arrange(findings: Mapping[str, Finding], pin: Mapping[str, Entry]) -> Arrangement:
    """Give each path of the pin to the one file that follows it; what is left without is brought, or the fork's own.

    A piece of a file that another one follows has no version that it could be held at: it is the fork's own.
    """
    claims: dict[str, list[tuple[_Rank, str]]] = {}
    for path, base in findings.items():
        if isinstance(base, Base) and base.here is not None and base.here.path in pin:
            source = base.here.path
            claims.setdefault(source, []).append((_rank(path, source, base), path))
    sources = {min(some)[1]: source for source, some in claims.items()}
    held, brought, own = {}, {}, []
    for path, base in sorted(findings.items()):
        if not isinstance(base, Base):
            own.append(path)
            continue
        entry = Entry(base.version.mode, base.version.blob)
        if path not in sources and base.is_piece:
            own.append(path)
        elif path not in sources:
            brought[path] = entry
        elif pin[sources[path]].oid != entry.oid and all(pin[sources[path]].oid != one.blob for one in base.equal):
            held[path] = entry
    return Arrangement(dict(sorted(sources.items())), held, brought, tuple(own))


def _rank(path: str, source: str, base: Base) -> _Rank:
    """Say how well a file follows a path of the pin: by its path, as a whole, by its folder's name, by its lines."""
    folders = [posixpath.basename(posixpath.dirname(one)) for one in (path, source)]
    return path != source, base.is_piece, folders[0] != folders[1], base.added + base.removed
