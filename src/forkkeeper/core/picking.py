"""Upstream's commits as patches of the queue: their words, the part of them that is wanted, what they need.

`Origin:` of a picked patch is `upstream SHA`; that of the difference of two upstream commits is `upstream OLD..NEW`.
Both ids are full. By it a sync knows that it has passed the patch, and `status` what upstream did to it later.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forkkeeper.core import hunks, policy, suspicion
from forkkeeper.core.commits import one_line
from forkkeeper.core.declaration import PathRule
from forkkeeper.core.hunks import FileDiff, Hunk
from forkkeeper.core.ids import CommitId, TreeId, short
from forkkeeper.core.lines import squeeze
from forkkeeper.core.mail import Patch
from forkkeeper.core.mailing import joined
from forkkeeper.core.shown import spelled
from forkkeeper.core.store import Change, Entry, Store

DECLINED = "Declined"  # the trailer of a patch that takes an upstream commit back
PICKED = "picked from upstream"
_ORIGIN = re.compile(r"(upstream[:,]? )?([0-9a-f]{40})(?:\.\.([0-9a-f]{40}))?")
# what `git am` would take for the end of the message, for a header, or for a name that forkkeeper keeps there
_READ_OTHERWISE = re.compile(r"---|diff -|Index: |(?:From|Subject|Date|Patch): |>?From ")
_MARKS = re.compile(r"\s*\[([^\]]*)\]\s*:?\s*")
_SPEAKING = re.compile(r"_|[a-z][A-Z]")  # a name that is no word of prose
_DUE = 400  # names that are looked for in whole trees


@dataclass(frozen=True, slots=True)
class Origin:
    """What of upstream's a patch was picked from: a commit; or what came between two (old is None for a commit)."""

    old: CommitId | None
    new: CommitId

    def __str__(self) -> str:
        """Give it as the trailer has it."""
        return f"upstream {self.old}..{self.new}" if self.old else f"upstream {self.new}"


def origin(patch: Patch) -> Origin | None:
    """Give what a patch was picked from; None for any other patch.

    A bare id counts where the patch's status says that it is upstream's.
    """
    found = _ORIGIN.fullmatch(patch.trailer("Origin") or "")
    if found is None or not (found[1] or (patch.trailer("Upstream-Status") or "").startswith("Backport")):
        return None
    first, last = CommitId(found[2]), CommitId(found[3]) if found[3] else None
    return Origin(first, last) if last else Origin(None, first)


def declined(patch: Patch) -> CommitId | None:
    """Give the upstream commit that a patch takes back; None for any other patch."""
    found = re.fullmatch(r"[0-9a-f]{40}", patch.trailer(DECLINED) or "")
    return CommitId(found[0]) if found else None


# words --------------------------------------------------------------------------------------------------------------


def title(text: str, sha: str) -> str:
    """Give a commit's title as a mail can hold it: `git am` takes what stands in brackets before it away.

    >>> title("[SYCL] Fix the shift (#7)", "0" * 40)
    'SYCL: Fix the shift (#7)'
    """
    marks: list[str] = []
    while found := _MARKS.match(text):
        marks.append(found[1])
        text = text[found.end() :]
    line = " ".join(spelled(": ".join(part for part in (*marks, text) if part.strip()), but="\t").split())
    return line or f"upstream commit {short(sha)}"


def safe(body: str) -> str:
    r"""Give a stranger's message as a mail's body can hold it: nothing out of sight, no line that ends it.

    >>> safe("one\n---\ndiff -u")
    'one\n ---\n diff -u'
    """
    lines = (spelled(line.rstrip(), but="\t") for line in body.replace("\r\n", "\n").strip().split("\n"))
    return "\n".join(f" {line}" if _READ_OTHERWISE.match(line) else line for line in lines)


def message(head: str, body: str, why: str | None, of: Origin, witness: str | None) -> str:
    """Write the message of a picked patch.

    head, body -- upstream's title and the rest of its message; why -- what a person says of it, before that
    """
    said = [part for part in ((why or "").strip(), safe(body)) if part]
    if of.old is not None:
        said.append(f"Picked from upstream between {of.old} and {of.new}.")
    reason = "\n\n".join(said) or f'Picked from upstream, where it says of itself: "{one_line(head)}".'
    picked = [] if of.old else [f"(cherry picked from commit {of.new})"]
    trailers = [f"Origin: {of}", f"Upstream-Status: Backport [{of.new}]", f"Witness: {witness or f'none [{PICKED}]'}"]
    return joined(f"{title(head, of.new)}\n\n{reason}", "\n".join([*picked, *trailers]))


def declining(head: str, why: str, sha: CommitId) -> str:
    """Write the message of a patch that takes an upstream commit back."""
    trailers = ["Origin: local", "Upstream-Status: Inappropriate [declined]", "Witness: none [declined]"]
    reason = f"{safe(why)}\n\nThis reverts commit {sha}."
    return joined(f"Decline: {title(head, sha)}\n\n{reason}", "\n".join([*trailers, f"{DECLINED}: {sha}"]))


def backwards(why: str) -> str:
    """Say of a carry from a newer commit onto the fork what is said of a carry to a newer upstream.

    >>> backwards("upstream has no io_open any more, and the patch's lines use it")
    "the fork has no io_open, and the patch's lines use it"
    """
    return re.sub(r"\bupstream\b", "the fork", why).replace(" any more", "")


# the part that is wanted --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What is taken of the difference of two trees.

    after -- the tree before it with that part
    left -- the paths of which nothing is taken; hunks -- how many hunks are left out of the others
    """

    after: TreeId
    changes: tuple[Change, ...]
    left: tuple[str, ...]
    hunks: int = 0


def part(store: Store, before: TreeId, after: TreeId, paths: Sequence[str], touching: re.Pattern[str] | None) -> Part:
    """Take a part of what a commit does.

    paths -- patterns as in .gitignore (none: all of it)
    touching -- only hunks that change a line in which this is found, or that stand in a section of which it is so
    Raises RequestError for a pattern that is none.
    """
    every = store.changes(before, after)
    rules = [PathRule("exclude", "*", ""), *(PathRule("include", pattern, "") for pattern in paths)]
    wanted = {d.path for d in policy.decide(rules if paths else (), [change.path for change in every]) if d.keep}
    taken = {change.path: change.new for change in every if change.path in wanted}
    left_out = 0
    if touching is not None and taken:
        (diff,) = store.diffs([(before, store.graft(before, taken))])
        files = {file.path: file for file in hunks.parse(diff)}
        was = {change.path: change.old for change in every}
        for path in tuple(taken):
            found = _touched(files[path], touching) if path in files else ()
            if not found:
                del taken[path]
            elif (old := was[path]) is not None and (new := taken[path]) is not None:
                left_out += len(files[path].hunks) - len(found)
                taken[path] = Entry(new.mode, store.put(rewritten(store.blob(old.oid), found)))
    tree = store.graft(before, taken)
    changes = store.changes(before, tree)
    there = {change.path for change in changes}
    return Part(tree, changes, tuple(change.path for change in every if change.path not in there), left_out)


def _touched(file: FileDiff, touching: re.Pattern[str]) -> tuple[Hunk, ...]:
    """Give the hunks in which something is found; all of a file that comes or goes, as half a file is none."""
    found = tuple(hunk for hunk in file.hunks if any(touching.search(text) for text in _changed(hunk)))
    return file.hunks if found and (file.old is None or file.new is None) else found


def _changed(hunk: Hunk) -> Iterator[str]:
    yield hunk.section
    yield from (line[1:].decode("utf-8", "replace") for line in hunk.lines if line[:1] in (b"+", b"-"))


def rewritten(data: bytes, chosen: Sequence[Hunk]) -> bytes:
    r"""Apply some hunks of a diff to the very file that it is of.

    >>> rewritten(b"a\nb\n", [Hunk(2, 2, "", (b"-b\n", b"+c\n", b"\\ No newline at end of file\n"))])
    b'a\nc'
    """
    lines = data.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    made: list[bytes] = []
    at = 0
    for hunk in chosen:
        removed = sum(line[:1] in (b" ", b"-") for line in hunk.lines)
        start = hunk.old_start - 1 if removed else hunk.old_start
        made += lines[at:start]
        last = b""
        for line in hunk.lines:
            if line[:1] in (b" ", b"+"):
                made.append(line[1:])
            elif line[:1] == b"\\" and last in (b" ", b"+"):
                made[-1] = made[-1].removesuffix(b"\n")
            last = line[:1]
        at = start + removed
    return b"".join([*made, *lines[at:]])


# what it needs ------------------------------------------------------------------------------------------------------


def spans(files: Sequence[FileDiff]) -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Give the lines, first and last, that a diff removes or has as context, by the path before it."""
    found: dict[str, list[tuple[int, int]]] = {}
    for file in files:
        for hunk in file.hunks if file.old is not None else ():
            length = sum(line[:1] in (b" ", b"-") for line in hunk.lines)
            if length:
                found.setdefault(file.old or "", []).append((hunk.old_start, hunk.old_start + length - 1))
    return {path: tuple(ranges) for path, ranges in found.items()}


def lacking(store: Store, files: Sequence[FileDiff], before: TreeId, now: TreeId) -> tuple[str, ...]:
    """Give the names that a diff's added lines use, that the tree it was made on has, and another has nowhere."""
    called = frozenset(suspicion.called(files))
    used = [name for name in suspicion.used(files) if _SPEAKING.search(name) or name in called][:_DUE]
    known = store.mentions(now, used)
    unknown = [name for name in used if name not in known]
    there = store.mentions(before, unknown)
    return tuple(name for name in unknown if name in there)


def beyond(patch: Sequence[FileDiff], of: Sequence[FileDiff]) -> int:
    """Count the lines that a patch changes, and what it was picked from does not."""
    return sum((_lines(patch) - _lines(of)).values())


def _lines(files: Sequence[FileDiff]) -> Counter[tuple[bytes, bytes]]:
    every = (line for file in files for hunk in file.hunks for line in hunk.lines)
    return Counter((line[:1], squeeze(line[1:])) for line in every if line[:1] in (b"+", b"-") and line[1:].strip())


def own_names(store: Store, removed: Sequence[FileDiff], after: TreeId) -> tuple[str, ...]:
    """Give the names that a diff takes out of a tree altogether: those that are nowhere in the tree after it."""
    names = [name for name in suspicion.used(removed, b"-") if _SPEAKING.search(name)][:_DUE]
    left = store.mentions(after, names)
    return tuple(name for name in names if name not in left)
