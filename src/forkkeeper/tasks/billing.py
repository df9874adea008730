"""The verb that says what the fork is made of."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, run, setting


@task(
    auto_shortflags=False,
    help={"output": "the file that is written (default: build/report/sbom.cdx.json)", "json": JSON},
)
def sbom(_: Context, output: str | None = None, json: str | None = None) -> None:
    """Write what the fork is made of, as CycloneDX 1.6: upstream at its pin, licences, each patch, the files added.

    Example: forkkeeper sbom --output fork.cdx.json
    """
    run(lambda on_progress: flow.sbom(setting(on_progress), output), name="sbom", json=json)
