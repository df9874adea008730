"""The path policy made visible: why a path is in the fork or not (`explain`); what is loose in it (`policy check`)."""

import difflib
from collections.abc import Sequence
from pathlib import PurePosixPath

from forkkeeper.core import overlay, ownership, policy, report
from forkkeeper.core.commits import one_line
from forkkeeper.core.declaration import FILE as DECLARATION, PathRule
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.paths import parents
from forkkeeper.core.planning import Commit
from forkkeeper.core.policy import Use
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.shown import spelled
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow.standing import Setting, Stand, composed, locked_of, open_fork, scratch
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.project import Project
from forkkeeper.stages.upstream import Upstream

_DONE = {"include": "kept", "exclude": "dropped"}
MOST = 3  # paths of a group that are named
MOST_GROUPS = 30


def explain(setting: Setting, path: str) -> Report:
    """Say which rule decides a path, whose its lines are, when upstream changed it last, and what patches do there.

    path -- of upstream's tree at the pin, of the fork, or one that is gone
    """
    project, upstream, notes = open_fork(setting, "explain")
    path = PurePosixPath(path.removeprefix(f"{overlay.FOLDER}/")).as_posix()
    with composed(project, upstream, step="explain") as stand:
        at_pin = stand.store.some(stand.pin.tree, [path])
        in_fork = stand.store.some(stand.made.tree, [path])
        told = _upstreams(upstream, stand, path, is_there=bool(at_pin))
        if not at_pin and not in_fork and told is None:
            known = sorted({*stand.store.entries(stand.pin.tree), *project.overlay})
            near = _same_name(path, known) or difflib.get_close_matches(path, known, n=1)
            raise RequestError(
                "explain",
                path,
                f"is neither upstream's at {report.said(stand.pin)} nor the fork's, nor known to have been",
                f"did you mean {spelled(near[0])}?" if near else "paths are those of upstream's tree",
            )
        blocks: list[Block] = [Painted(spelled(path), "bold")]
        if path in at_pin or path in in_fork or not (at_pin or in_fork):
            blocks += _rules(project.declaration.path, path, is_there=path in at_pin)
            blocks += ["", *_owners(project, stand, path)] if path in in_fork else []
        else:
            blocks += _folder(project.declaration.path, sorted(at_pin), sorted(in_fork))
        blocks += ["", *(told or ["when upstream changed it last is not known: its history is not held here"])]
        blocks += _patches(project, path)
    return Report((*notes, *blocks))


def _same_name(path: str, known: Sequence[str]) -> list[str]:
    """Give the paths whose last part is the same."""
    last = path.rsplit("/", 1)[-1]
    return [one for one in known if one.rsplit("/", 1)[-1] == last]


def _said(rule: PathRule, number: int) -> str:
    return f'rule {number}, {rule.rule} {rule.pattern}: "{one_line(rule.why)}"'


def _rules(rules: Sequence[PathRule], path: str, *, is_there: bool) -> list[Block]:
    """Say which rule decides a path, and which ones it overrides."""
    found = policy.matching(rules, path)
    if not found:
        absent = "not at the pin; no rule matches it, so it would be kept"
        return ["kept: no rule matches it, and what no rule matches is kept" if is_there else absent]
    rule = rules[found[-1] - 1]
    verdict = _DONE[rule.rule] if is_there else f"not at the pin; would be {_DONE[rule.rule]}"
    colour = "green" if rule.rule == "include" else "yellow"
    blocks: list[Block] = [Painted(f"{verdict} by {_said(rule, found[-1])}", colour)]
    return [*blocks, *(f"  which overrides {_said(rules[number - 1], number)}" for number in reversed(found[:-1]))]


def _owners(project: Project, stand: Stand, path: str) -> list[Block]:
    if path in project.overlay:
        return [f"the overlay's, all {report.count(project.overlay[path].lines, 'line')}: {overlay.FOLDER}/{path}"]
    rows = tuple(
        (str(share.lines), f"patch {share.patch.title}" if share.patch else "upstream", _titled(share.patch))
        for share in ownership.shares(stand.store, stand.made, path)
    )
    return [Table(("lines", "whose", ""), rows)] if rows else []


def _titled(patch: Patch | None) -> str:
    return patch.subject if patch is not None else ""


def _folder(rules: Sequence[PathRule], at_pin: Sequence[str], in_fork: Sequence[str]) -> list[Block]:
    """Say of a folder what the rules do below it."""
    kept = sum(decision.keep for decision in policy.decide(rules, at_pin))
    head = f"a folder: {report.count(len(at_pin), 'file')} at the pin, {kept} kept, {len(in_fork)} in the composed fork"
    rows = tuple(
        (str(use.number), use.rule.rule, use.rule.pattern, str(use.decides), one_line(use.rule.why))
        for use in policy.uses(rules, at_pin)
        if use.matches
    )
    free = len(policy.undecided(rules, at_pin))
    table: list[Block] = (
        [Table(("rule", "does", "pattern", "decides files", "why"), rows, prose=("why",))] if rows else []
    )
    return [
        head,
        *table,
        *([f"{report.count(free, 'file')} that no rule matches, and so kept"] if rows and free else []),
    ]


def _upstreams(upstream: Upstream, stand: Stand, path: str, *, is_there: bool) -> list[Block] | None:
    """Say when upstream changed a path last, up to the pin and after it; None where nothing is known."""
    found: list[Block] = []
    sha = upstreams.last_change(upstream, stand.pin.sha, path)
    if sha is not None:
        found.append(f"upstream {'changed it last' if is_there else 'took it away'} in {_commit(upstream, sha)}")
    elif is_there:
        found += _between(upstream, stand, path)
    ahead = upstreams.ahead(upstream, stand.pin)
    later = upstreams.last_change(upstream, ahead, path, since=stand.pin.sha) if ahead is not None else None
    if later is not None:
        found.append(
            f"after the pin {'it changed, last' if is_there else 'it came, or changed,'} in {_commit(upstream, later)}"
        )
    return found or None


def _commit(upstream: Upstream, sha: CommitId) -> str:
    info = upstreams.held(upstream, sha)
    return f'{short(sha)} of {info.date}: "{one_line(info.title)}"' if info else short(sha)


def _between(upstream: Upstream, stand: Stand, path: str) -> list[Block]:
    """Say between which snapshots upstream changed a path, where commits are not to be had."""
    now = stand.store.some(stand.pin.tree, [path])
    newer = stand.pin
    for older in upstreams.snapshots_before(upstream, stand.pin):
        if stand.store.some(older.tree, [path]) != now:
            return [f"upstream changed it last after {report.said(older)},", f"up to {report.said(newer)}"]
        newer = older
    if newer is stand.pin:
        return []
    return [f"upstream has not changed it since {report.said(newer)}, the oldest snapshot that is held here"]


def _patches(project: Project, path: str) -> list[Block]:
    rows = [
        (patch.title, str(sum(f.added for f in mine)), str(sum(f.removed for f in mine)), patch.subject)
        for patch in project.queue.patches
        if (mine := [f for f in patch.files if {f.old, f.new} & {path} or f.path.startswith(f"{path}/")])
    ]
    return ["", Table(("patch", "+", "-", "title"), tuple(rows))] if rows else []


# policy check -------------------------------------------------------------------------------------------------------


def policy_check(setting: Setting, *, since: str | None = None, upto: str | None = None) -> Report:
    """List rules that match nothing, rules that others override wholly, and new upstream paths that no rule decides.

    since -- the commit before which no path is new (None: the pin before this one, or with upto the pin)
    upto -- look ahead: what comes with this commit
    Exits 1 when a rule matches nothing at the pin.
    """
    step = "policy check"
    project, upstream, notes = open_fork(setting, step)
    rules = project.declaration.path
    pin = upstreams.hold(upstream, locked_of(project, step).pin.sha, step=step)
    new = (
        upstreams.hold(upstream, upstreams.find(upstream, upto, step=step, known=(pin.sha,)), step=step)
        if upto
        else pin
    )
    old = _old(project, upstream, pin, since, is_ahead=upto is not None, step=step)
    with scratch(upstream) as store:
        uses = policy.uses(rules, store.entries(pin.tree))
        before = store.entries(old.tree) if old is not None else {}
        fresh = [path for path in store.entries(new.tree) if path not in before] if old is not None else []
    idle = [use for use in uses if not use.matches]
    blocks: list[Block] = [f"{report.count(len(rules), 'rule')} on {report.said(pin)}"]
    blocks += _idle(idle) + _overridden(uses)
    if old is None:
        blocks.append(
            "new paths: no pin before this one is recorded; `--since REV` or `--upto REV` says what to compare"
        )
    elif not rules and not (since or upto):
        blocks.append("no rule is declared: every path of upstream is kept")
    else:
        undecided = policy.undecided(rules, sorted(fresh))
        blocks += _undecided(undecided, list(before), old, new)
    code = ExitCode.ANSWER_IS_NO if idle else ExitCode.IN_STEP
    return Report((*notes, *blocks), code)


def _old(
    project: Project, upstream: Upstream, pin: Commit, since: str | None, *, is_ahead: bool, step: str
) -> Commit | None:
    """Find the commit before which no path is new."""
    if since is not None:
        return upstreams.hold(upstream, upstreams.find(upstream, since, step=step, known=(pin.sha,)), step=step)
    if is_ahead:
        return pin
    came = next((one.from_sha for one in reversed(project.records) if one.to_sha == pin.sha), None)
    return upstreams.hold(upstream, CommitId(came), step=step) if came is not None else None


def _idle(idle: Sequence[Use]) -> list[Block]:
    said = "matches nothing at the pin; take it out, or mend its pattern"
    return [Painted(f"{_said(use.rule, use.number)} {said}", "red") for use in idle]


def _overridden(uses: Sequence[Use]) -> list[Block]:
    return [
        Painted(
            f"{_said(use.rule, use.number)} decides nothing: all {report.count(use.matches, 'path')} that it matches "
            f"are decided by rule {', '.join(map(str, use.overridden_by))}",
            "yellow",
        )
        for use in uses
        if use.matches and not use.decides
    ]


def _undecided(paths: Sequence[str], known: Sequence[str], old: Commit, new: Commit) -> list[Block]:
    """List new paths that no rule decides, by folder, and a table to paste for the first folder."""
    where = f"since {short(old.sha)} of {old.date}" if old.sha != new.sha else "there"
    if not paths:
        return [Painted(f"every new path {where} is decided on", "green")]
    groups = policy.grouped(paths, known)
    had = {parent for path in known for parent in parents(path)}
    rows = []
    for folder, mine in list(groups.items())[:MOST_GROUPS]:
        more = f", … {len(mine) - MOST} more" if len(mine) > MOST else ""
        names = ", ".join(spelled(path.removeprefix(folder)) for path in mine[:MOST]) + more
        is_new = bool(folder) and folder.rstrip("/") not in had
        rows.append((spelled(folder) or "(root)", "new folder" if is_new else "", str(len(mine)), names))
    left = len(groups) - len(rows)
    blocks: list[Block] = [
        "",
        f"{report.count(len(paths), 'path')} new {where}, which no rule decides:",
        "",
        Table(("folder", "", "paths", "which"), tuple(rows), prose=("which",)),
        *([f"… and {report.count(left, 'more folder')}"] if left else []),
    ]
    folder = next(iter(groups))
    pattern = f"/{folder}" if folder else f"/{groups[folder][0]}"
    table = ["[[path]]", 'rule = "exclude"          # or "include", which says that it was looked at']
    table += [f"pattern = {_toml(pattern)}", 'why = "…"']
    return [*blocks, "", f"next: decide on them in {DECLARATION}, e.g.", "", *(f"    {line}" for line in table)]


def _toml(text: str) -> str:
    r"""Write a pattern as a TOML string; what .gitignore gives a meaning to is escaped."""
    escaped = "".join(f"\\{char}" if char in "*?[\\" else char for char in text)
    return '"' + spelled(escaped).replace("\\", "\\\\").replace('"', '\\"') + '"'
