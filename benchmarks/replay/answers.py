"""What a tool can answer, and the verdict on it. Nothing here runs a program or reads a file."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How an answer stands beside what the maintainers committed; the first ten are of patches that they kept.

    *silent*: the tool asks for no second look. *reviewed*: it gives its answer and asks for one.
    """

    SILENT_RIGHT = "silent right"
    SILENT_ORDER = "silent right up to order or space"
    SILENT_WRONG = "silent wrong"
    REVIEWED_RIGHT = "reviewed right"
    REVIEWED_ORDER = "reviewed right up to order or space"
    REVIEWED_WRONG = "reviewed wrong"
    CLASHED_RIGHT = "clashed, proposal right"
    CLASHED = "clashed"
    CALLED_GONE = "kept, called gone"
    DROPPED_RECOGNISED = "dropped: recognised"
    DROPPED_CARRIED = "dropped: carried"
    DROPPED_CLASHED = "dropped: clashed"
    FAILED = "tool failed"


RIGHT = (Verdict.SILENT_RIGHT, Verdict.SILENT_ORDER, Verdict.REVIEWED_RIGHT, Verdict.REVIEWED_ORDER)
WRONG = (Verdict.SILENT_WRONG, Verdict.REVIEWED_WRONG, Verdict.CALLED_GONE)
IN_ORDER = (Verdict.SILENT_ORDER, Verdict.REVIEWED_ORDER)
DROPPED = (Verdict.DROPPED_RECOGNISED, Verdict.DROPPED_CARRIED, Verdict.DROPPED_CLASHED)


@dataclass(frozen=True, slots=True)
class Carried:
    """The patch sits on the new side. tree -- the whole tree's id with it; reviewed -- a second look is asked for."""

    tree: str
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of the patch is left to carry."""


@dataclass(frozen=True, slots=True)
class Clashed:
    """A person must look. proposal -- the id of a tree that is offered, or None."""

    proposal: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The tool gave no answer. why -- its last words."""

    why: str


Answer = Carried | Gone | Clashed | Failed


def judge(answer: Answer, before: str, want: str | None, same: Callable[[str, str], bool]) -> Verdict:
    """Give the verdict on an answer.

    before -- the tree that the patch was to be carried to
    want -- the right tree; None for a patch that was dropped
    same -- whether two trees are the same up to order or space (`same_but_for_order`)
    """
    if isinstance(answer, Failed):
        return Verdict.FAILED
    return _dropped(answer) if want is None else _kept(answer, before, want, same)


def _dropped(answer: Carried | Gone | Clashed) -> Verdict:
    match answer:
        case Carried():
            return Verdict.DROPPED_CARRIED
        case Gone():
            return Verdict.DROPPED_RECOGNISED
        case Clashed():
            return Verdict.DROPPED_CLASHED


def _kept(answer: Carried | Gone | Clashed, before: str, want: str, same: Callable[[str, str], bool]) -> Verdict:
    match answer:
        case Gone():  # on the new side the maintainers' patch may say nothing either
            return Verdict.SILENT_RIGHT if want == before else Verdict.CALLED_GONE
        case Clashed(proposal=tree):
            right = tree is not None and (tree == want or same(tree, want))
            return Verdict.CLASHED_RIGHT if right else Verdict.CLASHED
        case Carried(tree=tree, reviewed=reviewed):
            exact, nearly, wrong = _REVIEWED if reviewed else _SILENT
            return exact if tree == want else nearly if same(tree, want) else wrong


_SILENT = (Verdict.SILENT_RIGHT, Verdict.SILENT_ORDER, Verdict.SILENT_WRONG)
_REVIEWED = (Verdict.REVIEWED_RIGHT, Verdict.REVIEWED_ORDER, Verdict.REVIEWED_WRONG)
_HUNK = re.compile(rb"^@@ ")
_MORE_THAN_LINES = (b"new file mode", b"deleted file mode", b"old mode", b"Binary files ", b"GIT binary patch")

CONTEXT = 10  # lines: edits nearer to each other than twice this stand in one hunk, so their lines may change places


def same_but_for_order(diff: bytes) -> bool:
    r"""Whether a diff with CONTEXT lines of context between two trees is about order and white space alone.

    In every hunk the removed lines are the added ones in some order, all white space and blank lines left out. A file
    that is on one side only, another mode or binary content is more than that.

    >>> same_but_for_order(b"@@ -1,2 +1,2 @@\n+b\n a\n-b\n")
    True
    >>> same_but_for_order(b"@@ -1 +1 @@\n-a\n+b\n")
    False
    """
    hunk: Counter[bytes] = Counter()
    inside = False
    for line in diff.split(b"\n"):
        if line.startswith(b"diff --git "):
            inside = False
        elif _HUNK.match(line):
            if any(hunk.values()):
                return False
            inside, hunk = True, Counter()
        elif not inside and line.startswith(_MORE_THAN_LINES):
            return False
        elif inside and line[:1] in (b"+", b"-") and (text := b"".join(line[1:].split())):
            hunk[text] += 1 if line[:1] == b"+" else -1
    return not any(hunk.values())
