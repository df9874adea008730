"""The path policy of an adopted fork: which upstream paths it keeps, as few rules as say it, each with its reason."""

import re
from collections.abc import Iterable, Sequence, Set as AbstractSet

from forkkeeper.core.declaration import PathRule
from forkkeeper.core.paths import parents
from forkkeeper.core.template import toml_string

NOT_HELD = "the adopted tree has nothing of it"
USED = "the adopted tree has it"
ALL = "only what the adopted tree has is kept"
REPLACED = "the fork has a file of its own there"


def rules(upstream: Iterable[str], kept: AbstractSet[str], own: AbstractSet[str]) -> tuple[PathRule, ...]:
    """Say which of upstream's paths are kept: by what is left out, or by what is kept, whichever is shorter.

    own -- paths of files that the fork itself has
    """
    paths = sorted(upstream)
    out = [path for path in paths if path not in kept]
    if not out:
        return ()
    leaving = [_rule("exclude", name, REPLACED if name in own else NOT_HELD) for name in _shortest(out, kept)]
    taking = [_rule("include", name, USED) for name in _shortest(sorted(kept), frozenset(out))]
    if len(leaving) <= len(taking) + 1:
        return tuple(leaving)
    return (PathRule("exclude", "*", ALL), *taking)


def _shortest(paths: Sequence[str], others: AbstractSet[str]) -> list[str]:
    """Name paths by whole folders (with `/` at the end) where these hold none of the others."""
    mixed = {folder for path in others for folder in parents(path)}
    found: dict[str, None] = {}
    for path in paths:
        whole = next((folder for folder in parents(path) if folder not in mixed), None)
        found[path if whole is None else f"{whole}/"] = None
    return list(found)


def _rule(rule: str, name: str, why: str) -> PathRule:
    pattern = "/" + re.sub(r"([\\*?\[\]])", r"\\\1", name)
    pattern = re.sub(r" $", r"\\ ", pattern)
    return PathRule("include" if rule == "include" else "exclude", pattern, why)


def written(found: Sequence[PathRule]) -> str:
    """Write rules as fork.toml has them."""
    return "".join(
        f'\n[[path]]\nrule = "{one.rule}"\npattern = {toml_string(one.pattern)}\nwhy = {toml_string(one.why)}\n'
        for one in found
    )
