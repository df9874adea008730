"""The fork's own repository."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from forkkeeper.core.ids import CommitId, ObjectId, TreeId
from forkkeeper.core.shown import spelled
from forkkeeper.errors import OutsideError
from forkkeeper.shell.git.door import Door, decode
from forkkeeper.shell.git.repository import parse_commit
from forkkeeper.shell.git.scratch import Scratch


class Worktree:
    """The fork's own repository, with git as the user has it."""

    def __init__(self, root: Path) -> None:
        """Stand in a folder of the checkout."""
        self._door = Door(root, {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"})
        self.root = root

    @property
    def exists(self) -> bool:
        """Whether the folder lies in a git work tree."""
        return self._door.ask("rev-parse", "--is-inside-work-tree").out.strip() == b"true"

    @property
    def common_dir(self) -> Path:
        """The git directory that all worktrees of this repository share. Raises OutsideError outside a repository."""
        return Path(
            os.fsdecode(self._door.get("rev-parse", "--path-format=absolute", "--git-common-dir").rstrip(b"\n"))
        )

    @property
    def prefix(self) -> str:
        """This folder as a path from the top of the worktree, "" for the top."""
        return decode(self._door.get("rev-parse", "--show-prefix")).rstrip("\n").rstrip("/")

    def tree_at(self, commit: CommitId) -> TreeId:
        """Give the tree of a commit."""
        return TreeId(self._door.line("rev-parse", "--verify", f"{commit}^{{tree}}"))

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give the paths that git sees as changed or untracked, ordered."""
        answer = self._door.ask("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *paths)
        return tuple(sorted(decode(row[3:]) for row in answer.out.split(b"\0") if row))

    def ignored(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give those of these paths that git ignores and does not track."""
        names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        answer = self._door.ask("check-ignore", "-z", "--stdin", stdin=names)
        return tuple(decode(name) for name in answer.out.split(b"\0") if name)

    def ignored_below(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give the files at and below these paths that git ignores and does not track, ordered.

        None where git ignores this whole folder: then nothing here is meant for it.
        """
        answer = self._door.ask("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *paths)
        found = tuple(sorted(decode(path) for path in answer.out.split(b"\0") if path))
        return found if found and self._door.ask("check-ignore", "-q", ".").code else ()

    def stored(self, paths: Sequence[str]) -> tuple[ObjectId, ...]:
        """Give the blob that git would make of each file, by its attributes and filters; no name has a line feed."""
        at = f"{self.prefix}/" if self.prefix else ""  # `hash-object` reads from the top of the worktree
        names = "".join(f"{at}{path}\n" for path in paths).encode("utf-8", "surrogateescape")
        out = self._door.get("hash-object", "--stdin-paths", stdin=names)
        return tuple(ObjectId(line) for line in out.decode().splitlines())

    def files(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give the files at and below these paths that git tracks or would add, ordered; links are left out."""
        answer = self._door.ask("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
        found = sorted({decode(path) for path in answer.out.split(b"\0") if path})
        return tuple(path for path in found if (self.root / path).is_file() and not (self.root / path).is_symlink())

    def staged(self, paths: Sequence[str]) -> dict[str, ObjectId]:
        """Give the blob that the index has of each of these files; none of what it does not hold, or holds unmerged."""
        rows = self._door.get("ls-files", "-s", "-z", "--", *paths).split(b"\0")[:-1]
        parted = [(meta.split(), decode(path)) for meta, _, path in (row.partition(b"\t") for row in rows)]
        return {path: ObjectId(oid.decode()) for (_, oid, stage), path in parted if stage == b"0"}

    def of_any_line_end(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give those of these files whose line ends git may change, by its attributes and `core.autocrlf`.

        Source: gitattributes(5), on `text` and `eol`.
        """
        names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        rows = self._door.get("check-attr", "-z", "--stdin", "text", "eol", stdin=names).split(b"\0")[:-1]
        said = [decode(value) for value in rows[2::3]]  # a path, an attribute, its value
        setting = self._door.ask("config", "--get", "core.autocrlf")
        is_on = setting.code == 0 and setting.out.strip().lower() not in (b"false", b"no", b"off", b"0", b"")
        return tuple(
            path
            for path, text, eol in zip(paths, said[::2], said[1::2], strict=True)
            if text in ("set", "auto") or (text == "unspecified" and (is_on or eol in ("lf", "crlf")))
        )

    def blob(self, oid: ObjectId) -> bytes | None:
        """Give a blob that this repository holds; None for one that it does not."""
        answer = self._door.ask("cat-file", "blob", oid)
        return answer.out if answer.code == 0 else None

    def committed(self, path: str) -> bytes | None:
        """Give a file as the last commit has it; None where it has none."""
        answer = self._door.ask("cat-file", "blob", f"HEAD:./{path}")
        return answer.out if answer.code == 0 else None

    def last_commit(self, paths: Sequence[str]) -> str:
        """Give the last commit that changed any of these paths, short; empty where none did."""
        return decode(self._door.ask("log", "-1", "--format=%h", "--", *paths).out).strip()

    def revision(self, name: str) -> CommitId | None:
        """Give the commit that a revision names, as git reads it (branch, tag, id, `HEAD~2`); None for none."""
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def refs(self) -> tuple[str, ...]:
        """Give the short names of all branches and tags, ordered."""
        out = self._door.ask("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags").out
        return tuple(sorted(decode(out).splitlines()))

    def date_of(self, commit: CommitId) -> str:
        """Give the day on which a commit was made, YYYY-MM-DD."""
        return parse_commit(commit, self._door.get("cat-file", "commit", commit)).date

    def files_at(self, commit: CommitId, paths: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """Give the files at and below these paths as a commit has them, by path from here: git's mode, and the bytes.

        A submodule has no bytes and is left out.
        """
        listed = self._door.get("ls-tree", "-r", "-z", commit, "--", *paths).split(b"\0")[:-1]
        found: dict[str, tuple[str, bytes]] = {}
        with contextlib.closing(self._door):
            for row in sorted(listed, key=lambda row: row.partition(b"\t")[2]):
                meta, _, path = row.partition(b"\t")
                mode, kind, oid = meta.decode().split()
                if kind == "blob":
                    found[decode(path)] = (mode, self._door.object_bytes(oid)[1])
        return found

    def tracked(self, name: str) -> tuple[str, ...]:
        """Give the files that git tracks at and below a name here, in whatever case it is written; none outside git.

        Raises OutsideError where there is a repository and git does not read it: nobody knows then what is tracked.
        """
        answer = self._door.ask("ls-files", "-z", "--", f":(icase){name}")
        if answer.code and _lies_in_one(self.root):
            why = next(iter(answer.err.strip().splitlines()), f"it ended with {answer.code}")
            found = f"git does not read it, so whether {name} came with the clone is not known: {spelled(why)}"
            raise OutsideError("read", "the repository of this folder", found, "`git status` here says what to do")
        return tuple(decode(path) for path in answer.out.split(b"\0") if path) if answer.code == 0 else ()

    def staging(self, paths: Sequence[str], ignored: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Give the calls of git that stage these paths and what is below them, removals among it.

        ignored -- files that git ignores, and that are staged all the same where they lie at or below these paths
        """
        known = [path for path in paths if os.path.lexists(self.root / path) or self.tracked(path)]
        below = tuple(path for path in ignored if any(path == one or path.startswith(f"{one}/") for one in known))
        shut = self._matched(known)  # named to `add`, a folder that git ignores is an error, even where all is tracked
        calls = (
            ("add", "-f", "--", *below),
            ("add", "-u", "--", *(path for path in known if path in shut)),
            ("add", "-A", "--", *(path for path in known if path not in shut)),
        )
        return tuple(call for call in calls if call[-1] != "--")

    def _matched(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Give those of these paths that a rule of git's ignores, tracked or not."""
        names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        answer = self._door.ask("check-ignore", "-z", "--no-index", "--stdin", stdin=names)
        return tuple(decode(name) for name in answer.out.split(b"\0") if name)

    def commit(self, paths: Sequence[str], message: str, ignored: Sequence[str] = ()) -> str:
        """Commit these paths alone, removals among them; gives the new commit. Raises OutsideError.

        ignored -- as for `staging`
        """
        known = [path for path in paths if self.tracked(path)]
        for call in self.staging(paths, ignored):
            self._door.get(*call)
        known += [path for path in paths if path not in known and self.tracked(path)]
        self._door.get("commit", "--quiet", "--only", "--message", message, "--", *known)
        return self._door.line("rev-parse", "--short", "HEAD")

    def author(self) -> str:
        """Give who commits here, as "Name <mail>". Raises OutsideError where git does not know."""
        return self._door.line("var", "GIT_AUTHOR_IDENT").rsplit(" ", 2)[0]

    def merge_driver(self, name: str) -> str | None:
        """Give the command of a merge driver that this clone knows; None where it knows none of that name."""
        answer = self._door.ask("config", "--get", f"merge.{name}.driver")
        return answer.out.decode("utf-8", "surrogateescape").rstrip("\n") if answer.code == 0 else None

    def tell_merge_driver(self, name: str, command: str, about: str) -> None:
        """Tell git in this clone of a merge driver. about -- what `git config` shows of it. Raises OutsideError."""
        self._door.get("config", f"merge.{name}.name", about)
        self._door.get("config", f"merge.{name}.driver", command)

    def colours(self, *, terminal: bool) -> bool:
        """Whether git would colour a diff (`color.diff`, `color.ui`) on a terminal, or where there is none."""
        answer = self._door.ask("config", "--get-colorbool", "color.diff", "true" if terminal else "false")
        return answer.out.strip() == b"true"

    def pager(self) -> str:
        """Give the pager that git would use."""
        return self._door.ask("var", "GIT_PAGER").out.decode().strip()

    def show_diff(
        self, scratch: Scratch, old: TreeId, new: TreeId, options: Sequence[str], paths: Sequence[str]
    ) -> bytes:
        """Give a diff between two trees of the scratch repository, in the user's own style."""
        return self._door.get("diff", *options, old, new, "--", *paths, env=scratch.environment())


def _lies_in_one(folder: Path) -> bool:
    """Whether a folder lies in a repository, sound or not; looked for as git does, no further than this file system."""
    for above in (folder.resolve(), *folder.resolve().parents):
        if os.path.lexists(above / ".git"):
            return True
        if above.is_mount():
            return False
    return False
