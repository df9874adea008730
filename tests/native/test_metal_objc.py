"""Upstream's Objective-C files are type-checked without a Mac: its own pass, and a patch that breaks one is seen.

The first half checks two small files in a tree of upstream's shape, the second half upstream's own two files.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pins import PINS, bring

pytestmark = pytest.mark.clang

OBJC = Path(__file__).parents[2] / "native/metal/objc"
BACKEND = "ggml/src/ggml-metal"
DEVICE, CONTEXT = f"{BACKEND}/ggml-metal-device.m", f"{BACKEND}/ggml-metal-context.m"

HEADER = """\
#pragma once
#include <stddef.h>
struct ggml_encoder { void * obj; size_t size; };
void ggml_encode(struct ggml_encoder encoder, const char * name);
"""
SMALL = """\
#import "ggml-small.h"
#import <Metal/Metal.h>

void ggml_encode(struct ggml_encoder encoder, const char * name) {
    @autoreleasepool {
        id<MTLComputeCommandEncoder> compute = (id<MTLComputeCommandEncoder>) encoder.obj;
        NSString * group = [NSString stringWithUTF8String:name];
        [compute pushDebugGroup:group];
        [compute setThreadgroupMemoryLength:encoder.size atIndex:0];
        [compute popDebugGroup];
    }
}
"""


@dataclass(frozen=True)
class Checked:
    """How a check ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Tree:
    """A source tree of upstream's shape."""

    root: Path

    def check(self, *more: str, clang: str = "clang-19") -> Checked:
        """Run the check as a build does."""
        argv = (sys.executable, str(OBJC / "check.py"), "--source", str(self.root), "--clang", clang, *more)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return Checked(done.returncode, done.stdout, done.stderr)

    def replace(self, path: str, old: str, new: str) -> int:
        """Change the first occurrence of a text and give its line."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}: plant the fault elsewhere"
        (self.root / path).write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1


@pytest.fixture
def small(tmp_path: Path) -> Tree:
    """Give a tree with two small files in the places of upstream's."""
    root = tmp_path / "a tree"
    for folder in ("ggml/include", BACKEND):
        (root / folder).mkdir(parents=True)
    (root / BACKEND / "ggml-small.h").write_text(HEADER)
    (root / DEVICE).write_text(SMALL)
    (root / CONTEXT).write_text('#import "ggml-small.h"\n#import <Metal/Metal.h>\n')
    return Tree(root)


def test_what_type_checks_is_said_in_one_line_and_stamped(small: Tree, tmp_path: Path) -> None:
    """The line names files, systems and settings; the stamp's rule names every file that was read, stubs included."""
    stamp, rule = tmp_path / "stamp", tmp_path / "stamp.d"
    ran = small.check("--stamp", str(stamp), "--depfile", str(rule))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "objc: ggml-metal-device.m and ggml-metal-context.m type-check against stub headers, for "
    )
    assert ran.out.count("\n") == 1
    assert stamp.exists()
    rules = rule.read_text()
    assert rules.startswith(f"{stamp}: ")
    for read in (small.root / DEVICE, small.root / CONTEXT, small.root / BACKEND / "ggml-small.h"):
        assert str(read).replace(" ", "\\ ") in rules
    assert str(OBJC / "include/Metal/Metal.h") in rules


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("popDebugGroup]", "popDebugGrup]", "instance method '-popDebugGrup' not found"),
        ("encoder.size", "encoder.length", "no member named 'length' in 'struct ggml_encoder'"),
        ("atIndex:0", 'atIndex:@"0"', "incompatible pointer to integer conversion"),
        ("pushDebugGroup:group", "pushDebugGroup:compute", "to parameter of incompatible type 'NSString"),
        ("pushDebugGroup:group", "pushDebugGroup:nil", "null passed to a callee that requires a non-null argument"),
        ("stringWithUTF8String:name];", "stringWithUTF8String:name]", "expected ';'"),
        ("NSString * group", "MTLGroup * group", "use of undeclared identifier 'MTLGroup'"),
    ],
)
def test_a_fault_is_an_error_with_its_place(small: Tree, tmp_path: Path, old: str, new: str, said: str) -> None:
    """Each kind of fault ends in 1, once, with file and line from the tree's root, and leaves no stamp."""
    line = small.replace(DEVICE, old, new)
    ran = small.check("--stamp", str(tmp_path / "stamp"))
    assert (ran.code, ran.out) == (1, "")
    assert re.search(rf"^{DEVICE}:{line}:\d+: error: .*{re.escape(said)}", ran.err, re.MULTILINE), ran.err
    assert ran.err.count(said) == 1
    assert "(seen for every target and setting)" in ran.err
    assert not (tmp_path / "stamp").exists()


@pytest.mark.parametrize(
    ("new", "header"),
    [
        ("id<MTLHeap> heap = nil; (void) heap;", "Metal/Metal.h"),
        ("[compute insertDebugSignpost:group];", None),  # clang does not say whose a protocol's method would be
        ("[group lowercaseString];", "Foundation/Foundation.h"),
        ("(void) group.pathExtension;", "Foundation/Foundation.h"),
        ("dispatch_suspend(encoder.obj);", "dispatch/dispatch.h"),
        ("vm_protect(0, 0, 0, 0, 0);", "mach/mach.h"),
        ("sinf(0.0f);", None),
    ],
)
def test_a_name_that_no_stub_declares_is_explained(small: Tree, new: str, header: str | None) -> None:
    """Two readings are given, a missing stub and a patch's fault, with the header in which the stub would stand."""
    small.replace(DEVICE, "[compute popDebugGroup];", new)
    ran = small.check()
    assert ran.code == 1
    (said,) = re.findall(r"^objc: .* is not declared in .*$", ran.err, re.MULTILINE)
    place = f"native/metal/objc/include/{header}" if header else "the headers in native/metal/objc/include"
    assert f"is not declared in {place}. " in said
    assert not header or (OBJC / "include" / header).is_file()
    assert "the declaration may be missing there: add it" in said
    assert "the patch that names it is at fault" in said


def test_a_header_that_no_stub_stands_for_is_explained(small: Tree) -> None:
    """An include that is not there names the file to write."""
    small.replace(CONTEXT, "<Metal/Metal.h>", "<IOKit/IOKitLib.h>")
    ran = small.check()
    assert ran.code == 1
    assert f"{CONTEXT}:2:9: fatal error: 'IOKit/IOKitLib.h' file not found" in ran.err
    assert "a stub may be missing: write native/metal/objc/include/IOKit/IOKitLib.h" in ran.err


@pytest.mark.parametrize("new", ["ggml_missing();", "(void) encoder.missing;", "int unused = 0;"])
def test_no_stub_is_blamed_for_what_is_not_apples(small: Tree, new: str) -> None:
    """A function of ggml's that is gone, a field that is gone and a warning carry no word about stub headers."""
    small.replace(DEVICE, "[compute popDebugGroup];", new)
    ran = small.check()
    assert ran.code == 1
    assert "native/metal/objc/include" not in ran.err


def test_a_branch_that_one_system_or_setting_sees_is_read(small: Tree) -> None:
    """A fault in a branch for iOS, in one for Intel's Macs or in one for a library in files is seen, and where."""
    wrong = "[compute popDebugGrup];"
    branches = {
        "TARGET_OS_IOS": "iOS 16.4 on arm64, with the library embedded; ",
        "TARGET_CPU_X86_64": "macOS 13.3 on x86-64, with the library embedded; ",
        "!GGML_METAL_EMBED_LIBRARY": "macOS 15 on arm64, with the library in files; ",
    }
    for condition, where in branches.items():
        small.replace(DEVICE, "[compute popDebugGroup];", f"[compute popDebugGroup];\n#if {condition}\n{wrong}\n#endif")
        ran = small.check()
        assert ran.code == 1, condition
        assert f"(seen for {where}" in ran.err
        small.replace(DEVICE, f"\n#if {condition}\n{wrong}\n#endif", "")
    assert small.check().code == 0


def test_what_is_newer_than_the_oldest_system_stands_in_available(small: Tree) -> None:
    """A residency set outside `@available` is an error where the oldest system has none, and none inside it."""
    use = "MTLResidencySetDescriptor * set = [MTLResidencySetDescriptor new]; [set release];"
    small.replace(DEVICE, "[compute popDebugGroup];", use)
    ran = small.check()
    assert ran.code == 1
    assert "'MTLResidencySetDescriptor' is only available on macOS 15.0 or newer" in ran.err
    assert "(seen for macOS 13.3 on arm64, " in ran.err
    small.replace(DEVICE, use, f"if (@available(macOS 15.0, iOS 18.0, *)) {{ {use} }}")
    assert small.check().code == 0


def test_nothing_checked_is_never_green(small: Tree, tmp_path: Path) -> None:
    """Without the file, without clang, or with a program that is no clang, the check ends in 2 and says so."""
    ran = small.check(clang=str(tmp_path / "no-clang"))
    assert (ran.code, ran.out) == (2, "")
    assert "no-clang cannot be run (No such file or directory): give --clang a clang." in ran.err
    ran = small.check(clang="false")
    assert (ran.code, ran.out) == (2, "")
    assert "false ended with 1" in ran.err
    ran = small.check(clang="true")
    assert (ran.code, ran.out) == (2, "")
    assert "true read nothing" in ran.err
    (small.root / CONTEXT).unlink()
    ran = small.check()
    assert (ran.code, ran.out) == (2, "")
    assert "has no ggml/src/ggml-metal/ggml-metal-context.m" in ran.err


# upstream's own files -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bring upstream at both pins, and the fork's own tree."""
    return bring(tmp_path_factory.mktemp("upstream"))


@pytest.mark.network
@pytest.mark.parametrize("name", [*PINS, "the fork"])
def test_upstreams_files_type_check(trees: dict[str, Path], name: str) -> None:
    """Upstream's own two files pass, unchanged, at both pins, and so do the fork's."""
    assert "MTLCommandBuffer" in (trees[name] / CONTEXT).read_text()
    ran = Tree(trees[name]).check()
    assert ran.code == 0, ran.err


@pytest.mark.network
@pytest.mark.parametrize("name", PINS)
@pytest.mark.parametrize(
    ("path", "old", "new", "at", "said"),
    [
        (DEVICE, "[cmd_buf computeCommandEncoder]", "[cmd_buf computeEncoder]", DEVICE, "'-computeEncoder' not"),
        (
            CONTEXT,
            "cmd_buf_last waitUntilCompleted]",
            "cmd_buf_last waitUntilComplete]",
            CONTEXT,
            "'-waitUntilComplete' not",
        ),
        (f"{BACKEND}/ggml-metal-device.h", "bool has_bfloat;", "", DEVICE, "no member named 'has_bfloat'"),
        (CONTEXT, "newBufferWithBytes:data", "newBufferWithBytes:size", CONTEXT, "incompatible integer to pointer"),
        (DEVICE, "setBuffer:buffer.metal", "setBuffer:encoder->obj", DEVICE, "incompatible type 'id<MTLBuffer>"),
        (CONTEXT, "[encoder endEncoding];", "[encoder endEncoding]", CONTEXT, "expected ';'"),
        (DEVICE, "    [encoder->obj endEncoding];\n}", "    [encoder->obj endEncoding];\n", DEVICE, "expected '}'"),
    ],
    ids=["selector", "selector of the context", "field", "number", "protocol", "semicolon", "brace"],
)
def test_a_fault_in_upstreams_files_is_seen(
    trees: dict[str, Path], tmp_path: Path, name: str, path: str, old: str, new: str, at: str, said: str
) -> None:
    """A patch that breaks one of upstream's files, or a header of theirs, is an error there, at both pins."""
    shutil.copytree(trees[name] / "ggml", tmp_path / "ggml")
    tree = Tree(tmp_path)
    tree.replace(path, old, new)
    ran = tree.check()
    assert ran.code == 1
    assert re.search(rf"^{at}:\d+:\d+: error: .*{re.escape(said)}", ran.err, re.MULTILINE), ran.err
