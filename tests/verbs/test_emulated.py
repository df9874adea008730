"""What holds of a variant whose device is emulated on this machine, with a real CMake project that plays a device."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Local, Ran, Upstream, assert_message, fork_of

from forkkeeper.core import needs

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(test-backend-ops ops.c)
target_link_libraries(test-backend-ops ${CMAKE_DL_LIBS})
enable_testing()
add_test(NAME lists COMMAND test-backend-ops --list-ops)
"""
# It tests the device that a library brings, as upstream's program does.
OPS = r"""#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char ** argv)
{
    if (strcmp(argv[1], "--list-ops") == 0) {
        puts("ADD");
        return 0;
    }
    const char * path = getenv("TOY_BACKEND");
    if (path == NULL || dlopen(path, RTLD_NOW) == NULL) {
        puts("Backend 1/1: CPU\n  Skipping\n1/1 backends passed\nOK");
        return 0;
    }
    puts("Backend 1/1: GPU0\n  ADD(n=1): OK\n  1/1 tests passed\n  Backend GPU0: OK\n1/1 backends passed\nOK");
    return argc < 0;
}
"""
KERNEL = '#define KERNEL "kernel_add"\nstatic int lanes = 32;\n'  # stands for upstream's shader
PROJECT = """cmake_minimum_required(VERSION 3.20)
project(emulated C)
add_library(gpu-emulated SHARED device.c)
target_include_directories(gpu-emulated PRIVATE ${FORKKEEPER_SOURCE})
target_compile_definitions(gpu-emulated PRIVATE CHECKED="${TOY_CHECKED}")
if(NOT EXISTS ${FORKKEEPER_BUILD}/bin/test-backend-ops OR NOT EXISTS "${FORKKEEPER_PYTHON}")
  message(FATAL_ERROR "is built after the ordinary build, and told of it")
endif()
"""
DEVICE = """#include <stdio.h>
#include <stdlib.h>
#include "kernel.h"
#include "line.h"

__attribute__((destructor)) static void report(void)
{
    const char * path = getenv("TOY_REPORT");
    FILE * file = path ? fopen(path, "a") : NULL;
    if (file && lanes) {
        fprintf(file, LINE, KERNEL, KERNEL);
        fclose(file);
    }
}
"""
THIS = needs.platform_of(sys.platform)
OTHER = "windows"
VARIANT = f"""
[variant.gpu]
about = "a GPU"
device = "GPU0"
platform = ["{OTHER}"]
cmake = ["-DNOBODY_KNOWS=ON"]
targets = ["test-backend-ops"]

[[variant.gpu.need]]
kind = "program"
what = "a thing of the real device"
name = ["no-such-program"]

[variant.gpu.emulated]
platform = ["{THIS}"]
about = "a GPU that is played"
project = "native/gpu"
options = ["-DTOY_CHECKED=yes"]
library = "libgpu-emulated.so"
compiler = "a compiler"
environment = {{ TOY_BACKEND = "{{library}}" }}
report = "TOY_REPORT"

[[variant.gpu.emulated.need]]
kind = "program"
what = "a compiler"
name = ["c++"]
"""
LINE: dict[str, Any] = {
    "kernels": {"compiled": 7, "used": ["%s"]},
    "order": "forward",
    "dispatches": 3,
    "checked": True,
    "workarounds": {"padding read": 2},
    "faults": [],
    "missing": [],
}
FAULT = {"kind": "race", "kernel": "kernel_add", "where": "kernel.h:2", "text": "two lanes write one", "count": 2}
GREETING = Local("wide", {"kernel.h": KERNEL.replace("kernel_add", "kernel_wide_add")})

pytestmark = pytest.mark.skipif(THIS not in {"linux", "macos"}, reason="a library is loaded as on Unix")


def text(**changed: object) -> str:
    """Give the header with the line that the device reports."""
    return "#define LINE " + json.dumps(json.dumps(LINE | changed) + "\n") + "\n"


def forked(upstream: Upstream, *locals_: Local, declared: str = VARIANT, built: bool = True) -> Fork:
    """Make a fork with these patches, and with the project that plays the device."""
    pin = upstream.commit({"CMakeLists.txt": CMAKE, "ops.c": OPS, "kernel.h": KERNEL}, tag="v1")
    fork = fork_of(upstream.path.parent, upstream, pin, pin, list(locals_), {})
    declaration = fork.root / "fork.toml"
    declaration.write_text(declaration.read_text() + declared)
    project = fork.root / "native/gpu"
    project.mkdir(parents=True)
    for name, content in {"CMakeLists.txt": PROJECT, "device.c": DEVICE, "line.h": text()}.items():
        (project / name).write_text(content)
    if built:
        ran = fork.script("build", "gpu")
        assert ran.code == 0, ran.said
    return fork


def reporting(fork: Fork, line: str) -> Ran:
    """Have the device report something else, and check."""
    (fork.root / "native/gpu/line.h").write_text(line)
    assert fork.script("build", "gpu").code == 0
    return fork.script("check", "bf16", "gpu")


def document(ran: Ran) -> dict[str, Any]:
    """Read what was written as JSON."""
    found: dict[str, Any] = json.loads(ran.out)
    return found


def tables(ran: Ran) -> list[list[dict[str, Any]]]:
    """Give the tables of a document."""
    return [block for block in document(ran)["blocks"] if isinstance(block, list)]


def row(ran: Ran) -> str:
    """Give the variant's row of the first table."""
    return next(line for line in ran.out.splitlines() if line.startswith("gpu"))


def test_an_emulated_device_is_named_so_in_every_table(upstream_repo: Upstream) -> None:
    """Build, check and doctor say it, for people and for scripts; the numbers under the table are the device's."""
    fork = forked(upstream_repo, GREETING)
    ran = fork.script("check", "bf16", "gpu")
    assert ran.code == 0, ran.said
    assert row(ran).startswith("gpu (emulated)  GPU0: emulated on "), ran.said
    assert "padding read" in ran.out
    ran = fork.script("check", "bf16", "gpu", "--json", "-")
    tests, runs, workarounds = tables(ran)
    assert (tests[0]["variant"], tests[0]["emulated"], tests[0]["verdict"]) == ("gpu (emulated)", True, "passed")
    assert (runs[0]["kernels compiled"], runs[0]["used"], runs[0]["dispatches"]) == ("7", "1", "3")
    assert (workarounds[0]["workaround"], workarounds[0]["times"]) == ("padding read", "2")
    (said,) = document(ran)["emulation"]
    assert said["used"] == ["kernel_wide_add"]  # upstream's source was compiled with the patch in it
    assert (said["emulated"], said["wrong"], said["processes"]) == (True, "", 1)
    assert "gpu (emulated)  wide " in fork.script("check", "witness", "gpu").out
    built = fork.script("build", "gpu", "--json", "-")
    assert tables(built)[0][0]["emulated"]
    (looked,) = document(fork.script("doctor", "gpu", "--json", "-"))["variants"]
    assert (looked["emulated"], looked["about"]) == (True, "a GPU that is played")
    assert "gpu is emulated on this machine, no device of its own: a GPU that is played" in fork.script("doctor").out


def test_where_the_device_is_real_nothing_is_emulated(upstream_repo: Upstream) -> None:
    """With the platforms the other way round it is an ordinary variant, and the project is not even looked at."""
    declared = VARIANT.replace(OTHER, "THERE").replace(str(THIS), OTHER).replace("THERE", str(THIS))
    declared = declared.replace("no-such-program", "sh").replace("-DNOBODY_KNOWS=ON", "-DCMAKE_C_FLAGS=-O0")
    fork = forked(upstream_repo, declared=declared)
    assert not (fork.root / ".forkkeeper/build/gpu/emulated").exists()
    (looked,) = document(fork.script("doctor", "gpu", "--json", "-"))["variants"]
    assert (looked["emulated"], looked["about"]) == (False, "a GPU")
    ran = fork.script("check", "bf16", "gpu", "--json", "-")
    (tests,) = tables(ran)
    assert tests[0]["variant"] == "gpu"
    assert "emulated" not in tests[0]
    assert ran.code == 1  # and of such a device there is none here


def test_the_needs_are_those_of_the_emulated_form(upstream_repo: Upstream) -> None:
    """What only the real device needs is not asked for; what only the emulated one needs is."""
    fork = forked(upstream_repo, built=False, declared=VARIANT.replace('["c++"]', '["no-such-compiler"]'))
    (looked,) = document(fork.script("doctor", "gpu", "--json", "-"))["variants"]
    assert [need["need"] for need in looked["needs"] if need["state"] == "missing"] == ["a compiler"]
    assert "thing of the real device" not in json.dumps(looked)
    assert_message(fork.script("build", "gpu"), 3, "variant gpu", "needs a compiler")


def test_what_the_device_complains_of_is_red(upstream_repo: Upstream) -> None:
    """Faults by kernel, place and text; missing kernels by name; no line, a broken one, and no kernel that ran."""
    fork = forked(upstream_repo)
    ran = reporting(fork, text(faults=[FAULT]))
    assert row(ran).endswith("FAILED"), ran.said
    assert "1 fault: race in kernel_add at kernel.h:2: two lanes write one (2 times)" in ran.out
    assert ran.code == 1
    ran = reporting(fork, text(missing=["kernel_sub"]))
    assert (ran.code, "gpu (emulated), upstream's cases: no such kernel: kernel_sub" in ran.out) == (1, True), ran.said
    ran = reporting(fork, text(dispatches=0))
    assert (ran.code, "1 passed, though the emulated device started no kernel" in ran.out) == (1, True), ran.said
    ran = reporting(fork, '#define LINE ""\n')
    assert (ran.code, "nothing proves that one did" in ran.out) == (1, True), ran.said
    ran = reporting(fork, '#define LINE "{\\"order\\": 1"\n')
    assert (ran.code, "line 1 cannot be read: " in ran.out) == (1, True), ran.said


@pytest.mark.ccache
def test_a_changed_file_of_the_project_is_built_anew(upstream_repo: Upstream) -> None:
    """The build of before is no longer the present one; where nothing changed nothing is compiled."""
    fork = forked(upstream_repo)
    assert row(fork.script("build", "gpu")).split()[4:6] == ["0", "0"]
    (fork.root / "native/gpu/line.h").write_text(text(workarounds={"division by zero": 5}))
    assert_message(fork.script("check", "bf16", "gpu"), 2, "variant gpu", "was built from another tree or with other")
    assert row(fork.script("build", "gpu")).split()[4] == "1"
    ran = fork.script("check", "bf16", "gpu")
    assert (ran.code, "division by zero" in ran.out) == (0, True), ran.said


def test_a_line_of_the_project_that_does_not_compile(upstream_repo: Upstream) -> None:
    """The answer is no: the fork's own file is named where it is edited; what was built is no longer the present."""
    fork = forked(upstream_repo)
    (fork.root / "native/gpu/device.c").write_text("int device(void) { return nothing; }\n")
    assert_message(
        fork.script("build", "gpu"),
        1,
        "build: gpu: compile of gpu, the emulated device: native/gpu/device.c:1: ",
        "the file is of what emulates the device",
        "next: mend native/gpu/device.c; then `forkkeeper build gpu`",
    )
    assert_message(fork.script("check", "bf16", "gpu"), 2, "variant gpu", "is not built")


def test_a_line_of_a_patch_that_only_the_emulated_device_compiles(upstream_repo: Upstream) -> None:
    """A fault in a shader is the patch's that brought it; one in upstream's own is upstream's, or not known yet."""
    broken = Local("broken", {"kernel.h": KERNEL.replace("32;", "lots;")})
    fork = forked(upstream_repo, broken, built=False)
    ran = fork.script("build", "gpu")
    assert_message(ran, 1, "emulated device: kernel.h:2: ", "lots", "the line is of the patch broken")
    (fork.root / "native/gpu/device.c").write_text(
        DEVICE.replace('#include "kernel.h"', '#define static oops\n#include "kernel.h"')
    )
    fork.ok("patch", "drop", "broken", "--why", "it is broken")
    ran = fork.script("build", "gpu")
    assert_message(ran, 3, "kernel.h:2: ", "upstream's own", "may not know that yet: native/gpu")


def test_a_step_of_the_project_that_names_a_line_itself(upstream_repo: Upstream) -> None:
    """What CMake calls while it configures may refuse a line: it is told as if a compiler had."""
    fork = forked(upstream_repo, GREETING, built=False)
    refused = 'message(FATAL_ERROR "${FORKKEEPER_SOURCE}/kernel.h:1: error: an unknown construct")\n'
    (fork.root / "native/gpu/CMakeLists.txt").write_text(PROJECT + refused)
    ran = fork.script("build", "gpu")
    assert_message(ran, 1, "configure of gpu, the emulated device: kernel.h:1: an unknown", "of the patch wide")


def test_size_names_an_emulated_variant_and_leaves_its_device_out(upstream_repo: Upstream) -> None:
    """What is counted is the ordinary build's: nobody ships what plays a device."""
    measured = '\n[variant.gpu.size]\ntarget = "test-backend-ops"\nlibrary = "bin/test-backend-ops"\nupstream = false\n'
    fork = forked(upstream_repo, built=False, declared=VARIANT + measured)
    ran = fork.script("size", "gpu", "--json", "-")
    assert ran.code == 0, ran.said
    ((found,),) = tables(ran)
    assert (found["variant"], found["emulated"]) == ("gpu (emulated)", True)
    assert not (fork.root / ".forkkeeper/size/gpu/emulated").exists()


def test_speed_is_not_measured_on_an_emulated_device(upstream_repo: Upstream) -> None:
    """It is a wrong request, and the reason is said."""
    model = '\n[[bench.model]]\nname = "m"\npath = "m.gguf"\n'
    fork = forked(upstream_repo, built=False, declared=VARIANT + model)
    ran = fork.script("bench", "throughput", "gpu")
    assert_message(ran, 2, "variant gpu (emulated)", "emulation says nothing of speed")


WRONG = [
    ('report = "TOY_REPORT"', 'reprot = "TOY_REPORT"', "variant.gpu.emulated.reprot", "did you mean `report`?"),
    (
        f'platform = ["{THIS}"]',
        f'platform = ["{OTHER}"]',
        f"has {OTHER}, where the variant's device is real",
        "take it",
    ),
    ('compiler = "a compiler"', 'compiler = "another"', "emulated.compiler is 'another'", "a compiler"),
    ('project = "native/gpu"', 'project = "../gpu"', "emulated.project is '../gpu', which leaves", "native/device"),
    ("{library}", "{libary}", "unknown placeholder {libary}", "use {library}"),
]


@pytest.mark.parametrize(("good", "bad", "found", "hint"), WRONG)
def test_a_form_that_cannot_be_meant_is_refused(
    upstream_repo: Upstream, good: str, bad: str, found: str, hint: str
) -> None:
    """The field is named, and what to write."""
    assert good in VARIANT
    fork = forked(upstream_repo, declared=VARIANT.replace(good, bad), built=False)
    assert_message(fork.run("doctor"), 2, found, hint)


def test_an_option_that_the_project_does_not_use_is_refused(upstream_repo: Upstream) -> None:
    """As for the tree itself; a library that is not made is refused as well, and a project that is not there."""
    fork = forked(upstream_repo, declared=VARIANT.replace("TOY_CHECKED=yes", "TOY_CHEKCED=yes"), built=False)
    ran = fork.script("build", "gpu")
    assert_message(ran, 2, "variant.gpu.emulated.options sets TOY_CHEKCED", "gpu's CMake files do not use")
    declaration = fork.root / "fork.toml"
    good = declaration.read_text().replace("TOY_CHEKCED=yes", "TOY_CHECKED=yes")
    declaration.write_text(good.replace("libgpu-emulated.so", "libgpu.so"))
    assert_message(fork.script("build", "gpu"), 2, "emulated.library is 'libgpu.so', which was not built")
    declaration.write_text(good)
    (fork.root / "native/gpu/CMakeLists.txt").unlink()
    assert_message(fork.script("build", "gpu"), 2, "has no CMakeLists.txt", "mend `project`")


def test_the_c_compiler_is_the_c_plus_plus_compiler_s_own(upstream_repo: Upstream) -> None:
    """The program that the need found compiles the device, and the C compiler that lies beside it."""
    fork = forked(upstream_repo)
    cache = (fork.root / ".forkkeeper/build/gpu/emulated/CMakeCache.txt").read_text()
    chosen = next(line for line in cache.splitlines() if line.startswith("CMAKE_C_COMPILER:"))
    assert Path(chosen.partition("=")[2]).name == "cc"


CONFTEST = """
def pytest_addoption(parser):
    for name in ("--source", "--build", "--outputs", "--tool-options", "--proof", "--models"):
        parser.addoption(name)
    parser.addoption("--tool-env", action="append")
"""
OUTPUTS = """
import json, os, pathlib, struct, subprocess

def test_outputs(request):
    option = request.config.getoption
    env = os.environ | dict(one.split("=", 1) for one in option("--tool-env"))
    subprocess.run([option("--build") + "/bin/test-backend-ops", "test", "-b", "GPU0"], env=env, check=True)
    said = pathlib.Path(option("--outputs"))
    said.mkdir(parents=True, exist_ok=True)
    logits = b"logits 1" + struct.pack("<iii3i6f", 2, 2, 1, 0, 1, 1, *range(6))
    for name in ("toy", "toy.again"):
        (said / (name + ".logits")).write_bytes(logits)
    (said / "toy.json").write_text(json.dumps({"model": "m", "place": "GPU0"}))
"""


@pytest.mark.parametrize(("locals_", "verdict"), [((), "as the pin"), ((GREETING,), "FAILED")])
def test_a_fault_that_the_pin_has_as_well_is_no_regression(
    upstream_repo: Upstream, locals_: tuple[Local, ...], verdict: str
) -> None:
    """Both sides run on the emulated device, and are named so; what only the fork's complains of is red."""
    fork = forked(upstream_repo, *locals_, built=False)
    (fork.root / "native/gpu/line.h").write_text(text(faults=[FAULT | {"kernel": "%s"}]))
    checks = fork.root / "native/checks"
    (checks / "outputs").mkdir(parents=True)
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "outputs/test_outputs.py").write_text(OUTPUTS)
    assert fork.script("build", "gpu").code == 0
    ran = fork.script("check", "regression", "gpu", "--json", "-")
    cases, parts, runs, *_ = tables(ran)
    assert cases[0]["emulated"]
    assert {part["compared"]: part["verdict"] for part in parts} == {
        "outputs": verdict,
        "operations": verdict,
        "upstream's tests": "as the pin",
    }, ran.said
    assert all(part["emulated"] for part in parts)
    assert [run["check"] for run in runs] == [
        f"{what} of the {side}" for what in ("outputs", "operations") for side in ("baseline", "fork")
    ]
    assert ran.code == (0 if verdict == "as the pin" else 1)
