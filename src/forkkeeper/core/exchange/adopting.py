"""Patches from elsewhere made patches of the queue: in git's form, with all that one has there, and applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import compose, mail
from forkkeeper.core.compose import Applied, Baseline, NotApplied, Step
from forkkeeper.core.exchange import heads, plain
from forkkeeper.core.exchange.forms import Incoming, name_for
from forkkeeper.core.exchange.heads import Trailers, Words
from forkkeeper.core.hunks import DiffError
from forkkeeper.core.ids import CommitId
from forkkeeper.core.mail import MailError, Patch
from forkkeeper.core.queue import Queue
from forkkeeper.core.store import Entry, Store

WITNESS = "none [imported, not written yet]"


@dataclass(frozen=True, slots=True)
class Adopted:
    """A patch of the queue that came from elsewhere. place -- where it stood; added -- what it lacked."""

    place: str
    patch: Patch
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person says of all patches that come in.

    why -- the reason of those that give none; date -- for those that have none, as mails say it
    upstreams -- commits that were cherry-picked and are upstream's
    """

    why: str | None
    date: str
    upstreams: frozenset[CommitId] = frozenset()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of patches that came in: those adopted, stacked in order, and what is wrong with the others."""

    adopted: tuple[Adopted, ...]
    steps: tuple[Step, ...]
    faults: tuple[str, ...]


def take(store: Store, base: Baseline, found: Sequence[Incoming], offer: Offer, names: Sequence[str]) -> Taken:
    """Adopt patches one upon the other; what is wrong with one never hides what is wrong with the next.

    names -- those that the queue has already
    """
    adopted: list[Adopted] = []
    steps: list[Step] = []
    faults: list[str] = []
    tree, entries = base.tree, dict(base.entries.items())
    taken = list(names)
    for one in found:
        name = name_for(one.name, taken)
        taken.append(name)
        try:
            made, lacks = adopt(one, name, entries, offer)
        except (MailError, DiffError) as error:
            faults.append(f"{one.place}: {error}")
            continue
        (step,) = compose.stack(store, Baseline(tree, entries, ()), [made.patch])
        if isinstance(step, NotApplied):
            faults += [f"{one.place}: {what}" for what in (*lacks, f"does not apply: {step.why}")]
            continue
        if made.patch.diff != one.diff:
            made = replace(made, patch=made.patch.with_diff(store.diffs([(step.before, step.after)])[0]))
            step = replace(step, patch=made.patch)
        faults += [f"{one.place}: {what}" for what in lacks]
        adopted.append(made)
        steps.append(step)
        tree = step.after
        compose.update(entries, step.changes)
    return Taken(tuple(adopted), tuple(steps), tuple(faults))


def adopt(one: Incoming, name: str, there: Mapping[str, Entry], offer: Offer) -> tuple[Adopted, tuple[str, ...]]:
    """Make a patch of the queue; gives, too, what it lacks still. Raises MailError, DiffError."""
    diff = plain.as_git(one.diff, there, one.strip)
    words = one.words or Words()
    added: list[str] = []
    if one.head is None:
        added += [] if words.author else [f"From: {heads.NOBODY}"]
        added += [] if words.date else [f"Date: {offer.date}"]
        title = words.subject or _title(name)
        added += [] if words.subject else [f"Subject: {title}"]
        words = replace(words, subject=title, date=words.date or offer.date)
    patch = mail.parse(name, (heads.mail(words) if one.head is None else one.head) + diff)
    lacking = _lacking(patch, one, words.known, offer)
    if lacking or (offer.why and not patch.reason):
        added += [f"the reason: {offer.why}"] if offer.why and not patch.reason else []
        added += [f"{key}: {value}" for key, value in lacking]
        patch = mail.parse(name, heads.filled(patch, lacking, offer.why) + diff)
    return Adopted(one.place, patch, tuple(added)), mail.shortcomings(patch)


def _title(name: str) -> str:
    return name.removesuffix(".patch").replace("_", " ").replace("-", " ")


def _lacking(patch: Patch, one: Incoming, known: Trailers, offer: Offer) -> Trailers:
    """Give the trailers that a patch lacks: those its fields stand for, else what can be said of any import."""
    picked = cherry_picked(patch.head)
    picked_here = ((("Origin", picked),) if picked else ()) + (
        (("Upstream-Status", f"Backport [{picked}]"),) if picked in offer.upstreams else ()
    )
    usual = (("Origin", one.origin), ("Upstream-Status", "Pending"), ("Witness", WITNESS))
    found: dict[str, str] = {}
    for key, value in (*known, *picked_here, *usual):
        if patch.trailer(key) is None:
            found.setdefault(key, value)
    return tuple(found.items())


def cherry_picked(head: bytes) -> str | None:
    """Give the commit that a patch says it was cherry-picked from."""
    for line in head.decode("utf-8", "replace").splitlines():
        for begin in (
            "(cherry picked from commit ",
            "Cherry-picked-from: ",
            "Cherry-picked from: ",
            "Cherry-picked from ",
        ):
            if line.startswith(begin):
                words = line.removeprefix(begin).rstrip(")").split()
                return words[-1] if words else None
    return None


def inserted(queue: Queue, patches: Sequence[Patch], after: str | None) -> Queue:
    """Put patches into a queue, after one of it or (None) at its end; comments of the series stay where they are."""
    lines = queue.series.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    lines = [line if line.endswith("\n") else f"{line}\n" for line in lines]
    own = [(line.split("#", 1)[0].split() or [""])[0] for line in lines]
    at = own.index(after) + 1 if after is not None else len(lines)
    lines[at:at] = [f"{patch.name}\n" for patch in patches]
    stands = next((n + 1 for n, patch in enumerate(queue.patches) if patch.name == after), len(queue.patches))
    series = "".join(lines).encode("utf-8", "surrogateescape")
    return Queue(series, (*queue.patches[:stands], *patches, *queue.patches[stands:]))


def applied(steps: Sequence[Step]) -> tuple[Applied, ...]:
    """Give the steps that applied."""
    return tuple(step for step in steps if isinstance(step, Applied))
