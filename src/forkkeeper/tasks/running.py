"""What every task does: run a verb, show its report, say what went wrong, leave with its exit code."""

import platform
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from importlib import metadata
from pathlib import Path

from invoke.exceptions import Exit

from forkkeeper import flow
from forkkeeper.errors import ExitCode, ForkkeeperError
from forkkeeper.shell import terminal

REPORTS = Path(".forkkeeper") / "reports"
OFFLINE = "use only what is here already; the network is not touched"
UPTO = "upstream commit: full or short sha, tag, branch, or snapshot such as llama-cpp-python==0.3.36"

# the words behind `forkkeeper`; plain `invoke` leaves it to the process's own
TYPED: ContextVar[tuple[str, ...]] = ContextVar("TYPED", default=())


def setting(on_progress: terminal.Progress, *, offline: bool = False) -> flow.Setting:
    """Give where a verb stands: this folder, and the words that were typed."""
    return flow.Setting(Path.cwd(), offline, on_progress, TYPED.get() or tuple(sys.argv[1:]))


def run(verb: Callable[[terminal.Progress], flow.Report]) -> None:
    """Run a verb to its end: show its report, or say what went wrong; leave with its exit code."""
    code = ExitCode.OUTSIDE_FAILED  # of a verb whose answer nobody waited for
    try:
        with terminal.progress() as on_progress:
            shown = verb(on_progress)
        code = shown.code
        terminal.show(shown.blocks)
        terminal.emit(shown.document or "")
    except ForkkeeperError as error:
        terminal.complain(str(error))
        code = error.code
    except KeyboardInterrupt:
        terminal.complain("interrupted; the next command finishes or undoes what was begun")
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`: the answer stays what it is
        terminal.close_output()
    except OSError as error:
        code = outside(error)
    except Exception as error:  # noqa: BLE001 -- the one net: a bug of ours leaves a report
        terminal.complain(_bug(error))
        code = ExitCode.BUG
    if code is not ExitCode.IN_STEP:
        raise Exit(code=int(code))


def outside(error: OSError) -> ExitCode:
    """Say which file or folder the system refused, and whose matter that is."""
    ours = isinstance(error, FileNotFoundError | FileExistsError | NotADirectoryError | IsADirectoryError)
    thing = f"{error.filename}: " if error.filename else ""
    terminal.complain(f"call: {thing}{error.strerror or error}\n  next: check the paths that were given, and the disk")
    return ExitCode.BAD_REQUEST if ours else ExitCode.OUTSIDE_FAILED


def _bug(error: Exception) -> str:
    """Leave a report that can be pasted into an issue: versions, command, trace; nothing of the environment."""
    trace = "".join(traceback.format_exception(error))
    text = (
        f"forkkeeper {metadata.version('forkkeeper')}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: {' '.join(sys.argv[1:])}\n\n{trace}"
    )
    try:
        path = terminal.leave(REPORTS, text)
    except OSError:
        return f"bug: {error!r}\n{trace}"
    hint = f"report it with {path}; `forkkeeper status` says how the fork stands"
    return f"bug: forkkeeper failed: {error!r}\n  next: {hint}"


def needed(given: str | None, option: str = "upto SHA") -> str:
    """Refuse a call that leaves out an option that is needed."""
    if given is None:
        raise flow.missing(option)
    return given


def value(verb: str, text: str) -> str:
    """Refuse an option where a value is due: Invoke hands `--help` behind the verb on as the directory."""
    if text.startswith("-"):
        raise flow.no_option(verb, text)
    return text


def days(text: str | None) -> int | None:
    """Read a number of days."""
    if text is not None and not text.isdecimal():
        raise flow.no_number("max-age", text)
    return None if text is None else int(text)


def name_or_none(given: str | bool | None) -> str | None:
    """Give the name behind an option that may stand without one: Invoke hands True on then."""
    return given if isinstance(given, str) else None
