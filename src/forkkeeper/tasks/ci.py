"""`ci-matrix`: what CI builds and tests, and where."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import run, setting


@task(
    auto_shortflags=False,
    help={
        "cost": "the dearest class of variants that gets jobs: light, medium or heavy (default: heavy)",
        "registered": "variants, with commas, whose own runner is there; `none` (default: all that declare one)",
        "json": "also write the jobs as JSON to this file; - is standard output, and nothing else is shown",
    },
)
def ci_matrix(_: Context, cost: str | None = None, registered: str | None = None, json: str | None = None) -> None:
    """List the jobs of CI, made from fork.toml's variants: runner, packages, sessions, cost, real or emulated device.

    Example: forkkeeper ci-matrix --registered none
    """
    run(
        lambda on_progress: flow.ci_matrix(setting(on_progress), cost=cost, registered=registered),
        name="ci-matrix",
        json=json,
    )
