"""The verbs on how the fork is held: is it as the lock says, and edits made there taken into the queue."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.shell import terminal
from forkkeeper.tasks.running import JSON, OFFLINE, run, setting


@task(auto_shortflags=False, help={"offline": OFFLINE, "json": JSON})
def verify(_: Context, offline: bool = False, json: str | None = None) -> None:
    """Compare the vendored directory, or the branch and its submodule, with fork.lock.

    Exits 1 when a file there was edited, added or removed by hand, when it is that of an older lock, or when git
    would not commit it as it is. Example: forkkeeper verify
    """
    run(lambda on_progress: flow.verify(setting(on_progress, offline=offline)), name="verify", json=json)


@task(
    auto_shortflags=False,
    iterable=["paths"],
    positional=[],
    help={
        "paths": "only these edited files and folders, repeatable; `patch absorb src/a.c src/b.c` does as well",
        "name": "the new patch's name",
        "why": "why the fork carries it",
        "into": "instead: the patch that takes the edits in",
        "title": "the new patch's title (default: its name)",
        "origin": "local, or where it was taken from",
        "status": "its Upstream-Status",
        "witness": "the check that fails without it, or none [reason]",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def absorb(
    _: Context,
    paths: list[str] | None = None,
    name: str | None = None,
    why: str | None = None,
    into: str | None = None,
    title: str | None = None,
    origin: str = "local",
    status: str = "Pending",
    witness: str = "none [not written yet]",
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Make a patch of what was edited by hand in the vendored directory, or add it to a patch.

    Edits of overlay files go into the overlay. The directory stays as it is; `undo` takes the patch back.
    Example: forkkeeper patch absorb --name quiet-start --why "Users mistook the banner for an error."
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        for option, given in (("--name", name), ("--why", why), ("--title", title)):
            if into is not None and given is not None:
                raise flow.not_with(option, "--into")
        said = flow.Words(name, why, title, origin, status, witness)
        return flow.patch_absorb(setting(on_progress, offline=offline), paths or (), said, into=into)

    run(verb, name="patch.absorb", json=json)
