"""What a verb shows to a person, as values: sentences and tables. Drawing them is the terminal's matter."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from forkkeeper.core import buildfiles, delta, planning, shown, variants
from forkkeeper.core.commits import UpstreamCommit
from forkkeeper.core.culprits import Culprit
from forkkeeper.core.ids import short
from forkkeeper.core.mail import Patch
from forkkeeper.core.planning import Commit, Plan
from forkkeeper.core.reach import Reach
from forkkeeper.core.shown import spelled
from forkkeeper.core.variants import Variant
from forkkeeper.core.verdict import GONE, Outcome, Row
from forkkeeper.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Painted:
    """A cell or sentence with a colour: green, yellow, red, dim or bold."""

    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Emulated:
    """A cell that names a variant whose device is emulated on this machine; as JSON its row says so by itself, too."""

    text: str


Cell = str | Painted | Emulated


def of_variant(name: str, variant: Variant) -> Cell:
    """Name a variant in a table."""
    text = variants.shown(name, variant)
    return text if variant.emulated is None else Emulated(text)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers. prose -- the headers of columns that hold sentences, which are broken at blanks."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    prose: tuple[str, ...] = ()


Block = str | Painted | Table


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a verb: what to show, how to exit, and a document to write where one was asked for.

    document -- None: it is made of what is shown, with `more` beside that
    """

    blocks: tuple[Block, ...]
    code: ExitCode = ExitCode.IN_STEP
    document: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


MOST_FILES = 3  # files listed per patch
MOST_PLACES = 3  # conflicts shown per patch
MOST_PROPOSED = 80  # lines shown of a proposal
MOST_REVIEWED = 40  # changed lines shown of a row to review
MOST_LINES = 12  # lines shown per side

_COLOURS = {
    Outcome.KEPT: "green",
    Outcome.REFRESHED: "green",
    Outcome.RESOLVED: "yellow",
    Outcome.REPLAYED: "yellow",
    Outcome.UPSTREAMED: "green",
    Outcome.EMPTIED: "yellow",
    Outcome.CLASHED: "red",
    Outcome.PARKED: "yellow",
    Outcome.DROPPED: "yellow",
}


def said(commit: Commit | UpstreamCommit) -> str:
    """Name a commit: short id, what it is known as, date."""
    known = f" ({', '.join(commit.known_as)})" if commit.known_as else ""
    return f"{short(commit.sha)}{known} of {commit.date}"


def count(number: int, noun: str) -> str:
    """Say a number of things.

    >>> count(1, "patch"), count(2, "patch"), count(3, "file")
    ('1 patch', '2 patches', '3 files')
    """
    plural = noun + ("es" if noun.endswith(("ch", "ss")) else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def plan_blocks(plan: Plan) -> tuple[Block, ...]:
    """Show a plan: one row per patch, totals, what upstream did to the files the queue touches."""
    blocks: list[Block] = [
        f"from  {said(plan.old)}",
        f"to    {said(plan.new)}",
        f"upstream changed {count(plan.changed, 'path')} that this fork has",
        "",
        _plan_table(plan.rows),
        "",
        f"{count(len(plan.rows), 'patch')}: {planning.totals(plan.rows)}.",
        *_same_as_before(plan),
    ]
    for row in plan.clashed:
        blocks += clash_blocks(row, plan.culprits.get(row.old.name))
    for row in plan.rows:
        shown = row.review or row.outcome in GONE or row.rule == "hand"
        blocks += review_blocks(row, plan.culprits.get(row.old.name)) if shown else []
    if plan.touched:
        rows = tuple(_touched_row(t) for t in plan.touched)
        blocks += ["", "What upstream did to the files that the queue touches:"]
        blocks += ["", Table(("file", "upstream", "+", "-", "patches"), rows)]
    blocks += [
        Painted(f"overlay: {spelled(c.path)}: {c.found}; move or drop it in native/overlay/", "red")
        for c in plan.collisions
    ]
    blocks += [Painted(f"warning: {text}", "yellow") for text in plan.warnings]
    build = build_blocks([row.new or row.old for row in plan.rows if row.outcome not in GONE])
    blocks += ["", *build] if build else []
    if plan.tree:
        blocks += ["", f"composed tree: {plan.tree}"]
    return tuple(blocks)


def build_blocks(patches: Sequence[Patch]) -> list[Block]:
    """Say which patches touch the build."""
    return [Painted(text, "yellow") for text in buildfiles.said(patches)]


def _same_as_before(plan: Plan) -> list[Block]:
    """Say whether the fork changes upstream as it did: the difference of the two differences, in one line."""
    if not plan.rows or plan.clashed:
        return []
    other = [row.old.title for row in plan.rows if delta.differ(row.old, row.new)]
    if not other:
        return [Painted("The fork changes the same lines of upstream as before.", "green")]
    return _wrapped(f"The fork changes other lines than before by {', '.join(other)}: see below.")


def _plan_table(rows: Sequence[Row]) -> Table:
    headers = ("patch", "outcome", "review", "how", "files")
    return Table(headers, tuple(_plan_row(row) for row in rows), prose=("how",))


def _plan_row(row: Row) -> tuple[Cell, ...]:
    how = {
        Outcome.KEPT: "as it was; offsets may move",
        Outcome.REFRESHED: "new context",
        Outcome.RESOLVED: f"by {row.rule}",
        Outcome.REPLAYED: "recorded resolution",
        Outcome.UPSTREAMED: "leaves the queue",
        Outcome.EMPTIED: "leaves the queue",
        Outcome.PARKED: "set aside, in patches/parked/",
        Outcome.DROPPED: "leaves the queue",
        Outcome.CLASHED: f"follows {_title(row.root)}" if row.root else "needs a person",
    }[row.outcome]
    why = f"{how}: {row.why}" if row.why else how
    outcome = Painted(row.outcome.value, _COLOURS[row.outcome])
    return (row.old.title, outcome, "yes" if row.review else "", why, _files(row.paths))


def _files(paths: Sequence[str]) -> str:
    """List the first files of a patch, one below the other."""
    more = [f"… {len(paths) - MOST_FILES} more"] if len(paths) > MOST_FILES else []
    return "\n".join([*map(spelled, paths[:MOST_FILES]), *more])


def clash_blocks(row: Row, culprit: Culprit | None, side: str = "upstream") -> list[Block]:
    """Show where a patch clashed: what stood there, what upstream and the patch made of it, and since which commit.

    side -- what the patch is carried to
    """
    blocks: list[Block] = []
    for place in row.places[:MOST_PLACES]:
        blocks += [
            "",
            Painted(
                f"{row.old.title} clashes in {spelled(place.path)}, near line {place.line} of {_ground(side)}:", "bold"
            ),
        ]
        for said, lines in (("was", place.base), (side, place.ours), ("patch", place.theirs)):
            blocks += _side(said, [shown.line(line) for line in lines])
    if len(row.places) > MOST_PLACES:
        blocks.append(f"  … and {len(row.places) - MOST_PLACES} more places")
    if culprit is not None and (blocks or row.root is None):
        blocks += [] if blocks else ["", Painted(f"{row.old.title} clashes:", "bold")]
        blocks += [f"  {line}" for line in culprit_lines(culprit)]
    if row.resolutions and row.proposal is None:
        done = f"{count(len(row.resolutions), 'place')} of it could be carried, {len(row.places)} could not"
        blocks.append(f"  {done}")
    if row.proposed is not None:
        rules = ", ".join(dict.fromkeys(one.answer.rule for one in row.resolutions))
        head = f"{row.old.title}: a proposal ({rules}), which is not certain. The patch would be:"
        blocks += ["", Painted(head, "bold"), *_diff_lines(row.proposed)]
    return blocks


def culprit_lines(culprit: Culprit) -> list[str]:
    """Name what first makes a patch clash, with its page on a line of its own."""
    one, since = culprit.commit, culprit.since
    if since is not None:
        return [f"since a commit between {said(since)}", f"and {said(one)}"]
    return told(one)


def told(one: UpstreamCommit) -> list[str]:
    """Tell of an upstream commit: what it is, and its page on a line of its own."""
    kind = "upstream merge" if one.is_merge else "upstream commit"
    return [f'{kind} {said(one)} by {one.author}: "{one.title}"', *([one.link] if one.link else [])]


def _title(name: str) -> str:
    """Name a patch as tables do."""
    return name.removesuffix(".patch")


def _ground(side: str) -> str:
    return "the new upstream" if side == "upstream" else f"the {side}"


def review_blocks(row: Row, upstream: Culprit | None, side: str = "upstream") -> list[Block]:
    """Show what a person is asked to accept: where a rule stepped in, and what becomes of the patch's own lines.

    side -- what the patch is carried to
    """
    title = row.old.title
    blocks: list[Block] = []
    for one in row.resolutions[:MOST_PLACES]:
        head = f"{title}: {one.answer.rule} in {spelled(one.path)}, near line {one.line} of {_ground(side)}"
        blocks += ["", Painted(head, "bold"), *_wrapped(f"  {one.answer.why}")]
        sides = (("was", one.base), (side, one.ours), ("patch", one.theirs), ("now", one.answer.lines))
        is_alike = not one.base and one.ours == one.theirs  # a count that both sides changed alike
        known = sides[1:] if is_alike and one.ours else sides if any(side for _, side in sides) else ()
        blocks += [line for said, lines in known for line in _side(said, [shown.of_bytes(text) for text in lines])]
    if len(row.resolutions) > MOST_PLACES:
        rest = ", ".join(f"{one.path}:{one.line} ({one.answer.rule})" for one in row.resolutions[MOST_PLACES:])
        blocks += ["", *_wrapped(f"  … and {len(row.resolutions) - MOST_PLACES} more: {rest}")]
    if row.outcome in GONE and upstream is not None:
        blocks += ["", Painted(f"{title} is needless since:", "bold"), *(f"  {x}" for x in culprit_lines(upstream))]
    return [*blocks, *_delta_blocks(row.old, row.new, title)]


def _delta_blocks(before: Patch, now: Patch | None, title: str) -> list[Block]:
    """Show the lines that a patch changed before against those that it changes now."""
    lines = delta.compare(before, now)
    if not lines:
        return ["", Painted(f"{title} changes the same lines as before.", "bold")]
    said = "would leave the queue; it changed:" if now is None else "against what it was (- before, + now):"
    more = [f"  … {len(lines) - MOST_REVIEWED} more lines"] if len(lines) > MOST_REVIEWED else []
    marked = [f"  {line.mark.value} {shown.line(line.text)}".rstrip() for line in lines[:MOST_REVIEWED]]
    return ["", Painted(f"{title} {said}", "bold"), *marked, *more]


def _diff_lines(patch: Patch) -> list[Block]:
    """Show a patch's diff, with the lines around its changes."""
    lines = [shown.of_bytes(line) for line in patch.diff.split(b"\n") if not line.startswith((b"index ", b"diff "))]
    more = [f"  … {len(lines) - MOST_PROPOSED} more lines"] if len(lines) > MOST_PROPOSED else []
    return [*(f"  {line}".rstrip() for line in lines[:MOST_PROPOSED]), *more]


def _side(said: str, lines: Sequence[str]) -> list[str]:
    """Show the lines of one side of a place."""
    shown = list(lines[:MOST_LINES]) or ["(nothing)"]
    found = [f"  {said if n == 0 else '':<9} | {line}" for n, line in enumerate(shown)]
    return found + ([f"  {'':<9} | … {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])


def _wrapped(text: str) -> list[Block]:
    """Break a sentence at blanks, its indentation kept."""
    return list(shown.wrapped(text, 110, "  "))


def _touched_row(touched: planning.Touched) -> tuple[Cell, ...]:
    added, removed = ("" if n is None else str(n) for n in (touched.added, touched.removed))
    return (spelled(touched.path), spelled(touched.status), added, removed, ", ".join(touched.patches))


def reach_blocks(reach: Reach, *, own: bool) -> tuple[Block, ...]:
    """Show how far a queue goes with no human, what stops it there, and what to type.

    own -- whether it is the fork's own queue on its own pin, which a sync would move
    """
    ends: list[Block] = [f"from  {said(reach.old)}", f"to    {said(reach.new)}", ""]
    known = count(reach.of, "upstream commit" if reach.has_history else "snapshot")
    if reach.of == 0:
        return (*ends, Painted("The queue stands there already.", "green"))
    if reach.of == 1 and not reach.has_history and not reach.is_all:
        found = "No upstream commit in between is held here, so only the last could be tried: it needs a person."
    elif reach.is_all:
        found = f"The queue carries all the way with no human: {reach.commits:,} of {known}, up to this one."
    elif reach.free is None:
        found = f"The queue carries to none of {known} with no human."
    else:
        found = f"The queue carries with no human over {reach.commits:,} of {known}, up to this one:"
    free = [f"  {line}" for line in told(reach.free)] if reach.free else []
    blocks = [*ends, Painted(found, "green" if reach.is_all else "bold"), *free, *_stopped_blocks(reach)]
    if own and reach.free:
        blocks += ["next: go there:", f"  forkkeeper sync --upto {reach.free.sha}"]
    if own and reach.blocker:
        blocks += [f"next: {_way_on(reach)}:", f"  forkkeeper plan --upto {reach.blocker.sha}"]
    return tuple(blocks)


def _way_on(reach: Reach) -> str:
    """Say what a person does about what stops a queue: nothing is made by hand that only waits for a word."""
    clashed = any(row.outcome is Outcome.CLASHED for row in reach.blocked)
    reviewed = any(row.review for row in reach.blocked)
    ways = [
        *(["make by hand what clashes"] if clashed else []),
        *(["accept what is for review where it is right"] if clashed and reviewed else []),
        *(["accept it where it is right"] if reviewed and not clashed else []),
        *(["move the overlay's files out of the way"] if reach.collisions else []),
    ]
    return ", and ".join(["see what stops it", *ways])


def _stopped_blocks(reach: Reach) -> list[Block]:
    """Show the commit that stops a queue, and what a person must look at there."""
    if reach.blocker is None:
        return [""]
    if reach.follows:
        where = "The next one stops it:" if reach.free else "The first one stops it:"
    else:
        where = (
            "It stops after that, at the latest at this one:" if reach.free else "It stops at the latest at this one:"
        )
    table: list[Block] = ["", _plan_table(reach.blocked)] if reach.blocked else []
    overlay = [f"  overlay: {spelled(c.path)}: {c.found}" for c in reach.collisions]
    return ["", where, *(f"  {line}" for line in told(reach.blocker)), *table, *overlay, ""]


def standstill(plan: Plan, unaccepted: Sequence[Row], root: Row | None, place: str | None) -> tuple[Block, ...]:
    """Say why a sync saved nothing yet, and what to type.

    root -- the first patch that clashes by itself; place -- the worktree in which it lies, None where there is none
    """
    lines: list[Block] = ["", Painted("Nothing was saved yet: a sync saves only what is sure.", "bold")]
    for row in plan.clashed:
        where = f" in {spelled(', '.join(row.paths))}" if row.paths else ""
        lines.append(f"  clashed: {row.old.title}{where}" + (f" (follows {_title(row.root)})" if row.root else ""))
    lines += [f"  overlay: {spelled(c.path)}: {c.found}" for c in plan.collisions]
    lines += [spelled(f"  to review: {row.old.title}: {row.why}") for row in unaccepted]
    if plan.collisions:
        said = "next: rename or remove the overlay file, or turn it into a patch of upstream's; then"
        lines += [said, "  forkkeeper log; commit; forkkeeper sync --continue"]
    if root is not None and place is not None:
        about = place.rpartition("/")[0] + "/CLASH.md"
        lines += [f"next: settle {root.old.title} in {place} ({about} says what it is about), then"]
        lines += ways_on(root.old.title, proposed=False)
    accepts = _accepts(plan, unaccepted)
    if accepts:
        too = "or" if root is not None else "next"
        lines += [f"{too}: where what is shown above is right:", f"  forkkeeper sync {accepts}"]
    return tuple(lines)


def ways_on(title: str, *, proposed: bool) -> list[Block]:
    """List what can be typed at a clash."""
    rows = [
        ("forkkeeper sync --continue", "when the files there are as they are to be"),
        *([(f"forkkeeper sync --accept {title}", "take the proposal")] if proposed else []),
        ("forkkeeper sync --skip", "set this patch aside, and go on without it"),
        ('forkkeeper sync --drop --why "…"', "take this patch out for good"),
        ("forkkeeper sync --abort", "leave everything as it was before the sync"),
    ]
    return [f"  {command:<40} # {what}" for command, what in rows]


def _accepts(plan: Plan, unaccepted: Sequence[Row]) -> str:
    return " ".join(f"--accept {row.old.title}" for row in (*unaccepted, *(r for r in plan.clashed if r.proposed)))


def next_steps(plan: Plan, upto: str) -> tuple[Block, ...]:
    """Say what to type after a plan in which something clashed or is for review."""
    accepts, upto = _accepts(plan, plan.unaccepted((), every=False)), shlex.quote(upto)
    if any(row.proposed is None and row.root is None for row in plan.clashed):
        root = next(row for row in plan.clashed if row.root is None)
        said = f"next: begin the sync; it opens a worktree in which {root.old.title} can be made to fit:"
        return ("", said, f"  forkkeeper sync --upto {upto}" + (f" {accepts}" if accepts else ""))
    if not accepts:
        return ()
    too = ", the proposals too," if plan.clashed else ""
    return ("", f"next: where what is shown above{too} is right:", f"  forkkeeper sync --upto {upto} {accepts}")
