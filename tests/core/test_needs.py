"""What follows from what a machine has."""

import pytest

from forkkeeper.core import needs
from forkkeeper.core.needs import Seen, State, System
from forkkeeper.core.variants import DeviceNeed, HeaderNeed, ProgramNeed, Variant

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
