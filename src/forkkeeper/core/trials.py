"""Carrying parts of a queue to many upstream trees: what the searches over upstream's commits are made of.

A trial is the carry itself (`carry.carry`), so whatever a carry resolves stops nobody here either. It is cheap because
it is made on small trees: only the files that the patches touch, laid on the empty tree, and each state of those files
is tried once, in however many commits it stands.

What a small tree cannot show is a change of upstream's to *other* files that decides a merge, such as a folder renamed
as a whole. Who searches therefore compares the ends with what the whole trees gave, and takes whole trees where they
differ (`Part.paths` is None).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forkkeeper.core import carry, compose, policy
from forkkeeper.core.compose import Applied, Baseline, Step
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.ids import EMPTY_TREE, TreeId
from forkkeeper.core.store import Entries, Entry, Store
from forkkeeper.core.verdict import Row

MOST_SEARCHES = (
    64  # for files that are gone, each over a whole tree; then they stay gone where they are not known to be
)


@dataclass(frozen=True, slots=True)
class Stood:
    """A queue on the pin that it stands on: the pin's baseline, the queue stacked on it, and the path policy."""

    baseline: Baseline
    steps: tuple[Step, ...]
    rules: tuple[PathRule, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some patches of a queue, in its order. paths -- the files that they touch; None: the whole trees are taken."""

    steps: tuple[Applied, ...]
    paths: tuple[str, ...] | None

    @property
    def names(self) -> tuple[str, ...]:
        """The patches' file names, in order."""
        return tuple(step.patch.name for step in self.steps)


def touched(step: Step) -> set[str]:
    """Give the paths that a patch touches, before and after it."""
    changed = {change.path for change in step.changes} if isinstance(step, Applied) else set()
    return changed | set(step.patch.paths)


def up_to(steps: Sequence[Step], name: str, *, whole: bool = False) -> Part | None:
    """Give one patch with those before it that it may build on; None for one that does not apply where it stands.

    Those that touch a file that it touches, those that touch a file that one of these touches, and so on.
    whole -- take whole trees, and so all patches before it
    """
    at = next(number for number, step in enumerate(steps) if step.patch.name == name)
    last = steps[at]
    if not isinstance(last, Applied):
        return None
    before = [step for step in steps[:at] if isinstance(step, Applied)]
    if whole:
        return Part((*before, last), None)
    taken, paths = [last], touched(last)
    for step in reversed(before):
        if not paths.isdisjoint(mine := touched(step)):
            taken.insert(0, step)
            paths |= mine
    return Part(tuple(taken), tuple(sorted(paths)))


def parts(steps: Sequence[Step]) -> tuple[Part, ...]:
    """Divide a queue into parts that share no file, in the order of their first patches."""
    found: list[tuple[list[Applied], set[str]]] = []
    for step in steps:
        if isinstance(step, Applied):
            mine = touched(step)
            shared = [part for part in found if not mine.isdisjoint(part[1])]
            joined = [one for taken, _ in shared for one in taken]
            found = [part for part in found if part not in shared]
            found.append(([*joined, step], mine.union(*(paths for _, paths in shared))))
    order = {step.patch.name: number for number, step in enumerate(steps)}
    made = [
        Part(tuple(sorted(taken, key=lambda step: order[step.patch.name])), tuple(sorted(paths)))
        for taken, paths in found
    ]
    return tuple(sorted(made, key=lambda part: order[part.steps[0].patch.name]))


class Trials:
    """Carries parts of a queue to upstream trees, each state of their files once."""

    def __init__(self, store: Store, stood: Stood) -> None:
        """Begin with nothing tried. store -- where the small trees are written; it must have the queue's objects."""
        self._store = store
        self._stood = stood
        self._small: dict[tuple[str, ...], tuple[Applied, ...]] = {}
        self._rows: dict[tuple[tuple[str, ...], frozenset[tuple[str, Entry]]], tuple[Row, ...]] = {}
        self._whole: dict[tuple[int, TreeId], tuple[Row, ...]] = {}
        self._homes: dict[str, dict[str, None]] = {}  # where files of the old side were found again, by their old path
        self._searches: dict[tuple[str, ...], int] = {}
        self._sought: dict[tuple[TreeId, tuple[str, ...]], Entries] = {}

    def rows(self, part: Part, tree: TreeId) -> tuple[Row, ...]:
        """Give the verdict on each patch of a part, carried to an upstream tree (before the path policy)."""
        if part.paths is None:
            key = (len(part.steps), tree)
            if key not in self._whole:
                baseline = compose.baseline(self._store, tree, self._stood.rules)
                self._whole[key] = carry.carry(self._store, part.steps, baseline).rows
            return self._whole[key]
        entries = self.entries(part.paths, tree)
        state = (part.names, frozenset(entries.items()))
        if state not in self._rows:
            small = self._store.graft(EMPTY_TREE, entries)
            carried = carry.carry(self._store, self._steps(part), Baseline(small, entries, ()))
            self._rows[state] = carried.rows
        return self._rows[state]

    def _steps(self, part: Part) -> tuple[Applied, ...]:
        """Give the patches of a part, stacked on a small tree of the old side."""
        if part.names not in self._small:
            self._small[part.names] = tuple(self._stacked(part))
        return self._small[part.names]

    def _stacked(self, part: Part) -> Iterator[Applied]:
        entries = self._stood.baseline.entries
        tree = self._store.graft(EMPTY_TREE, {path: entries[path] for path in part.paths or () if path in entries})
        for step in part.steps:
            after = self._store.graft(tree, {change.path: change.new for change in step.changes})
            yield Applied(step.patch, tree, after, step.changes)
            tree = after

    def entries(self, paths: Sequence[str], tree: TreeId) -> Entries:
        """Give what an upstream tree has at paths of the old side, after the path policy; files that moved come along.

        A file that is gone is looked for under another name as git's merge does it: from its old content to what is new
        in the tree.
        """
        found = policy.kept(self._stood.rules, self._store.some(tree, paths))
        before = self._stood.baseline.entries
        missing = tuple(path for path in paths if path in before and path not in found)
        return {**found, **self._elsewhere(missing, tree)} if missing else found

    def _elsewhere(self, missing: tuple[str, ...], tree: TreeId) -> Entries:
        """Find files of the old side that are not where they were."""
        known = self._store.some(tree, [home for path in missing for home in self._homes.get(path, ())])
        if known and all(not known.keys().isdisjoint(self._homes.get(path, ())) for path in missing):
            return known
        key = (tree, missing)
        if key not in self._sought and self._searches.setdefault(missing, 0) >= MOST_SEARCHES:
            return known
        if key not in self._sought:
            self._searches[missing] += 1
            before, now = self._stood.baseline.entries, self._store.entries(tree)
            fresh = {path: entry for path, entry in now.items() if path not in before}
            added = policy.kept(self._stood.rules, fresh)
            sides = [self._store.graft(EMPTY_TREE, side) for side in ({path: before[path] for path in missing}, added)]
            homes = self._store.renames(sides[0], sides[1])
            for path, home in homes.items():
                self._homes.setdefault(path, {})[home] = None
            self._sought[key] = {home: added[home] for home in homes.values()}
        return self._sought[key]
