# SPDX-License-Identifier: MIT
"""Witness of `lazy-mmap`: pages of a mapped model are left until they are used."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from native_harness import Compile, FindTool, recorded, recording

LINE = re.compile(r"populate=(\d) size=(\d+) resident=(-?\d+)")


@dataclass(frozen=True)
class Mapping:
    """What the probe saw of the one mapping of the model, and what the model said."""

    populate: bool
    share: float
    text: str


Observe = Callable[..., Mapping]


@pytest.fixture(scope="session")
def observe(
    tmp_path_factory: pytest.TempPathFactory,
    tool: FindTool,
    model: Path,
    typed: tuple[str, ...],
    compile_program: Compile,
) -> Observe:
    """Return a function that runs a completion under the probe."""
    folder = tmp_path_factory.mktemp("probe")
    flags = ("-shared", "-fPIC", "-ldl")
    probe = compile_program(Path(__file__).with_name("mmap_probe.c"), folder / "probe.so", flags=flags)

    def run(**env: str) -> Mapping:
        log = folder / "log"
        said = folder / "said"
        log.unlink(missing_ok=True)
        said.unlink(missing_ok=True)
        preload = {"LD_PRELOAD": str(probe), "MMAP_PROBE": str(log)}
        done = tool("llama-completion")(*typed, "-p", "abc", "-n", "4", *recording(said), env=preload | env)
        assert done.returncode == 0, done.stderr
        seen = LINE.findall(log.read_text()) if log.exists() else []
        assert len(seen) == 1, f"one mapping of the model was expected, not {seen}"
        populate, size, resident = map(int, seen[0])
        assert resident >= 0, "the probe could not read /proc/self/smaps"
        assert size >= model.stat().st_size
        return Mapping(bool(populate), resident / size, recorded(said))

    return run


def test_pages_are_not_populated(observe: Observe) -> None:
    """A model is mapped without MAP_POPULATE, and next to nothing of it is resident then."""
    seen = observe()
    assert not seen.populate
    assert seen.share < 0.1


@pytest.mark.parametrize("value", ["", "0"])
def test_prefetch_off_is_the_default(observe: Observe, value: str) -> None:
    """An empty variable and 0 mean the same as no variable."""
    seen = observe(LLAMAFILE_MMAP_PREFETCH=value)
    assert not seen.populate
    assert seen.share < 0.1


def test_prefetch_can_be_asked_for(observe: Observe) -> None:
    """With LLAMAFILE_MMAP_PREFETCH=1 the whole mapping is populated, as upstream does it."""
    seen = observe(LLAMAFILE_MMAP_PREFETCH="1")
    assert seen.populate
    assert seen.share > 0.9


def test_text_is_the_same(observe: Observe) -> None:
    """The way of mapping does not change a word of what the model says."""
    lazy, eager = observe(), observe(LLAMAFILE_MMAP_PREFETCH="1")
    assert "abc" in lazy.text
    assert lazy.text == eager.text
