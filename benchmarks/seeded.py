"""Forks made from a seed: an upstream with a history, and a queue of patches on its first commit.

Every file that a patch touches has the same number of lines. Each patch changes the middle line of a file of its own;
every fourth one also adds a line to a file that it shares with others. Upstream then moves on, commit by commit:

- beside every second patch (*meeting*) it changes a line in that patch's context, so the patch is refreshed
- for some of the other patches (*clashing*) it changes the very line; the commit that does is known
- all its other edits are in files that no patch touches

Patches are independent of each other, so the first N of a queue are a queue. One `git fast-import` writes it all.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from world import START, TRAILERS, Upstream, environment, git

LINES = 120  # of every file that a patch touches
MIDDLE = LINES // 2
CONTEXT = 3  # lines: so far from the patch's line upstream changes another, when it meets the patch
SHARING = 4  # every fourth patch also changes a shared file …
SHARED = 40  # … and so many patches in a row have the same one, each with a place of its own
PLACE = LINES // (SHARED // SHARING)  # lines between two such places
FOLDERS = 40  # of upstream's other files; a folder of these with more than …
FULL = 100  # … so many files is parted into smaller ones, as people do
EDITS = 2  # files that an upstream commit changes beside what is said above
WHOLE = "whole.json"  # written last, where a fork is kept for other runs
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
    lines -- of each file that no patch touches
    """

    files: int = 2_000
    patches: int = 40
    commits: int = 1_000
    within: int | None = None
    clashing: int = 0
    seed: int = 20260620
    lines: int = LINES


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
    marks = root / "marks"
    argv = ("git", "fast-import", "--quiet", f"--export-marks={marks}")
    with subprocess.Popen(argv, cwd=upstream, env=environment(), stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        writing = _Writing(shape, importing.stdin)
        writing.write()
        importing.stdin.close()
    assert importing.returncode == 0, f"git fast-import: exit {importing.returncode}"
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


def kept(root: Path, shape: Shape) -> Seeded:
    """Give the fork of a shape in a folder, made where it is not there whole already; another shape's is made anew."""
    whole = root / WHOLE
    if whole.is_file():
        known = json.loads(whole.read_text())
        if known["shape"] == asdict(shape):
            mails = {path.name[5:]: path.read_bytes() for path in sorted((root / "mails").iterdir())}
            history, stack = tuple(known["history"]), tuple(known["stack"])
            return Seeded(root, root / "upstream.git", history, stack, mails, known["culprits"])
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    made = make(root, shape)
    known = {"shape": asdict(shape), "history": made.history, "stack": made.stack, "culprits": made.culprits}
    whole.write_text(json.dumps(known))
    return made


def _mails(upstream: Path, pin: str, tip: str, folder: Path) -> dict[str, bytes]:
    how = ("--zero-commit", "--full-index", "--binary", "--no-signature", "--no-renames", "--no-stat", "--no-numbered")
    git(upstream, "format-patch", "--quiet", *how, f"--output-directory={folder}", f"{pin}..{tip}")
    return {path.name[5:]: path.read_bytes() for path in sorted(folder.iterdir())}  # without the number before it


class _Writing:
    """The stream for `git fast-import`, as it grows: `history`, `stack` and `culprits` are marks in it."""

    def __init__(self, shape: Shape, out: IO[bytes]) -> None:
        self.history: list[str] = []
        self.stack: list[str] = []
        self.culprits: dict[int, str] = {}
        self._shape = shape
        self._dice = random.Random(shape.seed)  # noqa: S311 -- repeatable, not secret
        self._out = out
        self._marks = 0

    def write(self) -> None:
        """Write everything: the first commit, the queue on it, upstream's way from it."""
        plain = [_plain(number, self._shape.files) for number in range(self._shape.files)]
        patched = [path for number in range(self._shape.patches) for path in _touched(number)]
        files = {path: self._lines(path, self._shape.lines) for path in plain}
        files |= {path: self._lines(path, LINES) for path in dict.fromkeys(patched)}
        first = self._commit("refs/heads/main", "begin", files, None)
        self.history.append(first)
        self.stack.append(first)
        self._queue({path: list(files[path]) for path in patched})
        self._upstream(files, plain)

    def _lines(self, path: str, many: int) -> list[str]:
        return [f"    value += {path[-12:]!r}[{number}] * {self._dice.random()};" for number in range(many)]

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
                files[path][self._dice.randrange(self._shape.lines)] = f"    value = {number} + {self._dice.random()};"
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


def _plain(number: int, files: int) -> str:
    parts = -(-files // (FOLDERS * FULL))
    part = f"/e{number // FOLDERS % parts}" if parts > 1 else ""
    return f"src/d{number % FOLDERS:02}{part}/f{number}.c"


def _touched(patch: int) -> tuple[str, ...]:
    own = f"src/own/o{patch:03}.c"
    return (own, f"src/shared/s{patch // SHARED}.c") if patch % SHARING == SHARING - 1 else (own,)


def _place(patch: int) -> int:
    return patch % SHARED // SHARING * PLACE + PLACE // 2
