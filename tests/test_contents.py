"""The verbs' table of contents gives each name when it is asked for, and imports no other verb for that."""

import ast
import subprocess
import sys
from pathlib import Path

from forkkeeper import flow

ALONE = """
import sys
from forkkeeper import flow
flow.status
print("forkkeeper.flow.triaging" in sys.modules, "forkkeeper.flow.surveying" in sys.modules)
"""


def test_every_name_that_a_type_checker_knows_is_there() -> None:
    """What is written for the type checker, what is declared public, and what can be had are the same names."""
    tree = ast.parse(Path(flow.__file__).read_text())
    known = next(node for node in tree.body if isinstance(node, ast.If))
    written = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in known.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(written) == sorted(flow.__all__)
    for name, (module, there) in written.items():
        assert getattr(flow, name) is getattr(sys.modules[str(module)], there), name


def test_a_verb_is_had_without_the_others() -> None:
    """Asking for one verb imports its module, and not that of another one."""
    ran = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert ran.stdout == "False True\n"
