"""The headers that stand for Metal's standard library: what they compute, and what they refuse to compile."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHADER = ROOT / "native/metal/shader"
PROGRAM = Path(__file__).parent / "metal/shader_test.cpp"
COMPILER = shutil.which("clang++-19") or shutil.which("clang++") or ""
# as every unit of a shader is compiled
FLAGS = ["-std=c++17", "-O2", "-fexcess-precision=16", "-fno-strict-aliasing", "-ffp-contract=off", "-fno-math-errno"]
FLAGS += ["-mavx2", "-mf16c", "-fPIC", "-Wall"]
CHECKS = re.findall(r'^    \{"([a-z-]+)", ', PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = pytest.mark.skipif(not COMPILER, reason="clang++ is not installed: no other compiler takes these headers")


def _compiled(source: str) -> subprocess.CompletedProcess[str]:
    """Compile a few lines as a shader's unit, without making anything."""
    unit = f'#include "metal.h"\nusing namespace metal;\n{source}\n'
    command = [COMPILER, *FLAGS, f"-I{SHADER}", "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=unit, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the compiled program of checks."""
    path = tmp_path_factory.mktemp("shader") / "shader_test"
    subprocess.run([COMPILER, *FLAGS, "-Werror", f"-I{SHADER}", PROGRAM, "-o", path], check=True)
    return path


@pytest.mark.parametrize("check", CHECKS)
def test_it_computes_what_metal_defines(program: Path, check: str) -> None:
    """Every comparison of the check holds, and there were some."""
    run = subprocess.run([program, check], capture_output=True, text=True, check=False)
    counted = re.search(r"^(\d+) compared, (\d+) failed$", run.stdout, re.MULTILINE)
    assert counted, run.stdout + run.stderr
    assert (run.returncode, counted[2]) == (0, "0"), run.stdout
    assert int(counted[1]) > 0


def test_a_failed_comparison_is_seen(tmp_path: Path) -> None:
    """With another rounding in the headers the checks of rounding fail: they can."""
    headers = shutil.copytree(SHADER, tmp_path / "shader")
    scalars = headers / "scalars.h"
    right = scalars.read_text(encoding="utf-8")
    wrong = right.replace("0x7fff + ((bits >> 16) & 1)", "0x8000")
    assert wrong != right
    scalars.write_text(wrong, encoding="utf-8")
    path = tmp_path / "shader_test"
    subprocess.run([COMPILER, *FLAGS, f"-I{headers}", PROGRAM, "-o", path], check=True)
    assert subprocess.run([path, "bfloat-rounds"], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("header", sorted(SHADER.glob("*.h")), ids=lambda path: path.stem)
def test_each_header_stands_by_itself(header: Path) -> None:
    """A header includes what it uses, and warns of nothing."""
    command = [COMPILER, *FLAGS, "-Werror", f"-I{SHADER}", "-fsyntax-only", "-x", "c++", "-"]
    subprocess.run(command, input=f'#include "{header.name}"\n', text=True, check=True)


@pytest.mark.parametrize(
    "line",
    [
        "float4 f(half4 a) { return a; }",  # element types change only where it is written out
        "float4 f(float4 a, half4 b) { return a * b; }",
        "int4 f(int4 a) { return a * 1.5f; }",
        "float3 f(float4 a) { return float3(a); }",
        "float4 f() { return float4(1.0f, 2.0f, 3.0f); }",
        "float2 f(float4 a) { return a.xy; }",  # no swizzles, until upstream has one
        "int f(bfloat a) { return a; }",
        "float4x4 f(half4x4 a) { return a; }",
        "half2 f(half2 a, float2 b) { return max(a, b); }",
        "uint f(float4 a) { return as_type<uint>(a); }",
    ],
)
def test_what_metal_refuses_is_refused(line: str) -> None:
    """What would be a wrong number elsewhere is an error here; without the line there is none."""
    assert _compiled("").returncode == 0
    assert "error:" in _compiled(line).stderr
