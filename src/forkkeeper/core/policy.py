"""The path policy: which upstream paths are part of the fork. Ordered rules, the last match decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from forkkeeper.core.declaration import FILE, PathRule
from forkkeeper.core.paths import parents
from forkkeeper.core.store import Entries, Entry
from forkkeeper.errors import RequestError


@dataclass(frozen=True, slots=True)
class Use:
    """What a rule does to a set of paths.

    number -- its place in fork.toml, from 1
    matches -- how many paths it matches
    decides -- of how many of them it is the last rule that matches
    overridden_by -- the numbers of the rules that decide the others, ordered
    """

    number: int
    rule: PathRule
    matches: int
    decides: int
    overridden_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one path. rule -- the rule that decided, or None (every path is kept by default)."""

    path: str
    keep: bool
    rule: PathRule | None


def decide(rules: Sequence[PathRule], paths: Iterable[str]) -> tuple[Decision, ...]:
    """Decide each path, in the order given.

    Raises RequestError for a pattern that matches nothing it could ever match (malformed).
    """
    compiled = [(rule, _compile(rule)) for rule in reversed(rules)]
    return tuple(_decide(compiled, path) for path in paths)


def matching(rules: Sequence[PathRule], path: str) -> tuple[int, ...]:
    """Give the numbers (from 1, in order) of the rules that match a path; the last of them decides."""
    return tuple(number for number, rule in enumerate(rules, 1) if _compile(rule).match_file(path) is not None)


def uses(rules: Sequence[PathRule], paths: Iterable[str]) -> tuple[Use, ...]:
    """Say what each rule does to a set of paths, in the order of fork.toml."""
    patterns = [_compile(rule) for rule in rules]
    matches, decides = [0] * len(rules), [0] * len(rules)
    over: list[set[int]] = [set() for _ in rules]
    for path in paths:
        found = [at for at, pattern in enumerate(patterns) if pattern.match_file(path) is not None]
        for at in found:
            matches[at] += 1
            over[at] |= {found[-1] + 1} - {at + 1}
        if found:
            decides[found[-1]] += 1
    rows = enumerate(zip(rules, matches, decides, over, strict=True), 1)
    return tuple(Use(number, rule, many, last, tuple(sorted(by))) for number, (rule, many, last, by) in rows)


def undecided(rules: Sequence[PathRule], paths: Iterable[str]) -> tuple[str, ...]:
    """Give the paths that no rule matches, in the order given: they are kept because nobody said anything."""
    return tuple(decision.path for decision in decide(rules, paths) if decision.rule is None)


def grouped(new: Iterable[str], known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Group new paths by the outermost folder that is new itself, or else by the known folder that they are in.

    known -- the paths that were there before
    Gives folders with a "/" at their end ("" for the root): new ones first, each kind ordered by depth, then by name.

    >>> grouped(["a/b/new.c", "tools/x/1.c", "tools/2.c", "top.c"], ["a/b/old.c"])
    {'tools/': ('tools/2.c', 'tools/x/1.c'), '': ('top.c',), 'a/b/': ('a/b/new.c',)}
    """
    had = {parent for path in known for parent in parents(path)}
    groups: dict[str, list[str]] = {}
    for path in sorted(new):
        above = parents(path)
        fresh = next((folder for folder in above if folder not in had), None)
        folder = fresh if fresh is not None else (above[-1] if above else "")
        groups.setdefault(f"{folder}/" if folder else "", []).append(path)
    order = sorted(groups, key=lambda folder: (folder.rstrip("/") in had or not folder, folder.count("/"), folder))
    return {folder: tuple(groups[folder]) for folder in order}


def _compile(rule: PathRule) -> GitIgnoreSpecPattern:
    try:
        pattern = GitIgnoreSpecPattern(rule.pattern)
    except ValueError as error:
        raise RequestError(
            "read", FILE, f"path pattern {rule.pattern!r}: {error}", "write it as in .gitignore"
        ) from error
    if pattern.regex is None or rule.pattern.startswith("!"):
        raise RequestError(
            "read",
            FILE,
            f"path pattern {rule.pattern!r} selects nothing",
            'write a pattern of .gitignore; `!` is rule = "include" here',
        )
    return pattern


def _decide(compiled: Sequence[tuple[PathRule, GitIgnoreSpecPattern]], path: str) -> Decision:
    for rule, pattern in compiled:
        if pattern.match_file(path) is not None:
            return Decision(path, rule.rule == "include", rule)
    return Decision(path, keep=True, rule=None)


def kept(rules: Sequence[PathRule], entries: Entries) -> dict[str, Entry]:
    """Give the entries that the policy keeps."""
    if not rules:
        return dict(entries)
    return {d.path: entries[d.path] for d in decide(rules, entries) if d.keep}
