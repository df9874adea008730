"""What a failing `build` tells a person, on real CMake projects of a few files that really fail."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import screens
from world import BIN, Fork, Local, Ran, Upstream, assert_message, fork_of

LISTS = """cmake_minimum_required(VERSION 3.20)
project(tiny C)
option(TINY_GREETING "how it greets" ON)
option(TINY_BROKEN "whether it does not compile" OFF)
set(TINY_PIN "" CACHE STRING "what it is built of")
if(TINY_BROKEN)
  add_compile_definitions(BROKEN)
endif()
file(GLOB extra CONFIGURE_DEPENDS extra/*.c)
add_executable(tiny main.c util.c ${extra})
"""
MAIN = """#include "util.h"

int main(void)
{
    int status = greet("hello");
    return status;
}
"""
UTIL = """#include <stdio.h>
#include "util.h"

int greet(const char *text)
{
    return puts(text) < 0;
}
"""
HEADER = """int greet(const char *text);

int part(void);
"""
FILES = {"CMakeLists.txt": LISTS, "main.c": MAIN, "util.c": UTIL, "util.h": HEADER, "notes.txt": "a\n"}
VARIANT = '\n[variant.cpu]\ndevice = "CPU"\ntargets = ["tiny"]\n'


@pytest.fixture(autouse=True)
def own_ccache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep ccache's files inside the test."""
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache"))


Making = Callable[..., Fork]


@pytest.fixture
def making(upstream_repo: Upstream) -> Making:
    """Give what makes a fork: files of upstream changed, the patches, files of the overlay, and text for fork.toml."""

    def make(
        *locals_: Local,
        upstream: dict[str, str] | None = None,
        overlay: dict[str, str] | None = None,
        declared: str = VARIANT,
    ) -> Fork:
        pin = upstream_repo.commit(FILES | (upstream or {}), tag="v1")
        fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, list(locals_), overlay or {})
        with (fork.root / "fork.toml").open("a") as file:
            file.write(declared)
        return fork

    return make


def failing(fork: Fork, code: int, *parts: str) -> Ran:
    """Build, and hold the failure to its form: all of it in one message that also says what to type."""
    ran = fork.script("build", "cpu")
    assert_message(Ran(ran.code, "", ran.err), code, *parts)
    return ran


# a line that a compiler refuses -------------------------------------------------------------------------------------

BROKEN = Local("loud", {"main.c": MAIN.replace('"hello"', "hello_loud")})
NOTES = Local("notes", {"notes.txt": "b\n"})


def test_a_patch_that_does_not_compile(making: Making) -> None:
    """The answer is no: the place, the compiler's words, whose line it is, and how to mend it."""
    failing(
        making(NOTES, BROKEN),
        1,
        "build: cpu: compile: main.c:5: ",
        "hello_loud",
        "the line is of the patch loud: loud: do it",
        "patches/loud.patch:",
        "next: `forkkeeper patch edit loud`, edit there, `forkkeeper patch refresh`; then `forkkeeper build cpu`",
        "to see it again: ",
    )


def test_an_error_in_a_header_is_where_the_compiler_says(making: Making) -> None:
    """A patch's line in a header is blamed on the patch, not on the file that includes it."""
    patch = Local("wide", {"util.h": HEADER.replace("int part(void);", "int part(wide_t x);")})
    failing(making(patch), 1, "build: cpu: compile: util.h:3: ", "wide_t", "the line is of the patch wide")


def test_an_overlay_file_that_does_not_compile(making: Making) -> None:
    """The answer is no, and the file is named where it is edited."""
    ran = failing(
        making(overlay={"extra/more.c": "int more(void) { return nothing; }\n"}),
        1,
        "build: cpu: compile: native/overlay/extra/more.c:1: ",
        "nothing",
        "the file is of the overlay",
        "next: mend native/overlay/extra/more.c; then `forkkeeper build cpu`",
    )
    assert "patch" not in ran.err


def test_an_upstream_line_that_does_not_compile(making: Making) -> None:
    """Where the fork has nothing to do with it, an outside thing failed: upstream's code with this compiler."""
    upstream = {"main.c": MAIN.replace('"hello"', "too_new")}
    failing(
        making(NOTES, upstream=upstream),
        3,
        "build: cpu: compile: main.c:5: ",
        "too_new",
        "the line is upstream's own: main.c:5 at ",
        "no patch and no file of the overlay has to do with it",
        "next: `forkkeeper doctor cpu`",
    )


def test_an_upstream_line_in_a_file_that_a_patch_changes(making: Making) -> None:
    """The patch is named as one that changes the file, and where the line stands upstream."""
    main = MAIN.replace('"hello"', "too_new")
    patch = Local("above", {"main.c": f"/* ours */\n{main}"})
    ran = failing(
        making(patch, upstream={"main.c": main}),
        3,
        "build: cpu: compile: main.c:6: ",
        "the line is upstream's own: main.c:5 at ",
        "patches that change this file: above",
        "`forkkeeper patch show above`",
    )
    assert "has to do with it" not in ran.err


def test_an_upstream_line_that_a_patch_left_behind(making: Making) -> None:
    """A patch that renames a type in the header, and not where it is used, is found by the name."""
    main = MAIN.replace("int status", "status_t status")
    header = f"typedef int status_t;\n{HEADER}"
    patch = Local("renames", {"util.h": header.replace("status_t", "state_t")})
    failing(
        making(NOTES, patch, upstream={"main.c": main, "util.h": header}),
        3,
        "build: cpu: compile: main.c:5: ",
        "status_t",
        "the line is upstream's own: main.c:5",
        "patches that change lines with this name: renames",
        "next: look at `forkkeeper patch show renames`",
    )


def test_a_file_that_is_not_of_the_fork(making: Making, tmp_path: Path) -> None:
    """An error in a header of the system is shown as the compiler names it."""
    (tmp_path / "system").mkdir()
    (tmp_path / "system/old.h").write_text("\n#error too old\n")
    upstream = {
        "CMakeLists.txt": f"{LISTS}target_include_directories(tiny PRIVATE {tmp_path / 'system'})\n",
        "main.c": f"#include <old.h>\n{MAIN}",
    }
    found = f"build: cpu: compile: {tmp_path / 'system/old.h'}:2: #error too old"
    failing(making(upstream=upstream), 3, found, "no patch and no file of the overlay")


# linking ------------------------------------------------------------------------------------------------------------


def test_something_that_a_patch_uses_and_nobody_defines(making: Making) -> None:
    """The linker's symbol is named, and the patch whose line it is."""
    patch = Local("calls", {"main.c": MAIN.replace('greet("hello")', "part()")})
    failing(
        making(NOTES, patch),
        1,
        "build: cpu: compile: main.c: `part` is used and defined nowhere",
        "that is of the patch calls",
        "`forkkeeper patch edit calls`",
    )


def test_something_that_a_patch_took_away(making: Making) -> None:
    """Upstream's call stays, its function went with a patch: that is found by the name."""
    patch = Local("removes", {"util.c": UTIL.partition("int greet")[0]})
    failing(
        making(NOTES, patch),
        1,
        "build: cpu: compile: main.c: `greet` is used and defined nowhere",
        "patches that change lines with this name: removes",
        "`forkkeeper patch show removes`",
    )


def test_something_that_the_overlay_uses_and_nobody_defines(making: Making) -> None:
    """The overlay's file is named."""
    overlay = {"extra/more.c": "int gone(void);\nint more(void) { return gone(); }\n"}
    failing(
        making(overlay=overlay),
        1,
        "native/overlay/extra/more.c: `gone` is used and defined nowhere",
        "the file is of the overlay",
    )


def test_something_that_is_defined_twice(making: Making) -> None:
    """A function that the overlay has as well as upstream is named, with the overlay's file."""
    overlay = {"extra/more.c": "int greet(const char *text) { return !text; }\n"}
    failing(making(overlay=overlay), 1, "native/overlay/extra/more.c: `greet` is defined twice, in util.c as well")


def test_something_that_only_upstream_lacks(making: Making) -> None:
    """Where neither a patch nor the overlay knows the name, an outside thing failed."""
    failing(
        making(NOTES, upstream={"main.c": MAIN.replace('greet("hello")', "part()")}),
        3,
        "main.c: `part` is used and defined nowhere",
        "no patch and no file of the overlay has to do with it",
    )


def test_a_library_that_is_not_there(making: Making) -> None:
    """The linker's own words are given where there is no place."""
    lists = f"{LISTS}target_link_libraries(tiny PRIVATE no-such-library)\n"
    failing(making(upstream={"CMakeLists.txt": lists}), 3, "build: cpu: compile: ld: cannot find -lno-such-library")


# configuring --------------------------------------------------------------------------------------------------------


def test_a_patch_that_cmake_refuses(making: Making) -> None:
    """A patch's line of a CMakeLists.txt is blamed as a line of code is."""
    patch = Local("more", {"CMakeLists.txt": f"{LISTS}add_nothing(tiny)\n"})
    failing(
        making(patch),
        1,
        'build: cpu: configure: CMakeLists.txt:11: Unknown CMake command "add_nothing".',
        "the line is of the patch more",
    )


def test_a_patch_that_calls_what_refuses(making: Making) -> None:
    """The error is said by a function of upstream's, and the call is the patch's: that one counts."""
    lists = f'{LISTS}function(need what)\n  message(FATAL_ERROR "needs ${{what}}")\nendfunction()\n'
    patch = Local("needs", {"CMakeLists.txt": f"{lists}need(luck)\n"})
    failing(
        making(patch, upstream={"CMakeLists.txt": lists}),
        1,
        "build: cpu: configure: CMakeLists.txt:14: needs luck",
        "the line is of the patch needs",
    )


def test_an_option_that_upstream_gave_up_itself(making: Making) -> None:
    """Upstream's own word on a renamed option is given whole, with the field of fork.toml that sets it."""
    lists = (
        f'{LISTS}if(OLD_CUDA)\n  message(FATAL_ERROR "OLD_CUDA is deprecated.\\n  Use TINY_CUDA instead")\nendif()\n'
    )
    fork = making(upstream={"CMakeLists.txt": lists}, declared=f'{VARIANT}cmake = ["-DOLD_CUDA=ON"]\n')
    failing(
        fork,
        2,
        "build: cpu: configure: CMakeLists.txt:12: OLD_CUDA is deprecated. Use TINY_CUDA instead",
        "variant.cpu.cmake in fork.toml sets OLD_CUDA",
        "next: mend `variant.cpu.cmake` in fork.toml",
    )


def test_a_declared_compiler_that_is_not_here(making: Making) -> None:
    """A program that is missing is an outside thing, and the field that names it is said."""
    fork = making(declared=f'{VARIANT}cmake = ["-DCMAKE_C_COMPILER=no-such-cc"]\n')
    failing(
        fork,
        3,
        "build: cpu: configure: CMakeLists.txt:2: The CMAKE_C_COMPILER: no-such-cc is not a full path",
        "variant.cpu.cmake in fork.toml sets CMAKE_C_COMPILER",
    )


def test_a_missing_package(making: Making) -> None:
    """What CMake does not find is said with the line that asks for it, not with CMake's own module."""
    lists = f"{LISTS}find_package(PNGX REQUIRED)\n"
    failing(making(upstream={"CMakeLists.txt": lists}), 3, "build: cpu: configure: CMakeLists.txt:11: ", "PNGX")


# options of fork.toml that do nothing -------------------------------------------------------------------------------


def test_an_option_that_upstream_renamed(making: Making) -> None:
    """Exit 2 with field and nearest name, however often it is built; mended, it builds. Nothing is compiled before."""
    fork = making(declared=f'{VARIANT}cmake = ["-DLLAMA_GREETING=OFF", "-DTINY_PIN={{pin}}"]\n')
    for _ in range(2):
        ran = failing(
            fork,
            2,
            "build: cpu: fork.toml: variant.cpu.cmake sets LLAMA_GREETING, which the fork's CMake files do not use; "
            "is it TINY_GREETING now?",
            "next: in fork.toml, write the present name in `variant.cpu.cmake`, or take the option away",
        )
        assert "Building C object" not in ran.out
        assert "TINY_PIN" not in ran.err
    toml = fork.root / "fork.toml"
    toml.write_text(toml.read_text().replace("LLAMA_GREETING", "TINY_GREETING"))
    assert fork.script("build", "cpu").code == 0
    toml.write_text(toml.read_text().replace("TINY_GREETING", "TINY_GREETINGS"))
    failing(fork, 2, "sets TINY_GREETINGS", "is it TINY_GREETING now?")


def test_an_option_that_upstream_is_to_give_up(making: Making) -> None:
    """What still works, with a warning, builds; the warning stands below the table with the field that sets it."""
    lists = f'{LISTS}if(OLD_CUDA)\n  message(WARNING "OLD_CUDA is deprecated, use TINY_CUDA instead")\nendif()\n'
    fork = making(upstream={"CMakeLists.txt": lists}, declared=f'{VARIANT}cmake = ["-DOLD_CUDA=ON"]\n')
    for _ in range(2):
        ran = fork.script("build", "cpu")
        assert ran.code == 0, ran.said
        warned = "cpu: fork.toml: variant.cpu.cmake sets OLD_CUDA: OLD_CUDA is deprecated, use TINY_CUDA instead"
        assert ran.out.splitlines()[-1] == warned


def test_an_option_that_all_variants_share(making: Making) -> None:
    """Each option is named with its own field, [build]'s among them; one with nothing near it as well."""
    declared = f'\n[build]\ncmake = ["-DXYZZY:BOOL=ON"]\n{VARIANT}cmake = ["-DTINY_BROKN=OFF"]\n'
    failing(
        making(declared=declared),
        2,
        "variant.cpu.cmake sets TINY_BROKN, which the fork's CMake files do not use; is it TINY_BROKEN now?",
        "build.cmake sets XYZZY, which the fork's CMake files do not use\n",
        "in `variant.cpu.cmake` and `build.cmake`",
    )


def test_what_nobody_declared_is_not_blamed(making: Making) -> None:
    """A project in C alone uses no launcher for C++, which is ours, and builds."""
    fork = making()
    ran = fork.script("build", "cpu")
    assert ran.code == 0, ran.said


def test_an_option_that_upstream_drops_under_a_finished_build(making: Making) -> None:
    """The same command on a tree that no longer has the option is not green, though CMake's cache has it."""
    fork = making(declared=f'{VARIANT}cmake = ["-DTINY_GREETING=ON"]\n')
    assert fork.script("build", "cpu").code == 0
    lists = LISTS.replace("TINY_GREETING", "TINY_WELCOME")
    drops = fork.upstream.commit({"CMakeLists.txt": lists}, tag="v2")
    fork.ok("sync", "--upto", drops)
    failing(fork, 2, "sets TINY_GREETING")
    failing(fork, 2, "sets TINY_GREETING")


def test_an_option_that_is_read_once_is_used(making: Making, tmp_path: Path) -> None:
    """A toolchain file is not read again by a second configure, and is no option set in vain."""
    (tmp_path / "tools.cmake").write_text("set(CMAKE_C_COMPILER cc)\n")
    fork = making(declared=f'{VARIANT}cmake = ["-DCMAKE_TOOLCHAIN_FILE={tmp_path / "tools.cmake"}"]\n')
    for _ in range(2):
        ran = fork.script("build", "cpu")
        assert ran.code == 0, ran.said


def test_an_option_that_a_patch_brings(making: Making) -> None:
    """The fork without that patch does not use it, and its witness is judged all the same."""
    lists = LISTS.replace(
        "file(GLOB", 'option(OURS "" OFF)\nif(OURS)\n  add_compile_definitions(OURS)\nendif()\nfile(GLOB'
    )
    witness = "Origin: local\nUpstream-Status: Pending\nWitness: native/checks/test_ours.py\n"
    fork = making(
        Local("ours", {"CMakeLists.txt": lists}, trailers=witness), declared=f'{VARIANT}cmake = ["-DOURS=ON"]\n'
    )
    checks = fork.root / "native/checks"
    checks.mkdir(parents=True)
    (checks / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    for one in ('--source', '--build'):\n        parser.addoption(one)\n"
    )
    (checks / "test_ours.py").write_text(
        "import pathlib\n\ndef test_ours(request):\n"
        "    assert '-DOURS' in pathlib.Path(request.config.getoption('--build'), 'build.ninja').read_text()\n"
    )
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 0, ran.said
    assert "proves the patch" in ran.out


# several variants ---------------------------------------------------------------------------------------------------

GOOD, BAD, ODD, ABSENT = (
    f'\n[variant.{name}]\ndevice = "CPU"\ntargets = ["tiny"]\ncmake = [{option}]\n'
    for name, option in {
        "good": "",
        "bad": '"-DTINY_BROKEN=ON"',
        "odd": '"-DTINY_OD=ON"',
        "absent": '"-DCMAKE_C_COMPILER=no-such-cc"',
    }.items()
)
CONDITION = Local("conditional", {"main.c": MAIN.replace("{\n", "{\n#ifdef BROKEN\n    broken();;x\n#endif\n")})


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ((ABSENT, ODD, BAD, GOOD), 1),
        ((ABSENT, ODD, GOOD), 2),
        ((ABSENT, GOOD), 3),
        ((GOOD,), 0),
    ],
)
def test_one_variant_never_stops_the_others(making: Making, declared: tuple[str, ...], code: int) -> None:
    """Each is built, each failure is explained and stands in the table; the exit code is what the fork can mend."""
    ran = making(CONDITION, declared="".join(declared)).script("build")
    assert ran.code == code, ran.said
    *_, table = ran.out.partition("\nvariant ")
    words = {
        GOOD: "yes",
        BAD: "FAILED: main.c:6: ",
        ODD: "FAILED: variant.odd.cmake sets",
        ABSENT: "FAILED: CMakeLists",
    }
    for one in declared:
        name = one.partition(".")[2].partition("]")[0]
        assert words[one] in next(line for line in table.splitlines() if line.startswith(name))
        if one is not GOOD:
            assert f"build: {name}: " in ran.out
    assert ("the line is of the patch conditional" in ran.out) == (BAD in declared)


def test_where_nothing_could_be_built_that_is_no_success(making: Making) -> None:
    """A variant that lacks something here is skipped with what it needs; only beside a built one that is green."""
    lacks = '[[variant.lacks.need]]\nkind = "program"\nname = ["no-such-program"]\ndebian = "nothing"\n'
    declared = f'\n[variant.lacks]\ndevice = "X"\ntargets = ["tiny"]\n{lacks}'
    fork = making(declared=VARIANT + declared)
    assert_message(
        fork.script("build", "lacks"), 3, "build: variant lacks: needs no-such-program", "apt install nothing"
    )
    every = fork.script("build")
    assert every.code == 0, every.said
    assert "skipped: needs no-such-program: apt install nothing" in " ".join(every.out.split())
    assert fork.script("build", "--strict").code == 1
    toml = fork.root / "fork.toml"
    toml.write_text(toml.read_text().replace(VARIANT, declared.replace("lacks", "too")))
    assert_message(fork.script("build"), 3, "skipped: needs no-such-program", "next: `forkkeeper doctor` says")


# no room ------------------------------------------------------------------------------------------------------------


def small_disk(place: Path, size: str) -> bool:
    """Mount a small file system; False where that is not allowed."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=False)
    return done.returncode == 0


@pytest.fixture
def disk() -> Iterator[Callable[[Path, str], None]]:
    """Give what mounts a small file system at a place, for as long as the test."""
    mounted: list[Path] = []

    def mount(place: Path, size: str) -> None:
        if not small_disk(place, size):
            pytest.skip("file systems cannot be mounted here")
        mounted.append(place)

    yield mount
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


Disk = Callable[[Path, str], None]
BIG = "char large[3000000] = {1};\n"


def full(fork: Fork, place: str, *parts: str, **env: str) -> Ran:
    """Build on a full disk, and hold the failure to its form."""
    ran = fork.script("build", "cpu", CCACHE_DISABLE="1", **env)
    found = f"the disk of {place} is full: "
    assert_message(Ran(ran.code, "", ran.err), 3, found, "iB are free there", f"next: `df -h {place}`", *parts)
    return ran


def test_a_disk_that_is_full_when_an_object_is_written(making: Making, disk: Disk) -> None:
    """The assembler's word becomes: which disk, how much is free, what to type and what can go; then it builds."""
    fork = making(upstream={"util.c": UTIL + BIG})
    build = fork.root / ".forkkeeper/build/cpu"
    disk(build, "2m")
    full(
        fork,
        str(build),
        "build: cpu: compile: the disk of ",
        ".forkkeeper/build/cpu can be deleted at any time (`rm -r .forkkeeper/build/cpu`); then `forkkeeper build cpu`",
    )
    subprocess.run(["mount", "-o", "remount,size=64m", str(build)], check=True)
    assert fork.script("build", "cpu").code == 0


def test_a_disk_that_is_full_when_it_is_linked(making: Making, disk: Disk) -> None:
    """The object has room, the program none."""
    fork = making(upstream={"util.c": UTIL + BIG})
    build = fork.root / ".forkkeeper/build/cpu"
    disk(build, "5m")
    assert "Linking" in full(fork, str(build), "build: cpu: compile: the disk of ").out


@pytest.mark.parametrize("size", ["40k", "100k"])
def test_a_disk_that_is_full_when_it_is_configured(making: Making, disk: Disk, size: str) -> None:
    """CMake says anything but that there was no room."""
    fork = making()
    build = fork.root / ".forkkeeper/build/cpu"
    disk(build, size)
    full(fork, str(build), "build: cpu: configure: the disk of ")


def test_a_disk_that_is_full_when_the_tree_is_written(making: Making, disk: Disk) -> None:
    """Files of the tree that do not fit are no bug of ours."""
    fork = making(upstream={"big.txt": "a line of some length\n" * 10_000})
    build = fork.root / ".forkkeeper/build/cpu"
    disk(build, "64k")
    full(fork, str(build), "build: cpu: the disk of ", "rm -r .forkkeeper/build/cpu")


def test_a_disk_that_is_full_at_the_end(making: Making, disk: Disk) -> None:
    """A build whose stamp has no room is not finished, and says why."""
    fill = 'add_custom_target(fill ALL COMMAND sh -c "dd if=/dev/zero of=fill bs=1k 2> /dev/null || true" VERBATIM)\n'
    fork = making(
        upstream={"CMakeLists.txt": f"{LISTS}{fill}add_dependencies(fill tiny)\n"},
        declared=VARIANT.replace('"tiny"', '"fill"'),
    )
    build = fork.root / ".forkkeeper/build/cpu"
    disk(build, "4m")
    full(fork, str(build), "0 KiB are free there")
    assert_message(fork.run("check", "x", "cpu"), 2, "is not built")


def test_a_disk_of_temporary_files_that_is_full(making: Making, disk: Disk, tmp_path: Path) -> None:
    """The compiler's own files go elsewhere: that disk is named, and the build is not to be deleted for it."""
    place = tmp_path / "temporary"
    fork = making(upstream={"util.c": UTIL + BIG.replace("= {1}", f"= {{{'1,' * 300_000}}}")})
    disk(place, "600k")
    ran = full(fork, str(place), "TMPDIR names another folder for temporary files", TMPDIR=str(place))
    assert "can be deleted" not in ran.err


def test_a_full_disk_of_one_variant_stops_no_other(making: Making, disk: Disk) -> None:
    """The other one is built, and both stand in the table."""
    fork = making(declared=VARIANT + GOOD)
    disk(fork.root / ".forkkeeper/build/cpu", "16k")
    ran = fork.script("build")
    assert ran.code == 3, ran.said
    *_, table = ran.out.partition("\nvariant ")
    assert [line.split()[-1] for line in table.splitlines() if line.startswith("good")] == ["yes"]
    assert "cpu" in table


def test_a_limit_on_the_size_of_files(making: Making) -> None:
    """What `ulimit -f` forbids is told from a full disk."""
    fork = making(upstream={"util.c": UTIL + BIG})
    argv = ["bash", "-c", f"ulimit -f 1000; CCACHE_DISABLE=1 {BIN}/forkkeeper build cpu"]
    done = subprocess.run(argv, cwd=fork.root, capture_output=True, text=True, check=False)
    found = "build: cpu: compile: a file may not grow so large here: "
    assert_message(Ran(done.returncode, "", done.stderr), 3, found, "next: `ulimit -f` shows", "`ulimit -f unlimited`")


def test_a_compiler_that_is_killed(making: Making) -> None:
    """What the system does where memory runs out is told, and how to do with less."""
    lists = f'{LISTS}target_compile_options(tiny PRIVATE -wrapper "sh,-c,kill -9 $$")\n'
    failing(
        making(upstream={"CMakeLists.txt": lists}),
        3,
        "build: cpu: compile: memory ran out, it seems: ",
        "next: `free -h` shows how much there is; ",
        "`CMAKE_BUILD_PARALLEL_LEVEL=1 forkkeeper build cpu`",
    )


def test_a_folder_that_may_not_be_written(making: Making) -> None:
    """What the system refuses is said with the path, and stops no other variant."""
    fork = making(declared=VARIANT + GOOD)
    (fork.root / ".forkkeeper/build").mkdir(parents=True)
    (fork.root / ".forkkeeper/build/cpu").write_text("a file in the way\n")
    ran = fork.script("build")
    assert ran.code == 3, ran.said
    assert "build: cpu: " in ran.out
    assert [line.split()[-1] for line in ran.out.splitlines() if line.startswith("good")] == ["yes"]


# on a terminal ------------------------------------------------------------------------------------------------------


def test_a_terminal_shows_one_status_line_and_then_the_message(making: Making) -> None:
    """Ninja draws its line anew as it does without us, and the failure that it showed is explained below."""
    fork = making(NOTES, BROKEN, overlay={f"extra/e{n}.c": f"int e{n};\n" for n in range(5)})
    ran = screens.on_terminal(fork.root, "build", "cpu", columns=100)
    assert ran.code == 1, ran.said
    assert ran.out.count("\r[") > 3
    assert "\x1b[K" in ran.out
    assert "\x1b[31mFAILED: " in ran.out  # newer ones go on with [code=1]
    assert ran.out.index("FAILED: ") < ran.out.index("build: cpu: compile: main.c:5: ")
    assert "the line is of the patch loud" in ran.out


def test_ctrl_c_in_a_build_leaves_nothing_running(making: Making, tmp_path: Path) -> None:
    """Exit 130 with a sentence; the job under way has ended, and the same command builds later."""
    flag, pid = tmp_path / "go", tmp_path / "pid"
    wait = f"echo $$ > {pid}; while ! test -e {flag}; do sleep 0.1; done"
    rule = f'add_custom_target(waits COMMAND sh -c "{wait}" VERBATIM)\nadd_dependencies(tiny waits)\n'
    fork = making(upstream={"CMakeLists.txt": LISTS + rule})
    argv = [str(BIN / "forkkeeper"), "build", "cpu"]
    with subprocess.Popen(
        argv,
        cwd=fork.root,
        stderr=subprocess.PIPE,
        preexec_fn=heeding,  # noqa: PLW1509 -- no threads here
    ) as child:
        while not pid.exists() or not pid.read_text().endswith("\n"):
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.decode().endswith("interrupted: the next command finishes or undoes what was begun\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    flag.touch()
    assert fork.script("build", "cpu").code == 0


def heeding() -> None:
    """Heed Ctrl-C, also where the tests run in the background: a shell makes its background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
