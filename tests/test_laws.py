"""Laws of the carry, on generated forks: small random texts, random local changes, random upstream changes.

Git itself is the judge where it has an opinion: `git rebase` of the same commits.
"""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from laws import MORE
from world import environment, git

from forkkeeper.core import compose, lock, mail, planning, queue
from forkkeeper.core.compose import Composed
from forkkeeper.core.ids import CommitId, TreeId
from forkkeeper.core.lock import Digests, Lock, Pin, Trees
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.queue import Queue
from forkkeeper.core.verdict import Outcome
from forkkeeper.shell.git import Repository, Scratch

Files = Mapping[str, bytes]
pytestmark = pytest.mark.law
few = settings(max_examples=12 * MORE, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
many = settings(max_examples=60 * MORE, deadline=None)

NAMES = ("a.txt", "src/b.c", "src/c.c")
LINES = st.sampled_from([b"one\n", b"two\n", b"three\n", b"{\n", b"}\n", b"\n", b"x\r\n", b"- \n", b"\xff\n"])
TEXTS = st.lists(LINES, min_size=6, max_size=16).map(tuple)


@st.composite
def texts(draw: st.DrawFn) -> dict[str, bytes]:
    """Draw upstream's files: numbered lines among repeated ones, the last perhaps without its end."""
    found = {}
    for name in NAMES:
        lines = [line if draw(st.booleans()) else b"%d %s" % (n, line) for n, line in enumerate(draw(TEXTS))]
        text = b"".join(lines)
        found[name] = text if draw(st.booleans()) else text.rstrip(b"\r\n") + b"end"
    return found


@st.composite
def edited(draw: st.DrawFn, files: Files, names: tuple[str, ...] = NAMES) -> dict[str, bytes]:
    """Draw the files after one change, which always changes something."""
    now = dict(files)
    name = draw(st.sampled_from([name for name in names if name in files] or sorted(files)))
    lines = now[name].splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    new = b"new %d\n" % draw(st.integers(0, 3))
    match draw(st.sampled_from(["insert", "replace", "remove", "add file"])):
        case "insert":
            lines.insert(at, new)
        case "replace":
            lines[at : at + 1] = [new]
        case "remove" if len(lines) > 1:
            del lines[at]
        case "add file":
            now[f"src/new-{draw(st.integers(0, 2))}.c"] = new * 3
        case _:
            lines.append(new)
    now[name] = b"".join(lines)
    return now if now != files else now | {name: now[name] + b"\n" + new}


@dataclass(frozen=True)
class Story:
    """A base, the local states one upon the other, and where upstream went."""

    base: Files
    local: tuple[Files, ...]
    upstream: Files


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a fork and its upstream's next state; sometimes upstream takes a local change, or moves a file."""
    base = draw(texts())
    local = [base]
    for _ in range(draw(st.integers(1, 3))):
        local.append(draw(edited(local[-1])))
    upstream: dict[str, bytes] = dict(local[1]) if draw(st.integers(0, 3)) == 0 else dict(base)
    for _ in range(draw(st.integers(0, 3))):
        upstream = draw(edited(upstream))
    if draw(st.integers(0, 4)) == 0 and "a.txt" in upstream:
        upstream["moved.txt"] = upstream.pop("a.txt")
    return Story(base, tuple(local[1:]), upstream)


@dataclass(frozen=True)
class Made:
    """A story as commits and patches, in a store that can carry them."""

    repository: Path
    store: Scratch
    base: Commit
    target: Commit
    work: tuple[str, ...]
    patches: Queue


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one repository for all examples, with a checkout for rebases."""
    folder = tmp_path_factory.mktemp("laws") / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=")
    return folder


@contextmanager
def made(repository: Path, story: Story) -> Iterator[Made]:
    """Commit a story, and read its local changes back as a queue of patches."""
    states = [story.base, story.upstream, *story.local]
    parents = [None, 1, 1, *range(3, len(states))]
    stream = bytearray()
    for mark, (state, parent) in enumerate(zip(states, parents, strict=True), start=1):
        stream += b"commit refs/heads/story\nmark :%d\ncommitter A <a@example.invalid> 1750000000 +0000\n" % mark
        stream += b"data 5\nstep\n\n" + (b"from :%d\n" % parent if parent else b"") + b"deleteall\n"
        for path, data in state.items():
            stream += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder, "marks")
        git(repository, "update-ref", "-d", "refs/heads/story")
        git(repository, "fast-import", "--quiet", "--force", f"--export-marks={marks}", stdin=bytes(stream))
        rows = sorted((int(line[1:].split()[0]), line.split()[1]) for line in marks.read_text().splitlines())
        shas = [sha for _, sha in rows]
        how = ("--zero-commit", "--full-index", "--binary", "--no-signature", "--no-renames", "--numbered-files")
        git(repository, "format-patch", "--quiet", *how, "-o", folder, f"{shas[0]}..{shas[-1]}")
        files = {f"p{n}.patch": Path(folder, str(n)).read_bytes() for n in range(1, len(story.local) + 1)}
    carried = queue.read("".join(f"{name}\n" for name in files).encode(), files)
    with Scratch([repository / ".git/objects"]) as store:
        base, target = (commit(repository, sha) for sha in shas[:2])
        yield Made(repository, store, base, target, tuple(shas[2:]), carried)


def commit(repository: Path, sha: str) -> Commit:
    """Read a commit of the repository."""
    info = Repository(repository / ".git").info(CommitId(sha))
    assert info is not None
    return Commit(info.sha, info.tree, info.time, "2025-06-15")


def plan(made: Made, patches: Queue, target: Commit) -> Plan:
    """Carry a queue from the base."""
    return planning.make(made.store, made.base, target, patches, {}, ())


def rebased(made: Made) -> str | None:
    """Let `git rebase` carry the same commits; None when it stops."""
    where = made.repository
    git(where, "checkout", "--quiet", "--force", "--detach", made.work[-1])
    argv = ("rebase", "--quiet", "--merge", "--reapply-cherry-picks", "--empty=drop", "--onto")
    try:
        git(where, "-c", "merge.renameLimit=20000", *argv, made.target.sha, made.base.sha, env=environment())
    except AssertionError:
        git(where, "rebase", "--abort")
        return None
    return git(where, "rev-parse", "HEAD^{tree}")


@few
@given(story=stories())
def test_carrying_to_the_same_pin_is_the_identity(repository: Path, story: Story) -> None:
    """Every patch is kept, byte for byte, and the tree is that of the local changes."""
    with made(repository, story) as fork:
        there = plan(fork, fork.patches, fork.base)
        assert {row.outcome for row in there.rows} == {Outcome.KEPT}
        assert [row.new for row in there.rows] == list(fork.patches.patches)
        assert there.tree == git(repository, "rev-parse", f"{fork.work[-1]}^{{tree}}")


@settings(few, max_examples=25 * MORE)
@given(story=stories())
def test_a_clean_carry_is_what_git_rebase_gives(repository: Path, story: Story) -> None:
    """Where git carries all, so do we, to the same tree or with a question; where it stops, we never just pass."""
    with made(repository, story) as fork:
        ours, theirs = plan(fork, fork.patches, fork.target), rebased(fork)
        if theirs is not None:
            assert ours.clashed == ()
            assert ours.tree == theirs or any(row.review and row.new is None for row in ours.rows)
        elif ours.tree is not None:
            assert any(row.review for row in ours.rows), "carried without a word where git stops"


@few
@given(story=stories())
def test_the_saved_queue_composes_to_the_planned_tree(repository: Path, story: Story) -> None:
    """What is saved gives on the new pin each row's tree, whatever clashed; and carrying it on is the identity."""
    with made(repository, story) as fork:
        planned = plan(fork, fork.patches, fork.target)
        rows = [row for row in planned.rows if row.new is not None]
        saved = queue.rebuild(fork.patches, [row.new for row in rows if row.new is not None])
        again = queue.read(saved.series, {patch.name: patch.data for patch in saved.patches})
        assert again == saved
        composed = compose.compose(fork.store, fork.target.tree, (), again.patches, {})
        assert isinstance(composed, Composed)
        assert composed.tree == planned.carried.tree
        assert [step.after for step in composed.steps] == [row.tree for row in rows]
        assert planned.tree in (None, composed.tree)


@few
@given(data=st.data())
def test_patches_on_different_files_commute(repository: Path, data: st.DataObject) -> None:
    """In either order they have the same outcomes and make the same tree."""
    base = data.draw(texts())
    one = data.draw(edited(base, ("a.txt",)).filter(lambda now: set(now) == set(base)))
    other = {**one, "src/b.c": data.draw(edited(base, ("src/b.c",)))["src/b.c"] + b"more\n"}
    upstream = data.draw(edited(base))
    with made(repository, Story(base, (one, other), upstream)) as fork:
        first, second = fork.patches.patches
        turned = Queue(b"p2.patch\np1.patch\n", (second, first))
        ahead, back = plan(fork, fork.patches, fork.target), plan(fork, turned, fork.target)
        assert [row.outcome for row in ahead.rows] == [row.outcome for row in reversed(back.rows)]
        assert (ahead.carried.tree, ahead.tree) == (back.carried.tree, back.tree)


def committed(repository: Path, files: Files) -> Commit:
    """Commit some files on nothing."""
    stream = bytearray(
        b"commit refs/heads/more\ncommitter A <a@example.invalid> 1750000000 +0000\ndata 5\nstep\n\ndeleteall\n"
    )
    for path, data in files.items():
        stream += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
    git(repository, "update-ref", "-d", "refs/heads/more")
    git(repository, "fast-import", "--quiet", "--force", stdin=bytes(stream))
    return commit(repository, git(repository, "rev-parse", "refs/heads/more"))


SURE = {Outcome.KEPT, Outcome.REFRESHED}


def is_clean(made: Plan) -> bool:
    """Whether every patch was carried with nothing to look at."""
    return all(row.outcome in SURE and not row.review for row in made.rows)


@few
@given(data=st.data())
def test_carrying_in_two_steps_is_carrying_in_one(repository: Path, data: st.DataObject) -> None:
    """From A to B and on to C gives the tree of A to C, wherever all of it is carried cleanly."""
    base = data.draw(texts())
    local = data.draw(edited(base))
    middle = data.draw(edited(base))
    last = committed(repository, data.draw(edited(middle)))
    with made(repository, Story(base, (local,), middle)) as fork:
        there, straight = plan(fork, fork.patches, fork.target), plan(fork, fork.patches, last)
        if not (is_clean(there) and is_clean(straight)):
            return
        carried = queue.rebuild(fork.patches, [row.new for row in there.rows if row.new is not None])
        onward = planning.make(fork.store, fork.target, last, carried, {}, ())
        if is_clean(onward):
            assert onward.tree == straight.tree


@settings(few, max_examples=30 * MORE)
@given(data=st.data())
def test_a_list_that_both_sides_edit_loses_no_entry(repository: Path, data: st.DataObject) -> None:
    """What either side lists stands in what is carried, unless the other side took it out; a clash loses nothing."""
    old = [f"    ENTRY_{n},\n" for n in range(data.draw(st.integers(2, 6)))]
    sides = []
    for name in ("UPSTREAM", "MINE"):
        side = list(old)
        for number in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(side)))
            if data.draw(st.integers(0, 3)) == 0 and at < len(side):
                del side[at]
            else:
                side.insert(at, f"    {name}_{number},\n")
        sides.append(side)
    base, upstream, mine = ("".join(("enum {\n", *side, "};\n")).encode() for side in (old, *sides))
    if base in (upstream, mine):
        return
    with made(repository, Story({"a.txt": base}, ({"a.txt": mine},), {"a.txt": upstream})) as fork:
        (row,) = plan(fork, fork.patches, fork.target).rows
        tree = row.tree or row.proposal
        if tree is None:
            assert row.outcome is Outcome.CLASHED
            return
        found = fork.store.blob(fork.store.entries(tree)["a.txt"].oid).decode().splitlines(keepends=True)
        kept = {line for line in (*old, *sides[0], *sides[1]) if line not in old or all(line in side for side in sides)}
        missing = kept - set(found)
        assert not missing or (row.outcome is Outcome.CLASHED and missing <= set(sides[1]))


@few
@given(story=stories())
def test_patch_files_round_trip(repository: Path, story: Story) -> None:
    """A patch that git wrote is read and written back byte for byte, whatever stands in its lines."""
    with made(repository, story) as fork:
        for patch in fork.patches.patches:
            assert mail.parse(patch.name, patch.data) == patch
            assert patch.with_diff(patch.diff) == patch
            assert mail.parse(patch.name, patch.data + b"-- \n2.39.5\n\n").data == patch.data


HEAD = b"From: A <a@example.invalid>\nDate: x\nSubject: [PATCH] s\n\nwhy\n\n---\n"
DIFF = b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"
COMMENTS = st.lists(st.sampled_from(["", "# note", "   ", "#x.patch", "\t# é"]), max_size=3)


@many
@given(
    between=st.lists(COMMENTS, min_size=4, max_size=4),
    ends=st.sampled_from(["\n", ""]),
    drop=st.sets(st.integers(0, 2)),
)
def test_series_round_trip(between: list[list[str]], ends: str, drop: set[int]) -> None:
    """Comments, blank lines and a missing end stay as they are; a patch that goes takes its own line along, no more."""
    names = ["one.patch", "two.patch", "three.patch"]
    lines = list(itertools.chain(between[0], *([name, *more] for name, more in zip(names, between[1:], strict=True))))
    series = ("\n".join(lines) + ends).encode()
    read = queue.read(series, dict.fromkeys(names, HEAD + DIFF))
    assert queue.rebuild(read, read.patches).series == series
    left = [name for number, name in enumerate(names) if number not in drop]
    rebuilt = queue.rebuild(read, [patch for patch in read.patches if patch.name in left])
    assert [patch.name for patch in queue.read(rebuilt.series, dict.fromkeys(left, HEAD + DIFF)).patches] == left
    kept = [line for line in lines if line not in names or line in left]
    assert [line for line in rebuilt.series.decode().split("\n") if line] == [line for line in kept if line]


HEX = st.text("0123456789abcdef", min_size=40, max_size=40)
WORDS = st.text(min_size=0, max_size=20).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text))


@many
@given(oids=st.lists(HEX, min_size=4, max_size=4), words=st.lists(WORDS, min_size=6, max_size=6))
def test_the_lock_round_trips(oids: list[str], words: list[str]) -> None:
    """What is written is read back the same, and writing that gives the same bytes."""
    trees = [TreeId(oid) for oid in oids[1:]]
    locked = Lock(1, Pin(CommitId(oids[0]), words[0], trees[0]), Trees(trees[1], trees[2]), Digests(*words[1:]))
    written = lock.format_lock(locked)
    assert lock.parse(written) == locked
    assert lock.format_lock(lock.parse(written)) == written
