"""What `size` promises, on a real CMake project whose fork has more code than its upstream."""

import json

import pytest
from world import Fork, Local, Upstream, assert_message, fork_of

CMAKE = "cmake_minimum_required(VERSION 3.18)\nproject(tiny C)\nadd_library(tiny SHARED tiny.c)\n"
SMALL = "int table[64] = {1};\nint tiny(int i) { return table[i]; }\n"
LARGE = SMALL + "const char more[300000] = {2};\nconst char *larger(void) { return more; }\n"
VARIANT = """
[build]
targets = ["tiny"]

[variant.cpu]
device = "CPU"

[variant.cpu.size]
target = "tiny"
library = "libtiny.so"
cmake = ["-DCMAKE_C_FLAGS=-O1"]

[variant.other]
device = "CPU"
"""


@pytest.fixture
def fork(upstream_repo: Upstream) -> Fork:
    """Give a fork that adds 300,000 constant bytes to a library."""
    pin = upstream_repo.commit({"CMakeLists.txt": CMAKE, "tiny.c": SMALL}, tag="v1")
    made = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [Local("larger", {"tiny.c": LARGE})], {})
    declaration = made.root / "fork.toml"
    declaration.write_text(declaration.read_text() + VARIANT)
    return made


def test_the_fork_s_code_is_counted_beside_upstream_s(fork: Fork) -> None:
    """Both libraries are built and counted by kind of section; the fork's constants are 0.3 MB more."""
    ran = fork.script("size", "--json", "-")
    assert ran.code == 0, ran.said
    (table,) = [block for block in json.loads(ran.out)["blocks"] if isinstance(block, list)]
    upstream, ours = table
    assert (upstream["of"], ours["of"]) == ("upstream", "fork")
    assert float(ours["constants"]) - float(upstream["constants"]) == pytest.approx(0.3, abs=0.05)
    assert int(ours["beside upstream"].removesuffix("%")) > 100


def test_what_was_measured_is_kept_by_tree(fork: Fork) -> None:
    """A second call builds nothing and says so; an edit of the fork alone is measured again."""
    assert fork.script("size").code == 0
    again = fork.script("size")
    assert again.code == 0, again.said
    assert [line.split()[-1] for line in again.out.splitlines() if line.startswith(("upstream", "fork"))] == [
        "before",
        "before",
    ]
    assert "ninja" not in again.said.lower()
    extra = fork.root / "native/overlay/extra.c"
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text("int extra;\n")
    edited = fork.script("size")
    assert [line.split()[-1] for line in edited.out.splitlines() if line.startswith(("upstream", "fork"))] == [
        "before",
        "now",
    ]


def test_a_variant_without_a_size_is_named(fork: Fork) -> None:
    """Asked for by name it is an error with what to write; else it is left out."""
    assert_message(fork.run("size", "other"), 2, "variant.other", "declares no [variant.NAME.size]")
