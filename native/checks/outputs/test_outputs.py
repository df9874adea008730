# SPDX-License-Identifier: MIT
"""Writes down what each small model says on the variant's device, for forkkeeper to compare with another build's.

    pytest native/checks/outputs --source=DIR --build=DIR --outputs=DIR

For a case NAME, such as llama-Q4_K_M:

    NAME.logits         tokens and logits, laid out as logits.cpp says
    NAME.again.logits   the same of a second run: whether the device repeats itself
    NAME.json           "model": SHA-256 of the model's file; "place": the line of the log that shows where it ran

What is right is not judged here; models/ does that.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from models.asking import LOUD_ENV, SECONDS
from models.recipes import EVERY, Recipe
from models.store import Store, digest
from native_harness import Build, Compile, Device, FindTool, Tool, explained, succeeded

# A token for each character, after the start: a blank would be three, as the tokenizer writes it otherwise.
TEXT = (
    "a-fork-is-a-promise-to-come-back:what-was-changed-must-be-told,what-was-not-must-stay-the-very-same,"
    "bit-for-bit,day-by-day,on-and-on."
)
ADDED = 24


@pytest.fixture(scope="session")
def program(
    tmp_path_factory: pytest.TempPathFactory,
    build: Build,
    source: Path,
    declared: dict[str, str],
    compile_program: Compile,
) -> Tool:
    """Compile the program that writes logits against the build and its headers."""
    code = Path(__file__).with_name("logits.cpp")
    made = tmp_path_factory.mktemp("outputs") / "logits"
    flags, libraries = (f"-I{source / 'include'}",), ("llama", "ggml", "ggml-base")
    return Tool(compile_program(code, made, flags=flags, libraries=libraries), build.bin, declared)


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the text."""
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text(TEXT, encoding="ascii")
    return path


@pytest.fixture(scope="session")
def store(models: Path, tool: FindTool) -> Store:
    """Return the store of models, which are verified once."""
    return Store(models, tool)


@pytest.mark.parametrize("recipe", [pytest.param(recipe, id=recipe.name) for recipe in EVERY])
def test_outputs(program: Tool, device: Device, store: Store, text: Path, outputs: Path, recipe: Recipe) -> None:
    """A model says something for every token, and the log shows that it ran on the device."""
    model = store.path(recipe)
    outputs.mkdir(parents=True, exist_ok=True)
    place = ""
    for name in (recipe.name, f"{recipe.name}.again"):
        path = outputs / f"{name}.logits"
        words = ("--model", model, "--text", text, "--continue", str(ADDED), "--output", path)
        more: tuple[str | Path, ...] = ("--backends", program.libraries, *device.options)
        done = succeeded(program(*words, *more, env=LOUD_ENV, seconds=SECONDS))
        log = done.stdout + done.stderr
        places = [line.strip() for line in log.splitlines() if device.proof.search(line)]
        assert places, f"it ran elsewhere, as nothing logged is like `{device.proof.pattern}`:\n{explained(done)}"
        place = places[0]
    written = {"model": digest(model), "place": place}
    (outputs / f"{recipe.name}.json").write_text(json.dumps(written) + "\n", encoding="utf-8")
