"""What the fork's users asked for: brought in from GitHub's JSON, and listed."""

from forkkeeper.core import issues, report, requests
from forkkeeper.core.commits import one_line
from forkkeeper.core.ids import short
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.core.requests import FILE, Request
from forkkeeper.errors import RequestError
from forkkeeper.flow.standing import Setting, noted, open_upstream, recover
from forkkeeper.shell import disk
from forkkeeper.stages import project as projects, upstream as upstreams

IMPORT = "requests import"


def requests_import(setting: Setting, *, file: str) -> Report:
    """Bring requests out of GitHub's JSON of issues into `requests.toml`; what stands there is kept byte for byte.

    A request that is there already gets its votes anew, and is marked closed where its issue is.
    """
    root = projects.find_root(setting.here, step=IMPORT)
    data = disk.read(setting.here / file)
    if data is None:
        hint = f"make it with `gh issue list --state all --json {issues.ASK} > {file}`"
        raise RequestError(IMPORT, f"--file {file}", "there is no such file", hint)
    with projects.alone(root, doing=IMPORT) as done:
        project = projects.load(root, step=IMPORT)
        upstream = open_upstream(setting, root, project.declaration)
        pages = upstreams.pages(upstream, project.declaration.upstream.web)
        last = (page.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git") for page in pages if page)
        found = issues.read(data, [project.declaration.upstream.name, *last], shown=file)
        made, added, changed = requests.merge(disk.read(root / FILE) or b"", found.requests)
        saved = projects.save(project, {FILE: made}, typed=setting.typed) if added or changed else ()
    blocks: list[Block] = [*noted(done)]
    blocks += [_table([*added, *changed], ["new"] * len(added) + ["votes, state"] * len(changed))] if saved else []
    if found.left_out:
        blocks.append(f"{report.count(found.left_out, 'issue')} left out: no upstream commit, pull request or words")
    said = f"{report.count(len(added), 'request')} added, {len(changed)} brought up to date"
    blocks += [f"{said}: wrote {FILE}", "next: `forkkeeper triage`"] if saved else [f"{FILE} is up to date"]
    return Report(tuple(blocks))


def requests_list(setting: Setting) -> Report:
    """Show what was asked for, the most votes first; needs no upstream."""
    root = projects.find_root(setting.here, step="requests list")
    notes = recover(root)
    found = requests.parse(disk.read(root / FILE) or b"")
    if not found:
        hint = f"`gh issue list --state all --json {issues.ASK} > issues.json`"
        then = f"then `forkkeeper requests import --file issues.json`; or write {FILE} by hand"
        return Report((*notes, "nothing was asked for", f"next: {hint},", f"      {then}"))
    order = sorted(found, key=lambda one: (one.closed, -one.votes))
    table = _table(order, ["closed" if one.closed else "" for one in order])
    open_ = sum(not one.closed for one in found)
    said = f"{report.count(len(found), 'request')}, {open_} of them open"
    return Report((*notes, table, "", said, "next: `forkkeeper triage --class requested`"))


def _table(found: list[Request], states: list[str]) -> Table:
    rows = tuple(
        (
            str(one.votes),
            Painted(one_line(one.title), "dim") if one.closed else one_line(one.title),
            "\n".join([*(short(sha) for sha in one.commit), *(f"#{pull}" for pull in one.pull)])
            or f'"{one_line(one.words)}"',
            state,
            one_line(one.link),
        )
        for one, state in zip(found, states, strict=True)
    )
    return Table(("votes", "asked for", "upstream", "", "link"), rows, prose=("asked for",))
