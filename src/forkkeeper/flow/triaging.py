"""Which of upstream's commits matter to this fork (`triage`)."""

import difflib
from dataclasses import replace
from pathlib import PurePosixPath

from forkkeeper.core import declined, requests
from forkkeeper.core.ids import CommitId
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Report
from forkkeeper.core.triage import classing, effects, listing, ranking
from forkkeeper.core.triage.classing import Kind
from forkkeeper.core.triage.listing import Listed
from forkkeeper.core.triage.nearness import Effect
from forkkeeper.core.triage.passed import Passed
from forkkeeper.core.triage.ranking import Fork, Ranked
from forkkeeper.core.trials import Stood
from forkkeeper.errors import RequestError
from forkkeeper.flow.standing import Setting, composed, near_hint, open_fork
from forkkeeper.shell import disk
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

STEP = "triage"
LIMIT = 20  # rows, where nothing else is said


def triage(
    setting: Setting,
    *,
    upto: str | None = None,
    since: str | None = None,
    limit: int | None = None,
    only: str | None = None,
    path: str | None = None,
    everything: bool = False,
) -> Report:
    """Rank upstream's commits after the pin by what they are worth to this fork and what they cost.

    upto -- the last one (None: the newest that is held); since -- only those after this one
    limit -- rows to show; only -- of this class; path -- only those that change this file or folder
    everything -- those that were picked or declined, too
    """
    project, upstream, notes = open_fork(setting, STEP)
    asked = requests.parse(disk.read(project.root / requests.FILE) or b"")
    refused = declined.parse(disk.read(project.root / declined.FILE) or b"")
    if only is not None:
        _check_class(project, only)
    with composed(project, upstream, step=STEP) as stand:
        new = _head(upstream, stand.pin, upto)
        web = project.declaration.upstream.web
        line, has_history = upstreams.passed(upstream, stand.pin, new, stand.store, web)
        stood = Stood(stand.made.baseline, stand.made.steps, project.declaration.path)
        hits = effects.predict(stand.store, stood, line, setting.on_progress)
        fork = Fork(project.declaration, project.queue, stand.made.baseline.entries, asked, refused)
        ranked = ranking.rank(fork, line, hits)
        if path is not None:
            ranked = _of_path(ranked, path, line)
    after = _after(upstream, stand.pin, line, since)
    inside = [row for row in ranked if row.passed.told.sha in after]
    fitting = [row for row in inside if only is None or only.lower() in row.classes]
    open_ = [row for row in fitting if everything or row.is_open]
    answers = {id(one) for row in ranked for one in row.requests}
    listed = Listed(
        stand.pin,
        new,
        tuple(open_[: limit or LIMIT]),
        len(open_),
        has_history,
        len(line),
        len(after) - len(inside) if path is None else 0,
        0 if everything else sum(row.taken is not None for row in fitting),
        0 if everything else sum(row.taken is None and row.declined is not None for row in fitting),
        tuple(one for one in asked if not one.closed and id(one) not in answers) if path is None else (),
        tuple(one.told for one in line),
    )
    return Report((*notes, *listing.blocks(listed)), document=listing.to_json(listed))


def _head(upstream: Upstream, pin: Commit, upto: str | None) -> Commit:
    """Find where the way ends. Raises RequestError where nothing after the pin is known, or the end is before it."""
    if upto is not None:
        new = upstreams.hold(upstream, upstreams.find(upstream, upto, step=STEP, known=(pin.sha,)), step=STEP)
        if new.sha != pin.sha and upstreams.is_older(upstream, new, pin):
            raise RequestError(STEP, f"--upto {upto}", "is older than the pin", "give a commit after the pin")
        return new
    head = upstreams.ahead(upstream, pin)
    if head is None:
        found = "nothing after it is held here"
        newest = upstreams.newest(upstream)
        snapshot = f", or `forkkeeper triage --upto {newest}`" if newest else ""
        raise RequestError(STEP, f"the pin {pin.sha[:12]}", found, f"`forkkeeper upstream refresh`{snapshot}")
    return upstreams.hold(upstream, head, step=STEP)


def _after(upstream: Upstream, pin: Commit, line: tuple[Passed, ...], since: str | None) -> frozenset[CommitId]:
    """Give the commits after one on the way; all of them where none is named."""
    shas = [one.told.sha for one in line]
    if since is None:
        return frozenset(shas)
    begins = upstreams.find(upstream, since, step=STEP, known=(pin.sha,))
    if begins == pin.sha:
        return frozenset(shas)
    if begins not in shas:
        raise RequestError(STEP, f"--since {since}", "is not on the way from the pin to there", "leave it out")
    return frozenset(shas[shas.index(begins) + 1 :])


def _check_class(project: Project, only: str) -> None:
    """Refuse a class that there is not."""
    words = [*(kind.value for kind in Kind), "security", "requested", "patched", *(each.value for each in Effect)]
    known = [*words, "generic", *classing.table(project.declaration.variant)]
    if only.lower() not in known:
        raise RequestError(STEP, f"--class {only}", "is no class", near_hint(only.lower(), known, "classes"))


def _of_path(ranked: tuple[Ranked, ...], path: str, line: tuple[Passed, ...]) -> tuple[Ranked, ...]:
    """Give the rows that change a file or what is in a folder. Raises RequestError where there is none."""
    wanted = PurePosixPath(path).as_posix()
    found = tuple(
        replace(row, paths=mine)
        for row in ranked
        if (mine := tuple(one for one in row.paths if one == wanted or one.startswith(f"{wanted}/")))
    )
    if not found:
        known = sorted({change.path for one in line for change in one.changes})
        near = difflib.get_close_matches(wanted, [*known, *{one.rpartition("/")[0] for one in known}], n=1)
        hint = f"did you mean {near[0]}?" if near else "paths are those of upstream's tree"
        raise RequestError(STEP, f"--path {path}", "nothing that the fork keeps changes there on this way", hint)
    return found
