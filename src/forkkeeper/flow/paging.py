"""The report page (`report`): what is known of the fork and its nights, drawn as one file that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core import hunks, requests
from forkkeeper.core.compose import tip
from forkkeeper.core.history import since
from forkkeeper.core.nights import Night
from forkkeeper.core.page import shape, whole
from forkkeeper.core.page.given import Change, Given, day_of
from forkkeeper.core.report import Block, Report, count
from forkkeeper.flow import sizing
from forkkeeper.flow.recording import log_input
from forkkeeper.flow.standing import Setting, Stand, composed, open_fork
from forkkeeper.shell import charts, clock, disk, page as pages
from forkkeeper.stages import history, upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "report"
FOLDER = Path("build", "report")  # in the fork's folder
FILE = "index.html"
MOST_NIGHTS = 400


def report(setting: Setting, nights: Sequence[Night] | None = None) -> Report:
    """Write the page. nights -- newest first; None: those on record."""
    project, upstream, notes = open_fork(setting, STEP)
    told: list[Block] = []
    known = tuple(nights) if nights is not None else history.recent(project.root, most=MOST_NIGHTS, say=told.append)
    with composed(project, upstream, step=STEP) as stand:
        made = whole.page(given(project, upstream, stand, known))
    drawn = {}
    found = [chart for section in made.sections for chart in shape.charts(section.blocks)]
    for at, chart in enumerate(found):
        setting.on_progress("drawing charts", at, len(found))
        drawn[chart.id] = charts.svg(chart)
    data = pages.html(made, drawn).encode()
    folder = project.root / FOLDER
    disk.write(folder / ".gitignore", b"*\n")  # it is made anew from what is tracked, and from nights that are not
    disk.write(folder / FILE, data)
    path = (FOLDER / FILE).as_posix()
    said = (
        f"wrote {path}: {count(len(made.sections), 'section')}, {count(len(found), 'chart')}, {len(data) / 1e6:.1f} MB"
    )
    blocks = (*notes, *told, made.answer.says, said, f"next: open {path} in a browser; it needs no network")
    document = {"file": path, "bytes": len(data), "sections": [one.id for one in made.sections], "nights": len(known)}
    return Report(blocks, more=document)


def given(project: Project, upstream: Upstream, stand: Stand, nights: Sequence[Night]) -> Given:
    """Gather what the page is made from."""
    log = log_input(stand, project)
    pin, made = stand.pin, stand.made
    (difference,) = stand.store.diffs([(made.baseline.tree, tip(made.baseline, made.steps))])
    fixed = clock.fixed()
    day = fixed.date().isoformat() if fixed else day_of(nights[0]) if nights else ""
    declared = project.declaration
    sources = upstreams.knowledge(upstream, pin.sha)
    return Given(
        fork=declared.name,
        upstream=declared.upstream.name,
        day=day,
        pages=upstreams.pages(upstream, declared.upstream.web),
        pin=pin.sha,
        pin_date=pin.date,
        known_as=pin.known_as,
        sources=tuple((one.source, one.newest, one.behind) for one in sources),
        drifted=tuple(one.thing for one in project.drift()),
        queue=tuple(
            Change(step.patch, files, since(project.records, step.patch.name, pin.sha))
            for step, files in zip(made.steps, log.diffs, strict=True)
        ),
        files=hunks.parse(difference),
        overlay=project.overlay,
        left_out=len(made.baseline.left_out),
        records=project.records,
        variants=declared.variant,
        sizes=sizing.kept(project, stand),
        requests=requests.parse(disk.read(project.root / requests.FILE) or b""),
        nights=tuple(nights),
    )
