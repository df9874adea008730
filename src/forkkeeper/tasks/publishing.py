"""`publish`: what a night found, shown to the world."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, needed, run, setting


@task(
    auto_shortflags=False,
    help={
        "to": "github (the token from GITHUB_TOKEN or GH_TOKEN), or folder:DIR",
        "repository": "OWNER/NAME (default: [forge] of fork.toml, then GITHUB_REPOSITORY)",
        "outbox": "the folder that `nightly` filled (default: .forkkeeper/nightly/outbox)",
        "dry-run": "say what would be done; nothing is changed",
        "json": JSON,
    },
)
def publish(
    _: Context,
    to: str | None = None,
    repository: str = "",
    outbox: str | None = None,
    dry_run: bool = False,
    json: str | None = None,
) -> None:
    """Show what a night found: one pull request per sync, refreshed in place, and one alarm issue that closes itself.

    Run twice it changes nothing the second time. Exits 1 when the outbox holds what no sync makes.
    Example: forkkeeper publish --to github --dry-run
    """
    run(
        lambda on_progress: flow.publish(
            setting(on_progress),
            flow.Publishing(needed(to, "to github, or --to folder:DIR"), repository, outbox, dry_run),
        ),
        name="publish",
        json=json,
    )
