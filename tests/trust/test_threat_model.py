"""The threat model names tests that exist, and every test of an attack here is named by it."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs/threat-model.md").read_text()


def names_in(path: Path) -> set[str]:
    """Give the tests of a file, by name."""
    found = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_it_names_exists() -> None:
    """Each `file::test` of the page is a test of that file."""
    named = re.findall(r"`([\w/.]+\.py)::(\w+)`", PAGE)
    assert len(named) > 20
    for file, test in named:
        path = ROOT / file if "/" in file else HERE / file
        assert test in names_in(path), f"{file} has no {test}"


def test_every_test_of_an_attack_is_named() -> None:
    """Each test of `test_hostile_*`, `test_crash_*` and `test_bugs` stands on the page, beside what it is for."""
    for path in (*sorted(HERE.glob("test_hostile_*.py")), *sorted(HERE.glob("test_crash_*.py")), HERE / "test_bugs.py"):
        missing = [test for test in sorted(names_in(path)) if f"`{path.name}::{test}`" not in PAGE]
        assert missing == [], path.name
