"""The verb that draws the report page."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, run, setting


@task(auto_shortflags=False, help={"offline": OFFLINE, "json": JSON})
def report(_: Context, offline: bool = False, json: str | None = None) -> None:
    """Draw the fork's state and its nights as one page, build/report/index.html, which opens with no network.

    Example: forkkeeper report
    """
    run(lambda on_progress: flow.report(setting(on_progress, offline=offline)), name="report", json=json)
