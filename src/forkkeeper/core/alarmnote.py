"""The alarm as Markdown: the issue that is refreshed in place, and the comments on a change of causes and at its end.

Strangers' words (a commit's title, a patch's name, what a step said) stand in code alone, as in `markdown`. The title
is made of our own words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core import commits
from forkkeeper.core.alarms import Alarm, Hit, State, Trouble
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.markdown import MOST, Part, bounded, cell, code, fenced, prose
from forkkeeper.core.nights import Ending, Night, Side
from forkkeeper.core.report import count

ROOM = 1024  # bytes of a host's bound that are left to who publishes
LONGEST_COMMAND = 500
SIDES = {Side.STAND: "the fork on its pin", Side.TRIAL: "the fork as far as it is carried"}
CUT = "**Cut here: an issue takes no more.** The whole of it is in the report of the night."


@dataclass(frozen=True, slots=True)
class Note:
    """What an alarm says. comment -- what is said once beside it, when its causes have changed or it is over."""

    title: str
    body: str
    comment: str = ""


def alarm_note(alarm: Alarm, night: Night | None, pages: Sequence[str], report: str = "") -> Note:
    """Write an alarm.

    night -- the newest, None for none
    pages -- upstream's addresses, for links to commits
    report -- where the night's report is: an address or a path
    """
    if alarm.state in (State.QUIET, State.RECOVERED):
        return Note(_title(alarm), _over(alarm, night), _over(alarm, night) if night else "")
    return Note(_title(alarm), _body(alarm, night, pages, report), _now(alarm))


def _title(alarm: Alarm) -> str:
    """Name the kinds of things that failed, in the order of the steps."""
    if alarm.state is State.QUIET:
        return "Nightly: all is well"
    kinds = list(dict.fromkeys(one.cause for one in alarm.troubles))
    said = "; ".join(kind.value for kind in kinds[:3]) + ("; and more" if len(kinds) > 3 else "")
    return f"Nightly: {said or 'a step failed'}"


def where(place: str, pages: Sequence[str]) -> str:
    """Name a place, as a link where it is a page of one of these addresses."""
    is_page = any(place.startswith(f"{page.rstrip('/')}/") for page in pages if page.startswith("https://"))
    return f"[{code(place)}]({place})" if is_page and not set(place) & set("()[]<> `\\|") else code(place)


def stands(night: Night, pages: Sequence[str]) -> list[str]:
    """Say where the fork stands, and how far upstream is."""
    lines = [f"- the fork stands on {named(night.pin, pages)}{_of(night.pin_date)}"] if night.pin else []
    lines += [f"- upstream is at {named(night.head, pages)}{_of(night.head_date)}"] if night.head else []
    lines += [f"- it was tried at {named(night.tried, pages)}"] if night.tried else []
    return lines


def named(sha: str, pages: Sequence[str]) -> str:
    """Name a commit of upstream's, with its page where it has one."""
    page = commits.link(pages, CommitId(sha))
    return f"[{code(short(sha))}]({page})" if page else code(short(sha))


def _of(date: str) -> str:
    return f" of {code(date)}" if date else ""


def _body(alarm: Alarm, night: Night | None, pages: Sequence[str], report: str) -> str:
    nights = f"{count(alarm.nights, 'bad night')} in a row" if alarm.nights > 1 else "one bad night"
    head = [f"**{nights[0].upper()}{nights[1:]}**, since the one of {code(alarm.since)}."]
    head += [f"The newest is that of {code(alarm.night)}.", ""]
    head += stands(night, pages) if night else []
    head += [f"- the report: {where(report, pages)}"] if report else []
    last = Part(("", "This is refreshed after each night, and closed by the first good one."))
    parts = [Part(tuple(head)), *(part for one in alarm.troubles for part in _trouble(one, pages))]
    return bounded(parts, last, CUT, MOST - ROOM)


def _trouble(one: Trouble, pages: Sequence[str]) -> list[Part]:
    """Tell of what failed: in which patch, by which upstream commit, since when, and how to see it again."""
    variant = f", variant {code(one.variant)}" if one.variant else ""
    lines = ["", f"### {_capital(one.cause.value)}: {code(one.step)}", ""]
    lines += [f"- {SIDES[one.side]}{variant}", f"- since the night of {code(one.since)}"]
    lines += [f"- found: {prose(one.said)}"] if one.said else []
    lines += [f"- the queue stops at {_commit(one.blocker, pages)}"] if one.blocker else []
    lines += [f"- only because of that: {count(one.followers, 'more patch')}"] if one.followers else []
    parts = [Part(tuple(lines))]
    if one.hits:
        rows = tuple(f"| {cell(hit.patch)} | {cell(hit.since)} | {_commit(hit, pages)} |" for hit in one.hits)
        parts.append(Part(("", "| patch | since the night of | upstream commit |", "|---|---|---|"), rows))
    if one.command:
        parts.append(
            Part(("", "To see it again, in the fork's folder:", "", *fenced([one.command], "sh", LONGEST_COMMAND)))
        )
    return parts


def _commit(hit: Hit, pages: Sequence[str]) -> str:
    if not hit.culprit:
        return "not known"
    title = f": {cell(hit.title)}" if hit.title else ""
    return f"{named(hit.culprit, pages)}{title}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _now(alarm: Alarm) -> str:
    lines = [f"- {one.cause.value}: {code(one.step)}{_hits(one.hits)}" for one in alarm.troubles]
    opens = (f"What fails is not what failed before. In the night of {code(alarm.night)}:", "")
    return bounded([Part(opens, tuple(lines))], Part(()), CUT, MOST - ROOM)


def _hits(hits: Sequence[Hit]) -> str:
    more = f" and {len(hits) - 3} more" if len(hits) > 3 else ""
    return f" in {', '.join(code(hit.patch) for hit in hits[:3])}{more}" if hits else ""


def _over(alarm: Alarm, night: Night | None) -> str:
    """Say that the newest night is good, and of each thing that had failed whether it was tried again."""
    opens = [f"The night of {code(alarm.night)} is good: no step of it failed."] if alarm.night else ["No night yet."]
    if alarm.nights:
        opens += ["", f"Before it {count(alarm.nights, 'night')} in a row were bad, since that of {code(alarm.since)}."]
    endings = {taken.step.name: taken.ending for taken in night.taken} if night else {}
    lines = tuple(
        f"- {one.cause.value}: {code(one.step)}{_hits(one.hits)}: {_again(endings.get(one.step))}"
        for one in alarm.troubles
    )
    parts = [Part(tuple(opens)), Part(("", "What had failed last:", "") if lines else (), lines)]
    return bounded(parts, Part(()), CUT, MOST - ROOM)


def _again(ending: Ending | None) -> str:
    return "passes now" if ending is Ending.PASSED else "was not run this time"
