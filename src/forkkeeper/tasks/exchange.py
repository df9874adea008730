"""Verbs that meet other tools: git's merges of the fork's branches, and queues from and for elsewhere."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import run, setting


@task(auto_shortflags=False)
def setup(_: Context) -> None:
    """Make this clone ready: git is told how branches of the fork merge. Run it once in each clone.

    Example: forkkeeper setup
    """
    run(lambda on_progress: flow.setup(setting(on_progress)))


@task(
    auto_shortflags=False,
    name="merge-driver",
    positional=["path", "base", "ours", "theirs"],
    help={
        "path": "what the file is called in the repository (%P)",
        "base": "a file with the version before the branches parted (%O)",
        "ours": "a file with our version, which becomes the merged one (%A)",
        "theirs": "a file with their version (%B)",
    },
)
def merge_driver(_: Context, path: str, base: str, ours: str, theirs: str) -> None:
    """Merge the queue's files for git, which calls this once `setup` has run. Exits 1 when a person must look.

    Example: forkkeeper merge-driver patches/series BASE OURS THEIRS
    """
    run(lambda on_progress: flow.merge_driver(setting(on_progress), path=path, base=base, ours=ours, theirs=theirs))
