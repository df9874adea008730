"""A fork with no patches whose truth is known: a generated upstream history, and a tree mixed from it and edited."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from world import Upstream, git

LINES = 40
COMMITS = 30


@dataclass
class Known:
    """A tree and where each of its files comes from.

    bases -- per path in the tree: upstream's path, and the first commit in which that version stood there
    own -- files with no upstream history; edited -- files that differ from their base
    """

    tree: Path
    upstream: Upstream
    shas: list[str]
    bases: dict[str, tuple[str, str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)

    def write(self, path: str, data: str | bytes) -> None:
        """Write a file of the tree."""
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)


def text(chance: random.Random, name: str, lines: int = LINES) -> list[str]:
    """Give a source text that no other one looks like."""
    return [
        f"    {name}_{number} = call_{chance.randrange(10**6)}({chance.randrange(10**6)});" for number in range(lines)
    ]


def joined(lines: list[str]) -> str:
    """Give a text of lines."""
    return "".join(f"{line}\n" for line in lines)


def history(place: Path, seed: int, files: int) -> tuple[Upstream, list[str], list[dict[str, list[str]]]]:
    """Make an upstream: files that change, are added and move. Gives its commits, and each commit's files."""
    chance = random.Random(seed)  # noqa: S311 -- no secret
    upstream = Upstream.make(place / "upstream.git")
    now = {f"src/part{number % 4}/file{number}.c": text(chance, f"file{number}") for number in range(files)}
    states, shas = [dict(now)], [upstream.commit({path: joined(lines) for path, lines in now.items()})]
    for step in range(COMMITS):
        changed = {}
        for path in chance.sample(sorted(now), k=files // 3):
            lines = list(now[path])
            at = chance.randrange(len(lines))
            lines[at : at + 2] = [f"    changed_{step}_{chance.randrange(10**6)}(x);" for _ in range(3)]
            changed[path] = lines
        moves = {}
        if step % 5 == 4:
            old = chance.choice(sorted(now))
            moves[old] = f"moved/step{step}/{old.rpartition('/')[2]}"
        now = {moves.get(path, path): lines for path, lines in (now | changed).items()}
        fresh = {moves.get(path, path): joined(lines) for path, lines in changed.items()}
        shas.append(upstream.commit(fresh, moves=moves))
        states.append(dict(now))
    return upstream, shas, states


def began(states: Sequence[Mapping[str, list[str]]], at: int, path: str) -> int:
    """Find the commit with which a version of a file began to stand."""
    while at > 0 and states[at - 1].get(path) == states[at].get(path):
        at -= 1
    return at


def mixed(place: Path, seed: int, files: int = 60) -> Known:
    """Make a tree of an upstream's files at different versions, most of them edited, some at other paths."""
    upstream, shas, states = history(place, seed, files)
    chance = random.Random(seed + 1)  # noqa: S311 -- no secret
    known = Known(place / "tree", upstream, shas)
    main = COMMITS // 2
    for number, name in enumerate(sorted({path.rpartition("/")[2] for path in states[0]})):
        at = main if number % 3 else chance.choice([main - 9, main - 4, main + 5, main + 11])
        source = next(path for path in states[at] if path.endswith(f"/{name}"))
        lines = list(states[at][source])
        path = source if number % 5 else f"flat-{name}"
        if number % 10 != 7:  # every tenth is as upstream has it
            edit = chance.randrange(len(lines) - 4)
            lines[edit : edit + 1] = [f"    // [ann] our own {number}", f"    ours_{number}(edit);"]
            known.edited.add(path)
        data = joined(lines)
        if number % 12 == 5:
            data = data.replace("\n", "\r\n")
        if number % 12 == 8:
            data = joined([f" * Our own licence, line {line} of {number}." for line in range(12)]) + data
            known.edited.add(path)
        known.write(path, data)
        known.bases[path] = (source, shas[began(states, at, source)])
    for name, data in (("own/hook.c", joined(text(chance, "own"))), ("build.mk", "all:\n"), ("empty.txt", "")):
        known.write(name, data)
        known.own.add(name)
    return known


def tree_of(folder: Path, place: Path) -> str:
    """Give the tree id that git makes of a folder."""
    git(place, "init", "--quiet", "--template=", "--bare", "ids.git")
    store = place / "ids.git"
    git(
        folder,
        "--git-dir",
        str(store),
        "--work-tree",
        ".",
        "-c",
        "core.excludesFile=/dev/null",
        "add",
        "--all",
        "--force",
    )
    return git(store, "write-tree")
