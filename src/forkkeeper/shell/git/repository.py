"""A repository of upstream's: its commits, refs and history. Nothing here writes."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import commits
from forkkeeper.core.commits import Candidate
from forkkeeper.core.ids import EMPTY_TREE, CommitId, ObjectId, TreeId
from forkkeeper.core.mailing import Made
from forkkeeper.core.store import Change, Entry
from forkkeeper.shell.git import view
from forkkeeper.shell.git.checkout import FIELDS
from forkkeeper.shell.git.door import SEALED, SEALED_CONFIG, Door, config, decode, prove

Moves = tuple[tuple[str, str], ...]  # path before, path after


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a commit object says.

    time -- when it was committed, in seconds since 1970 (UTC)
    date -- the same as YYYY-MM-DD, in the committer's own time zone
    author -- the author's name
    body -- the message below its first line
    """

    sha: CommitId
    tree: TreeId
    parents: tuple[CommitId, ...]
    time: int
    date: str
    title: str
    author: str
    body: str = ""


def parse_commit(sha: CommitId, data: bytes) -> CommitInfo:
    """Read a commit object's bytes; a time past the last date that can be written is that one."""
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    tree = re.search(r"^tree ([0-9a-f]{40})$", head, re.MULTILINE)
    found = re.search(r"^committer .* ([0-9]+) ([+-])([0-9]{2})([0-9]{2})$", head, re.MULTILINE)
    time = commits.seconds(found[1]) if found else 0
    offset = int(f"{found[2]}1") * (int(found[3]) * 3600 + int(found[4]) * 60) if found else 0
    date = dt.datetime.fromtimestamp(min(time + offset, commits.LATEST), tz=dt.UTC).date().isoformat()
    parents = tuple(CommitId(parent) for parent in re.findall(r"^parent ([0-9a-f]{40})$", head, re.MULTILINE))
    title, _, body = message.strip().partition("\n")
    author = re.search(r"^author (.*?) ?<", head, re.MULTILINE)
    named = author[1] if author else ""
    return CommitInfo(sha, TreeId(tree[1] if tree else EMPTY_TREE), parents, time, date, title, named, body.strip())


class Repository:
    """A repository of upstream's: the store in `.forkkeeper/`, or one read in place.

    Sealed: only its objects and refs count, never its configuration (`view`).
    """

    def __init__(self, git_dir: Path) -> None:
        """Open a git directory (bare, or the `.git` of a checkout)."""
        self.git_dir = git_dir.absolute()
        seen = view.onto(self.git_dir)
        self._door = Door(Path(seen["GIT_DIR"]), {**seen, **SEALED, **config(SEALED_CONFIG)})

    @property
    def objects(self) -> Path:
        """Its object directory; a linked worktree's is that of its main repository."""
        return view.common_dir(self.git_dir) / "objects"

    def commits_like(self, prefix: str) -> tuple[CommitId, ...]:
        """Give every commit whose id begins so, ordered."""
        found = self._door.ask("rev-parse", f"--disambiguate={prefix}").out.decode().split()
        if not found:
            return ()
        kinds = self._door.get("cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in found).encode())
        rows = [line.split() for line in kinds.decode().splitlines()]
        return tuple(sorted(CommitId(row[0]) for row in rows if row[1] == "commit"))

    def refs_named(self, name: str) -> tuple[CommitId, ...]:
        """Give the commits of the tag or branch of this name, tags first."""
        places = ("refs/tags/", "refs/upstream/tags/", "refs/heads/", "refs/upstream/heads/", "refs/remotes/origin/")
        form = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)"
        out = self._door.get("for-each-ref", form, *(f"{place}{name}" for place in places)).decode()
        found: dict[str, CommitId] = {}
        for row in out.splitlines():
            ref, kind, sha, *peeled = row.split(" ")
            if kind == "commit" or peeled[:1] == ["commit"]:
                found[ref] = CommitId(peeled[1] if kind == "tag" else sha)
        # a pattern also names what lies below it, as `refs/tags/v1/x` for `v1`
        return tuple(dict.fromkeys(found[f"{place}{name}"] for place in places if f"{place}{name}" in found))

    def peel(self, sha: CommitId) -> CommitId | None:
        """Give the commit that an id stands for, itself or that of an annotated tag; None when it is not held."""
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{sha}^{{commit}}")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def info(self, sha: CommitId) -> CommitInfo | None:
        """Read a commit; None when it is not held."""
        answer = self._door.ask("cat-file", "commit", sha)
        if answer.code:
            return None
        prove(sha, "commit", answer.out)
        return parse_commit(sha, answer.out)

    def heads(self) -> dict[str, CommitId]:
        """Give what its branches stand on, `HEAD` first, by name."""
        found: dict[str, CommitId] = {}
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if answer.code == 0:
            found["HEAD"] = CommitId(answer.out.decode().strip())
        out = self._door.get("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/upstream/heads/")
        for row in out.decode().splitlines():
            sha, name = row.split(" ", 1)
            found[name.removeprefix("refs/").removeprefix("upstream/").removeprefix("heads/")] = CommitId(sha)
        return found

    def tags_at(self, sha: CommitId) -> tuple[str, ...]:
        """Give the tags that stand on a commit, ordered."""
        out = self._door.ask(
            "for-each-ref", f"--points-at={sha}", "--format=%(refname)", "refs/tags/", "refs/upstream/tags/"
        )
        return tuple(sorted(row.split("tags/", 1)[1] for row in out.out.decode().splitlines()))

    def distance(self, old: CommitId, new: CommitId) -> int | None:
        """Count the commits from one to a later one; None when that cannot be known (shallow, or no ancestor).

        Both in one walk: an ancestor has no commit of its own.
        """
        answer = None if self.is_shallow else self._door.ask("rev-list", "--count", "--left-right", f"{old}...{new}")
        if answer is None or answer.code:
            return None
        own, later = answer.out.split()
        return int(later) if int(own) == 0 else None

    def line(self, old: CommitId, new: CommitId) -> tuple[Candidate, ...]:
        """Give the commits of a later one's first-parent line that come after an earlier one, oldest first.

        Empty where that is no ancestor, or where it cannot be seen here. The first does not follow on `old` where
        `old` lies on a branch of upstream's: then it is the merge that took that branch in.
        """
        if self._door.ask("merge-base", "--is-ancestor", old, new).code:
            return ()
        how = ("--first-parent", "--ancestry-path", "--reverse", "--no-commit-header", "--format=%H %T %P")
        out = self._door.get("rev-list", *how, f"{old}..{new}")
        found: list[Candidate] = []
        before: str = old
        for row in out.decode().splitlines():
            sha, tree, *parents = row.split()
            found.append(Candidate(CommitId(sha), TreeId(tree), follows=parents[:1] == [before]))
            before = sha
        return tuple(found)

    def changes_on(self, old: CommitId, new: CommitId) -> dict[CommitId, tuple[tuple[Change, ...], Moves]]:
        """Give what each commit of `line` changed against its first parent, paths ordered, and what it moved.

        A move is two of the changes, and a pair: path before, path after.
        """
        how = ("--first-parent", "--ancestry-path", "--diff-merges=first-parent", "--raw", "--no-abbrev", "-M")
        out = self._door.get("log", *how, "-z", "--format=%H", f"{old}..{new}")
        found: dict[CommitId, tuple[list[Change], list[tuple[str, str]]]] = {}
        changes, moves = found.setdefault(new, ([], []))
        tokens = iter(out.split(b"\0"))
        for token in tokens:
            text = token.strip(b"\n")
            if text.startswith(b":"):
                modes = text[1:].decode().split(" ")
                was, now, path = _entry(modes[0], modes[2]), _entry(modes[1], modes[3]), decode(next(tokens))
                if modes[4].startswith("R"):
                    moves.append((path, decode(next(tokens))))
                    changes += [Change(path, was, None), Change(moves[-1][1], None, now)]
                else:
                    changes.append(Change(path, was, now))
            elif text:
                changes, moves = found.setdefault(CommitId(text.decode()), ([], []))
        return {
            sha: (tuple(sorted(changed, key=lambda change: change.path)), tuple(sorted(moved)))
            for sha, (changed, moved) in found.items()
        }

    def last_change(self, upto: CommitId, path: str, since: CommitId | None = None) -> CommitId | None:
        """Give the newest commit up to one (and after another) that changed a path or what is below it; None for none.

        Where history is cut off its oldest commits seem to bring all that they have: those are no answer.
        """
        span = f"{since}..{upto}" if since else upto
        how = ("-1", "--first-parent", "--diff-merges=first-parent", "--format=%H %P")
        answer = self._door.ask("log", *how, span, "--", path)
        sha, *parents = answer.out.decode().split() or [""]
        if not sha or answer.code or (not parents and self.is_shallow):
            return None
        return CommitId(sha)

    def titles(self, old: CommitId, new: CommitId) -> tuple[tuple[CommitId, str], ...]:
        """Give the title of each commit that a later one has and an earlier one has not, newest first.

        Empty where the earlier one is no ancestor, or where that cannot be seen here.
        """
        if self._door.ask("merge-base", "--is-ancestor", old, new).code:
            return ()
        out = self._door.get("log", "--no-merges", "-z", "--format=%H %s", f"{old}..{new}")
        rows = (row.partition(b" ") for row in out.split(b"\0") if row)
        return tuple((CommitId(sha.decode()), title.decode("utf-8", "replace")) for sha, _, title in rows)

    def commit_named(self, name: str) -> CommitId | None:
        """Give the commit that a revision of git's names here; None where it names none."""
        answer = self._door.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return CommitId(answer.out.decode().strip()) if answer.code == 0 else None

    def between(self, base: CommitId, tip: CommitId) -> tuple[Made, ...]:
        """Give the commits that one has and another has not, parents before children, their words in UTF-8."""
        how = ("-z", "--topo-order", "--reverse", "--encoding=UTF-8", f"--format={FIELDS}")
        fields = self._door.get("log", *how, f"{base}..{tip}").decode("utf-8", "surrogateescape").split("\0")
        rows = zip(*(fields[at::6] for at in range(6)), strict=False)
        return tuple(
            Made(CommitId(sha), tuple(CommitId(one) for one in parents.split()), TreeId(tree), author, date, message)
            for sha, parents, tree, author, date, message in rows
        )

    def has(self, commit: CommitId, tip: CommitId) -> bool | None:
        """Whether a commit is in another one's history; None where that cannot be seen here."""
        answer = self._door.ask("merge-base", "--is-ancestor", commit, tip)
        if answer.code == 0:
            return True
        return None if answer.code != 1 or self.is_shallow else False

    def made(self, sha: CommitId) -> Made | None:
        """Read a commit's words, in UTF-8, as `between` does; None when it is not held."""
        how = ("--no-walk", "--encoding=UTF-8", f"--format={FIELDS}")
        answer = self._door.ask("log", *how, sha)
        if answer.code:
            return None
        one, parents, tree, author, date, message = answer.out.decode("utf-8", "surrogateescape").split("\0", 5)
        return Made(CommitId(one), tuple(CommitId(p) for p in parents.split()), TreeId(tree), author, date, message)

    def in_order(self, shas: Sequence[CommitId], without: CommitId) -> tuple[CommitId, ...]:
        """Put commits into the order of history, parents before children; those that `without` has are left out."""
        answer = self._door.ask("rev-list", "--topo-order", "--reverse", *shas, f"^{without}")
        wanted = set(shas)
        return tuple(CommitId(sha) for sha in answer.out.decode().split() if sha in wanted)

    def blamed(self, since: CommitId, tip: CommitId, path: str, ranges: Sequence[tuple[int, int]]) -> list[CommitId]:
        """Give the commits after one up to another that made lines of a file as they are there."""
        spans = [f"-L{first},{last}" for first, last in ranges]
        answer = self._door.ask("blame", "--porcelain", *spans, f"{since}..{tip}", "--", path)
        found: dict[str, None] = {}
        bounds: set[str] = set()
        last = ""
        for line in answer.out.decode("utf-8", "replace").split("\n"):
            if head := re.match(r"([0-9a-f]{40}) \d+ \d+", line):
                last = head[1]
                found.setdefault(last)
            elif line == "boundary":  # it is as it was at `since`
                bounds.add(last)
        return [CommitId(sha) for sha in found if sha not in bounds]

    def along(self, since: CommitId, tip: CommitId, path: str, ranges: Sequence[tuple[int, int]]) -> list[CommitId]:
        """Give the commits after one up to another that ever changed what are these lines of a file there."""
        spans = [f"-L{first},{last}:{path}" for first, last in ranges]
        answer = self._door.ask("log", "-s", "--format=%H", *spans, f"{since}..{tip}")
        return [CommitId(sha) for sha in answer.out.decode().split()] if answer.code == 0 else []

    def bringing(self, since: CommitId, tip: CommitId, text: str) -> CommitId | None:
        """Give the first commit after one up to another that brought a text into the files in which it stands there."""
        found = self._door.ask("grep", "-l", "-z", "-I", "-w", "-F", "-e", text, tip).out.split(b"\0")
        paths = [row.partition(b":")[2].decode("utf-8", "surrogateescape") for row in found if row]
        if not paths:
            return None
        how = ("--no-merges", "--reverse", "--topo-order", "--format=%H", f"-S{text}", f"{since}..{tip}")
        shas = self._door.get("log", *how, "--", *paths).decode().split()
        return CommitId(shas[0]) if shas else None

    def following(self, since: CommitId, tip: CommitId, words: Sequence[str]) -> tuple[tuple[CommitId, str], ...]:
        """Give the commits after one up to another whose messages hold one of these texts, oldest first."""
        how = ("--reverse", "--topo-order", "-z", "-F", "-i", "--encoding=UTF-8", "--format=%H%n%B")
        answer = self._door.ask("log", *how, *(f"--grep={word}" for word in words), f"{since}..{tip}")
        rows = (row.decode("utf-8", "replace").partition("\n") for row in answer.out.split(b"\0") if row.strip())
        return tuple((CommitId(sha.strip()), message) for sha, _, message in rows)

    def infos(self, shas: Sequence[CommitId]) -> tuple[CommitInfo, ...]:
        """Read those of these commits that are held, in one process."""
        asked = "".join(f"{sha}\n" for sha in shas).encode()
        out = self._door.get("cat-file", "--batch", stdin=asked) if shas else b""
        found, at = [], 0
        while at < len(out):
            end = out.index(b"\n", at)
            sha, kind, *size = out[at:end].decode().split()
            at = end + 1
            if size:
                data = out[at : at + int(size[0])]
                at += len(data) + 1
                found += [parse_commit(CommitId(sha), data)] if kind == "commit" else []
        return tuple(found)

    @property
    def is_shallow(self) -> bool:
        """Whether its history is cut off."""
        return self._door.line("rev-parse", "--is-shallow-repository") == "true"

    def close(self) -> None:
        """End the long-lived processes."""
        self._door.close()


def _entry(mode: str, oid: str) -> Entry | None:
    """Read one side of a line of `--raw`; None where there is nothing."""
    return Entry(mode, ObjectId(oid)) if mode != "000000" else None


def git_dir_of(path: Path) -> Path | None:
    """Find the git directory at a path (bare, or a checkout), never above it; None where there is none."""
    for candidate in (path / ".git", path):
        if candidate.is_file():  # a worktree or submodule: `gitdir: …`
            text = candidate.read_text().strip()
            return (path / text.removeprefix("gitdir: ")).resolve() if text.startswith("gitdir: ") else None
        if (candidate / "HEAD").is_file() and ((candidate / "objects").is_dir() or (candidate / "commondir").is_file()):
            return candidate
    return None
