"""Files in a worktree that git would leave out, as a .gitignore matches them: named before they go with it.

Some are what a build left there; some are new files of a person's that upstream's rules happen to match.
"""

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from forkkeeper.core.report import Block, Painted
from forkkeeper.errors import AnswerIsNo
from forkkeeper.shell.git import Checkout
from forkkeeper.stages.opened import FOLDER, Opened, some

_NAMED = 5  # files that are written into a command


def refuse_ignored(checkout: Checkout, shown: Path, own: Collection[str], *, step: str, taken: str, then: str) -> None:
    """Raise AnswerIsNo where files are ignored.

    own -- those that are taken all the same; taken -- what takes them in, once they are added; then -- the step anew
    """
    ignored = [path for path in checkout.ignored() if path not in own]
    if ignored:
        hint = (
            f"{_added(shown, ignored)}, then {taken}, takes them in;\n"
            f"    `git -C {shown} clean -ffdXq` deletes all that is ignored; then {then}"
        )
        raise AnswerIsNo(step, str(shown), f"holds files that a .gitignore leaves out: {some(ignored)}", hint)


def refuse_close(opened: Opened, step: str) -> None:
    """Raise AnswerIsNo where the open worktree holds files that are ignored, and would go with it."""
    at_patch = opened.chain.at is not None and opened.checkout.branch() is None
    taken = _taken(at_patch=at_patch) if opened.chain.commits else '`forkkeeper patch new NAME --why "…"`'
    then = "`forkkeeper patch close`, which does the same with --discard"
    refuse_ignored(opened.checkout, Path(FOLDER), (), step=step, taken=taken, then=then)


def left_out(checkout: Checkout, *, at_patch: bool) -> tuple[Block, ...]:
    """Say which files a patch that was made of the open worktree has not, and what takes them in.

    at_patch -- the worktree stands at the patch now, and not on the branch
    """
    ignored = checkout.ignored()
    if not ignored:
        return ()
    said = f"left out, as a .gitignore matches them: {some(ignored)}"
    return (
        Painted(said, "yellow"),
        f"  {_added(Path(FOLDER), ignored)}, then {_taken(at_patch=at_patch)}, takes them in",
    )


def _added(shown: Path, ignored: Sequence[str]) -> str:
    return f"`git -C {shown} add --force -- {shlex.join(ignored[:_NAMED])}`"


def _taken(*, at_patch: bool) -> str:
    """Give what takes added files into the patch at which the worktree stands, or the last one."""
    if at_patch:
        return "`forkkeeper patch refresh`"
    return f"`git -C {FOLDER} commit --amend --no-edit` and `forkkeeper patch save`"
