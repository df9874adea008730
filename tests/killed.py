"""Kills a verb in the middle: run as a script, by test_clash.py.

    python killed.py FORK MOMENT WORDS...

Runs `forkkeeper WORDS...` in FORK, and ends the process without any clean-up just before its n-th change of a file's
name (a rename, a removal) below `.forkkeeper/`, where a sync in progress is kept; exits with 77 then. Where it has
fewer, it ends as the verb does. With KILLED_ANYWHERE=1 in the environment any change of a name in FORK counts.
(A save's own changes are died before in dying.py.)
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from forkkeeper import tasks

DIED = 77
MANY = ("/objects/", "/sync/clash/", "/journal", "/operations/")  # many, and one like the other, or dying.py's
KEPT = "/" if os.environ.get("KILLED_ANYWHERE") else "/.forkkeeper/"
CHANGES = ("replace", "rename", "unlink", "rmdir", "remove")


def main(fork: str, moment: int, words: list[str]) -> None:
    """Run the verb up to the moment."""
    os.chdir(fork)
    seen = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            nonlocal seen
            path = os.path.abspath(os.fspath(args[-1]))  # noqa: PTH100 -- whatever it is given
            if path.startswith(fork + KEPT) and not any(part in path for part in MANY):
                if seen == moment:
                    os._exit(DIED)
                seen += 1
            return real(*args, **named)

        return call

    for name in CHANGES:
        setattr(os, name, counting(getattr(os, name)))
    tasks.program.run(["forkkeeper", *words])


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])  # noqa: PTH100 -- as above
