"""The path policy: which upstream paths are part of the fork. Ordered rules, the last match decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from forkkeeper.core.declaration import FILE, PathRule
from forkkeeper.core.store import Entries, Entry
from forkkeeper.errors import RequestError


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
