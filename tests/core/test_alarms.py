"""When the alarm opens and closes, what it names, and that its words are harmless."""

import msgspec
import pytest
from core.test_markdown import HOSTILE
from hypothesis import given, strategies as st
from posting import CULPRIT, PAGES, PLANTS, Plant, moment, night

from forkkeeper.core import alarmnote, alarms, pullnote
from forkkeeper.core.alarms import Alarm, Cause, State
from forkkeeper.core.harmless import harmless
from forkkeeper.core.history import Carried
from forkkeeper.core.markdown import MOST
from forkkeeper.core.nights import BAD, Count, Ending, Fate, Findings, Night, Reach, Side, Step, Taken

KINDS = (
    "look",
    "plan",
    "reach",
    "triage",
    "try",
    "materialise",
    "build",
    "check",
    "regression",
    "witness",
    "throughput",
)
ENDINGS = st.sampled_from([*Ending, *[Ending.PASSED] * 6])
STEPS = st.builds(lambda kind, ending: Taken(Step(kind, kind, Side.STAND), ending), st.sampled_from(KINDS), ENDINGS)
NIGHTS = st.lists(st.lists(STEPS, min_size=1, max_size=3, unique_by=lambda one: one.step.name), max_size=8)


def run_of(many: list[list[Taken]]) -> list[Night]:
    """Give nights, oldest first, with these steps."""
    return [night(day, *taken) for day, taken in enumerate(many, 1)]


def states(nights: list[Night]) -> list[Alarm]:
    """Give the alarm after each night."""
    return [alarms.decide(nights[: number + 1][::-1]) for number in range(len(nights))]


def outages(nights: list[Night]) -> list[list[Night]]:
    """Give the runs of bad nights."""
    found: list[list[Night]] = [[]]
    for one in nights:
        if one.bad:
            found[-1].append(one)
        else:
            found.append([])
    return [run for run in found if run]


@given(NIGHTS)
def test_one_opening_for_each_outage_and_one_closing_for_each_recovery(many: list[list[Taken]]) -> None:
    """Whatever fails, however that changes: as many openings as outages of two nights, as many ends as recoveries."""
    nights = run_of(many)
    after = [one.state for one in states(nights)]
    before = [State.QUIET, *after]
    opened = sum(now is State.OPEN and was is not State.OPEN for was, now in zip(before, after, strict=False))
    real = [run for run in outages(nights) if len(run) >= 2]
    assert opened == len(real)
    over = [run for run in real if run[-1] is not nights[-1]]
    assert after.count(State.RECOVERED) == len(over)
    assert all(was is State.OPEN for was, now in zip(before, after, strict=False) if now is State.RECOVERED)
    calm = (State.QUIET, State.RECOVERED)
    assert all(was in calm for was, now in zip(before, after, strict=False) if now is State.WATCHING)


@given(NIGHTS)
def test_the_state_follows_from_the_nights_of_the_outage_alone(many: list[list[Taken]]) -> None:
    """Nights before the outage, and before the good night that follows it, change nothing."""
    nights = run_of(many)
    if not nights:
        assert alarms.decide([]) == Alarm(State.QUIET)
        return
    whole = alarms.decide(nights[::-1])
    least = len(alarms.outage_of(nights[::-1]))
    if not least and len(nights) > 1:
        least = 1 + len(alarms.outage_of(nights[::-1][1:]))
    assert alarms.decide(nights[::-1][: max(1, least)]) == whole


@given(NIGHTS)
def test_since_is_the_outages_first_night(many: list[list[Taken]]) -> None:
    """An alarm is as old as its outage, and no cause of it is older than that or younger than the newest night."""
    nights = run_of(many)
    for number, one in enumerate(states(nights)):
        if one.state in (State.OPEN, State.WATCHING):
            run = outages(nights[: number + 1])[-1]
            assert (one.since, one.nights, one.night) == (run[0].began, len(run), run[-1].began)
            assert len(one.troubles) == len(run[-1].bad)
            assert all(one.since <= trouble.since <= one.night for trouble in one.troubles)


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("kind", KINDS)
def test_every_ending_is_told_of(kind: str, ending: Ending) -> None:
    """Each kind of step that ends badly has a cause, and one that does not makes no night bad."""
    alarm = alarms.decide([night(1, Taken(Step(kind, kind, Side.STAND), ending))])
    assert (alarm.state is State.WATCHING) == (ending in BAD)
    assert len(alarm.troubles) == (ending in BAD)


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_planted_failure_is_named(plant: Plant) -> None:
    """The alarm names what failed, in which patch, by which commit, since when, and the command to see it again."""
    alarm = alarms.decide([plant.night(2), plant.night(1)])
    assert alarm.state is State.OPEN
    assert [one.cause for one in alarm.troubles] == [plant.cause]
    note = alarmnote.alarm_note(alarm, plant.night(2), PAGES)
    for said in (*plant.says, f"since the night of `{moment(1)}`"):
        assert said in note.body, note.body
    assert plant.cause.value in note.title
    assert harmless(note.body, PAGES, MOST) == note.body


def test_a_cause_that_changes_is_news_and_the_same_outage() -> None:
    """A build that is broken after a clash keeps the alarm open, since the clash, and says what is new since when."""
    clash, build = PLANTS["clash"], PLANTS["broken build"]
    alarm = alarms.decide([build.night(3), clash.night(2), clash.night(1)])
    assert (alarm.state, alarm.since, alarm.changed) == (State.OPEN, moment(1), True)
    assert [one.since for one in alarm.troubles] == [moment(3)]
    again = alarms.decide([build.night(4), build.night(3), clash.night(2), clash.night(1)])
    assert not again.changed


def test_nothing_carries_and_review_are_told_from_a_clash() -> None:
    """A queue that no commit is free for says so; patches that only wait for review are no clash."""
    failed = Taken(Step("reach", "reach", Side.STAND), Ending.FAILED)
    stuck = night(1, failed, findings=Findings(reach=Reach("", 0, 5, CULPRIT)))
    waits = night(
        1, failed, findings=Findings(reach=Reach("b" * 40, 5, 5), fates=(Fate("a", "resolved", review=True),))
    )
    assert [alarms.decide([one]).troubles[0].cause for one in (stuck, waits)] == [Cause.STUCK, Cause.REVIEW]


def test_a_step_that_was_not_run_again_is_not_said_to_pass() -> None:
    """The closing words tell what passes now from what this night did not run."""
    plant = PLANTS["broken build"]
    good = night(3, Taken(plant.taken.step, Ending.PASSED))
    over = [plant.night(2), plant.night(1)]
    for newest, said in ((good, "passes now"), (night(3), "was not run this time")):
        alarm = alarms.decide([newest, *over])
        assert alarm.state is State.RECOVERED
        assert said in alarmnote.alarm_note(alarm, newest, PAGES).comment


# strangers' words ---------------------------------------------------------------------------------------------------


def hostile(text: str) -> Night:
    """Give a bad night that holds a text wherever a stranger's can be."""
    fates = (
        Fate(text, "clashed", text, review=True, why=text, culprit=CULPRIT, culprit_title=text, culprit_link=text),
    )
    counts = (
        Count(text, text, text, emulated=True, check=text, cases=1, passed=1, skipped=0, seconds=1.0, verdict=text),
    )
    found = Findings(Reach("b" * 40, 1, 2, CULPRIT, text, text), fates, counts=counts)
    step = Step(text, "plan", Side.TRIAL, variant=text)
    return night(1, Taken(step, Ending.FAILED, text, 1.0, text, {"error": {"found": text}}, text), findings=found)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_words_of_strangers_are_live(text: str) -> None:
    """Whatever commits, patches and messages say, all that is written passes as harmless just as it is."""
    bad = hostile(text)
    alarm = alarms.decide([bad, msgspec.structs.replace(bad, began=moment(0))])
    note = alarmnote.alarm_note(alarm, bad, PAGES, text)
    sync = pullnote.Sync(bad, "2026-10-01", (Carried(text, text, text, accepted=True),), "", text, PAGES)
    for made in (note.body, note.comment, pullnote.body(sync), pullnote.summary(bad, alarm, PAGES, text)):
        assert harmless(made, PAGES, MOST) == made
    assert text not in note.title + pullnote.title(sync)


def test_the_texts_fit() -> None:
    """Thousands of patches of long names are cut at a line, a sentence says so, and there is room for a marker."""
    fates = tuple(Fate(f"{number}-{'ä' * 190}", "clashed") for number in range(3000))
    bad = night(1, PLANTS["clash"].taken, findings=Findings(fates=fates))
    alarm = alarms.decide([bad])
    carried = tuple(Carried(fate.patch, "kept") for fate in fates)
    sync = pullnote.Sync(bad, "2026-10-01", carried, "x\n" * 99_999, "", PAGES)
    for made in (alarmnote.alarm_note(alarm, bad, PAGES).body, pullnote.body(sync)):
        assert "Cut here" in made
        assert len(made.encode()) <= MOST - alarmnote.ROOM
