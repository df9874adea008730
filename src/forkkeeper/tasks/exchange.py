"""Verbs that meet other tools: git's merges of the fork's branches, and queues from and for elsewhere."""

from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.tasks.running import JSON, OFFLINE, needed, run, setting, value

FORMS = "mail, quilt, stgit, folder (plain diffs), electron or git"


@task(auto_shortflags=False, help={"json": JSON})
def setup(_: Context, json: str | None = None) -> None:
    """Make this clone ready: git is told how branches of the fork merge. Run it once in each clone.

    Example: forkkeeper setup
    """
    run(lambda on_progress: flow.setup(setting(on_progress)), name="setup", json=json)


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


@task(
    auto_shortflags=False,
    name="export",
    positional=["directory"],
    help={
        "to": FORMS,
        "directory": "a folder that is empty or not there yet",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def export_patches(
    _: Context, directory: str, to: str | None = None, offline: bool = False, json: str | None = None
) -> None:
    """Write the queue in the form of another tool; what is written is read back and must make the same tree.

    Example: forkkeeper patch export --to quilt ../debian/patches
    """
    run(
        lambda on_progress: flow.export_patches(
            setting(on_progress, offline=offline),
            to=needed(to, "to FORM"),
            directory=value("patch.export", directory),
        ),
        name="patch.export",
        json=json,
    )


@task(
    auto_shortflags=False,
    name="import",
    positional=["form", "source"],
    help={
        "form": FORMS,
        "source": "the folder that holds the patches, or the repository",
        "range": "of a repository: BASE..BRANCH; `patch import git REPO BASE..BRANCH` does as well",
        "after": "put them after this patch of the queue (default: at its end)",
        "from_pin": "the upstream commit that they were made for, from which they are carried to the pin",
        "why": "the reason of those that give none",
        "accept_reviewed": "with --from-pin: save what is marked for review, too",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def import_patches(
    _: Context,
    form: str,
    source: str,
    range_: str = "",
    after: str | None = None,
    from_pin: str | None = None,
    why: str | None = None,
    accept_reviewed: bool = False,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Take patches from elsewhere into the queue: all of them, or none and a list of what is wrong with each.

    Example: forkkeeper patch import quilt ../package/debian/patches
    """
    ask = flow.Ask(
        form=value("patch.import", form),
        source=value("patch.import", source),
        span=range_,
        after=after,
        since=from_pin,
        why=why,
        accept_reviewed=accept_reviewed,
    )
    run(
        lambda on_progress: flow.import_patches(setting(on_progress, offline=offline), ask),
        name="patch.import",
        json=json,
    )
