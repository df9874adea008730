"""The verbs on what upstream offers, and on what the fork takes of it."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, number, run, setting


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
