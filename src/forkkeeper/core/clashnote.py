"""The file beside the worktree of a clash: what the patch is for, what broke it, and what to type. Plain Markdown."""

from collections.abc import Sequence

from forkkeeper.core import report
from forkkeeper.core.clash import Clash
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.markdown import code, escaped, prose
from forkkeeper.core.shown import spelled
from forkkeeper.core.store import Contest
from forkkeeper.core.verdict import Row


def text(row: Row, clash: Clash, culprit: Culprit | None) -> str:
    """Write the note."""
    patch = row.old
    parts = [
        f"# {escaped(patch.title)} clashes",
        escaped(f"{patch.subject}\n\n{patch.reason}".strip()),
        "## What happened",
        escaped(spelled(f"{row.why}.")),
        *_blame(culprit),
        *_contests(clash.contests),
        *_answered(row),
        *_proposal(row),
        "## What to type",
        "\n".join(f"  {line}" for line in report.ways_on(patch.title, proposed=row.proposed is not None)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _blame(culprit: Culprit | None) -> list[str]:
    """Say which upstream commit broke it, and what that commit says; strangers' words, quoted."""
    if culprit is None:
        return []
    lines = "\n".join(f"    {line}" for line in report.culprit_lines(culprit))
    body = "\n".join(f"    > {line}".rstrip() for line in culprit.commit.body)
    return ["It clashes since:", lines, body]


def _contests(contests: Sequence[Contest]) -> list[str]:
    rows = [f"- {code(one.path)}: {_said(one)}" for one in contests]
    return ["Files to settle:", "\n".join(rows)] if rows else []


def _said(contest: Contest) -> str:
    match (contest.base is not None, contest.ours is not None, contest.theirs is not None):
        case (True, True, True) if contest.ours and contest.theirs and contest.ours.oid == contest.theirs.oid:
            return "its mode; `git add` it as it is to be"
        case (_, True, True):
            return "changed on both sides; look for the markers, or `git add` it as it is to be"
        case (_, False, True):
            return "upstream removed it; `git rm` it, or `git add` it to keep the patch's file"
        case (_, True, False):
            return "the patch removes it, and upstream changed it; `git rm` it, or `git add` it to keep upstream's file"
        case _:
            return "`git add` or `git rm` it, as it is to be"


def _answered(row: Row) -> list[str]:
    done = [one for one in row.resolutions if one.path and one.answer.trust.value == "likely"]
    rows = [f"- {code(one.path)}, near line {one.line}: {one.answer.rule}: {prose(one.answer.why)}" for one in done]
    return ["Done already, by the ladder; look at it, too:", "\n".join(rows)] if rows else []


def _proposal(row: Row) -> list[str]:
    if row.proposed is None:
        return []
    shown = spelled(row.proposed.diff.decode("utf-8", "replace"), but="\t\n")
    fence = "`" * max(3, 1 + max((len(run) for run in _runs(shown)), default=0))
    why = (row.why or "").partition("which is not certain: ")[2]
    return [
        "## A proposal",
        f"It is not certain: {escaped(why)}." if why else "",
        f"{fence}diff\n{shown.rstrip()}\n{fence}",
    ]


def _runs(shown: str) -> list[str]:
    """Give the runs of backticks, so that the fence is longer."""
    return ["`" * (len(part) + 1) for part in shown.split("`") if not part]
