"""The verbs on what was done: back, and forward again."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, run, setting


@task(auto_shortflags=False, help={"list": "only show the operations, and which of them is undone next", "json": JSON})
def undo(_: Context, list: bool = False, json: str | None = None) -> None:  # noqa: A002 -- it is the option's name
    """Take back the last operation that saved something: every file becomes what it was before.

    Refused where a file was edited since. Example: forkkeeper undo --list
    """
    run(lambda on_progress: (flow.past if list else flow.undo)(setting(on_progress)), name="undo", json=json)


@task(auto_shortflags=False, help={"json": JSON})
def redo(_: Context, json: str | None = None) -> None:
    """Bring back the operation that was undone last, until another one saves something.

    Example: forkkeeper redo
    """
    run(lambda on_progress: flow.redo(setting(on_progress)), name="redo", json=json)
