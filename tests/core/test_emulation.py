"""What an emulated device reports: lines are read whole or refused, put together, and judged."""

import json

import pytest

from forkkeeper.core import emulation, variants
from forkkeeper.core.variants import Build, Emulated, Known, ProgramNeed, Variant

LINE = {
    "kernels": {"compiled": 7, "used": ["kernel_cpy", "kernel_add"]},
    "order": "forward",
    "dispatches": 3,
    "checked": True,
    "workarounds": {"padding read": 2},
    "faults": [],
    "missing": [],
}
FAULT = {"kind": "race", "kernel": "kernel_norm", "where": "norm.metal:4", "text": "two lanes write one", "count": 2}


def line(**changed: object) -> str:
    """Give a line, with fields of it changed."""
    return json.dumps(LINE | changed)


def test_processes_are_put_together() -> None:
    """Counts add up, names stand once, and one process that was not checked makes the whole unchecked."""
    more = line(kernels={"compiled": 7, "used": ["kernel_add"]}, order="reverse", checked=False, faults=[FAULT, FAULT])
    found = emulation.read([line(faults=[FAULT]), more])
    assert found is not None
    assert (found.processes, found.compiled, found.dispatches) == (2, 7, 6)
    assert found.used == ("kernel_add", "kernel_cpy")
    assert found.orders == ("forward", "reverse")
    assert not found.checked
    assert found.workarounds == {"padding read": 4}
    assert [fault.count for fault in found.faults] == [6]


def test_a_device_that_ran_and_complained_of_nothing_is_no_failure() -> None:
    """Workarounds are counted and shown; they are no fault."""
    assert emulation.wrong(emulation.read([line()]), passed=1) == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"faults": [FAULT]}, "1 fault: race in kernel_norm at norm.metal:4: two lanes write one (2 times)"),
        ({"missing": ["kernel_b", "kernel_a"]}, "2 missing kernels: kernel_a, kernel_b"),
        ({"dispatches": 0}, "1 passed, though the emulated device started no kernel"),
    ],
)
def test_what_a_device_complains_of_is_a_failure(changed: dict[str, object], said: str) -> None:
    """Faults by kernel, place and text; missing kernels by name; passes for which no kernel ran."""
    assert emulation.wrong(emulation.read([line(**changed)]), passed=1) == said


def test_a_fault_that_is_known_is_no_failure() -> None:
    """Of one kind, and in kernels of a name: the same in another kernel is a failure, and another kind in this one."""
    known = (Known(kind="race", kernel="^kernel_norm$", why="upstream's own"),)
    found = emulation.read([line(faults=[FAULT])])
    assert emulation.wrong(found, passed=1, known=known) == ""
    for changed in ({"kernel": "kernel_norm_4"}, {"kind": "write past threadgroup memory"}):
        other = emulation.read([line(faults=[FAULT, FAULT | changed])])
        assert emulation.wrong(other, passed=1, known=known).startswith("1 fault: ")


def test_a_known_fault_that_is_gone_is_said() -> None:
    """It is gone when kernels that it is known of ran without it; where none of them ran, nothing is known of it."""
    known = (Known(kind="race", kernel="^kernel_cpy$", why="upstream's own"),)
    (ran, seen, idle) = (
        emulation.read([line()]),
        emulation.read([line(faults=[FAULT | {"kernel": "kernel_cpy"}])]),
        emulation.read([line(kernels={"compiled": 7, "used": ["kernel_add"]})]),
    )
    assert ran is not None
    assert seen is not None
    assert idle is not None
    assert (emulation.gone(ran, known), emulation.gone(seen, known), emulation.gone(idle, known)) == (known, (), ())


def test_kernels_that_never_ran_are_named() -> None:
    """A kernel is idle when no process ran it."""
    first = line(kernels={"compiled": 3, "used": ["kernel_a"], "idle": ["kernel_b", "kernel_c"]})
    second = line(kernels={"compiled": 3, "used": ["kernel_b"], "idle": ["kernel_a", "kernel_c"]})
    found = emulation.read([first, second])
    assert found is not None
    assert found.idle == ("kernel_c",)


@pytest.mark.parametrize(
    ("where", "said"),
    [("/v/src/a/norm.metal:4", "a/norm.metal:4"), ("/v/build/../src/b.h:1", "b.h:1"), ("/usr/x.h:2", "/usr/x.h:2")],
)
def test_a_place_is_named_from_the_tree(where: str, said: str) -> None:
    """The path of a machine's folder tells nobody anything; a file that is elsewhere keeps its own."""
    found = emulation.read([line(faults=[FAULT | {"where": where}])])
    assert found is not None
    assert [fault.where for fault in emulation.below(found, ("/v/src/",)).faults] == [said]


def test_no_line_at_all_is_a_failure() -> None:
    """Where no process reported, nothing proves that the device ran."""
    assert emulation.read([]) is None
    assert "no process reported" in emulation.wrong(None, passed=1)


@pytest.mark.parametrize("text", [line()[:-9], "", line(more=1), line(dispatches="3"), '{"order": "forward"}'])
def test_a_line_that_cannot_be_read_is_an_error(text: str) -> None:
    """Cut short, empty, with a field more or one less, or of another type: refused with its number."""
    with pytest.raises(ValueError, match="line 2 cannot be read: "):
        emulation.read([line(), text])


def test_what_the_baseline_complains_of_is_not_the_fork_s() -> None:
    """The same fault at another line is known; another kernel's is new."""
    moved, other = FAULT | {"where": "norm.metal:9"}, FAULT | {"kernel": "kernel_cpy"}
    baseline = emulation.read([line(faults=[FAULT], missing=["kernel_a"])])
    fork = emulation.read([line(faults=[moved, other], missing=["kernel_a", "kernel_b"])])
    found = emulation.new(fork, baseline)
    assert found is not None
    assert [fault.kernel for fault in found.faults] == ["kernel_cpy"]
    assert found.missing == ("kernel_b",)


# the form of a variant ----------------------------------------------------------------------------------------------

CLANG = ProgramNeed(name=("clang++",), what="clang")
NINJA = ProgramNeed(name=("ninja",))
METAL = variants.whole(
    Variant(
        device="MTL0",
        platform=("macos",),
        cmake=("-DMETAL=ON",),
        environment={"A": "1"},
        emulated=Emulated(
            platform=("linux",),
            project="native/metal",
            library="libmetal.so",
            environment={"B": "{library}"},
            need=(CLANG,),
        ),
    ),
    Build(cmake=("-DALL=ON",), need=(NINJA,)),
)


def test_a_variant_is_real_on_its_own_platform() -> None:
    """There it is as if no emulated form were declared."""
    real = variants.here(METAL, "macos")
    assert (real.emulated, real.cmake, real.need) == (None, ("-DALL=ON", "-DMETAL=ON"), (NINJA,))
    assert real.environment == {"A": "1"}


def test_a_variant_is_emulated_where_that_is_declared() -> None:
    """Its options and needs are those of the form, behind what all variants share."""
    form = variants.here(METAL, "linux")
    assert form.emulated is not None
    assert (form.cmake, form.need, form.platform) == (("-DALL=ON",), (NINJA, CLANG), ("linux",))
    assert form.environment == {"A": "1", "B": "{library}"}


def test_elsewhere_a_variant_is_neither() -> None:
    """On a third platform it names all on which it can be had."""
    neither = variants.here(METAL, "windows")
    assert (neither.emulated, neither.platform) == (None, ("macos", "linux"))
