"""What `doctor` and builds say of a machine: the shipped declaration, and machines with things taken away."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Ran, assert_message, run, script

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = ("git", "sh", "cmake", "ninja")


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    """Give a folder that holds nothing but the declaration of the fork kept here."""
    folder = tmp_path / "fork"
    folder.mkdir()
    shutil.copy(REPOSITORY / "fork.toml", folder)
    return folder


def machine(tmp_path: Path, *programs: str, **written: str) -> str:
    """Give a PATH of these programs of this machine, and of shell scripts by name."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name in programs:
        found = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}")
        assert found, name
        (folder / name).symlink_to(found)
    for name, text in written.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def variants(ran: Ran) -> dict[str, dict[str, Any]]:
    """Give what a document says of each variant."""
    return {one["name"]: one for one in json.loads(ran.out)["variants"]}


def states(variant: dict[str, Any]) -> dict[str, str]:
    """Give the state of each need of a variant."""
    return {need["need"]: need["state"] for need in variant["needs"]}


def test_a_compiler_without_any_development_package_builds_the_processor_s_variants_alone(
    declared: Path, tmp_path: Path
) -> None:
    """Where only the compiler's own files are, headers and libraries are missing and named with their packages."""
    compiler = shutil.which("c++")
    assert compiler
    path = machine(tmp_path, *PROGRAMS, **{"c++": f'exec {compiler} --sysroot={tmp_path}/none "$@"'})
    ran = script(declared, "forkkeeper", "doctor", "--json", "-", PATH=path)
    assert ran.code == 0, ran.said
    found = variants(ran)
    assert found["cpu"]["builds"]
    assert found["rpc"]["builds"]
    assert not found["blas"]["builds"]
    assert states(found["blas"])["OpenBLAS"] == "missing"
    assert states(found["blas"])["OpenBLAS's library"] == "missing"
    assert states(found["vulkan"])["Vulkan loader"] == "missing"
    assert states(found["vulkan"])["Vulkan device"] == "missing"
    assert not found["vulkan"]["builds"]
    assert "needs" in found["blas"]["skipped"]
    assert "libopenblas-dev" in found["blas"]["skipped"]


def test_no_compiler_means_that_nothing_can_be_built(declared: Path, tmp_path: Path) -> None:
    """Every variant says so; a variant that is asked for by name makes the answer no."""
    path = machine(tmp_path, *PROGRAMS)
    ran = script(declared, "forkkeeper", "doctor", "cpu", PATH=path, CXX="")
    assert ran.code == 1, ran.said
    assert "C++ compiler 9 or newer" in ran.out
    found = variants(script(declared, "forkkeeper", "doctor", "--json", "-", PATH=path, CXX=""))
    assert not any(one["builds"] for one in found.values())
    assert found["blas"]["skipped"].startswith("needs C++ compiler 9 or newer")


def test_an_old_header_is_too_old_until_a_kit_stands_in(declared: Path, tmp_path: Path) -> None:
    """Vulkan headers of 1.3.239 are named with their version, beside the kit that can be fetched."""
    include = tmp_path / "include" / "vulkan"
    include.mkdir(parents=True)
    (include / "vulkan_core.h").write_text(
        "#define VK_HEADER_VERSION 239\n"
        "#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION)\n"
    )
    ran = script(declared, "forkkeeper", "doctor", "vulkan", CPATH=str(include.parent))
    assert "1.3.239; kit vulkan-headers can be fetched" in " ".join(ran.out.split()), ran.said
    declaration = declared / "fork.toml"
    declaration.write_text(declaration.read_text().replace('kit = "vulkan-headers"\n', ""))
    ran = script(declared, "forkkeeper", "doctor", "vulkan", CPATH=str(include.parent))
    assert ran.code == 1, ran.said
    assert "1.3.239, too old" in ran.out


def test_a_device_is_used_refused_or_missing(declared: Path, tmp_path: Path) -> None:
    """The device is named with its driver; one that the backend does not take is refused, none is none."""
    lists = 'case "$*" in *summary*) echo "deviceName = Toy GPU"; echo "driverInfo = Mesa 25.1.2";; esac'
    here = machine(tmp_path, vulkaninfo=lists, clinfo='echo "Device #0: pthread-toy"')
    path = f"{here}{os.pathsep}{os.environ['PATH']}"
    ran = script(declared, "forkkeeper", "doctor", "vulkan", "opencl", "hip", "--json", "-", PATH=path)
    found = variants(ran)
    assert found["vulkan"]["device"] == "Toy GPU, driver 25.1.2"
    assert states(found["opencl"])["OpenCL device by Adreno or Intel"] == "refused"
    assert "does not take pthread-toy" in found["opencl"]["not run"]
    assert not found["hip"]["runs"]


def test_a_driver_that_hangs_is_ended_and_named(
    declared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that lists devices for ever does not hold `doctor` up: the row says so."""
    monkeypatch.setenv("PATH", f"{machine(tmp_path, vulkaninfo='exec sleep 600')}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("forkkeeper.stages.probe.SECONDS", 0.5)
    ran = run(declared, "doctor", "webgpu")
    assert "vulkaninfo: did not end within 0.5 s" in " ".join(ran.out.split()), ran.said


def test_an_unknown_variant_is_refused_with_the_nearest(fork_in_step: Fork) -> None:
    """A slip of the pen is answered with what was meant."""
    declaration = fork_in_step.root / "fork.toml"
    declaration.write_text(declaration.read_text() + '\n[variant.vulkan]\ndevice = "Vulkan0"\n')
    assert_message(fork_in_step.run("doctor", "vulcan"), 2, "variant vulcan", "did you mean vulkan?")
