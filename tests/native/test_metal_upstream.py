"""The source step on upstream's own shaders, at both pins and with the fork's patches: laws, held against their text.

A second, much simpler reading of the preprocessed text says what must be there.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from metal_source.__main__ import METAL, _preprocessed, shader_files
from metal_source.declarations import Declaration, What, declarations, reachable
from metal_source.kernels import kernels
from metal_source.lexing import Kind, tokens
from metal_source.meetings import Meetings
from metal_source.rewriting import DROPPED, text_of
from pins import PINS, bring

pytestmark = [pytest.mark.network, pytest.mark.clang]

ROOT = Path(__file__).parents[2]
NAMES = (*PINS, "the fork")
CLANG = "clang++-19"
# what the machine is told of loops and calls
TOLD = re.compile(
    r"\{ emulated::Within \w+\(\d+\);|emulated_loop_\d+\.turn\(\);(?: emulated::in_step\(\);)?|"
    r"\(emulated::Within\(\d+\),"
)
DIVISION = re.compile(r"\*::metal::(?:over|modulo)\*|\|=::metal::by_(?:over|modulo) =")


@dataclass(frozen=True)
class Shaders:
    """One tree's shaders. texts -- what the preprocessor makes of each file; out -- what the step made."""

    texts: dict[str, str]
    out: Path

    def declarations(self) -> Iterator[list[Declaration]]:
        """Give each file's."""
        for text in self.texts.values():
            yield declarations(tokens(text))


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bring upstream at both pins, and the fork's own tree."""
    return bring(tmp_path_factory.mktemp("upstream"))


@pytest.fixture(scope="module", params=NAMES)
def shaders(
    request: pytest.FixtureRequest, trees: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Shaders:
    """Take a tree's shaders through the step, and preprocess them once more."""
    tree, out = trees[request.param], tmp_path_factory.mktemp("made")
    argv = [sys.executable, "-m", "metal_source", "shaders", "--source", str(tree), "--clang", CLANG]
    env = {"PYTHONPATH": str(ROOT / "native/metal/source"), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*argv, "--out", str(out)], env=env, check=True)
    again = tmp_path_factory.mktemp("again")
    files = shader_files(tree / METAL)
    assert files
    return Shaders({file.name: _preprocessed(file, tree, CLANG, again) for file in files}, out)


def test_every_kernel_is_listed_once(shaders: Shaders) -> None:
    """Each host_name in the text, and each kernel function without one, is in kernels.json once; nothing else is."""
    listed = [each["name"] for each in json.loads((shaders.out / "kernels.json").read_text())["kernels"]]
    whole = "\n".join(shaders.texts.values())
    named = re.findall(r'host_name\(\s*"([^"]+)"', whole)
    plain = re.findall(r"^kernel\s+void\s+(\w+)\s*\(", whole, re.MULTILINE)
    templates = re.findall(r"template\s*<[^;{]*>\s*kernel\s+void\s+(\w+)\s*\(", whole)
    assert len(named) > 300
    expected = Counter(named) + Counter(set(plain) - set(named) - set(templates))
    assert Counter(listed) == expected


def test_every_kernel_is_compiled_once(shaders: Shaders) -> None:
    """Each that is listed is registered in one unit of units.txt, the unit that kernels.json names."""
    listed = {each["name"]: each["unit"] for each in json.loads((shaders.out / "kernels.json").read_text())["kernels"]}
    found: dict[str, str] = {}
    for unit in (shaders.out / "units.txt").read_text().split():
        for name in re.findall(r'^EMULATED_KERNEL\(\d+, "([^"]+)"', (shaders.out / unit).read_text(), re.MULTILINE):
            assert found.setdefault(name, unit.removesuffix(".cpp")) == unit.removesuffix(".cpp")
    assert found == listed


def test_no_token_is_lost_between_declarations(shaders: Shaders) -> None:
    """Declarations have every token of a file, in its order, but for stray semicolons and pragmas between them."""
    for text in shaders.texts.values():
        given = tokens(text)
        divided = [token for each in declarations(given) for token in each.tokens]
        kept, at = [], 0
        for token in given:
            if at < len(divided) and token == divided[at]:
                at += 1
            else:
                kept.append(token)
        assert at == len(divided)
        assert {token.text for token in kept if token.kind is not Kind.PRAGMA} <= {";"}


def test_what_is_not_rewritten_stays_as_it_is(shaders: Shaders) -> None:
    """Words, numbers and strings of a declaration are written in their order, on upstream's lines, but for a few."""
    compared = 0
    for found in shaders.declarations():
        for each in found:
            if each.what in (What.INSTANCE, What.CONSTANT):
                continue
            written = text_of(each, Meetings())
            if "threadgroup_variable" in written:
                continue
            bare = DIVISION.sub("/", TOLD.sub("", re.sub(r"(?m)^#line (.*)$", r"# \1", written)))
            said = _said(bare, of_cpp=True)
            assert said == _said("\n".join(_lines(each)), of_cpp=False)
            compared += len(said)
    assert compared > 30_000


def _lines(declaration: Declaration) -> Iterator[str]:
    for token in declaration.tokens:
        yield f'# {token.line} "{token.file}"'
        yield f"#pragma {token.text}" if token.kind is Kind.PRAGMA else token.text


def _said(text: str, *, of_cpp: bool) -> list[tuple[str, int]]:
    """Give words and numbers with their lines, in the form that both texts have: without attributes and spaces."""
    found = []
    bare = [token for token in tokens(text) if token.kind is not Kind.PRAGMA]
    index = 0
    while index < len(bare):
        token = bare[index]
        if not of_cpp and [each.text for each in bare[index : index + 2]] == ["[", "["]:
            while [each.text for each in bare[index : index + 2]] != ["]", "]"]:
                index += 1
            index += 2
            continue
        index += 1
        if token.kind is Kind.SIGN or (not of_cpp and token.text in DROPPED):
            continue
        if not of_cpp and token.kind is Kind.NUMBER and re.fullmatch(r"[\d.]+(?:e-?\d+)?h", token.text):
            found.append(("half", token.line))
        found.append((_plain(token.text) if token.kind is Kind.NUMBER else token.text, token.line))
    return [(text if text != "constant" else "const", line) for text, line in found]


def _plain(number: str) -> str:
    """Leave a floating literal's suffix out."""
    return number.rstrip("fFh") if re.fullmatch(r"[\d.]+(?:[eE][+-]?\d+)?[fFh]", number) else number


def test_what_a_kernel_needs_is_closed(shaders: Shaders) -> None:
    """What is taken for a kernel names nothing of the file that is not taken."""
    for found in shaders.declarations():
        kept = [each for each in found if each.what is not What.INSTANCE]
        names = {name for each in kept for name in each.names}
        for kernel in kernels(found)[:: max(1, len(found) // 20)]:
            taken = reachable({kernel.base, *kernel.needs}, kept)
            have = {name for each in taken for name in each.names}
            assert kernel.base in have
            for each in taken:
                assert each.uses & names <= have
