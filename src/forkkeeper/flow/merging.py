"""Branches of the fork that meet: `merge-driver`, which git calls, and `setup`, which tells git of it."""

from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core import merging
from forkkeeper.core.merging import Sides
from forkkeeper.core.operations import Deed
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import ExitCode, RequestError
from forkkeeper.flow import committing
from forkkeeper.flow.standing import Setting, noted
from forkkeeper.shell import clock, disk
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects

_ABOUT = "the fork's queue and what is generated from it"


def merge_driver(setting: Setting, *, path: str, base: str, ours: str, theirs: str) -> Report:
    """Merge one of the fork's files for git: the result takes the place of `ours`; exit 1 leaves markers in it.

    path -- what the file is called in the repository
    base, ours, theirs -- files that git wrote, with the three versions
    """
    sides = Sides(*(_side(setting.here, path, name) for name in (base, ours, theirs)))
    made = merging.merge(path, sides)
    if made is None:
        known = ", ".join(merging.FILES)
        raise RequestError(
            "merge-driver", path, f"is none of {known}", f"mend {merging.ATTRIBUTES}: `forkkeeper setup`"
        )
    disk.write(setting.here / ours, made.data)
    if made.clashes:
        return Report(
            tuple(Painted(f"merge-driver: {path}: {clash}", "red") for clash in made.clashes), ExitCode.ANSWER_IS_NO
        )
    return Report((f"merge-driver: {path}: {made.note}",) if made.note else ())


def _side(here: Path, path: str, name: str) -> bytes:
    data = disk.read(here / name)
    if data is None:
        raise RequestError("merge-driver", path, f"there is no file {name}", "git calls this: `forkkeeper setup`")
    return data


def setup(setting: Setting) -> Report:
    """Make this clone ready: git learns of the merge driver, and `.gitattributes` says which files it is for."""
    root = projects.find_root(setting.here, step="setup")
    worktree = Worktree(root)
    if not worktree.exists:
        raise RequestError("setup", str(root.name), "is in no git repository", "`git init` first")
    with projects.alone(root, doing="setup") as done:
        blocks: list[Block] = [*noted(done)]
        before = disk.read(root / merging.ATTRIBUTES) or b""
        lacking = merging.lacking(before)
        rewritten = projects.line_ends(root).rewritten
        turned = _turned(root, rewritten)
        files = turned | ({merging.ATTRIBUTES: merging.with_lines(before)} if lacking else {})
        if files:
            projects.write(root, files, Deed(setting.typed, clock.now()))
            blocks += [f"{merging.ATTRIBUTES}: added `{line}`" for line in lacking]
            blocks += [f"{path}: with the line ends that the fork was saved with" for path in turned]
        for path in rewritten:  # git looks at no file again that was not written since
            disk.write(root / path, disk.read(root / path) or b"")
        if worktree.merge_driver(merging.DRIVER) != merging.COMMAND:
            worktree.tell_merge_driver(merging.DRIVER, merging.COMMAND, _ABOUT)
            blocks.append(f"git in this clone runs `{merging.COMMAND}` where branches of the fork meet")
    if not blocks:
        return Report((Painted("this clone was ready already", "green"),))
    if not worktree.uncommitted([merging.ATTRIBUTES, *rewritten]):
        return Report(tuple(blocks))
    how = committing.command(root, [merging.ATTRIBUTES, *rewritten], "setup: merge driver and line ends")
    return Report((*blocks, "next: commit it; each clone runs `forkkeeper setup` once:", f"  {how}"))


def _turned(root: Path, rewritten: Sequence[str]) -> dict[str, bytes]:
    """Give what files are to be whose line ends git has changed in this clone, so that the lock is right again.

    None where the lock is right already: then git has changed them in the commit.
    """
    return projects.as_committed(root, rewritten) if rewritten and not _in_step(root) else {}


def _in_step(root: Path) -> bool:
    try:
        return not projects.load(root, step="setup").drift()
    except RequestError:
        return False
