"""Which upstream commit changed a number of the baseline's (`bisect`): builds and measures those that halve the way.

Imported late, by `clocking`.
"""

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from forkkeeper.core import bisecting, ids, report
from forkkeeper.core.benches import Asked
from forkkeeper.core.bisecting import Shape, Step
from forkkeeper.core.commits import Stretch
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.planning import Commit
from forkkeeper.core.queue import Queue
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, count, said
from forkkeeper.core.speed import Speed
from forkkeeper.errors import ForkkeeperError, RequestError
from forkkeeper.flow import benching, comparing, measuring
from forkkeeper.flow.benching import declared_bench
from forkkeeper.flow.building import Made
from forkkeeper.flow.comparing import SAME_CODE, Comparer
from forkkeeper.flow.measuring import Compared, Side
from forkkeeper.flow.standing import Setting, Stand, compose_at, locked_of, near_hint, open_fork, scratch
from forkkeeper.shell.git import Scratch
from forkkeeper.stages import bench as benches, probe as probes, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "bisect"
TESTS = ("prompt", "generation")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; see `clocking.bisect`."""

    metric: str
    variant: str | None
    since: str | None
    upto: str | None
    model: str | None
    test: str | None
    threshold: float | None


@dataclass
class Walk:
    """A walk between two upstream commits. numbers: 0 is the old end, then each commit of the stretch.

    rows -- what was measured, beside the old end
    skipped -- why a commit has no number
    """

    project: Project
    upstream: Upstream
    store: Scratch
    old: Commit
    stretch: Stretch
    comparer: Comparer
    rows: dict[int, Compared] = field(default_factory=dict)
    skipped: dict[int, str] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The number of the new end."""
        return len(self.stretch.shas)

    def commit(self, number: int) -> Commit:
        """Bring a commit here."""
        return upstreams.hold(self.upstream, self.stretch.shas[number - 1], step=STEP) if number else self.old

    def side(self, number: int) -> Side:
        """Build the baseline at a commit: the path policy applied, no patch and no overlay."""
        commit = self.commit(number)
        bare = replace(self.project, queue=Queue(b"", ()), overlay={})
        made = compose_at(self.store, bare, commit, step=STEP)
        return measuring.side(self.comparer.rig, Made(bare, Stand(self.store, commit, made)), ids.short(commit.sha))

    def follow(self, row: Compared) -> None:
        """From now on measure the test of a row alone."""
        rig, how = self.comparer.rig, self.comparer.how
        left = "generation" if row.test.startswith("prompt") else "prompt"
        bench = msgspec.structs.replace(rig.bench, **{left: 0})
        how = None if how is None else msgspec.structs.replace(how, **{left: 0})
        models = {row.model: rig.models[row.model]}
        self.comparer = replace(self.comparer, rig=replace(rig, bench=bench, models=models), how=how)

    def share(self, number: int) -> float:
        """Say how much of the whole change a commit has."""
        whole = 1 + self.rows[self.last].judged.change
        return bisecting.share(1, whole, 1 + self.rows[number].judged.change)


def bisect(setting: Setting, wanted: Wanted) -> Report:
    """Find the commit that changed a number; see `clocking.bisect`."""
    if wanted.test is not None and wanted.test not in TESTS:
        raise RequestError(STEP, f"--test {wanted.test}", "is none", near_hint(wanted.test, TESTS, "tests"))
    project, upstream, notes = open_fork(setting, STEP)
    old, new = _ends(project, upstream, wanted)
    heads: list[Block] = [*notes, f"from  {said(old)}", f"to    {said(new)}"]
    stretch = upstreams.stretch(upstream, old, new)
    declared = declared_bench(project, Asked(models=(wanted.model,) if wanted.model else ()))
    with scratch(upstream) as store:
        comparer = comparing.comparer(setting, project, declared, wanted.metric, wanted.variant)
        walk = Walk(project, upstream, store, old, stretch, comparer)
        begin = walk.side(0)
        ends = [row for row in comparer.compare(begin, walk.side(walk.last)) if row.test.startswith(wanted.test or "")]
        if not ends:
            raise RequestError(STEP, f"--test {wanted.test}", "is not declared", "give it tokens in [bench]")
        heads += [_between(stretch), benching.said_of(benches.machine(probes.processor())), ""]
        threshold = comparer.margin if wanted.threshold is None else wanted.threshold / 100
        most = max(ends, key=lambda row: abs(math.log1p(row.judged.change)))
        if most.judged.speed is Speed.INCONCLUSIVE or abs(most.judged.change) < threshold:
            return Report((*heads, _ends_table(ends), "", *_nothing(ends, threshold)))
        walk.rows = {0: replace(most, judged=SAME_CODE), walk.last: most}
        walk.follow(most)
        step = bisecting.halve(walk.last, lambda number: _is_new(walk, begin, number))
    kept = comparing.keep(
        walk.comparer,
        STEP,
        commits=[str(old.sha), *stretch.shas],
        rows={str(number): row for number, row in walk.rows.items()},
        skipped={str(number): why for number, why in walk.skipped.items()},
    )
    slack = math.log1p(threshold) / abs(math.log1p(most.judged.change))
    return Report(
        (*heads, *_told(walk, step, slack, project.declaration.upstream.web), *_again(walk, step, wanted), kept)
    )


def _ends(project: Project, upstream: Upstream, wanted: Wanted) -> tuple[Commit, Commit]:
    """Bring both ends here. Raises RequestError where the old one is not known, or is not older."""
    since = wanted.since or (project.records[-1].from_sha if project.records else None)
    if since is None:
        raise RequestError(STEP, "--from", "is needed, as this fork was never synced", "add --from SHA")
    pin = locked_of(project, STEP).pin.sha
    upto = upstreams.find(upstream, wanted.upto, step=STEP, known=(pin,)) if wanted.upto else pin
    new = upstreams.hold(upstream, upto, step=STEP)
    old = upstreams.hold(upstream, upstreams.find(upstream, since, step=STEP, known=(pin,)), step=STEP)
    if old.sha == new.sha or upstreams.is_older(upstream, new, old):
        raise RequestError(STEP, f"--from {since}", f"is not older than {said(new)}", "give an older one, or --upto")
    return old, new


def _is_new(walk: Walk, begin: Side, number: int) -> bool | None:
    """Build and measure a commit; None where that cannot be done."""
    try:
        rows = walk.comparer.compare(begin, walk.side(number))
    except ForkkeeperError as error:
        walk.skipped[number] = comparing.why(error)
        return None
    end = walk.rows[walk.last]
    walk.rows[number] = next(row for row in rows if (row.model, row.test) == (end.model, end.test))
    return walk.share(number) >= bisecting.HALF


# what is said of it -------------------------------------------------------------------------------------------


def _between(stretch: Stretch) -> str:
    if stretch.has_history:
        return count(len(stretch.shas), "upstream commit")
    return f"{count(len(stretch.shas), 'snapshot')}: upstream's history is not at hand, so no commit by itself is found"


def _ends_table(ends: Sequence[Compared]) -> Table:
    headers = ("model", "test", "old end", "new end", "takes", "verdict")
    return Table(headers, tuple(comparing.cells(row) for row in ends))


def _nothing(ends: Sequence[Compared], threshold: float) -> Iterator[Block]:
    unsure = list(comparing.reasons("both ends", tuple(ends)))
    yield from unsure
    if not unsure:
        yield Painted(f"Both ends differ by less than {threshold:.2%}: there is nothing to find.", "green")


def _told(walk: Walk, step: Step, slack: float, web: str) -> Iterator[Block]:
    """Tell what was measured, and who did it."""
    whole = walk.rows[walk.last]
    yield Painted(f"{whole.model}, {whole.test}: {whole.judged.change:+.3%} from end to end", "bold")
    order = (0, walk.last, *step.asked)
    headers = ("measured", "commit", "number", "beside the old end", "is like")
    yield Table(headers, tuple(_row(walk, place, number) for place, number in enumerate(order, start=1)), ("is like",))
    yield ""
    one, since = (upstreams.told(walk.upstream, walk.commit(number).sha, web) for number in (step.high, step.low))
    if one is not None and since is not None:
        exact = step.high - step.low == 1 and walk.stretch.follows[step.high - 1]
        yield from report.culprit_lines(Culprit(one, None if exact else since))
    part = walk.share(step.high) - walk.share(step.low)
    change = (1 + walk.rows[step.high].judged.change) / (1 + walk.rows[step.low].judged.change) - 1
    yield f"takes {change:+.3%} beside the one before it that was measured: {part:.0%} of the whole change"
    shares = {number: walk.share(number) for number in walk.rows}
    match bisecting.shape(shares, step, slack):
        case Shape.STEP:
            pass
        case Shape.CREEP:
            yield Painted("The number changes in several steps: this is one of them.", "yellow")
        case Shape.BACK_AND_FORTH:
            yield Painted("The number goes back and forth: this is one of several places where it changes.", "yellow")
    unsure = [number for number, row in walk.rows.items() if _is_unsure(walk, row)]
    if unsure:
        names = ", ".join(ids.short(walk.commit(number).sha) for number in sorted(unsure))
        yield Painted(f"The times do not surely tell which end these are like: {names}.", "yellow")


def _is_unsure(walk: Walk, row: Compared) -> bool:
    """Whether the half of the whole change lies within what a number may be."""
    half = math.sqrt(1 + walk.rows[walk.last].judged.change) - 1
    return row.judged.low < half < row.judged.high


def _row(walk: Walk, place: int, number: int) -> tuple[Cell, ...]:
    if number in walk.skipped:
        sha = walk.stretch.shas[number - 1]
        return (str(place), ids.short(sha), "", "", Painted(f"skipped: {walk.skipped[number]}", "yellow"))
    row = walk.rows[number]
    like = "the old end" if walk.share(number) < bisecting.HALF else "the new end"
    if number == 0:
        beside, shown = "", _first(walk)
    else:
        beside = "the same code" if row.judged is SAME_CODE else f"{row.judged.change:+.3%}"
        shown = _first(walk) if row.judged is SAME_CODE else str(comparing.cells(row)[3])
    return (str(place), said(walk.commit(number)), shown, beside, like)


def _first(walk: Walk) -> str:
    """Give the number of the old end."""
    return str(comparing.cells(walk.rows[walk.last])[2])


def _again(walk: Walk, step: Step, wanted: Wanted) -> Iterator[Block]:
    """Say what to type for the rest, where the step is not nearly all of the change."""
    if walk.share(step.high) - walk.share(step.low) >= bisecting.MOST:
        return
    row = walk.rows[walk.last]
    follow = ("--metric", wanted.metric, "--model", row.model, "--test", row.test.split()[0])
    for number, option in ((step.low, "--upto"), (step.high, "--from")):
        if 0 < number < walk.last:
            end = ("--from", walk.old.sha) if option == "--upto" else ("--upto", walk.stretch.shas[-1])
            words = ("forkkeeper", "bisect", *follow, *end, option, walk.commit(number).sha)
            yield f"next: {shlex.join(words)}"
