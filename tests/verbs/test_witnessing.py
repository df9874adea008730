"""What `check witness` and `check deletions` promise: planted accidents are caught, on builds of a tiny project."""

import shutil
from dataclasses import replace

import pytest
from tiny import CMAKE, GREETING, MAIN, fork_with, trailers, verdict
from world import Fork, Local, Upstream, fork_of, format_patch, git

FIXED = MAIN.replace("    return 0;\n", "    fflush(stdout);\n    return 0;\n")  # what upstream adds at the newer pin
EDITED = MAIN.replace('"hello"', '"hello, fork"')
TESTED = "native/checks/test_greeting.py"


@pytest.fixture
def synced(upstream_repo: Upstream) -> Fork:
    """Give a fork whose patch was carried to a newer pin, at which upstream has a line more in the patch's file."""
    pin = upstream_repo.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN, "notes.txt": "one\n"}, tag="v1")
    fork = replace(fork_with((upstream_repo, pin), GREETING), target=upstream_repo.commit({"main.c": FIXED}, tag="v2"))
    fork.commit_all("checks")
    fork.ok("sync", "--upto", "v2", "--accept", "greeting")
    return fork


def plant(fork: Fork, text: str | None, patch: str = "greeting", path: str = "main.c") -> None:
    """Make a patch anew, as one with no eye for what upstream did: it gives the file this text (None: removes it)."""
    folder = fork.root.parent / f"planting-{patch}"
    git(fork.root.parent, "clone", "--quiet", "--branch", "v2", str(fork.upstream.path), str(folder))
    file = folder / path
    file.unlink() if text is None else file.write_text(text)
    message = f"{patch}: do it\n\nThe fork needs this, and says so here.\n\n{trailers(TESTED)}"
    git(folder, "commit", "--quiet", "--all", "--message", message)
    (fork.root / f"patches/{patch}.patch").write_bytes(format_patch(folder, "HEAD"))
    shutil.rmtree(folder)
    fork.relog()


def deletions(out: str, patch: str) -> list[str]:
    """Give a patch's row of the table of deletions: written for, deleted, newer, verdict."""
    line = next(line for line in out.splitlines() if line.startswith(f"{patch} "))
    return line.split(maxsplit=4)[1:]


def look_at(fork: Fork, pin: str, patch: str = "greeting") -> None:
    """Say that a person looked at what a patch deletes, at a pin."""
    file = fork.root / f"patches/{patch}.patch"
    data = file.read_text()
    file.write_text(data.replace("Origin: local\n", f"Origin: local\nWritten-For: {pin}\n", 1))
    fork.relog()


def test_a_patch_that_was_carried_undoes_nothing(synced: Fork) -> None:
    """It was written for the pin before the sync, and its file has a new line, which stays."""
    ran = synced.ok("check", "deletions")
    assert deletions(ran.out, "greeting") == [synced.pin[:12], "1", "0", "deletes none that are newer"]


def test_a_planted_deletion_of_upstream_code_fails_the_session(synced: Fork) -> None:
    """The witness proves the patch, and yet it is red; what is deleted is shown, and a look at it makes it green."""
    plant(synced, EDITED)
    built = synced.script("build", "cpu")
    assert built.code == 0, built.said
    ran = synced.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "proves the patch" in verdict(ran.out, "greeting")
    assert deletions(ran.out, "greeting") == [synced.pin[:12], "2", "1", "undoes upstream"]
    assert "main.c, line 6: `fflush(stdout);`" in ran.out
    assert f"after {synced.pin[:12]}, for which it was written, and by {synced.target[:12]}" in " ".join(
        ran.out.split()
    )
    assert f"Written-For: {synced.target}" in " ".join(ran.out.split())
    look_at(synced, synced.target)
    assert synced.script("build", "cpu").code == 0
    again = synced.script("check", "witness", "cpu")
    assert again.code == 0, again.said


def test_no_build_is_needed_to_see_what_is_undone(synced: Fork) -> None:
    """Nothing was built, and the answer is no all the same."""
    plant(synced, EDITED)
    ran = synced.run("check", "deletions")
    assert ran.code == 1, ran.said
    assert deletions(ran.out, "greeting")[-1] == "undoes upstream"


def test_a_patch_that_carries_what_upstream_added_undoes_nothing(synced: Fork) -> None:
    """It puts the new call on the line that it changes anyway."""
    plant(synced, EDITED.replace("    return 0;\n", "    fflush(stdout), quit();\n    return 0;\n"))
    synced.ok("check", "deletions")


def test_a_file_that_goes_with_new_lines_is_undone(synced: Fork) -> None:
    """Whole files count, line by line."""
    plant(synced, None)
    ran = synced.run("check", "deletions")
    assert ran.code == 1, ran.said
    assert "`fflush(stdout);`" in ran.out


def test_a_patch_that_no_sync_carried_is_as_old_as_the_pin(synced: Fork) -> None:
    """A patch written today may delete whatever it means to."""
    with (synced.root / "patches/series").open("a") as series:
        series.write("today.patch\n")
    plant(synced, None, "today", "notes.txt")
    ran = synced.ok("check", "deletions")
    assert deletions(ran.out, "today") == [synced.target[:12], "0", "0", "deletes none of upstream's lines"]


@pytest.mark.parametrize("digits", [12, 40])
def test_an_older_look_counts_from_there(synced: Fork, digits: int) -> None:
    """The trailer goes before what the syncs say; it may name the commit by its first digits."""
    plant(synced, EDITED)
    newer = synced.upstream.commit({"notes.txt": "two\n"}, tag="v3")
    look_at(synced, synced.target[:digits])
    synced.ok("sync", "--upto", newer)
    ran = synced.ok("check", "deletions")
    assert deletions(ran.out, "greeting") == [synced.target[:12], "2", "0", "deletes none that are newer"]
    log = (synced.root / "CHANGES-LOCAL.md").read_text()
    assert f"its deletions looked at for: upstream `{synced.target[:digits]}`" in log


def test_a_pin_that_is_not_to_be_had_is_no_pass(synced: Fork) -> None:
    """What a patch deletes cannot be dated then; the message says how to answer for it."""
    look_at(synced, "0123456789abcdef" * 2 + "01234567")
    ran = synced.run("check", "deletions")
    assert ran.code == 1, ran.said
    assert deletions(ran.out, "greeting") == ["0123456789ab", "1", "?", "cannot be told"]
    assert "next: run it again when a source has that commit" in ran.out


def test_a_pin_that_is_not_to_be_had_does_no_harm_where_nothing_is_deleted(synced: Fork) -> None:
    """A patch that only adds is green without it."""
    plant(synced, FIXED + "/* more */\n")
    look_at(synced, "0123456789ab")
    ran = synced.ok("check", "deletions")
    assert deletions(ran.out, "greeting")[-1] == "deletes none of upstream's lines"


def test_a_written_for_that_is_no_commit_is_refused(synced: Fork) -> None:
    """A tag may move, and too few digits may come to name two commits."""
    file = synced.root / "patches/greeting.patch"
    file.write_text(file.read_text().replace("Origin: local\n", "Origin: local\nWritten-For: v2\n", 1))
    ran = synced.run("lint")
    assert ran.code != 0, ran.said
    assert "`Written-For:` is 'v2'; it takes an upstream commit's id" in " ".join(ran.said.split())


def test_an_empty_queue_is_no_success(upstream_repo: Upstream) -> None:
    """Where there is no patch, nothing was looked at."""
    pin = upstream_repo.commit({"main.c": MAIN})
    fork = fork_of(upstream_repo.path.parent, upstream_repo, pin, pin, [], {})
    ran = fork.run("check", "deletions")
    assert ran.code == 1, ran.said


def test_a_witness_that_cannot_be_read_without_the_patch_proves_nothing(upstream_repo: Upstream) -> None:
    """An import that fails there is no verdict on the program."""
    pin = upstream_repo.commit({"CMakeLists.txt": CMAKE, "main.c": MAIN, "notes.txt": "one\n"}, tag="v1")
    notes = Local("notes", {"notes.txt": "two\n"}, trailers=trailers("native/checks/test_notes.py"))
    fork = fork_with((upstream_repo, pin), notes)
    (fork.root / "native/checks/test_notes.py").write_text(
        "import sys\n\nsource = next(word for word in sys.argv if word.startswith('--source=')).partition('=')[2]\n"
        "assert open(source + '/notes.txt').read() == 'two\\n'\n\ndef test_it():\n    pass\n"
    )
    assert fork.script("build", "cpu").code == 0
    ran = fork.script("check", "witness", "cpu")
    assert ran.code == 1, ran.said
    assert "no verdict: without the patch" in verdict(ran.out, "notes")
