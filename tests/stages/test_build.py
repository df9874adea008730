"""Configuring and building, with a tiny project and the real CMake, Ninja and compiler."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core.ccachelog import Counts
from forkkeeper.core.ids import TreeId
from forkkeeper.core.variants import Variant
from forkkeeper.errors import OutsideError, RequestError
from forkkeeper.shell import process
from forkkeeper.stages import build
from forkkeeper.stages.build import Freshness, Identity, StepError, Tools

IDENTITY = Identity(tree=TreeId("1" * 40), pin="a" * 40, queue="b" * 64)
OTHER = Identity(tree=TreeId("2" * 40), pin="a" * 40, queue="b" * 64)
TOOLS = Tools(cmake="/bin/cmake", ninja="/bin/ninja", ccache="/bin/ccache")
BARE = Tools(cmake="/bin/cmake", ninja="/bin/ninja", ccache=None)
CPU = Variant(device="CPU", targets=("hello",), cmake=("-DFORKKEEPER_PIN={pin}", "-DGREETING=hi"))

LISTS = """
cmake_minimum_required(VERSION 3.24)
project(tiny CXX)
add_executable(hello hello.cpp)
target_compile_definitions(hello PRIVATE PIN="${FORKKEEPER_PIN}" GREETING="${GREETING}")
add_executable(unwanted unwanted.cpp)
"""
HELLO = '#include <cstdio>\nint main() { std::puts(GREETING " " PIN); }\n'


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Give a variant's folder whose `src` is a project of one wanted and one broken program."""
    source = tmp_path / "cpu" / "src"
    source.mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(LISTS)
    (source / "hello.cpp").write_text(HELLO)
    (source / "unwanted.cpp").write_text("this is not C++\n")
    return tmp_path / "cpu"


@pytest.fixture(autouse=True)
def own_ccache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep ccache's files inside the test, so that counts repeat."""
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache"))
    monkeypatch.delenv("CCACHE_DISABLE", raising=False)


def make(tiny: Path, variant: Variant = CPU, identity: Identity = IDENTITY) -> build.Built:
    """Build the tiny project."""
    return build.build("cpu", variant, source=tiny / "src", build=tiny / "build", identity=identity)


def state(tiny: Path, variant: Variant = CPU, identity: Identity = IDENTITY) -> Freshness:
    """Say what the tiny project's build folder holds."""
    return build.freshness(variant, build=tiny / "build", identity=identity)


def said(tiny: Path) -> str:
    """Run the program that was built."""
    return process.read((str(tiny / "build/hello"),)).out.strip()


def test_builds_the_targets_and_only_those(tiny: Path) -> None:
    """The wanted program runs with the options' values in it; the broken one was never compiled."""
    built = make(tiny)
    assert said(tiny) == f"hi {'a' * 40}"
    assert (built.variant, built.build, built.tree) == ("cpu", tiny / "build", IDENTITY.tree)
    assert built.seconds > 0


def test_a_finished_build_is_present_for_its_tree_only(tiny: Path) -> None:
    """The stamp tells the present tree, another tree, other options and no build apart."""
    assert state(tiny) is Freshness.ABSENT
    make(tiny)
    assert state(tiny) is Freshness.PRESENT
    assert state(tiny, identity=OTHER) is Freshness.STALE
    assert state(tiny, Variant(device="CPU", targets=("hello",))) is Freshness.STALE


def test_an_option_that_was_dropped_is_forgotten(tiny: Path) -> None:
    """CMake's cache would keep GREETING; a changed option list configures anew."""
    make(tiny)
    make(tiny, Variant(device="CPU", targets=("hello",), cmake=("-DFORKKEEPER_PIN={pin}",)))
    assert said(tiny) == "a" * 40


def test_a_default_that_the_tree_changed_is_taken(tiny: Path) -> None:
    """CMake's cache would keep the old default of an option; another tree configures anew."""
    lists = LISTS.replace("${GREETING}", "${LOUD}").replace("CXX)\n", "CXX)\noption(LOUD doc ON)\n")
    (tiny / "src/CMakeLists.txt").write_text(lists)
    make(tiny)
    assert said(tiny).startswith("ON ")
    (tiny / "src/CMakeLists.txt").write_text(lists.replace("doc ON", "doc OFF"))
    make(tiny, identity=OTHER)
    assert said(tiny).startswith("OFF ")


def test_a_failing_compile_names_step_status_and_command(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The compiler speaks on the terminal; the error says what to type to see it again; no stamp is left."""
    make(tiny)
    (tiny / "src/hello.cpp").write_text("int main() { return nonsense; }\n")
    with pytest.raises(OutsideError) as caught:
        make(tiny, identity=OTHER)
    assert caught.value.thing == "cpu: compile"
    assert caught.value.found.startswith("exit status 1;")
    assert f"--build {tiny / 'build'} --target hello" in caught.value.hint
    captured = capfd.readouterr()
    assert "nonsense" in captured.out + captured.err
    assert state(tiny) is Freshness.ABSENT


def test_a_failing_step_keeps_what_was_said(tiny: Path) -> None:
    """The compiler's words are there to be explained, with the step and the variant."""
    (tiny / "src/hello.cpp").write_text("int main() { return nonsense; }\n")
    with pytest.raises(StepError) as caught:
        make(tiny)
    assert (caught.value.variant, caught.value.what) == ("cpu", "compile")
    assert "src/hello.cpp:1:" in caught.value.said
    assert "nonsense" in caught.value.said


def test_an_option_that_nothing_uses_is_refused_before_anything_is_compiled(tiny: Path) -> None:
    """Those that fork.toml sets are named by their fields; no stamp is left, so it is refused again."""
    variant = Variant(device="CPU", targets=("hello",), cmake=(*CPU.cmake, "-DGREETNG=hello", "-DKIT=1"))
    fields = {"GREETNG": "variant.cpu.cmake", "FORKKEEPER_PIN": "build.cmake"}
    (tiny / "src/CMakeLists.txt").write_text(LISTS.replace("project(tiny CXX)", f"project(tiny CXX)\n{OPTION}"))
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            build.build("cpu", variant, source=tiny / "src", build=tiny / "build", identity=IDENTITY, fields=fields)
        assert caught.value.thing == "cpu: fork.toml"
        assert caught.value.found == (
            "variant.cpu.cmake sets GREETNG, which the fork's CMake files do not use; is it GREETING now?"
        )
        assert state(tiny) is Freshness.ABSENT
        assert not (tiny / "build/hello").exists()
    make(tiny, variant)
    assert said(tiny).startswith("hi")


OPTION = 'set(GREETING "" CACHE STRING "what it says")'


def test_a_default_that_upstream_changed_is_taken(tiny: Path) -> None:
    """CMake's cache would keep the old default, and the same inputs would give two builds."""
    bare = Variant(device="CPU", targets=("hello",))
    lists = LISTS.replace("project(tiny CXX)", f"project(tiny CXX)\n{OPTION}")
    (tiny / "src/CMakeLists.txt").write_text(lists.replace('""', '"old"', 1))
    make(tiny, bare)
    assert said(tiny) == "old"
    (tiny / "src/CMakeLists.txt").write_text(lists.replace('""', '"new"', 1))
    make(tiny, bare, OTHER)
    assert said(tiny) == "new"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"LANG": "C.UTF-8"}, {}),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, {}),
        ({"LANG": "en_GB.UTF-8", "LC_TIME": "de_DE.UTF-8"}, {}),
        ({"LANG": "de_DE.UTF-8"}, {"LC_MESSAGES": "C", "LC_CTYPE": "de_DE.UTF-8"}),
        ({"LC_ALL": "fr_FR.UTF-8", "LANG": "C"}, {"LC_ALL": "", "LC_MESSAGES": "C", "LC_CTYPE": "fr_FR.UTF-8"}),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:en"}, {"LANGUAGE": "", "LC_MESSAGES": "C"}),
    ],
)
def test_programs_speak_english(before: dict[str, str], after: dict[str, str]) -> None:
    """What they say is read; where they speak it already, nothing is set that would make ccache forget its results."""
    env = build.environment(before, Path("/v/src"), Path("/v/build"), BARE)
    assert {name: env[name] for name in after} == after
    if not after:
        assert {name: value for name, value in env.items() if name.startswith("L")} == before


def test_a_failing_configure_names_its_step(tiny: Path) -> None:
    """A project that refuses its options fails in configure, not in compile."""
    (tiny / "src/CMakeLists.txt").write_text('message(FATAL_ERROR "needs a GPU")\n')
    with pytest.raises(OutsideError) as caught:
        make(tiny)
    assert caught.value.thing == "cpu: configure"


def test_a_compiler_that_crashes_is_an_outside_failure(tiny: Path) -> None:
    """CMake killed by a signal is named with the signal."""
    (tiny / "src/CMakeLists.txt").write_text(
        LISTS + 'execute_process(COMMAND sh -c "kill -KILL $PPID")\n'  # the parent is CMake itself
    )
    with pytest.raises(OutsideError) as caught:
        make(tiny)
    assert "SIGKILL" in caught.value.found


def test_a_second_build_compiles_nothing(tiny: Path) -> None:
    """Objects stay between builds; only what changed is compiled."""
    make(tiny)
    again = make(tiny)
    assert again.counts in {Counts(0, 0), None}  # None: no ccache here to count


def test_two_checkouts_share_the_cache(tiny: Path, tmp_path: Path) -> None:
    """The same layout elsewhere takes its object from ccache, where ccache is installed."""
    make(tiny)
    shutil.copytree(tiny / "src", tmp_path / "else" / "cpu" / "src")
    built = make(tmp_path / "else" / "cpu")
    assert built.counts == (Counts(0, 1) if shutil.which("ccache") else None)


def test_an_unreadable_stamp_is_no_build(tiny: Path) -> None:
    """A stamp of another form is as good as none."""
    make(tiny)
    (tiny / "build" / build.STAMP).write_text('{"tree": 3}')
    assert state(tiny) is Freshness.ABSENT


def test_missing_tools_are_all_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One message names everything that lacks and what to type for it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(OutsideError) as caught:
        build.find_tools(CPU, {"PATH": str(tmp_path)})
    assert caught.value.thing == "cmake, ninja, a C++ compiler"
    assert caught.value.hint.count("pip install cmake ninja") == 1
    assert "apt install g++" in caught.value.hint


def test_tools_are_found_beside_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`pip install cmake ninja` suffices without the environment being activated."""
    for name in ("cmake", "ninja", "c++"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    tools = build.find_tools(CPU, {"PATH": str(tmp_path / "nowhere")})
    assert tools == Tools(str(tmp_path / "cmake"), str(tmp_path / "ninja"), None)


def test_a_disabled_ccache_is_no_ccache(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CCACHE_DISABLE set nothing is cached, and no count of it is made up."""
    monkeypatch.setenv("CCACHE_DISABLE", "1")
    built = make(tiny)
    assert built.counts is None


def test_a_variants_own_compiler_is_not_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A toolchain file or a named compiler replaces the search."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    own = Variant(device="CPU", targets=(), cmake=("-DCMAKE_CXX_COMPILER=/opt/c++",))
    with pytest.raises(OutsideError) as caught:
        build.find_tools(own, {"PATH": str(tmp_path)})
    assert caught.value.thing == "cmake, ninja"


def test_a_compiler_named_by_the_environment_must_exist() -> None:
    """CXX names the compiler, with or without options after it."""
    with pytest.raises(OutsideError, match="a C\\+\\+ compiler"):
        build.find_tools(CPU, {"PATH": os.environ["PATH"], "CXX": "no-such-compiler -m64"})


def test_the_configure_command() -> None:
    """Ninja, Release, ccache, and last, so that they win, the variant's own options with the pin filled in."""
    argv = build.configure_argv(CPU, Path("/v/src"), Path("/v/build"), IDENTITY, TOOLS)
    assert argv == (
        *("/bin/cmake", "-S", "/v/src", "-B", "/v/build", "-G", "Ninja"),
        *("-DCMAKE_MAKE_PROGRAM=/bin/ninja", "-DCMAKE_BUILD_TYPE=Release"),
        *("-DCMAKE_C_COMPILER_LAUNCHER=/bin/ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=/bin/ccache"),
        *(f"-DFORKKEEPER_PIN={'a' * 40}", "-DGREETING=hi"),
    )


def test_a_tree_that_is_not_the_whole_fork_need_not_know_every_option(
    tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """CMake speaks of an option that nothing uses when it builds the fork, and does not for the baseline."""
    variant = Variant(device="CPU", targets=("hello",), cmake=("-DOF_A_PATCH=1", "-DGREETING=hi"))
    build.build("cpu", variant, source=tiny / "src", build=tiny / "build", identity=IDENTITY)
    assert "OF_A_PATCH" not in "".join(capfd.readouterr())
    assert said(tiny) == "hi"


def test_no_ccache_no_launcher() -> None:
    """Without ccache neither command nor environment speaks of it."""
    argv = build.configure_argv(CPU, Path("/v/src"), Path("/v/build"), IDENTITY, BARE)
    env = build.environment({"PATH": "/bin"}, Path("/v/src"), Path("/v/build"), BARE)
    assert not [word for word in (*argv, *env) if "CCACHE" in word or "LAUNCHER" in word]


def test_the_compile_command() -> None:
    """The targets that the variant names; all of them when it names none."""
    assert build.compile_argv(CPU.targets, Path("/b"), TOOLS) == ("/bin/cmake", "--build", "/b", "--target", "hello")
    assert build.compile_argv((), Path("/b"), TOOLS) == ("/bin/cmake", "--build", "/b")


def test_the_environment_keeps_git_inside_the_source() -> None:
    """No GIT_ variable comes through, and a version script cannot find the fork's own repository."""
    given = {"PATH": "/bin", "GIT_DIR": "/x", "PWD": "/symlink"}
    env = build.environment(given, Path("/v/src"), Path("/v/build"), TOOLS)
    assert env["PATH"] == "/bin"
    assert "GIT_DIR" not in env
    assert "PWD" not in env  # what CMake before 4 takes for the source's own path
    assert env["GIT_CEILING_DIRECTORIES"] == env["CCACHE_BASEDIR"] == "/v"


def test_an_unknown_placeholder_is_a_wrong_request() -> None:
    """{pins} is refused with the names that exist; CMake's own ${...} is left alone."""
    with pytest.raises(RequestError, match=r"unknown placeholder \{pins\}"):
        build.fill(("-DX={pins}",), IDENTITY)
    assert build.fill(("-DX=${pins}", "-DY={queue}"), IDENTITY) == ("-DX=${pins}", f"-DY={'b' * 64}")


@given(st.lists(st.text(st.characters(blacklist_characters="{}"))))
def test_options_without_placeholders_stay_as_they_are(options: list[str]) -> None:
    """Filling changes nothing but placeholders."""
    assert build.fill(tuple(options), IDENTITY) == tuple(options)
