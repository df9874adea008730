"""The step that makes C++ of Metal's shaders: what it writes, where, and that it stops at what it does not know.

The texts are as the preprocessor gives them. test_metal_upstream.py asks the same of upstream's own shaders.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from metal_source.declarations import What, declarations, reachable
from metal_source.extracting import DEVICE, FORMS, extract
from metal_source.faults import UnknownConstructError
from metal_source.kernels import POSITIONS, Kernel, kernels
from metal_source.lexing import tokens
from metal_source.meetings import Meetings, meetings_of
from metal_source.rewriting import text_of
from metal_source.units import Unit, units

ROOT = Path(__file__).parents[2]
SHADER, SOURCE = ROOT / "native/metal/shader", ROOT / "native/metal/source"
FILE = "kernels/small.metal"


def _kernels(text: str) -> list[Kernel]:
    return kernels(declarations(tokens(f'# 1 "{FILE}"\n{text}\n')))


def _units(text: str) -> list[Unit]:
    found = declarations(tokens(f'# 1 "{FILE}"\n{text}\n'))
    return units("small", found, kernels(found))


def _written(text: str) -> str:
    """Give the C++ of declarations, in one line and without the places."""
    found = declarations(tokens(f'# 1 "{FILE}"\n{text}\n'))
    return " ".join(re.sub(r"\n#line .*\n", " ", "".join(text_of(each, meetings_of(found)) for each in found)).split())


def _taken(text: str, *roots: str) -> set[str]:
    """Give the names that are declared in what some names need."""
    found = reachable(roots, declarations(tokens(text)))
    return {name for each in found for name in each.names}


# what is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metal", "cpp"),
    [
        ("1.5", "1.5f"),
        ("1.", "1.f"),
        (".5e-3", ".5e-3f"),
        ("2e8", "2e8f"),
        ("0x1.8p-3", "0x1.8p-3f"),
        ("1.5f", "1.5f"),
        ("1.5F", "1.5F"),
        ("1.5h", "half(1.5f)"),
        ("1h", "half(1.0f)"),
        ("65504.0H", "half(65504.0f)"),
        ("1e-4h", "half(1e-4f)"),
        ("2bf", "bfloat(2.0f)"),
        ("0x1e5", "0x1e5"),
        ("0xfh", "0xfh"),  # no literal of Metal's: the compiler refuses it
        ("17u", "17u"),
        ("1ul", "1ul"),
    ],
)
def test_a_literal_has_metals_type(metal: str, cpp: str) -> None:
    """Without suffix a floating literal is a float, with h a half; integers stay."""
    assert _written(f"constant auto a = {metal};") == f"const auto a = {cpp};"


@pytest.mark.parametrize(
    ("metal", "cpp"),
    [
        ("a / b", "a *::metal::over* b"),
        ("a/b%c", "a*::metal::over*b*::metal::modulo*c"),
        ("a /= b", "a |=::metal::by_over = b"),
        ("a %= b / c", "a |=::metal::by_modulo = b *::metal::over* c"),
        ('"a/b"', '"a/b"'),
    ],
)
def test_a_division_is_division_hs(metal: str, cpp: str) -> None:
    """Each division goes through division.h, with the source's precedence; none in a string is taken for one."""
    assert _written(f"void f() {{ {metal}; }}") == f"void f() {{ {cpp}; }}"


def test_address_spaces_and_pragmas_go() -> None:
    """One memory: device, thread and threadgroup are dropped, what is constant is const; loop pragmas are dropped."""
    text = (
        "void f(device float * a, constant int & b, thread half4x4 & c, threadgroup void * d) {\n#pragma unroll(4)\n}"
    )
    assert _written(text) == "void f( float * a, const int & b, half4x4 & c, void * d) { }"
    assert (
        _written("auto f(threadgroup T * a) { return (threadgroup half *) a; }")
        == "auto f( T * a) { return ( half *) a; }"
    )
    assert _written("auto f(float * x) { threadgroup float (&y)[2] = g(x); }") == (
        "auto f(float * x) { float (&y)[2] = g(x); }"
    )
    assert (
        _written("auto f(A a) { auto t = tensor<threadgroup T, 4>(a); }")
        == "auto f(A a) { auto t = tensor< T, 4>(a); }"
    )


def test_a_function_constant_becomes_a_variable_that_the_host_sets() -> None:
    """Its number may be a sum, as upstream writes it; what reaches it is told at the registration."""
    text = "constant bool FC_a [[function_constant(300 + 5)]];\nkernel void k(device int * a) { a[0] = FC_a; }"
    assert _written(text).startswith("static bool FC_a; EMULATED_CONSTANT(FC_a, 305)")
    (unit,) = _units(text + "\nkernel void other(device int * a) { a[0] = 1; }")
    assert re.findall(r'EMULATED_KERNEL\(\d+, ("\w+").*>\),(.*)\)$', unit.text, re.MULTILINE) == [
        ('"k"', " &FC_a,"),
        ('"other"', ""),
    ]


@pytest.mark.parametrize(
    ("declared", "kind", "name"),
    [
        ("float total", "float", "total"),
        ("half held[8 * 16]", "half [ 8 * 16 ]", "held"),
        ("const float4 held[N / 2][8 + 1]", "const float4 [ N / 2 ] [ 8 + 1 ]", "held"),
        ("vec<T, 4> held[N]", "vec < T , 4 > [ N ]", "held"),
        ("atomic_uint count", "atomic_uint", "count"),
    ],
)
def test_a_variable_of_threadgroup_memory_is_the_groups(declared: str, kind: str, name: str) -> None:
    """Scalars, arrays, arrays of arrays and those of a template lie in the group's memory, each in its place."""
    given_text = f"template <typename T, int N> void f() {{ int a; threadgroup {declared}; a = 0; }}"
    assert _written(given_text) == (
        f"template <typename T, int N> void f() {{ int a; using {name}_shared = {kind}; struct {name}_place; "
        f"{name}_shared & {name} = emulated::threadgroup_variable<{name}_shared, {name}_place>(); a = 0; }}"
    )


@pytest.mark.parametrize(
    ("metal", "cpp"),
    [
        ("if (lane == 0) { b[0] = 1; }", "STEP if (lane == 0) { b[0] = 1; } STEP"),
        ("if (a && lane == n) b[f(0, 1)] = 1;", "STEP if (a && lane == n) b[f(0, 1)] = 1; STEP"),
        ("if (lane == 0) { a = 1; } else { a = 2; }", "if (lane == 0) { a = 1; } else { a = 2; }"),
        ("if (other == 0) { a = 1; }", "if (other == 0) { a = 1; }"),
        ("if (lane < 16) { a = 1; }", "if (lane < 16) { a = 1; }"),
        ("if constexpr (N == 0) { a = 1; }", "if constexpr (N == 0) { a = 1; }"),
    ],
)
def test_what_one_lane_does_alone_is_in_step(metal: str, cpp: str) -> None:
    """Before and behind it all lanes of the SIMD-group meet, as on hardware; no other branch is touched."""
    text = f"kernel void k(device int * a, ushort lane [[thread_index_in_simdgroup]]) {{ {metal} }}"
    assert _written(text) == f"void k( int * a, ushort lane) {{ {cpp.replace('STEP', 'emulated::in_step();')} }}"


@pytest.mark.parametrize(
    ("metal", "cpp"),
    [
        ("for (;;) { a = simd_sum(a); }", "{ W L(1); for (;;) { L.turn(); a = simd_sum(a); } }"),
        ("while (a) a = simd_max(a); a = 1;", "{ W L(1); while (a) { L.turn(); a = simd_max(a); } } a = 1;"),
        ("do { simd_sum(a); } while (a); a = 1;", "{ W L(1); do { L.turn(); simd_sum(a); } while (a); } a = 1;"),
        (
            "for (;;) while (a) if (b) simd_sum(a); else b = 1;",
            "{ W L(1); for (;;) { L.turn(); { W L(1); while (a) { L.turn(); if (b) simd_sum(a); else b = 1; } } } }",
        ),
        ("for (;;) { a = 1; } simd_sum(a);", "for (;;) { a = 1; } simd_sum(a);"),
        ("for (;;) { simdgroup_load(m, a); }", "for (;;) { simdgroup_load(m, a); }"),
        ("for (;;) helper<half, 4>(a);", "{ W L(1); for (;;) { L.turn(); (W(1), helper<half, 4>(a) ); } }"),
        ("int b = outer(a) + other(a);", "int b = (W(1), outer(a) ) + other(a);"),
        ("if (lane == 0) for (;;) { a = 1; } a = 2;", "S if (lane == 0) for (;;) { a = 1; } S a = 2;"),
    ],
)
def test_the_machine_is_told_of_loops_and_calls_in_which_lanes_meet(metal: str, cpp: str) -> None:
    """A loop with a meeting in it is entered, turned and left; a call of what meets is entered; no other is touched."""
    helpers = """template <typename T, int N> T helper(T a) { return simd_sum(a); }
int outer(int a) { return helper<int, 1>(a); }
int other(int a) { return a; }
"""
    found = declarations(
        tokens(f'{helpers} void k(int a, int lane [[thread_index_in_simdgroup]]) {{\n# 1 "{FILE}"\n{metal} }}')
    )
    written = text_of(found[-1], meetings_of(found))
    said = " ".join(re.sub(r"\n#line .*\n", " ", written).split())
    short = {"emulated::Within": "W", "emulated_loop_1": "L", "emulated::in_step();": "S", "( W": "(W"}
    for long, spelled in short.items():
        said = said.replace(long, spelled)
    assert said == f"void k(int a, int lane) {{ {cpp} }}"


# kernels ------------------------------------------------------------------------------------------------------------


def test_parameters_are_what_the_machine_hands_over() -> None:
    """Buffers without attribute are counted, threadgroup memory has its number; every position of Metal's is known."""
    positions = ", ".join(f"uint p{number} [[{name}]]" for number, name in enumerate(POSITIONS))
    memory = "constant A & a, device const T * b, threadgroup T * c [[threadgroup(3)]], device T * d"
    (kernel,) = _kernels(f"kernel void k({memory}, {positions}) {{}}")
    buffers = ("Buffer<0>", "Buffer<1>", "Threadgroup<3>", "Buffer<2>")
    assert kernel.parameters == tuple(f"emulated::{name}" for name in (*buffers, *POSITIONS.values()))
    header = (SHADER / "invocation.h").read_text(encoding="utf-8")
    assert all(f"struct {value} {{" in header for value in POSITIONS.values())


def test_a_buffer_may_have_a_number() -> None:
    """With numbers the order does not count."""
    (kernel,) = _kernels("kernel void k(device int * a [[buffer(2)]], constant int & b [[buffer(0)]]) {}")
    assert kernel.parameters == ("emulated::Buffer<2>", "emulated::Buffer<0>")


def test_a_kernel_has_the_name_that_the_host_asks_for() -> None:
    """That of host_name, or of the function; an instance's type says nothing, however it is spelled."""
    text = """\
template <typename T, int N> kernel void f(device const T * a, uint i [[thread_position_in_grid]]) { a[i / N]; }
typedef decltype(f<float, 4>) f_t;
template [[host_name("f_by_typedef")]] kernel f_t f<half, 4>;
template [[host_name("f_by_list")]] kernel void f<block<half>, 1 + 1>(device const block<half> *, uint);
template [[host_name("f_by_decltype")]] kernel decltype(f<float, 4>) f<int, 8>;
[[host_name("g_by_name")]] kernel void g(device int * a) {}
kernel void h(device int * a) {}
"""
    assert [(kernel.name, kernel.function, kernel.at.line) for kernel in _kernels(text)] == [
        ("f_by_typedef", "f<half, 4>", 3),
        ("f_by_list", "f<block<half>, 1 + 1>", 4),
        ("f_by_decltype", "f<int, 8>", 5),
        ("g_by_name", "g", 6),
        ("h", "h", 7),
    ]
    assert {kernel.parameters for kernel in _kernels(text)[:3]} == {("emulated::Buffer<0>", "emulated::ThreadInGrid")}


def test_a_specialised_kernel_keeps_the_parameters_of_its_template() -> None:
    """The name may have arguments before the parameters."""
    text = """\
template <typename T> kernel void f(device T * a, uint i [[thread_index_in_threadgroup]]) {}
template <> kernel void f<half>(device half * a, uint i [[thread_index_in_threadgroup]]) {}
template [[host_name("f_half")]] kernel void f<half>(device half *, uint);
"""
    (kernel,) = _kernels(text)
    assert kernel.parameters == ("emulated::Buffer<0>", "emulated::IndexInGroup")


# units --------------------------------------------------------------------------------------------------------------

PAIR = """\
struct shared {{ int a; }};
static int one(shared s) {{ return {one}; }}
static int two(shared s) {{ return {two}; }}
template <int N> kernel void first(device int * a) {{ a[0] = one(shared()) + N; }}
{firsts}
template <int N> kernel void second(device int * a) {{ a[0] = two(shared()) + N; }}
{seconds}
"""


def _pair(one: str = "1", two: str = "2", lines: str = "") -> list[str]:
    asked = {
        f"{name}s": "\n".join(
            f'template [[host_name("{name}_{n}")]] kernel void {name}<{n}>(device int *);' for n in range(12)
        )
        for name in ("first", "second")
    }
    return [unit.text for unit in _units(PAIR.format(one=one, two=two, **asked) + lines)]


def test_a_changed_line_is_compiled_again_where_it_counts() -> None:
    """A function that is edited changes the units of kernels that reach it, and no other; so does a new one."""
    before = _pair()
    assert len(before) == 2

    def changed(after: list[str]) -> list[bool]:
        return [old != new for old, new in zip(before, after, strict=True)]

    assert changed(_pair(one="3")) == [True, False]
    assert changed(_pair(two="3")) == [False, True]
    assert changed(_pair(lines="static int unused(shared s) { return 0; }")) == [False, False]


@pytest.mark.parametrize(
    ("text", "root", "taken"),
    [
        ("enum kind { A = 1, B, C }; enum class other { D }; void f() { B; }", "f", {"f", "kind", "A", "B", "C"}),
        ("typedef struct { half d; } block; struct x; void f(block b) {}", "f", {"f", "block"}),
        ("typedef struct named { half d; } block; void f(named b) {}", "f", {"f", "named", "block"}),
        ("typedef float pair[2]; typedef pair pairs[2]; void f(pairs b) {}", "f", {"f", "pair", "pairs"}),
        ("typedef void (*callback)(int); void f(callback b) {} void g();", "f", {"f", "callback"}),
        (
            "template <typename T> T f(T); template <> half f<half>(half a) { return g(a); } half g(half);",
            "f",
            {"f", "g"},
        ),
        ("int g(int); int g(float); int h(int); int f() { return g(1); }", "f", {"f", "g"}),
        ("constant int n = 3; constant int m[n] = { 1 }; int f() { return m[0]; }", "f", {"f", "m", "n"}),
        ("constexpr constant static float v[2] = { 1, 2 }; float f() { return v[0]; }", "f", {"f", "v"}),
        ("using namespace metal; template <class T> struct s { T a; }; s<int> f() { return {}; }", "f", {"f", "s"}),
        ("struct a { int x; }; a operator+(a x, a y); int f() { return 0; } int g();", "f", {"f", "a"}),
        ("int f() { return 1; }; int g() { return 2; }", "f", {"f"}),
    ],
)
def test_what_a_name_needs_is_taken_along(text: str, root: str, taken: set[str]) -> None:
    """Enumerators, types behind a typedef, specialisations, every overload, and every operator; no other name."""
    assert _taken(text, root) == taken


def test_units_are_small_and_keep_the_files_order() -> None:
    """Each kernel is in one unit, in the file's order, and no unit has more than sixteen."""
    lines = "".join(f'template [[host_name("k_{n}")]] kernel void f<{n}>(device int *);\n' for n in range(50))
    made = _units(f"template <int N> kernel void f(device int * a) {{}}\n{lines}")
    assert [kernel.name for unit in made for kernel in unit.kernels] == [f"k_{n}" for n in range(50)]
    assert [len(unit.kernels) for unit in made] == [16, 16, 16, 2]


# what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("void f(\nint a [[stage_in]]) {}", 2, "an attribute that is not known here: [[stage_in]]"),
        (
            "kernel void k(device int * a,\nuint b [[thread_phase]]) {}",
            2,
            "parameter that is not known: [[thread_phase]]",
        ),
        ("kernel void k(device int * a) {\n\n[[unknown]] a[0] = 1; }", 3, "that is not known here: [[unknown]]"),
        ("kernel void k(device int * a [[buffer(0)]] [[raster]]) {}", 1, "[[buffer(0)]] [[raster]]"),
        (
            "kernel void k(device int * a [[buffer(0)]],\ndevice int * b) {}",
            2,
            "without a number beside buffers with one",
        ),
        (
            "kernel void k(device int * a,\n threadgroup int * b) {}",
            2,
            "without attribute that is no buffer: threadgroup int",
        ),
        ("kernel void k(device int * a,\n uint b) {}", 2, "without attribute that is no buffer: uint b"),
        ("void f() {\n#pragma omp parallel\n}", 2, "a pragma that is not known: omp parallel"),
        ("\nnamespace n { int a; }", 2, "namespace in a shader"),
        ("\ninline namespace n { int a; }", 2, "namespace in a shader"),
        ('extern "C" { int a; }', 1, "extern in a shader"),
        ("void f() {\nthreadgroup float a, b[2]; }", 2, "several variables of threadgroup memory in one statement"),
        ("void f() {\nthreadgroup float a = 1; }", 2, "threadgroup memory of a form that is not known"),
        ("void f(int x) { switch (x) { case 0:\nthreadgroup float a[2]; } }", 2, "memory that begins no statement"),
        ("void f() { alignas(16)\nthreadgroup float a[2]; }", 2, "memory that begins no statement"),
        (
            "template <typename T> void f(T a) {}\ntemplate void f<int>(int);",
            2,
            "a template that is no kernel of this file",
        ),
        ('\ntemplate [[host_name("k")]] kernel void k<int>(device int *);', 2, "that is no kernel of this file"),
        (
            "template <typename T> kernel void k(device T * a) {}\ntemplate kernel void k<int>(device int *);",
            2,
            "no kernel of",
        ),
        ("int a;\nvoid f((int b) {}", 2, "( is never closed"),
        ("int a;\nint b[2;", 2, "[ is never closed"),
        ("int a;\nvoid f() {", 2, "{ is never closed"),
        ("int a;\ntemplate <typename T void f() {}", 2, "< is never closed"),
        ("int a;\nint b", 2, "a declaration without an end"),
        ("constant int a [[function_constant(N)]];", 1, "a function constant of a form that is not known"),
        ("constant int a\n[[function_constant(0)]] = 1;", 1, "a function constant of a form that is not known"),
        ("constant int a [[function_constant(0)]];\nconstant int b = a * 2;", 2, "made of a function constant, a"),
    ],
)
def test_what_is_not_known_is_refused(text: str, line: int, said: str) -> None:
    """Nothing is guessed: the step stops, and says the file, the line and what it found there."""
    with pytest.raises(UnknownConstructError) as raised:
        _units(f'kernel void all(device int * a) {{ f; a; b; }}\n# 1 "{FILE}"\n{text}')
    assert str(raised.value).startswith(f"{FILE}:{line}: error: ")
    assert said in str(raised.value)


# laws ---------------------------------------------------------------------------------------------------------------

# a token, and what stands for it
KEPT = (
    "a",
    "b1",
    "half4",
    "0",
    "17u",
    "0x1e",
    "1.0f",
    '"a / b"',
    "'/'",
    "+",
    "-",
    "*",
    "&",
    "!",
    ";",
    ",",
    "?",
    ":",
    "auto",
)
PUT = {
    "device": (),
    "thread": (),
    "constant": ("const",),
    "1.5": ("1.5f",),
    "2e3": ("2e3f",),
    "3h": ("half", "(", "3.0f", ")"),
    "/": (*"*::", "metal", *"::", "over", "*"),
    "%": (*"*::", "metal", *"::", "modulo", "*"),
}
SPACES = st.one_of(st.just(" "), st.integers(1, 12).map(lambda lines: "\n" * lines))
PLAIN = st.lists(st.sampled_from([*KEPT, *PUT]), max_size=6)
BODIES = st.recursive(
    PLAIN,
    lambda inner: st.lists(
        st.one_of(
            PLAIN, st.tuples(st.sampled_from(("()", "{}", "[]")), inner).map(lambda of: [of[0][0], *of[1], of[0][1]])
        ),
        max_size=4,
    ).map(lambda parts: [text for part in parts for text in part]),
    max_leaves=12,
)


@st.composite
def spaced(draw: st.DrawFn) -> tuple[list[str], str]:
    """Draw the tokens of a function, and a text of them on any lines. Two brackets together would be an attribute."""
    body = ["void", "f", "(", ")", "{", "a", *draw(BODIES), ";", "}"]
    words = [text for index, text in enumerate(body) if (text, body[index - 1]) != ("[", "[")]
    opened = body.count("[") - words.count("[")
    if opened:  # leave the brackets balanced
        words = [text for text in body if text not in "[]"]
    return words, "".join(f"{text}{draw(SPACES)}" for text in words)


@settings(max_examples=200, deadline=None)
@given(spaced())
def test_what_is_not_rewritten_stays_as_it_is(drawn: tuple[list[str], str]) -> None:
    """Every token, or what stands for it, is there in its order, and on upstream's line."""
    words, text = drawn
    given_tokens = tokens(f'# 7 "{FILE}"\n{text}')
    (declaration,) = declarations(given_tokens)
    written = tokens(re.sub(r"(?m)^#line (.*)$", r"# \1", text_of(declaration, Meetings())))
    expected = [
        (put, token.line) for word, token in zip(words, given_tokens, strict=True) for put in PUT.get(word, (word,))
    ]
    assert [(token.text, token.line) for token in written] == expected
    assert {token.file for token in written} == {FILE}


NAMES = ("a", "b", "c", "d", "e", "f")
FORMS_OF_DECLARATIONS = (
    "int {0}(int x) {{ return {1} + {2}; }}",
    "struct {0} {{ {1} x; {2} * y; }};",
    "typedef {1} {0}[2];",
    "constant int {0} = {1} + {2};",
    "enum {0} {{ E{0} = {1}, F{0} }};",
    "template <typename {0}T, int N> {1} {0}({2} x) {{ for (;;) {{ if (x < N) {{ }} }} }}",
    "template <> {1} {0}<{2}>();",
)
FILES = st.lists(
    st.tuples(st.sampled_from(FORMS_OF_DECLARATIONS), *(st.sampled_from(NAMES),) * 3).map(
        lambda of: of[0].format(*of[1:])
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(FILES, st.sampled_from(NAMES))
def test_declarations_divide_a_file_and_reaching_is_closed(lines: list[str], root: str) -> None:
    """No token is lost; what is taken needs nothing that is left, and nothing is taken for nothing."""
    found = declarations(tokens("\n".join(lines)))
    assert len(found) == len(lines)
    assert [token for each in found for token in each.tokens] == tokens("\n".join(lines))
    taken = reachable([root], found)
    needed = {root}.union(*(each.uses for each in taken))
    assert [each for each in found if each in taken] == taken
    assert all((each in taken) == bool(each.names & needed) for each in found)


# the command --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """A source tree with shaders in upstream's place."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file of the backend's folder."""
        path = self.root / "ggml/src/ggml-metal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def make(self, *more: str, step: str = "shaders", clang: str = "clang++-19") -> subprocess.CompletedProcess[str]:
        """Run the step as the build does."""
        argv = [sys.executable, "-m", "metal_source", step, "--source", str(self.root), "--clang", clang]
        argv += ["--out", str(self.out), *more]
        env = {"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    @property
    def out(self) -> Path:
        """Where the C++ goes."""
        return self.root / "made"

    def known(self) -> list[dict[str, str]]:
        """Give what kernels.json says."""
        found: list[dict[str, str]] = json.loads((self.out / "kernels.json").read_text())["kernels"]
        return found


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Give a tree with two shaders and a file that both include."""
    tree = Tree(tmp_path)
    tree.write("kernels/common.metal", "#pragma once\n#include <metal_stdlib>\nusing namespace metal;\n#define TWO 2\n")
    tree.write(
        "kernels/one.metal", '#include "common.metal"\nkernel void one(device float * a) {\n    a[0] = float(TWO);\n}\n'
    )
    tree.write(
        "kernels/two.metal",
        '#include "common.metal"\ntemplate <int N> kernel void two(device float * a) { a[0] = N; }\n'
        'template [[host_name("two_2")]] kernel void two<TWO>(device float *);\n'
        '#ifdef MISSING\ntemplate [[host_name("two_3")]] kernel void two<3>(device float *);\n#endif\n',
    )
    return tree


@pytest.mark.clang
def test_the_command_lists_every_kernel(tree: Tree) -> None:
    """kernels.json has each kernel of each file that none includes, and its place; what #if leaves out is missing."""
    ran = tree.make()
    assert ran.returncode == 0, ran.stderr
    two = tree.root / "ggml/src/ggml-metal/kernels/two.metal"
    assert [(each["name"], each["unit"]) for each in tree.known()] == [("one", "one_00"), ("two_2", "two_00")]
    assert tree.known()[1] == {"name": "two_2", "function": "two<2>", "at": f"{two}:3", "unit": "two_00"}
    assert (tree.out / "units.txt").read_text() == "one_00.cpp\ntwo_00.cpp\n"


@pytest.mark.clang
def test_what_stays_the_same_is_not_written_again(tree: Tree) -> None:
    """A unit whose text is the same keeps its time; one whose kernels are gone is removed."""
    tree.make()
    before = {path.name: path.stat().st_mtime_ns for path in tree.out.glob("*.cpp")}
    tree.write("kernels/one.metal", '#include "common.metal"\nkernel void one(device float * a) { a[0] = 3; }\n')
    assert tree.make().returncode == 0
    after = {path.name: path.stat().st_mtime_ns for path in tree.out.glob("*.cpp")}
    assert [name for name in before if before[name] != after[name]] == ["one_00.cpp"]
    assert tree.make("--only=^two$").returncode == 0
    assert [path.name for path in tree.out.glob("*.cpp")] == ["two_00.cpp"]


@pytest.mark.clang
def test_an_error_of_the_compiler_has_upstreams_place(tree: Tree) -> None:
    """A fault in a shader is told by the compiler at the shader's file and line, however far down it stands."""
    text = (
        '#include "common.metal"\n\n\n' + "\n" * 40 + "kernel void one(device float * a) {\n\n    a[0] = missing;\n}\n"
    )
    path = tree.write("kernels/one.metal", text)
    assert tree.make().returncode == 0
    argv = ["clang++-19", "-std=c++17", "-fsyntax-only", f"-I{SHADER}", str(tree.out / "one_00.cpp")]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert re.search(rf"^{path}:46:\d+: error: use of undeclared identifier 'missing'", ran.stderr, re.MULTILINE)


@pytest.mark.clang
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree.write("kernels/one.metal", "kernel void two_2(device int * a) {}\n"), "name already: "),
        (lambda tree: tree.write("kernels/one.metal", '#include "gone.metal"\n'), "'gone.metal' file not found"),
        (
            lambda tree: tree.write("kernels/one.metal", "\nnamespace a {}\n"),
            "one.metal:2: error: namespace in a shader",
        ),
        (lambda tree: shutil.rmtree(tree.root / "ggml"), "no kernel of a name with '' here"),
    ],
    ids=["a name twice", "an include that is gone", "a construct that is not known", "no shader"],
)
def test_the_command_says_what_is_wrong(tree: Tree, change: Callable[[Tree], object], said: str) -> None:
    """It ends with 1, the place and the fault, and without a traceback."""
    change(tree)
    ran = tree.make()
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_no_clang_is_said(tree: Tree) -> None:
    """A preprocessor that is not there is named."""
    ran = tree.make(clang="no-clang")
    assert (ran.returncode, ran.stderr) == (1, "no-clang: error: No such file or directory\n")


# the host side ------------------------------------------------------------------------------------------------------

DEVICE_H = """\
struct ggml_metal_device_props {
    int device;
    int gpu_family;
};
ggml_metal_rsets_t ggml_metal_rsets_init(void);
ggml_metal_device_t ggml_metal_device_init(int device);
"""
OPS_H = """\
ggml_metal_op_t ggml_metal_op_init(
        ggml_metal_device_t dev,
        ggml_metal_cmd_buf_t cmd_buf,
        struct ggml_cgraph * gf,
        int  idx_start,
        int  idx_end,
        bool use_fusion,
        bool use_concurrency,
        bool use_capture,
        int  debug_graph,
        int  debug_fusion);
"""
DEVICE_M = """\
#import "ggml-metal-device.h"
#import <Metal/Metal.h>

static const struct {
    const char * name;
} ggml_metal_names[] = {
    { "M1" },
};

static enum ggml_metal_device_id ggml_metal_device_id_parse(const char * name) {
    return strcmp(name, ggml_metal_names[0].name);
}

void ggml_metal_device_free(ggml_metal_device_t dev) {
    [dev->obj release];
}

static bool helper(int a) {
    return a > 0;
}

bool ggml_metal_device_supports_op(ggml_metal_device_t dev, const struct ggml_tensor * op) {
    return helper(op->op);
}
"""


@pytest.fixture
def host(tree: Tree) -> Tree:
    """Give a tree with the files of the host side that are read."""
    tree.write("ggml-metal-device.h", DEVICE_H)
    tree.write("ggml-metal-ops.h", OPS_H)
    tree.write(DEVICE, DEVICE_M)
    return tree


def _extracted(tree: Tree) -> dict[str, str]:
    made: dict[str, str] = {}
    extract(tree.root / "ggml/src/ggml-metal", Path(), lambda path, text: made.update({path.name: text}))
    return made


def test_plain_c_is_copied_with_what_it_needs(host: Tree) -> None:
    """The functions that are wanted, the tables and helpers that they name, at upstream's lines; no Objective-C."""
    made = _extracted(host)["device_tables.c"]
    assert re.findall(r'^#line (\d+) ".*ggml-metal-device\.m"$', made, re.MULTILINE) == ["4", "10", "18", "22"]
    assert "return helper(op->op);" in made
    assert "release" not in made
    assert "#import" not in made


def test_an_interface_has_one_of_the_known_forms(host: Tree) -> None:
    """Each interface defines the macro of its form, and each field that is there one of its own."""
    made = _extracted(host)["interface.h"]
    forms = {"EMULATED_INIT_OF_ONE", "EMULATED_RSETS_ALONE", "EMULATED_OP_INIT_FUSION_FLAG", "EMULATED_HAS_gpu_family"}
    assert set(re.findall(r"#define (\w+) 1", made)) == forms
    assert sum(len(each) for each in FORMS.values()) == 2 * len(FORMS)


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "said"),
    [
        (
            "ggml-metal-device.h",
            "init(int device)",
            "init(long device)",
            6,
            "ggml_metal_device_init has a form that the",
        ),
        (
            "ggml-metal-device.h",
            "rsets_init(void)",
            "rsets_init(int a)",
            5,
            "ggml_metal_rsets_init has a form that the",
        ),
        ("ggml-metal-ops.h", "bool use_capture", "int capture", 1, "ggml_metal_op_init has a form that the emulation"),
        (
            DEVICE,
            "return helper(op->op);",
            "\n    return [dev->obj ok];",
            24,
            "supports_op is not plain C any more: [dev->obj ",
        ),
        (DEVICE, "return a > 0;", "NSLog(a); return 1;", 19, "helper is not plain C any more: NSLog"),
        (DEVICE, "ggml_metal_device_supports_op", "ggml_metal_device_supports", 1, "supports_op is not here any more"),
        (DEVICE, "device_id_parse", "device_id_read", 1, "ggml_metal_device_id_parse is not here any more"),
    ],
)
def test_an_interface_that_is_not_known_is_refused(
    host: Tree, name: str, old: str, new: str, line: int, said: str
) -> None:
    """A form that the emulation does not know, Objective-C in a function that was C, a function that is gone: where."""
    path = host.root / "ggml/src/ggml-metal" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    ran = host.make(step="host")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{path}:{line}: error: ")
    assert said in ran.stderr


def test_every_kind_of_declaration_is_told_apart() -> None:
    """A kernel, an instance, a function constant and what every unit wants are each known as such."""
    text = """\
using namespace metal;
constant int n [[function_constant(1)]];
int f(int kernel_like);
template <typename T> kernel void k(device T * a) {}
template [[host_name("k_int")]] kernel void k<int>(device int *);
"""
    kinds = [What.ALWAYS, What.CONSTANT, What.NAMED, What.KERNEL, What.INSTANCE]
    assert [each.what for each in declarations(tokens(text))] == kinds
