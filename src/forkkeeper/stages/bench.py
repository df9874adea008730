"""Measures builds: each run is a fresh process of a fresh copy of a build; the copy is removed after it.

Why a copy: where a program's pages happen to lie in memory makes the same code some percent faster or slower for as
long as its files stay in the page cache. A measurement of two builds that does not draw that anew measures it. Copies
have paths of the same length, since environment and arguments shift the stack.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forkkeeper.core import benchreport, samecode, variants
from forkkeeper.core.benches import Bench, Instructions, Model, Test
from forkkeeper.core.benchreport import Timed
from forkkeeper.core.exitstatus import describe
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import disk, process
from forkkeeper.shell.process import Finished

BIN = "bin"  # where ggml's CMake puts programs and libraries, in a build folder
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
STEERING = ("LLAMA", "GGML", "LD_PRELOAD", "OMP_")  # what a user has set must not reach one side's runs or both
LIBRARY = re.compile(r"^\s*\S+ => (/.+) \(0x", re.MULTILINE)  # a line of the dynamic linker's list
LAST_LINES = 5
SECONDS = 1800.0  # for one process: one that hangs must not keep a nightly run for ever


@dataclass(frozen=True, slots=True)
class Machine:
    """What a measurement was made on. governor -- of the first core, "" where the system has none to show."""

    processor: str
    cores: int
    system: str
    governor: str


@dataclass(frozen=True, slots=True)
class Task:
    """What every run of a measurement has in common.

    place -- folder of the copies
    options -- that put the program on the variant's device
    env -- what the variant and its kits declare
    """

    bench: Bench
    place: Path
    options: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One process. at -- UTC, as ISO 8601 has it; load -- the machine's, of the minute before; timed -- its tests."""

    at: str
    load: float
    timed: tuple[Timed, ...]


def machine(processor: str) -> Machine:
    """Describe this machine."""
    found = disk.read(GOVERNOR)
    governor = found.decode(errors="replace").strip() if found else ""
    return Machine(processor, os.cpu_count() or 1, f"{platform.system()} {platform.release()}", governor)


@contextlib.contextmanager
def copied(build: Path, task: Task, number: int, programs: Sequence[str]) -> Iterator[Path]:
    """Copy the programs of a build and all of its libraries to a fresh folder, which is removed at the end.

    number -- of the copy; below 10,000, so that all paths are of one length
    Raises RequestError where a program was not built, OutsideError where one would load the build's own libraries.
    """
    programs = _named(build, programs)
    for name in programs:
        if not (build / BIN / name).is_file():
            raise RequestError("bench", str(build / BIN / name), "not built", f"add {name} to the variant's targets")
    copy = task.place / f"{number:04}"
    shutil.rmtree(copy, ignore_errors=True)
    (copy / BIN).mkdir(parents=True)
    try:
        for found in _run_from(build, programs):
            shutil.copy2(found, copy / BIN / found.name, follow_symlinks=False)
        for name in programs:
            _refuse_strangers(copy / BIN / name, build, environment(copy, task))
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        with contextlib.suppress(OSError):  # another copy is there
            task.place.rmdir()


def _named(build: Path, programs: Sequence[str]) -> tuple[str, ...]:
    """Give programs by the names that they have in a build."""
    folder = build / BIN
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    return tuple(variants.named(program, there) for program in programs)


def place(copies: Path) -> Path:
    """Give the folder of this process's copies: another benchmark may run, and must not take them away."""
    return copies / f"{os.getpid():07}"  # of one length, whoever asks


def _run_from(build: Path, programs: Sequence[str]) -> Iterator[Path]:
    """Give the files of a build that its runs may read: these programs, and all libraries."""
    for found in sorted((build / BIN).iterdir()):
        if found.name in programs or ".so" in found.name or found.suffix in {".dylib", ".dll", ".metallib"}:
            yield found


def code_of(build: Path, programs: Sequence[str], names: Sequence[str]) -> samecode.Code:
    """Give the digests of a build's code, by the names of its files.

    names -- what the build is called, which its files repeat: no code
    """
    return {
        found.name: str(found.readlink())
        if found.is_symlink()
        else hashlib.sha256(samecode.bare(found.read_bytes(), names)).hexdigest()
        for found in _run_from(build, _named(build, programs))
    }


def _refuse_strangers(program: Path, build: Path, env: Mapping[str, str]) -> None:
    """Ask the dynamic linker what a copied program would load. Raises OutsideError where that is not all its own.

    A build's programs name the build's folder as the place of their libraries; a measurement that loaded those would
    compare the wrong code, and nothing would show it.
    """
    if not sys.platform.startswith("linux"):
        return
    done = process.read((str(program),), env={**env, "LD_TRACE_LOADED_OBJECTS": "1"})
    loaded = [Path(found) for found in LIBRARY.findall(done.out)]
    own = {path.name for path in (build / BIN).iterdir()}
    for library in loaded:
        if library.name in own and library.parent != program.parent:
            raise OutsideError("bench", str(program), f"would load {library}", "link the build with RUNPATH, not RPATH")


def time_run(copy: Path, model: Path, task: Task, options: Sequence[str]) -> Run:
    """Run the program once, and read how long its tests took.

    options -- for this run alone, such as a server's address
    Raises OutsideError where it fails, or times nothing.
    """
    bench = task.bench
    load = os.getloadavg()[0]
    tests = ("-p", str(bench.prompt), "-n", str(bench.generation), "-r", str(bench.repetitions))
    words = (str(copy / BIN / bench.program), "-m", str(model), *bench.arguments, *tests, "-o", "jsonl", *options)
    done = _run(words, copy, task)
    timed = benchreport.parse(done.out, program=bench.program)
    return Run(datetime.now(UTC).isoformat(timespec="seconds"), load, timed)


def count_run(copy: Path, model: Path, task: Task, how: Instructions, test: Test) -> int:
    """Run one test of the program under callgrind, and read how many instructions it took.

    Raises OutsideError where valgrind is missing or fails, or counts nothing.
    """
    bench = task.bench
    within = (f"--toggle-collect={how.within}",) if how.within else ()
    count = (valgrind(), "--tool=callgrind", f"--callgrind-out-file={os.devnull}", *within)
    tests = ("-p", str(test.prompt), "-n", str(test.generation), "-r", "1", "--no-warmup", "-o", "jsonl")
    words = (str(copy / BIN / bench.program), "-m", str(model), *bench.arguments, *tests, *task.options)
    done = _run((*count, *words), copy, task)
    benchreport.parse(done.out, program=bench.program)  # it did run the test
    return benchreport.instructions(done.err, within=how.within)


def valgrind() -> str:
    """Find valgrind. Raises OutsideError where it is not installed."""
    found = shutil.which("valgrind")
    if found is None:
        hint = "apt install valgrind   (or your system's package of it); or --metric time"
        raise OutsideError("bench", "valgrind", "not found on PATH", hint)
    return found


def make_model(root: Path, model: Model, store: Path) -> Path:
    """Give a model's file; one that a command writes is made once for the same command and the same scripts.

    root -- the fork's folder; store -- where made models are kept
    Raises RequestError where a path holds no file, OutsideError where the command fails or writes nothing.
    """
    if model.path:
        path = root / Path(model.path).expanduser()
        if not path.is_file():
            raise RequestError("bench", f"bench.model '{model.name}'", f"there is no {path}", "mend its `path`")
        return path
    scripts = [data for word in model.command if (data := disk.read(root / word) if _is_file(root / word) else None)]
    words = "\0".join(model.command).encode()
    address = hashlib.sha256(b"\0".join((words, *(hashlib.sha256(one).digest() for one in scripts)))).hexdigest()
    path = store / f"{address[:32]}.gguf"
    if path.is_file():
        return path
    store.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".unfinished")
    argv = [word.replace("{python}", sys.executable).replace("{output}", str(beside)) for word in model.command]
    done = process.read(argv, cwd=root)
    if done.code or not beside.is_file():
        found = f"{describe(done.code)}\n{_last(done)}" if done.code else f"wrote no {beside}"
        raise OutsideError("bench", f"the command of bench.model '{model.name}'", found, "mend its `command`")
    return beside.replace(path)


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def _run(argv: Sequence[str], copy: Path, task: Task) -> Finished:
    try:
        done = process.read(argv, cwd=copy / BIN, env=environment(copy, task), seconds=SECONDS)
    except TimeoutError as late:
        found = f"did not end within {SECONDS / 60:.0f} minutes"
        raise OutsideError("bench", " ".join(argv), found, "run it by hand, from a build's bin folder") from late
    except OSError as error:
        raise OutsideError("bench", argv[0], f"cannot be started: {error.strerror}", "build the variant") from error
    if done.code:
        found = f"{describe(done.code)}\n{_last(done)}"
        raise OutsideError("bench", " ".join(argv), found, "run it by hand, from a build's bin folder")
    return done


def _last(done: Finished) -> str:
    return "\n".join(f"{done.out}\n{done.err}".strip().splitlines()[-LAST_LINES:])


def environment(copy: Path, task: Task) -> dict[str, str]:
    """Give the environment of a copy's programs: its own libraries first, and nothing that steers them by chance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    declared = task.env.get("LD_LIBRARY_PATH"), kept.get("LD_LIBRARY_PATH")
    search = os.pathsep.join(dict.fromkeys([str(copy / BIN), *filter(None, declared)]))
    return {**kept, **task.env, "LD_LIBRARY_PATH": search, "DYLD_LIBRARY_PATH": search}
