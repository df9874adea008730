"""The verbs on patches: the queue as commits and back, one patch at a time, whose line this is."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.shell import terminal
from forkkeeper.tasks.running import JSON, OFFLINE, needed, run, setting, value


@task(
    auto_shortflags=False,
    name="open",
    help={"at": "stand at this patch instead of the last", "offline": OFFLINE, "json": JSON},
)
def open_(_: Context, at: str | None = None, offline: bool = False, json: str | None = None) -> None:
    """Make a worktree in .forkkeeper/patches in which the queue is one commit per patch.

    Example: forkkeeper patch open
    """
    run(lambda on_progress: flow.patch_open(setting(on_progress, offline=offline), at=at), name="patch.open", json=json)


@task(
    auto_shortflags=False,
    iterable=["drop"],
    help={"drop": "a patch that is meant to have no commit any more (repeatable)", "offline": OFFLINE, "json": JSON},
)
def save(_: Context, drop: list[str] | None = None, offline: bool = False, json: str | None = None) -> None:
    """Bring the commits of the open worktree back to files; queue, log and lock are saved together.

    Example: forkkeeper patch save
    """
    run(
        lambda on_progress: flow.patch_save(setting(on_progress, offline=offline), drop=drop or ()),
        name="patch.save",
        json=json,
    )


@task(auto_shortflags=False, help={"discard": "lose what is in no file of the fork", "json": JSON})
def close(_: Context, discard: bool = False, json: str | None = None) -> None:
    """Remove the open worktree; refuses when it holds what is not saved.

    Example: forkkeeper patch close
    """
    run(lambda on_progress: flow.patch_close(setting(on_progress), discard=discard), name="patch.close", json=json)


@task(auto_shortflags=False, help={"json": JSON}, name="list")
def list_(_: Context, json: str | None = None) -> None:
    """Show the queue in its order: title, files, lines, and what upstream says of each patch.

    Example: forkkeeper patch list
    """
    run(lambda on_progress: flow.patch_list(setting(on_progress)), name="patch.list", json=json)


@task(auto_shortflags=False, positional=["name"], help={"name": "a patch", "offline": OFFLINE})
def show(_: Context, name: str, offline: bool = False) -> None:
    """Show a whole patch: its reason, its trailers, its diff. Colour and pager are git's.

    Example: forkkeeper patch show lazy-mmap
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        here = setting(on_progress, offline=offline)
        shown, text, pager = flow.patch_show(here, value("patch show", name), colour=terminal.colourful())
        try:
            terminal.page(text, pager)
        except BrokenPipeError:  # `| head` has seen enough
            terminal.close_output()
        return shown

    run(verb)


@task(
    auto_shortflags=False,
    positional=["place"],
    help={"place": "FILE:LINE in the composed fork", "offline": OFFLINE, "json": JSON},
)
def why(_: Context, place: str, offline: bool = False, json: str | None = None) -> None:
    """Say whose a line of the composed fork is: a patch's, with its reason; the overlay's; or upstream's own.

    Example: forkkeeper patch why src/llama-mmap.cpp:449
    """
    run(
        lambda on_progress: flow.patch_why(setting(on_progress, offline=offline), value("patch why", place)),
        name="patch.why",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "the patch's file name, with or without .patch",
        "why": "why the fork carries it",
        "title": "its title (default: its name)",
        "origin": "local, or where it was taken from",
        "status": "its Upstream-Status",
        "witness": "the check that fails without it, or none [reason]",
        "after": "the patch that it comes right after (default: where the worktree stands, else the last)",
        "diff": "a file with the diff, instead of the edits in the open worktree",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def new(
    _: Context,
    name: str,
    why: str | None = None,
    title: str | None = None,
    origin: str = "local",
    status: str = "Pending",
    witness: str = "none [not written yet]",
    after: str | None = None,
    diff: str | None = None,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Make a patch of the uncommitted edits in the open worktree, or of a diff.

    Example: forkkeeper patch new quiet-start --why "Users mistook the banner for an error."
    """
    run(
        lambda on_progress: flow.patch_new(
            setting(on_progress, offline=offline),
            value("patch new", name),
            why=needed(why, "why TEXT"),
            title=title,
            origin=origin,
            status=status,
            witness=witness,
            after=after,
            diff=diff,
        ),
        name="patch.new",
        json=json,
    )


@task(auto_shortflags=False, positional=["name"], help={"name": "a patch", "offline": OFFLINE, "json": JSON})
def edit(_: Context, name: str, offline: bool = False, json: str | None = None) -> None:
    """Open the worktree standing at a patch, to change what it does; then `patch refresh`.

    Example: forkkeeper patch edit lazy-mmap
    """
    run(
        lambda on_progress: flow.patch_edit(setting(on_progress, offline=offline), value("patch edit", name)),
        name="patch.edit",
        json=json,
    )


@task(auto_shortflags=False, help={"offline": OFFLINE, "json": JSON})
def refresh(_: Context, offline: bool = False, json: str | None = None) -> None:
    """Take the edits into the patch at which the worktree stands; later patches are carried over them.

    Example: forkkeeper patch refresh
    """
    run(lambda on_progress: flow.patch_refresh(setting(on_progress, offline=offline)), name="patch.refresh", json=json)


@task(
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "the patch to be split",
        "into": "the name of the new patch, which comes right after it",
        "paths": "what goes into the new one: files and folders, with commas between them",
        "why": "why the fork carries the new one",
        "title": "the new one's title (default: its name)",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def split(
    _: Context,
    name: str,
    into: str | None = None,
    paths: str | None = None,
    why: str | None = None,
    title: str | None = None,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Make a patch of its own of what a patch does on some paths.

    Example: forkkeeper patch split cuda-slim --into cuda-docs --paths docs/ --why "Builders ask for it."
    """
    run(
        lambda on_progress: flow.patch_split(
            setting(on_progress, offline=offline),
            value("patch split", name),
            into=needed(into, "into NEW"),
            paths=needed(paths, "paths a.c,b/"),
            why=needed(why, "why TEXT"),
            title=title,
        ),
        name="patch.split",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["name"],
    help={"name": "the patch that goes", "into": "the patch that takes it in", "offline": OFFLINE, "json": JSON},
)
def fold(_: Context, name: str, into: str | None = None, offline: bool = False, json: str | None = None) -> None:
    """Make one patch of two; both reasons stay.

    Example: forkkeeper patch fold cuda-docs --into cuda-slim
    """
    run(
        lambda on_progress: flow.patch_fold(
            setting(on_progress, offline=offline), value("patch fold", name), into=needed(into, "into OTHER")
        ),
        name="patch.fold",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["old", "new"],
    help={"old": "a patch", "new": "its name from now on", "offline": OFFLINE, "json": JSON},
)
def rename(_: Context, old: str, new: str, offline: bool = False, json: str | None = None) -> None:
    """Give a patch another name.

    Example: forkkeeper patch rename lazy-mmap lazy-mapping
    """
    run(
        lambda on_progress: flow.patch_rename(
            setting(on_progress, offline=offline), value("patch rename", old), value("patch rename", new)
        ),
        name="patch.rename",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "the patch that moves",
        "before": "the patch that it comes right before",
        "after": "the patch that it comes right after",
        "offline": OFFLINE,
        "json": JSON,
    },
)
def move(
    _: Context,
    name: str,
    before: str | None = None,
    after: str | None = None,
    offline: bool = False,
    json: str | None = None,
) -> None:
    """Bring a patch to another place in the order; the fork stays the same, or nothing is done.

    Example: forkkeeper patch move lazy-mmap --after cuda-slim
    """
    run(
        lambda on_progress: flow.patch_move(
            setting(on_progress, offline=offline), value("patch move", name), before=before, after=after
        ),
        name="patch.move",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["name"],
    help={"name": "the patch that goes", "why": "why it is not needed any more", "offline": OFFLINE, "json": JSON},
)
def drop(_: Context, name: str, why: str | None = None, offline: bool = False, json: str | None = None) -> None:
    """Take a patch out of the queue; refuses where later ones build on it, and names them.

    Example: forkkeeper patch drop lazy-mmap --why "Upstream maps lazily now."
    """
    run(
        lambda on_progress: flow.patch_drop(
            setting(on_progress, offline=offline), value("patch drop", name), why=needed(why, "why TEXT")
        ),
        name="patch.drop",
        json=json,
    )


@task(
    auto_shortflags=False,
    positional=["name"],
    help={"name": "a patch in patches/parked/", "accept": "take what a rule made of it, too", "offline": OFFLINE},
)
def unpark(_: Context, name: str, accept: bool = False, offline: bool = False) -> None:
    """Bring a patch back that was set aside in a sync: carried to the pin, at the end of the queue.

    Example: forkkeeper patch unpark lazy-mmap
    """
    run(
        lambda on_progress: flow.patch_unpark(
            setting(on_progress, offline=offline), value("patch unpark", name), accept=accept
        )
    )


def verbs() -> Collection:
    """Give the verbs of `forkkeeper patch`."""
    looking = (list_, show, why)
    return Collection(
        "patch", open_, save, close, *looking, new, edit, refresh, split, fold, rename, move, drop, unpark
    )
