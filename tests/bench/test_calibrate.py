"""What measures the benchmarks: others' rules as they are applied, relabelings, and a patch that is planted."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benching import HARMLESS, fork_with
from benchmarks.calibrate import __main__ as calibrate, plants, rules
from benchmarks.calibrate.live import Live, Place, Row, swapped

from forkkeeper.core.speed import Pair, Speed
from forkkeeper.flow import Setting
from forkkeeper.flow.building import Made
from forkkeeper.flow.standing import composed, open_fork

ROOT = Path(__file__).parents[2]
SETTING = Setting(ROOT, offline=True, on_progress=lambda *_: None)


def pairs(longer: float, *, spread: float = 0.0, count: int = 40) -> list[Pair]:
    """Make pairs of which the fork takes longer by a share."""
    noise = np.random.default_rng(1).normal(0, spread, (count, 2))
    return [Pair(float(np.exp(one)), float(np.exp(other)) * (1 + longer)) for one, other in noise]


@pytest.mark.parametrize(
    ("longer", "said"),
    [
        (0.0, ["same", "same", "inconclusive", "inconclusive"]),
        (0.01, ["same", "slower", "inconclusive", "inconclusive"]),
        (0.045, ["slower", "slower", "inconclusive", "inconclusive"]),
        (0.08, ["slower", "slower", "slower", "slower"]),
        (-0.08, ["faster", "faster", "faster", "inconclusive"]),
    ],
)
def test_each_rule_says_what_its_program_would(longer: float, said: list[str]) -> None:
    """Without noise: ratios are seen from half a percent, asv from its factor on, min:5% from 5 % and one way only."""
    assert [judge.says(pairs(longer, spread=1e-4), 1).value for judge in rules.JUDGES] == said


def test_the_minimum_is_decided_by_one_lucky_copy() -> None:
    """One fast process of the baseline makes pytest-benchmark's rule say slower of the same code; ours is not moved."""
    same = [*pairs(0.0, spread=0.01), Pair(0.8, 1.0)]
    said = {judge.name: judge.says(same, 1) for judge in rules.JUDGES}
    assert said["pytest-benchmark: min:5%"] is Speed.SLOWER
    assert said["forkkeeper"] is Speed.SAME


def test_relabelling_exchanges_the_sides_of_some_pairs() -> None:
    """The tests of one model are exchanged together, as their times come from the same processes."""
    row = Row("m", "prompt 1", Speed.SAME, 0.0, ((1.0, 2.0), (3.0, 4.0)))
    (flipped,) = swapped((row,), {"m": [True, False]})
    assert flipped.pairs == ((2.0, 1.0), (3.0, 4.0))


def test_what_is_measured_in_part_is_never_called_met(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With three of twenty runs kept, the table says so; a false alarm among twenty is NOT MET, and the status is 1.

    Runs of another pin or machine are not counted, and verdicts are those of today's rule on the times that were kept.
    """
    monkeypatch.chdir(ROOT)
    key = Place(ROOT, tmp_path, SETTING, None).key
    same = tuple((1.0, 1.0) for _ in range(40))
    for number in range(3):
        kept(tmp_path, number, Live("time-same", key, 1.0, 0.0, (Row("m", "prompt 1", Speed.SLOWER, 0.0, same),)))
    kept(tmp_path, 3, Live("time-same", "another", 1.0, 0.0, (Row("m", "prompt 1", Speed.SLOWER, 0.0, same),)))
    assert calibrate.main(["--print", "--kept", str(tmp_path), "--relabelings", "10"]) == 0
    assert "0 of 3" in capsys.readouterr().out
    for number in range(3, 20):
        pairs = tuple((1.0, 1.1) for _ in range(40)) if number == 7 else same
        kept(tmp_path, number, Live("time-same", key, 1.0, 0.0, (Row("m", "prompt 1", Speed.SAME, 0.0, pairs),)))
    assert calibrate.main(["--print", "--kept", str(tmp_path), "--relabelings", "10"]) == 1
    said = capsys.readouterr().out
    assert "1 of 20" in said
    assert "NOT MET" in said


def kept(folder: Path, number: int, live: Live) -> None:
    """Keep a run."""
    path = folder / f"{live.kind}-{number:03}.json"
    encoded = [[row.model, row.test, row.speed.value, row.change, row.pairs] for row in live.rows]
    names = ("model", "test", "speed", "change", "pairs")
    rows = [dict(zip(names, row, strict=True)) for row in encoded]
    path.write_text(
        json.dumps({"kind": live.kind, "key": live.key, "seconds": live.seconds, "load": live.load, "rows": rows})
    )


def test_a_plant_is_a_patch_of_the_queue(tmp_path: Path) -> None:
    """It is composed like any other, changes what it says and nothing else, and refuses a place that is not there."""
    fork = fork_with(tmp_path, HARMLESS)
    project, upstream, _ = open_fork(Setting(fork.root, offline=True, on_progress=lambda *_: None), "test")
    with composed(project, upstream, step="test") as stand:
        made = plants.planted(Made(project, stand), "notes.txt", b"b\n", b"c\n", "says c")
        assert [patch.title for patch in made.project.queue.patches] == ["harmless", "planted"]
        (change,) = stand.store.changes(stand.made.tree, made.stand.made.tree)
        assert (change.path, stand.store.blob(change.new.oid) if change.new else b"") == ("notes.txt", b"c\n")
        with pytest.raises(plants.NotPlantedError, match="is there 0 times"):
            plants.planted(Made(project, stand), "notes.txt", b"x\n", b"c\n", "says c")


def test_help_says_how_to_shorten_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page names what can be left out, and that a second call goes on."""
    monkeypatch.setattr(sys, "argv", ["bench_calibrate"])
    with pytest.raises(SystemExit):
        calibrate.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--runs" in said
    assert "goes on where the first was ended" in said
