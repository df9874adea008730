"""Branches of the fork that meet: `merge-driver`, which git calls, and `setup`, which tells git of it."""

from pathlib import Path

from forkkeeper.core import merging
from forkkeeper.core.merging import Sides
from forkkeeper.core.operations import Deed
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import ExitCode, RequestError
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
        if lacking:
            deed = Deed(setting.typed, clock.now())
            projects.write(root, {merging.ATTRIBUTES: merging.with_lines(before)}, deed)
            blocks += [f"{merging.ATTRIBUTES}: added `{line}`" for line in lacking]
        if worktree.merge_driver(merging.DRIVER) != merging.COMMAND:
            worktree.tell_merge_driver(merging.DRIVER, merging.COMMAND, _ABOUT)
            blocks.append(f"git in this clone runs `{merging.COMMAND}` where branches of the fork meet")
    if not blocks:
        return Report((Painted("this clone was ready already", "green"),))
    commit = (f"next: commit {merging.ATTRIBUTES}; each clone runs `forkkeeper setup` once",) if lacking else ()
    return Report((*blocks, *commit))
