"""What `triage` promises: upstream's commits that matter here, ranked, each with every reason for its place."""

import json
from typing import Any

import pytest
from screens import on_terminal
from small import GREETING, HEADER, LOAD, MAIN, PARSE
from world import Fork, Local, Upstream, assert_message, fork_of, git

VARIANTS = (
    '\n[variant.cpu]\ndevice = "CPU"\ntargets = ["all"]\n\n[variant.metal]\ndevice = "Metal"\ntargets = ["all"]\n'
)
RULES = '\n[[path]]\nrule = "exclude"\npattern = "/docs/"\nwhy = "we have our own"\n'


def document(fork: Fork, *words: str) -> dict[str, Any]:
    """Give what `triage` says as JSON."""
    found: dict[str, Any] = json.loads(fork.ok("triage", *words, "--json", "-").out)
    return found


def by_title(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the rows by their titles."""
    return {row["title"]: row for row in found["rows"]}


def terms(row: dict[str, Any]) -> list[str]:
    """Give a row's reasons, each with its points."""
    return [f"{term['points']:+} {term['why']}" for term in row["terms"]]


@pytest.fixture
def offered(upstream_repo: Upstream) -> Fork:
    """Give a fork whose upstream offers a commit of each kind."""
    up = upstream_repo
    first = {"src/main.c": MAIN, "src/load.c": LOAD, "src/parse.c": PARSE, "include/core.h": HEADER}
    metal = "".join(f"kernel {number}\n" for number in range(40))
    pin = up.commit(first | {"gpu-metal/ops.m": metal, "docs/guide.txt": "guide\n"}, tag="v1", title="begin")
    up.commit({"docs/guide.txt": "a guide\n"}, title="docs: say more")
    up.commit({"gpu-vulkan/ops.c": "one\n"}, title="vulkan : add ops (#7)")
    up.commit(
        {"gpu-metal/ops.m": metal + "more\n"}, title="metal : fix out-of-bounds write (#8)\n\nIt was one too far."
    )
    up.commit({"src/main.c": MAIN.replace('return "hello"', "return welcome()")}, title="main : another greeting (#9)")
    up.commit({"src/load.c": LOAD.replace("retries = 3", "retries = 5")}, title="load : more retries (#10)")
    target = up.commit({"new/area.c": "int a;\n"}, title="area : new (#11)")
    up.commit({"new/area.c": "int b;\n"}, title="fix \x1b[31mthe\u202e area")
    buffer = Local("buffer-size", {"src/load.c": LOAD.replace("size = 512", "size = 4096")})
    fork = fork_of(up.path.parent, up, pin, target, [GREETING, buffer], {})
    with (fork.root / "fork.toml").open("a") as toml:
        toml.write(VARIANTS + RULES)
    fork.relog()
    return fork


def test_every_reason_for_a_place_is_said(offered: Fork) -> None:
    """Kind, security words, backends, patches and what came after the pin: each is a term, and the sum is the rank."""
    found = document(offered)
    assert (found["schema"], found["history"], found["passed"], found["left_out"]) == (1, True, 7, 1)
    rows = by_title(found)
    assert terms(rows["metal : fix out-of-bounds write (#8)"]) == [
        "+3 fix",
        '+4 says "out-of-bounds"',
        "+2 metal, which we build",
        "+1 its files are as at the pin",
    ]
    assert terms(rows["vulkan : add ops (#7)"])[1] == "-4 vulkan only, which we do not build"
    assert "-4 would clash with greeting" in terms(rows["main : another greeting (#9)"])
    assert "-1 changes lines beside buffer-size" in terms(rows["load : more retries (#10)"])
    area = rows["fix \\u001b[31mthe\\u202e area"]
    assert "-3 changes only files that came after the pin" in terms(area)
    assert [row["score"] for row in found["rows"]] == sorted((row["score"] for row in found["rows"]), reverse=True)
    assert all(row["score"] == sum(term["points"] for term in row["terms"]) for row in found["rows"])
    assert rows["main : another greeting (#9)"]["effects"] == [{"patch": "greeting", "effect": "clash"}]


def test_what_was_asked_for_comes_first(offered: Fork) -> None:
    """A request by pull request, by commit or by words joins its commit; one that nothing answers is named."""
    sha = by_title(document(offered))["load : more retries (#10)"]["sha"]
    (offered.root / "requests.toml").write_text(
        '[[request]]\ntitle = "A"\nlink = "https://x/1"\nvotes = 12\npull = [10]\n\n'
        f'[[request]]\ntitle = "B"\ncommit = ["{sha[:9]}"]\n\n'
        '[[request]]\ntitle = "C"\nwords = "Vulkan ops"\nvotes = 3\n\n'
        '[[request]]\ntitle = "D"\npull = [99]\n\n[[request]]\ntitle = "E"\npull = [98]\nclosed = true\n'
    )
    found = document(offered)
    rows = by_title(found)
    assert found["rows"][0]["sha"] != sha or found["rows"][0]["score"] == rows["load : more retries (#10)"]["score"]
    assert terms(rows["load : more retries (#10)"])[0] == "+8 asked for by 2 requests (12 votes)"
    assert terms(rows["vulkan : add ops (#7)"])[0] == "+3 has the words of 1 request (3 votes)"
    assert [one["title"] for one in found["unanswered"]] == ["D"]
    shown = offered.ok("triage").out
    assert "asked for, and not on this way: D" in shown
    assert "E" not in shown.split()


def test_what_was_decided_is_not_shown_again(offered: Fork) -> None:
    """Commits that were declined, or picked as a patch, are counted; --all shows them with the reason."""
    rows = by_title(document(offered))
    declined, picked = rows["vulkan : add ops (#7)"]["sha"], rows["load : more retries (#10)"]["sha"]
    (offered.root / "declined.toml").write_text(
        f'[[declined]]\nsha = "{declined}"\ntitle = "t"\nwhy = "It bloats the build."\ndate = "2025-10-01"\n'
    )
    patch = offered.root / "patches/buffer-size.patch"
    patch.write_text(patch.read_text().replace("Origin: local", f"Origin: upstream, {picked}"))
    offered.relog()
    found = document(offered)
    assert {declined, picked}.isdisjoint(row["sha"] for row in found["rows"])
    assert (found["picked"], found["declined"]) == (1, 1)
    shown = offered.ok("triage").out
    assert "1 commit declined; `--all` shows them" in shown
    everything = {row["sha"]: row for row in document(offered, "--all")["rows"]}
    assert everything[declined]["declined"] == "It bloats the build."
    assert everything[picked]["picked"] == "buffer-size"
    assert "declined: It bloats the build." in " ".join(offered.ok("triage", "--all").out.split())


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        (["--class", "security"], ["metal : fix out-of-bounds write (#8)"]),
        (["--class", "clash"], ["main : another greeting (#9)"]),
        (["--class", "vulkan"], ["vulkan : add ops (#7)"]),
        (["--path", "src/load.c"], ["load : more retries (#10)"]),
        (["--path", "gpu-metal/"], ["metal : fix out-of-bounds write (#8)"]),
        (["--limit", "1"], ["metal : fix out-of-bounds write (#8)"]),
    ],
)
def test_rows_are_chosen(offered: Fork, words: list[str], titles: list[str]) -> None:
    """By class, by path, by number."""
    assert [row["title"] for row in document(offered, *words)["rows"]] == titles


def test_both_ends_can_be_named(offered: Fork) -> None:
    """--upto ends the way there, --since leaves out what was seen before."""
    whole = [row["sha"] for row in document(offered)["rows"]]
    early = [row["sha"] for row in document(offered, "--upto", offered.target)["rows"]]
    late = [row["sha"] for row in document(offered, "--since", offered.target)["rows"]]
    assert sorted(early + late) == sorted(whole)
    assert len(late) == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--class", "secruity"], "did you mean security?"),
        (["--limit", "0"], "--limit 0: is less than one"),
        (["--limit", "many"], "is not a whole number"),
        (["--path", "src/lod.c"], "did you mean src/load.c?"),
        (["--since", "v1", "--upto", "v9"], "v9"),
    ],
)
def test_mistakes_are_answered(offered: Fork, words: list[str], found: str) -> None:
    """A wrong class, number, path or commit ends with 2 and what was meant."""
    assert_message(offered.run("triage", *words), 2, found)


def test_requests_with_a_wrong_field(offered: Fork) -> None:
    """requests.toml is checked as fork.toml is: the request at fault and the nearest known name."""
    file = offered.root / "requests.toml"
    file.write_text('[[request]]\ntitle = "A"\nvote = 3\n')
    assert_message(offered.run("triage"), 2, "requests.toml: request 1 (A): unknown field `vote`", "mean `votes`?")
    file.write_text('[[request]]\ntitle = "A"\ncommit = ["xyz"]\n')
    assert_message(offered.run("triage"), 2, "commit 'xyz' is no commit id")
    file.write_text("[[request]]\nvotes = 3\n")
    assert_message(offered.run("triage"), 2, "request 1: missing required field `title`")


def test_the_table_fits_a_terminal(offered: Fork) -> None:
    """In 80 columns nothing is wider, nothing a stranger wrote acts, and the end says what to type."""
    shown = on_terminal(offered.root, "triage", env={"NO_COLOR": "1"}).out
    table = shown[shown.index("from  ") :]
    assert max(len(line.rstrip("\r")) for line in table.splitlines()) <= 80
    assert "\x1b[31m" not in table
    assert "\u202e" not in table
    assert "next: `forkkeeper pick " in table


def test_nothing_is_written(offered: Fork) -> None:
    """Two looks give the same bytes, and the fork stays as it is."""
    before = offered.state()
    assert offered.ok("triage").out == offered.ok("triage").out
    assert offered.state() == before


def test_a_patch_that_upstream_takes_is_said(fork_behind: Fork) -> None:
    """The commit that brings what a patch does is worth something: the patch can leave."""
    rows = by_title(document(fork_behind))
    assert "+3 brings what null-check does" in terms(rows["parse: a null text is empty"])
    assert rows["parse: a null text is empty"]["effects"] == [{"patch": "null-check", "effect": "upstreamed"}]


def test_a_clash_is_of_the_commit_that_makes_it(upstream_repo: Upstream) -> None:
    """Later commits to a file that clashes already do nothing: neither elsewhere in it, nor by moving it."""
    up = upstream_repo
    pin = up.commit({"src/main.c": MAIN}, title="begin")
    theirs = MAIN.replace('return "hello"', "return welcome()")
    up.commit({"src/main.c": theirs}, title="first")
    theirs = theirs.replace("return 2;", "return 64;")
    up.commit({"src/main.c": theirs}, title="elsewhere")
    up.commit({}, moves={"src/main.c": "src/start.c"}, title="moved")
    target = up.commit({"src/start.c": theirs.replace("64", "65")}, title="again")
    fork = fork_of(up.path.parent, up, pin, target, [GREETING], {})
    rows = by_title(document(fork))
    assert [title for title, row in rows.items() if row["effects"]] == ["first"]


def test_a_file_that_is_only_moved_is_met_by_its_removal_alone(upstream_repo: Upstream) -> None:
    """A patch that moves a file and changes no line of it follows upstream's edits, not upstream's own removal."""
    up = upstream_repo
    pin = up.commit({"src/main.c": MAIN, "src/load.c": LOAD}, title="begin")
    up.commit({"src/main.c": MAIN.replace("return 2;", "return 64;")}, title="edited")
    target = up.commit({"src/load.c": None}, title="removed")
    layout = Local("layout", {}, moves={"src/main.c": "lib/main.c", "src/load.c": "lib/load.c"})
    rows = by_title(document(fork_of(up.path.parent, up, pin, target, [layout], {})))
    assert rows["edited"]["effects"] == []
    assert [effect["patch"] for effect in rows["removed"]["effects"]] == ["layout"]


def test_a_pin_with_nothing_after_it(fork_in_step: Fork) -> None:
    """At upstream's head there is nothing to look at, and the message says what brings more."""
    fork_in_step.ok("sync", "--upto", "v1.1", "--accept-reviewed")
    assert_message(fork_in_step.run("triage"), 2, "nothing after it is held here", "`forkkeeper upstream refresh`")


def test_a_merge_is_one_row(upstream_repo: Upstream) -> None:
    """On a line of merges each row is a merge with all that it brought, under its pull request's title."""
    up = upstream_repo
    pin = up.commit({"src/main.c": MAIN, "src/load.c": LOAD}, title="begin")
    up.commit({"src/load.c": LOAD.replace("3", "4")}, title="one", branch="side", parent=pin)
    side = up.commit({"src/load.c": LOAD.replace("3", "5")}, title="two", branch="side")
    title = "Merge pull request #12 from someone/side\n\nload : fix the retries"
    merged = git(up.path, "commit-tree", f"{side}^{{tree}}", "-p", pin, "-p", side, "-m", title)
    git(up.path, "update-ref", "refs/heads/main", merged)
    fork = fork_of(up.path.parent, up, pin, merged, [GREETING], {})
    rows = document(fork)["rows"]
    assert [(row["title"], row["pull"], row["kind"], row["paths"]) for row in rows] == [
        ("load : fix the retries", 12, "fix", ["src/load.c"])
    ]


def test_without_history_a_row_is_a_snapshot(fork_behind: Fork) -> None:
    """Where no commit in between is held, that is said, with how to get them; effects count, and no titles."""
    shallow = fork_behind.root.parent / "shallow.git"
    shallow.mkdir()
    git(shallow, "init", "--quiet", "--template=", "--bare")
    for commit, name in ((fork_behind.pin, "v1.0"), (fork_behind.target, "v1.1")):
        url = f"file://{fork_behind.upstream.path}"
        git(shallow, "fetch", "--quiet", "--no-tags", "--depth=1", url, f"{commit}:refs/tags/{name}")
    toml = fork_behind.root / "fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", "../shallow.git"))
    found = document(fork_behind, "--upto", "v1.1")
    assert (found["history"], found["passed"], len(found["rows"])) == (False, 1, 1)
    assert terms(found["rows"][0]) == ["+3 brings what null-check does", "-1 changes lines beside buffer-size"]
    shown = fork_behind.ok("triage", "--upto", "v1.1").out
    assert "each row is a snapshot." in shown
    assert '[[upstream.source]] of kind = "git"' in shown
    assert "next: `forkkeeper plan --upto " in shown
    assert "its history is not held here" in fork_behind.ok("explain", "README.md").out
