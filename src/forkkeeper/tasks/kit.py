"""`kit list` and `kit fetch`."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, needed, run, setting


@task(auto_shortflags=False, name="list", help={"json": JSON})
def kit_list(_: Context, json: str | None = None) -> None:
    """List the kits: packages that can be unpacked beside the build, where this system lacks something.

    Example: forkkeeper kit list
    """
    run(lambda on_progress: flow.kit_list(setting(on_progress)), name="kit.list", json=json)


@task(
    auto_shortflags=False,
    name="fetch",
    iterable=["name"],
    positional=[],
    help={
        "name": "a [kit.NAME] of fork.toml, repeatable; `forkkeeper kit fetch mesa` does as well",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def kit_fetch(_: Context, name: list[str] | None = None, offline: bool = False, json: str | None = None) -> None:
    """Fetch a kit into .forkkeeper/kits/; its digests are verified, and nothing of the system is touched.

    Example: forkkeeper kit fetch mesa
    """
    run(
        lambda on_progress: flow.kit_fetch(setting(on_progress, offline=offline), name or [needed(None, "name KIT")]),
        name="kit.fetch",
        json=json,
    )


def verbs() -> Collection:
    """Give both."""
    return Collection("kit", kit_list, kit_fetch)
