"""The verbs on patches: the queue as commits and back, one patch at a time, whose line this is."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import OFFLINE, run, setting


@task(auto_shortflags=False, name="open", help={"at": "stand at this patch instead of the last", "offline": OFFLINE})
def open_(_: Context, at: str | None = None, offline: bool = False) -> None:
    """Make a worktree in .forkkeeper/patches in which the queue is one commit per patch.

    Example: forkkeeper patch open
    """
    run(lambda on_progress: flow.patch_open(setting(on_progress, offline=offline), at=at))


@task(
    auto_shortflags=False,
    iterable=["drop"],
    help={"drop": "a patch that is meant to have no commit any more (repeatable)", "offline": OFFLINE},
)
def save(_: Context, drop: list[str] | None = None, offline: bool = False) -> None:
    """Bring the commits of the open worktree back to files; queue, log and lock are saved together.

    Example: forkkeeper patch save
    """
    run(lambda on_progress: flow.patch_save(setting(on_progress, offline=offline), drop=drop or ()))


@task(auto_shortflags=False, help={"discard": "lose what is in no file of the fork"})
def close(_: Context, discard: bool = False) -> None:
    """Remove the open worktree; refuses when it holds what is not saved.

    Example: forkkeeper patch close
    """
    run(lambda on_progress: flow.patch_close(setting(on_progress), discard=discard))


def verbs() -> Collection:
    """Give the verbs of `forkkeeper patch`."""
    return Collection("patch", open_, save, close)
