"""The verbs as Invoke tasks: verb → flow → terminal → exit code. Two doors: `invoke` here, `forkkeeper` anywhere."""

import difflib
import itertools
import platform
import re
import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.program import Program
from invoke.tasks import task

from forkkeeper import flow
from forkkeeper.errors import ExitCode, ForkkeeperError
from forkkeeper.shell import terminal

REPORTS = Path(".forkkeeper") / "reports"
_OFFLINE = "use only what is here already; the network is not touched"
_UPTO = "upstream commit: full or short sha, tag, branch, or snapshot such as llama-cpp-python==0.3.36"


def _setting(on_progress: terminal.Progress, *, offline: bool = False) -> flow.Setting:
    return flow.Setting(Path.cwd(), offline, on_progress)


def _run(verb: Callable[[terminal.Progress], flow.Report]) -> None:
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
        code = _outside(error)
    except Exception as error:  # noqa: BLE001 -- the one net: a bug of ours leaves a report
        terminal.complain(_bug(error))
        code = ExitCode.BUG
    if code is not ExitCode.IN_STEP:
        raise Exit(code=int(code))


def _outside(error: OSError) -> ExitCode:
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


@task(auto_shortflags=False, help={"max_age": "exit 1 when the pin is older than this many days"})
def status(_: Context, max_age: str | None = None) -> None:
    """Say where the fork stands: pin, age, distance, queue, and whether all files agree.

    Exits 1 when queue, overlay, log or lock disagree. Example: forkkeeper status --max-age 30
    """
    _run(lambda on_progress: flow.status(_setting(on_progress), max_age=_days(max_age)))


@task(
    auto_shortflags=False,
    help={
        "upto": _UPTO,
        "from": "the commit that the queue stands on (default: the pin)",
        "queue": "a folder with a series file and patches (default: patches/)",
        "json": "also write the plan as JSON to this file; - is standard output, and nothing else is shown",
        "objects": "also write the planned trees to this git object directory, for scripts that look at them",
        "as_far_as_free": "instead: the newest commit up to --upto to which the whole queue carries with no human",
        "offline": _OFFLINE,
    },
)
def plan(
    _: Context,
    upto: str | None = None,
    from_: str | None = None,
    queue: str | None = None,
    json: str | None = None,
    objects: str | None = None,
    as_far_as_free: bool = False,
    offline: bool = False,
) -> None:
    """Show what a sync would do, patch by patch; saves nothing. Exits 1 when a person must look.

    Example: forkkeeper plan --upto 0c1e57098bba
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        setting = _setting(on_progress, offline=offline)
        if json not in (None, "-"):
            flow.may_write(setting, Path(json))
        if as_far_as_free:
            if objects is not None:
                raise flow.not_with("--objects", "--as-far-as-free")
            shown, document = flow.as_far_as_free(setting, upto=_needed(upto), since=from_, queue=queue)
        else:
            shown, document = flow.plan(setting, upto=_needed(upto), since=from_, queue=queue, objects=objects)
        if json == "-":
            return flow.Report((), shown.code, document)
        if json is not None:
            terminal.write(Path(json), document)
        return shown

    _run(verb)


@task(
    auto_shortflags=False,
    iterable=["accept", "replace"],
    help={
        "upto": _UPTO,
        "accept": "save this patch although it is marked for review, or take its proposal (its name; repeatable)",
        "accept_reviewed": "save every patch that is marked for review; takes no proposals",
        "replace": "NAME=FILE: take the diff in FILE, made on the new upstream, for patch NAME (repeatable)",
        "downgrade": "allow a commit older than the pin",
        "commit": "commit what was saved",
        "offline": _OFFLINE,
    },
)
def sync(
    _: Context,
    upto: str | None = None,
    accept: list[str] | None = None,
    replace: list[str] | None = None,
    accept_reviewed: bool = False,
    downgrade: bool = False,
    commit: bool = False,
    offline: bool = False,
) -> None:
    """Move the fork to another upstream commit, carrying every patch; saves all or nothing.

    Example: forkkeeper sync --upto llama-cpp-python==0.3.36
    """
    _run(
        lambda on_progress: flow.sync(
            _setting(on_progress, offline=offline),
            upto=_needed(upto),
            accept=accept or (),
            accept_reviewed=accept_reviewed,
            replace_by=replace or (),
            downgrade=downgrade,
            commit=commit,
        )
    )


@task(
    auto_shortflags=False,
    help={
        "patch": "only what this patch does",
        "file": "only this file or folder of upstream's tree",
        "stat": "as a table: lines per file, and which patch or overlay they come from",
        "word": "word by word",
        "offline": _OFFLINE,
    },
)
def diff(
    _: Context,
    patch: str | None = None,
    file: str | None = None,
    stat: bool = False,
    word: bool = False,
    offline: bool = False,
) -> None:
    """Show how the composed fork differs from its upstream. Colour and pager are git's.

    Example: forkkeeper diff --patch lazy-mmap
    """

    def verb(on_progress: terminal.Progress) -> flow.Report:
        setting = _setting(on_progress, offline=offline)
        colour = terminal.colourful()
        shown, text, pager = flow.diff(setting, patch=patch, file=file, stat=stat, word=word, colour=colour)
        if text:
            try:
                terminal.page(text, pager)
            except BrokenPipeError:  # `| head` has seen enough
                terminal.close_output()
        return shown

    _run(verb)


@task(
    auto_shortflags=False,
    help={"check": "write nothing; exit 1 when the log or the lock is stale", "offline": _OFFLINE},
)
def log(_: Context, check: bool = False, offline: bool = False) -> None:
    """Write CHANGES-LOCAL.md and fork.lock anew from the fork's files.

    Example: forkkeeper log --check
    """
    _run(lambda on_progress: flow.log(_setting(on_progress, offline=offline), check=check))


@task(auto_shortflags=False)
def lint(_: Context) -> None:
    """Say what fork.toml, the series and the patches lack: reasons, trailers, witnesses. Needs no upstream.

    Example: forkkeeper lint
    """
    _run(lambda on_progress: flow.lint(_setting(on_progress)))


@task(
    aliases=["materialize"],
    auto_shortflags=False,
    positional=["directory"],
    help={
        "directory": "where the tree goes",
        "baseline": "upstream at the pin, without patches and overlay",
        "at": "carried to another upstream commit, without what clashes there; with --baseline: its baseline",
        "overwrite": "lose edits and files there that forkkeeper did not write",
        "offline": _OFFLINE,
    },
)
def materialise(
    _: Context,
    directory: str,
    baseline: bool = False,
    at: str | None = None,
    overwrite: bool = False,
    offline: bool = False,
) -> None:
    """Write the composed fork as a plain directory; unchanged files keep their times.

    Example: forkkeeper materialise build/tree
    """
    _run(
        lambda on_progress: flow.materialise(
            _setting(on_progress, offline=offline),
            _value("materialise", directory),
            baseline=baseline,
            at=at,
            overwrite=overwrite,
        )
    )


@task(
    auto_shortflags=False,
    help={
        "upstream": "any git url, a local path or a bundle (left out where there is a fork.toml)",
        "pin": "the upstream commit to stand on",
        "offline": _OFFLINE,
    },
)
def init(_: Context, upstream: str | None = None, pin: str | None = None, offline: bool = False) -> None:
    """Begin a fork in this folder: a commented fork.toml, an empty queue, the lock and the log.

    Example: forkkeeper init --upstream ../upstream --pin v1.2
    """
    _run(
        lambda on_progress: flow.init(
            _setting(on_progress, offline=offline),
            upstream=upstream,
            pin=_needed(pin, "pin SHA"),
        )
    )


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=[],
    help={"variant": "a [variant.NAME] of fork.toml, repeatable (default: all); `forkkeeper build cpu` does as well"},
)
def build(_: Context, variant: list[str] | None = None) -> None:
    """Build variants of the composed fork with CMake and Ninja, in .forkkeeper/build/.

    Example: forkkeeper build --variant cpu
    """
    _run(lambda on_progress: flow.build(_setting(on_progress), variant or ()))


@task(
    auto_shortflags=False,
    iterable=["variant"],
    positional=["what"],
    help={
        "what": "bf16, witness, or a file or folder of checks",
        "variant": "a variant that was built, repeatable (default: all that were)",
    },
)
def check(_: Context, what: str, variant: list[str] | None = None) -> None:
    """Run checks on what was built; exits 1 when one fails, or when none ran.

    bf16: upstream's BF16 cases and ours. witness: each patch's witness, with the patch and without it.
    Example: forkkeeper check bf16
    """
    _run(lambda on_progress: flow.check(_setting(on_progress), _value("check", what), variant or ()))


@task(auto_shortflags=False, name="refresh")
def upstream_refresh(_: Context) -> None:
    """Look for newer upstream commits: new snapshots at the package registry, and every git source.

    Example: forkkeeper upstream refresh
    """
    _run(lambda on_progress: flow.refresh(_setting(on_progress)))


def _needed(value: str | None, option: str = "upto SHA") -> str:
    if value is None:
        raise flow.missing(option)
    return value


def _value(verb: str, text: str) -> str:
    """Refuse an option where a value is due: Invoke hands `--help` behind the verb on as the directory."""
    if text.startswith("-"):
        raise flow.no_option(verb, text)
    return text


def _days(text: str | None) -> int | None:
    """Read a number of days."""
    if text is not None and not text.isdecimal():
        raise flow.no_number("max-age", text)
    return None if text is None else int(text)


def _verbs() -> Collection:
    verbs = Collection(status, plan, sync, diff, log, lint, materialise, init, build, check)
    nested = Collection("upstream")
    nested.add_task(upstream_refresh)
    verbs.add_collection(nested)
    return verbs


namespace = _verbs()


class _Door(Program):
    """`forkkeeper`: Invoke's parser, with nested verbs as two words too, and exit 2 for a wrong call."""

    def parse_core(self, argv: list[str] | None) -> None:
        self._as_request(lambda: super(_Door, self).parse_core(_spelled_for_invoke(argv or sys.argv)))

    def parse_tasks(self) -> None:
        self._as_request(super().parse_tasks)

    def _as_request(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ParseError as error:
            raise Exit(f"{_plainly(str(error))}\n  next: {_meant(str(error))}", ExitCode.BAD_REQUEST) from error


def _plainly(text: str) -> str:
    """Say a parse error of Invoke's without its own names for things."""
    text = re.sub(r"Flag <Argument: ([\w-]+)[^>]*> needed value and was not given one!?", r"--\1 needs a value", text)
    return re.sub(r"No idea what '(.*)' is!", r"'\1' is no verb, and no option of the verb before it", text)


def _meant(text: str) -> str:
    """Guess what was meant by a word that Invoke does not know."""
    unknown = re.search(r"No idea what '(.*)' is!", text)
    word = unknown[1] if unknown else ""
    near = difflib.get_close_matches(word, sorted(namespace.task_names), n=1)
    said = sys.argv[1] if len(sys.argv) > 1 else ""
    values = {"plan": "--upto", "sync": "--upto", "diff": "--patch"}
    if said in values and word and not word.startswith("-"):
        return f"`forkkeeper {said} {values[said]} {word}`?"
    if near:
        return f"did you mean `forkkeeper {near[0].replace('.', ' ')}`?"
    return "`forkkeeper --list`, or `forkkeeper --help VERB`"


# Verbs that take several positional values: Invoke has none, so each value becomes an option of its own.
# verb → (number of values before them, the option)
SEVERAL = {"build": (0, "--variant"), "check": (1, "--variant")}


def _spelled_for_invoke(argv: list[str]) -> list[str]:
    """Turn `upstream refresh` into `upstream.refresh`, and several positional values into repeated options."""
    program, *words = argv
    if not words:
        return [program, "--list"]
    if words[-1] in ("--help", "-h") and not words[0].startswith("-"):
        verb = itertools.takewhile(lambda word: not word.startswith("-"), words[:2])
        names = [word for word in (".".join(verb), words[0]) if word in namespace.task_names]
        return [program, "--help", *(names[:1] or words[:1])]
    nested = {name: set(namespace.collections[name].task_names) for name in namespace.collections}
    if len(words) > 1 and words[1] in nested.get(words[0], set()):
        words = [f"{words[0]}.{words[1]}", *words[2:]]
    if words and words[0] in SEVERAL:
        first, option = SEVERAL[words[0]]
        plain = [at for at, word in enumerate(words) if at > 0 and not word.startswith("-") and words[at - 1] != option]
        spread = [[option, word] if at in plain[first:] else [word] for at, word in enumerate(words)]
        words = [word for part in spread for word in part]
    return [program, *words]


program = _Door(name="forkkeeper", binary="forkkeeper", namespace=namespace, version=metadata.version("forkkeeper"))


def main() -> None:
    """Enter by the console script."""
    terminal.write_anything()
    try:
        program.run()
    except BrokenPipeError:  # `--help | head`
        terminal.close_output()
    except OSError as error:  # `--list > /dev/full`
        sys.exit(int(_outside(error)))
