"""Reading what failing builds say; the texts are what the named programs print, cut to what counts."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import compilerreport
from forkkeeper.core.compilerreport import Doubled, Failure, Full, Killed, Place, Refused, TooLarge, Undefined

NINJA = """[1/2] Building C object CMakeFiles/tiny.dir/main.c.o
FAILED: CMakeFiles/tiny.dir/main.c.o 
/usr/bin/ccache /usr/bin/cc -O3 -o CMakeFiles/tiny.dir/main.c.o -c ../src/main.c
{}
ninja: build stopped: subcommand failed.
"""  # noqa: W291 -- as Ninja writes it
GCC = """../src/main.c: In function ‘main’:
../src/main.c:4:9: warning: unused variable ‘unused’ [-Wunused-variable]
    4 |     int unused;
      |         ^~~~~~
../src/main.c:5:12: error: ‘nonsense’ undeclared (first use in this function)
    5 |     return nonsense;
      |            ^~~~~~~~
../src/main.c:5:12: note: each undeclared identifier is reported only once for each function it appears in
../src/main.c:9:1: error: expected ‘;’ before ‘}’ token
"""
GCC_COLOURED = (
    "\x1b[01m\x1b[K../src/main.c:5:12:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kunused variable ‘\x1b[01m\x1b[K"
    "x\x1b[m\x1b[K’ [\x1b[01;31m\x1b[K\x1b]8;;https://gcc.gnu.org/onlinedocs/gcc/Warning-Options.html\x07"
    "-Werror=unused-variable\x1b]8;;\x07\x1b[m\x1b[K]\r\n"
)
GCC_HEADER = """In file included from ../src/a.c:1:
../src/bad.h: In function ‘bad’:
../src/bad.h:2:24: error: ‘no’ undeclared (first use in this function)
"""
GCC_CRASH = """../src/a.cpp:7:3: internal compiler error: Segmentation fault
Please submit a full bug report, with preprocessed source (by using -freport-bug).
"""
CLANG = """\x1b[1m./bad.h:2:24: \x1b[0m\x1b[0;1;31merror: \x1b[0m\x1b[1muse of undeclared identifier 'no'\x1b[0m
int bad(void) { return no; }
\x1b[0;1;32m                       ^
\x1b[0m1 error generated.
"""
CLANG_MISSING = """b.cpp:2:10: fatal error: 'missing.h' file not found
#include "missing.h"
         ^~~~~~~~~~~
1 error generated.
"""
NVCC = """ggml-cuda/mmq.cu(12): error: identifier "x" is undefined
  __attribute__((global)) void k() { x = 3; }
                                     ^

2 errors detected in the compilation of "ggml-cuda/mmq.cu".
"""
NVCC_NUMBERED = 'a.cu(3): error #20012-D: a "__device__" function cannot do this\n'
NVCC_MISSING = 'a.cu(4): catastrophic error: cannot open source file "x.h"\n'
ASSEMBLER = """/t/ccYY.s: Assembler messages:
/t/ccYY.s:12: Error: no such instruction: `vdpbf16ps %zmm0'
"""
GLSLC = "../src/vulkan-shaders/add.comp:12: error: 'x' : undeclared identifier\n"
GLSLANG = "ERROR: add.comp:12: 'x' : undeclared identifier\n"

LD = """/usr/bin/ld: CMakeFiles/tiny.dir/sub/c.cpp.o: warning: relocation against `_ZTV1S' in read-only section `.text'
/usr/bin/ld: CMakeFiles/tiny.dir/sub/c.cpp.o: in function `main':
c.cpp:(.text+0xc): undefined reference to `foo(int)'
/usr/bin/ld: c.cpp:(.text+0x29): undefined reference to `S::~S()'
collect2: error: ld returned 1 exit status
"""
LD_DEBUG = """/usr/bin/ld: cg.o: in function `main':
/v/src/c.cpp:2: undefined reference to `vtable for S'
collect2: error: ld returned 1 exit status
"""
LD_LIBRARY = "/usr/bin/ld: libllama.so: undefined reference to `ggml_new'\n"
LD_ARCHIVE = """/usr/bin/ld: ggml/src/libggml-cpu.a(ops.cpp.o): in function `f':
ops.cpp:(.text+0x1): undefined reference to `g'
"""
GOLD = """c.o:c.cpp:function main: error: undefined reference to 'foo(int)'
/usr/bin/ld.gold: the vtable symbol may be undefined because the class is missing its key function
collect2: error: ld returned 1 exit status
"""
LLD = """ld.lld: error: undefined symbol: foo(int)
>>> referenced by c.cpp
>>>               CMakeFiles/tiny.dir/c.cpp.o:(main)

clang: error: linker command failed with exit code 1 (use -v to see invocation)
"""
LLD_DEBUG = """mold: error: undefined symbol: foo
>>> referenced by c.cpp:2 (/v/src/c.cpp:2)
>>>               c.o:(main)
"""
APPLE = """Undefined symbols for architecture arm64:
  "_foo", referenced from:
      _main in main.o
ld: symbol(s) not found for architecture arm64
clang: error: linker command failed with exit code 1 (use -v to see invocation)
"""
NVLINK = "nvlink error   : Undefined reference to 'foo' in 'a.o'\n"
DOUBLED = """/usr/bin/ld: CMakeFiles/t.dir/m2.cpp.o: in function `foo(int)':
m2.cpp:(.text+0x0): multiple definition of `foo(int)'; CMakeFiles/t.dir/m1.cpp.o:m1.cpp:(.text+0x0): first defined here
"""
DOUBLED_LLD = """ld.lld: error: duplicate symbol: foo(int)
>>> defined at m1.cpp
>>>            m1.o:(foo(int))
>>> defined at m2.cpp
>>>            m2.o:(.text+0x0)
"""

CMAKE = """-- Detecting C compile features - done
CMake Error at sub/CMakeLists.txt:2 (message):
  LLAMA_CUDA is deprecated and will be removed in the future.

    Use GGML_CUDA instead

Call Stack (most recent call first):
  sub/CMakeLists.txt:4 (llama_option_depr)
  CMakeLists.txt:9 (include)


-- Configuring incomplete, errors occurred!
See also "/v/build/CMakeFiles/CMakeOutput.log".
"""
CMAKE_MODULE = """CMake Error at /usr/share/cmake-3.25/Modules/FindPackageHandleStandardArgs.cmake:230 (message):
  Could NOT find Vulkan (missing: Vulkan_LIBRARY)
Call Stack (most recent call first):
  ggml/src/ggml-vulkan/CMakeLists.txt:7 (find_package)
"""
CMAKE_PARSE = """CMake Error at sub/CMakeLists.txt:1:
  Parse error.  Function missing ending ")".  End of file reached.
"""
CMAKE_BARE = 'CMake Error: The source directory "/v/src" does not appear to contain CMakeLists.txt.\nSpecify --help.\n'
CMAKE_TRIED = """CMake Error at /usr/share/cmake-3.25/Modules/CMakeTestCCompiler.cmake:70 (message):
  The C compiler

    "/usr/bin/a-name-as-long-as-those-of-tool-chains-are/x86_64-linux-gnu-gcc-12"

  is not able to compile a simple test program.

  It fails with the following output:

    Change Dir: /v/build/CMakeFiles/CMakeScratch/TryCompile-ojhH20

    Run Build Command(s):/usr/bin/ninja cmTC_524ac && [1/2] Building C object CMakeFiles/cmTC_524ac.dir/t.c.o
    FAILED: CMakeFiles/cmTC_524ac.dir/t.c.o
    /usr/bin/cc: error: unrecognized command-line option '-fno'
    ninja: build stopped: subcommand failed.



  CMake will not be able to correctly generate this project.
Call Stack (most recent call first):
  CMakeLists.txt:2 (project)
"""
CMAKE_NO_COMPILER = """CMake Error at CMakeLists.txt:2 (project):
  No CMAKE_C_COMPILER could be found.

  Tell CMake where to find the compiler by setting either the environment
  variable "CC" or the CMake cache entry CMAKE_C_COMPILER to the full path to
  the compiler, or to the compiler name if it is in the PATH.


-- Configuring incomplete, errors occurred!
"""
CMAKE_NO_PACKAGE = """CMake Error at CMakeLists.txt:11 (find_package):
  By not providing "FindPNGX.cmake" in CMAKE_MODULE_PATH this project has
  asked CMake to find a package configuration file provided by "PNGX", but
  CMake did not find one.

  Could not find a package configuration file provided by "PNGX" with any of
  the following names:

    PNGXConfig.cmake
"""
CMAKE_NO_FILE = """CMake Error at sub/CMakeLists.txt:1 (add_executable):
  Cannot find source file:

    nofile.c


CMake Error at sub/CMakeLists.txt:1 (add_executable):
  No SOURCES given to target: x
"""

TABLE: list[tuple[str, Failure | None]] = [
    (GCC, Refused((Place("../src/main.c", 5),), "‘nonsense’ undeclared (first use in this function)")),
    (GCC_COLOURED, Refused((Place("../src/main.c", 5),), "unused variable ‘x’ [-Werror=unused-variable]")),
    (GCC_HEADER, Refused((Place("../src/bad.h", 2),), "‘no’ undeclared (first use in this function)")),
    (GCC_CRASH, Refused((Place("../src/a.cpp", 7),), "internal compiler error: Segmentation fault")),
    ("a.c:3: error: without a column\n", Refused((Place("a.c", 3),), "without a column")),
    (CLANG, Refused((Place("./bad.h", 2),), "use of undeclared identifier 'no'")),
    (CLANG_MISSING, Refused((Place("b.cpp", 2),), "'missing.h' file not found")),
    (NVCC, Refused((Place("ggml-cuda/mmq.cu", 12),), 'identifier "x" is undefined')),
    (NVCC_NUMBERED, Refused((Place("a.cu", 3),), 'a "__device__" function cannot do this')),
    (NVCC_MISSING, Refused((Place("a.cu", 4),), 'cannot open source file "x.h"')),
    (ASSEMBLER, Refused((Place("/t/ccYY.s", 12),), "no such instruction: `vdpbf16ps %zmm0'")),
    (GLSLC, Refused((Place("../src/vulkan-shaders/add.comp", 12),), "'x' : undeclared identifier")),
    (GLSLANG, Refused((Place("add.comp", 12),), "'x' : undeclared identifier")),
    (LD, Undefined("foo(int)", Place("sub/c.cpp", 0))),
    (LD_DEBUG, Undefined("vtable for S", Place("/v/src/c.cpp", 2))),
    (LD_LIBRARY, Undefined("ggml_new", Place("libllama.so", 0))),
    (LD_ARCHIVE, Undefined("g", Place("ops.cpp", 0))),
    (GOLD, Undefined("foo(int)", Place("c.o", 0))),
    (LLD, Undefined("foo(int)", Place("c.cpp", 0))),
    (LLD_DEBUG, Undefined("foo", Place("/v/src/c.cpp", 2))),
    (APPLE, Undefined("foo", None)),
    (NVLINK, Undefined("foo", Place("a.o", 0))),
    (DOUBLED, Doubled("foo(int)", (Place("m2.cpp", 0), Place("m1.cpp", 0)))),
    (DOUBLED_LLD, Doubled("foo(int)", (Place("m1.o", 0), Place("m2.o", 0)))),
    (
        CMAKE,
        Refused(
            (Place("sub/CMakeLists.txt", 2), Place("sub/CMakeLists.txt", 4), Place("CMakeLists.txt", 9)),
            "LLAMA_CUDA is deprecated and will be removed in the future. Use GGML_CUDA instead",
        ),
    ),
    (
        CMAKE_MODULE,
        Refused(
            (
                Place("/usr/share/cmake-3.25/Modules/FindPackageHandleStandardArgs.cmake", 230),
                Place("ggml/src/ggml-vulkan/CMakeLists.txt", 7),
            ),
            "Could NOT find Vulkan (missing: Vulkan_LIBRARY)",
        ),
    ),
    (
        CMAKE_PARSE,
        Refused((Place("sub/CMakeLists.txt", 1),), 'Parse error. Function missing ending ")". End of file reached.'),
    ),
    (CMAKE_BARE, Refused((), 'The source directory "/v/src" does not appear to contain CMakeLists.txt.')),
    (
        CMAKE_TRIED,
        Refused(
            (Place("/usr/share/cmake-3.25/Modules/CMakeTestCCompiler.cmake", 70), Place("CMakeLists.txt", 2)),
            'The C compiler "/usr/bin/a-name-as-long-as-those-of-tool-chains-are/x86_64-linux-gnu-gcc-12" is not able '
            "to compile a simple test program. "
            "cc: unrecognized command-line option '-fno'",
        ),
    ),
    (CMAKE_NO_COMPILER, Refused((Place("CMakeLists.txt", 2),), "No CMAKE_C_COMPILER could be found.")),
    (
        CMAKE_NO_PACKAGE,
        Refused(
            (Place("CMakeLists.txt", 11),),
            'By not providing "FindPNGX.cmake" in CMAKE_MODULE_PATH this project has asked CMake to find a package '
            'configuration file provided by "PNGX", but CMake did not find one.',
        ),
    ),
    (CMAKE_NO_FILE, Refused((Place("sub/CMakeLists.txt", 1),), "Cannot find source file: nofile.c")),
    ("gcc: error: unrecognized command-line option ‘-x’\n", Refused((), "gcc: unrecognized command-line option ‘-x’")),
    ("nvcc fatal   : Unsupported gpu architecture\n", Refused((), "nvcc: Unsupported gpu architecture")),
    (
        "/usr/bin/ld: cannot find -lnope: No such file or directory\ncollect2: error: ld returned 1 exit status\n",
        Refused((), "ld: cannot find -lnope: No such file or directory"),
    ),
    ("ld.lld: error: unable to find library -lnope\n", Refused((), "ld.lld: unable to find library -lnope")),
    (
        "ninja: error: 'x.c', needed by 'x.o', missing and no known rule to make it\n",
        Refused((), "ninja: 'x.c', needed by 'x.o', missing and no known rule to make it"),
    ),
    ("FAILED: x\nsomething of a form that nobody knows\nninja: build stopped: subcommand failed.\n", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "failure"), TABLE)
def test_each_form_is_read(text: str, failure: Failure | None) -> None:
    """The first failure is found with its place and words, alone and within what Ninja writes around it."""
    assert compilerreport.read(text) == failure
    if not text.startswith(("--", "CMake", "ninja", "FAILED")) and failure is not None:
        assert compilerreport.read(NINJA.format(text)) == failure


FULL = [
    (
        "/t/ccE.s: Assembler messages:\n/t/ccE.s: Fatal error: can't fill 256 bytes in section .data of "
        "/v/build/big.o: 'No space left on device'\n",
        "/v/build/big.o",
    ),
    ("{standard input}: Fatal error: can't fill 9 bytes in section .data of x.o: 'No space left on device'\n", ""),
    ("a.c:9:1: fatal error: error writing to /t/ccZ.s: No space left on device\n", "/t/ccZ.s"),
    ("/usr/bin/ld: final link failed: No space left on device\ncollect2: error: ld returned 1 exit status\n", ""),
    ("/usr/bin/ld.gold: fatal error: /v/build/big: No space left on device\n", "/v/build/big"),
    ("ar: /v/build/l.a: No space left on device\n", "/v/build/l.a"),
    ("fatal error: error in backend: IO failure on output stream: No space left on device\n", ""),
    ("ninja: fatal: writing build log: No space left on device\n", ""),
    ("CMake Error: Cannot write /v/build/x: Disk quota exceeded.\n", "/v/build/x"),
]


@pytest.mark.parametrize(("text", "path"), FULL)
def test_a_full_disk_is_seen_in_the_words_of_every_tool(text: str, path: str) -> None:
    """It counts before anything else that was said, and the file is given where one was named whole."""
    failure = compilerreport.read(f"a.c:1:1: error: what comes of half a header\n{text}")
    assert isinstance(failure, Full)
    assert failure.path == path


def test_a_full_disk_in_somebody_s_code_is_none() -> None:
    """A compiler that shows a line with these words in a string speaks of no disk."""
    text = 'a.c:2:1: error: x\n    2 |  die("No space left on device");\n'
    assert compilerreport.read(text) == Refused((Place("a.c", 2),), "x")


@pytest.mark.parametrize(
    "text",
    [
        "gcc: internal compiler error: File size limit exceeded signal terminated program as\n",
        "collect2: fatal error: ld terminated with signal 25 [File size limit exceeded]\n",
        "/usr/bin/ld: final link failed: File too large\n",
    ],
)
def test_a_limit_on_files_is_told_from_a_full_disk(text: str) -> None:
    """What `ulimit -f` forbids is not mended by making room."""
    assert isinstance(compilerreport.read(text), TooLarge)


@pytest.mark.parametrize(
    "text",
    [
        "c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\n",
        "g++: internal compiler error: Killed (program cc1plus)\n",
        "clang: error: unable to execute command: Killed\n",
        "nvcc error   : 'cicc' died due to signal 9 (Kill signal)\n",
        "collect2: fatal error: ld terminated with signal 9 [Killed]\n",
        "cc1plus: out of memory allocating 65536 bytes after a total of 1 bytes\n",
        "virtual memory exhausted: Cannot allocate memory\n",
    ],
)
def test_a_killed_compiler_is_seen(text: str) -> None:
    """The system takes the memory back by killing, and each compiler tells of it in its own words."""
    assert isinstance(compilerreport.read(NINJA.format(text)), Killed)


def test_a_place_is_named_from_the_root_of_the_tree() -> None:
    """Whole paths, paths from the build's folder and CMake's from the source's are one; others are not of the tree."""
    folders = {"source": "/v/src", "build": "/v/build"}
    for path in ("/v/src/a/b.c", "../src/a/b.c", "a/b.c", "/v/build/../src/./a/b.c"):
        assert compilerreport.inside(Place(path, 1), **folders) == "a/b.c"
    for path in ("/usr/include/x.h", "/v/build/made.c", "../../etc/x", "/v/srcs/a.c"):
        assert compilerreport.inside(Place(path, 1), **folders) is None


def test_what_cmake_warns_of_is_read() -> None:
    """Each warning is given once, whatever kind it is."""
    text = """CMake Warning at CMakeLists.txt:153 (message):
  LLAMA_CUDA is deprecated, use GGML_CUDA instead
Call Stack (most recent call first):
  CMakeLists.txt:162 (llama_option_depr)


-- ccache found
CMake Deprecation Warning at vendor/CMakeLists.txt:1 (cmake_minimum_required):
  Compatibility with CMake < 3.5 will be removed.

CMake Warning at CMakeLists.txt:200 (message):
  LLAMA_CUDA is deprecated, use GGML_CUDA instead
"""
    expected = ("LLAMA_CUDA is deprecated, use GGML_CUDA instead", "Compatibility with CMake < 3.5 will be removed.")
    assert compilerreport.warnings(text) == expected


def test_long_words_are_cut() -> None:
    """A template's name of a thousand characters does not fill the screen."""
    failure = compilerreport.read(f"a.c:1:1: error: {'x' * 5000}\n")
    assert isinstance(failure, Refused)
    assert len(failure.message) < 310


@given(st.text())
def test_anything_can_be_read(text: str) -> None:
    """No text makes the reading fail, whatever a program prints."""
    compilerreport.read(text)
    compilerreport.read(f"CMake Error{text}")
    compilerreport.read(f"/usr/bin/ld: x: undefined reference to `{text}'")
    compilerreport.names(text)
