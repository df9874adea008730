"""Forks made from a seed: an upstream with a history, and a queue of patches on its first commit.

Every file has the same number of lines. Each patch changes the middle line of a file of its own; every fourth one also
adds a line to a file that it shares with others. Upstream then moves on, commit by commit:

- beside every second patch (*meeting*) it changes a line in that patch's context, so the patch is refreshed
- for some of the other patches (*clashing*) it changes the very line; the commit that does is known
- all its other edits are in files that no patch touches

Patches are independent of each other, so the first N of a queue are a queue. One `git fast-import` writes it all.
"""

import io
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from world import START, TRAILERS, Upstream, environment, git

LINES = 120  # of every file
MIDDLE = LINES // 2
CONTEXT = 3  # lines: so far from the patch's line upstream changes another, when it meets the patch
SHARING = 4  # every fourth patch also changes a shared file …
SHARED = 40  # … and so many patches in a row have the same one, each with a place of its own
PLACE = LINES // (SHARED // SHARING)  # lines between two such places
EDITS = 2  # files that an upstream commit changes beside what is said above
_DECLARATION = """\
schema = 1
name = "seeded"
[upstream]
name = "seeded"
[[upstream.source]]
kind = "git"
location = "../upstream.git"
"""


@dataclass(frozen=True)
class Shape:
    """How large a fork is.

    files -- in upstream's tree, beside those that patches touch
    commits -- of upstream after the pin
    within -- the first so many of them meet the patches and clash with them, spread evenly; None: all of them
    clashing -- number of patches that clash
    """

    files: int = 2_000
    patches: int = 40
    commits: int = 1_000
    within: int | None = None
    clashing: int = 0
    seed: int = 20260620


@dataclass(frozen=True)
class Seeded:
    """A fork. Commits are full ids.

    upstream -- the bare repository
    history -- the pin, then every upstream commit after it, oldest first
    stack -- the pin, then the queue as commits on it
    mails -- the queue as patch files, in order, by name
    culprits -- of each clashing patch, the upstream commit that makes it clash
    """

    root: Path
    upstream: Path
    history: tuple[str, ...]
    stack: tuple[str, ...]
    mails: dict[str, bytes] = field(repr=False)
    culprits: dict[str, str]

    @property
    def pin(self) -> str:
        """The commit that the queue stands on."""
        return self.history[0]

    @property
    def target(self) -> str:
        """Upstream's newest commit."""
        return self.history[-1]

    def fork(self, patches: int | None = None) -> Path:
        """Make the folder of a fork whose queue is the first so many patches, and give it."""
        names = list(self.mails)[:patches]
        folder = self.root / f"fork-{len(names)}"
        (folder / "patches").mkdir(parents=True, exist_ok=True)
        (folder / "fork.toml").write_text(_DECLARATION)
        for name in names:
            (folder / "patches" / name).write_bytes(self.mails[name])
        (folder / "patches/series").write_text("".join(f"{name}\n" for name in names))
        return folder


def make(root: Path, shape: Shape) -> Seeded:
    """Make a fork in a folder, the same for the same shape."""
    upstream = Upstream.make(root / "upstream.git").path
    writing = _Writing(shape)
    marks = root / "marks"
    argv = ("git", "fast-import", "--quiet", f"--export-marks={marks}")
    subprocess.run(argv, cwd=upstream, env=environment(), input=writing.stream(), check=True)
    ids = dict(line.split() for line in marks.read_text().splitlines())
    mails = _mails(upstream, ids[writing.history[0]], ids[writing.stack[-1]], root / "mails")
    names = list(mails)
    return Seeded(
        root,
        upstream,
        tuple(ids[mark] for mark in writing.history),
        tuple(ids[mark] for mark in writing.stack),
        mails,
        {names[number]: ids[mark] for number, mark in writing.culprits.items()},
    )


def _mails(upstream: Path, pin: str, tip: str, folder: Path) -> dict[str, bytes]:
    how = ("--zero-commit", "--full-index", "--binary", "--no-signature", "--no-renames", "--no-stat", "--no-numbered")
    git(upstream, "format-patch", "--quiet", *how, f"--output-directory={folder}", f"{pin}..{tip}")
    return {path.name[5:]: path.read_bytes() for path in sorted(folder.iterdir())}  # without the number before it


class _Writing:
    """The stream for `git fast-import`, as it grows: `history`, `stack` and `culprits` are marks in it."""

    def __init__(self, shape: Shape) -> None:
        self.history: list[str] = []
        self.stack: list[str] = []
        self.culprits: dict[int, str] = {}
        self._shape = shape
        self._dice = random.Random(shape.seed)  # noqa: S311 -- repeatable, not secret
        self._out = io.BytesIO()
        self._marks = 0

    def stream(self) -> bytes:
        """Write everything: the first commit, the queue on it, upstream's way from it."""
        plain = [f"src/d{number % 40:02}/f{number}.c" for number in range(self._shape.files)]
        patched = [path for number in range(self._shape.patches) for path in _touched(number)]
        files = {path: self._lines(path) for path in dict.fromkeys([*plain, *patched])}
        first = self._commit("refs/heads/main", "begin", files, None)
        self.history.append(first)
        self.stack.append(first)
        self._queue({path: list(files[path]) for path in patched})
        self._upstream(files, plain)
        return self._out.getvalue()

    def _lines(self, path: str) -> list[str]:
        return [f"    value += {path[-12:]!r}[{number}] * {self._dice.random()};" for number in range(LINES)]

    def _queue(self, files: dict[str, list[str]]) -> None:
        for number in range(self._shape.patches):
            own, *shared = _touched(number)
            files[own][MIDDLE] = f"    ours({number});"
            for path in shared:
                place = next(at for at, line in enumerate(files[path]) if f"[{_place(number)}]" in line)
                files[path].insert(place, f"    ours_too({number});")
            body = f"change {number:03}\n\nThe fork needs number {number}, and says so here.\n\n{TRAILERS}"
            changed = {path: files[path] for path in (own, *shared)}
            self.stack.append(self._commit("refs/heads/work", body, changed, self.stack[-1]))

    def _upstream(self, files: dict[str, list[str]], plain: list[str]) -> None:
        due = dict(self._meetings())
        for number in range(self._shape.commits):
            changed = [self._dice.choice(plain) for _ in range(EDITS)]
            for path in changed:
                files[path][self._dice.randrange(LINES)] = f"    value = {number} + {self._dice.random()};"
            met = due.get(number, [])
            for patch in met:
                own = _touched(patch)[0]
                files[own][MIDDLE + (0 if self._clashes(patch) else CONTEXT)] = f"    theirs({number});"
                changed.append(own)
            mark = self._commit(
                "refs/heads/main", f"change {number}", {path: files[path] for path in changed}, self.history[-1]
            )
            self.culprits |= {patch: mark for patch in met if self._clashes(patch)}
            self.history.append(mark)

    def _meetings(self) -> Iterator[tuple[int, list[int]]]:
        """Say in which upstream commit which patches are met, spread evenly."""
        met = [patch for patch in range(self._shape.patches) if patch % 2 == 0 or self._clashes(patch)]
        span = min(self._shape.within or self._shape.commits, self._shape.commits)
        at = [span * turn // len(met) for turn in range(len(met))]
        for commit in sorted(set(at)):
            yield commit, [patch for patch, when in zip(met, at, strict=True) if when == commit]

    def _clashes(self, patch: int) -> bool:
        return patch % 2 == 1 and patch // 2 < self._shape.clashing

    def _commit(self, branch: str, message: str, files: dict[str, list[str]], parent: str | None) -> str:
        self._marks += 1
        who = f"Ann Author <ann@example.invalid> {START + self._marks * 600} +0000"
        text = message.encode()
        head = f"commit {branch}\nmark :{self._marks}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n"
        self._out.write(head.encode() + text + b"\n")
        if parent:
            self._out.write(f"from {parent}\n".encode())
        for path, lines in files.items():
            data = ("\n".join(lines) + "\n").encode()
            self._out.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        return f":{self._marks}"


def _touched(patch: int) -> tuple[str, ...]:
    own = f"src/own/o{patch:03}.c"
    return (own, f"src/shared/s{patch // SHARED}.c") if patch % SHARING == SHARING - 1 else (own,)


def _place(patch: int) -> int:
    return patch % SHARED // SHARING * PLACE + PLACE // 2
