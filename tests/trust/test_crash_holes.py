"""What deaths have shown to be wrong, each mended at its root: it stays so."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nighting import HARMLESS, SOURCES
from trust.crashing import KILLED, Warm
from trust.dying_verbs import LEAN, crash
from world import Fork, Upstream, fork_of

from forkkeeper.shell.git import Quarantine, quarantine

HOLD = "from forkkeeper.shell.git import Quarantine; q = Quarantine(); print(q.path, flush=True); input()"


def test_throw_away_folders_of_the_dead_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a living owner stays; that of one that was killed goes when the next one begins."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    argv = [sys.executable, "-c", HOLD]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        quarantine.sweep.cache_clear()
        with Quarantine():
            assert folder.is_dir()
        owner.send_signal(signal.SIGKILL)
    assert folder.is_dir()
    quarantine.sweep.cache_clear()
    with Quarantine():
        assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_edits_after_a_killed_continue_are_the_ones_that_count(tmp_path: Path) -> None:
    """A resolution that was written and not yet decided is not replayed over what the person made of it since."""
    with Warm(tmp_path / "warm") as warm:
        made = crash("sync --continue", tmp_path / "one", warm)
        made.restore()
        wanted = "/sync/resolutions/limit."
        drafted = next(n for n, one in enumerate(made.met) if wanted in one.path and one.kind == "replace")
        at = next(
            n for n, one in enumerate(made.met) if n > drafted and "/sync/.forkkeeper-writing-session" in one.path
        )
        assert warm.run(made.root, made.words, at=at).code == KILLED
        assert list((made.root / ".forkkeeper/sync/resolutions").glob("limit.*"))
        header = made.root / ".forkkeeper/sync/clash/include/core.h"
        header.write_text(header.read_text().replace("1024", "2048"))
        ran = warm.run(made.root, made.words)
    assert ran.code == made.whole.code, ran.said
    assert "that were not finished" not in ran.said
    assert b"+#define MAX_ITEMS 2048" in (made.root / ".forkkeeper/sync/made/limit.patch").read_bytes()


def test_status_names_a_folder_that_is_half_written(tmp_path: Path) -> None:
    """A folder with some old files and some new ones is named until `materialise` has run there again."""
    with Warm(tmp_path / "warm") as warm:
        made = crash("materialise a folder", tmp_path / "one", warm)
        made.restore()
        at = [n for n, one in enumerate(made.met) if one.path.startswith("out/") and one.kind == "replace"][1]
        assert warm.run(made.root, made.words, at=at).code == KILLED
        said = "was being written when a command was killed"
        assert f"{tmp_path / 'one/out'} {said}" in warm.run(made.root, ["status"]).out
        assert warm.run(made.root, made.words).code == 0
        assert said not in warm.run(made.root, ["status"]).out


@pytest.mark.trust
def test_a_night_that_was_kept_and_not_told_is_taken_again(tmp_path: Path) -> None:
    """Killed between its record and the outbox, a good night does not leave the next one with nothing to say."""
    upstream = Upstream.make(tmp_path / "upstream.git")
    pin = upstream.commit(SOURCES, tag="v1")
    target = upstream.commit(HARMLESS)
    fork: Fork = fork_of(tmp_path, upstream, pin, target, [LEAN], {})
    outbox = fork.root / ".forkkeeper/nightly/outbox"
    with Warm(tmp_path / "warm") as warm:
        whole = warm.run(fork.root, ["nightly"])
        assert "Nothing is new" in warm.run(fork.root, ["nightly"]).out
        at = next(n for n, one in enumerate(whole.points) if "/nightly/outbox" in one.path)
        shutil.rmtree(fork.root / ".forkkeeper")
        assert warm.run(fork.root, ["nightly"], at=at).code == KILLED
        assert not (outbox / "outbox.json").exists()
        again = warm.run(fork.root, ["nightly"])
    assert again.code == whole.code, again.said
    assert (outbox / "outbox.json").is_file()
