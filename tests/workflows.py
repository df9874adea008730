"""A GitHub Actions runner, as far as this repository's workflows need one; bash really runs every `run:` step.

Real here: the YAML, the order of steps, their conditions and expressions, their shell text, `.ci/run`, git, Python, and
`forkkeeper ci-matrix` and `forkkeeper lint` on this repository. Standing in, all in `stand_in`: what installs, builds
or talks to others (apt-get, sudo, brew, pip, nox, cmake, ccache, `python3 -m venv`, and of forkkeeper `materialise`,
`kit` and `publish`), which note their words; `nox -s nightly` leaves the files that the night leaves. The actions
(`uses:`) are small local equivalents, which keep to what is known of the real ones: an artifact leaves out what begins
with a dot unless asked, a cache is saved only after success, a command ends at `::stop-commands::`.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from world import BIN, HERE, git

WORKFLOWS = HERE / ".github/workflows"
NAMES = ("ci", "variants", "nightly", "trust")
# what a runner acts upon in a line of a step's output, wherever it stands in leading blanks
COMMAND = re.compile(r"^\s*(?:::([\w-]+)(?: [^:]*)?::|##\[([\w-]+)[ \]])(.*)$")
HOSTILE = ("::set-output name=matrix::planted", "  ::add-mask::planted", "##[set-env name=PATH]planted")


def load(name: str) -> dict[str, Any]:
    """Read a workflow. YAML 1.1 reads the key `on` as true."""
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def steps_of(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every step of a workflow with its job's name."""
    for job, table in load(name)["jobs"].items():
        yield from ((job, step) for step in table.get("steps", ()))


# expressions --------------------------------------------------------------------------------------------------------

_HOLES = re.compile(r"\$\{\{(.*?)\}\}")
OPTIONAL = ("vars", "inputs")  # what nobody has set is empty there; elsewhere an unknown name is a mistake


def value_of(text: str, contexts: Mapping[str, Any], *, failed: bool = False) -> Any:  # noqa: C901 -- see walk
    """Evaluate an expression: the operators and functions that these workflows use, and no others."""
    calls: dict[str, Callable[..., Any]] = {
        "fromJSON": json.loads,
        "always": lambda: True,
        "cancelled": lambda: False,
        "success": lambda: not failed,
    }
    plain = text.strip().replace("&&", " and ").replace("||", " or ").replace("!cancelled", " not cancelled")

    def walk(node: ast.expr) -> Any:  # noqa: C901, PLR0911, PLR0912 -- one case for each kind of expression
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id="null"):
                return None
            case ast.Name(id=name):
                return contexts[name]
            case ast.Attribute(value=of, attr=name):
                found = walk(of)
                if isinstance(of, ast.Name) and of.id in OPTIONAL:
                    return found.get(name)
                return found[name]
            case ast.Subscript(value=of, slice=ast.Constant(value=int(at))):
                listed = walk(of)
                return listed[at] if at < len(listed) else None
            case ast.Call(func=ast.Name(id=name), args=args):
                return calls[name](*map(walk, args))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not walk(operand)
            case ast.BoolOp(op=ast.And(), values=values):
                return next((found for one in values if not (found := walk(one))), walk(values[-1]))
            case ast.BoolOp(op=ast.Or(), values=values):
                return next((found for one in values if (found := walk(one))), walk(values[-1]))
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                return walk(left) == walk(right)
            case ast.Compare(left=left, ops=[ast.NotEq()], comparators=[right]):
                return walk(left) != walk(right)
            case _:
                raise AssertionError(f"not understood: {text}")

    return walk(ast.parse(plain.strip(), mode="eval").body)


def filled(text: Any, contexts: Mapping[str, Any]) -> Any:
    """Fill the holes of a value; one that is nothing but a hole keeps its kind."""
    if not isinstance(text, str):
        return text
    if whole := _HOLES.fullmatch(text.strip()):
        return value_of(whole[1], contexts)
    return _HOLES.sub(lambda hole: _worded(value_of(hole[1], contexts)), text)


def _worded(value: Any) -> str:
    return {True: "true", False: "false", None: ""}.get(value, str(value)) if not isinstance(value, str) else value


# the runner ---------------------------------------------------------------------------------------------------------


@dataclass
class Ended:
    """How a job ended.

    commands -- of its output, that the runner would have acted upon; matched -- what its problem matchers took
    calls -- words of the programs that stand in, in order
    """

    status: str = "success"
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    said: str = ""
    ran: list[str] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)
    matched: list[tuple[str, int, str]] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)

    def called(self, program: str) -> list[list[str]]:
        """Give the words that a program was called with, each time."""
        return [words for name, *words in self.calls if name == program]


@dataclass
class Runner:
    """Runs jobs in folders below one place, which also keeps artifacts and caches. nox_ends -- Nox's exit code."""

    place: Path
    contexts: dict[str, Any]
    nox_ends: int = 0

    def job(self, workflow: str, name: str, **contexts: Any) -> Ended:
        """Run one job of a workflow. contexts -- matrix, inputs and needs, beside those of all jobs."""
        return _Job(self, load(workflow)["jobs"][name], self.contexts | contexts).run()

    def rows(self, workflow: str, name: str, needs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give the matrix of a job, made from what the jobs before it gave."""
        include = load(workflow)["jobs"][name]["strategy"]["matrix"]["include"]
        rows: list[dict[str, Any]] = filled(include, self.contexts | {"needs": needs})
        return rows


class _Job:
    """One job as it runs."""

    def __init__(self, runner: Runner, table: dict[str, Any], contexts: dict[str, Any]) -> None:
        self.runner, self.table, self.ended = runner, table, Ended()
        number = sum(one.name.startswith("job") for one in runner.place.iterdir())
        self.home = runner.place / f"job{number}"
        self.work, self.bin, self.calls = self.home / "work", self.home / "bin", self.home / "calls"
        for folder in (self.work, self.bin, self.home / "temp"):
            folder.mkdir(parents=True)
        self.calls.touch()
        self.contexts = contexts | {"steps": {}, "job": {"status": "success"}}
        self.contexts["github"] = contexts["github"] | {"workspace": str(self.work)}
        self.env: dict[str, str] = {}
        self.path = ""
        self.matchers: list[dict[str, Any]] = []
        stand_in(self.bin)

    def run(self) -> Ended:
        if not self._passes(str(self.table.get("if", "success()"))):
            self.ended.status = "skipped"
            return self.ended
        self.env = {key: _worded(filled(text, self.contexts)) for key, text in self.table.get("env", {}).items()}
        saves: list[dict[str, Any]] = []
        for step in self.table["steps"]:
            failed = self.ended.status != "success"
            condition = str(step.get("if", "success()"))
            if not self._passes(condition) or (failed and "always()" not in condition):
                continue
            if "uses" in step:
                self._use(step, saves)
            else:
                self._bash(step)
        if self.ended.status == "success":
            for step in saves:
                self._save(step)
        outputs = self.table.get("outputs", {})
        self.ended.outputs = {key: _worded(filled(text, self.contexts)) for key, text in outputs.items()}
        self.ended.calls = [line.split("\t") for line in self.calls.read_text().splitlines()]
        return self.ended

    def _passes(self, condition: str) -> bool:
        plain = " ".join(condition.split()).removeprefix("${{").removesuffix("}}")
        return bool(value_of(plain, self.contexts, failed=self.ended.status != "success"))

    def _fail(self) -> None:
        self.ended.status = self.contexts["job"]["status"] = "failure"

    def _bash(self, step: dict[str, Any]) -> None:
        files = {name: self.home / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        own = {key: _worded(filled(text, self.contexts)) for key, text in step.get("env", {}).items()}
        path = f"{self.path}{self.bin}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        given = {
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.home / "temp"),
            "CI": "true",
            "CALLS": str(self.calls),
            "NOX_ENDS": str(self.runner.nox_ends),
        }
        env = os.environ | self.env | own | given | {key: str(file) for key, file in files.items()} | {"PATH": path}
        assert "${{" not in step["run"], "an expression in a shell's text"
        script = self.home / "step.sh"
        script.write_text(step["run"])
        argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(
            argv, cwd=self.work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        self.ended.ran.append(step.get("name", step["run"]))
        self.ended.said += done.stdout + done.stderr
        self._read(done.stdout + done.stderr)
        self.ended.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        self.path = "".join(f"{one}{os.pathsep}" for one in files["GITHUB_PATH"].read_text().splitlines()) + self.path
        lines = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        self.contexts["steps"][step.get("id", "")] = {"outputs": {key: value for key, _, value in lines}}
        if done.returncode:
            self._fail()

    def _read(self, said: str) -> None:
        """Do with a step's output what the runner does: act upon commands, let matchers look at the rest."""
        stopped = ""
        for line in said.splitlines():
            found = COMMAND.match(line)
            if found and (not stopped or found[1] == stopped):
                name = found[1] or found[2]
                self.ended.commands.append((name, found[3]))
                stopped = "" if name == stopped else found[3] if name == "stop-commands" else stopped
                if name == "add-matcher":
                    self.matchers += json.loads((self.work / found[3]).read_text())["problemMatcher"]
                continue
            for matcher in self.matchers:
                (pattern,) = matcher["pattern"]
                if hit := re.search(pattern["regexp"], line):
                    self.ended.matched.append(
                        (hit[pattern["file"]], int(hit[pattern["line"]]), hit[pattern["message"]])
                    )

    # actions --------------------------------------------------------------------------------------------------------

    def _use(self, step: dict[str, Any], saves: list[dict[str, Any]]) -> None:
        action = step["uses"].partition("@")[0]
        given = {key: _worded(filled(text, self.contexts)) for key, text in step.get("with", {}).items()}
        self.ended.ran.append(action)
        match action:
            case "actions/checkout":
                assert given["persist-credentials"] == "false"
                check_out(self.work)
            case "actions/setup-python":
                pass
            case "actions/cache":
                self._restore(given)
                saves.append(given)
            case "actions/cache/restore":
                self._restore(given)
            case "actions/cache/save":
                self._save(given)
            case "actions/upload-artifact":
                self._upload(given)
            case "actions/download-artifact":
                kept = self.runner.place / "artifacts" / given["name"]
                assert kept.is_dir(), f"no artifact {given['name']}"
                shutil.copytree(kept, self.work / given.get("path", "."), dirs_exist_ok=True)
            case "github/codeql-action/upload-sarif":
                (log,) = (self.work / given["sarif_file"]).iterdir()
                assert json.loads(log.read_text())["version"] == "2.1.0"
            case _:
                raise AssertionError(f"no stand-in for {action}")

    def _caches(self) -> Path:
        return self.runner.place / "caches"

    def _restore(self, given: Mapping[str, str]) -> None:
        """Bring back the newest cache whose key begins so."""
        kept = sorted(self._caches().glob("*"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
        for one in kept:
            if one.name == given["key"] or one.name.startswith(given["restore-keys"]):
                shutil.copytree(one, self.work, dirs_exist_ok=True)
                return

    def _save(self, given: Mapping[str, str]) -> None:
        (self._caches() / given["key"]).mkdir(parents=True)
        for path in given["path"].split():
            source, to = self.work / path, self._caches() / given["key"] / path
            to.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, to, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy(source, to)

    def _upload(self, given: Mapping[str, str]) -> None:
        source = self.work / given["path"]
        hidden = given.get("include-hidden-files") == "true"
        files = [source] if source.is_file() else [one for one in source.rglob("*") if one.is_file()]
        root = source.parent if source.is_file() else source
        for file in files:
            if hidden or not any(part.startswith(".") for part in file.relative_to(self.work).parts):
                to = self.runner.place / "artifacts" / given["name"] / file.relative_to(root)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, to)


def check_out(work: Path) -> None:
    """Clone this repository, and lay what is not committed yet over the clone."""
    git(HERE, "clone", "--quiet", "--no-hardlinks", str(HERE), str(work))
    for name in git(HERE, "ls-files", "-z", "--modified", "--others", "--exclude-standard").split("\0"):
        source, to = HERE / name, work / name
        if source.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to)
        elif name and to.is_file():
            to.unlink()


# programs that stand in ---------------------------------------------------------------------------------------------

_HOSTILE_LINES = "\n".join(f"    echo '{line}'" for line in HOSTILE)
_PROGRAM = f"""#!/bin/sh
name=$(basename "$0")
note() {{ printf '%s' "$name" >> "$CALLS"; for word; do printf '\\t%s' "$word" >> "$CALLS"; done; echo >> "$CALLS"; }}
case "$name $*" in
"python3 -m venv "*)
    note "$@"
    mkdir -p "$3/bin"
    for tool in pip nox; do ln -s '@BIN@/'$tool "$3/bin/$tool"; done ;;
"python3 "* | "python "*)
    exec '{sys.executable}' "$@" ;;
"sudo "*)
    note "$@"
    exec "$@" ;;
"forkkeeper ci-matrix "* | "forkkeeper lint "*)
    exec '{BIN}/forkkeeper' "$@" ;;
"forkkeeper materialise "*)
    note "$@"
    mkdir -p "$2" && echo 'project(upstream)' > "$2/CMakeLists.txt" ;;
"forkkeeper publish "*)
    note "$@" "token=${{GH_TOKEN:+given}}" "$(ls .forkkeeper/nightly/outbox)" ;;
"cmake --build "*)
    note "$@"
    mkdir -p "$2/bin/Release" && cp "$0" "$2/bin/Release/test-backend-ops.exe" ;;
"nox "*)
    note "$@"
{_HOSTILE_LINES}
    echo '    patches/lazy-mmap.patch:31: clashes in a.cpp, near line 3 of the new upstream'
    mkdir -p .nox/tests/bin && ln -sf '@BIN@/forkkeeper' .nox/tests/bin/forkkeeper
    case "$*" in
    *nightly*)
        mkdir -p .forkkeeper/nightly/outbox .forkkeeper/nightly/steps build/report .forkkeeper/ccache
        echo '    patches/stateless-rng.patch:7: clashes' > .forkkeeper/nightly/steps/plan.txt
        echo '### The night' > .forkkeeper/nightly/outbox/summary.md
        echo "a night" >> .forkkeeper/history.sqlite
        echo '<!doctype html>' > build/report/index.html ;;
    *--report*)
        echo '{{"sessions": [{{"name": "build_cpu", "result": "success"}}]}}' > "$2" ;;
    esac
    exit "$NOX_ENDS" ;;
*)
    note "$@" ;;
esac
"""
PROGRAMS = ("apt-get", "sudo", "brew", "pip", "nox", "cmake", "ccache", "python3", "python", "forkkeeper")


def stand_in(folder: Path) -> None:
    """Write the programs that stand in."""
    for name in PROGRAMS:
        (folder / name).write_text(_PROGRAM.replace("@BIN@", str(folder)))
        (folder / name).chmod(0o755)
