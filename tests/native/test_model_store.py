"""The store of small models that the native checks run: never an old file, a half one or a damaged one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from models.recipes import Recipe
from models.store import Store
from native_harness import Tool

CHECKS = Path(__file__).parents[2] / "native/checks"
RECIPE = Recipe("llama", "F16")
QUANTISED = Recipe("llama", "Q4_K_M")
COPIES = '#!/bin/sh\ncp "$1" "$2"\n'  # stands for llama-quantize
SESSION = """
import sys
from pathlib import Path

from models.recipes import Recipe
from models.store import Store
from native_harness import Tool

place = Path(sys.argv[1])
Store(place / "models", lambda name: Tool(place / "bin" / name, place / "bin")).path(Recipe("llama", "Q4_K_M"))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty store, with a build that has a quantiser and a library."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/libggml.so").write_text("a library")
    program = tmp_path / "bin/llama-quantize"
    program.write_text(COPIES)
    program.chmod(0o755)
    return Store(tmp_path / "models", lambda name: Tool(tmp_path / "bin" / name, tmp_path / "bin"))


def test_a_model_is_made_once(store: Store) -> None:
    """The same recipe gives the same file, not written again, and another recipe another one."""
    path = store.path(RECIPE)
    before = path.stat().st_mtime_ns
    assert store.path(RECIPE) == path
    assert path.stat().st_mtime_ns == before
    others = [Recipe("llama", "F32"), Recipe("phi3", "F16"), Recipe("llama", "F16", 32)]
    assert len({path, *map(store.path, others)}) == 4


def test_a_damaged_model_is_made_again(store: Store) -> None:
    """One changed byte is noticed: the file is replaced by what it was."""
    path = store.path(RECIPE)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert store.path(RECIPE) == path
    assert path.read_bytes() == whole
    path.write_bytes(whole[:1000])
    assert store.path(RECIPE).read_bytes() == whole


def test_a_model_that_was_not_finished_is_never_found(store: Store, tmp_path: Path) -> None:
    """What a killed session leaves has no model's name, and the next one makes the model whole."""
    (tmp_path / "bin/llama-quantize").write_text("#!/bin/sh\necho half >$2\nkill -KILL $PPID\n")
    session = subprocess.run([sys.executable, "-c", SESSION, tmp_path], env={"PYTHONPATH": str(CHECKS)}, check=False)
    assert session.returncode == -signal.SIGKILL
    (left,) = store.folder.glob("unfinished-*/*")
    assert left.read_text() == "half\n"

    (tmp_path / "bin/llama-quantize").write_text(COPIES)
    assert store.path(QUANTISED).read_bytes() == store.path(Recipe("llama", "F32")).read_bytes()


def test_a_quantised_model_belongs_to_its_quantiser(store: Store, tmp_path: Path) -> None:
    """Another llama-quantize or another library of the build makes its own file; what gguf writes stays."""
    written, quantised = store.address(RECIPE), store.address(QUANTISED)
    assert store.path(QUANTISED).read_bytes() == store.path(Recipe("llama", "F32")).read_bytes()
    (tmp_path / "bin/libggml.so").write_text("a newer library")
    newer = Store(store.folder, store.tool)
    assert newer.address(RECIPE) == written
    assert newer.address(QUANTISED) != quantised


def test_a_quantiser_that_fails_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """A failure is said, and the next run does not take what was left for a model."""
    (tmp_path / "bin/llama-quantize").write_text("#!/bin/sh\necho half >$2\nexit 3\n")
    with pytest.raises(AssertionError, match="status 3"):
        store.path(QUANTISED)
    assert len(list(store.folder.iterdir())) == 1  # the F32 model that it would have been made of
