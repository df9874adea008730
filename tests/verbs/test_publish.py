"""`publish`, end to end: planted nights and real branches, at a server of GitHub's kind and in a folder."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from core.test_markdown import HOSTILE, live
from github_server import TOKEN, Hub, Planned, serving
from posting import CULPRIT, PLANTS, Plant, cloned, commit, fill, moment, night, propose
from world import Fork, Ran, assert_message, git, script

from forkkeeper.core.forges import marked
from forkkeeper.core.nights import Night

OUTBOX = ".forkkeeper/nightly/outbox"
PLAN = "## `small`: carried to `b`\n\n| patch |\n|---|\n| `greeting` |\n"


@pytest.fixture
def hub(fork_in_step: Fork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve the fork's own repository, and give a job's environment."""
    bare = tmp_path / "hub.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(fork_in_step.root), str(bare))
    with serving(bare) as hub:
        for name, value in hub.env.items():
            monkeypatch.setenv(name, value)
        yield hub


@pytest.fixture(autouse=True)
def _the_token_is_never_said(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[None]:
    """Hold every test to this: the token is in no output, and in no file that is left."""
    yield
    out, err = capfd.readouterr()
    assert TOKEN not in out + err
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert TOKEN.encode() not in path.read_bytes(), path


def publish(fork: Fork, *more: str) -> Ran:
    """Publish to the server; the token is in nothing that is said."""
    ran = fork.run("publish", "--to", "github", *more)
    assert TOKEN not in ran.out + ran.err
    return ran


def ok(fork: Fork, *more: str) -> Ran:
    """Publish, which must end with 0."""
    ran = publish(fork, *more)
    assert ran.code == 0, ran.said
    return ran


def alarm(hub: Hub) -> dict[str, object]:
    """Give the one issue that there is."""
    (issue,) = hub.issues.values()
    return issue


def after(fork: Fork, *nights: Night) -> str:
    """Publish what these nights, newest first, make."""
    fill(fork.root / OUTBOX, nights)
    return ok(fork).out


# the alarm ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_planted_failure_gives_one_alarm_and_its_recovery_closes_it(
    fork_in_step: Fork, hub: Hub, plant: Plant
) -> None:
    """First bad night: nothing. Second: one issue. Third: the same one, refreshed, no comment. A good one closes it."""
    bad = [plant.night(day) for day in range(1, 4)]
    after(fork_in_step, bad[0])
    assert hub.changes == []
    after(fork_in_step, bad[1], bad[0])
    first = dict(alarm(hub))
    assert first["state"] == "open"
    assert plant.cause.value in str(first["title"])
    for said in plant.says:
        assert said in str(first["body"])
    after(fork_in_step, *bad[::-1])
    third = alarm(hub)
    assert (third["number"], third["state"], hub.said(1)) == (first["number"], "open", [])
    assert f"**3 bad nights in a row**, since the one of `{moment(1)}`" in str(third["body"])
    after(fork_in_step, night(4), *bad[::-1])
    assert alarm(hub)["state"] == "closed"
    (comment,) = hub.said(1)
    assert f"The night of `{moment(4)}` is good" in comment
    before = len(hub.changes)
    after(fork_in_step, night(5), night(4), *bad[::-1])
    assert len(hub.changes) == before


def test_the_same_outbox_twice_changes_nothing(fork_in_step: Fork, hub: Hub) -> None:
    """At each turn of an outage the second run only reads."""
    clash, build = PLANTS["clash"], PLANTS["broken build"]
    nights: list[Night] = []
    for now in (clash.night(1), clash.night(2), build.night(3), night(4), night(5)):
        nights.insert(0, now)
        after(fork_in_step, *nights)
        before = list(hub.changes)
        ok(fork_in_step)
        assert hub.changes == before


def test_other_causes_are_said_in_one_comment(fork_in_step: Fork, hub: Hub) -> None:
    """A cause that changes is no new issue: the same one is refreshed, and one comment says what is new."""
    clash, build = PLANTS["clash"], PLANTS["broken build"]
    nights = [clash.night(1), clash.night(2)]
    after(fork_in_step, *nights[::-1])
    for day in (3, 4):
        nights.append(build.night(day))
        after(fork_in_step, *nights[::-1])
        (comment,) = hub.said(1)
        assert "build cpu" in comment
    assert "build cpu" in str(alarm(hub)["body"])


def test_a_comment_is_not_repeated_when_a_job_was_cut_off_behind_it(fork_in_step: Fork, hub: Hub) -> None:
    """A job that ended between the closing comment and the closing is finished by the next; the comment stays one."""
    bad = [PLANTS["clash"].night(day) for day in (2, 1)]
    after(fork_in_step, *bad)
    fill(fork_in_step.root / OUTBOX, [night(3), *bad])
    hub.planned.append(Planned(f"PATCH /repos/{hub.name}/issues/1", 500, {"message": "gone"}))
    assert_message(publish(fork_in_step), 3, "answers 500 to PATCH issues/1: gone")
    assert alarm(hub)["state"] == "open"
    ok(fork_in_step)
    assert alarm(hub)["state"] == "closed"
    assert len(hub.said(1)) == 1


def test_a_lost_database_finds_the_issue_again(fork_in_step: Fork, hub: Hub) -> None:
    """With the nights before forgotten the issue is known by its marker and label: refreshed, and closed."""
    plant = PLANTS["lost witness"]
    hub.issue("somebody's, with the label", "<!-- forkkeeper? -->", "nightly")
    after(fork_in_step, plant.night(2), plant.night(1))
    after(fork_in_step, plant.night(3))  # a first bad night, it seems
    after(fork_in_step, plant.night(4), plant.night(3))
    assert len(hub.issues) == 2
    assert hub.said(2) == []
    after(fork_in_step, night(5))  # a good night without any before it
    assert [one["state"] for one in hub.issues.values()] == ["open", "closed"]


def test_what_a_person_closed_stays_closed(fork_in_step: Fork, hub: Hub) -> None:
    """An alarm that was closed by hand is not opened again in the same outage; the next outage has its own issue."""
    bad = [PLANTS["clash"].night(day) for day in (3, 2, 1)]
    after(fork_in_step, *bad[1:])
    alarm(hub)["state"] = "closed"
    assert "was closed by somebody; it was left closed" in after(fork_in_step, *bad)
    after(fork_in_step, night(4), *bad)
    more = [PLANTS["clash"].night(day) for day in (6, 5)]
    after(fork_in_step, *more, night(4), *bad)
    assert [one["state"] for one in hub.issues.values()] == ["closed", "open"]


def test_an_older_outbox_is_passed_over(fork_in_step: Fork, hub: Hub) -> None:
    """An outbox of a night before the one that the issue tells of neither changes nor closes it."""
    bad = [PLANTS["clash"].night(day) for day in (5, 4)]
    after(fork_in_step, *bad)
    before = list(hub.changes)
    assert "tells of a later night" in after(fork_in_step, night(3))
    assert hub.changes == before


def test_the_label_is_made_once(fork_in_step: Fork, hub: Hub) -> None:
    """The declared label is made where it is not there, and the issue has it."""
    toml = fork_in_step.root / "fork.toml"
    toml.write_text(toml.read_text() + '\n[forge]\nlabel = "alarm: nightly"\n')
    after(fork_in_step, PLANTS["clash"].night(2), PLANTS["clash"].night(1))
    assert hub.labels == ["bug", "alarm: nightly"]
    assert alarm(hub)["labels"] == [{"name": "alarm: nightly"}]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_in_an_outbox_are_not_live(fork_in_step: Fork, hub: Hub, text: str) -> None:
    """Bodies and comments that the untrusted job wrote are made harmless before they are sent."""
    bad = [PLANTS["clash"].night(day) for day in (2, 1)]
    folder = fork_in_step.root / OUTBOX
    fill(folder, bad)
    (folder / "alarm.md").write_text(f"{text}\n\n<!-- forkkeeper kind=alarm since=x -->\n{text}")
    ok(fork_in_step)
    fill(folder, [night(3), *bad])
    box = json.loads((folder / "outbox.json").read_text())
    box["alarm"]["comment"] = text
    (folder / "outbox.json").write_text(json.dumps(box))
    ok(fork_in_step)
    body = str(alarm(hub)["body"])
    assert marked(body)["since"] == moment(1)
    for made in (body, *hub.said(1)):
        shown = live(made.partition("\n\n")[2])
        assert not any(sign in shown for sign in ("@", "#1", "://", "<!--", "<img", "<script", "GH-7")), shown


# the pull request ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tonight(fork_in_step: Fork) -> Night:
    """Give a good night that carries the fork to v1.1."""
    return night(1, pin=fork_in_step.pin, tried=fork_in_step.target)


@pytest.fixture
def proposed(fork_in_step: Fork, tonight: Night) -> Path:
    """Fill an outbox with a sync; gives the clone in which its branch stands."""
    clone = cloned(fork_in_step, fork_in_step.pin)
    commit(clone, {"history.toml": "# a sync\n", "patches/more.patch": "text\n"})
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, clone, plan=PLAN)
    return clone


def branch_of(fork: Fork) -> str:
    """Name the branch of the sync from the fork's pin."""
    return f"forkkeeper/sync-from-{fork.pin[:12]}"


def test_a_sync_is_one_pull_request_refreshed_in_place(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path
) -> None:
    """The branch is pushed and a request opened; the next night refreshes both, and a second run changes nothing."""
    ok(fork_in_step)
    (pull,) = hub.pulls.values()
    short = fork_in_step.target[:12]
    assert pull["title"] == f"Sync to {short} of 2026-10-01 (from {fork_in_step.pin[:12]} of 2026-06-20)"
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (branch_of(fork_in_step), "main")
    assert "### Committed mechanically" in pull["body"]
    assert PLAN in pull["body"]
    assert hub.branch(branch_of(fork_in_step)) == git(proposed, "rev-parse", "HEAD")
    before = list(hub.changes)
    ok(fork_in_step)
    assert hub.changes == before

    commit(proposed, {"patches/more.patch": "other text\n"}, "Sync again")
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed, plan=PLAN.replace("greeting", "limit"))
    ok(fork_in_step)
    assert list(hub.pulls) == [pull["number"]]
    assert "`limit`" in hub.pulls[pull["number"]]["body"]
    assert hub.branch(branch_of(fork_in_step)) == git(proposed, "rev-parse", "HEAD")
    assert hub.changes[len(before) :] == [("PATCH", f"/repos/{hub.name}/pulls/1")]


def test_the_same_sync_made_anew_is_not_pushed(fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path) -> None:
    """A night that makes the same tree on the same base leaves the branch, although its commit has another time."""
    ok(fork_in_step)
    stood = hub.branch(branch_of(fork_in_step))
    git(
        proposed,
        *("-c", "user.name=forkkeeper", "-c", "user.email=forkkeeper@invalid"),
        "reset",
        "-q",
        "--soft",
        "HEAD~1",
    )
    commit(proposed, {}, "Sync, in other words")
    assert git(proposed, "rev-parse", "HEAD") != stood
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed, plan=PLAN)
    assert "stands there already" in ok(fork_in_step).out
    assert hub.branch(branch_of(fork_in_step)) == stood


def test_somebodys_commit_on_the_branch_is_left(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path, tmp_path: Path
) -> None:
    """Where a person has committed on the sync's branch it is not moved, the request stays, and that is said."""
    ok(fork_in_step)
    theirs = tmp_path / "theirs"
    git(tmp_path, "clone", "--quiet", "--branch", branch_of(fork_in_step), str(hub.repo), str(theirs))
    commit(
        theirs, {"patches/limit.patch": "by hand\n"}, "Mend limit", ("user.name=Ann", "user.email=ann@example.invalid")
    )
    git(theirs, "push", "--quiet")
    stood, said = hub.branch(branch_of(fork_in_step)), dict(hub.pulls[1])
    commit(proposed, {"patches/more.patch": "newer\n"}, "Sync again")
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed)
    out = ok(fork_in_step).out
    assert '"Mend limit" by Ann: it was left alone' in " ".join(out.split())
    assert (hub.branch(branch_of(fork_in_step)), hub.pulls[1]) == (stood, said)


def test_a_sync_that_is_done_closes_its_pull_request(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path
) -> None:
    """Once the pin has moved the request is closed with a comment that says where the fork stands; the branch stays."""
    ok(fork_in_step)
    lock = fork_in_step.root / "fork.lock"
    lock.write_text(lock.read_text().replace(fork_in_step.pin, fork_in_step.target))
    fork_in_step.commit_all("the sync, by hand")
    for _ in range(2):
        out = ok(fork_in_step).out
    assert "passed over" in out
    assert hub.pulls[1]["state"] == "closed"
    (comment,) = hub.said(1)
    assert f"the fork stands on `{fork_in_step.target[:12]}` now" in comment
    assert hub.branch(branch_of(fork_in_step)) == git(proposed, "rev-parse", "HEAD")


def test_a_request_that_a_person_closed_stays_closed(fork_in_step: Fork, hub: Hub, proposed: Path) -> None:
    """No second request is opened for a sync whose request was closed by hand, and its branch is not moved."""
    ok(fork_in_step)
    hub.pulls[1]["state"] = "closed"
    before = list(hub.changes)
    assert "was closed by somebody" in ok(fork_in_step).out
    assert hub.changes == before


def test_a_request_of_somebody_elses_is_left(fork_in_step: Fork, hub: Hub, proposed: Path) -> None:
    """A request that a person opened from the branch keeps its words."""
    hub.pull(branch_of(fork_in_step), "main", "mine", "my words")
    assert "is not forkkeeper's" in ok(fork_in_step).out
    assert hub.pulls[1]["body"] == "my words"
    assert hub.branch(branch_of(fork_in_step)) == ""


def test_a_dry_run_changes_nothing(fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path) -> None:
    """A dry run says what would be done, and only reads."""
    bad = [PLANTS["clash"].night(day, fork_in_step.pin) for day in (2, 1)]
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed, nights=bad)
    out = ok(fork_in_step, "--dry-run").out
    assert out.count("would: ") == 3
    assert hub.changes == []
    assert hub.branch(branch_of(fork_in_step)) == ""


def test_json_says_the_same(fork_in_step: Fork, hub: Hub) -> None:
    """`--json -` gives the form of all verbs, and nothing else."""
    fill(fork_in_step.root / OUTBOX, [night(1)])
    said = json.loads(ok(fork_in_step, "--json", "-").out)
    assert (said["verb"], said["exit"]) == ("publish", 0)
    assert f"{hub.name}: published" in said["blocks"]


# what is not trusted ------------------------------------------------------------------------------------------------

STRANGERS: dict[str, Mapping[str, str]] = {
    ".github/workflows/x.yml": {".github/workflows/x.yml": "on: push\n"},
    "fork.toml": {"fork.toml": "name = 'x'\n"},
    "native/overlay/x.c": {"native/overlay/x.c": "int x;\n"},
    "patches/.hidden": {"patches/.hidden/x": "text\n"},
    "patchesx": {"patchesx/a.patch": "text\n"},
}


def refused(fork: Fork, hub: Hub, *parts: str, code: int = 1) -> None:
    """Publish what must be refused: nothing is pushed and no request opened, the rest is published."""
    ran = publish(fork)
    assert ran.code == code, ran.said
    said = " ".join((ran.out + ran.err).split())
    for part in (*parts, "next:"):
        assert part in said, ran.said
    assert "alarm: " in said
    assert hub.pulls == {}
    assert hub.branch(branch_of(fork)) == ""


@pytest.mark.parametrize("path", STRANGERS)
@pytest.mark.parametrize("undone", [False, True], ids=["at the tip", "undone by the next commit"])
def test_a_branch_that_changes_other_files_is_refused(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path, path: str, undone: bool
) -> None:
    """A commit that changes what no sync writes is refused with its path, also where a later one takes it back."""
    commit(proposed, dict(STRANGERS[path]), "Sync more")
    if undone:
        git(proposed, "checkout", "-q", "HEAD~1", "--", ".")
        for name in STRANGERS[path]:
            if name != "fork.toml":
                git(proposed, "rm", "-q", "-f", name)
        commit(proposed, {"history.toml": "# later\n"}, "Sync again")
        commit(proposed, {"history.toml": "# last\n"}, "Sync at last")
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed)
    refused(fork_in_step, hub, "changes what no sync changes:", path)


def test_a_link_in_the_queue_is_refused(fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path) -> None:
    """A symbolic link below patches/ is no patch."""
    (proposed / "patches/link.patch").symlink_to("/etc/passwd")
    commit(proposed, {})
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed)
    refused(fork_in_step, hub, "patches/link.patch (not a plain file)")


@pytest.mark.parametrize(
    ("message", "who", "said"),
    [
        ("Sync", ("user.name=Ann", "user.email=ann@example.invalid"), "was not made by forkkeeper"),
        ("Sync\n\ncloses #1", ("user.name=forkkeeper", "user.email=forkkeeper@invalid"), "more than plain words"),
        ("Sync @someone", ("user.name=forkkeeper", "user.email=forkkeeper@invalid"), "more than plain words"),
    ],
)
def test_a_commit_that_is_not_a_syncs_is_refused(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path, message: str, who: tuple[str, ...], said: str
) -> None:
    """A commit in somebody's name, or one whose words would close issues or call people, is refused."""
    commit(proposed, {"history.toml": "# more\n"}, message, who)
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed)
    refused(fork_in_step, hub, said)


def test_a_branch_that_stands_elsewhere_is_refused(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path, tmp_path: Path
) -> None:
    """A branch that starts at a commit that this repository lacks, or has no parent here at all, is refused."""
    git(proposed, "checkout", "--quiet", "-B", branch_of(fork_in_step), "main")
    commit(proposed, {"README": "elsewhere\n"})
    base = git(proposed, "rev-parse", "HEAD")
    commit(proposed, {"history.toml": "# more\n"})
    folder = fork_in_step.root / OUTBOX
    propose(fork_in_step, folder, tonight, proposed)
    (folder / "sync.bundle").unlink()
    git(proposed, "bundle", "create", "--quiet", str(folder / "sync.bundle"), branch_of(fork_in_step), f"^{base}")
    refused(fork_in_step, hub, "does not start at a commit that this repository has")
    git(proposed, "checkout", "--quiet", "--orphan", "fresh")
    commit(proposed, {})
    git(proposed, "branch", "-M", branch_of(fork_in_step))
    git(proposed, "bundle", "create", "--quiet", str(folder / "sync.bundle"), branch_of(fork_in_step))
    refused(fork_in_step, hub, "that stand on the base")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"branch": "main"}, "Expected `str` matching regex"),
        ({"branch": "forkkeeper/sync-from-" + "0" * 12}, "which is not that of the pin"),
        ({"base": "release"}, "is for the branch release"),
        ({"body": "../../../fork.toml"}, "Expected `str` matching regex"),
        ({"bundle": "/etc/passwd"}, "Expected `str` matching regex"),
        ({"title": "Sync; closes #1"}, "Expected `str` matching regex"),
        ({"extra": 1}, "unknown field"),
    ],
)
def test_an_outbox_of_another_form_is_refused(
    fork_in_step: Fork, hub: Hub, proposed: Path, change: dict[str, object], said: str
) -> None:
    """A branch, file, base or title that no outbox has is refused, and nothing of the request is published."""
    path = fork_in_step.root / OUTBOX / "outbox.json"
    box = json.loads(path.read_text())
    path.write_text(json.dumps(box | {"pull": box["pull"] | change}))
    ran = publish(fork_in_step)
    assert_message(ran, 2)
    assert said in " ".join((ran.err + ran.out).split())
    assert hub.changes == []
    assert hub.branch(branch_of(fork_in_step)) == ""


@pytest.mark.parametrize("name", ["outbox.json", "pull.md", "alarm.md", "sync.bundle"])
@pytest.mark.parametrize("what", ["a link", "a folder", "a pipe", "too large", "not there"])
def test_a_file_of_an_outbox_must_be_one(
    fork_in_step: Fork, hub: Hub, tonight: Night, proposed: Path, tmp_path: Path, name: str, what: str
) -> None:
    """A link to a file elsewhere, a folder, a pipe or a huge file in the place of one is refused, not followed."""
    folder = fork_in_step.root / OUTBOX
    bad = [PLANTS["clash"].night(day, fork_in_step.pin) for day in (2, 1)]
    propose(fork_in_step, folder, tonight, proposed, nights=bad)
    path, elsewhere = folder / name, tmp_path / "elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    match what:
        case "a link":
            path.symlink_to(elsewhere)
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "too large":
            with path.open("wb") as file:
                file.truncate(2**27)
        case _:
            assert what == "not there"
    ran = publish(fork_in_step)
    assert ran.code == 2, ran.said
    assert f"{name}: is " in " ".join((ran.out + ran.err).split())
    assert len(hub.changes) <= 3  # the label and the issue, or the request, whose files are whole


def test_a_missing_right_to_push_says_so(fork_in_step: Fork, hub: Hub, proposed: Path) -> None:
    """Where git is refused the message is git's, with the right that is missing, and the alarm is published."""
    git(hub.repo, "config", "http.receivepack", "false")
    refused(fork_in_step, hub, "could not be pushed", "contents: write", code=3)


def test_git_sends_the_token_to_no_other_host(fork_in_step: Fork, hub: Hub, proposed: Path) -> None:
    """Where git is sent to another host it does not go there."""
    with serving(hub.repo) as other:
        hub.git_moved = other.url
        assert_message(publish(fork_in_step), 3, "cannot be asked")
        assert other.headers == []


def test_the_token_is_in_no_argument(fork_in_step: Fork, hub: Hub, proposed: Path, tmp_path: Path) -> None:
    """What git is started with, and traces of it and of its transfers, hold no token; the push has gone through."""
    trace, curl = tmp_path / "trace", tmp_path / "curl"
    more = {
        "GIT_TRACE": str(trace),
        "GIT_TRACE2_EVENT": str(trace),
        "GIT_TRACE_CURL": str(curl),
        "GIT_TRACE_REDACT": "0",
    }
    ran = script(fork_in_step.root, "forkkeeper", "publish", "--to", "github", **hub.env, **more)
    assert ran.code == 0, ran.said
    assert hub.branch(branch_of(fork_in_step)) != ""
    for text in (ran.said, trace.read_text(), curl.read_text()):
        assert TOKEN not in text
        assert base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()[:40] not in text
    assert "authorization: basic" in curl.read_text().lower()
    assert "push" in trace.read_text()


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_says_no_token(fork_in_step: Fork, hub: Hub, status: int) -> None:
    """A host that says the token back to us does not make us say it."""
    fill(fork_in_step.root / OUTBOX, [PLANTS["clash"].night(2), PLANTS["clash"].night(1)])
    hub.planned.append(Planned("", status, {"message": f"no: Bearer {TOKEN}", "errors": [TOKEN]}, times=99))
    assert_message(publish(fork_in_step), 3, f"answers {status}", "no: Bearer ***")


# with no forge ------------------------------------------------------------------------------------------------------


def test_a_folder_shows_the_same(fork_in_step: Fork, tonight: Night, proposed: Path, tmp_path: Path) -> None:
    """With no forge there are files to read: a request with its bundle, refreshed in place, closed when it is done."""
    place = tmp_path / "place to read"
    to = ("publish", "--to", f"folder:{place}")
    fork_in_step.ok(*to)
    text = (place / "pull-1.md").read_text()
    assert text.startswith('---\ntitle: "Sync to ')
    assert 'state: "open"' in text
    assert "### Committed mechanically" in text
    branch = branch_of(fork_in_step)
    git(fork_in_step.root, "fetch", "--quiet", str(place / f"sync-from-{fork_in_step.pin[:12]}.bundle"), branch)
    assert git(fork_in_step.root, "rev-parse", "FETCH_HEAD") == git(proposed, "rev-parse", "HEAD")
    before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    fork_in_step.ok(*to)
    assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before
    commit(proposed, {"patches/more.patch": "newer\n"}, "Sync again")
    propose(fork_in_step, fork_in_step.root / OUTBOX, tonight, proposed, plan=PLAN.replace("greeting", "limit"))
    fork_in_step.ok(*to)
    assert sorted(path.name for path in place.glob("*.md")) == ["pull-1.md"]
    assert "`limit`" in (place / "pull-1.md").read_text()
    lock = fork_in_step.root / "fork.lock"
    lock.write_text(lock.read_text().replace(fork_in_step.pin, fork_in_step.target))
    fork_in_step.commit_all("the sync, by hand")
    fork_in_step.ok(*to)
    assert 'state: "closed"' in (place / "pull-1.md").read_text()
    assert fork_in_step.target[:12] in (place / "pull-1.comment-1.md").read_text()


def test_an_alarm_in_a_folder(fork_in_step: Fork, tmp_path: Path) -> None:
    """The alarm is a file: none after one bad night, one after two, the same after three, closed by a good one."""
    place = tmp_path / "place"
    plant = PLANTS["clash"]
    nights: list[Night] = []
    states = []
    for now in (plant.night(1), plant.night(2), plant.night(3), night(4), night(5)):
        nights.insert(0, now)
        fill(fork_in_step.root / OUTBOX, nights)
        for _ in range(2):
            fork_in_step.ok("publish", "--to", f"folder:{place}")
        found = sorted(path.name for path in place.glob("*")) if place.exists() else []
        text = (place / "alarm-1.md").read_text() if found else ""
        states.append((found, 'state: "open"' in text))
    opened = (["alarm-1.md"], True)
    closed = (["alarm-1.comment-1.md", "alarm-1.md"], False)
    assert states == [([], False), opened, opened, closed, closed]
    assert CULPRIT[:12] in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "folder:"], "is no place to publish in"),
        (["--to", "gitlab"], "is no place to publish in"),
        ([], "--to github"),
        (["--to", "github", "--repository", "x"], "is no OWNER/NAME"),
        (["--to", "folder:x", "--outbox", "nowhere"], "is not there"),
    ],
)
def test_what_is_asked_wrongly(fork_in_step: Fork, words: list[str], said: str) -> None:
    """A call that names no place, no repository or no outbox ends with 2 and the way out."""
    assert_message(fork_in_step.run("publish", *words), 2, said)


def test_the_programs_are_there() -> None:
    """Git's own server program, which stands in for a host's, is installed with git."""
    place = subprocess.check_output(["git", "--exec-path"], text=True).strip()
    assert shutil.which("git-http-backend", path=place)
