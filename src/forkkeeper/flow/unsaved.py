"""What the open worktree holds that is in no file of the fork: refused where it would be lost, with what keeps it."""

from pathlib import Path

from forkkeeper.core.mailing import Made
from forkkeeper.errors import RequestError
from forkkeeper.stages import opened as openeds
from forkkeeper.stages.opened import FOLDER, Opened
from forkkeeper.stages.project import Project

_SHA = 12  # hex digits: as many as git takes for one commit, and a person can compare
_NEXT = "\n    "


def refuse_unsaved(opened: Opened, step: str) -> None:
    """Raise RequestError where the open worktree holds what is in no file of the fork."""
    lost = openeds.unsaved(opened)
    if lost:
        hint = f"{ways(opened)}; `forkkeeper patch close --discard` throws it away"
        raise RequestError(step, FOLDER, f"holds what is not saved: {'; '.join(lost)}", hint)


def refuse_close(opened: Opened, step: str) -> None:
    """Raise RequestError where removing the open worktree would lose something, commits that were left among it."""
    lost = openeds.losses(opened)
    if not lost:
        return
    left = [row.split(" ", 1)[0] for row in reversed(openeds.left(opened))]
    back = (
        f"`git -C {FOLDER} cherry-pick {' '.join(left)}`, then `forkkeeper patch save`, takes in what was left behind"
    )
    hint = "; ".join([*([ways(opened)] if openeds.unsaved(opened) else []), *([back] if left else [])])
    raise RequestError(step, FOLDER, f"holds what is not saved: {'; '.join(lost)}", f"{hint}; or add --discard")


def own(opened: Opened) -> tuple[Made, ...] | None:
    """Give the commits made on what the worktree was opened at, in order; None where that was rewritten."""
    checkout, stood = opened.checkout, opened.stood
    head = checkout.head()
    made = checkout.since(stood) if head is not None and checkout.holds(stood, head) else None
    return None if made is None or any(len(one.parents) != 1 for one in made) else made


def ways(opened: Opened) -> str:
    """Say what takes in what is not saved."""
    if not opened.is_at_patch and opened.checkout.head() == opened.stood and not opened.checkout.loose():
        there = f"`git -C {FOLDER} log --all` shows it: check its branch out there (of the stash: `git stash pop`)"
        return f"{there}, then `forkkeeper patch save` takes it in"
    if not opened.is_at_patch:
        return "`forkkeeper patch save` takes it in"
    made = own(opened)
    if not made:
        return "`forkkeeper patch refresh` takes it in"
    title = str(opened.chain.at).removesuffix(".patch")
    stood = opened.stood[:_SHA]
    edits = opened.checkout.loose()
    first = f"commit or stash the edits there ({openeds.some(edits)}); then " if edits else ""
    return (
        f"`git -C {FOLDER} reset --soft {stood}`, then `forkkeeper patch refresh`, makes them part of {title};"
        f"{_NEXT}or, as patches of their own: {first}"
        f"`git -C {FOLDER} rebase --onto {made[-1].sha[:_SHA]} {stood} {openeds.BRANCH}`, then `forkkeeper patch save`"
    )


def stale(opened: Opened, project: Project) -> str:
    """Say how what is not saved comes over to the fork's files as they are now: line by line, each as it is typed."""
    kept = _free(project.root)
    made, edits = own(opened), opened.checkout.loose()
    at = project.queue.named(opened.chain.at) if opened.is_at_patch and opened.chain.at else None
    stood = opened.stood[:_SHA]
    lines = [f"mv {FOLDER} {kept}"]
    if edits:
        lines.append(f"git -C {kept} add -A && git -C {kept} commit -q -m edits")
    lines += [
        f"forkkeeper patch edit {at.title}" if at else "forkkeeper patch open",
        f"git -C {FOLDER} fetch -q ../{Path(kept).name} HEAD",
    ]
    if made is None:
        lines.append(f"git -C {kept} diff --binary {stood} HEAD | git -C {FOLDER} apply --3way")
    elif made or edits:
        loose = "-n " if at or not made else ""
        lines.append(f"git -C {FOLDER} cherry-pick {loose}{stood}..FETCH_HEAD")
    said = f" (also the uncommitted edits: {openeds.some(edits)})" if edits else ""
    return (
        "`forkkeeper undo` takes the change back where a verb made it, `git restore` where nobody committed it; or,"
        f" to bring what you made{said} over to the fork as it is now:{_NEXT}{_NEXT.join(lines)}"
        f"\n  then go on there; {kept} holds all of it, other branches and the stash too, until you remove it"
    )


def _free(root: Path) -> str:
    """Name a folder that is not there yet, beside the worktree."""
    names = [f"{FOLDER}-kept", *(f"{FOLDER}-kept-{number}" for number in range(2, 1000))]
    return next(name for name in names if not (root / name).exists())
