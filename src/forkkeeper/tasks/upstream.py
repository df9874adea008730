"""The verbs on what upstream offers, and on what the fork takes of it."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, needed, number, run, setting, value


@task(
    auto_shortflags=False,
    help={
        "upto": "the last commit to look at (default: the newest that is held here)",
        "since": "only commits after this one, which must lie between the pin and there",
        "limit": "rows to show (default: 20)",
        "class": "only such: fix, feature, security, requested, patched, clash, metal, …",
        "path": "only commits that change this file or folder of upstream's tree",
        "all": "those that were picked or declined, too, with the reason",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def triage(
    _: Context,
    upto: str | None = None,
    since: str | None = None,
    limit: str | None = None,
    class_: str | None = None,
    path: str | None = None,
    all: bool = False,  # noqa: A002 -- it is the option's name
    offline: bool = False,
    json: str | None = None,
) -> None:
    """List upstream's commits after the pin that matter to this fork, ranked, each with the reasons.

    Example: forkkeeper triage --class security
    """
    run(
        lambda on_progress: flow.triage(
            setting(on_progress, offline=offline),
            upto=upto,
            since=since,
            limit=number("limit", limit),
            only=class_,
            path=path,
            everything=all,
        ),
        name="triage",
        json=json,
    )


@task(
    auto_shortflags=False,
    name="import",
    help={"file": "what `gh issue list --state all --json …` wrote; the page of `requests list` has it", "json": JSON},
)
def requests_import(_: Context, file: str | None = None, json: str | None = None) -> None:
    """Bring users' requests out of GitHub's JSON into requests.toml: new ones, votes, what was closed.

    Example: forkkeeper requests import --file issues.json
    """
    run(
        lambda on_progress: flow.requests_import(setting(on_progress), file=needed(file, "file issues.json")),
        name="requests.import",
        json=json,
    )


@task(auto_shortflags=False, name="list", help={"json": JSON})
def requests_list(_: Context, json: str | None = None) -> None:
    """Show what the fork's users asked for of upstream, the most votes first.

    Example: forkkeeper requests list
    """
    run(lambda on_progress: flow.requests_list(setting(on_progress)), name="requests.list", json=json)


def requests() -> Collection:
    """Give the verbs on requests."""
    return Collection("requests", requests_import, requests_list)


@task(auto_shortflags=False, positional=["path"], help={"path": "a file or folder", "offline": OFFLINE, "json": JSON})
def explain(_: Context, path: str, offline: bool = False, json: str | None = None) -> None:
    """Say why a path is in the fork or not: the rule, whose its lines are, when upstream changed it last.

    It may be upstream's at the pin, the fork's, or gone. Example: forkkeeper explain src/main.c
    """
    run(
        lambda on_progress: flow.explain(setting(on_progress, offline=offline), value("explain", path)),
        name="explain",
        json=json,
    )


@task(
    auto_shortflags=False,
    name="check",
    help={
        "since": "paths that were there at this commit are not new (default: the pin before this one)",
        "upto": "look ahead: new paths between the pin and this upstream commit",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def policy_check(
    _: Context, since: str | None = None, upto: str | None = None, offline: bool = False, json: str | None = None
) -> None:
    """List path rules that match nothing or decide nothing, and new upstream paths that no rule decides.

    Exits 1 when a rule matches nothing. Example: forkkeeper policy check
    """
    run(
        lambda on_progress: flow.policy_check(setting(on_progress, offline=offline), since=since, upto=upto),
        name="policy.check",
        json=json,
    )


def policy() -> Collection:
    """Give the verbs on the path policy."""
    return Collection("policy", policy_check)
