"""Intended differences in what the fork's models say: a patch's `Changes-Output:` trailer.

    Changes-Output: llama-Q4_K_M, cpu:*-BF16 [K-quants are rounded to nearest]

Patterns, as a shell has them, over the names of cases; before a colon one over the names of variants. In brackets, why.
A pattern without a variant's name is demanded where outputs are the same to the bit (`exact` in fork.toml), and allowed
elsewhere: another device need not compute what the patch changes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

TRAILER = "Changes-Output"
_FORM = re.compile(r"(?P<patterns>[^\s].*?)\s+\[(?P<why>[^\[\]]*[^\[\]\s][^\[\]]*)\]")
HINT = f"e.g. `{TRAILER}: llama-Q4_K_M, *-BF16 [why what models say changes]`"


@dataclass(frozen=True, slots=True)
class Change:
    """One pattern of one patch. variant -- pattern of variants' names, "" for every one; case -- of cases' names."""

    patch: str
    variant: str
    case: str

    def __str__(self) -> str:
        return f"{self.variant}:{self.case}" if self.variant else self.case

    def holds_of(self, variant: str) -> bool:
        """Whether it is about this variant."""
        return fnmatchcase(variant, self.variant or "*")

    def names(self, case: str) -> bool:
        """Whether it is about this case."""
        return fnmatchcase(case, self.case)

    def is_demanded(self, *, exact: bool) -> bool:
        """Whether a case that it names must differ, on a variant that it is about. exact -- as in fork.toml."""
        return exact or bool(self.variant)


def parse(patch: str, trailer: str) -> tuple[Change, ...]:
    """Read a trailer's text. patch -- its name, as tables show it.

    Raises ValueError saying what is wrong with it.
    """
    form = _FORM.fullmatch(trailer)
    if form is None:
        raise ValueError(f"{trailer!r} is not patterns and then a [reason] in brackets, {HINT}")
    found = []
    for pattern in (part.strip() for part in form["patterns"].split(",")):
        variant, colon, case = pattern.rpartition(":")
        if not case or re.search(r"\s", pattern) or ":" in variant or bool(colon) != bool(variant):
            raise ValueError(f"{pattern!r} is no pattern of cases, {HINT}")
        found.append(Change(patch, variant, case))
    return tuple(found)


def fault(trailer: str) -> str:
    """Say what is wrong with a trailer's text, "" for nothing."""
    try:
        parse("", trailer)
    except ValueError as error:
        return str(error)
    return ""


def vain(changes: Sequence[Change], variant: str, cases: Sequence[str]) -> tuple[Change, ...]:
    """Give the changes that are about a variant and name none of its cases: misspelt, or the case is gone."""
    return tuple(one for one in changes if one.holds_of(variant) and not any(one.names(case) for case in cases))
