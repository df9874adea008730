"""What follows from what a machine has."""

import pytest

from forkkeeper.core import needs, standing
from forkkeeper.core.needs import Seen, State, System
from forkkeeper.core.opsreport import OpsAnswer, OpsCase, OpsReport, OpsResult, OpsVerdict
from forkkeeper.core.standing import Standing
from forkkeeper.core.variants import Crash, DeviceNeed, HeaderNeed, ProgramNeed, Variant

HEADER = HeaderNeed(
    name="vulkan/vulkan_core.h", what="Vulkan headers", version=(r"(\d+)",), least="1.3.275", kit="k", debian="v-dev"
)
GPU = DeviceNeed(what="GPU", command=("list",), name="(.*)", accepts="Intel", software="^soft")


@pytest.mark.parametrize(
    ("seen", "beside", "can_fetch", "state"),
    [
        (Seen("/h", "1.4.309"), None, True, State.MET),
        (Seen("/h", "1.3.239"), None, False, State.TOO_OLD),
        (Seen("/h", "1.3.239"), None, True, State.TO_FETCH),
        (Seen("/h", "1.3.239"), Seen("/k", "1.4.309"), True, State.BESIDE),
        (Seen("/h", "1.3.239"), Seen("/k", "1.3.240"), True, State.TOO_OLD),
        (Seen("/h", ""), None, False, State.UNREAD),
        (Seen(), None, False, State.MISSING),
    ],
)
def test_a_header_is_judged_by_its_version_and_a_kit_stands_in(
    seen: Seen, beside: Seen | None, can_fetch: bool, state: State
) -> None:
    """Presence is not enough: an old header is too old, one without a version unknown, and a kit is judged as well."""
    assert needs.judge(HEADER, seen, beside=beside, can_fetch=can_fetch).state is state


def test_a_device_that_the_backend_does_not_take_is_refused_not_missing() -> None:
    """No device, a refused one and a taken one are three answers; of several the first that is taken is used."""
    assert needs.judge(GPU, Seen("list")).state is State.MISSING
    assert needs.judge(GPU, Seen("list", devices=("pocl",))).state is State.REFUSED
    answer = needs.judge(GPU, Seen("list", devices=("pocl", "Intel A", "Intel B")))
    assert (answer.state, answer.device) == (State.MET, "Intel A")


def test_a_kit_of_a_device_is_used_where_somebody_fetched_it() -> None:
    """The system's driver is there, yet the one that was fetched is used, as it was fetched for that."""
    old, new = Seen("list", "22.3", ("Intel",)), Seen("list", "25.0", ("Intel",))
    assert needs.judge(GPU, old, beside=new).used.version == "25.0"


def test_what_is_lacking_is_said_in_one_line_with_what_to_type() -> None:
    """The line names the need, the version wanted and found, the package of this system and the kit."""
    answer = needs.judge(HEADER, Seen("/h", "1.3.239"))
    said = needs.lack(answer, System.DEBIAN)
    assert said == ("Vulkan headers 1.3.275 or newer (1.3.239 is here): apt install v-dev or `forkkeeper kit fetch k`")


def test_another_platform_s_variant_is_not_looked_for() -> None:
    """A variant for macOS cannot be built elsewhere, and says so instead of listing programs."""
    ability = needs.Ability("metal", Variant(device="MTL0", platform=("macos",)), platform=False, answers=())
    assert not ability.builds
    assert needs.skipped(ability, ability.lacking, System.DEBIAN) == "needs macos"


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("ID=debian\n", System.DEBIAN),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', System.DEBIAN),
        ('ID="rhel"\nID_LIKE="fedora"\n', System.FEDORA),
        ("ID=arch\n", System.OTHER),
    ],
)
def test_a_system_is_known_by_its_os_release(text: str, system: System) -> None:
    """Derived systems take the packages of what they derive from."""
    assert needs.system_of("linux", text) is system
    assert needs.system_of("darwin", text) is System.MACOS


def test_only_the_version_s_own_least_counts() -> None:
    """A program without a least version is met whatever it says."""
    assert needs.judge(ProgramNeed(name=("glslc",)), Seen("/usr/bin/glslc")).state is State.MET


CASE = OpsCase("MUL_MAT", "type_a=bf16", OpsResult.OK)
CRASH = Crash(device="^llvmpipe", below="25", why="a double free")


def report(*cases: OpsCase, code: int = 0) -> OpsReport:
    """Give the report of a run."""
    return OpsReport("X", ("X",), (), cases, None, code, "")


def test_a_case_that_runs_where_none_was_declared_is_a_failure() -> None:
    """`none` is a promise: it is shown as such, and broken by one case that runs."""
    nothing = OpsVerdict(OpsAnswer.NOTHING_RAN, "no case")
    quiet = standing.of_ops(report(), nothing, none="by design", crash=None)
    assert (quiet.standing, quiet.because) == (Standing.NONE_DECLARED, "by design")
    loud = standing.of_ops(report(CASE), OpsVerdict(OpsAnswer.PASSED, "1"), none="by design", crash=None)
    assert loud.standing is Standing.FAILED
    absent = standing.of_ops(report(), OpsVerdict(OpsAnswer.NO_DEVICE, "none"), none="by design", crash=None)
    assert absent.standing is Standing.FAILED


def test_a_crash_is_excused_only_where_it_was_declared_and_by_a_signal() -> None:
    """A declared crash is no failure of the fork; the same words for an exit status, or without a declaration, are."""
    cut = OpsVerdict(OpsAnswer.CUT_SHORT, "SIGABRT")
    assert standing.of_ops(report(CASE, code=-6), cut, none="", crash=CRASH).standing is Standing.DEVICE_CRASHES
    assert standing.of_ops(report(CASE, code=-6), cut, none="", crash=None).standing is Standing.FAILED
    assert standing.of_ops(report(CASE, code=1), cut, none="", crash=CRASH).standing is Standing.FAILED


def test_a_declared_crash_holds_of_old_drivers_of_that_device_alone() -> None:
    """A newer driver, another device and an unknown version are not excused."""
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "22.3.6") is CRASH
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "25.0.7") is None
    assert standing.known_crash((CRASH,), "NVIDIA A100", "22.3.6") is None
    assert standing.known_crash((CRASH,), "llvmpipe (LLVM 15)", "") is None


@pytest.mark.parametrize(
    ("standings", "green", "strictly"),
    [
        ([Standing.PASSED], True, True),
        ([], False, False),
        ([Standing.NONE_DECLARED], False, False),
        ([Standing.SKIPPED], False, False),
        ([Standing.PASSED, Standing.NONE_DECLARED], True, True),
        ([Standing.PASSED, Standing.DEVICE_CRASHES], True, False),
        ([Standing.PASSED, Standing.SKIPPED], True, False),
        ([Standing.PASSED, Standing.FAILED], False, False),
    ],
)
def test_a_session_is_green_only_if_something_ran(standings: list[Standing], green: bool, strictly: bool) -> None:
    """Nothing red, and at least one test whose cases ran; strictly, nothing that was left out either."""
    assert standing.exits_green(standings, strict=False) is green
    assert standing.exits_green(standings, strict=True) is strictly
