"""The workflows: every `run:` step is executed, in order, as a runner would (`workflows.py` says what stands in).

Also what linters do not ask: who may write, and whether what the workflows call is there.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workflows import HOSTILE, NAMES, Ended, Runner, load, steps_of
from world import HERE, script

from forkkeeper import tasks

GITHUB = {
    "event_name": "push",
    "ref": "refs/heads/main",
    "ref_name": "main",
    "run_id": 1,
    "token": "secret",
    "event": {"repository": {"default_branch": "main"}},
}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Give a runner with nothing kept from before."""
    return Runner(tmp_path, {"github": GITHUB, "vars": {}, "inputs": {}})


def matrix(runner: Runner, cost: str, registered: str) -> tuple[Ended, dict[str, Any]]:
    """Run the job that makes the matrix; give that, and what the jobs that need it see."""
    ended = runner.job("variants", "matrix", inputs={"cost": cost, "registered": registered})
    assert ended.status == "success", ended.said
    return ended, {"matrix": {"outputs": ended.outputs}}


def test_the_tool_s_own_tests_are_run_as_the_readme_says(runner: Runner) -> None:
    """`.ci/run` makes the venv and calls Nox as README does; lint's findings are kept; the summary has the times."""
    ended = runner.job("ci", "tests")
    assert ended.status == "success", ended.said
    assert ended.called("nox") == [[]]
    assert ["install", "-q", "nox"] in ended.called("pip")
    assert re.search(r"tests +ok +\d+ s", ended.summary)
    assert "fork " not in ended.summary  # the variants have jobs of their own
    log = json.loads((runner.place / "artifacts/lint-sarif/lint.sarif").read_text())
    assert log["runs"][0]["tool"]["driver"]["name"] == "forkkeeper"
    runner.contexts["vars"] = {"FORKKEEPER_CODE_SCANNING": "true"}
    scanned = runner.job("ci", "code-scanning")
    assert scanned.status == "success"
    assert scanned.calls == []


def test_failing_tests_are_a_failed_job_with_a_summary(runner: Runner) -> None:
    """A step in a pipe that fails is not hidden by what follows it, and the summary says which."""
    runner.nox_ends = 1
    ended = runner.job("ci", "tests")
    assert ended.status == "failure"
    assert "FAILED (exit status 1)" in ended.summary
    assert "Does the queue lack anything?" not in ended.ran


def test_every_job_of_the_matrix_runs_its_sessions(runner: Runner) -> None:
    """Each job of the real matrix installs its packages, and calls Nox with its sessions, strictly; none runs twice."""
    made, needs = matrix(runner, "medium", "none")
    jobs = runner.rows("variants", "variant", needs)
    assert "cpu on ubuntu-24.04" in made.summary
    assert (runner.place / "artifacts/tree/tree.tar.gz").is_file()
    names = [job["name"] for job in jobs]
    assert len(set(names)) == len(names) > 10
    for job in jobs:
        ended = runner.job("variants", "variant", matrix=job, needs=needs)
        assert ended.status == "success", (job, ended.said)
        sessions = job["sessions"].split()
        assert ended.called("nox") == [["--report", "nox.json", "-s", *sessions, "--", "--strict"]]
        installed = [word for words in ended.called("apt-get") for word in words]
        assert [*installed][-len(job["packages"].split()) :] == job["packages"].split() or job["system"] != "linux"
        assert bool(installed) == (job["system"] == "linux")
        assert f"### {job['name']}" in ended.summary
        assert f"**{job['device']}**" in ended.summary
        assert "success build_cpu" in ended.summary


def test_a_machine_of_one_s_own_installs_nothing_and_a_kit_is_fetched(runner: Runner) -> None:
    """On a self-hosted runner no package manager is called; on a hosted one, the kit that stands in comes first."""
    _, needs = matrix(runner, "heavy", "cuda")
    by_name = {job["name"]: job for job in runner.rows("variants", "variant", needs)}
    own = runner.job("variants", "variant", matrix=by_name["cuda on self-hosted cuda"], needs=needs)
    assert own.called("apt-get") == own.called("brew") == own.called("sudo") == []
    assert own.called("nox")[0][3:5] == ["build_cuda", "test_cuda"]
    hosted = runner.job("variants", "variant", matrix=by_name["cuda_slim on ubuntu-24.04"], needs=needs)
    assert hosted.called("forkkeeper") == [["kit", "fetch", "cuda"]]
    assert hosted.called("nox")[0][3:] == ["build_cuda_slim", "--", "--strict"]


def test_where_forkkeeper_does_not_run_cmake_builds_the_composed_tree(runner: Runner) -> None:
    """The tree comes from the job before; CMake gets the variant's options, none with a hole; BF16's cases are run."""
    _, needs = matrix(runner, "light", "none")
    jobs = runner.rows("variants", "plain", needs)
    assert [job["variant"] for job in jobs] == ["cpu", "cpu_portable", "rpc"]
    for job in jobs:
        ended = runner.job("variants", "plain", matrix=job, needs=needs)
        assert ended.status == "success", ended.said
        configure, build = ended.called("cmake")
        assert configure == ["-S", "tree", "-B", "out", *job["cmake"].split("\n")]
        assert not [word for word in configure if "{" in word]
        assert build[-len(job["targets"].split()) :] == job["targets"].split()
        tested = [["test", "-b", job["backend"], "-p", "bf16"]] if job["device"] != "none" else []
        assert ended.called("test-backend-ops.exe") == tested


@pytest.mark.parametrize("ends", [0, 1])
def test_a_night_is_kept_shown_and_published_good_or_bad(runner: Runner, ends: int) -> None:
    """Summary, report, outbox and history are kept whatever Nox says; `publish` gets the token, and the outbox."""
    runner.nox_ends = ends
    night = runner.job("nightly", "night", inputs={"head": "0c1e5709"})
    assert night.status == ("failure" if ends else "success")
    assert night.called("nox") == [["-s", "nightly", "--", "--head", "0c1e5709"]]
    assert "### The night" in night.summary
    kept = runner.place / "artifacts"
    assert (kept / "report/index.html").is_file()
    assert (kept / "history/history.sqlite").is_file()
    assert ("patches/stateless-rng.patch", 7, "clashes") in night.matched
    published = runner.job("nightly", "publish", needs={"night": {"outputs": night.outputs}})
    assert published.status == "success", published.said
    assert published.called("forkkeeper") == [["publish", "--to", "github", "token=given", "summary.md"]]
    assert published.called("nox") == published.called("cmake") == published.called("apt-get") == []
    runner.contexts["github"] = GITHUB | {"run_id": 2}
    again = runner.job("nightly", "night")
    assert again.called("nox") == [["-s", "nightly", "--"]]
    assert (kept / "history/history.sqlite").read_text() == "a night\n" * 2


def test_a_night_that_left_nothing_says_so(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Nox did not even begin, the summary says so, and there is nothing to publish."""
    monkeypatch.setattr("workflows._PROGRAM", "#!/bin/sh\ncase $0 in */nox) exit 3;; */python3) echo token;; esac\n")
    night = runner.job("nightly", "night")
    assert night.status == "failure"
    assert "left no summary" in night.summary
    assert not (runner.place / "artifacts/outbox").exists()
    assert runner.job("nightly", "publish", needs={"night": {"outputs": night.outputs}}).status == "skipped"


def test_a_night_on_another_branch_is_only_looked_at(runner: Runner) -> None:
    """What is dispatched from a branch is not published."""
    runner.contexts["github"] = GITHUB | {"ref_name": "trial"}
    night = runner.job("nightly", "night")
    assert night.outputs == {"outbox": "true"}
    assert runner.job("nightly", "publish", needs={"night": {"outputs": night.outputs}}).status == "skipped"


def test_what_is_tried_at_length_is_in_the_summary(runner: Runner) -> None:
    """Once a week the long session is run, its tables are on the page of the job; what we depend on is looked at."""
    ended = runner.job("trust", "trust")
    assert ended.status == "success", ended.said
    assert ended.called("nox") == [["-s", "trust"]]
    assert "What was tried, and what was lost" in ended.summary
    supply = runner.job("trust", "supply")
    assert supply.status == "success", supply.said
    assert supply.called("nox") == [["-s", "audit", "package", "lowest"]]


def test_code_scanning_is_asked_for(runner: Runner) -> None:
    """Without the repository's variable, and for a pull request, no finding is uploaded."""
    assert runner.job("ci", "code-scanning").status == "skipped"
    runner.contexts |= {"vars": {"FORKKEEPER_CODE_SCANNING": "true"}, "github": GITHUB | {"event_name": "pull_request"}}
    assert runner.job("ci", "code-scanning").status == "skipped"


def test_no_text_of_strangers_is_a_command(runner: Runner) -> None:
    """Lines of programs that look like workflow commands are not acted upon; the patch line at fault is matched."""
    _, needs = matrix(runner, "light", "none")
    row = runner.rows("variants", "variant", needs)[0]
    jobs = [
        runner.job("ci", "tests"),
        runner.job("variants", "variant", matrix=row, needs=needs),
        runner.job("nightly", "night"),
    ]
    for ended in jobs:
        assert all(line in ended.said for line in HOSTILE)
        assert {name for name, _ in ended.commands} == {"add-matcher", "stop-commands"}
        fault = ("patches/lazy-mmap.patch", 31, "clashes in a.cpp, near line 3 of the new upstream")
        assert ended.matched[0] == fault
        stops = [rest for name, rest in ended.commands if name == "stop-commands"]
        assert all(re.fullmatch("[0-9a-f]{32}", stop) for stop in stops)
    tokens = {rest for ended in jobs for name, rest in ended.commands if name == "stop-commands"}
    assert len(tokens) >= len(jobs)


def test_a_runner_without_that_guard_would_act(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same lines are acted upon where the guard is taken out: the test above can fail."""
    whole = load("nightly")
    for step in whole["jobs"]["night"]["steps"]:
        step["run"] = re.sub(r'echo "::stop-commands.*', "", step.get("run", "")) if "run" in step else None
    steps = [{k: v for k, v in step.items() if v is not None} for step in whole["jobs"]["night"]["steps"]]
    whole["jobs"]["night"]["steps"] = steps
    monkeypatch.setattr("workflows.load", lambda _: whole)
    names = {name for name, _ in runner.job("nightly", "night").commands}
    assert names == {"add-matcher", "set-output", "add-mask", "set-env"}


# who may do what ----------------------------------------------------------------------------------------------------


def test_one_job_alone_may_write_and_runs_nothing_of_upstream_s() -> None:
    """Nothing is allowed at the top; `publish` writes contents, requests and issues; code scanning its alerts alone."""
    writes: dict[str, set[str]] = {}
    for name in NAMES:
        table = load(name)
        assert table["permissions"] == {}
        for job, its in table["jobs"].items():
            assert "permissions" in its, (name, job)
            granted = {what for what, how in its["permissions"].items() if how == "write"}
            writes |= {job: granted} if granted else {}
    scanning = {"security-events"}
    assert writes == {"publish": {"contents", "pull-requests", "issues"}, "code-scanning": scanning}
    for job in writes:
        runs = " ".join(step.get("run", "") for name in NAMES for at, step in steps_of(name) if at == job)
        assert not re.search(r"nox|cmake|forkkeeper (?!publish)|\.ci/run", runs)


def test_the_night_and_what_is_published_have_the_whole_history() -> None:
    """Both clone or compare commits: a checkout of one commit would not do."""
    depths = {
        job: step["with"].get("fetch-depth") for job, step in steps_of("nightly") if "checkout" in step.get("uses", "")
    }
    assert depths == {"night": 0, "publish": 0}


def test_the_token_reaches_one_step() -> None:
    """No other step or job names it, and no secret is named anywhere."""
    named = [(name, job) for name in NAMES for job, step in steps_of(name) if "github.token" in json.dumps(step)]
    assert named == [("nightly", "publish")]
    assert not [name for name in NAMES if "secrets." in json.dumps(load(name)).replace("secrets.token_hex", "")]


def test_actions_are_pinned_and_shell_lines_hold_no_expression() -> None:
    """Each action stands with a full commit id and its version, one id for each; text goes by variables."""
    pins: dict[str, set[str]] = {}
    for name in NAMES:
        text = (HERE / f".github/workflows/{name}.yml").read_text()
        for action, rest in re.findall(r"uses: ([\w/-]+)@(.*)", text):
            pinned = re.fullmatch(r"([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", rest)
            assert pinned, (name, action, rest)
            pins.setdefault("/".join(action.split("/")[:2]), set()).add(rest)
        for job, step in steps_of(name):
            assert "${{" not in step.get("run", ""), (name, job)
        for job, its in load(name)["jobs"].items():
            assert "timeout-minutes" in its or "uses" in its, (name, job)
    assert all(len(ids) == 1 for ids in pins.values()), pins


def test_a_pull_request_never_reaches_a_machine_of_one_s_own() -> None:
    """ci.yml, which strangers' requests start, asks for no registered runner; no trigger is a privileged one."""
    assert load("ci")["jobs"]["variants"]["with"]["registered"] == "none"
    triggers = {name: set(load(name)["on"]) for name in NAMES}
    expected = {
        "ci": {"push", "pull_request"},
        "variants": {"workflow_call"},
        "nightly": {"schedule", "workflow_dispatch"},
        "trust": {"schedule", "workflow_dispatch"},
    }
    assert triggers == expected


# what they call is there --------------------------------------------------------------------------------------------


def test_the_sessions_named_are_sessions_of_nox() -> None:
    """`nox --list` has every session of the matrix, and those that workflows name themselves."""
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list"], cwd=HERE, capture_output=True, text=True, check=True
    )
    there = set(re.findall(r"^[*-] ([\w-]+)", listed.stdout, re.MULTILINE))
    found = json.loads(script(HERE, "forkkeeper", "ci-matrix", "--json", "-").out)
    wanted = {session for job in found["jobs"] for session in job["sessions"].split()}
    wanted |= {word for name in NAMES for _, step in steps_of(name) for word in _named("nox -s", step)}
    assert wanted <= there, wanted - there


def test_the_verbs_named_are_verbs() -> None:
    """Every `forkkeeper VERB` of a step is a verb, and its options are that verb's."""
    contexts = {one.name: one for one in tasks.namespace.to_contexts()}
    for name in NAMES:
        for _, step in steps_of(name):
            for words in re.findall(r"\bforkkeeper ([a-z].*)", step.get("run", "")):
                verb, *rest = words.split()
                verb = f"{verb}.{rest[0]}" if verb not in contexts and rest else verb
                assert verb in contexts, (name, words)
                options = {word for word in rest if word.startswith("--")}
                assert options <= set(contexts[verb].flags), (name, words)


def _named(before: str, step: dict[str, Any]) -> list[str]:
    return re.findall(re.escape(before) + r" ([a-z_]+)", step.get("run", ""))
