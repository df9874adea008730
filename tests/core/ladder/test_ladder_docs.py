"""docs/ladder.md explains every rule that can be shown, and no other."""

import importlib
import pkgutil
import re
from pathlib import Path

from forkkeeper.core import ladder, settling

HERE = Path(__file__).resolve().parents[3]
PAGE = (HERE / "docs/ladder.md").read_text()
BY_HAND = "hand"


def rules() -> set[str]:
    """Give the names that rows can show: those of the rungs, no place to answer, and a person's hand."""
    modules = [
        importlib.import_module(f"{ladder.__name__}.{found.name}") for found in pkgutil.iter_modules(ladder.__path__)
    ]
    return {module.RULE for module in modules if hasattr(module, "RULE")} | {settling.NO_PLACE, BY_HAND}


def test_every_rule_has_its_section() -> None:
    """The headings below "The rules" are the rules' names, each once."""
    (section,) = re.findall(r"(?ms)^## The rules\n(.*?)^## ", PAGE)
    headings = re.findall(r"(?m)^### (.*)$", section)
    assert sorted(headings) == sorted(rules())


def test_every_name_that_the_code_shows_is_one_of_them() -> None:
    """A rule written out in the sources, where a verdict is made, is among the rules."""
    source = (HERE / "src/forkkeeper/core/carry.py").read_text()
    shown = re.findall(r'Outcome\.RESOLVED, new, [\w.]+, new\.paths, "([\w-]+)"', source)
    assert set(shown) <= rules()
    assert BY_HAND in shown


def test_the_order_names_every_rung() -> None:
    """The order given in words has each rule that is asked, and the two tables each doubt and hint."""
    (order,) = re.findall(r"(?ms)^## The order\n(.*?)^## ", PAGE)
    assert rules() - set(re.findall(r"`([\w-]+)`", order)) == {BY_HAND}
