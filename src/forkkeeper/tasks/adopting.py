"""`adopt`: a fork that has no patches yet becomes one that has."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, needed, run, setting


@task(
    auto_shortflags=False,
    help={
        "tree": "the folder in which your fork holds upstream's files",
        "upstream": "a local clone of upstream with its whole history",
        "into": "a folder that is empty or not there yet: the new fork is written there (default: only the report)",
        "upto": "count upstream's history up to this commit (default: HEAD of the clone)",
        "pin": "the upstream commit to stand on (default: the one to which the most files are closest)",
        "by": "how edits are cut into patches: group (folder or file name), annotation ([name] in comments) or history",
        "history": "your fork's own repository: a patch for each commit of it that brought edits",
        "history_path": "where in that repository the tree stands",
        "json": JSON,
    },
)
def adopt(
    _: Context,
    tree: str | None = None,
    upstream: str | None = None,
    into: str | None = None,
    upto: str | None = None,
    pin: str | None = None,
    by: str | None = None,
    history: str | None = None,
    history_path: str | None = None,
    json: str | None = None,
) -> None:
    """Find the upstream version that each file of a tree is closest to, and make a fork with a first queue of it.

    Example: forkkeeper adopt --tree llama.cpp --upstream ../up --into ../fork
    """

    def ask() -> flow.Adoption:
        return flow.Adoption(
            tree=needed(tree, "tree DIR"),
            upstream=needed(upstream, "upstream REPO"),
            into=into,
            upto=upto,
            pin=pin,
            by=by,
            history=history,
            history_path=history_path,
        )

    run(lambda on_progress: flow.adopt(setting(on_progress), ask()), name="adopt", json=json)
