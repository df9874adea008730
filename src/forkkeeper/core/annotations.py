"""What is at fault in the fork's own files, each on a line: for a person's editor, a problem matcher, and SARIF.

A message is one line, whatever upstream's text in it holds: no line feed, and nothing that a terminal or a CI runner
would act upon.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forkkeeper.core import mail, patchlines, shown
from forkkeeper.core.ids import short
from forkkeeper.core.mail import Patch
from forkkeeper.core.overlay import FOLDER as OVERLAY
from forkkeeper.core.planning import Plan
from forkkeeper.core.verdict import Outcome, Row

FOLDER = "patches"


class Rule(Enum):
    """What is wrong; the values are the rules' ids, which stay."""

    CLASH = "clash"
    CASCADE = "cascade"
    REVIEW = "review"
    COLLISION = "overlay-collision"
    REASON = "patch-reason"
    HEADER = "patch-header"
    TRAILER = "patch-trailer"
    WITNESS = "witness-missing"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One line at fault.

    file -- from the fork's folder; line -- from 1
    text -- one line, made safe to show
    about -- what stays the same about it from night to night, beside rule and file
    """

    rule: Rule
    file: str
    line: int
    text: str
    about: str = ""

    def __str__(self) -> str:
        return f"{shown.spelled(self.file)}:{self.line}: {self.text}"


def of_plan(plan: Plan) -> tuple[Annotation, ...]:
    """Give what keeps a plan from being sure, in the queue's order."""
    found = (one for row in plan.rows for one in _of_row(plan, row))
    overlay = (Annotation(Rule.COLLISION, f"{OVERLAY}/{c.path}", 1, shown.line(c.found)) for c in plan.collisions)
    return (*found, *overlay)


def _of_row(plan: Plan, row: Row) -> Iterator[Annotation]:
    name = f"{FOLDER}/{row.old.name}"
    if row.outcome is Outcome.CLASHED and row.root is not None:
        line = patchlines.of_path(row.old, row.paths[0] if row.paths else "")
        said = f"clashes because {row.root.removesuffix('.patch')} does"
        yield Annotation(Rule.CASCADE, name, line, shown.line(said))
    elif row.outcome is Outcome.CLASHED:
        since = _since(plan, row)
        for line, (path, said) in _clashes(row).items():
            yield Annotation(Rule.CLASH, name, line, shown.line(f"clashes {said}{since}"), path)
    elif row.review:
        paths = [one.path for one in row.resolutions if one.path] or list(row.paths)
        line = patchlines.of_path(row.old, paths[0] if paths else "")
        yield Annotation(Rule.REVIEW, name, line, shown.line(row.why or "a person must look at it"))


def _clashes(row: Row) -> Mapping[int, tuple[str, str]]:
    """Give what clashes, path and words, by the line of its hunk; several places of one hunk are one."""
    moved = {now: before for before, now in row.moved}
    found: dict[int, tuple[str, str]] = {}
    for place in row.places:
        line = patchlines.of_clash(row.old, place, moved.get(place.path, ""))
        found.setdefault(line, (place.path, f"in {place.path}, near line {place.line} of the new upstream"))
    if not found:
        for path in row.paths or ("",):
            said = f"in {path}: {row.why}" if path else f"{row.why}"
            found.setdefault(patchlines.of_path(row.old, moved.get(path, path)), (path, said))
    return found


def _since(plan: Plan, row: Row) -> str:
    culprit = plan.culprits.get(row.old.name)
    if culprit is None or culprit.since is not None:
        return ""
    return f', since upstream commit {short(culprit.commit.sha)} "{culprit.commit.title}"'


def of_lint(patches: Sequence[Patch], absent: Sequence[Patch]) -> tuple[Annotation, ...]:
    """Give what patches lack to be kept. absent -- those whose witness is a file that does not exist."""
    found = []
    for patch in patches:
        for one in mail.lacks(patch):
            rule = {mail.REASON: Rule.REASON, "Subject": Rule.HEADER}.get(one.about, Rule.TRAILER)
            line = patchlines.of_header(patch, one.about)
            found.append(Annotation(rule, f"{FOLDER}/{patch.name}", line, shown.line(one.what), one.about))
    for patch in absent:
        said = shown.line(f"its witness {patch.trailer('Witness')} does not exist")
        line = patchlines.of_header(patch, "Witness")
        found.append(Annotation(Rule.WITNESS, f"{FOLDER}/{patch.name}", line, said))
    return tuple(found)
