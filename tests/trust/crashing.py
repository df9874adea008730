"""Verbs that die, each at one point, and what is then held to: the old state or the new one, whole.

A `Crash` is a verb in a fork that is ready for it. `Crash.points` runs it once in a copy and lists its points;
`Crash.dies` brings the copy back to what it was, lets the verb die at a point, runs `status`, compares, runs the verb
again and compares with the run that nothing interrupted.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

KILLED = -9
OWN = ".forkkeeper"
POINTS = Path(__file__).with_name("points.py")
# below .forkkeeper/: what a verb remembers of itself, so that it must be old or new, too, once all is said and done
REMEMBERED = ("operations", "sync", "patches", "resolutions", "materialised", "nightly/outbox")
PIECES = ("../", "build/")  # beside the fork, and what is made out of it
CACHED = ("/objects/", "/.git/", "/logs/")  # git's own, and what names process ids and times
SESSION = "is in progress: `forkkeeper sync --status`"
BESIDE = (".forkkeeper-writing-", ".writing-", ".vendored", "-writing")


class Point(NamedTuple):
    """A point of a run. place -- in the code: file, function, line; path, source -- below the fork's folder."""

    kind: str
    place: str
    path: str
    source: str = ""


@dataclass(frozen=True)
class Ended:
    """How a run ended. code -- its exit status, negative: the signal that ended it; seconds -- that it took."""

    code: int
    out: str
    err: str
    points: tuple[Point, ...]
    seconds: float

    @property
    def said(self) -> str:
        """Everything it wrote."""
        return f"exit {self.code}\n{self.out}{self.err}"


class Warm:
    """A process that has imported everything; each run is a fork of it."""

    def __init__(self, work: Path) -> None:
        """Start it. work -- a folder of its own."""
        work.mkdir(parents=True, exist_ok=True)
        env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        argv = [sys.executable, str(POINTS), str(work)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def run(
        self,
        root: Path,
        words: Sequence[str],
        *,
        at: int | None = None,
        after: float | None = None,
        gone: int | None = None,
        caseless: Path | None = None,
        fault: tuple[int, int] | None = None,
        **env: str,
    ) -> Ended:
        """Run a verb: whole, dying at a point, killed after some seconds, or as else `points` can hinder it."""
        above, temporary = f"{root.parent}/", root.parent / "tmp"
        temporary.mkdir(exist_ok=True)
        asked = {
            "root": str(root),
            "words": list(words),
            "env": {**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", **env},
            "watched": [str(root.parent)],
            "at": at,
            "after": after,
            "gone": gone,
            "caseless": str(caseless) if caseless else None,
            "fault": fault,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        points = [Point(*one) for one in said["points"]]
        near = [
            one._replace(path=one.path.removeprefix(above), source=one.source.removeprefix(above)) for one in points
        ]
        return Ended(said["code"], said["out"], said["err"], tuple(near), said["seconds"])


Nights = tuple[int, int]


def nights(root: Path) -> Nights:
    """Count the nights on record and their steps, in a copy: to look at a database is to mend it."""
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        for name in ("history.sqlite", "history.sqlite-journal"):
            if (root / OWN / name).exists():
                shutil.copy2(root / OWN / name, folder)
        with contextlib.closing(sqlite3.connect(Path(folder, "history.sqlite"))) as held:
            assert held.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert held.execute("PRAGMA foreign_key_check").fetchall() == []
            if not held.execute("SELECT name FROM sqlite_schema WHERE name = 'step'").fetchall():
                return 0, 0
            count = "SELECT (SELECT count(*) FROM night), (SELECT count(*) FROM step)"
            found: Nights = held.execute(count).fetchone()
            return found


State = Mapping[str, tuple[str, bytes]]


def files(root: Path) -> State:
    """Give every file and link of a fork but those of git and forkkeeper: kind and content by path."""
    return {path: one for path, one in _all(root).items() if not path.startswith((".git/", f"{OWN}/"))}


def remembered(root: Path) -> State:
    """Give what verbs keep below `.forkkeeper/` for later ones, without git's own files."""
    found = {path.removeprefix(f"{OWN}/"): one for path, one in _all(root).items() if path.startswith(f"{OWN}/")}
    return {
        path: one
        for path, one in found.items()
        if path.startswith(tuple(f"{name}/" for name in REMEMBERED))
        and not any(part in f"/{path}" for part in CACHED)
        and BESIDE[0] not in path
    }


def _all(root: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for here, folders, names in os.walk(root):
        if here == str(root):
            folders[:] = [name for name in folders if name != ".git"]
        for name in [*names, *[name for name in folders if Path(here, name).is_symlink()]]:
            path = Path(here, name)
            at = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[at] = ("link", os.fsencode(path.readlink()))
            else:
                kind = "executable" if os.access(path, os.X_OK) and path.stat().st_mode & 0o100 else "file"
                found[at] = (kind, path.read_bytes())
    return found


def _without_times(state: State, timed: tuple[str, ...]) -> State:
    """Give a state in which files that say how long something took are only there or not."""
    return {path: ("timed", b"") if path in timed else one for path, one in state.items()}


def place_copy(source: Path, target: Path) -> None:
    """Bring a folder to what another one holds; git's objects, which nobody changes in place, are hard links."""
    if target.exists():
        shutil.rmtree(target)
    for here, folders, names in os.walk(source):
        goal = Path(target, os.path.relpath(here, source))
        goal.mkdir()
        is_git = "/objects" in here
        for name in [*names, *[name for name in folders if Path(here, name).is_symlink()]]:
            one = Path(here, name)
            if is_git and not one.is_symlink() and not name.startswith("alternates"):
                os.link(one, goal / name)
            else:
                shutil.copy2(one, goal / name, follow_symlinks=False)


@dataclass
class Crash:
    """A verb in a fork that is ready for it.

    root -- the fork; it is brought back to what it was before each death
    beside -- folders beside the fork that the verb writes to, which count as its files
    timed -- files, below the fork or .forkkeeper/, that say how long something took: whether they are there counts
    met, last -- the points of the run that nothing interrupts, and the one at which the verb died last
    deaths, said -- how often it was really killed, and which sentences the next command owed then
    again -- run after a death, in place of the words, to come to the end of what was begun; () where nothing is due
    piecewise -- whether what it writes beside the fork and in build/ is old or new file by file, until it is run again
    """

    name: str
    warm: Warm
    root: Path
    words: tuple[str, ...]
    again: tuple[str, ...] | None = None
    beside: tuple[str, ...] = ()
    piecewise: bool = False
    timed: tuple[str, ...] = ()
    met: list[Point] = field(default_factory=list)
    last: Point | None = None
    deaths: int = 0
    said: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Look at the state before, and at the one after a run that nothing interrupts."""
        self._kept = self.root.with_name(f"{self.root.name}-kept")
        for name in ("tmp", *self.beside):
            (self.root.parent / name).mkdir(exist_ok=True)
        self.warm.run(self.root, ["status"])
        place_copy(self.root, self._kept)
        for name in self.beside:
            place_copy(self.root.parent / name, self._kept.with_name(f"{name}-kept"))
        self.old = self.state()
        self.was, self.few = self.remembered(), nights(self.root)
        self.whole = self.warm.run(self.root, self.words)
        self.new = self.state()
        self.now, self.more = self.remembered(), nights(self.root)
        self.met = list(self.whole.points)
        assert not self.strays(), self.strays()

    def state(self) -> State:
        """Give every file that counts: the fork's, and those beside it."""
        found = dict(files(self.root))
        for name in self.beside:
            beside = files(self.root.parent / name)
            found |= {f"../{name}/{path}": one for path, one in beside.items() if not path.startswith(CACHED[0][1:])}
        return _without_times(found, self.timed)

    def remembered(self) -> State:
        """Give what verbs keep for later ones."""
        return _without_times(remembered(self.root), self.timed)

    def strays(self) -> list[str]:
        """List temporary files that are left, but folders that were only just begun: they go when an hour is over."""
        left = [
            path for path in (self.root.parent / "tmp").iterdir() if (path / "held").exists() or any(path.glob("in/*"))
        ]
        return sorted(path.name for path in left)

    def restore(self) -> None:
        """Bring the fork back to what it was."""
        place_copy(self._kept, self.root)
        for name in self.beside:
            place_copy(self._kept.with_name(f"{name}-kept"), self.root.parent / name)
        shutil.rmtree(self.root.parent / "tmp", ignore_errors=True)
        (self.root.parent / "tmp").mkdir()

    def dies(self, at: int | None = None, *, after: float | None = None) -> list[str]:
        """Let the verb die at a point or after some seconds; give what was lost or is left, nothing where all stands.

        Each complaint is one sentence. Where the verb came to its end before it could be killed, because this run was
        quicker or had fewer points, it counts as no death, and nothing is looked at.
        """
        self.restore()
        died = self.warm.run(self.root, self.words, at=at, after=after)
        self.last = died.points[-1] if died.points else None
        if died.code != KILLED:
            is_over = died.code == self.whole.code and (at is None or at >= len(died.points))
            return [] if is_over else [f"did not die there, and ended with {died.code}: {died.err[-300:]}"]
        self.deaths += 1
        return [*self._torn(), *self._recovered(), *self._ends()]

    def seconds(self) -> float:
        """Measure how long a run takes that nothing interrupts: the shorter of two."""
        found = []
        for _ in range(2):
            self.restore()
            found.append(self.warm.run(self.root, self.words).seconds)
        return min(found)

    def _torn(self) -> list[str]:
        """Look before anything is recovered: each file by itself is old or new, or one that is being written."""
        found = []
        for path, one in self.state().items():
            if one not in (self.old.get(path), self.new.get(path)) and not any(name in path for name in BESIDE):
                found.append(f"after the death {path} is neither old nor new")
        if (held := nights(self.root)) not in (self.few, self.more):
            found.append(f"after the death {held} nights and steps are on record, not {self.few} or {self.more}")
        return found

    def _due(self) -> list[str]:
        """List the sentences that the next command owes: of a save or a swap to be finished, and of a sync at hand."""
        state = self.root / OWN
        due = ["an interrupted `materialise` was finished"] if (state / "swap/ready.json").exists() else []
        due += [SESSION] if (state / "sync/session.json").exists() else []
        if (state / "journal").exists():
            is_ready = (state / "journal/operation.json").exists()
            due.append(f"an interrupted save {'was finished' if is_ready else 'had not begun to change files'}")
        return due

    def _recovered(self) -> list[str]:
        due = self._due()
        ran = self.warm.run(self.root, ["status"])
        wrong = [f"status does not say: {one}: {ran.said[-500:]}" for one in due if one not in ran.said]
        self.said.update(due)
        if ran.code not in (0, 1) and "next:" not in ran.said:
            wrong.append(f"status ends with {ran.code} and no next step: {ran.said[-500:]}")
        if "Traceback" in ran.said or ran.code == 4:
            wrong.append(f"status broke: {ran.said[-500:]}")
        now = self.state()
        if self.piecewise:
            now = {path: one for path, one in now.items() if not path.startswith(PIECES)}
        if now not in (self._within(self.old), self._within(self.new)):
            wrong += [f"after status: {one}" for one in self._differences(now)]
        log = {path: one for path, one in self.remembered().items() if path.startswith("operations/")}
        known = [
            {path: one for path, one in each.items() if path.startswith("operations/")} for each in (self.was, self.now)
        ]
        if log != known[now == self._within(self.new) and self._within(self.old) != self._within(self.new)]:
            wrong.append("the operation records are not those of the state that stands")
        return wrong

    def _within(self, state: State) -> State:
        return {path: one for path, one in state.items() if not self.piecewise or not path.startswith(PIECES)}

    def _differences(self, now: State) -> list[str]:
        return [
            f"{path} is {self._which(path, now)}"
            for path in sorted({*now, *self.old, *self.new})
            if self.old.get(path) != self.new.get(path) or now.get(path) != self.old.get(path)
        ]

    def _which(self, path: str, now: State) -> str:
        if now.get(path) == self.old.get(path):
            return "old"
        return "new" if now.get(path) == self.new.get(path) else "strange"

    def _ends(self) -> list[str]:
        words = self.words if self.again is None else self.again
        if not words:
            return [f"left behind: {name}" for name in self.strays()]
        done = self.state() == self.new and self.remembered() == self.now
        ran = self.warm.run(self.root, words)
        wrong = []
        if ran.code != self.whole.code and not (done and ran.code in (0, 1, 2)):
            wrong.append(f"again it ends with {ran.code} instead of {self.whole.code}: {ran.said[-600:]}")
        if "Traceback" in ran.said or ran.code == 4:
            wrong.append(f"again it broke: {ran.said[-500:]}")
        now = self.state()
        wrong += [f"again: {path} differs" for path in sorted({*now, *self.new}) if now.get(path) != self.new.get(path)]
        if nights(self.root) < self.more:
            wrong.append(f"again: {nights(self.root)} nights and steps are on record, not {self.more}")
        kept = self.remembered()
        wrong += [
            f"again: {OWN}/{path} differs"
            for path in sorted({*kept, *self.now})
            if kept.get(path) != self.now.get(path)
        ]
        return wrong + [f"left behind: {name}" for name in self.strays()]
