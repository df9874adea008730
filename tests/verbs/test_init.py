"""What `init` promises: a commented, valid beginning, in a folder that has none."""

import shutil
from pathlib import Path

import msgspec
import pytest
from world import Fork, assert_message, git, run

from forkkeeper.core import declaration
from forkkeeper.core.benches import Instructions


def begin(fork: Fork, place: Path, *more: str) -> Path:
    """Make an empty folder and run init in it."""
    place.mkdir()
    ran = run(place, "init", "--upstream", str(fork.upstream.path), "--pin", "v1.0", *more)
    assert ran.code == 0, ran.said
    return place


def test_a_new_fork_is_in_step(fork_in_step: Fork, tmp_path: Path) -> None:
    """A fork begun in an empty folder has declaration, queue, log and lock, and everything agrees at once."""
    place = begin(fork_in_step, tmp_path / "new")
    names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    own = [name for name in names if not name.startswith(".forkkeeper/")]
    assert own == [".gitattributes", ".gitignore", "CHANGES-LOCAL.md", "fork.lock", "fork.toml", "patches/series"]
    for words in (["status"], ["log", "--check"], ["lint"], ["plan", "--upto", "v1.1"], ["sync", "--upto", "v1.1"]):
        ran = run(place, *words)
        assert ran.code == 0, ran.said
    git(place, "init", "--quiet")
    assert ".forkkeeper" not in git(place, "status", "--porcelain", "--untracked-files=all")


def test_the_declaration_is_commented_field_by_field(fork_in_step: Fork, tmp_path: Path) -> None:
    """Every field that can be written stands in fork.toml with a comment, and the file keeps every upstream path."""
    text = (begin(fork_in_step, tmp_path / "new") / "fork.toml").read_text()
    for field in declaration.known_fields():
        assert f"{field} = " in text or f"[{field}" in text or f".{field}" in text, field
    declared = declaration.parse(text.encode())
    assert declared.path == ()
    assert declared.name == "new"


def test_the_suggested_count_can_be_declared_as_it_stands(fork_in_step: Fork, tmp_path: Path) -> None:
    """Uncommented, the lines on counting name one function and give the fields that counting has, at their values."""
    text = (begin(fork_in_step, tmp_path / "new") / "fork.toml").read_text()
    lines = text[text.index("# [bench.instructions]") :].splitlines()
    found = msgspec.toml.decode("\n".join(line.removeprefix("# ") for line in lines))["bench"]["instructions"]
    assert found == msgspec.to_builtins(Instructions("cpu", within="llama_context::process_ubatch(*"))


@pytest.mark.parametrize("name", ["fork.toml", "fork.lock", "CHANGES-LOCAL.md"])
def test_an_existing_file_is_never_overwritten(fork_in_step: Fork, tmp_path: Path, name: str) -> None:
    """In a folder that holds any file that init would write, it writes nothing at all."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine\n")
    before = sorted(tmp_path.rglob("*"))
    ran = run(tmp_path, "init", "--upstream", str(fork_in_step.upstream.path), "--pin", "v1.0")
    assert_message(ran, 2, f"init: {name}: is here already; nothing was written")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / name).read_text() == "mine\n"


def test_a_queue_that_is_here_already_is_taken_as_it_is(fork_in_step: Fork, tmp_path: Path) -> None:
    """Where there is a series with its patches, or a fork.toml, init adds what is missing and changes neither."""
    new = tmp_path / "new"
    shutil.copytree(fork_in_step.root / "patches", new / "patches")
    shutil.copytree(fork_in_step.root / "native", new / "native")
    before = {path.name: path.read_bytes() for path in (new / "patches").iterdir()}
    begun = run(new, "init", "--upstream", str(fork_in_step.upstream.path), "--pin", fork_in_step.pin)
    assert begun.code == 0, begun.said
    (new / "fork.lock").unlink()
    (new / "CHANGES-LOCAL.md").unlink()
    again = run(new, "init", "--pin", fork_in_step.pin)
    assert again.code == 0, again.said
    assert {path.name: path.read_bytes() for path in (new / "patches").iterdir()} == before
    status = run(new, "status")
    assert status.code == 0, status.said


def test_what_git_ignores_already_is_kept(fork_in_step: Fork, tmp_path: Path) -> None:
    """An existing .gitignore gets one line more, also when its last line has no end."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new/.gitignore").write_text("*.o")
    run(tmp_path / "new", "init", "--upstream", str(fork_in_step.upstream.path), "--pin", "v1.0")
    assert (tmp_path / "new/.gitignore").read_text() == "*.o\n/.forkkeeper/\n"


@pytest.mark.parametrize(
    ("upstream", "pin", "parts"),
    [
        ("upstream.git", "v9.9", ["init: v9.9: no source has it"]),
        ("nowhere.git", "v1.0", ["init: --upstream", "there is no such path"]),
        ("upstream.git", "0" * 40, [f"init: {'0' * 40}: no source has it"]),
    ],
)
def test_a_pin_that_cannot_be_found_begins_nothing(
    fork_in_step: Fork, tmp_path: Path, upstream: str, pin: str, parts: list[str]
) -> None:
    """A wrong upstream or pin ends with 2 and leaves no fork behind."""
    place = tmp_path / "new"
    place.mkdir()
    ran = run(place, "init", "--upstream", str(fork_in_step.upstream.path.with_name(upstream)), "--pin", pin)
    assert_message(ran, 2, *parts)
    assert [path for path in place.iterdir() if path.name != ".forkkeeper"] == []


def test_both_options_are_needed(tmp_path: Path) -> None:
    """A missing option is a wrong request that names the option."""
    assert_message(run(tmp_path, "init", "--pin", "v1.0"), 2, "call: --upstream: is needed")
    assert_message(run(tmp_path, "init", "--upstream", "x"), 2, "call: --pin: is needed")
