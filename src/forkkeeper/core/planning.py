"""The plan of a sync: a value that can be printed, stored and thrown away. Applying it is another call."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from forkkeeper.core import buildfiles, carry, compose, overlay
from forkkeeper.core.carry import NO_AID
from forkkeeper.core.compose import Baseline, Collision
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.overlay import Overlay
from forkkeeper.core.placing import Aid
from forkkeeper.core.queue import Queue
from forkkeeper.core.store import Store
from forkkeeper.core.trials import Stood
from forkkeeper.core.verdict import Carried, Outcome, Row

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """An upstream commit.

    tree -- upstream's own tree, before the path policy
    time -- when it was committed, in seconds since 1970 (UTC)
    date -- the same as YYYY-MM-DD, in the committer's own time zone, as `git log` shows it
    known_as -- upstream's tags, and the newest snapshot that holds it
    """

    sha: CommitId
    tree: TreeId
    time: int
    date: str
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Touched:
    """What upstream did between the pins to one file that the queue touches.

    added, removed -- lines; None for a binary file
    patches -- which patches touch it
    """

    path: str
    status: str
    added: int | None
    removed: int | None
    patches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync would do.

    changed -- number of paths that upstream changed between the baselines
    tree -- the composed tree with the overlay; None when anything clashed
    baseline -- the new baseline's tree
    stood -- the queue on the old pin
    culprits -- by the name of a clashed patch: what first made it clash, where that was looked for and found
    """

    old: Commit
    new: Commit
    carried: Carried
    collisions: tuple[Collision, ...]
    touched: tuple[Touched, ...]
    changed: int
    baseline: TreeId
    tree: TreeId | None
    stood: Stood
    warnings: tuple[str, ...] = ()
    culprits: Mapping[str, Culprit] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[Row, ...]:
        """One verdict per patch, in the queue's order."""
        return self.carried.rows

    @property
    def clashed(self) -> tuple[Row, ...]:
        """The patches that a person must look at."""
        return tuple(row for row in self.rows if row.outcome is Outcome.CLASHED)

    def unaccepted(self, accepted: Sequence[str], *, every: bool) -> tuple[Row, ...]:
        """Give the rows that need review and were not accepted by name."""
        return tuple(
            row for row in self.rows if row.review and not every and not {row.old.name, row.old.title} & set(accepted)
        )

    @property
    def is_sure(self) -> bool:
        """Whether it can be saved with no human word."""
        return not self.clashed and not self.collisions and not any(row.review for row in self.rows)


def make(
    store: Store,
    old: Commit,
    new: Commit,
    queue: Queue,
    files: Overlay,
    rules: Sequence[PathRule],
    aid: Aid = NO_AID,
) -> Plan:
    """Carry a queue from one upstream commit to another, in memory."""
    return carry_on(store, old, stand(store, old, queue, rules), new, queue, files, aid)


def stand(store: Store, pin: Commit, queue: Queue, rules: Sequence[PathRule]) -> Stood:
    """Stack a queue on the upstream commit that it stands on."""
    baseline = compose.baseline(store, pin.tree, rules)
    return Stood(baseline, compose.stack(store, baseline, queue.patches), tuple(rules))


def carry_on(
    store: Store,
    old: Commit,
    stood: Stood,
    new: Commit,
    queue: Queue,
    files: Overlay,
    aid: Aid = NO_AID,
) -> Plan:
    """Carry a queue from where it stands to another upstream commit, in memory."""
    before, after = stood.baseline, compose.baseline(store, new.tree, stood.rules)
    carried = carry.carry(store, stood.steps, after, aid)
    entries = overlay.entries(store, files)
    collisions = compose.collisions(store.some(carried.tree, entries), entries) if entries else ()
    sure = not collisions and all(row.outcome is not Outcome.CLASHED for row in carried.rows)
    tree = compose.lay(store, carried.tree, entries) if sure else None
    changed = len(store.changes(before.tree, after.tree))
    return Plan(old, new, carried, collisions, _touched(store, before, after, queue), changed, after.tree, tree, stood)


def _touched(store: Store, before: Baseline, after: Baseline, queue: Queue) -> tuple[Touched, ...]:
    """Say what upstream did to the files that the queue touches, ordered by path."""
    owners: dict[str, list[str]] = {}
    for patch in queue.patches:
        for path in patch.paths:
            owners.setdefault(path, []).append(patch.title)
    paths = sorted(path for path in owners if path in before.entries)
    gone = [path for path in paths if path not in after.entries]
    moved = store.renames(before.tree, after.tree) if gone else {}
    stats = {stat.path: stat for stat in store.stats(before.tree, after.tree, paths)} if paths else {}
    found = []
    for path in paths:
        stat = stats.get(path)
        status = "unchanged" if stat is None else "changed"
        if path in gone:
            status = f"moved to {moved[path]}" if path in moved else "removed"
        found.append(Touched(path, status, stat.added if stat else 0, stat.removed if stat else 0, tuple(owners[path])))
    return tuple(found)


def totals(rows: Sequence[Row]) -> str:
    """Count the outcomes, in their order of ease, in one line.

    >>> totals([])
    'the queue is empty'
    """
    counts = [(o.value, sum(row.outcome is o for row in rows)) for o in Outcome]
    said = ", ".join(f"{n} {name}" for name, n in counts if n)
    review = sum(row.review for row in rows)
    return (said + (f"; {review} to review" if review else "")) or "the queue is empty"


def to_json(plan: Plan) -> str:
    """Write the plan as JSON, schema 1 (stable).

    `culprit` of a clashed patch is the full id of the upstream commit that first makes it clash; null where that is not
    known to the commit. `blamed` tells of that commit, or of the last one that it may be, and of the one `since` which.
    """
    document = {
        "schema": SCHEMA,
        "from": plan.old.sha,
        "to": plan.new.sha,
        "tree": plan.tree,
        "patches": [_row(row) | {"blamed": _blamed(plan, row)} for row in plan.rows],
    }
    return json.dumps(document, indent=1) + "\n"


def _row(row: Row) -> dict[str, object]:
    return {
        "name": row.old.name,
        "outcome": row.outcome.value,
        "rule": row.rule,
        "review": row.review,
        "tree": row.tree,
        "proposal": row.proposal,
        "paths": [printable(path) for path in row.paths],
        "culprit": row.culprit,
        "root": row.root,
        "why": row.why,
        "touches_build": [printable(path) for path in buildfiles.touched(row.new or row.old)],
    }


def _blamed(plan: Plan, row: Row) -> dict[str, object] | None:
    culprit = plan.culprits.get(row.old.name)
    if culprit is None or row.outcome is not Outcome.CLASHED:
        return None
    one, since = culprit.commit, culprit.since
    return {
        "sha": one.sha,
        "date": one.date,
        "author": one.author,
        "title": one.title,
        "link": one.link,
        "since": since.sha if since is not None else None,
    }


def printable(path: str) -> str:
    """Give a path as JSON can hold it: bytes that are no text are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
