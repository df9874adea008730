"""What every task does: run a verb, show its report, say what went wrong, leave with its exit code."""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

from invoke.exceptions import Exit

from forkkeeper import flow
from forkkeeper.errors import ExitCode, ForkkeeperError, OutsideError, RequestError
from forkkeeper.shell import terminal

OFFLINE = "use only what is here already; the network is not touched"
JSON = "also write what is said as JSON to this file; - is standard output, and nothing else is shown"
UPTO = "upstream commit: full or short sha, tag, branch, or snapshot such as llama-cpp-python==0.3.36"

# the words behind `forkkeeper`; plain `invoke` leaves it to the process's own
TYPED: ContextVar[tuple[str, ...]] = ContextVar("TYPED", default=())


def setting(on_progress: terminal.Progress, *, offline: bool = False) -> flow.Setting:
    """Give where a verb stands: this folder, and the words that were typed."""
    return flow.Setting(Path.cwd(), offline, on_progress, TYPED.get() or tuple(sys.argv[1:]))


def run(verb: Callable[[terminal.Progress], flow.Report], *, name: str = "", json: str | None = None) -> None:
    """Run a verb to its end: show its report, or say what went wrong; leave with its exit code.

    name -- the verb as it is typed; a document names it
    json -- the file that gets the report, or the error, as JSON; "-": standard output, where nothing else is shown.
        A report that brings a document of its own (`plan`) is given so, every other in the one form of all verbs
    """
    code, wrong = ExitCode.OUTSIDE_FAILED, None  # of a verb whose answer nobody waited for
    try:
        may_write(json, name, "--json")
        aside = terminal.others_aside() if json == "-" else contextlib.nullcontext()
        with aside, terminal.progress() as on_progress:
            shown = verb(on_progress)
        code = shown.code
        _show(shown, name, json)
    except ForkkeeperError as error:
        code, wrong = error.code, error
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        wrong = ForkkeeperError("interrupted", "", "the next command finishes or undoes what was begun")
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`: the answer stays what it is
        terminal.close_output()
    except OSError as error:
        wrong = outside(error)
        code = wrong.code
        terminal.release()  # it may have been our output that was refused
    except Exception as error:  # noqa: BLE001 -- the one net: a bug of ours leaves a report
        code, wrong = ExitCode.BUG, _bug(error)
    if wrong is not None:
        _complain(wrong, code, name, json)
    if code is not ExitCode.IN_STEP:
        raise Exit(code=int(code))


def may_write(path: str | None, name: str, option: str) -> None:
    """Refuse a file for a document before the verb begins."""
    if path not in (None, "-"):
        flow.may_write(Path.cwd(), path, step=name, option=option)


def sarif_file(path: str | None, verb: str) -> str | None:
    """Refuse standard output for SARIF: code scanning takes files."""
    if path == "-":
        raise RequestError("call", "--sarif -", "takes a file", f"e.g. `forkkeeper {verb} --sarif {verb}.sarif`")
    return path


def _show(shown: flow.Report, name: str, json: str | None) -> None:
    """Show a report, and write its document where one was asked for."""
    if json != "-":
        terminal.show(shown.blocks)
    if json is not None:
        give(json, shown.document or flow.report_document(name, shown))


def give(json: str, document: str) -> None:
    """Write a document where it was asked for."""
    if json == "-":
        terminal.emit_json(document)
    else:
        terminal.write(Path(json), document)


def _complain(wrong: ForkkeeperError, code: ExitCode, name: str, json: str | None) -> None:
    """Say what went wrong, to the person and in the document that was asked for; an error is the last thing to fail."""
    terminal.complain(str(wrong))
    if json is not None and not (json != "-" and wrong.thing.startswith("--json")):
        with contextlib.suppress(OSError):
            give(json, flow.error_document(name, wrong, code))


def outside(error: OSError) -> ForkkeeperError:
    """Say which file or folder the system refused, and whose matter that is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        found = "a disk is full" if error.errno == errno.ENOSPC else "a quota is used up"
        hint = f"`df -h . {_temporary()}` shows which; make room, and run it again"
        return OutsideError("call", str(error.filename or ""), found, hint)
    ours = isinstance(error, FileNotFoundError | FileExistsError | NotADirectoryError | IsADirectoryError)
    kind = RequestError if ours else OutsideError
    thing = str(error.filename) if error.filename else ""
    return kind("call", thing, error.strerror or str(error), "check the paths that were given, and the disk")


def _temporary() -> str:
    """Name the folder of temporary files, also where no file can be made in it."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.environ.get("TMPDIR", "/tmp")  # noqa: S108 -- it is only named


def _bug(error: Exception) -> ForkkeeperError:
    """Leave a report that can be pasted into an issue, and say where it is."""
    found = f"forkkeeper failed: {flow.bug_in_words(error)}; what was saved before stands, and nothing else was"
    again = "`forkkeeper status` says how the fork stands"
    try:
        path = flow.bug_report(Path.cwd(), TYPED.get() or tuple(sys.argv[1:]), error)
    except OSError as refused:
        trace = flow.bug_in_words(error, trace=True)
        return ForkkeeperError("bug", "", f"{found}; no report could be left: {refused}\n{trace}", again)
    return ForkkeeperError("bug", "", found, f"report it with {path}; {again}")


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


def number(option: str, text: str | None) -> int | None:
    """Read a number of things, one at least."""
    if text is not None and not text.isdecimal():
        raise flow.no_number(option, text)
    if text is not None and int(text) < 1:
        raise RequestError("call", f"--{option} {text}", "is less than one", f"give one at least, e.g. --{option} 30")
    return None if text is None else int(text)


def name_or_none(given: str | bool | None) -> str | None:
    """Give the name behind an option that may stand without one: Invoke hands True on then."""
    return given if isinstance(given, str) else None
