"""What a bug of ours leaves behind: a report file in the fork's state folder, and a fork as it was."""

import contextlib
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from forkkeeper.core import bugs, lock
from forkkeeper.errors import RequestError
from forkkeeper.shell import disk
from forkkeeper.shell.git import check_version
from forkkeeper.stages import project as projects
from forkkeeper.stages.session import Desk

REPORTS = "reports"  # the folder in the fork's state folder


def bug_report(here: Path, words: Sequence[str], error: Exception) -> Path:
    """Leave the report of an exception that nobody expected, and give its path.

    It stands in the fork's `.forkkeeper/reports/`, or among temporary files where there is no fork. Raises OSError.
    """
    root = _root(here)
    state = dict(_state(root)) if root is not None else {}
    places = {str(here): "HERE", str(Path.home()): "~", sys.prefix: "PYTHON", tempfile.gettempdir(): "TMP"}
    if root is not None:
        places |= {str(root): "FORK", str(root.resolve()): "FORK"}
    places[str(Path(__file__).parents[1])] = "forkkeeper"
    trace = "".join(traceback.format_exception(error))  # without the values of variables
    text = bugs.report(dict(_versions()), words, state, trace, places)
    folder = (root / projects.STATE if root is not None else Path(tempfile.mkdtemp(prefix="forkkeeper-"))) / REPORTS
    number = 1
    while (path := folder / f"bug-{number}.txt").exists():
        number += 1
    disk.write(path, text.encode("utf-8", "backslashreplace"))
    return path


def bug_in_words(error: Exception, *, trace: bool = False) -> str:
    """Give an exception that nobody expected as it may be shown, in a log of CI as well: without credentials."""
    return bugs.masked("".join(traceback.format_exception(error)) if trace else repr(error), {})


def _root(here: Path) -> Path | None:
    with contextlib.suppress(Exception):  # what is broken may be this
        return projects.find_root(here, step="bug", or_past=True)
    return None


def _versions() -> Iterator[tuple[str, str]]:
    yield "forkkeeper", metadata.version("forkkeeper")
    yield "Python", platform.python_version()
    yield "git", _said(lambda: ".".join(map(str, check_version())))
    yield "platform", platform.platform()


def _state(root: Path) -> Iterator[tuple[str, str]]:
    """Say how the fork stands, as far as that can be read."""
    yield "lock", _said(lambda: _lock(root))
    yield "files", _said(lambda: _files(root))
    yield "sync", _said(lambda: _sync(root))
    yield "interrupted save", _said(lambda: "yes" if projects.journal(root).exists() else "none")


def _lock(root: Path) -> str:
    data = disk.read(root / lock.FILE)
    if data is None:
        return "none"
    found = lock.parse(data)
    digests = ", ".join(f"{name} {getattr(found.digests, name)}" for name in found.digests.__struct_fields__)
    return f"pin {found.pin.sha}, tree {found.trees.composed}, {digests}"


def _files(root: Path) -> str:
    drifted = projects.load(root, step="bug").drift()
    return f"differ from the lock: {', '.join(one.thing for one in drifted)}" if drifted else "as the lock says"


def _sync(root: Path) -> str:
    session = Desk(root / projects.STATE).load()
    return f"to {session.target}, {len(session.decisions)} decided" if session is not None else "none in progress"


def _said(look: Callable[[], str]) -> str:
    """Look at one thing; where that fails, too, say so."""
    try:
        return look()
    except RequestError as error:
        return f"cannot be read: {error.thing}: {error.found}"
    except Exception as error:  # noqa: BLE001 -- whatever is broken, the report is written
        return f"cannot be read: {type(error).__name__}"
