# SPDX-License-Identifier: MIT
"""BF16 in the built ggml does what its definition says, value by value.

The program that checks it is compiled against the libraries of the build. It prints how much it
checked; the counts are asserted, because nothing checked is nothing shown.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from native_harness import Build, Compile, Tool, succeeded

ALL = 1 << 16
NARROWED = ALL * 6 + 600_000
# 13 lengths, each with matrices of 1x1, 3x1, 5x3, 16x16 and 33x7
PRODUCTS = 13 * (1 + 3 + 15 + 256 + 231)

EXPECTED = {
    "widen": ALL,
    "widen-row": ALL,
    "widen-cpu-row": ALL,
    "widen-value": ALL,
    "round-trip": ALL,
    "nan": 2 * 127,
    "infinity": 2,
    "subnormal": 2 * 127,
    "narrow": NARROWED,
    "narrow-row-ref": NARROWED,
    "narrow-row": NARROWED,
    "narrow-cpu-row": NARROWED,
    "matmul": PRODUCTS,
}

LINE = re.compile(r"^([\w-]+): (\d+) checked, (\d+) wrong$", re.MULTILINE)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, build: Build, compile_program: Compile) -> str:
    """Compile the check against the build, run it, and return what it printed."""
    code = Path(__file__).with_name("bf16_check.cpp")
    output = tmp_path_factory.mktemp("bf16") / "bf16-check"
    program = compile_program(code, output, libraries=("ggml", "ggml-cpu", "ggml-base"))
    done = succeeded(Tool(program, build.bin)(), 0, 1)
    return done.stdout + done.stderr


@pytest.mark.parametrize("part", EXPECTED)
def test_part(report: str, part: str) -> None:
    """Every case of this part was checked, and none was wrong."""
    found = {name: (int(checked), int(wrong)) for name, checked, wrong in LINE.findall(report)}
    assert found[part] == (EXPECTED[part], 0), report


def test_nothing_else_is_reported(report: str) -> None:
    """The parts are exactly the expected ones, so a new one cannot go unasserted."""
    assert [name for name, _, _ in LINE.findall(report)] == list(EXPECTED)


def test_subnormals_are_kept_or_flushed(report: str) -> None:
    """The one row function that may flush subnormals keeps them all or flushes them all."""
    said = re.findall(r"^narrow-row subnormals: (\w+)$", report, re.MULTILINE)
    assert said in (["kept"], ["flushed"])
