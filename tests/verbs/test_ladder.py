"""The ladder of resolvers, end to end: what becomes of a patch where git's merge stops, in real repositories."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from world import Fork, Local, Upstream, assert_message, borrowed, fork_of, git_bytes

Files = Mapping[str, str | None]

HELPERS = [f"static int helper_{n}(int value) {{ return value + {n}; }}\n" for n in range(12)]
MEASURE = (
    "int measure(const char *text)\n{\n    int length = 0;\n"
    "    while (text[length])\n        length++;\n    return length;\n}\n"
)
MEASURED = MEASURE.replace("    int length = 0;\n", "    int length = 0;\n    if (!text)\n        return 0;\n")
ALL = "".join((*HELPERS[:4], MEASURE, *HELPERS[4:8]))


@dataclass(frozen=True)
class Story:
    """What upstream had and has, what the patch makes of it, and what the fork is then; None: no such file."""

    was: Files
    now: Files
    patched: Files
    made: Files = field(default_factory=dict)

    def fork(self, upstream: Upstream) -> Fork:
        """Make a fork of the one patch, behind its upstream."""
        pin = upstream.commit({**self.was, "README": "a project\n"}, tag="v1")
        target = upstream.commit(self.now, tag="v2")
        return fork_of(upstream.path.parent, upstream, pin, target, [Local("mine", self.patched)], {})


def planned(fork: Fork, objects: Path) -> dict[str, Any]:
    """Plan to the target, its trees written to a folder, and give the one patch's row."""
    ran = fork.run("plan", "--upto", "v2", "--json", "-", "--objects", str(objects))
    (row,) = json.loads(ran.out)["patches"]
    assert isinstance(row, dict), ran.said
    return row


def text(fork: Fork, objects: Path, tree: str, path: str) -> str | None:
    """Give a file of a planned tree; None where it has none."""
    with borrowed(fork.upstream.path, objects.parent / "reading.git", objects.parent) as repository:
        more = repository / "objects/info/alternates"
        more.write_text(f"{fork.upstream.path / 'objects'}\n{objects.absolute()}\n")
        if not git_bytes(repository, "ls-tree", tree, path):
            return None
        return git_bytes(repository, "show", f"{tree}:{path}").decode()


def assert_made(fork: Fork, objects: Path, tree: str, made: Files) -> None:
    """Hold a planned tree to the expected files, byte for byte."""
    assert {path: text(fork, objects, tree, path) for path in made} == made


def one(was: str, now: str, patched: str, made: str) -> Story:
    """Tell a story of one file."""
    return Story({"a.c": was}, {"a.c": now}, {"a.c": patched}, {"a.c": made})


ENUM = "enum op {\n    OP_ADD,\n    OP_SUB,\n};\n"
BODY = "int run(int first)\n{\n    int a = first;\n    int b = a + 1;\n    int c = b + 1;\n    return c;\n}\n"

RESOLVED = {
    "union": one(
        ENUM,
        ENUM.replace("};", "    OP_MUL,\n};"),
        ENUM.replace("};", "    OP_MINE,\n};"),
        ENUM.replace("};", "    OP_MUL,\n    OP_MINE,\n};"),
    ),
    "touching": one(
        BODY,
        BODY.replace("first;", "first * 2;").replace("b + 1", "b + 10"),
        BODY.replace("a + 1", "mine(a)").replace("return c", "return mine(c)"),
        "int run(int first)\n{\n    int a = first * 2;\n    int b = mine(a);\n"
        "    int c = b + 10;\n    return mine(c);\n}\n",
    ),
    "words": one(
        BODY,
        BODY.replace("int run(", "long run("),
        BODY.replace("(int first)", "(unsigned first)"),
        BODY.replace("int run(int", "long run(unsigned"),
    ),
    "signature": one(
        BODY,
        BODY.replace("first)", "first, int more)"),
        BODY.replace("first)", "first, int mine)"),
        BODY.replace("first)", "first, int more, int mine)"),
    ),
    "counters": one(
        "enum op { A, B };\nstatic_assert(COUNT == 2);\nint z;\n",
        "enum op { A, B };\nstatic_assert(COUNT == 4);\nint z;\n",
        "enum op { A, B };\nstatic_assert(COUNT == 3);\nint z;\n",
        "enum op { A, B };\nstatic_assert(COUNT == 5);\nint z;\n",
    ),
    "spacing": one(
        "def f(a):\n  x = a\n  y = x + 1\n  z = y + 1\n  return z\n",
        "def f(a):\n    x = a\n    y = x + 1\n    z = y + 1\n    return z\n",
        "def f(a):\n  x = a\n  y = x + 2\n  log(y)\n  z = y + 1\n  return z\n",
        "def f(a):\n    x = a\n    y = x + 2\n    log(y)\n    z = y + 1\n    return z\n",
    ),
    "renamed": one(
        "begin();\nvalue = load(path);\nend();\n",
        "begin();\nvalue = open(path);\nend();\n",
        "begin();\nvalue = check(load(path));\nend();\n",
        "begin();\nvalue = check(open(path));\nend();\n",
    ),
    "partly-upstreamed": one(
        ALL,
        ALL.replace(MEASURE, MEASURED.replace("return 0;\n", "return 0;\n    log_text(text);\n")),
        ALL.replace(MEASURE, MEASURED).replace(HELPERS[7], HELPERS[7] + "int my_own_line;\nint another_own_line;\n"),
        ALL.replace(MEASURE, MEASURED.replace("return 0;\n", "return 0;\n    log_text(text);\n")).replace(
            HELPERS[7], HELPERS[7] + "int my_own_line;\nint another_own_line;\n"
        ),
    ),
    "removal": one(
        "begin();\nlog_message(level, text);\nend();\nmore();\n",
        "begin();\nlog_message(level, text, now);\nend();\nmore();\n",
        "begin();\nend();\nmore();\n",
        "begin();\nend();\nmore();\n",
    ),
    "moved": Story(
        {"a.c": ALL},
        {"a.c": "".join(HELPERS[:8]), "b.c": "".join((*HELPERS[8:], MEASURE))},
        {"a.c": ALL.replace(MEASURE, MEASURED)},
        {"a.c": "".join(HELPERS[:8]), "b.c": "".join((*HELPERS[8:], MEASURED))},
    ),
}


@pytest.mark.parametrize("rule", RESOLVED)
def test_a_resolved_patch_is_saved_only_with_a_persons_word(upstream_repo: Upstream, tmp_path: Path, rule: str) -> None:
    """The rule is named, the composed bytes are as expected, nothing is saved without --accept, and all of it with."""
    story = RESOLVED[rule]
    fork = story.fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", rule, True)
    assert row["why"]
    assert_made(fork, tmp_path / "objects", row["tree"], story.made)
    before = fork.state()
    assert_message(fork.run("sync", "--upto", "v2"), 1, "to review: mine", "--accept mine")
    assert fork.state() == before
    fork.ok("sync", "--upto", "v2", "--accept", "mine")
    assert (
        f'{{ name = "mine.patch", outcome = "resolved", rule = "{rule}", accepted = true }}'
        in (fork.root / "history.toml").read_text()
    )
    fork.ok("materialise", "tree")
    assert {path: (fork.root / "tree" / path).read_text() for path in story.made} == story.made


GUESSES = {
    "an insertion beside lines that upstream took away": one(
        "a();\nfirst_thing();\nb();\nend();\n",
        "a();\nb();\nend();\n",
        "a();\nfirst_thing();\nmine();\nb();\nend();\n",
        "a();\nmine();\nb();\nend();\n",
    ),
    "words of a line that upstream put elsewhere, as two": one(
        "begin();\nrun(path, MODE_READ, size);\nend();\n",
        "begin();\nprepare_it(1);\nend();\nfirst(path, MODE_READ, size);\nsecond(path, MODE_READ, size);\n",
        "begin();\nrun(path, MODE_WRITE, size);\nend();\n",
        "begin();\nprepare_it(1);\nend();\nfirst(path, MODE_WRITE, size);\nsecond(path, MODE_WRITE, size);\n",
    ),
    "words of a line that upstream wrote as two": one(
        "begin();\nrun(path, MODE_READ, size);\nend();\n",
        "begin();\nfirst(path, MODE_READ, size);\nsecond(path, MODE_READ, size);\nend();\n",
        "begin();\nrun(path, MODE_WRITE, size);\nend();\n",
        "begin();\nfirst(path, MODE_READ, size);\nsecond(path, MODE_WRITE, size);\nend();\n",
    ),
    "a change of a file that upstream removed, beside one that is carried": Story(
        {"a.c": BODY, "gone.c": ALL},
        {"gone.c": None},
        {"a.c": BODY.replace("a + 1", "mine(a)"), "gone.c": ALL.replace(HELPERS[5], "int mine;\n")},
        {"a.c": BODY.replace("a + 1", "mine(a)"), "gone.c": None},
    ),
    "a name in the patch's lines that upstream took away": one(
        "int open_store(int);\n" + ENUM,
        "int store_open(int);\n" + ENUM.replace("};", "    OP_MUL,\n};"),
        "int open_store(int);\n" + ENUM.replace("};", "    OP_MINE = open_store(1),\n};"),
        "int store_open(int);\n" + ENUM.replace("};", "    OP_MUL,\n    OP_MINE = open_store(1),\n};"),
    ),
}


@pytest.mark.parametrize("story", GUESSES.values(), ids=GUESSES)
def test_a_guess_stays_a_clash_with_a_proposal(upstream_repo: Upstream, tmp_path: Path, story: Story) -> None:
    """A guess has a proposal with the expected bytes and the reason; only its name takes it, and then those bytes."""
    fork = story.fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["tree"], row["rule"]) == ("clashed", None, None)
    assert "there is a proposal, which is not certain" in row["why"]
    assert_made(fork, tmp_path / "objects", row["proposal"], story.made)
    before = fork.state()
    assert fork.run("sync", "--upto", "v2", "--accept-reviewed").code == 1
    assert fork.state() == before
    fork.ok("sync", "--upto", "v2", "--accept", "mine")
    made = fork.ok("plan", "--upto", "v2", "--json", "-").out
    assert json.loads(made)["tree"] == row["proposal"]


OPEN = {
    "both rewrite one line": one(BODY, BODY.replace("a + 1", "second(a)"), BODY.replace("a + 1", "mine - a"), ""),
    "a twin of the code that upstream removed": Story(
        {"a.c": ALL, "twin.c": "".join((*HELPERS[8:], MEASURE))},
        {"a.c": "".join(HELPERS[:8]), "twin.c": "".join((*HELPERS[8:], MEASURE, "int more;\n"))},
        {"a.c": ALL.replace(MEASURE, MEASURED)},
    ),
    "code that went to two files": Story(
        {"a.c": ALL},
        {"a.c": "".join(HELPERS[:8]), **{f: "".join((*HELPERS[8:], MEASURE)) for f in ("b.c", "c.c")}},
        {"a.c": ALL.replace(MEASURE, MEASURED)},
    ),
    "a binary file": Story({"a.bin": "\0one"}, {"a.bin": "\0two"}, {"a.bin": "\0mine"}),
}


@pytest.mark.parametrize("story", OPEN.values(), ids=OPEN)
def test_what_no_rule_answers_is_left_to_a_person(upstream_repo: Upstream, tmp_path: Path, story: Story) -> None:
    """There is no proposal where the two sides want different things, or the code has no one place."""
    row = planned(story.fork(upstream_repo), tmp_path / "objects")
    assert (row["outcome"], row["proposal"], row["tree"]) == ("clashed", None, None)


def test_a_file_split_into_two_is_followed_into_both(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Each of the patch's edits goes to the one file that holds its lines now."""
    other = MEASURE.replace("measure", "weigh").replace("length", "weight").replace("text", "load")
    weighed = other.replace("weight++", "weight += 2")
    story = Story(
        {"a.c": "".join((*HELPERS[:4], MEASURE, *HELPERS[4:8], other))},
        {"a.c": None, "b.c": "".join((*HELPERS[:2], MEASURE)), "c.c": "".join((*HELPERS[8:], other))},
        {"a.c": "".join((*HELPERS[:4], MEASURED, *HELPERS[4:8], weighed))},
        {"a.c": None, "b.c": "".join((*HELPERS[:2], MEASURED)), "c.c": "".join((*HELPERS[8:], weighed))},
    )
    fork = story.fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", "moved", True)
    assert row["paths"] == ["b.c", "c.c"]
    assert_made(fork, tmp_path / "objects", row["tree"], story.made)


def test_a_patch_that_upstream_took_in_a_form_of_its_own_is_recognised(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Most added lines are there, formatted anew among others: upstreamed, to review, and gone once accepted."""
    lines = [f"    check_number_{n}(text, {n});\n" for n in range(6)]
    patched = ALL.replace("    int length = 0;\n", "    int length = 0;\n" + "".join(lines))
    own = (
        "".join(line.replace("    check", "\tcheck").replace(", ", ",") for line in lines[:5]) + "\tcheck_rest(text);\n"
    )
    now = ALL.replace("    int length = 0;\n", "    int length = 0;\n" + own)
    fork = one(ALL, now, patched, now).fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["review"]) == ("upstreamed", True)
    assert "upstream has it in a form of its own: 5 of 6 lines that it adds are there" in row["why"]
    assert_message(fork.run("sync", "--upto", "v2"), 1, "to review: mine")
    fork.ok("sync", "--upto", "v2", "--accept", "mine")
    assert fork.names() == []


def test_a_removal_of_a_file_that_upstream_changed_is_resolved(upstream_repo: Upstream, tmp_path: Path) -> None:
    """The patch removes a file, upstream changed a line in it: it goes, to review."""
    story = Story(
        {"a.c": ALL, "b.c": BODY}, {"a.c": ALL.replace("length++", "length += 1")}, {"a.c": None}, {"a.c": None}
    )
    fork = story.fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", "removal", True)
    assert_made(fork, tmp_path / "objects", row["tree"], story.made)


COUNTED = 'enum op {\n    OP_A,\n    OP_COUNT,\n};\n\n\n\nstatic_assert(OP_COUNT == 1, "names");\n'


def test_a_count_that_both_sides_bumped_alike_is_counted_on(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Git's merge takes the same change of the count once, without a word; each side added an entry, so it is two."""

    def with_entry(text: str, name: str, *, after: str) -> str:
        return text.replace(f"    {after},\n", f"    {after},\n    {name},\n").replace("== 1", "== 2")

    was = COUNTED.replace("OP_A,\n", "OP_A,\n\n\n\n    OP_Z,\n")
    now, patched = with_entry(was, "OP_B", after="OP_A"), with_entry(was, "OP_MINE", after="OP_Z")
    made = now.replace("OP_Z,\n", "OP_Z,\n    OP_MINE,\n").replace("== 2", "== 3")
    fork = one(was, now, patched, made).fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", "counters", True)
    assert "each counts" in row["why"]
    assert_made(fork, tmp_path / "objects", row["tree"], {"a.c": made})


def test_a_count_with_nothing_that_it_counts_stays_as_git_has_it(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Both raised it alike, and no list shows by what: the agreed number stays, and a person is asked."""
    was = "assert(len(table) == 1);\n" + "".join(f"int far_{n};\n" for n in range(12))
    now = was.replace("== 1", "== 2")
    story = one(was, now, now + "int mine;\n", now + "int mine;\n")
    fork = story.fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", "counters", True)
    assert "does each side count its own?" in row["why"]
    assert_made(fork, tmp_path / "objects", row["tree"], story.made)


def test_what_has_no_lines_keeps_a_patch_in_the_queue(upstream_repo: Upstream, tmp_path: Path) -> None:
    """Upstream has all its lines, but neither its binary file nor its mode: those two are what the patch is now."""
    body = "".join(f"int far_{n};\n" for n in range(12))
    added = "".join(f"int added_line_{n};\n" for n in range(6))
    pin = upstream_repo.commit({"a.c": body + "int z;\n", "run.sh": "#!/bin/sh\n"}, tag="v1")
    target = upstream_repo.commit({"a.c": f"{body}int first;\n{added}int last;\nint z;\n"}, tag="v2")
    files: dict[str, str | bytes] = {"a.c": f"{body}{added}int z;\n", "b.bin": b"\0\1", "run.sh": "#!/bin/sh\n"}
    mine = Local("mine", files, modes={"run.sh": "100755"})
    row = planned(fork_of(upstream_repo.path.parent, upstream_repo, pin, target, [mine], {}), tmp_path / "objects")
    assert (row["outcome"], row["rule"], row["review"]) == ("resolved", "partly-upstreamed", True)
    assert row["paths"] == ["b.bin", "run.sh"]


FAR = "".join(f"int far_{n};\n" for n in range(12))
SUSPECTED = {
    "upstream has no open_store any more": (
        "int open_store(int);\n" + FAR,
        "int store_open(int);\n" + FAR,
        "int open_store(int);\n" + FAR + "x = open_store(1);\n",
    ),
    "upstream calls read_block with 3 arguments now": (
        "read_block(a, 1);\n" + FAR,
        "read_block(a, 1, 0);\n" + FAR,
        "read_block(a, 1);\n" + FAR + "read_block(b, 2);\n",
    ),
    "upstream has added 1 of its lines to a.c, too": (
        FAR,
        "register_handler(OUR_KIND);\n" + FAR,
        FAR + "register_handler(OUR_KIND);\n",
    ),
    "upstream lists OP_ADD and OP_SUB at 1 more places now": (
        FAR + "    OP_ADD,\n    OP_SUB,\n    NOTHING,\n",
        "case OP_ADD: a();\ncase OP_SUB: b();\n" + FAR + "    OP_ADD,\n    OP_SUB,\n    NOTHING,\n",
        FAR + "    OP_ADD,\n    OP_SUB,\n    OP_MINE,\n    NOTHING,\n",
    ),
}


@pytest.mark.parametrize("said", SUSPECTED)
def test_a_merge_without_a_word_is_read_again(upstream_repo: Upstream, tmp_path: Path, said: str) -> None:
    """Git merges it cleanly; it is for review, with the reason, and what was merged is what git made."""
    was, now, patched = SUSPECTED[said]
    fork = one(was, now, patched, "").fork(upstream_repo)
    row = planned(fork, tmp_path / "objects")
    assert row["outcome"] in ("kept", "refreshed", "upstreamed")
    assert row["review"], row
    assert said in row["why"]


def test_a_clean_merge_with_nothing_against_it_asks_for_no_review(upstream_repo: Upstream, tmp_path: Path) -> None:
    """A name that upstream kept, used by the patch as before, is no reason to stop."""
    was = "int open_store(int);\n" + FAR
    fork = one(was, was.replace("int far_1;", "long far_1;"), was + "x = open_store(1);\n", "").fork(upstream_repo)
    assert planned(fork, tmp_path / "objects")["review"] is False
