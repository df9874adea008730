"""The verbs on the whole fork: where it stands, where it goes, what it is made into."""

import dataclasses

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.shell import terminal
from forkkeeper.tasks.running import (
    JSON,
    OFFLINE,
    UPTO,
    days,
    give,
    may_write,
    name_or_none,
    needed,
    run,
    sarif_file,
    setting,
    value,
)


@task(auto_shortflags=False, help={"max_age": "exit 1 when the pin is older than this many days", "json": JSON})
def status(_: Context, max_age: str | None = None, json: str | None = None) -> None:
    """Say where the fork stands: pin, age, distance, queue, and whether all files agree.

    Exits 1 when queue, overlay, log or lock disagree. Example: forkkeeper status --max-age 30
    """
    run(
        lambda on_progress: flow.status(setting(on_progress), max_age=days(max_age)),
        name="status",
        json=json,
    )


@task(
    auto_shortflags=False,
    help={
        "upto": UPTO,
        "from": "the commit that the queue stands on (default: the pin)",
        "queue": "a folder with a series file and patches (default: patches/)",
        "json": "also write the plan as JSON to this file; - is standard output, and nothing else is shown",
        "markdown": "also write a summary for a pull request to this file; - is standard output, and only that",
        "sarif": "also write what clashes, and on which line of which patch, as SARIF 2.1.0 to this file",
        "objects": "also write the planned trees to this git object directory, for scripts that look at them",
        "as_far_as_free": "instead: the newest commit up to --upto to which the whole queue carries with no human",
        "offline": OFFLINE,
    },
)
def plan(
    _: Context,
    upto: str | None = None,
    from_: str | None = None,
    queue: str | None = None,
    json: str | None = None,
    markdown: str | None = None,
    sarif: str | None = None,
    objects: str | None = None,
    as_far_as_free: bool = False,
    offline: bool = False,
) -> None:
    """Show what a sync would do, patch by patch; saves nothing. Exits 1 when a person must look.

    Example: forkkeeper plan --upto 0c1e57098bba
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        here = setting(on_progress, offline=offline)
        if as_far_as_free:
            for option, given in (("--objects", objects), ("--markdown", markdown), ("--sarif", sarif)):
                if given is not None:
                    raise flow.not_with(option, "--as-far-as-free")
            shown, document = flow.as_far_as_free(here, upto=needed(upto), since=from_, queue=queue)
            return dataclasses.replace(shown, document=document)
        if markdown == json == "-":
            raise flow.not_with("--markdown -", "--json -")
        may_write(markdown, "plan", "--markdown")
        may_write(sarif_file(sarif, "plan"), "plan", "--sarif")
        made = flow.plan(here, upto=needed(upto), since=from_, queue=queue, objects=objects)
        if markdown is not None:
            give(markdown, made.markdown)
        if sarif is not None:
            give(sarif, made.sarif)
        blocks = () if markdown == "-" else made.shown.blocks
        return flow.Report(blocks, made.shown.code, made.json)

    run(verb, name="plan", json=json)


@task(
    auto_shortflags=False,
    iterable=["accept", "replace"],
    optional=["skip", "drop"],
    help={
        "upto": UPTO,
        "continue": "take the files of the worktree as the patch that fits, and go on",
        "widen": "with --continue: the worktree may change files that the patch did not touch",
        "accept": "take what a rule made of this patch, or its proposal, as it was shown (its name; repeatable)",
        "accept_reviewed": "take every patch that is marked for review; takes no proposals",
        "skip": "set the patch before you (or the one named) aside in patches/parked/, and go on without it",
        "drop": "take the patch before you (or the one named) out for good; needs --why",
        "why": "the reason, with --skip or --drop",
        "reopen": "NAME: take back what was decided of this patch in the sync in progress",
        "abort": "give the sync in progress up; the fork is as it was before",
        "status": "say where the sync in progress stands; exits 1 while there is one",
        "replace": "NAME=FILE: take the diff in FILE, made on the new upstream, for patch NAME (repeatable)",
        "downgrade": "allow a commit older than the pin",
        "commit": "commit what was saved",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def sync(
    _: Context,
    upto: str | None = None,
    continue_: bool = False,
    widen: bool = False,
    accept: list[str] | None = None,
    accept_reviewed: bool = False,
    skip: str | None = None,
    drop: str | None = None,
    why: str | None = None,
    reopen: str | None = None,
    abort: bool = False,
    status: bool = False,
    replace: list[str] | None = None,
    downgrade: bool = False,
    commit: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Move the fork to another upstream commit, carrying every patch; saves all or nothing.

    Where a patch clashes, a worktree is opened: edit it, then `sync --continue`.
    Example: forkkeeper sync --upto llama-cpp-python==0.3.36
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        here = setting(on_progress, offline=offline)
        taken = accept or []

        def begin() -> flow.Report:
            return flow.sync(
                here,
                upto=needed(upto),
                accept=taken,
                accept_reviewed=accept_reviewed,
                replace_by=replace or (),
                downgrade=downgrade,
                commit=commit,
            )

        def take() -> flow.Report:
            return flow.accept(here, taken, every=accept_reviewed, commit=commit)

        ways = {
            "--upto": (upto is not None, begin),
            "--continue": (continue_, lambda: flow.go_on(here, widen=widen, commit=commit)),
            "--accept": (upto is None and bool(taken or accept_reviewed), take),
            "--skip": (skip is not None, lambda: flow.park(here, name_or_none(skip), why=why, commit=commit)),
            "--drop": (drop is not None, lambda: flow.drop(here, name_or_none(drop), why=why, commit=commit)),
            "--reopen": (reopen is not None, lambda: flow.reopen(here, needed(reopen))),
            "--abort": (abort, lambda: flow.abort(here)),
            "--status": (status, lambda: flow.where(here)),
        }
        asked = [option for option, (is_asked, _) in ways.items() if is_asked]
        if len(asked) > 1:
            raise flow.not_with(*asked[:2])
        return ways[asked[0]][1]() if asked else begin()

    run(verb, name="sync", json=json)


@task(
    auto_shortflags=False,
    help={
        "since": "instead: what changed in the fork's code since this revision of the fork's own repository",
        "patch": "only what this patch does; with --since: what became of it",
        "file": "only this file or folder of upstream's tree",
        "stat": "as a table: lines per file, and which patch or overlay they come from",
        "word": "word by word",
        "offline": OFFLINE,
        "json": f"{JSON}; with --stat",
    },
)
def diff(
    _: Context,
    since: str | None = None,
    patch: str | None = None,
    file: str | None = None,
    stat: bool = False,
    word: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Show how the composed fork differs from its upstream, or from itself as it was. Colour and pager are git's.

    Example: forkkeeper diff --since main --stat
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        if json is not None and not stat:
            raise flow.only_with("--json", "--stat")
        wanted = flow.Wanted(since, patch, file, stat, word, terminal.colourful())
        shown = flow.diff(setting(on_progress, offline=offline), wanted)
        if not shown.text:
            return shown.report
        try:
            terminal.page(terminal.drawn(shown.report.blocks).encode() + shown.text, shown.pager)
        except BrokenPipeError:  # `| head` has seen enough
            terminal.close_output()
        return flow.Report((), shown.report.code)

    run(verb, name="diff", json=json)


@task(
    auto_shortflags=False,
    help={"check": "write nothing; exit 1 when the log or the lock is stale", "offline": OFFLINE, "json": JSON},
)
def log(_: Context, check: bool = False, offline: bool = False, json: str | None = None) -> None:
    """Write CHANGES-LOCAL.md and fork.lock anew from the fork's files.

    Example: forkkeeper log --check
    """
    run(lambda on_progress: flow.log(setting(on_progress, offline=offline), check=check), name="log", json=json)


@task(auto_shortflags=False, help={"json": JSON, "sarif": "also write it as SARIF 2.1.0 to this file"})
def lint(_: Context, json: str | None = None, sarif: str | None = None) -> None:
    """Say what fork.toml, the series and the patches lack: reasons, trailers, witnesses. Needs no upstream.

    Example: forkkeeper lint
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        may_write(sarif_file(sarif, "lint"), "lint", "--sarif")
        made = flow.lint(setting(on_progress))
        if sarif is not None:
            give(sarif, made.sarif)
        return made.shown

    run(verb, name="lint", json=json)


@task(
    aliases=["materialize"],
    auto_shortflags=False,
    iterable=["directory"],
    positional=[],
    help={
        "directory": "where the tree goes, e.g. `materialise out` (left out: as [materialise] in fork.toml declares)",
        "strategy": "instead of the declared one: vendored, branch or scratch, for this run",
        "baseline": "upstream at the pin, without patches and overlay",
        "at": "carried to another upstream commit, without what clashes there; with --baseline: its baseline",
        "overwrite": "lose edits and files there that forkkeeper did not write",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def materialise(
    _: Context,
    directory: list[str] | None = None,
    strategy: str | None = None,
    baseline: bool = False,
    at: str | None = None,
    overwrite: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Hold the composed fork as fork.toml declares, or write it as a plain directory.

    Unchanged files keep their times; edits by hand are never lost.
    Example: forkkeeper materialise build/tree
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        here = setting(on_progress, offline=offline)
        if directory:
            if len(directory) > 1:
                raise flow.not_with(directory[1], directory[0])
            if strategy is not None:
                raise flow.not_with("--strategy", "a directory")
            place = value("materialise", directory[0])
            return flow.materialise(here, place, baseline=baseline, at=at, overwrite=overwrite)
        for option, given in (("--baseline", baseline), ("--at", at is not None)):
            if given:
                raise flow.only_with(option, "a directory")
        return flow.hold(here, strategy=strategy, overwrite=overwrite)

    run(verb, name="materialise", json=json)


@task(
    auto_shortflags=False,
    help={
        "upstream": "any git url, a local path or a bundle (left out where there is a fork.toml)",
        "pin": "the upstream commit to stand on",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def init(
    _: Context,
    upstream: str | None = None,
    pin: str | None = None,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Begin a fork in this folder: a commented fork.toml, an empty queue, the lock and the log.

    Example: forkkeeper init --upstream ../upstream --pin v1.2
    """
    run(
        lambda on_progress: flow.init(
            setting(on_progress, offline=offline),
            upstream=upstream,
            pin=needed(pin, "pin SHA"),
        ),
        name="init",
        json=json,
    )


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=[],
    help={
        "variant": "a [variant.NAME] of fork.toml, repeatable; also `build cpu` (default: all that can be built)",
        "baseline": "instead of the fork: upstream at the pin, without patches or overlay, in .forkkeeper/baseline/",
        "strict": "exit 1 when one cannot be built here",
        "json": JSON,
    },
)
def build(
    _: Context,
    variant: list[str] | None = None,
    baseline: bool = False,
    strict: bool = False,
    json: str | None = None,
) -> None:
    """Build variants of the composed fork with CMake and Ninja, in .forkkeeper/build/.

    Example: forkkeeper build --variant cpu
    """
    run(
        lambda on_progress: flow.build(setting(on_progress), variant or (), strict=strict, baseline=baseline),
        name="build",
        json=json,
    )


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=[],
    help={
        "variant": "a [variant.NAME] of fork.toml, repeatable (default: all); `forkkeeper doctor cpu` does as well",
        "strict": "exit 1 when one cannot be built or cannot run here",
        "json": JSON,
    },
)
def doctor(_: Context, variant: list[str] | None = None, strict: bool = False, json: str | None = None) -> None:
    """Say which variants can be built and run on this machine, on which device, and what to install for the others.

    Exits 1 when a variant that is named cannot be built. Example: forkkeeper doctor
    """
    run(lambda on_progress: flow.doctor(setting(on_progress), variant or (), strict=strict), name="doctor", json=json)


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=[],
    help={
        "variant": "a [variant.NAME] with a size, repeatable; also `size cuda` (default: all that can be built)",
        "json": JSON,
    },
)
def size(_: Context, variant: list[str] | None = None, json: str | None = None) -> None:
    """Build variants' libraries and those of the pristine pin, and compare their sections; slow at the first time.

    Example: forkkeeper size cuda cuda_slim
    """
    run(lambda on_progress: flow.size(setting(on_progress), variant or ()), name="size", json=json)


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=["what"],
    help={
        "what": "bf16, ops, models (several with commas), witness, deletions, regression, or a path of checks",
        "variant": "a variant that was built, repeatable (default: all that were)",
        "strict": "a device that is known to crash, or is missing, is a failure too",
        "extent": "of regression: outputs (what models say, seconds), usual, or whole (every operation, half an hour)",
        "json": JSON,
    },
)
def check(
    _: Context,
    what: str,
    variant: list[str] | None = None,
    strict: bool = False,
    extent: str = "",
    json: str | None = None,
) -> None:
    """Run checks on what was built; exits 1 when one fails, or when none ran.

    bf16: upstream's BF16 cases and ours. ops: every case of upstream's operation tests. models: small models of several
    kinds, by upstream's tools. witness: each patch's witness, with the patch and without it, and deletions. deletions:
    does a patch delete what upstream brought after it was written? (Needs no build.) regression: what models say,
    operations and upstream's own tests, in the fork and in the pristine pin, which is built beside it.
    Example: forkkeeper check bf16
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        wanted = value("check", what)
        if extent and wanted != flow.REGRESSION:
            raise flow.only_with("--extent", flow.REGRESSION)
        return flow.check(setting(on_progress), wanted, variant or (), strict=strict, extent=extent)

    run(verb, name="check", json=json)


@task(auto_shortflags=False, name="refresh", help={"json": JSON})
def upstream_refresh(_: Context, json: str | None = None) -> None:
    """Look for newer upstream commits: new snapshots at the package registry, and every git source.

    Example: forkkeeper upstream refresh
    """
    run(lambda on_progress: flow.refresh(setting(on_progress)), name="upstream.refresh", json=json)
