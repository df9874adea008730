"""The import table of the design, held against the syntax trees of every source file.

Each rule is a pure function from one module to what offends it; each is shown to bite before it is applied.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parent / "src"
OURS = "forkkeeper"

# layer -> what it may import of ours; a trailing dot: everything below, else exactly that module
ALLOWED = {
    "": (),
    "errors": (),
    "core": ("errors", "core."),
    "shell": ("errors", "core."),
    "stages": ("errors", "core.", "shell."),
    "flow": ("errors", "core.", "shell.", "stages.", "flow."),
    "tasks": ("errors", "shell.terminal", "flow", "tasks."),
    "__main__": ("tasks",),
}
# the door to git is a package: its files may import one another
INSIDE = "shell.git"

# outside module -> the only modules of ours that may import it
DOORS: dict[str, str | tuple[str, ...]] = {
    "subprocess": "shell.process",
    "git": "shell.git.door",
    "gitdb": "shell.git.scratch",
    "unearth": "shell.net",
    "httpx2": ("shell.net", "shell.forge"),  # package registries, and the place where pull requests are
    "sqlite3": "shell.database",
    "jinja2": "shell.page",
    "markupsafe": "shell.page",
    "vl_convert": "shell.charts",
}

# what core must not reach: processes, files, network, clock, chance, environment, terminal
EFFECTS = {
    *("subprocess", "multiprocessing", "threading", "asyncio", "concurrent"),
    *("os", "shutil", "tempfile", "fileinput", "glob", "mmap", "fcntl"),
    *("socket", "ssl", "http", "urllib.request", "httpx2", "unearth"),
    *("time", "random", "secrets", "sys", "logging", "getpass", "platform"),
    *("git", "gitdb", "invoke", "tqdm", "sqlite3"),
}
EFFECT_NAMES = {"pathlib": {"Path", "PosixPath", "WindowsPath"}}  # PurePath is a value
EFFECT_CALLS = {"open", "input", "exec", "eval", "breakpoint", "__import__"}
# called on anything: io.open, a path's methods, a date's clock; io.StringIO is a value
EFFECT_METHODS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rmdir", "touch"),
    *("now", "utcnow", "today"),
}
DUMPING_GROUNDS = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file: its name without the package ("core.queue", "" for the package itself) and its tree."""

    name: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and the names taken from it (none for a plain import)."""

    module: str
    names: tuple[str, ...]

    @property
    def ours(self) -> str | None:
        """The name without our package; None for an outside module."""
        head, _, rest = self.module.partition(".")
        return rest if head == OURS else None


def module(name: str, source: str) -> Module:
    """Read a source text as a module of ours."""
    return Module(name, ast.parse(source))


def modules() -> list[Module]:
    """Read every source file, sorted by name."""
    root = SOURCES / OURS
    return [
        module(name_of(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))
    ]


def name_of(path: Path) -> str:
    """Give the name of a file: `core/queue.py` is "core.queue", `core/__init__.py` is "core"."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {each.name for each in modules()}


def imports(tree: ast.AST) -> Iterator[Import]:
    """Give every import, wherever it stands; `from package import module` counts as importing the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(inner, ()) if inner.removeprefix(f"{OURS}.") in KNOWN else Import(base, (alias.name,))


def plain_calls(tree: ast.AST) -> Iterator[str]:
    """Give the name of every function called without a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def method_calls(tree: ast.AST) -> Iterator[str]:
    """Give the last name of everything called with a dot: `date.today()` gives "today"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def within(name: str, outside: str) -> bool:
    """Whether a dotted name is that module or lies below it."""
    return name == outside or name.startswith(f"{outside}.")


def layer_offences(mod: Module) -> list[str]:
    """Give the imports of ours that the table does not allow; a module must be in a known layer."""
    if mod.layer not in ALLOWED:
        return ["is in no layer of the design"]
    allowed = (*ALLOWED[mod.layer], *((f"{INSIDE}.",) if within(mod.name, INSIDE) else ()))

    def permits(rule: str, name: str) -> bool:
        return name.startswith(rule) if rule.endswith(".") else name == rule

    ours = [imp.ours for imp in imports(mod.tree) if imp.ours is not None]
    return [f"imports {name or 'the package'}" for name in ours if not any(permits(rule, name) for rule in allowed)]


def relative_offences(mod: Module) -> list[str]:
    """Give the relative imports: they hide the layer that they reach."""
    return [f"imports {imp.module}, relatively" for imp in imports(mod.tree) if imp.module.startswith(".")]


def door_offences(mod: Module) -> list[str]:
    """Give the outside modules that only another file of ours may touch."""
    return [
        f"imports {imp.module}; only {owner if isinstance(owner, str) else ' and '.join(owner)} may"
        for imp in imports(mod.tree)
        for outside, owner in DOORS.items()
        if within(imp.module, outside) and mod.name not in ((owner,) if isinstance(owner, str) else owner)
    ]


def effect_offences(mod: Module) -> list[str]:
    """Give the effects within reach of core."""
    if mod.layer != "core":
        return []
    found = [f"imports {imp.module}" for imp in imports(mod.tree) if any(within(imp.module, bad) for bad in EFFECTS)]
    for imp in imports(mod.tree):
        taken = EFFECT_NAMES.get(imp.module, set())
        found += [f"takes {name} from {imp.module}" for name in imp.names if name in taken]
        found += [f"imports all of {imp.module}" for _ in [imp] if imp.module in EFFECT_NAMES and not imp.names]
    found += [f"calls {name}()" for name in plain_calls(mod.tree) if name in EFFECT_CALLS]
    return found + [f"calls .{name}()" for name in method_calls(mod.tree) if name in EFFECT_METHODS]


def print_offences(mod: Module) -> list[str]:
    """Give the prints anywhere but in shell/terminal.py."""
    if mod.name == "shell.terminal":
        return []
    return ["calls print()" for name in plain_calls(mod.tree) if name == "print"]


# Each takes a third of the start-up time or more, and most verbs never need it.
LATE = {
    ("stages.upstream", "forkkeeper.shell.net"),  # unearth and httpx2
    ("stages.kit", "forkkeeper.shell.net"),
    ("flow.publishing", "forkkeeper.shell.forge"),  # httpx2
    ("flow.checking", "forkkeeper.flow.regressing"),  # numpy
    ("flow.billing", "forkkeeper.core.bill"),  # cyclonedx-python-lib, of an extra
    ("flow.clocking", "forkkeeper.flow.benching"),  # numpy, scipy and pytest-benchmark, as the two below
    ("flow.clocking", "forkkeeper.flow.attributing"),
    ("flow.clocking", "forkkeeper.flow.bisecting"),
    ("flow.reporting", "forkkeeper.flow.paging"),  # Jinja2 and vl-convert
}


def late_import_offences(mod: Module) -> list[str]:
    """Give the imports inside a function: they hide cycles."""
    functions = [node for node in ast.walk(mod.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    found = [(function.name, imp.module) for function in functions for imp in imports(function)]
    return [f"{name}() imports {module}" for name, module in found if (mod.name, module) not in LATE]


def name_offences(mod: Module) -> list[str]:
    """Give the module's name when it stands for no idea."""
    last = mod.name.rpartition(".")[2]
    return [f"{last}.py says nothing of what is in it"] if last in DUMPING_GROUNDS else []


def cycle(mods: list[Module]) -> list[str]:
    """Give one import cycle, from a module back to itself; empty when there is none."""
    names = {mod.name for mod in mods}
    graph = {mod.name: {imp.ours for imp in imports(mod.tree) if imp.ours in names} for mod in mods}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def undocumented(source: str) -> list[str]:
    """Give the test functions without a docstring."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return [node.name for node in functions if node.name.startswith("test_") and not ast.get_docstring(node)]


RULES = [
    layer_offences,
    relative_offences,
    door_offences,
    effect_offences,
    print_offences,
    late_import_offences,
    name_offences,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Callable[[Module], list[str]]) -> None:
    """No source file offends the rule."""
    assert [f"{mod.name}: {offence}" for mod in modules() for offence in rule(mod)] == []


def test_imports_go_one_way() -> None:
    """No chain of imports comes back to its start."""
    assert cycle(modules()) == []


def test_every_test_says_what_it_proves() -> None:
    """Every test function has a docstring."""
    lacking = {str(path.relative_to(HERE)): undocumented(path.read_text()) for path in sorted(HERE.rglob("test_*.py"))}
    assert {path: names for path, names in lacking.items() if names} == {}


def test_there_is_something_to_hold_the_rules_against() -> None:
    """The walk finds the sources: an empty list would keep every rule."""
    assert {"errors", "core.declaration", "shell.process", "stages.build"} <= KNOWN


BITES = [
    (layer_offences, "core.queue", "from forkkeeper.shell import process"),
    (layer_offences, "core.queue", "import forkkeeper.stages.build"),
    (layer_offences, "errors", "from forkkeeper.core.ids import TreeId"),
    (layer_offences, "shell.disk", "from forkkeeper.shell import process"),
    (layer_offences, "shell.disk", "from forkkeeper.shell.process import read"),
    (layer_offences, "stages.check", "from forkkeeper.stages import build"),
    (layer_offences, "stages.check", "from forkkeeper.stages.build import Built"),
    (layer_offences, "stages.check", "import forkkeeper.flow"),
    (layer_offences, "flow", "import forkkeeper.tasks"),
    (layer_offences, "tasks", "from forkkeeper.stages import build"),
    (layer_offences, "tasks", "from forkkeeper.core.declaration import Variant"),
    (layer_offences, "tasks", "from forkkeeper.shell.process import read"),
    (layer_offences, "manager", "import ast"),
    (relative_offences, "core.queue", "from . import ids"),
    (relative_offences, "core.queue", "from ..shell.process import read"),
    (door_offences, "stages.build", "import subprocess"),
    (door_offences, "stages.build", "from subprocess import run"),
    (door_offences, "shell.disk", "import git.repo.base"),
    (door_offences, "stages.upstream", "from unearth import PackageFinder"),
    (door_offences, "stages.history", "import sqlite3"),
    (effect_offences, "core.queue", "import os.path"),
    (effect_offences, "core.queue", "from time import monotonic"),
    (effect_offences, "core.queue", "from pathlib import Path"),
    (effect_offences, "core.queue", "import pathlib"),
    (effect_offences, "core.queue", "data = open('x').read()"),
    (effect_offences, "core.queue", "import datetime\nnow = datetime.datetime.now()"),
    (effect_offences, "core.queue", "import io\ndata = io.open('x')"),
    (effect_offences, "core.queue", "def save(path):\n    path.write_text('x')"),
    (print_offences, "flow", "print('done')"),
    (late_import_offences, "core.queue", "def f():\n    import ast"),
    (
        late_import_offences,
        "core.queue",
        "class A:\n    async def f(self):\n        if self:\n            from ast import parse",
    ),
    (name_offences, "core.utils", ""),
]


@pytest.mark.parametrize(("rule", "name", "source"), BITES)
def test_the_rule_bites(rule: Callable[[Module], list[str]], name: str, source: str) -> None:
    """What the design forbids is seen, in each way of writing it."""
    assert rule(module(name, source))


FINE = [
    ("core.queue", "from forkkeeper.core import ids\nfrom forkkeeper.errors import RequestError"),
    ("core.queue", "from pathlib import PurePosixPath\nimport datetime\nname = 'a'.replace('a', 'b')"),
    ("core.queue", "import csv, io\nrows = csv.reader(io.StringIO('a,b'))"),
    ("shell.git.door", "import git"),
    ("shell.git.scratch", "import gitdb\nfrom forkkeeper.shell.git.door import Door"),
    ("shell.terminal", "print('done')"),
    ("stages.check", "from forkkeeper.core import opsreport\nfrom forkkeeper.shell import process"),
    ("tasks", "import sys\nfrom forkkeeper import errors\nfrom forkkeeper.errors import ExitCode"),
]


@pytest.mark.parametrize(("name", "source"), FINE)
def test_the_rules_leave_good_code_alone(name: str, source: str) -> None:
    """What the design allows offends no rule."""
    assert [offence for rule in RULES for offence in rule(module(name, source))] == []


def test_a_cycle_is_seen() -> None:
    """Two modules that import each other are named, in order."""
    mods = [module("core.ids", "import forkkeeper.errors"), module("errors", "import forkkeeper.core.ids")]
    assert set(cycle(mods)) == {"core.ids", "errors"}


def test_a_test_without_a_sentence_is_seen() -> None:
    """Nested in a class or not, a bare test is named; other functions are not."""
    assert undocumented("class A:\n    def test_x(self): pass\n\ndef helper(): pass") == ["test_x"]
