"""What is to be done at a forge so that it shows what an outbox says: decided from what stands there, done elsewhere.

The same outbox twice decides nothing the second time. What a person has closed stays closed, what a person has written
stays written; an outbox that is older than what stands there is passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from forkkeeper.core import forges, outboxes
from forkkeeper.core.forges import Issue, Pull, marked, marker
from forkkeeper.core.ids import short
from forkkeeper.core.outboxes import Notice

KIND_SYNC, KIND_ALARM, KIND_COMMENT = "sync", "alarm", "comment"


@dataclass(frozen=True, slots=True)
class AddPull:
    """A pull request is to be opened."""

    title: str
    body: str
    branch: str
    base: str


@dataclass(frozen=True, slots=True)
class ChangePull:
    """A pull request is to say this, and to be open or closed."""

    number: int
    title: str
    body: str
    is_open: bool
    why: str


@dataclass(frozen=True, slots=True)
class AddIssue:
    """An issue is to be opened."""

    title: str
    body: str
    label: str


@dataclass(frozen=True, slots=True)
class ChangeIssue:
    """An issue is to say this, and to be open or closed."""

    number: int
    title: str
    body: str
    is_open: bool
    why: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment is to be added."""

    number: int
    text: str


Deed = AddPull | ChangePull | AddIssue | ChangeIssue | Comment


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be done, in order, and what is to be said of that which is left as it is."""

    deeds: tuple[Deed, ...] = ()
    said: tuple[str, ...] = ()


# the pull request ---------------------------------------------------------------------------------------------------


def pull_body(pull: outboxes.Pull, body: str) -> str:
    """Give a pull request's body with its marker."""
    return f"{marker(kind=KIND_SYNC, pin=short(pull.from_sha))}\n\n{body}"


def is_held(pulls: Sequence[Pull]) -> str:
    """Say why a sync's branch must not be touched, "" for no reason. pulls -- those from its branch, newest first."""
    newest = _newest(pulls)
    if newest is None:
        return ""
    if not newest.is_open and newest.merged:
        return f"pull request {newest.number} was merged already; the checkout is older than that"
    if not newest.is_open:
        return f"pull request {newest.number} was closed by somebody; reopen it, and it is refreshed again"
    if marked(newest.body).get("kind") != KIND_SYNC:
        return f"pull request {newest.number} from this branch is not forkkeeper's; it was left alone"
    return ""


def _newest(pulls: Sequence[Pull]) -> Pull | None:
    """Give the open one, else the last one."""
    return next((one for one in pulls if one.is_open), next(iter(pulls), None))


def decide_pull(pull: outboxes.Pull, body: str, pulls: Sequence[Pull]) -> Decided:
    """Decide what becomes of a sync's pull request, whose branch is in its place.

    body -- with its marker; pulls -- those from its branch, newest first; none of them holds it
    """
    newest = _newest(pulls)
    if newest is None:
        return Decided((AddPull(pull.title, body, pull.branch, pull.base),))
    if _same(newest.title, pull.title) and _same(newest.body, body):
        return Decided(said=(f"pull request {newest.number} says it already",))
    return Decided((ChangePull(newest.number, pull.title, body, is_open=True, why="refreshed"),))


def decide_done(pulls: Sequence[Pull], base: str, pin: str) -> Decided:
    """Decide to close the pull requests of syncs that are done: the fork does not stand on their pin any more.

    pulls -- the open ones; pin -- full id of the upstream commit that the fork stands on, on the base branch
    """
    deeds: list[Deed] = []
    for one in pulls:
        left = forges.pin_of(one.branch)
        if not left or left == short(pin) or one.base != base or marked(one.body).get("kind") != KIND_SYNC:
            continue
        text = (
            f"{marker(kind=KIND_COMMENT, pin=short(pin))}\n\nThe sync that this proposes is done, or another one is:"
            f" the fork stands on `{short(pin)}` now, and not on `{left}` any more. The branch stays as it is.\n"
        )
        deeds.append(Comment(one.number, text))
        why = f"closed: the fork stands on {short(pin)} now"
        deeds.append(ChangePull(one.number, one.title, one.body, is_open=False, why=why))
    return Decided(tuple(deeds))


# the alarm ----------------------------------------------------------------------------------------------------------


def alarm_body(notice: Notice, body: str) -> str:
    """Give the issue's body with its marker."""
    mark = marker(kind=KIND_ALARM, since=notice.since, night=notice.night, causes=notice.causes)
    return f"{mark}\n\n{body}"


def alarms_of(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    """Give the issues that are alarms of ours. issues -- those with the label."""
    return tuple(one for one in issues if marked(one.body).get("kind") == KIND_ALARM)


def open_alarm(issues: Sequence[Issue]) -> Issue | None:
    """Give the alarm that is open."""
    return next((one for one in alarms_of(issues) if one.is_open), None)


def decide_alarm(
    notice: Notice, body: str, comment: str, issues: Sequence[Issue], comments: Sequence[str], label: str
) -> Decided:
    """Decide what becomes of the alarm's issue.

    body -- with its marker; comment -- the text that is due on changed causes, or at its end; "" for none
    issues -- those with the label, newest first; comments -- of the open alarm
    """
    now = open_alarm(issues)
    if now is not None and marked(now.body).get("night", "") > notice.night:
        return Decided(said=(f"issue {now.number} tells of a later night than the outbox; it was left alone",))
    match notice.state:
        case "quiet" | "recovered":
            return _over(notice, comment, now, comments)
        case "watching":
            stays = (f"issue {now.number} stays open: the last night was bad",) if now else ("one bad night; no alarm",)
            return Decided(said=stays)
        case "open":
            if now is not None:
                return _refreshed(notice, body, comment, now, comments)
            same = [one for one in alarms_of(issues) if marked(one.body).get("since") == notice.since]
            if same:
                return Decided(said=(f"issue {same[0].number} on this was closed by somebody; it was left closed",))
            return Decided((AddIssue(notice.title, body, label),))


def _over(notice: Notice, comment: str, now: Issue | None, comments: Sequence[str]) -> Decided:
    if now is None:
        return Decided(said=("no alarm",))
    if not comment:
        return Decided(said=(f"issue {now.number} stays as it is: no night says that it is over",))
    closed = ChangeIssue(now.number, now.title, now.body, is_open=False, why="closed: the last night was good")
    return Decided((*_once(notice, comment, now, comments), closed))


def _refreshed(notice: Notice, body: str, comment: str, now: Issue, comments: Sequence[str]) -> Decided:
    if _same(now.body, body) and _same(now.title, notice.title):
        return Decided(said=(f"issue {now.number} says it already",))
    is_news = comment and marked(now.body).get("causes") != notice.causes
    said = _once(notice, comment, now, comments) if is_news else ()  # first, as the body's marker is what is asked
    return Decided((*said, ChangeIssue(now.number, notice.title, body, is_open=True, why="refreshed")))


def _once(notice: Notice, comment: str, now: Issue, comments: Sequence[str]) -> tuple[Comment, ...]:
    """Give a comment, unless it is there: a job may have been cut off behind it."""
    mark = marker(kind=KIND_COMMENT, night=notice.night, causes=notice.causes)
    return () if any(text.startswith(mark) for text in comments) else (Comment(now.number, f"{mark}\n\n{comment}"),)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same, however their lines end."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
