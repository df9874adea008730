"""`ci-matrix` on the shipped declaration: what a person sees, and what a workflow reads."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from world import HERE, assert_message, run


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    """Give a folder that holds nothing but the declaration of the fork kept here, and its lock."""
    for name in ("fork.toml", "fork.lock"):
        shutil.copy(HERE / name, tmp_path / name)
    return tmp_path


def document(folder: Path, *words: str) -> dict[str, Any]:
    """Read the document of a call that must succeed."""
    ran = run(folder, "ci-matrix", *words, "--json", "-")
    assert ran.code == 0, ran.said
    found: dict[str, Any] = json.loads(ran.out)
    assert (found["schema"], found["verb"], found["exit"]) == (1, "ci-matrix", 0)
    return found


def test_every_variant_has_a_job_or_a_reason(declared: Path) -> None:
    """No variant is forgotten; names are unique; Metal is real on a Mac alone, and nothing emulated is called real."""
    found = document(declared)
    jobs = [*found["jobs"], *found["plain"]]
    variants = set(tomllib.loads((declared / "fork.toml").read_text())["variant"])
    assert {job["variant"] for job in jobs} | {one["variant"] for one in found["left_out"]} == variants
    assert len({job["name"] for job in jobs}) == len(jobs)
    metal = {job["system"]: job["device"] for job in jobs if job["variant"] == "metal"}
    assert metal == {"linux": "emulated", "macos": "real"}
    assert all(job["emulated"] == (job["device"] == "emulated") for job in jobs)
    assert all((" (" in job["name"]) == job["emulated"] for job in jobs)
    labels = {label for job in found["jobs"] if not job["hosted"] for label in job["runner"]}
    assert {"cuda", "rocm", "vulkan", "self-hosted"} <= labels
    runners = {job["runner"][0] for job in jobs}
    assert runners == {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025", "self-hosted"}


def test_without_runners_of_one_s_own_their_variants_are_built_and_not_tested(declared: Path) -> None:
    """CUDA is built with its kit on a hosted runner; ROCm, which nothing there can build, is left out."""
    found = document(declared, "--registered", "none")
    assert all(job["hosted"] for job in found["jobs"])
    (cuda,) = (job for job in found["jobs"] if job["variant"] == "cuda")
    assert (cuda["device"], cuda["sessions"], cuda["kits"]) == ("none", "build_cuda", "cuda")
    assert "hip" not in {job["variant"] for job in found["jobs"]}
    only = document(declared, "--registered", "hip")
    assert [job["variant"] for job in only["jobs"] if not job["hosted"]] == ["hip"]


def test_options_of_cmake_are_filled_from_the_lock(declared: Path) -> None:
    """A job that forkkeeper does not run gets the pin and the queue's digest as a build of its own would."""
    lock = tomllib.loads((declared / "fork.lock").read_text())
    (cpu,) = (job for job in document(declared)["plain"] if job["variant"] == "cpu")
    options = cpu["cmake"].split("\n")
    assert f"-DFORKKEEPER_PIN={lock['pin']['sha']}" in options
    assert f"-DFORKKEEPER_QUEUE={lock['digests']['queue']}" in options


def test_a_person_sees_jobs_devices_and_what_has_none(declared: Path) -> None:
    """The table names each job with its device; what is left out follows, with the reason."""
    said = run(declared, "ci-matrix").out
    assert "metal (emulated) on ubuntu-24.04" in said
    assert "on a real device" in said
    assert "No job:" in said


def test_wrong_words_are_refused(declared: Path) -> None:
    """A class of cost and a variant that are none are named, with those that are."""
    assert_message(run(declared, "ci-matrix", "--cost", "free"), 2, "--cost free", "light, medium, heavy")
    assert_message(
        run(declared, "ci-matrix", "--registered", "cpu"), 2, "--registered cpu", "vulkan, cuda, cuda_slim, hip"
    )
