"""compose(pin, path policy, queue, overlay) → tree: the fork, exactly. Same inputs, same tree id, on any machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import applying, policy
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.ids import TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.core.paths import parents
from forkkeeper.core.store import SYMLINK, Change, Entries, Entry, Refused, Store, Written


@dataclass(frozen=True, slots=True)
class Baseline:
    """The pristine pin with the path policy applied: no queue, no overlay."""

    tree: TreeId
    entries: Entries
    left_out: tuple[policy.Decision, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A patch that applied: the trees before and after it, and the paths that it changes."""

    patch: Patch
    before: TreeId
    after: TreeId
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class NotApplied:
    """A patch that did not apply on the ones before it; they stand without it."""

    patch: Patch
    before: TreeId
    why: str


Step = Applied | NotApplied


@dataclass(frozen=True, slots=True)
class Collision:
    """An overlay path that the patched upstream tree already has."""

    path: str
    found: str


def baseline(store: Store, tree: TreeId, rules: Sequence[PathRule]) -> Baseline:
    """Apply the path policy to an upstream tree."""
    if not rules:
        return Baseline(tree, store.paths(tree), ())
    entries = store.entries(tree)
    left_out = tuple(d for d in policy.decide(rules, entries) if not d.keep)
    gone = {decision.path for decision in left_out}
    kept = {path: entry for path, entry in entries.items() if path not in gone}
    return Baseline(store.graft(tree, {d.path: None for d in left_out}), kept, left_out)


def stack(store: Store, base: Baseline, patches: Sequence[Patch]) -> tuple[Step, ...]:
    """Apply the patches one upon the other; one that does not apply never stops the verdict on later ones."""
    steps: list[Step] = []
    tree = base.tree
    for patch in patches:
        step = _apply(store, tree, store.paths(tree), patch)
        steps.append(step)
        if isinstance(step, Applied):
            tree = step.after
    return tuple(steps)


def _apply(store: Store, tree: TreeId, entries: Entries, patch: Patch) -> Step:
    if why := through_symlink(entries, patch.paths):
        return NotApplied(patch, tree, why)
    exact = applying.exactly(patch.files, entries, store.blob)
    if exact is not None:
        return _applied(store, tree, entries, patch, exact)
    answer = store.apply(tree, patch.diff)
    match answer:
        case Refused(why=why):
            return NotApplied(patch, tree, why)
        case Written(tree=after) if after == tree:
            return NotApplied(patch, tree, "it changes nothing")
        case Written(tree=after):
            return Applied(patch, tree, after, store.changes(tree, after))


def _applied(store: Store, tree: TreeId, entries: Entries, patch: Patch, exact: Mapping[str, bytes]) -> Step:
    """Write the contents that a patch gives where it says it applies."""
    written = {path: Entry(entries[path].mode, store.put(data)) for path, data in exact.items()}
    changes = tuple(
        Change(path, entries[path], written[path]) for path in sorted(written) if written[path] != entries[path]
    )
    if not changes:
        return NotApplied(patch, tree, "it changes nothing")
    return Applied(patch, tree, store.graft(tree, {change.path: change.new for change in changes}), changes)


def through_symlink(entries: Entries, paths: Sequence[str]) -> str | None:
    """Say which path would be written through a symbolic link of the tree, or None."""
    for path in paths:
        for parent in parents(path):
            entry = entries.get(parent)
            if entry is not None and entry.mode == SYMLINK:
                return f"{path} goes through the symbolic link {parent}"
    return None


def update(entries: dict[str, Entry], changes: Sequence[Change]) -> None:
    """Bring a table of entries from a tree to the next."""
    for change in changes:
        if change.new is None:
            entries.pop(change.path, None)
        else:
            entries[change.path] = change.new


def tip(base: Baseline, steps: Sequence[Step]) -> TreeId:
    """Give the tree after the last patch that applied."""
    return next((step.after for step in reversed(steps) if isinstance(step, Applied)), base.tree)


def collisions(entries: Entries, overlay: Mapping[str, Entry]) -> tuple[Collision, ...]:
    """Find overlay paths that the tree already has, as a file or as a folder, ordered by path.

    entries -- the tree's paths, at least `store.some(tree, overlay)`
    """
    folders = {parent for path in entries for parent in parents(path)}
    found: list[Collision] = []
    for path in sorted(overlay):
        if path in entries:
            found.append(Collision(path, "upstream has this path"))
        elif path in folders:
            found.append(Collision(path, "upstream has a folder of this name"))
        elif clash := next((parent for parent in parents(path) if parent in entries), None):
            found.append(Collision(path, f"upstream has a file {clash}"))
    return tuple(found)


def lay(store: Store, tree: TreeId, overlay: Mapping[str, Entry]) -> TreeId:
    """Lay the overlay over a tree that has none of its paths."""
    return store.graft(tree, overlay) if overlay else tree


@dataclass(frozen=True, slots=True)
class Composed:
    """A fork made from its inputs: the baseline, the queue stacked on it, and the whole tree with the overlay."""

    baseline: Baseline
    steps: tuple[Applied, ...]
    tree: TreeId


def compose(
    store: Store, tree: TreeId, rules: Sequence[PathRule], patches: Sequence[Patch], overlay: Mapping[str, Entry]
) -> Composed | NotApplied | Collision:
    """Make the fork from an upstream tree; gives the first patch or overlay path that stands in the way instead."""
    base = baseline(store, tree, rules)
    steps = stack(store, base, patches)
    applied = tuple(step for step in steps if isinstance(step, Applied))
    refused = next((step for step in steps if isinstance(step, NotApplied)), None)
    if refused is not None:
        return refused
    patched = tip(base, steps)
    taken = collisions(store.some(patched, overlay), overlay) if overlay else ()
    return taken[0] if taken else Composed(base, applied, lay(store, patched, overlay))
