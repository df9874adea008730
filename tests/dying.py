"""Dies in the middle of a save, at each moment once: run as a script, by test_bad_input.py.

    python dying.py FORK STAGE WORDS...

Runs `forkkeeper WORDS...` in FORK up to its save, and saves into copies of the fork instead, named `FORK-0`,
`FORK-1`, …; in copy n the process ends (without any clean-up) just before its n-th rename or removal of a file. The
last copy is the one where nothing was left to interrupt.

STAGE -- "save": the save itself dies; "recover": the save dies as soon as it is declared, and then finishing it does;
    "declared" and "placed": one copy alone, dead before the first file is put in its place, or when only the journal
    was left to put away as the record
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from forkkeeper import tasks
from forkkeeper.core.operations import Deed
from forkkeeper.shell import disk

DIED, WHOLE = 77, 0
ONCE = {"declared": (0, "/patches/series"), "placed": (0, "/000003")}  # built forks have two operations behind them
CHANGES = ("replace", "rename", "unlink", "rmdir", "remove")


def dies_at(moment: int, work: Callable[[], object], *, only: str = "") -> bool:
    """Do work in a child process that ends before its n-th change of a name; say whether it did end there.

    only -- count only changes of paths that end so
    """
    child = os.fork()
    if child == 0:
        seen = 0

        def counting(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **named: Any) -> Any:
                nonlocal seen
                if str(args[-1]).endswith(only):
                    if seen == moment:
                        os._exit(DIED)
                    seen += 1
                return real(*args, **named)

            return call

        for name in CHANGES:
            setattr(os, name, counting(getattr(os, name)))
        work()
        os._exit(WHOLE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED


def main(fork: Path, stage: str, words: list[str]) -> None:
    """Run the verb; its save is done many times, each in a copy."""
    real = disk.save

    def save(root: Path, journal: Path, files: Mapping[str, bytes | None], *, last: str, deed: Deed) -> NoReturn:
        moment, goes_on = 0, True
        while goes_on:
            copy = root.with_name(f"{root.name}-{moment}")
            shutil.copytree(root, copy, symlinks=True)
            own = copy / journal.relative_to(root)

            work = partial(real, copy, own, files, last=last, deed=deed)
            if stage in ONCE:
                which, path = ONCE[stage]
                assert dies_at(which, work, only=path)
                goes_on = False
            elif stage == "save":
                goes_on = dies_at(moment, work)
            else:
                assert dies_at(0, work, only="/patches/series")
                goes_on = dies_at(moment, partial(disk.recover, copy, own))
            moment += 1
        os._exit(WHOLE)

    disk.save = save
    os.chdir(fork)
    tasks.program.run(["forkkeeper", *words])


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2], sys.argv[3:])
