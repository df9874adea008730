"""Dies while it keeps nights, at many moments: run as a script, by stages/test_history.py.

    python keeping.py ROOT

Keeps nights in ROOT's history from child processes that are killed (SIGKILL): first each just before its n-th
statement of SQL, then, with nights larger than SQLite's cache, after n milliseconds. After each death the history is
read. Writes a JSON list of what it found: whether it died in the middle, how many nights were kept for certain, how
many there are, and whether each is whole.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nightly_values import a_night

from forkkeeper.core.nights import Night
from forkkeeper.shell.database import JOURNAL, Database
from forkkeeper.stages import history

TIMES = 30  # deaths after some time
STEPS, WORDS = 20, 20_000  # of a large night: 6 MB; SQLite holds 2 MB of a transaction in memory
SOON = 2  # nights that a child may keep before it is killed


def made(number: int, *, is_heavy: bool) -> Night:
    """Make the night of a number."""
    return a_night(number, steps=STEPS, weight=WORDS) if is_heavy else a_night(number)


def keeper(root: Path, *, is_heavy: bool) -> tuple[int, int]:
    """Start a child that keeps nights; gives its id, and where it tells of each."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        number = len(history.recent(root, most=10_000))
        for more in range(1, SOON + 1):
            history.keep(root, made(number + more, is_heavy=is_heavy))
            os.write(tell, b".")
        os._exit(0)
    os.close(tell)
    return child, told


def dies_by_itself(root: Path, moment: int) -> tuple[bool, int]:
    """Keep one night in a child that kills itself before its n-th statement; whether it did, and what it kept."""
    child = os.fork()
    if child == 0:
        seen = 0

        def counting(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any) -> Any:
                nonlocal seen
                if seen == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen += 1
                return real(*args)

            return call

        for name in ("rows", "insert", "run"):
            setattr(Database, name, counting(getattr(Database, name)))
        history.keep(root, made(1, is_heavy=False))
        os._exit(0)
    died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return died, 0 if died else 1


def dies_of_age(root: Path, seconds: float) -> tuple[bool, int]:
    """Keep nights in a child that is killed after some time; whether it was writing, and how many it had kept."""
    child, told = keeper(root, is_heavy=True)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(told, "rb") as pipe:
        kept = len(pipe.read())
    return (root / history.FILE).with_name(history.FILE.name + JOURNAL).exists(), kept


def deaths(root: Path) -> Iterator[dict[str, object]]:
    """Die at every moment, each in a history of its own, and look at what stands."""
    moment, goes_on = 0, True
    while goes_on:
        place = root / f"statement-{moment}"
        goes_on, kept = dies_by_itself(place, moment)
        yield seen(place, kept, is_heavy=False, within=goes_on)
        moment += 1
    began = time.monotonic()
    history.keep(root / "timed", made(1, is_heavy=True))
    one = time.monotonic() - began
    for at in range(TIMES):
        place = root / f"time-{at}"
        within, kept = dies_of_age(place, one * SOON * at / TIMES)
        yield seen(place, kept, is_heavy=True, within=within)


def seen(place: Path, kept: int, *, is_heavy: bool, within: bool) -> dict[str, object]:
    """Read a history after a death."""
    said: list[str] = []
    nights = history.recent(place, most=10_000, say=said.append)
    whole = all(night == made(len(nights) - at, is_heavy=is_heavy) for at, night in enumerate(nights))
    return {"within": within, "kept": kept, "there": len(nights), "whole": whole, "said": said}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(deaths(Path(sys.argv[1])))))
