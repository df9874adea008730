"""Accidents that a check must catch, each planted by program in a scratch copy; what came of each is kept."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from benchmarks.calibrate import plant_deletion, plant_no_effect, plant_one_bit
from benchmarks.calibrate.copies import NOT_MEASURED, OBJECTS, NotMeasuredError, copy, forkkeeper, say
from forkkeeper.shell import disk

if TYPE_CHECKING:
    from collections.abc import Callable

Name = Literal["no-effect", "deletion", "one-bit"]
ABOUT: dict[Name, str] = {
    "no-effect": "a patch of no effect, whose witness passes without it (check witness)",
    "deletion": "patches that delete what upstream brought since (check deletions)",
    "one-bit": "one bit of one logit turned over (check regression)",
}


class Came(msgspec.Struct, frozen=True):
    """What came of an accident. status -- 0 caught, 1 missed, 2 not measured."""

    name: str
    status: int


def came(kept: Path, name: Name) -> Came | None:
    """Give what came of an accident; None where it was not planted yet, or could not be."""
    data = disk.read(kept / f"accident-{name}.json")
    found = None if data is None else msgspec.json.decode(data, type=Came)
    return None if found is None or found.status == NOT_MEASURED else found


def plant(root: Path, kept: Path, name: Name, upto: str) -> Came:
    """Plant an accident, and keep what comes of it.

    upto -- where the fork is synced to first, for one that needs it
    """
    say(f"planting {ABOUT[name]}")
    doing: dict[Name, Callable[[], int]] = {
        "no-effect": lambda: plant_no_effect.main(["--fork", str(root)]),
        "deletion": lambda: _on_a_synced_copy(root, upto),
        "one-bit": lambda: plant_one_bit.main(["--fork", str(root)]),
    }
    try:
        status = doing[name]()
    except NotMeasuredError as missing:
        say(f"not measured: {missing}")
        status = NOT_MEASURED
    found = Came(name, status)
    disk.write(kept / f"accident-{name}.json", msgspec.json.encode(found))
    return found


def _on_a_synced_copy(root: Path, upto: str) -> int:
    """Plant deletions of what upstream brought after a patch was written: it takes a sync to have any."""
    with tempfile.TemporaryDirectory(prefix="synced-") as folder:
        fork = copy(root, Path(folder))
        (fork / OBJECTS).unlink()  # borrowed; a sync brings more, which the fork itself has no use for
        shutil.copytree(root / OBJECTS, fork / OBJECTS, symlinks=True)
        done = forkkeeper(fork, "sync", "--upto", upto)
        if done.code:
            say(f"not measured: the fork cannot be synced to {upto}: {done.last_words}")
            return NOT_MEASURED
        return plant_deletion.main(["--fork", str(fork)])
