"""A whole history read at once: its log with every blob, and the blobs one after the other, each by one process."""

from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core.ids import CommitId, ObjectId
from forkkeeper.errors import MissingObjectError
from forkkeeper.shell.git import view
from forkkeeper.shell.git.door import SEALED, SEALED_CONFIG, Door, config

_RAW = ("--raw", "-z", "--no-abbrev", "--no-renames", "--diff-merges=first-parent", "--topo-order", "--reverse")
_FIELDS = "--format=%x01%H%x02%P%x02%ct%x02%cs"
_PATCH = (
    *("--patch", "--unified=0", "--diff-merges=off", "--topo-order", "--text", "--find-renames"),
    *("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"),
)
_WORDS = "--format=%x00%x01%H%x02%an <%ae>%x02%aD%x02%B%x00"


class Chronicle:
    """Reads the history of a repository; nothing here writes. Sealed, as `Repository` is."""

    def __init__(self, git_dir: Path) -> None:
        """Open a git directory."""
        seen = view.onto(git_dir.absolute())
        self._door = Door(Path(seen["GIT_DIR"]), {**seen, **SEALED, **config(SEALED_CONFIG)})

    def log(self, tip: CommitId) -> bytes:
        """Give the log that `core.adopt.timeline` reads."""
        return self._door.get("log", *_RAW, _FIELDS, tip)

    def changes(self, tip: CommitId, paths: Sequence[str]) -> bytes:
        """Give the log that `core.adopt.authors` reads: each commit's words and changed lines, newest first."""
        return self._door.get("log", *_PATCH, _WORDS, tip, "--", *paths)

    def text(self, blob: ObjectId) -> bytes | None:
        """Give a blob's bytes; None where it is not held (a partial clone)."""
        try:
            return self._door.object_bytes(blob)[1]
        except MissingObjectError:
            return None

    def close(self) -> None:
        """End the long-lived process."""
        self._door.close()
