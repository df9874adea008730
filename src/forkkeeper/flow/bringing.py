"""What a commit of upstream's does, brought onto the composed fork: the carry of `pick` and of `decline`.

It is the carry of a sync, made from the commit's own side: one step on its first parent's tree, the path policy applied
to both, carried onto the patched fork (without overlay, as patches stand before it).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forkkeeper.core import carry, commits, compose, hunks, mailing, picking, report
from forkkeeper.core.compose import Applied, Baseline
from forkkeeper.core.ids import EMPTY_TREE, CommitId, TreeId, short
from forkkeeper.core.mail import Patch
from forkkeeper.core.mailing import Letter, Made
from forkkeeper.core.picking import Part
from forkkeeper.core.placing import Aid
from forkkeeper.core.report import Block, Painted
from forkkeeper.core.restack import Piece
from forkkeeper.core.verdict import GONE, Outcome, Row
from forkkeeper.errors import AnswerIsNo, OutsideError, RequestError
from forkkeeper.flow.patching import Working
from forkkeeper.flow.reshaping import written
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.upstream import Upstream

MOST_LEFT = 6  # paths that are listed


@dataclass(frozen=True, slots=True)
class Seen:
    """An upstream commit with what it stands on, both held here.

    parent -- its first parent; None for upstream's first commit
    before, after -- upstream's own trees, before the path policy
    """

    sha: CommitId
    parent: CommitId | None
    before: TreeId
    after: TreeId
    made: Made

    @property
    def is_merge(self) -> bool:
        """Whether it brought a branch in."""
        return len(self.made.parents) > 1

    @property
    def said(self) -> str:
        """Its id and title, made safe to show."""
        return f'{short(self.sha)} "{commits.one_line(self.made.title)}"'


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be brought: as a patch on the tree before it (the path policy applied), and the part that is taken."""

    patch: Patch
    before: TreeId
    part: Part

    @property
    def step(self) -> Applied:
        """The patch, applied where it was made."""
        return Applied(self.patch, self.before, self.part.after, self.part.changes)


@dataclass(frozen=True, slots=True)
class Brought:
    """A wanted change and its verdict on the tree that it was carried onto. lacks -- names that this tree lacks."""

    wanted: Wanted
    row: Row
    tip: TreeId
    lacks: tuple[str, ...]

    @property
    def stops(self) -> bool:
        """Whether it clashed, or would hardly work."""
        return self.row.outcome is Outcome.CLASHED or bool(self.lacks)

    @property
    def piece(self) -> Piece:
        """The patch in the queue. Only of one that found its place."""
        after = self.row.tree or self.tip
        return Piece(self.row.new or self.row.old, self.tip, after, (self.tip, after))


def see(upstream: Upstream, text: str, known: Sequence[CommitId], *, step: str) -> Seen:
    """Find a commit and bring it here with its first parent. Raises RequestError or OutsideError."""
    sha = upstreams.find(upstream, text, step=step, known=known)
    commit = upstreams.hold(upstream, sha, step=step)
    made = upstreams.made(upstream, sha)
    if made is None:
        raise RequestError(step, text, "cannot be read", "`forkkeeper upstream refresh`, then this again")
    if not made.parents:
        return Seen(sha, None, EMPTY_TREE, commit.tree, made)
    try:
        parent = upstreams.hold(upstream, made.parents[0], step=step)
    except (RequestError, OutsideError) as error:
        hint = (
            "name a source with history in fork.toml; or take the difference of two snapshots: "
            "`forkkeeper pick --upto SNAPSHOT --paths PATTERN --title TEXT --why TEXT`"
        )
        what = f"is held without its parent {short(made.parents[0])}, so what it changed is not known"
        raise RequestError(step, text, what, hint) from error
    return Seen(sha, parent.sha, parent.tree, commit.tree, made)


def baseline(work: Working, tree: TreeId) -> TreeId:
    """Give an upstream tree as the path policy leaves it."""
    return compose.baseline(work.store, tree, work.project.declaration.path).tree


def part(
    work: Working, trees: tuple[TreeId, TreeId], paths: Sequence[str], touching: re.Pattern[str] | None, said: str
) -> tuple[TreeId, Part]:
    """Give the tree before a change, and the part of it that is wanted. Raises where nothing is left of it."""
    before, after = (baseline(work, tree) for tree in trees)
    try:
        found = picking.part(work.store, before, after, paths, touching)
    except RequestError as error:
        raise RequestError(work.step, "--paths", error.found, "write patterns as in .gitignore") from error
    if found.changes:
        return before, found
    if not work.store.changes(before, after):
        what = "changes nothing" if trees[0] == trees[1] else "changes only files that the fork leaves out"
        raise AnswerIsNo(work.step, said, what, "`[[path]]` in fork.toml says what the fork keeps; nothing was saved")
    options = " and ".join(["--paths"] * bool(paths) + ["--touching"] * bool(touching))
    more = f" and {len(found.left) - MOST_LEFT} more" if len(found.left) > MOST_LEFT else ""
    hint = f"it changes {', '.join(found.left[:MOST_LEFT])}{more}"
    raise RequestError(work.step, said, f"nothing of it is chosen by {options}", hint)


def want(work: Working, name: str, letter: Letter, before: TreeId, taken: Part) -> Wanted:
    """Write the patch of what is wanted. Raises RequestError where its words are not all that a patch needs."""
    return Wanted(written(work, name, letter, work.store.diffs([(before, taken.after)])[0]), before, taken)


def bring(work: Working, wanted: Wanted, tip: TreeId, *, trusted: bool = False) -> Brought:
    """Carry a change onto a tree. trusted -- take what the ladder only guesses."""
    store = work.store
    aid = Aid(trusted=frozenset({wanted.patch.name} if trusted else ()))
    row = carry.carry(store, [wanted.step], Baseline(tip, store.entries(tip), ()), aid).rows[0]
    row = replace(row, why=picking.backwards(row.why)) if row.why else row
    if row.new is None:
        return Brought(wanted, row, tip, ())
    lacks = picking.lacking(store, row.new.files, wanted.before, tip)
    if lacks:
        said = f"the fork has no {', '.join(lacks[:3])}" + (f" and {len(lacks) - 3} more" if len(lacks) > 3 else "")
        why = f"{row.why}; and {said}" if row.why else f"it applies, but {said}, which its lines use"
        row = replace(row, review=True, why=why)
    return Brought(wanted, row, tip, lacks)


def left_out(seen: Seen, wanted: Wanted, work: Working) -> tuple[Block, ...]:
    """Say what of a commit is not taken."""
    said: list[Block] = []
    if seen.is_merge:
        said.append(Painted(f"{seen.said} is a merge: it is taken as what it changed in its first parent", "yellow"))
    dropped = len(work.store.changes(seen.before, seen.after)) - len(wanted.part.changes) - len(wanted.part.left)
    if dropped > 0:
        said.append(Painted(f"{seen.said}: {report.count(dropped, 'file')} of it that the fork leaves out", "yellow"))
    return (*said, *parts_left(wanted))


def parts_left(wanted: Wanted) -> tuple[Block, ...]:
    """Say which files and hunks were not chosen."""
    said = [report.count(len(wanted.part.left), "file")] if wanted.part.left else []
    said += [report.count(wanted.part.hunks, "hunk") + " of the others"] if wanted.part.hunks else []
    title = wanted.patch.title
    return (Painted(f"{title}: not chosen, and not taken: {' and '.join(said)}", "yellow"),) if said else ()


def shown(one: Brought) -> tuple[Block, ...]:
    """Show what a person must look at: the places of a clash, what is for review, whether it touches the build."""
    build = report.build_blocks([one.row.new or one.row.old])
    if one.row.outcome is Outcome.CLASHED:
        return (*report.clash_blocks(one.row, None, "fork"), *build)
    return (*(report.review_blocks(one.row, None, "fork") if one.row.review else ()), *build)


def refuse_gone(work: Working, one: Brought, said: str, hint: str) -> None:
    """Raise AnswerIsNo for a change of which nothing is left on the fork."""
    if one.row.outcome in GONE:
        found = f"the fork has it already ({one.row.outcome.value}: {one.row.why})"
        raise AnswerIsNo(work.step, said, found, hint)


def size(one: Brought) -> tuple[str, str]:
    """Give the files and lines that a patch changes."""
    patch = one.row.new or one.row.old
    files = hunks.parse(patch.diff)
    return str(len(files)), f"+{sum(f.added for f in files)} -{sum(f.removed for f in files)}"


def slug(work: Working, title: str, taken: Sequence[str]) -> str:
    """Make a file name that is free of a title, without the number of its request."""
    names = (*(patch.name for patch in work.project.queue.patches), *taken)
    return mailing.slug(re.sub(r"\s*\([#!]\d+\)\s*$", "", title), frozenset(names))
