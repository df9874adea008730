"""Faults planted in upstream's Metal backend are caught on the emulated device: by results, or by its checks.

Upstream's own bytes and upstream's own test program, at the fork's pin; one barrier of each family of kernels and each
other kind of fault. `nox -s bench_metal_faults` plants all of them.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.metal_faults.emulation import Emulation
from benchmarks.metal_faults.plants import NotPlantedError, Plant, barriers, plants
from world import Fork, Upstream, keep_fork

pytestmark = [pytest.mark.clang, pytest.mark.network]

PINS = {"the older pin": "llama-cpp-python==0.3.31", "the newer pin": "llama-cpp-python==0.3.36"}
# ggml and its test program, which is less than the fork's own build has
PROGRAM = """\
cmake_minimum_required(VERSION 3.18)
project(program C CXX)
set(BUILD_SHARED_LIBS ON)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
find_package(Threads REQUIRED)
add_subdirectory(${TREE}/ggml ggml)
add_executable(test-backend-ops ${TREE}/tests/test-backend-ops.cpp)
target_link_libraries(test-backend-ops PRIVATE ggml Threads::Threads)
"""
SETTINGS = ("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS=-O1", "-DGGML_OPENMP=OFF", "-DGGML_LLAMAFILE=OFF")

# what at least must catch each: either order of SIMD-groups, or a check
CAUGHT = {
    "kernel_soft_max_4: barrier 1 of 5 removed": "race",
    "kernel_norm_fuse_impl: barrier 3 of 4 removed": "race",
    "kernel_rms_norm_fuse_impl: barrier 2 of 2 removed": "race",
    "kernel_l2_norm_impl: barrier 1 of 2 removed": "race",
    "kernel_group_norm_f32: barrier 4 of 5 removed": "race",
    "helper_mv_reduce_and_write: barrier 2 of 2 removed": "race",
    "kernel_mul_mv_iq2_xxs_f32_impl: barrier 1 of 1 removed": "race",
    "kernel_mul_mv_iq4_nl_f32_impl: barrier 1 of 1 removed": "read of threadgroup memory that was not written",
    "wrong index": "numbers forward",
    "wrong rounding to bfloat": "numbers forward",
    "swapped matrix operands": "numbers forward",
    "write past threadgroup memory": "write past threadgroup memory",
    "too little threadgroup memory asked for": "write past threadgroup memory",
    "a line of a shader broken": "numbers forward",
    "a type reaches an assertion": "assertion",
    "no command barrier: map of experts": "numbers reverse",
    "no command barrier: result cleared": "numbers reverse",
    "no command barrier: nodes of a graph": "numbers reverse",
}


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bring upstream at both pins."""
    place = tmp_path_factory.mktemp("upstream")
    root = keep_fork(place / "fork")
    fork = Fork(root, Upstream(root / ".forkkeeper/upstream.git"), "", "")
    for name, pin in PINS.items():
        fork.ok("materialise", str(place / name), "--baseline", "--at", pin)
    return {name: place / name for name in PINS}


@pytest.fixture(scope="module")
def emulation(trees: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Emulation:
    """Build upstream's test program, and prepare the emulated device for it."""
    work = tmp_path_factory.mktemp("emulation")
    tree = trees["the older pin"]
    (work / "program").mkdir()
    (work / "program/CMakeLists.txt").write_text(PROGRAM)
    built = work / "built"
    for argv in (
        ("cmake", "-S", str(work / "program"), "-B", str(built), "-G", "Ninja", f"-DTREE={tree}", *SETTINGS),
        ("ninja", "-C", str(built), "test-backend-ops"),
    ):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return Emulation(tree, built, work / "device")


@pytest.mark.parametrize("name", CAUGHT)
def test_a_planted_fault_is_caught(emulation: Emulation, name: str) -> None:
    """The cases pass without the fault, and with it one fails, or the checks tell what they did not tell before."""
    (plant,) = (each for each in plants(emulation.tree) if each.name == name)
    assert CAUGHT[name] in emulation.judge(plant).caught


def test_a_change_without_effect_is_not_caught(emulation: Emulation) -> None:
    """A comment in the place of a barrier's line end, built and run as a plant is, changes nothing that is told."""
    (plant,) = (
        each for each in plants(emulation.tree) if each.name == "helper_mv_reduce_and_write: barrier 2 of 2 removed"
    )
    (edit,) = plant.edits
    harmless = replace(plant, edits=(replace(edit, new=f"{edit.old} // no change"),))
    assert emulation.judge(harmless).caught == ()


@pytest.mark.parametrize("name", PINS)
def test_every_barrier_of_the_families_has_a_plant(trees: dict[str, Path], name: str) -> None:
    """Softmax, the norms and the products with a vector have 32 barriers at each pin; each plant removes one line's."""
    found = barriers(trees[name])
    assert len({each.where for each in found}) == len(found) == 32
    assert [each.name for each in found if each.redundant] == ["kernel_group_norm_f32: barrier 1 of 5 removed"]
    for plant in found:
        assert _changed(trees[name], plant) == 1, plant.name


def _changed(tree: Path, plant: Plant) -> int:
    """Count the lines that a plant changes."""
    (edit,) = plant.edits
    before = (tree / edit.path).read_text(encoding="utf-8")
    after = before[: edit.start] + edit.new + before[edit.start + len(edit.old) :]
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return sum(one != other for one, other in pairs)


def test_a_place_that_is_gone_is_said(trees: dict[str, Path], tmp_path: Path) -> None:
    """Where upstream no longer has a plant's text, the plant is not quietly left out: name and text are said."""
    backend = tmp_path / "ggml/src/ggml-metal"
    backend.mkdir(parents=True)
    with pytest.raises(NotPlantedError, match="has no shader with a barrier"):
        plants(tmp_path)
    (backend / "ggml-metal.metal").write_text(
        (trees["the older pin"] / "ggml/src/ggml-metal/ggml-metal.metal").read_text().replace("psrc[ind]", "*psrc")
    )
    (backend / "ggml-metal-ops.cpp").write_text("int ggml_metal_op_group_norm() {\n    int nth = 32;\n}\n")
    with pytest.raises(NotPlantedError, match=r"wrong index: no shader has 'psrc\[ind\]'"):
        plants(tmp_path)
