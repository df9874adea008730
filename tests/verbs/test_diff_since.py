"""What `diff --since` promises: what a branch changes in the fork's code, and nothing of what upstream did."""

from pathlib import Path

from world import Fork, Local, Upstream, assert_message, fork_of, git, script

MORE = "native/overlay/native/more.c"


def edited(fork: Fork, name: str, old: bytes, new: bytes) -> None:
    """Edit a patch file, and bring log and lock up to date without a commit."""
    path = fork.root / "patches" / name
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    fork.ok("log")


def without(fork: Fork, name: str) -> None:
    """Take a patch out of the queue."""
    (fork.root / "patches" / name).unlink()
    series = fork.root / "patches/series"
    series.write_text("".join(line for line in series.read_text().splitlines(keepends=True) if line.strip() != name))
    fork.ok("log")


def test_only_the_code_that_changed_is_shown(fork_in_step: Fork) -> None:
    """An edited patch shows as the lines of code that it changes otherwise, and is named on top."""
    edited(fork_in_step, "buffer-size.patch", b"+    int size = 4096;", b"+    int size = 8192;")
    shown = fork_in_step.ok("diff", "--since", "HEAD").out
    assert "-    int size = 4096;\n+    int size = 8192;" in shown
    assert shown.count("diff --git") == 1
    assert "changed   buffer-size (+1 -1 lines)" in shown
    assert "hello" not in shown


def test_removed_renamed_reordered(fork_in_step: Fork) -> None:
    """The head names the patches that left, those under another name, and another order; overlay files, too."""
    without(fork_in_step, "null-check.patch")
    patches = fork_in_step.root / "patches"
    (patches / "buffer-size.patch").rename(patches / "buffer.patch")
    (patches / "series").write_text("buffer.patch\ngreeting.patch\n")
    (fork_in_step.root / MORE).write_text("int more;\n")
    fork_in_step.ok("log")
    shown = fork_in_step.ok("diff", "--since", "HEAD").out
    assert "removed   null-check" in shown
    assert "renamed   buffer-size to buffer" in shown
    assert "overlay   1 file changed" in shown
    assert "+int more;" in shown
    assert "int size" not in shown


def test_nothing_changed_is_said(fork_in_step: Fork) -> None:
    """Where code and queue are the same, a sentence says so; other words in a patch are named, and show no code."""
    assert "The fork's code is the same as at HEAD." in fork_in_step.ok("diff", "--since", "HEAD").out
    edited(fork_in_step, "buffer-size.patch", b"Small reads are slow", b"Small reads are very slow")
    shown = fork_in_step.ok("diff", "--since", "HEAD").out
    assert "changed   buffer-size (its words)" in shown
    assert "The fork's code is the same" in shown


def test_what_upstream_did_is_left_out(fork_behind: Fork) -> None:
    """After a sync alone nothing differs; an edit after it is all that is shown."""
    fork_behind.ok("sync", "--upto", "v1.1")
    shown = fork_behind.ok("diff", "--since", "HEAD").out
    assert "upstream has by now: null-check" in shown
    assert "The fork's code is the same as at HEAD, but for what upstream did." in shown
    edited(fork_behind, "greeting.patch", b'+    return "hello, fork"', b'+    return "hello, world"')
    shown = fork_behind.ok("diff", "--since", "HEAD").out
    assert "changed   greeting (+1 -1 lines)" in shown
    assert shown.count("diff --git") == 1
    assert '-    return "hello, fork";\n+    return "hello, world";' in shown
    assert "retries" not in shown


def test_what_clashes_on_the_way_is_named(fork_with_clash: Fork) -> None:
    """A patch of then that clashes on the pin of now is left out of the before side, and the head says so."""
    target = fork_with_clash.target
    without(fork_with_clash, "limit-more.patch")
    without(fork_with_clash, "limit.patch")
    fork_with_clash.ok("sync", "--upto", target)
    shown = fork_with_clash.ok("diff", "--since", "HEAD").out
    assert "left out  limit (it clashes on the pin of now)" in shown
    assert "removed   limit, limit-more" in shown


def test_one_patch_one_file_a_table_by_word(fork_in_step: Fork) -> None:
    """--patch, --file, --stat and --word narrow and draw it as they do without --since."""
    edited(fork_in_step, "buffer-size.patch", b"+    int size = 4096;", b"+    int size = 8192;")
    (fork_in_step.root / MORE).write_text("int more;\n")
    fork_in_step.ok("log")
    since = ("diff", "--since", "HEAD")
    assert fork_in_step.ok(*since).out.count("diff --git") == 2
    assert fork_in_step.ok(*since, "--patch", "buffer-size").out.count("diff --git") == 1
    assert "[-4096;-]{+8192;+}" in fork_in_step.ok(*since, "--word").out
    assert "int more" not in fork_in_step.ok(*since, "--file", "src").out
    assert "src/main.c is the same as at HEAD." in fork_in_step.ok(*since, "--file", "src/main.c").out
    rows = [line.split() for line in fork_in_step.ok(*since, "--stat").out.splitlines()[-2:]]
    assert rows == [["native/more.c", "1", "0", "overlay"], ["src/load.c", "1", "1", "buffer-size"]]
    assert "the same as at HEAD" in fork_in_step.ok(*since, "--patch", "greeting").out


def test_a_patch_that_left_is_shown_taken_back(fork_in_step: Fork) -> None:
    """--patch of one that the queue has no more shows its lines going; the table says whose they were."""
    without(fork_in_step, "greeting.patch")
    shown = fork_in_step.ok("diff", "--since", "HEAD", "--patch", "greeting").out
    assert '-    return "hello, fork";\n+    return "hello";' in shown
    assert "greeting (before)" in fork_in_step.ok("diff", "--since", "HEAD", "--stat").out


def test_what_cannot_be_answered(fork_in_step: Fork) -> None:
    """No such revision, one before the fork began, no such patch, options that exclude each other: all exit 2."""
    run = fork_in_step.run
    git(fork_in_step.root, "tag", "release-1")
    no_files = git(fork_in_step.root, "hash-object", "-t", "tree", "-w", "--stdin")
    empty = git(fork_in_step.root, "commit-tree", no_files, "-m", "nothing yet")
    assert_message(
        run("diff", "--since", "relase-1"), 2, "is no commit of the fork's own git", "did you mean release-1?"
    )
    assert_message(run("diff", "--since=--all"), 2, "is no commit of the fork's own git")
    assert_message(run("diff", "--since", empty), 2, "has no fork.toml in this folder")
    assert_message(run("diff", "--since", "HEAD", "--patch", "greting"), 2, "did you mean greeting?")
    assert_message(run("diff", "--since", "HEAD", "--stat", "--word"), 2, "--word: does not go with --stat")
    assert_message(run("diff", "--since", "HEAD", "--json", "-"), 2, "--json: goes with --stat only")


def test_a_damaged_fork_of_then_is_named(fork_in_step: Fork) -> None:
    """A commit in which the series lists what is not there says so, by its revision."""
    series = fork_in_step.root / "patches/series"
    good = series.read_text()
    series.write_text(good + "gone.patch\n")
    fork_in_step.commit_all()
    series.write_text(good)
    assert_message(fork_in_step.run("diff", "--since", "HEAD"), 2, "--since HEAD: patches/series: lists gone.patch")


def test_a_fork_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    """A fork that is a folder of a larger repository is read from that folder of the revision."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    pin = upstream.commit({"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"}, tag="v1")
    fork = fork_of(tmp_path, upstream, pin, pin, [Local("two", {"a.txt": "one\nTWO\nthree\n"})], {"c.txt": "c\n"})
    whole = tmp_path / "whole"
    whole.mkdir()
    git(whole, "init", "--quiet", "--template=")
    (fork.root / ".git").rename(tmp_path / "away")
    fork.root.rename(whole / "fork")
    toml = whole / "fork/fork.toml"
    toml.write_text(toml.read_text().replace("../upstream.git", "../../upstream.git"))
    git(whole, "add", "--all")
    git(whole, "commit", "--quiet", "--message", "all")
    (whole / "fork/native/overlay/c.txt").write_text("d\n")
    done = script(whole / "fork", "forkkeeper", "diff", "--since", "HEAD")
    assert done.code == 0, done.said
    assert "-c\n+d\n" in done.out
