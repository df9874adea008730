"""Which patch costs or gains (`bench attribute`), and whose a change over a sync is (`--since`).

Imported late, by `clocking`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from forkkeeper.core import fourway, ids, queue as queues
from forkkeeper.core.benches import Asked, Bench
from forkkeeper.core.fourway import FourWay, Whose
from forkkeeper.core.mail import Patch
from forkkeeper.core.report import Block, Cell, Painted, Report, Table, said
from forkkeeper.core.speed import Judged, Speed
from forkkeeper.errors import ExitCode, ForkkeeperError, OutsideError, RequestError
from forkkeeper.flow import benching, comparing, failing, measuring
from forkkeeper.flow.benching import declared_bench
from forkkeeper.flow.building import Made, pristine
from forkkeeper.flow.comparing import SAME_CODE, Comparer
from forkkeeper.flow.measuring import Compared, Side
from forkkeeper.flow.reviewing import revision
from forkkeeper.flow.standing import (
    Setting,
    Stand,
    compose_at,
    composed,
    locked_of,
    near_hint,
    not_with,
    open_fork,
)
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import bench as benches, probe as probes, project as projects, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "bench.attribute"
LEAVE_ONE_OUT, PREFIX = "leave-one-out", "prefix"
ONLY = (LEAVE_ONE_OUT, PREFIX)
OVERLAY = "the overlay"


@dataclass(frozen=True, slots=True)
class Part:
    """What one patch, or the overlay, makes of the fork's speed.

    why -- it could not be measured, "" where it was
    failed -- what went wrong there that is no patch's doing, as a message; "" where nothing did
    """

    title: str
    rows: tuple[Compared, ...]
    why: str = ""
    failed: str = ""


def attribute(
    setting: Setting,
    *,
    variant: str | None,
    metric: str,
    only: str | None,
    since: str | None,
    models: Sequence[str],
) -> Report:
    """Measure the fork with and without each of its patches; see `clocking.attribute`.

    What cannot be made or measured never stops the rest. Where that is no patch's doing the exit code is 3.
    """
    if only is not None and only not in ONLY:
        raise RequestError(STEP, f"--only {only}", "is no way to take it apart", near_hint(only, ONLY, "ways"))
    if only is not None and since is not None:
        raise not_with("--only", "--since")
    project, upstream, notes = open_fork(setting, STEP)
    declared = declared_bench(project, Asked(models=tuple(models)))
    if since is not None:
        return _since(setting, project, upstream, declared, since, (metric, variant), notes)
    with composed(project, upstream, step=STEP) as stand:
        comparer = comparing.comparer(setting, project, declared, metric, variant)
        fork = measuring.side(comparer.rig, Made(project, stand), "the fork")
        if comparer.how is not None:
            comparer.counts(fork)  # what keeps the whole fork from being counted is no patch's matter
        blocks: list[Block] = [*notes, f"the fork, tree {ids.short(stand.made.tree)}, at {said(stand.pin)}"]
        blocks.append(benching.said_of(benches.machine(probes.processor())))
        found: dict[str, list[Part]] = {}
        if only != PREFIX:
            found[LEAVE_ONE_OUT] = list(_without_each(comparer, project, stand, fork))
            title = "Each patch by itself: the fork beside the fork without it."
            blocks += ["", Painted(title, "bold"), _table("without it", "with it", found[LEAVE_ONE_OUT])]
        if only != LEAVE_ONE_OUT:
            found[PREFIX], whole = _one_by_one(comparer, project, stand, fork)
            title = "One after the other: beside the baseline with the overlay and the patches before it."
            blocks += ["", Painted(title, "bold"), _table("before it", "with it", found[PREFIX])]
            blocks += ["", *_sums(found, whole)]
    failed = list(_failed(found))
    blocks += ["", *_said(found, comparer.margin), *failed]
    blocks.append(comparing.keep(comparer, "attribute", pin=stand.pin.sha, fork=fork.tree, parts=found))
    return Report(tuple(blocks), ExitCode.OUTSIDE_FAILED if failed else ExitCode.IN_STEP)


# the fork without a patch, and with the first ones alone -----------------------------------------------------------


def _without_each(comparer: Comparer, project: Project, stand: Stand, fork: Side) -> Iterator[Part]:
    """Measure the fork beside the fork without each patch; one that others need never stops the rest."""
    for number, patch in enumerate(project.queue.patches):
        comparer.rig.setting.on_progress("patches left out", number, len(project.queue.patches))
        rest = [other for other in project.queue.patches if other is not patch]
        name = f"without {patch.title}"
        shorter = _made(patch.title, partial(_with, comparer, project, stand, rest, name), "it")
        yield shorter if isinstance(shorter, Part) else _measured(comparer, patch.title, shorter, fork)


def _one_by_one(
    comparer: Comparer, project: Project, stand: Stand, fork: Side
) -> tuple[list[Part], tuple[Compared, ...]]:
    """Measure what overlay and each patch add to what stands before it; and the whole fork beside the baseline.

    Where one cannot be made without a later one, or not be measured, that one is measured with it.
    """
    baseline = _made("the baseline", partial(_bare, comparer, project, stand), "the fork's changes")
    if isinstance(baseline, Part):
        return [baseline], ()
    found: list[Part] = []
    patches = project.queue.patches
    steps = [(OVERLAY, 0)] if project.overlay else []
    steps += [(patch.title, number) for number, patch in enumerate(patches, start=1)]
    last, pending = baseline, list[str]()
    for title, number in steps:
        comparer.rig.setting.on_progress("patches one by one", number, len(patches))
        build = partial(_with, comparer, project, stand, patches[:number], f"up to {title}")
        now = fork if number == len(patches) else _made(title, build, "a later one")
        pending.append(title)
        part = now if isinstance(now, Part) else _measured(comparer, " + ".join(pending), last, now)
        found.append(part)
        if not (part.why or isinstance(now, Part)):
            last, pending = now, []
    whole = _measured(comparer, "the whole fork", baseline, fork)
    return [*found, *([whole] if whole.why else [])], whole.rows


def _made(title: str, build: Callable[[], Side], without: str) -> Side | Part:
    """Build a side; where that cannot be, say whether it is because of what it is without."""
    try:
        return build()
    except ForkkeeperError as error:
        if failing.is_of_tree(error):
            return Part(title, (), f"cannot be made without {without}: {comparing.why(error)}")
        return _broken(title, "could not be made", error)
    except OSError as error:
        return _broken(title, "could not be made", error)


def _measured(comparer: Comparer, title: str, before: Side, after: Side) -> Part:
    try:
        return Part(title, comparer.compare(before, after))
    except (ForkkeeperError, OSError) as error:
        return _broken(title, "was made, could not be measured", error)


def _broken(title: str, what: str, error: ForkkeeperError | OSError) -> Part:
    if isinstance(error, OSError):  # of a copy, on a full disk for one
        found = error.strerror or str(error)
        error = OutsideError(STEP, str(error.filename or ""), found, "`df -h` shows whether a disk is full")
    first, *_ = error.found.splitlines()
    return Part(title, (), f"{what}: {first}", str(error))


def _bare(comparer: Comparer, project: Project, stand: Stand) -> Side:
    return measuring.side(comparer.rig, pristine(project, stand), "the baseline")


def _with(comparer: Comparer, project: Project, stand: Stand, patches: Sequence[Patch], name: str) -> Side:
    """Build the fork with these patches alone, and the overlay."""
    other = replace(project, queue=queues.rebuild(project.queue, list(patches)))
    made = compose_at(stand.store, other, stand.pin, step=STEP)
    return measuring.side(comparer.rig, Made(other, replace(stand, made=made)), name)


# what is said of it -------------------------------------------------------------------------------------------


def _table(before: str, after: str, parts: Sequence[Part]) -> Table:
    headers = ("patch", "model", "test", before, after, "takes", "verdict")
    return Table(headers, tuple(row for part in parts for row in _rows(part)), prose=("verdict",))


def _rows(part: Part) -> Iterator[tuple[Cell, ...]]:
    if part.why:
        yield (part.title, "", "", "", "", "", Painted(part.why, "yellow"))
    elif all(row.judged is SAME_CODE for row in part.rows):
        yield (part.title, "", "", "", "", "", comparing.verdict(part.rows[0]))
    else:
        yield from ((part.title, *comparing.cells(row)) for row in part.rows)


def _failed(found: dict[str, list[Part]]) -> Iterator[Block]:
    """Say what went wrong that is no patch's doing: each message once, with all that it kept from being measured."""
    titles: dict[str, dict[str, None]] = {}
    for part in (part for parts in found.values() for part in parts if part.failed):
        titles.setdefault(part.failed, {})[part.title] = None
    for message, of in titles.items():
        yield Painted(f"not measured: {', '.join(of)}\n  {message}", "red")


def _sums(found: dict[str, list[Part]], whole: Sequence[Compared]) -> Iterator[Block]:
    """Say what the parts come to together, beside the whole difference that was measured by itself."""
    for row in whole:
        said_of = [f"one after the other {_product(found[PREFIX], row):+.3%}"]
        if LEAVE_ONE_OUT in found and not any(part.why for part in found[LEAVE_ONE_OUT]):
            said_of.append(f"each by itself {_product(found[LEAVE_ONE_OUT], row):+.3%}")
        yield (
            f"{row.model}, {row.test}: the whole fork takes {row.judged.change:+.3%} beside the baseline; "
            f"its patches come to {', '.join(said_of)}"
        )


def _product(parts: Sequence[Part], like: Compared) -> float:
    """Multiply what all parts take in one test of one model; as a share of the whole, like every change."""
    changes = (
        row.judged.change for part in parts for row in part.rows if (row.model, row.test) == (like.model, like.test)
    )
    return math.prod(1 + change for change in changes) - 1


def _said(found: dict[str, list[Part]], margin: float) -> Iterator[Block]:
    """Name the patches that cost or gain, by the first way in which they were measured."""
    every = [(part.title, row) for parts in found.values() for part in parts for row in part.rows]
    seen = set()
    for title, row in every:
        if row.judged.speed in (Speed.SLOWER, Speed.FASTER) and (title, row.model, row.test) not in seen:
            seen.add((title, row.model, row.test))
            does, colour = ("costs", "red") if row.judged.speed is Speed.SLOWER else ("gains", "green")
            yield Painted(f"{title} {does} {abs(row.judged.change):.2%} ({row.model}, {row.test})", colour)
    yield from (one for title, row in every for one in comparing.reasons(title, (row,)))
    measured = [row for _, row in every if row.judged.speed is not Speed.INCONCLUSIVE]
    if measured and not seen:
        yield Painted(f"No patch that could be measured costs or gains {margin:.2%} or more.", "green")


# over a sync -------------------------------------------------------------------------------------------


def _since(
    setting: Setting,
    project: Project,
    upstream: Upstream,
    declared: Bench,
    since: str,
    how: tuple[str, str | None],
    notes: Sequence[Block],
) -> Report:
    """Measure the fork of a revision and the fork of now, each beside the pristine pin that it stands on."""
    commit = revision(Worktree(project.root), since, step=STEP)
    was = projects.load_at(project.root, commit, since, step=STEP)
    # built and measured as the fork of now is, but for which of upstream's files it kept
    was = replace(was, declaration=msgspec.structs.replace(project.declaration, path=was.declaration.path))
    old = upstreams.hold(upstream, locked_of(was, STEP).pin.sha, step=STEP)
    with composed(project, upstream, step=STEP) as stand:
        comparer = comparing.comparer(setting, project, declared, *how)
        stood = Stand(stand.store, old, compose_at(stand.store, was, old, step=STEP))
        sides = [
            measuring.side(comparer.rig, made, name)
            for made, name in (
                (pristine(was, stood), "old pristine"),
                (Made(was, stood), "old fork"),
                (pristine(project, stand), "new pristine"),
                (Made(project, stand), "new fork"),
            )
        ]
        pairs = ((0, 2), (0, 1), (2, 3), (1, 3))  # upstream, the fork's cost then and now, the fork
        compared = [comparer.compare(sides[one], sides[other]) for one, other in pairs]
    beyond = comparer.margin if comparer.how is not None else 0.0
    judged = [
        (
            one.model,
            one.test,
            fourway.four(one.judged, then.judged, now.judged, fork.judged, comparer.margin, beyond=beyond),
        )
        for one, then, now, fork in zip(*compared, strict=True)
    ]
    heads = (
        f"then  the fork at {since} ({ids.short(commit)}), on {said(old)}",
        f"now   the fork, tree {ids.short(stand.made.tree)}, on {said(stand.pin)}",
        benching.said_of(benches.machine(probes.processor())),
    )
    found = {"then": old.sha, "now": stand.pin.sha, "sides": [side.tree for side in sides], "rows": compared}
    kept = comparing.keep(comparer, "attribute-since", **found)
    grew = any(one.own.speed is Speed.SLOWER for *_, one in judged)
    blocks = (*notes, *heads, "", _four_table(judged), "", *_answers(judged), kept)
    return Report(blocks, ExitCode.ANSWER_IS_NO if grew else ExitCode.IN_STEP)


def _four_table(judged: Sequence[tuple[str, str, FourWay]]) -> Table:
    headers = ("model", "test", "upstream's own", "fork's cost then", "fork's cost now", "the fork", "whose")
    rows = (
        (model, test, *(_shown(part) for part in (one.upstream, one.then, one.now, one.fork)), one.whose.value)
        for model, test, one in judged
    )
    return Table(headers, tuple(rows))


def _shown(judged: Judged) -> Painted:
    word = judged.speed.value
    text = "same code" if judged is SAME_CODE else f"{judged.change:+.3%} {word}"
    return Painted(text, benching.COLOURS[judged.speed])


_COLOURS = {
    Whose.UPSTREAM: "yellow",
    Whose.FORK: "yellow",
    Whose.BOTH: "yellow",
    Whose.NEITHER: "green",
    Whose.UNKNOWN: "yellow",
}


def _answers(judged: Sequence[tuple[str, str, FourWay]]) -> Iterator[Block]:
    for model, test, one in judged:
        colour = "red" if one.own.speed is Speed.SLOWER else _COLOURS[one.whose]
        yield Painted(f"{model}, {test}: {one.said}", colour)
