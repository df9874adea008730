"""What builds share through ccache: between folders, and, through a real Redis on loopback, between machines."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from redis_server import Redis, serving

from forkkeeper.core.ccachelog import Counts
from forkkeeper.core.ids import TreeId
from forkkeeper.core.variants import Variant
from forkkeeper.shell import process
from forkkeeper.stages import build
from forkkeeper.stages.build import Identity

pytestmark = pytest.mark.ccache

IDENTITY = Identity(tree=TreeId("1" * 40), pin="a" * 40, queue="sha256:" + "b" * 64)
CPU = Variant(device="CPU", targets=("hello",), cmake=("-DFORKKEEPER_QUEUE={queue}",))
FILES = {
    # the target is the topmost folder's: CMake's --fresh would remove its objects
    "CMakeLists.txt": """
cmake_minimum_required(VERSION 3.20)
project(tiny C CXX)
configure_file(identity.c.in identity.c)
add_executable(hello hello.cpp greeting.c ${CMAKE_CURRENT_BINARY_DIR}/identity.c)
target_include_directories(hello PRIVATE include)
""",
    "identity.c.in": 'const char * queue = "@FORKKEEPER_QUEUE@";\n',
    "greeting.c": '#include "greeting.h"\nconst char * greeting(void) { return "hello from " __FILE__; }\n',
    "hello.cpp": """
extern "C" {
#include "greeting.h"
extern const char * queue;
}
#include <cassert>
#include <cstdio>
int main() { assert(queue); std::printf("%s|%s\\n", greeting(), queue); }
""",
    "include/greeting.h": "const char * greeting(void);\n",
}
COMPILED = 3  # files, of the two of this project and the one that it generates


@dataclass(frozen=True)
class Machine:
    """A folder with an empty ccache of its own, and a checkout somewhere in it."""

    home: Path
    folder: Path

    def build(self, identity: Identity = IDENTITY, /, **environment: str) -> Counts | None:
        """Build the tiny project here and give what ccache did."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CCACHE_DIR", str(self.home / "ccache"))
            for name, value in environment.items():
                patch.setenv(name, value)
            source, folder = self.folder / "src", self.folder / "build"
            return build.build("cpu", CPU, source=source, build=folder, identity=identity).counts

    def said(self) -> str:
        """Run the program that was built."""
        return process.read((str(self.folder / "build/hello"),)).out.strip()


def checkout(folder: Path) -> Path:
    """Write the tiny project's files."""
    for name, text in FILES.items():
        file = folder / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def machine(home: Path, below: str) -> Machine:
    """Make a machine whose checkout stands at a path below its home."""
    return Machine(home, checkout(home / below))


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's own settings of ccache out; its configuration file is closed off with the home."""
    for name in [name for name in os.environ if name.startswith("CCACHE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def one(tmp_path: Path) -> Machine:
    """Give a machine."""
    return machine(tmp_path / "a", "fork/.forkkeeper/build/cpu")


@pytest.fixture
def other(tmp_path: Path) -> Machine:
    """Give another machine, whose paths are longer."""
    return machine(tmp_path / "another", "home/somebody/checkouts/fork/.forkkeeper/build/cpu")


# one machine --------------------------------------------------------------------------------------------------------


def test_baseline_and_fork_share_what_is_alike(one: Machine) -> None:
    """A tree of the same layout in another folder compiles the one file that differs, and takes the others."""
    assert one.build() == Counts(COMPILED, 0)
    fork = Machine(one.home, checkout(one.home / "fork/.forkkeeper/baseline/cpu"))
    (fork.folder / "src/greeting.c").write_text('const char * greeting(void) { return "good day"; }\n')
    assert fork.build() == Counts(1, COMPILED - 1)


def test_a_new_queue_compiles_the_file_that_says_it(one: Machine) -> None:
    """Another digest is configured anew, and ccache is asked for one file only: the others need not even a hit."""
    one.build()
    built = one.build(replace(IDENTITY, queue="sha256:" + "c" * 64))
    assert built == Counts(1, 0)
    assert one.said().endswith("|sha256:" + "c" * 64)


def test_an_edit_compiles_what_sees_it(one: Machine) -> None:
    """An edited file is compiled, an edited header makes its two users compile, and taking it back costs nothing."""
    one.build()
    source, header = one.folder / "src/greeting.c", one.folder / "src/include/greeting.h"
    source.write_text(FILES["greeting.c"].replace("hello", "good day"))
    assert one.build() == Counts(1, 0)
    header.write_text(FILES["include/greeting.h"] + "extern int day;\n")
    assert one.build() == Counts(2, 0)
    source.write_text(FILES["greeting.c"])
    header.write_text(FILES["include/greeting.h"])
    assert one.build() == Counts(0, 2)


def test_what_ccache_will_not_keep_is_counted_as_compiled(one: Machine) -> None:
    """What ccache was told to make anew, or cannot cache, it has other words for: none is taken for a hit."""
    one.build()
    shutil.rmtree(one.folder / "build")
    assert one.build(CCACHE_RECACHE="1") == Counts(COMPILED, 0)
    shutil.rmtree(one.folder / "build")
    assert one.build(CFLAGS="-save-temps") == Counts(2, 1)


def test_a_checkout_behind_a_symlink_is_built_where_it_is(one: Machine, tmp_path: Path) -> None:
    """Neither the path that was given nor the shell's idea of where it stands gets a symlink into the build."""
    one.build()
    link = tmp_path / "link"
    link.symlink_to(one.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(one.folder)
        built = Machine(one.home, link).build(PWD=str(link))
    assert built == Counts(0, 0)
    for name in ("CMakeCache.txt", "build.ninja"):
        assert str(link) not in (one.folder / "build" / name).read_text()


# A compiler on a processor of its own: here it shows in what -march=native is taken for.
COMPILER = """#!/bin/sh
for word; do
    shift
    case $word in -march=native) word=-DPROCESSOR={processor} ;; esac
    set -- "$@" "$word"
done
exec c++ "$@"
"""
NATIVE = """
cmake_minimum_required(VERSION 3.20)
project(native CXX)
add_executable(hello hello.cpp portable.cpp)
set_source_files_properties(hello.cpp PROPERTIES COMPILE_OPTIONS -march=native)
"""


def native(one: Machine, processor: int) -> Machine:
    """Make a folder of the machine with a file that is compiled for the processor, and one that is not."""
    folder = one.home / f"processor-{processor}" / "cpu"
    source, compiler = folder / "src", folder / "g++"
    source.mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(NATIVE)
    (source / "hello.cpp").write_text('#include <cstdio>\nint main() { std::printf("%d\\n", PROCESSOR); }\n')
    (source / "portable.cpp").write_text("int portable;\n")
    compiler.write_text(COMPILER.format(processor=processor))
    compiler.chmod(0o755)
    return Machine(one.home, folder)


def test_what_another_processor_compiled_for_itself_is_not_taken(one: Machine) -> None:
    """With the same compiler, a file that asks for the processor at hand is compiled for it; the others are shared."""
    same = {"CCACHE_COMPILERCHECK": "none"}
    first, second = native(one, 1), native(one, 2)
    assert first.build(CXX=str(first.folder / "g++"), **same) == Counts(2, 0)
    assert second.build(CXX=str(second.folder / "g++"), **same) == Counts(1, 1)
    assert (first.said(), second.said()) == ("1", "2")
    shutil.rmtree(first.folder / "build")
    assert first.build(CXX=str(first.folder / "g++"), **same) == Counts(0, 2)


# several machines ---------------------------------------------------------------------------------------------------


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """Give a Redis that is up."""
    with serving(tmp_path) as server:
        yield server


@pytest.mark.redis
def test_a_second_machine_compiles_nothing(one: Machine, other: Machine, redis: Redis) -> None:
    """With empty caches of its own and in another place, it takes every result from the first machine's work."""
    assert one.build(CCACHE_REMOTE_STORAGE=redis.url) == Counts(COMPILED, 0)
    assert other.build(CCACHE_REMOTE_STORAGE=redis.url) == Counts(0, COMPILED, COMPILED)
    assert one.said() == other.said()
    # what came from afar is kept: a third build there does not ask the server
    shutil.rmtree(other.folder / "build")
    assert other.build(CCACHE_REMOTE_STORAGE=redis.url) == Counts(0, COMPILED)


@pytest.mark.redis
def test_an_untrusted_machine_reads_and_cannot_write(one: Machine, other: Machine, redis: Redis) -> None:
    """A user of Redis with two commands takes results and puts nothing where others would take it, nor need it try."""
    one.build(CCACHE_REMOTE_STORAGE=redis.url)
    held = redis.ask("DBSIZE")
    assert held != ":0"
    assert redis.ask("ACL SETUSER reader on >hush ~* +get +exists") == "+OK"
    reader = redis.url.replace("redis://", "redis://reader:hush@")
    source = other.folder / "src/greeting.c"
    source.write_text('const char * greeting(void) { return "bad day"; }\n')
    assert other.build(CCACHE_REMOTE_STORAGE=reader) == Counts(1, COMPILED - 1, COMPILED - 1, failed=1)
    source.write_text('const char * greeting(void) { return "worse day"; }\n')
    assert other.build(CCACHE_REMOTE_STORAGE=f"{reader}|read-only") == Counts(1, 0)
    assert redis.ask("DBSIZE") == held


@pytest.mark.redis
def test_a_server_that_is_down_costs_no_build(one: Machine, other: Machine, tmp_path: Path) -> None:
    """With nobody at the address the build is made all the same, and says truly that it compiled everything."""
    with serving(tmp_path) as redis:
        one.build(CCACHE_REMOTE_STORAGE=redis.url)
    assert other.build(CCACHE_REMOTE_STORAGE=redis.url) == Counts(COMPILED, 0, failed=COMPILED)
    assert other.said() == one.said()
