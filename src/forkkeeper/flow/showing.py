"""The queue shown: `patch list`, `patch show`, `patch why FILE:LINE`."""

import re
import shlex
import textwrap
from pathlib import PurePosixPath

from forkkeeper.core import ownership, report
from forkkeeper.core.mail import Patch
from forkkeeper.core.overlay import FOLDER as OVERLAY
from forkkeeper.core.ownership import NoLine, Overlaid, Owned, Patched, Upstreams
from forkkeeper.core.report import Block, Painted, Report, Table
from forkkeeper.errors import RequestError
from forkkeeper.flow.patching import named
from forkkeeper.flow.standing import Setting, Stand, composed, near_hint, open_fork, recover
from forkkeeper.shell.git import Worktree
from forkkeeper.stages import project as projects


def patch_list(setting: Setting) -> Report:
    """Show the queue in its order; needs no upstream."""
    root = projects.find_root(setting.here, step="patch list")
    notes = recover(root)
    queue = projects.load_queue(root / projects.PATCHES, step="patch list", shown=projects.PATCHES)
    rows = tuple(
        (
            str(number),
            patch.title,
            patch.subject,
            str(len(patch.paths)),
            str(sum(file.added for file in patch.files)),
            str(sum(file.removed for file in patch.files)),
            patch.trailer("Upstream-Status") or "",
        )
        for number, patch in enumerate(queue.patches, start=1)
    )
    if not rows:
        return Report((*notes, "the queue is empty", "next: `forkkeeper patch open`, or `forkkeeper patch new NAME`"))
    return Report((*notes, Table(("", "patch", "title", "files", "+", "-", "upstream status"), rows)))


def patch_show(setting: Setting, name: str, *, colour: bool = False) -> tuple[Report, bytes, str]:
    """Give a whole patch as its file has it, and the pager; with `colour` its diff as git paints one."""
    step = "patch show"
    project, upstream, notes = open_fork(setting, step)
    patch = named(project, name, step)
    worktree = Worktree(project.root)
    data = patch.data
    if colour and worktree.colours(terminal=True):
        with composed(project, upstream, step=step) as stand:
            at = next(one for one in stand.made.steps if one.patch.name == patch.name)
            painted = worktree.show_diff(stand.store, at.before, at.after, ["--color=always"], ())
        data = patch.head + painted
    return Report(notes), data, worktree.pager()


def patch_why(setting: Setting, place: str) -> Report:
    """Say whose a line of the composed fork is: a patch's, the overlay's or upstream's own."""
    step = "patch why"
    match = re.fullmatch(r"(.+):(\d+)", place)
    if match is None:
        raise RequestError(step, place, "is not of the form FILE:LINE", "e.g. `forkkeeper patch why src/main.c:12`")
    path, number = PurePosixPath(match[1]).as_posix(), int(match[2])
    project, upstream, notes = open_fork(setting, step)
    with composed(project, upstream, step=step) as stand:
        found = ownership.owner(stand.store, stand.made, project.overlay, path, number)
        if isinstance(found, NoLine):
            raise RequestError(step, path, found.found, _hint(stand, path, number))
    return Report((*notes, *_owned_blocks(stand, found)))


def _hint(stand: Stand, path: str, number: int) -> str:
    paths = sorted(stand.store.entries(stand.made.tree))
    if path in paths:
        first = shlex.quote(f"{path}:1")
        return f"`forkkeeper patch why {first}` is its first line; {number} is counted in the composed fork"
    last = path.rsplit("/", 1)[-1]
    same = [one for one in paths if one.rsplit("/", 1)[-1] == last]
    near = near_hint(path, same or paths, "files")
    return near if near.startswith("did") else f"paths are those of upstream's tree{f': {same[0]}?' if same else ''}"


def _owned_blocks(stand: Stand, found: Owned) -> tuple[Block, ...]:
    line = Painted(f"{found.path}:{found.number}: {found.text.decode('utf-8', 'replace').rstrip()}", "bold")
    return (line, *_owner_blocks(stand, found))


def _owner_blocks(stand: Stand, found: Owned) -> tuple[Block, ...]:
    match found.owner:
        case Overlaid():
            return (f"the overlay's: {OVERLAY}/{found.path}",)
        case Patched(patch=patch):
            return (Painted(f"of the patch {patch.title}: {patch.subject}", "green"), "", *_reason(patch))
        case Upstreams(path=path, number=number):
            passed = ", ".join(one.title for one in found.passed)
            said = f"upstream's own: {path}:{number} at {report.said(stand.pin)}"
            return (said, *([f"patches that change this file elsewhere: {passed}"] if passed else []))


def _reason(patch: Patch) -> tuple[Block, ...]:
    said = textwrap.indent(patch.reason, "  ")
    trailers = tuple(f"  {key}: {value}" for key, value in patch.trailers)
    return (
        said,
        "",
        *trailers,
        "",
        f"next: `forkkeeper patch show {patch.title}`, `forkkeeper patch edit {patch.title}`",
    )
