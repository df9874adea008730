"""Nights for tests: one that has everything, made from a number, and any that Hypothesis can think of."""

import types
import typing
from enum import Enum
from typing import Any

import msgspec
from hypothesis import strategies as st

from forkkeeper.core.nights import (
    Count,
    Effect,
    Ending,
    Fate,
    Findings,
    Night,
    Reach,
    Side,
    Speed,
    Step,
    Taken,
)

HOSTILE = (
    *("", "'); DROP TABLE night; --", '"', "null", "\x00 behind a NUL", "\x1b[2J", "\u202egnp.exe", "\ufeff"),
    *("{}", "[]", "1e999", "💥" * 40, "%s {0} ${{ github.token }}", "a\r\nb", "ａ\u0301"),
)
TEXT = st.one_of(st.text(), st.sampled_from(HOSTILE))
FLOAT = st.floats(allow_nan=False)
INTEGER = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), FLOAT, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    float: FLOAT,
    int: INTEGER,
    bool: st.booleans(),
    Any: JSON,
    None: st.none(),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Give any value of a type that core.nights uses; fields that it gets later are drawn, too."""
    if kind in PLAIN:
        return PLAIN[kind]
    inner = typing.get_args(kind)
    match typing.get_origin(kind):
        case types.UnionType:
            return st.one_of(*map(any_of, inner))
        case origin if origin is tuple:
            return st.lists(any_of(inner[0]), max_size=4).map(tuple)
        case origin if origin is dict:
            return st.dictionaries(any_of(inner[0]), any_of(inner[1]), max_size=4)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    fields = {field.name: any_of(field.type) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)


def a_night(number: int, *, steps: int = 3, weight: int = 20, digest: str = "") -> Night:
    """Make a night that has something of everything, the same for the same number.

    steps -- how many were taken; weight -- of each one's document and log, in words
    """
    sha = f"{number:040x}"
    words = " ".join(f"word{(number + at) % 97}" for at in range(weight))
    taken = tuple(
        Taken(
            Step(f"step {at}", "check", Side.TRIAL, ("check", "ops"), ("build cpu",), "cpu", 600),
            Ending.FAILED if (number + at) % 7 == 0 else Ending.PASSED,
            f"forkkeeper check ops {at}",
            at + 0.1,
            "said so",
            {"schema": 1, "verb": "check", "exit": 0, "blocks": [words, {"cases": at}]},
            words,
        )
        for at in range(steps)
    )
    findings = Findings(
        Reach(sha, 3, 5, "b" * 40, "they broke it", "https://example.invalid/b"),
        (
            Fate("one", "clashed", "", review=True, why="both", paths=("a.c", "b.c"), culprit="b" * 40),
            Fate("two", "kept"),
        ),
        tuple(
            Effect(f"{at:040x}", "2026-10-01", f"title {at}", "", {"one": "clash"} if at == 3 else {})
            for at in range(5)
        ),
        has_history=True,
        counts=(
            Count(
                "check cpu",
                "cpu",
                "CPU",
                emulated=False,
                check="ops",
                cases=9,
                passed=8,
                skipped=1,
                seconds=0.5,
                verdict="pass",
            ),
        ),
        speeds=(
            Speed(
                Side.STAND,
                "cpu",
                "dense",
                "pp32",
                "instructions",
                (1e9, 1e9 + number),
                (1.1e9,),
                0.1,
                0.05,
                0.15,
                "slower",
            ),
            Speed(Side.TRIAL, "cpu", "dense", "tg4", "time", (), (), 0.0, 0.0, 0.0, "inconclusive"),
        ),
    )
    return Night(
        began=f"2026-10-{1 + number % 28:02}T02:00:00Z",
        seconds=number / 3,
        fork=sha,
        pin="f" * 40,
        pin_date="2026-06-20",
        head="e" * 40,
        head_date="2026-10-01",
        tried="",
        digest=digest or sha,
        patches=7,
        lines=210,
        tool="0.1.0",
        machine="a processor, 2 cores, Linux",
        taken=taken,
        findings=findings,
    )
