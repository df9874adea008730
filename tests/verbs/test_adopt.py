"""`adopt`: a tree whose changes are interleaved with old upstream code, against its known truth."""

import json
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from adopting import COMMITS, Known, joined, mixed, text, tree_of
from world import Upstream, assert_message, environment, git, run

ADOPT = ("adopt", "--tree", "tree", "--upstream", "upstream.git")


def adopted(place: Path, *words: str) -> dict[str, Any]:
    """Run `adopt` there, which must end with 0, and give its document."""
    ran = run(place, *ADOPT, *words, "--json", "adopted.json")
    assert ran.code == 0, ran.said
    found: dict[str, Any] = json.loads((place / "adopted.json").read_bytes())
    return found


def rows(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the rows of a document's files by path."""
    return {row["path"]: row for row in document["files"]}


def sound(place: Path, fork: str = "fork") -> None:
    """Hold a fork to what every verb asks of it, and to the tree that it was made of."""
    root = place / fork
    git(root, "init", "--quiet", "--template=")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "adopted")
    for words in (("lint",), ("log", "--check"), ("status",), ("materialise", "../again")):
        ran = run(root, *words)
        assert ran.code == 0, ran.said
    assert tree_of(place / "again", place) == json.loads((place / "adopted.json").read_bytes())["fork"]["tree"]
    shutil.rmtree(place / "again")
    shutil.rmtree(place / "ids.git")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_base_of_every_file_is_found_and_the_fork_composes_to_the_tree(tmp_path: Path, seed: int) -> None:
    """Mixed bases, moves, CRLF and licence headers: each base is the true one, and nothing of the tree is lost."""
    known = mixed(tmp_path, seed)
    document = adopted(tmp_path, "--into", "fork")
    found = rows(document)
    wrong = {
        path: (found[path], base)
        for path, base in known.bases.items()
        if (found[path].get("upstream_path"), found[path].get("first")) != base
    }
    assert not wrong
    assert {path for path, row in found.items() if row["own"]} == known.own
    assert {path for path, row in found.items() if not row["own"] and not row["identical"]} == known.edited
    assert document["pin"]["sha"] == known.shas[COMMITS // 2]
    assert document["fork"]["tree"] == tree_of(known.tree, tmp_path)
    shutil.rmtree(tmp_path / "ids.git")
    sound(tmp_path)
    ran = run(tmp_path / "fork", "plan", "--upto", known.shas[COMMITS // 2 + 1])
    assert ran.code in (0, 1), ran.said
    assert "composed tree" in ran.out or "clashed" in ran.out


def test_the_same_tree_gives_the_same_fork(tmp_path: Path) -> None:
    """Adopting twice writes the same bytes."""
    mixed(tmp_path, 4, files=12)
    made = []
    for place in ("one/fork", "two/fork"):
        adopted(tmp_path, "--into", place)
        root = tmp_path / place
        names = [path for path in root.rglob("*") if path.is_file() and ".forkkeeper" not in path.parts]
        made.append({path.relative_to(root): path.read_bytes() for path in names})
    assert made[0] == made[1]


def test_dropping_what_is_held_back_brings_the_file_up_to_the_pin(tmp_path: Path) -> None:
    """A held file stands at an older version by one patch; without it the edits are carried on."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    chance = random.Random(7)  # noqa: S311 -- no secret
    old, other = text(chance, "old"), text(chance, "other")
    upstream.commit({"a.c": joined(old), "b.c": joined(other), "c.c": joined(text(chance, "c"))})
    new = [*old[:30], "    a_new_line(of, upstreams);", *old[30:]]
    pin = upstream.commit({"a.c": joined(new), "b.c": joined([*other, "    grown(b);"])})
    known = Known(tmp_path / "tree", upstream, [])
    known.write("a.c", joined(["    ours(first);", *old]))
    known.write("b.c", joined(["    ours(second);", *other, "    grown(b);"]))
    document = adopted(tmp_path, "--into", "fork", "--pin", pin)
    assert document["fork"]["held"] == ["a.c"]
    sound(tmp_path)
    root = tmp_path / "fork"
    held = (root / "patches/held-a.c.patch").read_text()
    assert "Holds a.c at upstream" in held
    assert "Origin: upstream, commit" in held
    ran = run(root, "patch", "drop", "held-a.c", "--why", "we go with upstream")
    assert ran.code == 0, ran.said
    assert run(root, "materialise", "../again").code == 0
    assert (tmp_path / "again/a.c").read_text() == joined(["    ours(first);", *new])


def test_the_layout_is_carried_as_it_is_written(tmp_path: Path) -> None:
    """A patch that only moves files stays so over a sync that changes those files, and brings the changes along."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    chance = random.Random(11)  # noqa: S311 -- no secret
    first, second = text(chance, "first"), text(chance, "second")
    pin = upstream.commit({"src/a.c": joined(first), "src/b.c": joined(second)})
    known = Known(tmp_path / "tree", upstream, [pin])
    known.write("a.c", joined(["    ours(first);", *first]))
    known.write("b.c", joined(second))
    assert adopted(tmp_path, "--into", "fork")["fork"]["moved"] == {"a.c": "src/a.c", "b.c": "src/b.c"}
    sound(tmp_path)
    root = tmp_path / "fork"
    layout = (root / "patches/layout.patch").read_bytes()
    assert b"rename from src/a.c\nrename to a.c\n" in layout
    upto = upstream.commit({"src/a.c": joined([*first, "    theirs(a);"]), "src/b.c": joined([*second, "    b();"])})
    ran = run(root, "sync", "--upto", upto)
    assert ran.code == 0, ran.said
    assert (root / "patches/layout.patch").read_bytes() == layout
    assert run(root, "materialise", "../again").code == 0
    assert (tmp_path / "again/a.c").read_text() == joined(["    ours(first);", *first, "    theirs(a);"])
    assert (tmp_path / "again/b.c").read_text() == joined([*second, "    b();"])


def test_annotations_name_the_patches(tmp_path: Path) -> None:
    """Edits that are marked [name] in comments go to patches of that name, with the comment as reason."""
    mixed(tmp_path, 5, files=12)
    document = adopted(tmp_path, "--into", "fork", "--by", "annotation")
    names = [row["name"] for row in document["fork"]["patches"]]
    marked = [name for name in names if name.startswith("ann-")]
    assert marked
    assert "// [ann] our own" in (tmp_path / "fork/patches" / marked[0]).read_text()
    sound(tmp_path)


def test_an_array_index_or_a_link_is_no_annotation(tmp_path: Path) -> None:
    """What stands in brackets in code, or was upstream's before, marks nothing."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    lines = text(random.Random(1), "a")  # noqa: S311 -- no secret
    upstream.commit({"a.c": joined(["// [upstream] wrote this", *lines])})
    known = Known(tmp_path / "tree", upstream, [])
    edits = ["    i--; a[index] = 1; // of b[index]", "// see [there](https://example.invalid)"]
    known.write("a.c", joined(["// [upstream] wrote this", *lines, *edits]))
    document = adopted(tmp_path, "--into", "fork", "--by", "annotation")
    assert [row["name"] for row in document["fork"]["patches"]] == ["a.patch"]


def test_the_forks_own_history_names_the_patches(tmp_path: Path) -> None:
    """Each edit goes to the commit of the fork's that brought it, with its words, author and date."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    lines = text(random.Random(2), "a")  # noqa: S311 -- no secret
    upstream.commit({"a.c": joined(lines)})
    known = Known(tmp_path / "tree", upstream, [])
    past = Upstream.make(tmp_path / "past.git")
    past.commit({"vendored/a.c": joined(lines)}, title="Import upstream")
    first = ["    ours(early);", *lines]
    past.commit({"vendored/a.c": joined(first)}, title="Be early\n\nBecause it is late.")
    last = [*first[:20], *first[22:]]
    past.commit({"vendored/a.c": joined(last)}, title="Take two lines out")
    known.write("a.c", joined(last))
    document = adopted(tmp_path, "--into", "fork", "--history", "past.git", "--history-path", "vendored")
    patches = document["fork"]["patches"]
    assert [row["subject"] for row in patches] == ["Be early", "Take two lines out"]
    early = (tmp_path / "fork/patches" / patches[0]["name"]).read_text()
    assert "Because it is late." in early
    assert "From: Ann Author <ann@example.invalid>" in early
    sound(tmp_path)


def test_pieces_and_joined_files_name_where_they_come_from(tmp_path: Path) -> None:
    """A file cut out of a larger one is a piece of it; one made of two names the main one and the other."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    chance = random.Random(3)  # noqa: S311 -- no secret
    large, small, third = text(chance, "large", 200), text(chance, "small", 30), text(chance, "third")
    upstream.commit({"large.c": joined(large), "small.c": joined(small), "third.c": joined(third)})
    changed = [*large[:150], "    a_change(elsewhere);", *large[151:]]
    sha = upstream.commit({"large.c": joined(changed)})
    known = Known(tmp_path / "tree", upstream, [])
    known.write("large.c", joined(changed[:140]))
    known.write("tail.inc", joined([*changed[140:], "    ours(x);"]))
    known.write("both.c", joined([*third, *small]))
    document = adopted(tmp_path, "--into", "fork")
    found = rows(document)
    assert found["tail.inc"]["piece"]
    assert (found["tail.inc"]["upstream_path"], found["tail.inc"]["first"]) == ("large.c", sha)
    assert found["both.c"]["upstream_path"] == "third.c"
    assert found["both.c"]["others"] == [{"path": "small.c", "lines": 30}]
    sound(tmp_path)


def test_links_modes_binary_empty_and_strange_names_survive(tmp_path: Path) -> None:
    """Whatever git can hold in a tree is in the fork that is made of it, byte for byte."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    lines = text(random.Random(4), "a")  # noqa: S311 -- no secret
    image = bytes(range(256)) * 8
    gone, named = text(random.Random(5), "gone"), text(random.Random(6), "named")  # noqa: S311 -- no secret
    files: dict[str, str | bytes | None] = {
        "run.sh": joined(lines),
        "a [b]*.c": joined(named),
        "gone.c": joined(gone),
        "image.bin": image,
    }
    upstream.commit({**files, "link": b"run.sh", "sub/x.c": "int x;\n"}, modes={"link": "120000"})
    known = Known(tmp_path / "tree", upstream, [])
    known.write("run.sh", joined([*lines, "    ours(run);"]))
    (known.tree / "run.sh").chmod(0o755)
    known.write("a [b]*.c", joined([*named, "    ours(named);"]))
    known.write("image.bin", image)
    known.write("other.bin", image[::-1])
    known.write("tool", "#!/bin/sh\n")
    (known.tree / "tool").chmod(0o755)
    known.write("deep/emptié.txt", b"")
    known.write("sub", "a file where upstream has a folder\n")
    (known.tree / "link").symlink_to("run.sh")
    (known.tree / "own-link").symlink_to("nowhere")
    document = adopted(tmp_path, "--into", "fork")
    assert document["fork"]["tree"] == tree_of(known.tree, tmp_path)
    assert rows(document)["image.bin"]["identical"]
    assert "gone.c" not in rows(document)
    shutil.rmtree(tmp_path / "ids.git")
    sound(tmp_path)


def test_a_very_large_file_is_the_forks_own(tmp_path: Path) -> None:
    """A file too large to be compared line by line is kept, with that as the evidence."""
    known = mixed(tmp_path, 6, files=6)
    known.write("huge.txt", b"one line that is like all the others\n" * 2**20)
    row = rows(adopted(tmp_path))["huge.txt"]
    assert row["own"]
    assert "its id" in row["why"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--upstream", "upstream.git"), ("--tree", "is needed")),
        (("--tree", "tree"), ("--upstream", "is needed")),
        (("--tree", "none", "--upstream", "upstream.git"), ("there is no such folder",)),
        (("--tree", "file", "--upstream", "upstream.git"), ("is a file",)),
        (("--tree", "empty", "--upstream", "upstream.git"), ("holds no file",)),
        (("--tree", "tree", "--upstream", "tree"), ("is no git repository",)),
        (("--tree", "tree", "--upstream", "none.git"), ("there is no such folder",)),
        (("--tree", "tree", "--upstream", "new.git"), ("has no commit",)),
        (("--tree", "tree", "--upstream", "shallow.git"), ("shallow", "--unshallow")),
        ((*ADOPT[1:], "--upto", "nothing"), ("names no commit",)),
        ((*ADOPT[1:], "--pin", "nothing"), ("names no commit",)),
        ((*ADOPT[1:], "--by", "moon"), ("group, annotation, history",)),
        ((*ADOPT[1:], "--by", "history"), ("--history REPO",)),
        ((*ADOPT[1:], "--history-path", "x"), ("--history REPO",)),
        ((*ADOPT[1:], "--history", "upstream.git", "--by", "group"), ("does not go with",)),
        ((*ADOPT[1:], "--into", "full"), ("is not empty: note", "nothing was written")),
        ((*ADOPT[1:], "--into", "tree/inside"), ("lies in the tree",)),
        ((*ADOPT[1:], "--into", "file"), ("is a file",)),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    tmp_path: Path, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    """Each wrong call says what was found and what to type, with exit 2."""
    mixed(tmp_path, 8, files=6)
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/note").write_text("mine")
    Upstream.make(tmp_path / "new.git")
    where = f"file://{tmp_path / 'upstream.git'}"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", where, "shallow.git", env=environment())
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in str(path))
    assert_message(run(tmp_path, "adopt", *words), 2, *parts)
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in str(path)) == before


def test_without_into_nothing_is_written(tmp_path: Path) -> None:
    """The report alone leaves the tree, the upstream and the folder as they were."""
    known = mixed(tmp_path, 9, files=6)
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file())
    ran = run(tmp_path, *ADOPT)
    assert ran.code == 0, ran.said
    assert f"{len(known.bases) + len(known.own)} files" in ran.out
    assert "next: add --into DIR" in ran.out
    after = sorted((str(path), path.lstat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file())
    assert after == before


def test_a_base_that_the_tree_names_is_held_against_what_was_found(tmp_path: Path) -> None:
    """A README that names another commit than the files are closest to is told of, with the count for it."""
    known = mixed(tmp_path, 10, files=12)
    known.write("README.fork", f"taken from {known.shas[2]}\n")
    document = adopted(tmp_path)
    assert document["declared"] == known.shas[2]
    assert f"The tree's notes name {known.shas[2][:12]}" in run(tmp_path, *ADOPT).out


@pytest.mark.vendored
@pytest.mark.skipif(
    "FORKKEEPER_ADOPT_TREE" not in os.environ or "FORKKEEPER_ADOPT_UPSTREAM" not in os.environ,
    reason="a real vendored fork: FORKKEEPER_ADOPT_TREE=DIR and FORKKEEPER_ADOPT_UPSTREAM=REPO name one",
)
def test_a_real_vendored_fork_becomes_a_fork(tmp_path: Path) -> None:
    """A real tree that is given by its path composes byte for byte from the queue that is made of it."""
    (tmp_path / "tree").symlink_to(os.environ["FORKKEEPER_ADOPT_TREE"])
    (tmp_path / "upstream.git").symlink_to(os.environ["FORKKEEPER_ADOPT_UPSTREAM"])
    document = adopted(tmp_path, "--into", "fork")
    assert sum(document["counts"].values()) == len(document["files"])
    sound(tmp_path)
