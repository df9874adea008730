"""Pull requests and issues as files in a folder, for a fork that has no forge: the same, for people to read.

Each is a Markdown file with its state in the lines before its text, `pull-1.md` or `alarm-2.md`; comments stand beside
it, `alarm-2.comment-1.md`; a branch is a git bundle, which `git fetch FILE BRANCH` takes in.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from forkkeeper.core.forges import Issue, Pull, pin_of
from forkkeeper.errors import OutsideError

_LINE = "---"


class Folder:
    """A folder in the place of a forge."""

    git, secret, page = "", "", ""

    def __init__(self, folder: Path) -> None:
        """Stand at a folder, whether or not it is there yet."""
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder in messages."""
        return str(self._folder)

    def pulls(self, branch: str = "") -> Sequence[Pull]:
        """Give the open pull requests; with a branch those from it, closed ones, too, newest first."""
        found = [
            Pull(number, head["title"], body, head["branch"], head["base"], head["state"] == "open", url=str(path))
            for number, path, head, body in self._read("pull")
        ]
        return tuple(one for one in found if (one.branch == branch if branch else one.is_open))

    def add_pull(self, title: str, body: str, branch: str, base: str) -> Pull:
        """Open a pull request."""
        path, number = self._new("pull")
        self._write(path, {"title": title, "branch": branch, "base": base, "state": "open"}, body)
        return Pull(number, title, body, branch, base, is_open=True, url=str(path))

    def change_pull(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make a pull request say this."""
        self._change("pull", number, title, body, is_open=is_open)

    def issues(self, label: str) -> Sequence[Issue]:
        """Give the issues that have a label, open and closed, newest first."""
        return tuple(
            Issue(number, head["title"], body, head["state"] == "open", str(path))
            for number, path, head, body in self._read("alarm")
            if head["label"] == label
        )

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue with a label."""
        path, number = self._new("alarm")
        self._write(path, {"title": title, "label": label, "state": "open"}, body)
        return Issue(number, title, body, is_open=True, url=str(path))

    def change_issue(self, number: int, *, title: str, body: str, is_open: bool) -> None:
        """Make an issue say this."""
        self._change("alarm", number, title, body, is_open=is_open)

    def comments(self, number: int) -> Sequence[str]:
        """Give the texts of the comments of a pull request or issue, oldest first."""
        return tuple(path.read_text(encoding="utf-8") for path in self._comments(number))

    def comment(self, number: int, text: str) -> None:
        """Add a comment."""
        kind = next(path.name for path in self._folder.glob(f"*-{number}.md")).partition("-")[0]
        self._put(self._folder / f"{kind}-{number}.comment-{len(self._comments(number)) + 1}.md", text)

    def keep(self, branch: str, bundle: bytes) -> bool:
        """Keep a branch as a bundle; gives whether that is other than what was there."""
        path = self._folder / f"sync-from-{pin_of(branch)}.bundle"
        if path.is_file() and path.read_bytes() == bundle:
            return False
        self._put(path, bundle)
        return True

    # files --------------------------------------------------------------------------------------------------------

    def _comments(self, number: int) -> list[Path]:
        found = self._folder.glob(f"*-{number}.comment-*.md")
        return sorted(found, key=lambda path: int(path.stem.rpartition("-")[2]))

    def _read(self, kind: str) -> list[tuple[int, Path, dict[str, str], str]]:
        """Give what is there of a kind, newest first: number, file, the lines before its text, the text."""
        found = []
        for path in self._folder.glob(f"{kind}-*.md"):
            number = path.stem.rpartition("-")[2]
            if path.stem == f"{kind}-{number}" and number.isdecimal():
                found.append((int(number), path, *self._parsed(path)))
        return sorted(found, key=lambda one: -one[0])

    def _parsed(self, path: Path) -> tuple[dict[str, str], str]:
        lines = path.read_text(encoding="utf-8").split("\n")
        try:
            end = lines.index(_LINE, 1)
            head = {key: str(json.loads(value)) for key, value in (line.split(": ", 1) for line in lines[1:end])}
        except ValueError as error:
            hint = "mend the lines between its first two `---`, or move it away"
            raise OutsideError("publish", str(path), f"cannot be read: {error}", hint) from error
        return {"title": "", "branch": "", "base": "", "label": "", "state": ""} | head, "\n".join(lines[end + 2 :])

    def _change(self, kind: str, number: int, title: str, body: str, *, is_open: bool) -> None:
        path = self._folder / f"{kind}-{number}.md"
        head, _ = self._parsed(path)
        kept = {key: value for key, value in head.items() if value}
        self._write(path, kept | {"title": title, "state": "open" if is_open else "closed"}, body)

    def _new(self, kind: str) -> tuple[Path, int]:
        """Give the next number, as at a forge one that no other thing has."""
        taken = [path.stem.partition(".")[0].rpartition("-")[2] for path in self._folder.glob("*-*.md")]
        number = max((int(one) for one in taken if one.isdecimal()), default=0) + 1
        return self._folder / f"{kind}-{number}.md", number

    def _write(self, path: Path, head: Mapping[str, str], body: str) -> None:
        lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        self._put(path, "\n".join([_LINE, *lines, _LINE, "", body]))

    def _put(self, path: Path, content: str | bytes) -> None:
        """Replace a file in one step; what a killed run left of its writing is written over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".writing-{path.name}")
        with beside.open("wb") as file:
            file.write(content.encode("utf-8", "replace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o644)
        beside.replace(path)
