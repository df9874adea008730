# SPDX-License-Identifier: MIT
"""Small models of four architectures, in six types each, say on the variant's device what they have to say.

What that is, reference.py computes in double precision from the same file. Every run also has to show in its
log that it ran on the device.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from models.asking import Predicted, error, perplexity, predict, speak
from models.recipes import END, EVERY, ORIGINAL_CONTEXT, START, STOP, VOCABULARY, WINDOW, Recipe
from models.reference import Expected, Numbers, Reference, log_shares
from models.store import Store
from native_harness import FIRST_BYTE, Device, FindTool

if TYPE_CHECKING:
    from pathlib import Path

    from models.recipes import Architecture

RECIPES = [pytest.param(recipe, id=recipe.name) for recipe in EVERY]

# Tokens of the text that are predicted at once; the second half of the predictions is written.
LENGTH = 128
PROMPT, ANSWER = "once-upon-a-time", 24

PROCESSOR = Device(("--device", "none"), re.compile(r"CPU\S* model buffer size"))

# How far half of all rows may be from the reference, as a share of how much a row varies. The weights are the
# reference's own, so only products differ: with F32 and F16 weights numbers keep 11 bits where a device, or the
# cache of keys and values, works in F16, with BF16 they keep 8, and with quantised weights the other side of a
# product is rounded to 8 bits for its block, too. A processor with AVX-512 is at 0.0004, 0.0009, 0.006, 0.022
# (Q8_0 and Q4_0) and 0.031 at most; GPUs may also add up in F16. To leave out one of the 256 or 512 terms of
# every product moves half of the rows by 0.15 and more, to leave it out of the last product alone by 0.055.
CLOSE = {"F32": 0.02, "F16": 0.02, "BF16": 0.02, "Q8_0": 0.06, "Q4_0": 0.06, "Q4_K_M": 0.06}

# How far every single row may be, seen up to 0.07; two rows that have nothing in common are 1.4 apart.
FAR = 0.25

# The router's preferences vary by 4. Roundings were seen to change its choice where its lead was up to 0.16, so
# where it is below this a row is not judged; a quarter of the rows are such.
LEAD = 0.3
JUDGED = 0.5


@dataclass(frozen=True)
class Asked:
    """The device, the build's tools and the models: all that a question to a model needs."""

    tool: FindTool
    device: Device
    store: Store
    text: Path
    folder: Path

    def predict(self, recipe: Recipe, length: int = LENGTH) -> Predicted:
        """Return what a model made of the text."""
        model = self.store.path(recipe)
        return predict(self.tool("llama-perplexity"), self.device, model, text=self.text, length=length)

    def speak(self, recipe: Recipe) -> tuple[int, ...]:
        """Return the tokens of the prompt and of what a model added."""
        model, tool = self.store.path(recipe), self.tool("llama-completion")
        return speak(tool, self.device, model, prompt=PROMPT, count=ANSWER, folder=self.folder)


Refer = Callable[..., Reference]


@pytest.fixture(scope="session")
def store(models: Path, tool: FindTool) -> Store:
    """Return the store of models, which are verified once."""
    return Store(models, tool)


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of random letters, enough for two contexts of the longest kind, as llama-perplexity demands."""
    letters = np.random.default_rng(1).integers(ord("a"), ord("z") + 1, 1200, np.uint8)
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_bytes(letters.tobytes())
    return path


@pytest.fixture
def ask(tool: FindTool, device: Device, store: Store, text: Path, tmp_path: Path) -> Asked:
    """Return what puts questions to models."""
    return Asked(tool, device, store, text, tmp_path)


@pytest.fixture(scope="session")
def refer(store: Store) -> Refer:
    """Return a function that gives a model's reference; its weights are read once."""

    @cache
    def reference(recipe: Recipe, *, window: int = 0, factors: str = "short") -> Reference:
        return Reference(store.path(recipe), recipe.architecture, window, factors)

    return reference


@pytest.mark.parametrize("recipe", RECIPES)
def test_perplexity(ask: Asked, refer: Refer, recipe: Recipe) -> None:
    """The predictions for a text, and their perplexity, are the reference's and those of a model that only guesses."""
    said = ask.predict(recipe)
    letters = [FIRST_BYTE + byte for byte in ask.text.read_bytes()]
    assert said.tokens == (START, *letters[: LENGTH - 1])

    expected = refer(recipe, window=recipe.window).said(said.tokens)
    assert_close(said, expected, recipe.kind)
    found = perplexity(said.log_shares, said.following)
    assert found == pytest.approx(perplexity(rows(said, expected), said.following), rel=CLOSE[recipe.kind])
    # guesses with logits of the deviation 1.3 give the vocabulary's size times exp(1.3²/2), about 2.3; chance may
    # make that two times more or less
    assert VOCABULARY < found < 5 * VOCABULARY


@pytest.mark.parametrize("recipe", RECIPES)
def test_generation(ask: Asked, refer: Refer, recipe: Recipe) -> None:
    """Each token said is the reference's likeliest after those before it, or as good, and all are said again."""
    said = ask.speak(recipe)
    prompt = (START, *(FIRST_BYTE + byte for byte in PROMPT.encode()))
    assert said[: len(prompt)] == prompt
    assert len(said) == len(prompt) + ANSWER

    expected = refer(recipe, window=recipe.window).said(said)
    before = slice(len(prompt) - 1, -1)
    logits, answer = expected.logits[before], np.array(said[len(prompt) :])
    logits[:, [STOP, END]] = -np.inf  # the ends were forbidden
    behind = logits.max(axis=1) - logits[np.arange(len(answer)), answer]
    sure = expected.lead[before] > LEAD
    assert sure.mean() > JUDGED
    # both the best and the chosen may be off, each by a few times what half of the rows are
    assert behind[sure].max() < 8 * CLOSE[recipe.kind]

    assert ask.speak(recipe) == said


@pytest.mark.parametrize("architecture", ["llama", "phi3"])
def test_bf16_text_is_the_processors(ask: Asked, architecture: Architecture) -> None:
    """With BF16 weights a model says on the device, token by token, what it says on the processor.

    Not so for every model: where two tokens are as good as each other, a rounding decides, and then a router's choice.
    """
    recipe = Recipe(architecture, "BF16")
    processor = replace(ask, device=PROCESSOR)
    assert ask.speak(recipe) == processor.speak(recipe)


@pytest.mark.parametrize(
    ("length", "factors", "others"),
    [
        pytest.param(ORIGINAL_CONTEXT, "short", "long", id="within"),
        pytest.param(2 * ORIGINAL_CONTEXT, "long", "short", id="beyond"),
    ],
)
def test_phi3_factors(ask: Asked, refer: Refer, length: int, factors: str, others: str) -> None:
    """A context up to the original one has phi3's short factors, a longer one the long ones."""
    recipe = Recipe("phi3", "F32")
    said = ask.predict(recipe, length)
    assert_close(said, refer(recipe, factors=factors).said(said.tokens), recipe.kind)
    assert_far(said, refer(recipe, factors=others).said(said.tokens))


def test_sliding_window(ask: Asked, refer: Refer) -> None:
    """On a text longer than its window, gemma3's layers with a window see no more than that."""
    recipe = Recipe("gemma3", "F32", WINDOW)
    said = ask.predict(recipe)
    assert_close(said, refer(recipe, window=WINDOW).said(said.tokens), recipe.kind)
    for other in (0, WINDOW - 1, WINDOW + 1):
        assert_far(said, refer(recipe, window=other).said(said.tokens))


def test_sliding_window_of_a_short_text(ask: Asked, refer: Refer) -> None:
    """On a text as long as its window, gemma3 says what it says without one."""
    recipe = Recipe("gemma3", "F32", WINDOW)
    said = ask.predict(recipe, WINDOW)
    assert_close(said, refer(recipe).said(said.tokens), recipe.kind)


def test_phi3_window_is_applied_or_said_not_to_be(ask: Asked, refer: Refer) -> None:
    """A window that a phi3 model declares is applied, or the log says that it is not and nothing is.

    Upstream has switched it off at both pins that this fork was on (its pull request 13676).
    """
    recipe = Recipe("phi3", "F32", WINDOW)
    said = ask.predict(recipe)
    if "SWA is currently disabled" in said.log:
        assert_close(said, refer(recipe).said(said.tokens), recipe.kind)
    else:
        assert_close(said, refer(recipe, window=WINDOW).said(said.tokens), recipe.kind)


def rows(said: Predicted, expected: Expected) -> Numbers:
    """Return what is expected where a prediction was written."""
    return log_shares(expected.logits)[said.first : said.first + len(said.log_shares)]


def assert_close(said: Predicted, expected: Expected, kind: str) -> None:
    """Half of all rows are near what is expected, and every one is where no rounding can change the router's mind."""
    assert np.isfinite(said.log_shares).all()
    away = error(said.log_shares, rows(said, expected))
    sure = expected.lead[said.first : said.first + len(away)] > LEAD
    assert np.median(away) < CLOSE[kind]
    assert sure.mean() > JUDGED
    assert away[sure].max() < FAR


def assert_far(said: Predicted, expected: Expected) -> None:
    """More than any rounding lies between what is said and this: else being near the other would prove nothing."""
    assert np.median(error(said.log_shares, rows(said, expected))) > 2 * CLOSE["F32"]
