"""Builds of upstream's Metal backend on the emulated device, with and without a plant, and what a run of one says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from benchmarks.metal_faults.plants import Cases, Edit, Plant

NATIVE = Path(__file__).parents[2] / "native/metal"
ORDERS = ("forward", "reverse")
LIMIT = 300  # seconds that a run may take
NO_END = 124
CASE = re.compile(r"(\w+\(.*=.*\)): .*?(OK|FAIL|not supported)")  # an error stands before a case's name
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotMeasuredError(Exception):
    """What is needed is not there, or the cases do not pass without the plant."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the report of a run holds, so far as two runs can be compared."""

    kind: str
    kernel: str
    where: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run. passed, failed -- cases; ended -- the exit status; faults -- of its report; said -- its last words."""

    passed: frozenset[str]
    failed: frozenset[str]
    ended: int
    faults: frozenset[Fault]
    said: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What caught a plant: nothing where it was missed. seconds -- to build it and to run it."""

    plant: Plant
    caught: tuple[str, ...]
    seconds: float

    @property
    def by_numbers(self) -> bool:
        """Whether a wrong result or an end of the program would have been enough, in any of the orders."""
        return any(each.startswith(("numbers", "assertion", "no end")) for each in self.caught)


class Emulation:
    """Builds of one tree, in one folder.

    source -- a composed tree; built -- CMake's folder of its build; work -- a folder of our own
    """

    def __init__(self, source: Path, built: Path, work: Path, clang: str = "clang-19") -> None:
        self.program = built / "bin/test-backend-ops"
        if not self.program.exists():
            raise NotMeasuredError(f"{self.program} is not there: build it first (nox -s build_cpu).")
        self.built, self.work, self.clang = built, work, clang
        self.tree = work / "tree"
        self._before: dict[Cases, dict[str, Run]] = {}
        if self.tree.exists():
            shutil.rmtree(self.tree)
        for folder in ("ggml/src", "ggml/include"):
            # with the time of now: what was built of another tree in this folder is built again
            shutil.copytree(source / folder, self.tree / folder, copy_function=shutil.copy)

    def judge(self, plant: Plant) -> Verdict:
        """Build with the plant, run its cases in each order, and hold that against the tree without it."""
        cases = plant.cases
        if cases not in self._before:
            with self._changed(cases.setup):
                self._build(cases)
                self._before[cases] = {order: self._run(cases, order) for order in ORDERS}
            _must_pass(plant, self._before[cases])
        began = monotonic()
        with self._changed((*cases.setup, *plant.edits)):
            self._build(cases)
            after = {order: self._run(cases, order) for order in ORDERS}
        caught = [each for order in ORDERS for each in _caught(order, self._before[cases][order], after[order])]
        return Verdict(plant, tuple(dict.fromkeys(caught)), monotonic() - began)

    @contextmanager
    def _changed(self, edits: Sequence[Edit]) -> Iterator[None]:
        before = {edit.path: (self.tree / edit.path).read_text(encoding="utf-8") for edit in edits}
        after = dict(before)
        for edit in sorted(edits, key=lambda each: -each.start):
            text = after[edit.path]
            assert text.startswith(edit.old, edit.start), edit
            after[edit.path] = text[: edit.start] + edit.new + text[edit.start + len(edit.old) :]
        _write(self.tree, after)
        try:
            yield
        finally:
            _write(self.tree, before)

    def _folder(self, cases: Cases) -> Path:
        return self.work / re.sub(r"\W+", "_", cases.kernels).strip("_")

    def _build(self, cases: Cases) -> None:
        folder = self._folder(cases)
        if not (folder / "build.ninja").exists():
            compiler = self.clang.replace("clang", "clang++")
            launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={found}"] if (found := shutil.which("ccache")) else []
            settings = {
                "CMAKE_CXX_COMPILER": compiler,
                "CMAKE_C_COMPILER": self.clang,
                "FORKKEEPER_SOURCE": self.tree,
                "FORKKEEPER_BUILD": self.built,
                "KERNELS": cases.kernels,
                "CHECKED": "ON",
            }
            given = [f"-D{name}={value}" for name, value in settings.items()]
            _ok("cmake", "-S", str(NATIVE), "-B", str(folder), "-G", "Ninja", *given, *launcher)
        _ok("ninja", "-C", str(folder), "libggml-metal-emulated.so")

    def _run(self, cases: Cases, order: str) -> Run:
        report = self.work / "report.json"
        report.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "FORKKEEPER_METAL_REPORT": str(report),
            "FORKKEEPER_METAL_ORDER": order,
            "GGML_BACKEND_PATH": str(self._folder(cases) / "libggml-metal-emulated.so"),
        }
        argv = [str(self.program), "test", "-b", "MTL0", "-o", cases.op]
        argv += ["-p", cases.params] if cases.params else []
        try:
            ran = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return Run(frozenset(), frozenset(), NO_END, frozenset(), f"no end within {LIMIT} s")
        cases_run = CASE.findall(COLOUR.sub("", ran.stdout))
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
        faults = (
            Fault(each["kind"], each["kernel"], each["where"]) for line in lines for each in json.loads(line)["faults"]
        )
        return Run(
            frozenset(name for name, how in cases_run if how == "OK"),
            frozenset(name for name, how in cases_run if how == "FAIL"),
            ran.returncode,
            frozenset(faults),
            (ran.stdout + ran.stderr)[-2000:],
        )


def _write(tree: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (tree / path).write_text(text, encoding="utf-8")


def _ok(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasuredError(f"{' '.join(argv)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")


def _must_pass(plant: Plant, runs: dict[str, Run]) -> None:
    for order, run in runs.items():
        if run.failed or not run.passed or run.ended:
            raise NotMeasuredError(f"{plant.name}: without it {plant.cases.op} does not pass ({order}):\n{run.said}")


def _caught(order: str, before: Run, after: Run) -> Iterator[str]:
    if before.passed & after.failed:
        yield f"numbers {order}"
    if after.ended == NO_END:
        yield "no end"
    elif after.ended not in {0, 1}:
        yield "assertion"
    elif before.passed - after.failed - after.passed:
        raise NotMeasuredError(f"not every case ran with the plant: {after.said}")
    for fault in sorted(after.faults - before.faults, key=str):
        yield f"{fault.kind}"
