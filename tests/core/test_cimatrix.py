"""The CI matrix as a value: which job on which runner, and what it may claim."""

import pytest

from forkkeeper.core import cimatrix
from forkkeeper.core.cimatrix import Device, Job, Matrix
from forkkeeper.core.variants import (
    Build,
    Ci,
    Cost,
    DeviceNeed,
    Emulated,
    HeaderNeed,
    ProgramNeed,
    Server,
    Variant,
    whole,
)
from forkkeeper.errors import RequestError

COMPILER = ProgramNeed(name=("c++",), debian="g++", macos="in a terminal: xcode-select --install")
SHARED = Build(need=(COMPILER,))
GPU = DeviceNeed(command=("lists",), name="(.*)", debian="the maker's driver: from its page")
SOFT = DeviceNeed(command=("lists",), name="(.*)", software="^pipe", debian="soft-drivers soft-tools")
KIT = ProgramNeed(name=("gpucc",), kit="gpu", debian="the maker's repository: gpu-toolkit")
NOWHERE = HeaderNeed(name="gpu.h", debian="no package: build it")


def matrix(cost: Cost = "heavy", registered: list[str] | None = None, /, **declared: Variant) -> Matrix:
    """Make the matrix of variants that share a compiler."""
    return cimatrix.make(
        {name: whole(variant, SHARED) for name, variant in declared.items()}, SHARED, cost=cost, registered=registered
    )


def by_name(made: Matrix) -> dict[str, Job]:
    """Give the jobs by their names."""
    return {job.name: job for job in made.jobs}


def test_a_cheap_variant_runs_everywhere_and_a_dear_one_on_one_linux() -> None:
    """Light variants are tested on Arm as well; each system has its job, Windows one that CMake alone does."""
    made = matrix(cpu=Variant(device="CPU"), wide=Variant(device="CPU", cost="medium", platform=("linux",)))
    assert list(by_name(made)) == [
        "cpu on ubuntu-24.04",
        "cpu on ubuntu-24.04-arm",
        "cpu on macos-15",
        "wide on ubuntu-24.04",
    ]
    (plain,) = made.plain
    assert (plain.job.name, plain.job.sessions, plain.backend) == ("cpu on windows-2025", (), "CPU")
    assert {job.device for job in made.jobs} == {Device.REAL}
    assert [job.packages for job in made.jobs] == [("g++",), ("g++",), (), ("g++",)]
    assert list(by_name(matrix("light", wide=Variant(device="CPU", cost="medium")))) == []


def test_a_device_that_is_not_there_is_built_and_not_tested() -> None:
    """A GPU's variant has one session on a hosted runner, and its driver is not installed there."""
    made = matrix(gpu=Variant(device="GPU0", platform=("linux",), cost="medium", need=(GPU,)))
    (job,) = made.jobs
    assert (job.device, job.sessions, job.packages) == (Device.NONE, ("build_gpu",), ("g++",))


def test_one_s_own_runner_takes_the_place_of_a_job_without_a_device() -> None:
    """It builds and tests, installs nothing, and says what must be there; not registered, it changes nothing."""
    gpu = Variant(
        device="GPU0",
        platform=("linux",),
        cost="heavy",
        need=(KIT, GPU),
        ci=Ci(runner=("self-hosted", "linux", "gpu")),
    )
    (job,) = matrix(gpu=gpu).jobs
    assert (job.name, job.runner, job.hosted) == ("gpu on self-hosted gpu", ("self-hosted", "linux", "gpu"), False)
    assert (job.sessions, job.packages, job.kits) == (("build_gpu", "test_gpu"), (), ())
    assert job.setup == ("the maker's repository: gpu-toolkit", "the maker's driver: from its page")
    assert job.device is Device.REAL
    (hosted,) = matrix("heavy", [], gpu=gpu).jobs
    assert (hosted.device, hosted.kits) == (Device.NONE, ("gpu",))
    assert hosted.setup == ("the maker's repository: gpu-toolkit",)


def test_what_plays_a_device_is_never_called_real() -> None:
    """A software driver and an emulated form are emulated, in the name too; the same variant's real device is real."""
    form = Emulated(platform=("linux",), project="native/gpu", library="libgpu.so", need=(COMPILER,))
    metal = Variant(
        device="MTL0",
        platform=("macos",),
        need=(GPU,),
        emulated=form,
        ci=Ci(("ubuntu-24.04", "macos-15"), ("macos-15",)),
    )
    soft = Variant(device="Soft0", platform=("linux",), cost="medium", need=(SOFT,))
    made = by_name(matrix(metal=metal, soft=soft))
    assert {name: (job.device, job.is_emulated) for name, job in made.items()} == {
        "metal (emulated) on ubuntu-24.04": (Device.EMULATED, True),
        "metal on macos-15": (Device.REAL, False),
        "soft (software) on ubuntu-24.04": (Device.EMULATED, True),
    }
    assert made["soft (software) on ubuntu-24.04"].packages == ("g++", "soft-drivers", "soft-tools")


def test_what_no_runner_can_build_is_left_out_with_the_reason() -> None:
    """Nothing is claimed of it: a job that would skip its only session is no job. A kit helps on x86-64 alone."""
    made = matrix(
        dawn=Variant(device="Dawn", platform=("linux", "windows"), cost="medium", need=(NOWHERE,)),
        gpu=Variant(device="GPU0", platform=("linux",), need=(KIT,)),
    )
    assert list(by_name(made)) == ["gpu on ubuntu-24.04"]
    assert [(one.variant, one.runner) for one in made.left_out] == [
        ("dawn", "ubuntu-24.04"),
        ("dawn", "windows-2025"),
        ("gpu", "ubuntu-24.04-arm"),
    ]
    assert "gpu.h (no package: build it)" in made.left_out[0].why


def test_a_server_is_not_started_where_forkkeeper_does_not_run() -> None:
    """On Windows such a variant is built, and not tested."""
    server = Server(program="server", arguments=(), connected="yes")
    made = matrix(rpc=Variant(device="RPC0", platform=("windows",), server=server))
    assert [one.job.device for one in made.plain] == [Device.NONE]


@pytest.mark.parametrize(
    ("name", "variant", "found"),
    [
        ("$(id)", Variant(device="CPU"), "has a name that no session can have"),
        ("a b", Variant(device="CPU"), "has a name that no session can have"),
        ("cpu", Variant(device="CPU", ci=Ci(hosted=("ubuntu-99",))), "has 'ubuntu-99', which is no hosted runner"),
        ("cpu", Variant(device="CPU", ci=Ci(device=("mac",))), "has 'mac', which is no hosted runner"),
        ("cpu", Variant(device="CPU", ci=Ci(runner=("a\nb",))), "which is no label"),
    ],
)
def test_a_word_that_would_be_wrong_in_a_workflow_is_refused(name: str, variant: Variant, found: str) -> None:
    """Names of variants and labels become words of workflows and shells: none may be anything else."""
    with pytest.raises(RequestError, match=found.replace("(", r"\(")):
        matrix(**{name: variant})


def test_a_sentence_gives_no_package() -> None:
    """Only what Debian's policy takes for a name is a package: no option, no path, no sentence."""
    for said in ("-y evil", "g++;id", "NVIDIA's driver: apt install nvidia-driver", "G++", "../x", ""):
        assert cimatrix.packages_of(ProgramNeed(name=("x",), debian=said)) == ()
