"""What `plan` promises: a verdict on every patch, the exact trees, and nothing left behind."""

import json
import shutil
from pathlib import Path
from typing import Any

from world import Fork, Local, Upstream, am_trees, assert_message, fork_of, git, run, snapshot, with_files


def planned(fork: Fork, *more: str, code: int = 0) -> dict[str, Any]:
    """Plan to the target, and give the JSON document."""
    ran = fork.run("plan", "--upto", fork.target, "--json", "-", *more)
    assert ran.code == code, ran.said
    document: dict[str, Any] = json.loads(ran.out)
    return document


def outcomes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the verdicts in short."""
    return [(row["name"], row["outcome"]) for row in document["patches"]]


def test_every_patch_gets_its_verdict(fork_behind: Fork) -> None:
    """A patch that upstream did not touch near is kept, one beside an edit refreshed, one that upstream took leaves."""
    ran = fork_behind.ok("plan", "--upto", "v1.1")
    for words in ("greeting     kept", "buffer-size  refreshed", "null-check   upstreamed", "3 patches: 1 kept"):
        assert words in ran.out
    assert (
        f"from  {fork_behind.pin[:12]} (v1.0) of 2025-06-16\nto    {fork_behind.target[:12]} (v1.1) of 2025-06-21\n"
        in ran.out
    )
    assert "upstream changed 6 paths that this fork has" in ran.out


def test_what_upstream_did_to_our_files_is_shown(fork_behind: Fork) -> None:
    """Each file that the queue touches stands in a table with upstream's line counts and the patches on it."""
    lines = [line.split() for line in fork_behind.ok("plan", "--upto", "v1.1").out.splitlines()]
    assert ["src/load.c", "changed", "1", "1", "buffer-size"] in lines
    assert ["src/parse.c", "changed", "2", "0", "null-check"] in lines


def test_the_json_has_every_field_of_schema_1(fork_behind: Fork) -> None:
    """The document has exactly the promised fields, with the promised types."""
    document = planned(fork_behind)
    assert list(document) == ["schema", "from", "to", "tree", "patches"]
    assert (document["schema"], document["from"], document["to"]) == (1, fork_behind.pin, fork_behind.target)
    fields = ["name", "outcome", "rule", "review", "tree", "proposal", "paths", "culprit", "root", "why"]
    fields += ["touches_build", "blamed"]
    assert [list(row) for row in document["patches"]] == [fields] * 3
    assert outcomes(document) == [
        ("greeting.patch", "kept"),
        ("buffer-size.patch", "refreshed"),
        ("null-check.patch", "upstreamed"),
    ]
    for row in document["patches"]:
        assert row["review"] is False
        assert row["rule"] is row["proposal"] is row["culprit"] is row["root"] is None
        assert isinstance(row["paths"], list)


def test_the_trees_are_those_that_git_am_gives(fork_behind: Fork, tmp_path: Path) -> None:
    """Each row's tree is what `git am` makes of the saved queue; the last, with the overlay, is the document's tree."""
    document = planned(fork_behind)
    rows = document["patches"]
    fork_behind.ok("sync", "--upto", fork_behind.target)
    base = fork_behind.upstream.tree(fork_behind.target)
    trees = am_trees(fork_behind.upstream.path, base, fork_behind.mails(), tmp_path / "am")
    assert [row["tree"] for row in rows] == [*trees, trees[-1]]
    assert with_files(tmp_path / "am", trees[-1], fork_behind.overlay()) == document["tree"]


def test_a_clash_never_hides_a_later_verdict(fork_with_clash: Fork) -> None:
    """The root clash, its cascade and the kept patch after them are all listed; no tree can be given; exit 1."""
    document = planned(fork_with_clash, code=1)
    root, cascade, kept = document["patches"]
    assert [row["outcome"] for row in document["patches"]] == ["clashed", "clashed", "kept"]
    assert document["tree"] is None
    assert (root["tree"], root["root"], root["paths"]) == (None, None, ["include/core.h"])
    assert (cascade["tree"], cascade["root"], cascade["paths"]) == (None, "limit.patch", ["include/core.h"])
    assert "include/core.h" in root["why"]
    assert "builds on limit" in cascade["why"]
    assert kept["tree"]
    shown = fork_with_clash.run("plan", "--upto", "v1.1")
    assert shown.code == 1
    assert "2 clashed" in shown.out
    assert "follows limit" in shown.out


def test_a_plan_leaves_nothing_behind(fork_with_clash: Fork, fork_behind: Fork) -> None:
    """Every file, folder, mode and time of the fork and its source is as it was: no object, ref or file was added."""
    for fork in (fork_behind, fork_with_clash):
        before = snapshot(fork.root.parent)
        fork.run("plan", "--upto", fork.target)
        assert snapshot(fork.root.parent) == before


def test_a_plan_of_a_dirty_fork_says_what_would_become_of_it(fork_behind: Fork) -> None:
    """Files that the lock does not match are planned as they stand: a plan asks for no clean state."""
    series = fork_behind.root / "patches/series"
    series.write_text(series.read_text().replace("greeting.patch\n", ""))
    (fork_behind.root / "patches/greeting.patch").unlink()
    assert [name for name, _ in outcomes(planned(fork_behind))] == ["buffer-size.patch", "null-check.patch"]


def test_a_queue_outside_a_git_repository(fork_behind: Fork, tmp_path: Path) -> None:
    """With fork.toml, --queue and --from neither a git repository nor a lock is needed."""
    place = tmp_path / "no git"
    place.mkdir()
    text = (fork_behind.root / "fork.toml").read_text()
    (place / "fork.toml").write_text(text.replace("../upstream.git", str(fork_behind.upstream.path)))
    shutil.copytree(fork_behind.root / "patches", place / "some queue")
    words = ("plan", "--queue", "some queue", "--from", "v1.0", "--upto", "v1.1", "--offline", "--json", "plan.json")
    ran = run(place, *words)
    assert ran.code == 0, ran.said
    assert outcomes(json.loads((place / "plan.json").read_text())) == outcomes(planned(fork_behind))
    assert sorted(path.name for path in place.iterdir()) == ["fork.toml", "plan.json", "some queue"]


def test_without_lock_and_from_the_pin_must_be_told(fork_behind: Fork) -> None:
    """A plan that cannot know where the queue stands says which option tells it."""
    (fork_behind.root / "fork.lock").unlink()
    assert_message(fork_behind.run("plan", "--upto", "v1.1"), 2, "plan: fork.lock: is missing", "give --from SHA")


def test_commits_without_common_history(upstream_repo: Upstream, tmp_path: Path) -> None:
    """--from and --upto may be roots of their own, and the newer may be the older by date."""
    text = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
    target = upstream_repo.commit({"a.txt": f"zero\n{text}", "b.txt": "b\n"}, branch="other")
    pin = upstream_repo.commit({"a.txt": text}, branch="main")
    local = Local("mine", {"a.txt": text.replace("seven", "SEVEN")})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [local], {})
    document = planned(fork, "--from", pin)
    assert outcomes(document) == [("mine.patch", "kept")]
    assert document["tree"] is not None


def test_the_objects_folder_holds_what_was_planned(fork_behind: Fork, tmp_path: Path) -> None:
    """With --objects DIR, git reads every planned tree from DIR and the source's objects."""
    objects = tmp_path / "planned objects"
    before = snapshot(fork_behind.upstream.path)
    document = planned(fork_behind, "--objects", str(objects))
    bare = tmp_path / "reading.git"
    bare.mkdir()
    git(bare, "init", "--quiet", "--bare")
    folders = f"{objects}\n{fork_behind.upstream.path}/objects\n"
    (bare / "objects/info/alternates").write_text(folders)
    for tree in [document["tree"], *(row["tree"] for row in document["patches"])]:
        git(bare, "fsck", "--connectivity-only", tree)
        assert "hello, fork" in git(bare, "show", f"{tree}:src/main.c")
    assert "extra" in git(bare, "show", f"{document['tree']}:native/extra.c")
    assert snapshot(fork_behind.upstream.path) == before


def test_the_json_goes_to_a_file_beside_the_table(fork_behind: Fork, tmp_path: Path) -> None:
    """With --json FILE the table is shown as well; with - nothing but the document is on standard output."""
    ran = fork_behind.ok("plan", "--upto", "v1.1", "--json", str(tmp_path / "plan.json"))
    assert "composed tree:" in ran.out
    assert json.loads((tmp_path / "plan.json").read_text()) == planned(fork_behind)


def test_the_same_plan_from_any_source(fork_behind: Fork, tmp_path: Path) -> None:
    """A bundle and a checkout in place of the bare repository give the same document."""
    expected = planned(fork_behind)
    toml = fork_behind.root / "fork.toml"
    text = toml.read_text()
    git(fork_behind.upstream.path, "bundle", "create", "--quiet", str(tmp_path / "upstream.bundle"), "--all")
    git(tmp_path, "clone", "--quiet", str(fork_behind.upstream.path), "checkout")
    for name in ("upstream.bundle", "checkout", "upstream.bundle"):
        toml.write_text(text.replace("../upstream.git", str(tmp_path / name)))
        assert planned(fork_behind, "--offline") == expected
    toml.write_text(text.replace("../upstream.git", f"file://{tmp_path}/checkout"))
    shutil.rmtree(fork_behind.root / ".forkkeeper")
    assert planned(fork_behind) == expected


def test_missing_reasons_and_trailers_are_warnings(fork_behind: Fork) -> None:
    """A plan of a queue that says nothing of itself warns per patch, and gives the same verdicts."""
    patch = fork_behind.root / "patches/greeting.patch"
    head, cut, diff = patch.read_bytes().partition(b"diff --git")
    patch.write_bytes(head.split(b"\n\n")[0] + b"\n\n---\n" + cut + diff)
    ran = fork_behind.ok("plan", "--upto", "v1.1")
    assert "warning: plan: patches/greeting.patch: it gives no reason" in ran.out
    assert "greeting     kept" in ran.out
