"""Carrying the queue in memory (`plan`), and looking for new upstream commits (`upstream.refresh`)."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from forkkeeper.core import annotations, lock, markdown, planning, queue as queues, report, resolutions, sarif
from forkkeeper.core.annotations import Annotation, Rule
from forkkeeper.core.markdown import Origin
from forkkeeper.core.placing import Aid
from forkkeeper.core.planning import Plan
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import ExitCode
from forkkeeper.flow.passing import passed
from forkkeeper.flow.searching import with_culprits
from forkkeeper.flow.standing import Setting, Trip, open_upstream, scratch, sources_table, trip
from forkkeeper.shell import disk
from forkkeeper.stages import project as projects, session as sessions, upstream as upstreams


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in its forms: what to show, JSON, Markdown for a pull request, and SARIF for code scanning."""

    shown: Report
    json: str
    markdown: str
    sarif: str


def plan(
    setting: Setting, *, upto: str, since: str | None = None, queue: str | None = None, objects: str | None = None
) -> Planned:
    """Carry the queue in memory."""
    asked = trip(setting, upto, since, queue)
    with scratch(asked.upstream, Path(setting.here, objects) if objects else None) as store:
        recorded = resolutions.by_key(sessions.read_resolutions(asked.root / resolutions.FOLDER))
        titled = upstreams.titled(asked.upstream, asked.old, asked.new)
        gone = passed(asked.upstream, store, asked.queue.patches, asked.declared.path, asked.new)
        aid = Aid(recorded=recorded, titled=titled, passed=gone)
        made = planning.make(store, asked.old, asked.new, asked.queue, asked.files, asked.declared.path, aid)
        made = with_culprits(setting, store, asked.upstream, asked.declared, made)
    made = replace(made, warnings=queues.faults(asked.queue, step="plan"))
    code = ExitCode.IN_STEP if made.is_sure else ExitCode.ANSWER_IS_NO
    found = annotations.of_plan(made) if asked.is_own else ()
    shown = Report((*asked.notes, *report.plan_blocks(made), *_at_fault(found), *_way_out(asked, made, upto)), code)
    again = f"forkkeeper plan --upto {asked.new.sha}"
    more = (("--from", since), ("--queue", queue))
    again += "".join(f" {option} {shlex.quote(given)}" for option, given in more if given)
    origin = Origin(asked.declared.name, upstreams.pages(asked.upstream, asked.declared.upstream.web), again)
    steps = [step for step in _way_out(asked, made, asked.new.sha) if isinstance(step, str)]
    log = sarif.write("plan", metadata.version("forkkeeper"), found)
    return Planned(shown, planning.to_json(made), markdown.plan_markdown(made, origin, steps), log)


def _at_fault(found: Sequence[Annotation]) -> tuple[Block, ...]:
    """Say on which lines of the queue's files a person must look: in a form that editors and problem matchers read."""
    wrong = tuple(str(one) for one in found if one.rule in (Rule.CLASH, Rule.COLLISION))
    return ("", *wrong) if wrong else ()


def _way_out(asked: Trip, made: Plan, upto: str) -> tuple[Block, ...]:
    """Say what to type after a plan of the fork's own queue that is not sure."""
    return report.next_steps(made, upto) if asked.is_own else ()


def refresh(setting: Setting) -> Report:
    """Bring the snapshot table and the fetched sources up to date."""
    root = projects.find_root(setting.here, step="upstream.refresh")
    upstream = open_upstream(setting, root, projects.load_declaration(root))
    rows, failures = upstreams.refresh(upstream)
    said: tuple[Block, ...] = tuple(f"new: {row.name} = {row.commit}" for row in rows)
    written = disk.read(root / lock.FILE)
    if written is not None:
        upstream = open_upstream(setting, root, projects.load_declaration(root))
        said = (*said, sources_table(upstream, lock.parse(written).pin.sha))
    warned = tuple(Painted(f"not looked at: {text}", "yellow") for text in failures)
    nobody = len(failures) == len(upstream.sources)
    return Report((*said, *warned), ExitCode.OUTSIDE_FAILED if nobody else ExitCode.IN_STEP)
