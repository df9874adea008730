# SPDX-License-Identifier: MIT
"""Witness of `default-args`: a file beside the executable holds arguments for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from native_harness import FindTool, Speak, Tool, recorded, recording


@dataclass(frozen=True)
class Shipped:
    """A program copied to a folder of its own, where files can be put beside it."""

    tool: Tool

    @property
    def own(self) -> Path:
        """Return the path of the arguments for this program alone."""
        return Path(f"{self.tool.path}.args")

    @property
    def common(self) -> Path:
        """Return the path of the arguments for every program in the folder."""
        return self.tool.path.with_name(".args")


@pytest.fixture
def shipped(tmp_path: Path, tool: FindTool) -> Shipped:
    """Return llama-completion in a folder of its own."""
    return Shipped(tool("llama-completion").at(tmp_path / "chat"))


Say = Callable[[str, int], str]


@pytest.fixture
def say(tool: FindTool, typed: tuple[str, ...], speak: Speak) -> Say:
    """Return a function that says what the model answers when everything is typed."""

    def say(prompt: str, count: int) -> str:
        text = speak(tool("llama-completion"), *typed, "-p", prompt, "-n", str(count))
        assert prompt in text
        return text

    return say


@pytest.fixture
def defaults(typed: tuple[str, ...]) -> str:
    """Return the text of the arguments that every run here needs."""
    return " ".join(f"'{word}'" for word in typed)


def test_runs_by_itself(shipped: Shipped, defaults: str, tmp_path: Path, say: Say) -> None:
    """A program with its arguments beside it does the same with nothing typed as with all typed."""
    said = tmp_path / "said"
    record = " ".join(map(str, recording(said)))
    shipped.own.write_text(f'# the model\n{defaults}   # by its path\n-p "abc"\n-n 6\n{record}\n')
    done = shipped.tool()
    assert done.returncode == 0, done.stderr
    assert recorded(said) == say("abc", 6)


@pytest.mark.parametrize("place", ["", "...", "...\n# the end"], ids=["absent", "last", "comment"])
def test_typed_arguments_win(shipped: Shipped, defaults: str, speak: Speak, say: Say, place: str) -> None:
    """What a person types replaces the default of the same option."""
    shipped.own.write_text(f"{defaults} -p abc -n 6 {place}")
    assert speak(shipped.tool, "-p", "xyz") == say("xyz", 6)


def test_words_after_the_place_stay(shipped: Shipped, defaults: str, speak: Speak, say: Say) -> None:
    """Words after ... come after what is typed, so the packager has the last say there."""
    shipped.own.write_text(f"{defaults} -n 9 ... -n 6")
    assert speak(shipped.tool, "-p", "xyz", "-n", "2") == say("xyz", 6)
    assert say("xyz", 6) != say("xyz", 2)


def test_own_file_before_common_file(shipped: Shipped, defaults: str, speak: Speak, say: Say) -> None:
    """The folder's .args serves every program in it; a program's own file takes its place."""
    shipped.common.write_text(f"{defaults} -p abc -n 2")
    assert speak(shipped.tool) == say("abc", 2)
    shipped.own.write_text(f"{defaults} -p xyz -n 2")
    assert speak(shipped.tool) == say("xyz", 2)


def test_variable_names_another_file(
    shipped: Shipped, defaults: str, typed: tuple[str, ...], speak: Speak, say: Say
) -> None:
    """LLAMAFILE_ARGS names the file to use, and set to nothing turns default arguments off."""
    shipped.own.write_text("--no-such-option")
    other = shipped.own.with_name("other words")
    other.write_text(f"{defaults} -p abc -n 2")
    assert speak(shipped.tool, env={"LLAMAFILE_ARGS": str(other)}) == say("abc", 2)

    words = (*typed, "-p", "xyz", "-n", "2")
    assert speak(shipped.tool, *words, env={"LLAMAFILE_ARGS": ""}) == say("xyz", 2)


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        ("'a # b \\ c'", "a # b \\ c"),
        ('"a \\"b\\" \\\\ \\c"', 'a "b" \\ \\c'),
        ("a'b c'\"d e\"", "ab cd e"),
        ("C:\\dir\\#x", "C:\\dir\\#x"),
        ("'...'", "..."),
        ("'{dir}'", "{dir}"),
        ("'two\nlines'", "two\nlines"),
    ],
    ids=["single", "double", "joined", "plain", "dots", "braces", "lines"],
)
def test_quoting(shipped: Shipped, defaults: str, speak: Speak, written: str, prompt: str) -> None:
    """Quotes, backslashes and marks mean what the header says they mean."""
    # --no-escape, because the program gives backslashes in a prompt a meaning of its own
    shipped.own.write_text(f"{defaults} --no-escape -n 2 -p {written}")
    # the tokenizer puts a mark in the place of a blank, and one in front
    mark = "\N{LOWER ONE EIGHTH BLOCK}"
    expected = (mark + prompt.replace(" ", mark)).encode().decode("latin-1")
    assert speak(shipped.tool).startswith(expected)


def test_names_of_the_executable(shipped: Shipped) -> None:
    """{exe} and {dir} are the path of the executable and its folder, within a word as well."""
    exe = shipped.tool.path
    for written, expected in (("x{exe}y", f"x{exe}y"), ('"{dir} z"', f"{exe.parent} z")):
        shipped.own.write_text(written)
        assert f"invalid argument: {expected}\n" in shipped.tool().stderr


def test_folder_of_the_executable(shipped: Shipped, model: Path, defaults: str, speak: Speak, say: Say) -> None:
    """{dir} is the executable's folder, so a model can be shipped beside it wherever it lies."""
    shipped.own.with_name("my model.gguf").symlink_to(model)
    shipped.own.write_text(f"{defaults} -m {{dir}}/'my model.gguf' -p abc -n 2")
    assert speak(shipped.tool) == say("abc", 2)
    shipped.own.write_text(f"{defaults} -m {{dir}}/none.gguf -p abc -n 2")
    assert shipped.tool().returncode != 0


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("-n 2\n-p 'abc\n\n", 2, "the quote ' is never closed"),
        ('-p "abc\\"', 1, 'the quote " is never closed'),
        ("...\n# again\n...", 3, "a second ... for the typed arguments"),
        ("-n 2\n-p a\0b", 2, "a zero byte, this is not a text file"),
    ],
    ids=["single", "escaped", "twice", "binary"],
)
def test_mistakes_are_named(shipped: Shipped, text: str, line: int, what: str) -> None:
    """A file that cannot be understood stops the program with its path, the line and the reason."""
    shipped.own.write_text(text)
    done = shipped.tool("-p", "xyz")
    assert done.returncode == 1
    assert f"default arguments: {shipped.own}:{line}: {what}" in done.stderr


def test_unreadable_file_is_named(shipped: Shipped, tmp_path: Path) -> None:
    """A file that was named and cannot be read is an error, not silence."""
    missing = tmp_path / "missing"
    done = shipped.tool(env={"LLAMAFILE_ARGS": str(missing)})
    assert done.returncode == 1
    assert f"default arguments: cannot read {missing}" in done.stderr


def test_unknown_options_are_reported_as_ever(shipped: Shipped) -> None:
    """A wrong option in the file is reported like one that was typed."""
    shipped.own.write_text("--no-such-option")
    done = shipped.tool()
    assert done.returncode == 1
    assert "invalid argument: --no-such-option" in done.stderr
