"""Queues come from the forms of other tools and go to them, with nothing of the fork changed on the way."""

import shutil
import subprocess
from pathlib import Path

import pytest
from world import (
    EXECUTABLE,
    START,
    TRAILERS,
    Fork,
    Local,
    Upstream,
    am_trees,
    assert_message,
    checkout,
    environment,
    fork_of,
    git,
    quilt_tree,
    seal,
)

from forkkeeper.core import lock, mail

LINES = "".join(f"line {number}\n" for number in range(1, 41))
WINDOWS = LINES.replace("\n", "\r\n")
FIRST = {"src/a.c": LINES, "src/win.txt": WINDOWS, "tool.sh": "#!/bin/sh\n", "old name.txt": LINES, "gone.txt": "x\n"}
RICH = [
    Local("text", {"src/a.c": LINES.replace("line 3\n", "line three\n")}, reason="Three is written out."),
    Local("windows", {"src/win.txt": WINDOWS.replace("line 9\r\n", "line nine\r\n")}),
    Local("again", {"src/a.c": LINES.replace("line 3\n", "line three\n").replace("line 30\n", "line thirty\n")}),
    Local("modes", {"tool.sh": "#!/bin/sh\necho\n", "gone.txt": None, "empty": ""}, modes={"tool.sh": EXECUTABLE}),
    Local("umlaut", {"src/größe.c": "int größe;\nno end"}),
]
BINARY = Local("binary", {"logo.bin": bytes(range(256)) * 3})
FORMS = ["mail", "quilt", "stgit", "folder", "electron", "git"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which forks of one small upstream are made."""
    return tmp_path_factory.mktemp("exchange")


def make(where: Path, locals_: list[Local]) -> Fork:
    """Make an upstream with two commits, and a fork of its first."""
    where.mkdir(parents=True)
    upstream = Upstream.make(where / "upstream.git")
    pin = upstream.commit(FIRST, tag="v1")
    later = upstream.commit({"src/a.c": "a new first line\n" + LINES}, tag="v2")
    return fork_of(where, upstream, pin, later, locals_, {})


@pytest.fixture(scope="module")
def rich(place: Path) -> Fork:
    """Give a fork whose queue has all that a diff can tell but binary files, and an author with an umlaut."""
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, place / "home")
        fork = make(place / "rich", RICH)
        file = fork.root / "patches/umlaut.patch"
        file.write_bytes(file.read_bytes().replace(b"From: Ann Author", b"From: =?UTF-8?q?J=C3=B6rg_M=C3=BCller?="))
        rename = mail_of(
            "rename",
            "diff --git a/old name.txt b/new.txt\nsimilarity index 100%\nrename from old name.txt\nrename to new.txt\n",
        )
        (fork.root / "patches/rename.patch").write_bytes(rename)
        with (fork.root / "patches/series").open("a") as series:
            series.write("rename.patch\n")
        fork.relog()
        return fork


@pytest.fixture(scope="module")
def rich_binary(place: Path) -> Fork:
    """Give a fork that adds a binary file, too."""
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, place / "home2")
        return make(place / "binary", [*RICH[:2], BINARY])


def mail_of(title: str, diff: str, *, body: str = f"The fork has it.\n\n{TRAILERS}") -> bytes:
    """Write a mail."""
    head = f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@example.invalid>\n"
    return f"{head}Date: Sun, 15 Jun 2025 00:00:00 +0000\nSubject: [PATCH] {title}\n\n{body}---\n\n{diff}".encode()


def empty(fork: Fork, where: Path, pin: str = "v1") -> Fork:
    """Make a fork with an empty queue of the same upstream."""
    where.mkdir(parents=True)
    made = Fork(where, fork.upstream, fork.pin, fork.target)
    made.ok("init", "--upstream", str(fork.upstream.path), "--pin", pin)
    return made


def composed(fork: Fork) -> str:
    """Give the tree that the fork's lock names."""
    return lock.parse((fork.root / "fork.lock").read_bytes()).trees.composed


def source(form: str, folder: Path) -> list[str]:
    """Give what `patch import` is told of an export."""
    return [form, str(folder), *(["baseline..queue"] if form == "git" else [])]


@pytest.mark.parametrize("form", FORMS)
def test_a_round_trip_gives_the_same_tree(rich: Fork, tmp_path: Path, form: str) -> None:
    """A queue with CRLF, umlauts, modes, a rename, new and removed files comes back from each form as the same tree."""
    rich.ok("patch", "export", "--to", form, str(tmp_path / "out"))
    back = empty(rich, tmp_path / "back")
    back.ok("patch", "import", *source(form, tmp_path / "out"))
    assert composed(back) == composed(rich)
    for words in (["status"], ["lint"], ["log", "--check"]):
        back.ok(*words)
    if form in ("mail", "electron", "stgit"):
        assert back.names() == rich.names()
        assert back.mails() == rich.mails()
    if form != "folder":
        authors = {name: mail.parse(name, data).author for name, data in zip(back.names(), back.mails(), strict=True)}
        assert "Jörg Müller <ann@example.invalid>" in authors.values()
        reasons = [mail.parse("x", data).reason for data in back.mails()]
        assert reasons == [mail.parse("x", data).reason for data in rich.mails()]
        trailers = [mail.parse("x", data).trailers for data in back.mails()]
        assert trailers == [mail.parse("x", data).trailers for data in rich.mails()]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "quilt"])
def test_binary_files_come_back(rich_binary: Fork, tmp_path: Path, form: str) -> None:
    """A binary file survives every form that can hold one."""
    rich_binary.ok("patch", "export", "--to", form, str(tmp_path / "out"))
    back = empty(rich_binary, tmp_path / "back")
    back.ok("patch", "import", *source(form, tmp_path / "out"))
    assert composed(back) == composed(rich_binary)


def test_quilt_is_not_given_what_it_cannot_hold(rich_binary: Fork, tmp_path: Path) -> None:
    """A queue with a binary file is refused by name, and nothing is written."""
    ran = rich_binary.run("patch", "export", "--to", "quilt", str(tmp_path / "out"))
    assert_message(ran, 1, "binary.patch: logo.bin: quilt's patches hold no binary files", "--to stgit")
    assert not (tmp_path / "out").exists()


def test_git_takes_the_mails_in_order(rich: Fork, tmp_path: Path) -> None:
    """What is exported as mails goes through `git am` by the order of the names, to the fork's tree."""
    rich.ok("patch", "export", "--to", "mail", str(tmp_path / "out"))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names[0] == "0001-text.patch"
    tree = rich.upstream.tree(rich.pin)
    mails = [(tmp_path / "out" / name).read_bytes() for name in names]
    assert am_trees(rich.upstream.path, tree, mails, tmp_path / "am")[-1] == composed(rich)


@pytest.mark.quilt
def test_quilt_takes_the_series(place: Path, tmp_path: Path) -> None:
    """Quilt pushes what is exported for it, with no fuzz, to the fork's tree."""
    fork = make(tmp_path / "fork", RICH)
    fork.ok("patch", "export", "--to", "quilt", str(tmp_path / "out"))
    tree = quilt_tree(fork.upstream.path, fork.upstream.tree(fork.pin), tmp_path / "out", tmp_path / "work")
    assert tree == composed(fork)


@pytest.mark.parametrize("form", ["quilt", "stgit"])
def test_git_reads_the_series_as_mails(rich: Fork, tmp_path: Path, form: str) -> None:
    """`git mailinfo`, whose reading `stg import --series` takes, finds author, date, title and body in each patch."""
    rich.ok("patch", "export", "--to", form, str(tmp_path / "out"))
    for name in (tmp_path / "out/series").read_text().split():
        data = (tmp_path / "out" / name).read_bytes()
        said = git(tmp_path, "mailinfo", "body", "rest", stdin=data)
        patch = mail.parse(name, (rich.root / "patches" / name).read_bytes())
        assert f"Author: {patch.author.split(' <')[0]}\n" in said
        assert f"Subject: {patch.subject}\n" in said
        assert "Date: Sun, 15 Jun 2025" in said or patch.date in said
        assert (tmp_path / "body").read_text().startswith(patch.reason)


def test_the_quilt_form_has_the_fields_of_dep3(rich: Fork, tmp_path: Path) -> None:
    """Each patch says Origin, Forwarded and Last-Update in Debian's words."""
    rich.ok("patch", "export", "--to", "quilt", str(tmp_path / "out"))
    text = (tmp_path / "out/text.patch").read_text()
    for line in ("Subject: text: do it", "Origin: vendor", "Forwarded: not-needed", "Last-Update: 2025-06-15"):
        assert f"\n{line}\n" in text, text


def test_the_repository_stands_by_itself(rich: Fork, tmp_path: Path) -> None:
    """What is exported to git has a commit per patch on the baseline, and needs no other repository."""
    rich.ok("patch", "export", "--to", "git", str(tmp_path / "out"))
    shutil.copytree(rich.upstream.path, tmp_path / "upstream.git")
    assert not (tmp_path / "out/.git/objects/info/alternates").exists()
    git(tmp_path / "out", "fsck", "--strict", "--no-dangling")
    assert git(tmp_path / "out", "rev-parse", "baseline^{tree}") == rich.upstream.tree(rich.pin)
    assert git(tmp_path / "out", "rev-parse", "queue^{tree}") == composed(rich)
    titles = git(tmp_path / "out", "log", "--reverse", "--format=%s", "baseline..queue").splitlines()
    assert titles == [mail.parse("x", data).subject for data in rich.mails()]
    assert git(tmp_path / "out", "status", "--porcelain") == ""


def test_an_export_overwrites_nothing(rich: Fork, tmp_path: Path) -> None:
    """A folder with something in it is refused."""
    (tmp_path / "mine").write_text("x")
    assert_message(rich.run("patch", "export", "--to", "mail", str(tmp_path)), 2, "is there already, and not empty")
    assert_message(rich.run("patch", "export", "--to", "mial", str(tmp_path / "x")), 2, "mial: is no form", "mail?")


# in the wild --------------------------------------------------------------------------------------------------------

DEBIAN = {
    "series": "# what Debian changes\n01_three.patch # first\nsub/p0.patch -p0\n\nfull.diff -p1\n",
    "01_three.patch": """\
Description: write three out
 The digit is misread on paper.
 .
 Said twice by users.
Author: Jörg Müller <joerg@example.invalid>
Origin: upstream, https://example.invalid/commit/1
Bug-Debian: https://bugs.debian.org/1
Last-Update: 2020-02-03
---
This patch header follows DEP-3.
Index: pkg-1.0/src/a.c
===================================================================
--- pkg-1.0.orig/src/a.c\t2020-02-03 10:00:00.000000000 +0000
+++ pkg-1.0/src/a.c\t2020-02-03 10:01:00.000000000 +0000
@@ -1,5 +1,5 @@
 line 1
 line 2
-line 3
+line three
 line 4
 line 5
""",
    "sub/p0.patch": """\
#! /bin/sh /usr/share/dpatch/dpatch-run
## DP: A new file is wanted, and an old one is not.

--- /dev/null
+++ new.txt
@@ -0,0 +1 @@
+new
--- gone.txt\t2020-02-03 10:00:00.000000000 +0000
+++ gone.txt\t1970-01-01 00:00:00.000000000 +0000
@@ -1 +0,0 @@
-x
""",
    "full.diff": """\
From: Ann <ann@example.invalid>
Subject: [PATCH 3/3] forward it
Forwarded: https://example.invalid/pull/7

Upstream should have this, too.

diff --git i/src/a.c w/src/a.c
--- i/src/a.c
+++ w/src/a.c
@@ -38,3 +38,4 @@
 line 38
 line 39
 line 40
+line 41
""",
}


def lay(folder: Path, files: dict[str, str] | dict[str, bytes]) -> Path:
    """Write files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def of(fork: Fork, name: str) -> mail.Patch:
    """Read a patch of the queue."""
    return mail.parse(name, (fork.root / "patches" / name).read_bytes())


@pytest.mark.parametrize("below", ["", "patches", "debian/patches"])
def test_a_debian_series_comes_in_as_it_is(rich: Fork, tmp_path: Path, below: str) -> None:
    """DEP-3 fields, dpatch comments, -p0, comments and dates of a series in the wild become words of the queue."""
    lay(tmp_path / "pkg" / below, DEBIAN)
    fork = empty(rich, tmp_path / "fork")
    said = fork.ok("patch", "import", "quilt", str(tmp_path / "pkg")).out
    assert fork.names() == ["three.patch", "p0.patch", "full.patch"]
    three = of(fork, "three.patch")
    assert three.subject == "write three out"
    assert three.author == "Jörg Müller <joerg@example.invalid>"
    assert three.date == "Mon, 03 Feb 2020 00:00:00 +0000"
    assert three.reason == "The digit is misread on paper.\n\nSaid twice by users."
    assert dict(three.trailers) == {
        "Origin": "upstream, https://example.invalid/commit/1",
        "Upstream-Status": "Backport [https://example.invalid/commit/1]",
        "Bug-Debian": "https://bugs.debian.org/1",
        "Witness": "none [imported, not written yet]",
    }
    p0 = of(fork, "p0.patch")
    assert p0.reason == "A new file is wanted, and an old one is not."
    assert p0.paths == ("gone.txt", "new.txt")
    assert of(fork, "full.patch").trailer("Upstream-Status") == "Submitted [https://example.invalid/pull/7]"
    assert "none [imported, not written yet]" in said
    for verb in ("status", "lint"):
        fork.ok(verb)
    tree = rich.upstream.tree(rich.pin)
    assert am_trees(rich.upstream.path, tree, fork.mails(), tmp_path / "am")[-1] == composed(fork)


def test_all_that_is_wrong_is_said_at_once(rich: Fork, tmp_path: Path) -> None:
    """Every patch at fault is named with its fault, and the fork stays as it is."""
    hunk = "--- a/src/a.c\n+++ b/src/a.c\n@@ -2,3 +2,3 @@\n line 2\n-line 3\n+line III\n line 4\n"
    lay(
        tmp_path / "in",
        {
            "series": "fuzzy.patch\nblob.patch\nshort.patch\noutside.patch\nbare.patch\nabsent.patch\nback.patch -R\n",
            "fuzzy.patch": "It is old.\n\n" + hunk.replace(" line 2", " line two"),
            "blob.patch": "A logo.\n\nBinary files a/x.png and b/x.png differ\n",
            "short.patch": "Cut off.\n\n" + hunk.rsplit("\n", 2)[0] + "\n",
            "outside.patch": "Bad.\n\n" + hunk.replace("a/src/a.c", "a/../x").replace("b/src/a.c", "b/../x"),
            "bare.patch": hunk,
            "back.patch": hunk,
        },
    )
    fork = empty(rich, tmp_path / "fork")
    before = fork.state()
    ran = fork.run("patch", "import", "quilt", str(tmp_path / "in"))
    said = (
        "fuzzy.patch: does not apply",
        "blob.patch: a binary file without its bytes",
        "short.patch: line 3 of the diff: a hunk promises",
        "outside.patch: path '../x' leaves the tree",
        "bare.patch: it gives no reason",
        "absent.patch is listed, and not there",
        "`-R` is not understood",
        "--why",
    )
    assert_message(ran, 2, *said)
    assert fork.state() == before


PLAIN = {
    "src_a.c.patch": "diff --git a/src/a.c b/src/a.c\n"
    "--- a/src/a.c\n+++ b/src/a.c\n@@ -2,3 +2,3 @@\n line 2\n-line 3\n+line III\n line 4\n",
    "tool.sh.patch": "# Shells need it.\ndiff --git a/tool.sh b/tool.sh\nold mode 100644\nnew mode 100755\n",
}


def test_a_folder_of_plain_diffs_needs_a_reason(rich: Fork, tmp_path: Path) -> None:
    """Diffs without heads are refused by name until a reason is given; one that stands in a comment is kept."""
    lay(tmp_path / "in", PLAIN)
    fork = empty(rich, tmp_path / "fork")
    assert_message(fork.run("patch", "import", "folder", str(tmp_path / "in")), 2, "src_a.c.patch: it gives no reason")
    fork.ok("patch", "import", "folder", str(tmp_path / "in"), "--why", "The old fork had it.")
    assert fork.names() == ["src_a.c.patch", "tool.sh.patch"]
    assert of(fork, "src_a.c.patch").reason == "The old fork had it."
    assert of(fork, "src_a.c.patch").subject == "src a.c"
    assert of(fork, "tool.sh.patch").reason == "Shells need it."
    assert of(fork, "tool.sh.patch").trailer("Origin") == "imported [folder tool.sh.patch]"
    fork.ok("lint")


def test_names_are_made_unique(rich: Fork, tmp_path: Path) -> None:
    """The same folder comes in twice under other names, at the end or after a patch that is named."""
    lay(tmp_path / "in", {"0007-A file!.patch": mail_of("new", PLAIN["tool.sh.patch"].split("\n", 1)[1])})
    other = mail_of("new", "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n")
    lay(tmp_path / "more", {"a-FILE.patch": other})
    fork = empty(rich, tmp_path / "fork")
    fork.ok("patch", "import", "mail", str(tmp_path / "in"))
    fork.ok("patch", "import", "folder", str(lay(tmp_path / "p", {"a.patch": PLAIN["src_a.c.patch"]})), "--why", "So.")
    fork.ok("patch", "import", "mail", str(tmp_path / "more"), "--after", "A-file")
    assert fork.names() == ["A-file.patch", "a-FILE-2.patch", "a.patch"]
    ran = fork.run("patch", "import", "mail", str(tmp_path / "more"), "--after", "A-fill")
    assert_message(ran, 2, "--after A-fill: is no patch of the queue", "did you mean A-file?")


def test_what_breaks_later_patches_is_refused(rich: Fork, tmp_path: Path) -> None:
    """A patch put before one that then does not apply is refused, naming that one."""
    fork = empty(rich, tmp_path / "fork")
    fork.ok("patch", "import", "folder", str(lay(tmp_path / "a", {"a.patch": PLAIN["tool.sh.patch"]})))
    fork.ok("patch", "import", "folder", str(lay(tmp_path / "b", {"b.patch": PLAIN["src_a.c.patch"]})), "--why", "So.")
    third = PLAIN["src_a.c.patch"].replace("III", "3.0")
    ran = fork.run(
        "patch", "import", "folder", str(lay(tmp_path / "c", {"c.patch": third})), "--why", "So.", "--after", "a"
    )
    assert_message(ran, 2, "b.patch: of the queue, does not apply after what came in")
    assert fork.names() == ["a.patch", "b.patch"]


def test_mails_come_through_mail_programs(rich: Fork, tmp_path: Path) -> None:
    """A mail in quoted-printable, and one whose every line ends in CRLF, come in as they were sent."""
    quoted = mail_of("größe", PLAIN["src_a.c.patch"]).replace(
        b"Subject: [PATCH] gr\xc3\xb6\xc3\x9fe",
        b"Subject: =?UTF-8?q?=5BPATCH=5D_gr=C3=B6=C3=9Fe?=\nContent-Type: text/plain; charset=UTF-8\n"
        b"Content-Transfer-Encoding: quoted-printable",
    )
    head, _, body = quoted.partition(b"\n\n")
    lay(
        tmp_path / "in",
        {
            "0001-a.patch": head + b"\n\n" + body.replace(b"=", b"=3D").replace(b"III", b"I=\nII"),
            "0002-b.patch": mail_of("b", PLAIN["tool.sh.patch"].split("\n", 1)[1]).replace(b"\n", b"\r\n"),
        },
    )
    fork = empty(rich, tmp_path / "fork")
    fork.ok("patch", "import", "mail", str(tmp_path / "in"))
    assert of(fork, "a.patch").subject == "größe"
    assert b"+line III\n" in of(fork, "a.patch").diff
    assert b"\r" not in of(fork, "b.patch").data


def branch(upstream: Upstream, work: Path, pin: str) -> Path:
    """Make a checkout with two commits on the pin, the first cherry-picked from a commit of upstream's."""
    checkout(upstream.path, upstream.tree(pin), work)
    git(work, "fetch", "--quiet", str(upstream.path), "refs/tags/v1", "refs/tags/v2")
    git(work, "reset", "--quiet", "--hard", pin)
    git(work, "branch", "base")
    picked = git(upstream.path, "rev-parse", "v2")
    (work / "src/a.c").write_text("a new first line\n" + LINES)
    git(
        work,
        "commit",
        "--quiet",
        "-am",
        f"one\n\nWe need it before they release it.\n\n(cherry picked from commit {picked})",
    )
    (work / "x").write_text("x\n")
    git(work, "add", "x")
    git(work, "commit", "--quiet", "-m", "two: a title", "-m", "The second is ours.")
    return work


def test_a_branch_comes_in_commit_by_commit(rich: Fork, tmp_path: Path) -> None:
    """Each commit is a patch with its words; one that was cherry-picked from upstream says so."""
    work = branch(rich.upstream, tmp_path / "work", rich.pin)
    fork = empty(rich, tmp_path / "fork")
    fork.ok("patch", "import", "git", str(work), "base..HEAD")
    assert fork.names() == ["one.patch", "two-a-title.patch"]
    picked = git(rich.upstream.path, "rev-parse", "v2")
    assert of(fork, "one.patch").trailer("Origin") == picked
    assert of(fork, "one.patch").trailer("Upstream-Status") == f"Backport [{picked}]"
    assert b"(cherry picked from commit " in of(fork, "one.patch").head
    head = git(work, "rev-parse", "HEAD")
    assert of(fork, "two-a-title.patch").trailer("Origin") == f"imported [commit {head}]"
    assert composed(fork) == git(work, "rev-parse", "HEAD^{tree}")


def test_a_merge_is_refused_by_name(rich: Fork, tmp_path: Path) -> None:
    """A branch that holds a merge is refused, naming it; so is a range that names nothing."""
    work = branch(rich.upstream, tmp_path / "work", rich.pin)
    git(work, "checkout", "--quiet", "-b", "side", "HEAD~1")
    (work / "y").write_text("y\n")
    git(work, "add", "y")
    git(work, "commit", "--quiet", "-m", "side", "-m", "Why.")
    git(work, "merge", "--quiet", "-m", "both meet", "-")
    fork = empty(rich, tmp_path / "fork")
    assert_message(fork.run("patch", "import", "git", str(work), "base..HEAD"), 2, "(both meet): is a merge")
    assert_message(fork.run("patch", "import", "git", str(work), "base..nowhere"), 2, "nowhere: is no commit")
    assert_message(fork.run("patch", "import", "git", str(work)), 2, "BASE..BRANCH")
    assert fork.names() == []


def test_patches_for_another_upstream_commit_are_carried(rich: Fork, tmp_path: Path) -> None:
    """Mails made on an older upstream come to a newer pin, on the queue that is there."""
    rich.ok("patch", "export", "--to", "mail", str(tmp_path / "out"))
    fork = empty(rich, tmp_path / "fork", pin="v2")
    assert_message(fork.run("patch", "import", "mail", str(tmp_path / "gone")), 2, "is no folder")
    fork.ok("patch", "import", "mail", str(tmp_path / "out"), "--from-pin", "v1")
    assert fork.names() == rich.names()
    fork.ok("status")
    synced = tmp_path / "synced"
    shutil.copytree(rich.root, synced / "fork")
    shutil.copytree(rich.upstream.path, synced / "upstream.git")
    moved = Fork(synced / "fork", rich.upstream, rich.pin, rich.target)
    moved.ok("sync", "--upto", "v2")
    assert composed(fork) == composed(moved)


def test_what_clashes_on_the_way_is_not_saved(rich: Fork, tmp_path: Path) -> None:
    """A patch that does not carry to the pin is named, and the fork stays as it is."""
    first = mail_of(
        "first",
        "diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,3 @@\n+our line\n line 1\n line 2\n",
    )
    swap = PLAIN["src_a.c.patch"]
    fork = empty(rich, tmp_path / "fork", pin="v2")
    fork.ok("patch", "import", "folder", str(lay(tmp_path / "p", {"own.patch": swap})), "--why", "So.")
    before = fork.state()
    clash = mail_of("clash", swap.replace("III", "3.0"))
    lay(tmp_path / "in", {"0001-first.patch": first, "0002-clash.patch": clash})
    ran = fork.run("patch", "import", "mail", str(tmp_path / "in"), "--from-pin", "v1")
    assert ran.code == 1, ran.said
    assert "clashed: clash in src/a.c" in ran.out
    assert "Nothing was saved" in ran.out
    assert fork.state() == before


def test_electrons_order_counts(rich: Fork, tmp_path: Path) -> None:
    """A folder with `.patches` comes in by the order that stands there; without it it is refused."""
    rich.ok("patch", "export", "--to", "electron", str(tmp_path / "out"))
    assert (tmp_path / "out/.patches").read_text().split() == rich.names()
    (tmp_path / "out/.patches").unlink()
    fork = empty(rich, tmp_path / "fork")
    assert_message(fork.run("patch", "import", "electron", str(tmp_path / "out")), 2, "`.patches` is missing")


@pytest.mark.stg
def test_stg_takes_the_series(rich: Fork, tmp_path: Path) -> None:
    """StGit imports what is exported for it, to the fork's tree."""
    stg = shutil.which("stg")
    assert stg, "stg is not installed: `apt-get install stgit`"
    rich.ok("patch", "export", "--to", "stgit", str(tmp_path / "out"))
    checkout(rich.upstream.path, rich.upstream.tree(rich.pin), tmp_path / "work")
    for words in (["init"], ["import", "--series", str(tmp_path / "out/series")]):
        subprocess.run([stg, *words], cwd=tmp_path / "work", env=environment(START), check=True)
    assert git(tmp_path / "work", "rev-parse", "HEAD^{tree}") == composed(rich)
