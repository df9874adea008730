"""Kernels of our own on the machine that runs upstream's: compiled as native/metal/CMakeLists.txt compiles those."""

import itertools
import json
import os
import platform
import re
import shlex
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent / "native/metal"
METAL = Path(__file__).parents[1] / "native/metal"
SHADER = HERE / "machine.metal"
COMPILER = "clang++-19"
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault at one place, as the report has it."""

    kind: str
    kernel: str
    where: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Ran:
    """What a kernel left. buffers -- as they are afterwards, in 32-bit words."""

    buffers: list[bytes]
    report: dict[str, object]
    faults: list[Fault]

    def ints(self, buffer: int = -1) -> list[int]:
        """Give a buffer as numbers with a sign."""
        return list(struct.unpack(f"{len(self.buffers[buffer]) // 4}i", self.buffers[buffer]))

    def floats(self, buffer: int = -1) -> list[float]:
        """Give a buffer as floats."""
        return list(struct.unpack(f"{len(self.buffers[buffer]) // 4}f", self.buffers[buffer]))


@dataclass(frozen=True, slots=True)
class Given:
    """What a kernel is handed.

    buffers -- in their order; a number: bytes that are zero. A value stands among them as in the kernel's parameters
    values -- their indices among the buffers, of those that are set by value
    threadgroup -- bytes of each memory of the group
    constants -- function constants, by number
    """

    buffers: Sequence[bytes | int]
    threads: Triple = (32, 1, 1)
    groups: Triple = (1, 1, 1)
    values: Mapping[int, bytes] = field(default_factory=dict)
    threadgroup: Sequence[int] = ()
    constants: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """The compiled program."""

    program: Path

    def run(self, kernel: str, given: Given, **env: str) -> Ran:
        """Run a kernel once. env -- more of the environment, as FORKKEEPER_METAL_ORDER."""
        report = self.program.parent / f"{os.getpid()}.jsonl"
        report.unlink(missing_ok=True)
        argv, read, sizes = self._words(kernel, given)
        environment = {"PATH": os.environ["PATH"], "FORKKEEPER_METAL_REPORT": str(report), **env}
        done = subprocess.run(argv, input=read, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said = json.loads(report.read_text(encoding="utf-8"))
        offsets = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
        buffers = [done.stdout[start:end] for start, end in itertools.pairwise(offsets)]
        return Ran(buffers, said, [Fault(**each) for each in said["faults"]])

    def _words(self, kernel: str, given: Given) -> tuple[list[str], bytes, list[int]]:
        argv = [str(self.program), kernel, *(",".join(map(str, each)) for each in (given.groups, given.threads))]
        read, sizes, index = b"", [], 0
        for buffer in given.buffers:
            while index in given.values:
                index += 1
            data = b"" if isinstance(buffer, int) else buffer
            sizes.append(buffer if isinstance(buffer, int) else len(buffer))
            argv.append(f"buffer={index}:{sizes[-1]}:{len(data)}")
            read += data
            index += 1
        for number, value in given.values.items():
            argv.append(f"bytes={number}:{len(value)}")
            read += value
        argv += [f"threadgroup={number}:{size}" for number, size in enumerate(given.threadgroup)]
        argv += [f"constant={number}:{value}" for number, value in given.constants.items()]
        return argv, read, sizes


def ints(values: Sequence[int]) -> bytes:
    """Give the bytes of numbers of 32 bits."""
    return struct.pack(f"{len(values)}i", *values)


def floats(values: Sequence[float]) -> bytes:
    """Give the bytes of floats."""
    return struct.pack(f"{len(values)}f", *values)


def flags(*, checked: bool) -> list[str]:
    """Give what CMakeLists.txt has kernels compiled with."""
    text = (METAL / "CMakeLists.txt").read_text(encoding="utf-8")
    always, of_x86, of_checked = re.findall(r"target_compile_options\(metal-kernels PRIVATE(.*?)\)\n", text, re.DOTALL)
    wanted = [always] + [of_x86] * (platform.machine() == "x86_64") + [of_checked] * checked
    return shlex.split(" ".join(wanted).replace("SHELL:", "").replace('"', ""))


def build(place: Path, *, checked: bool = False) -> Machine:
    """Take machine.metal through the source step, and compile it with the machine."""
    tree = place / "tree/ggml/src/ggml-metal"
    (tree / "kernels").mkdir(parents=True)
    (tree / "kernels/machine.metal").write_bytes(SHADER.read_bytes())
    made = place / "made"
    argv = [sys.executable, "-m", "metal_source", "shaders", "--source", str(place / "tree"), "--clang", COMPILER]
    env = {**os.environ, "PYTHONPATH": str(METAL / "source"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*argv, "--out", str(made)], env=env, check=True)
    common = [COMPILER, "-std=c++17", f"-I{METAL / 'shader'}", f"-I{METAL / 'runtime'}", "-D_GNU_SOURCE", "-c"]
    names = ["machine", "cores", "registry", "checks", "report"] + ["announced"] * checked
    runtime = [METAL / f"runtime/{name}.cpp" for name in names]
    objects = []
    for source in [*made.glob("*.cpp"), *runtime, HERE / "machine_driver.cpp"]:
        of_kernels = source.parent == made
        more = flags(checked=checked) if of_kernels else ["-O2", *(["-DCHECKED"] * checked)]
        objects.append(place / f"{source.stem}.o")
        subprocess.run([*common, *more, str(source), "-o", str(objects[-1])], check=True)
    program = place / "machine_driver"
    subprocess.run([COMPILER, *map(str, objects), "-pthread", "-ldl", "-o", str(program)], check=True)
    return Machine(program)
