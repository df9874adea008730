"""The verbs that are died in, each in a fork that is ready for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holding import DIRECTORY, declare, server, vendored
from nighting import CLASHING, PROVED, SOURCES
from posting import PLANTS, cloned, commit, propose
from small import BUFFER_SIZE, CHECK, GREETING, LIMIT, LIMIT_MORE, OVERLAY, small_upstream
from tiny import MAIN, trailers
from trust.crashing import Crash, Warm
from world import Fork, Local, Upstream, fork_of, git

OUTBOX = ".forkkeeper/nightly/outbox"
TIMED = ("build/report/index.html", "nightly/outbox/summary.md")
LEAN = Local("greeting", {"main.c": MAIN.replace('"hello"', '"hello, fork"')}, trailers=trailers(PROVED))


@dataclass(frozen=True)
class Verb:
    """How a verb is died in.

    ready -- brings a fork to where the verb can be run, and gives the words
    queue -- which fork: "behind", "clash", "night", "quiet night"
    beside -- folders beside the fork that it writes to
    again -- the words after a death; None: the same, (): none are due
    piecewise -- whether what is beside the fork or in build/ is old or new file by file
    since -- the kind of point from which on it is died in: what is before is died in elsewhere
    timed -- files that say how long something took
    """

    ready: Callable[[Fork], tuple[str, ...]]
    queue: str = "behind"
    beside: tuple[str, ...] = ()
    again: tuple[str, ...] | None = None
    piecewise: bool = False
    since: str = ""
    timed: tuple[str, ...] = ()


def _sync(_: Fork) -> tuple[str, ...]:
    return "sync", "--upto", "v1.1"


def _opened(fork: Fork) -> None:
    assert fork.run("sync", "--upto", "v1.1").code == 1
    header = fork.root / ".forkkeeper/sync/clash/include/core.h"
    lines = header.read_text().splitlines(keepends=True)
    start, end = (next(at for at, line in enumerate(lines) if line.startswith(mark)) for mark in ("<<<<", ">>>>"))
    header.write_text("".join([*lines[:start], "#define MAX_ITEMS 1024 /* was 16 */\n", *lines[end + 1 :]]))


def _go_on(fork: Fork) -> tuple[str, ...]:
    _opened(fork)
    return "sync", "--continue"


def _abort(fork: Fork) -> tuple[str, ...]:
    _opened(fork)
    fork.run("sync", "--continue")
    return "sync", "--abort"


def _save(fork: Fork) -> tuple[str, ...]:
    fork.ok("patch", "open")
    main = fork.root / ".forkkeeper/patches/src/main.c"
    main.write_text(main.read_text().replace("hello, fork", "hello, dear fork"))
    git(main.parents[1], "commit", "--quiet", "--all", "--message", "dear: say it\n\nPeople like it.\n\n" + WANTED)
    return "patch", "save"


WANTED = "Origin: local\nUpstream-Status: Inappropriate [only this fork needs it]\nWitness: none [shown by tests]\n"


def _undo(fork: Fork) -> tuple[str, ...]:
    fork.ok("sync", "--upto", "v1.1")
    return ("undo",)


def _directory(fork: Fork) -> tuple[str, ...]:
    fork.ok("materialise", "../out")
    fork.ok("sync", "--upto", "v1.1")
    return "materialise", "../out"


def _vendored(fork: Fork) -> tuple[str, ...]:
    vendored(fork)
    fork.ok("sync", "--upto", "v1.1")
    return ("materialise",)


def _first_vendored(fork: Fork) -> tuple[str, ...]:
    declare(fork, "vendored", directory=DIRECTORY)
    return ("materialise",)


def _branch(fork: Fork) -> tuple[str, ...]:
    declare(fork, "branch", repository="../server.git", branch="carried", submodule="")
    server(fork)
    fork.ok("materialise")
    fork.ok("sync", "--upto", "v1.1")
    return ("materialise",)


def _log(fork: Fork) -> tuple[str, ...]:
    patch = fork.root / "patches/greeting.patch"
    patch.write_bytes(patch.read_bytes().replace(b"says so here", b"says so in this place"))
    return ("log",)


def _pick(fork: Fork) -> tuple[str, ...]:
    sha = git(fork.upstream.path, "log", "-1", "--format=%H", "--grep=usage ends", "refs/heads/main")
    return "pick", sha, "--why", "Scripts of ours rely on it."


def _publish(fork: Fork) -> tuple[str, ...]:
    clone = cloned(fork, fork.pin)
    commit(clone, {"patches/series": (fork.root / "patches/series").read_text() + "# carried\n"})
    bad = [PLANTS["clash"].night(day, pin=fork.pin) for day in (2, 1)]
    propose(fork, fork.root / OUTBOX, bad[0], clone, plan="| patch |\n|---|\n| `greeting` |\n", nights=bad)
    return "publish", "--to", "folder:../box"


def _night(_: Fork) -> tuple[str, ...]:
    return "nightly", "--only", "materialise"


def _kept_night(_: Fork) -> tuple[str, ...]:
    return ("nightly",)


VERBS = {
    "sync": Verb(_sync),
    "sync into a clash": Verb(_sync, "clash"),
    "sync --continue": Verb(_go_on, "clash"),
    "sync --abort": Verb(_abort, "clash"),
    "patch save": Verb(_save),
    "undo": Verb(_undo, again=()),
    "materialise a folder": Verb(_directory, beside=("out",), piecewise=True),
    "materialise, vendored": Verb(_vendored),
    "materialise, vendored for the first time": Verb(_first_vendored),
    "materialise onto a branch": Verb(_branch, beside=("server.git",), piecewise=True),
    "log": Verb(_log),
    "pick": Verb(_pick),
    "publish to a folder": Verb(_publish, beside=("box",), piecewise=True),
    "nightly": Verb(_night, "night"),
    "nightly, kept": Verb(_kept_night, "quiet night", piecewise=True, since="statement", timed=TIMED),
}


def crash(name: str, place: Path, warm: Warm) -> Crash:
    """Make the fork of a verb in a folder, and run the verb there once, whole."""
    verb = VERBS[name]
    fork = _fork(place, verb.queue)
    words = verb.ready(fork)
    return Crash(name, warm, fork.root, words, verb.again, verb.beside, verb.piecewise, verb.timed)


def _fork(place: Path, queue: str) -> Fork:
    place.mkdir(parents=True)
    if queue.endswith("night"):
        upstream = Upstream.make(place / "upstream.git")
        pin = upstream.commit(SOURCES, tag="v1")
        target = upstream.commit(CLASHING) if queue == "night" else pin
        return fork_of(place, upstream, pin, target, [LEAN], {})
    upstream, pin, target = small_upstream(place)
    locals_ = {"behind": [GREETING, BUFFER_SIZE, CHECK], "clash": [LIMIT, LIMIT_MORE, GREETING]}[queue]
    return fork_of(place, upstream, pin, target, locals_, OVERLAY)
