"""Is a planted deletion of upstream code caught? On a real fork that was synced; nothing is built.

    python -m benchmarks.calibrate.plant_deletion --fork DIR [--each N]

A patch of the fork is made anew by program, in two ways: it deletes one line more, which upstream brought after the
patch was written, the one nearest to the patch's own; or it gives the file as it was then, with its own change. Each is
planted in a copy of the fork, where `forkkeeper check deletions` must be green before, and then exit 1 and name the
patch. Then the same is asked in memory for every patch, with N such lines each, evenly spread: every stale file must be
caught, and most lines.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.calibrate.copies import NotMeasuredError, forkkeeper, in_a_copy, say, verdict
from forkkeeper.core import compose, history, lines
from forkkeeper.core.compose import Applied, Composed
from forkkeeper.core.lines import says_something, squeeze
from forkkeeper.core.planning import Commit
from forkkeeper.core.store import Change, Entry, Marked, Sides
from forkkeeper.core.undoing import Answer
from forkkeeper.flow import standing, undoing as judging
from forkkeeper.flow.standing import Setting, Stand
from forkkeeper.stages import upstream as upstreams
from forkkeeper.stages.project import Project

MOST = 0.95  # share of single lines that must be caught; one that upstream only shortened beside others may be missed


@dataclass(frozen=True, slots=True)
class Plant:
    """A patch made anew. what -- what is wrong with it; stood -- whether that line stood in the older file, too."""

    step: Applied
    what: str
    stood: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """A fork opened in memory. written -- by patch, the upstream commit that it was written for."""

    project: Project
    stand: Stand
    written: dict[str, Commit]


def main(argv: Sequence[str] | None = None) -> int:
    """Plant, look, and say what was caught; gives the exit status: 0, 1 when something was missed, 2 not measured."""
    options = _parser().parse_args(argv)
    return in_a_copy(options.fork, lambda fork: _measure(fork, options.each))


def _measure(fork: Path, each: int) -> int:
    with opened(fork) as ground:
        alone = [(one, step) for step in ground.stand.made.steps for one in one_line(ground, step, each)]
        stale = [(one, step) for step in ground.stand.made.steps for one in stale_file(ground, step)]
        if not alone or not stale:
            raise NotMeasuredError("upstream brought nothing to the files of its patches: sync it first")
        control = forkkeeper(fork, "check", "deletions")
        say(f"control: {control.last_words if control.code else 'no patch undoes upstream'}")
        caught = [control.code == 0]
        for found in (alone, stale):
            plant = next((one for one, step in found if not one.stood and _composes(ground, one, step)), None)
            if plant is None:
                raise NotMeasuredError("no plant leaves the later patches as they are")
            caught.append(_planted(fork, plant))
        caught += [_asked(ground, "one line", alone) >= MOST, _asked(ground, "a stale file", stale) == 1]
    return 0 if all(caught) else 1


@contextmanager
def opened(fork: Path) -> Iterator[Ground]:
    """Open a fork in memory, with the commits for which its patches were written."""
    setting = Setting(fork, offline=True, on_progress=lambda *_: None)
    project, upstream, _ = standing.open_fork(setting, "check")
    pin = standing.locked_of(project, "check").pin.sha
    names = {patch.name: history.since(project.records, patch.name, pin) for patch in project.queue.patches}
    written = {
        name: upstreams.hold(upstream, upstreams.find(upstream, sha, step="check"), step="check")
        for name, sha in names.items()
    }
    with standing.composed(project, upstream, step="check") as stand:
        yield Ground(project, stand, written)


def one_line(ground: Ground, step: Applied, most: int) -> Iterator[Plant]:
    """Make a patch delete one line more, of those that upstream brought; the one nearest to its own comes first."""
    for change in step.changes:
        sides = _sides(ground, step, change)
        if sides is None:
            continue
        old, before, after = sides
        store = ground.stand.store
        stood = {squeeze(line) for line in lines.split(store.blob(old.oid))}
        pin = ground.stand.made.baseline.entries[change.path]
        upstreams_own = set(lines.split(store.blob(pin.oid)))
        text = lines.split(store.blob(before.oid))
        came = _brought(ground, old, before)
        own = store.alignments([(before.oid, after.oid)])[0]
        touched = {at for edit in own for at in range(edit.start, edit.end)}
        near = sorted(
            (at for at in came if text[at] in upstreams_own and at not in touched and says_something(text[at])),
            key=lambda at: (min(abs(at - edit.start) for edit in own), at),
        )
        for at in near[:: max(len(near) // most, 1)][:most]:
            made = lines.apply(text, sorted((*own, lines.Edit(at, at + 1, ())), key=lambda edit: edit.start))
            shown = f"{change.path}: `{text[at].decode('utf-8', 'replace').strip()}`"
            yield Plant(_made(ground, step, change, b"".join(made)), shown, squeeze(text[at]) in stood)


def stale_file(ground: Ground, step: Applied) -> Iterator[Plant]:
    """Make a patch give a file as it was when the patch was written, with the patch's own change."""
    for change in step.changes:
        sides = _sides(ground, step, change)
        if sides is None or not any(_says(ground, sides[1], at) for at in _brought(ground, *sides[:2])):
            continue
        old, before, after = sides
        (merged,) = ground.stand.store.merge_files([Sides(before.oid, old.oid, after.oid)])
        if not isinstance(merged, Marked):
            yield Plant(_made(ground, step, change, ground.stand.store.blob(merged)), change.path)


def _sides(ground: Ground, step: Applied, change: Change) -> tuple[Entry, Entry, Entry] | None:
    """Give a file as the patch was written for it, before the patch and after it; None where one is not there."""
    old = ground.stand.store.entries(ground.written[step.patch.name].tree).get(change.path)
    if old is None or change.old is None or change.new is None or old == change.old:
        return None
    return old, change.old, change.new


def _brought(ground: Ground, old: Entry, before: Entry) -> list[int]:
    """Give the lines, from 0, that upstream brought (earlier patches, too, where they touch the same file)."""
    found: list[int] = []
    shift = 0
    for edit in ground.stand.store.alignments([(old.oid, before.oid)])[0]:
        start = edit.start + shift
        found += range(start, start + len(edit.lines))
        shift += len(edit.lines) - (edit.end - edit.start)
    return found


def _says(ground: Ground, entry: Entry, at: int) -> bool:
    return says_something(lines.split(ground.stand.store.blob(entry.oid))[at])


def _made(ground: Ground, step: Applied, change: Change, data: bytes) -> Applied:
    """Give the patch with other bytes of one file."""
    store = ground.stand.store
    assert change.new is not None
    entry = Entry(change.new.mode, store.put(data))
    after = store.graft(step.after, {change.path: entry})
    patch = step.patch.with_diff(store.diffs([(step.before, after)])[0])
    return Applied(patch, step.before, after, store.changes(step.before, after))


def _composes(ground: Ground, plant: Plant, step: Applied) -> bool:
    """Whether the later patches still apply."""
    patches = [plant.step.patch if one is step else one.patch for one in ground.stand.made.steps]
    stand = ground.stand
    made = compose.compose(stand.store, stand.pin.tree, ground.project.declaration.path, patches, {})
    return isinstance(made, Composed)


def _planted(fork: Path, plant: Plant) -> bool:
    """Ask the verb itself."""
    say(f"planted: {plant.step.patch.title} also deletes what upstream brought to {plant.what}")
    file = fork / "patches" / plant.step.patch.name
    kept = file.read_bytes()
    file.write_bytes(plant.step.patch.data)
    try:
        return verdict(forkkeeper(fork, "check", "deletions"), (plant.step.patch.title, "undoes upstream"))
    finally:
        file.write_bytes(kept)


def _asked(ground: Ground, what: str, found: Sequence[tuple[Plant, Applied]]) -> float:
    """Ask in memory for every plant; gives the share that was caught of those whose line is new to the file."""
    new = [(one, step) for one, step in found if not one.stood]
    missed = [one for one, step in new if _answer(ground, one, step) is not Answer.UNDOES]
    for one in missed:
        say(f"missed: {one.step.patch.title}, {one.what}")
    patches = len({one.step.patch.name for one, _ in new})
    say(f"in memory, {what}: {len(new) - len(missed)} of {len(new)} caught, in {patches} patches")
    common = [(one, step) for one, step in found if one.stood]
    if common:
        also = sum(_answer(ground, one, step) is Answer.UNDOES for one, step in common)
        say(f"    and {also} of {len(common)} lines that the older file had in another place, too")
    return (len(new) - len(missed)) / len(new) if new else 0.0


def _answer(ground: Ground, plant: Plant, step: Applied) -> Answer:
    patch = plant.step.patch
    steps = tuple(plant.step if one is step else one for one in ground.stand.made.steps)
    stand = replace(ground.stand, made=replace(ground.stand.made, steps=steps))
    looked = next(one for one in judging.look(ground.project.records, stand) if one.patch is patch)
    written = ground.written[patch.name]
    pin = written.sha == stand.pin.sha
    return judging.of_patch(stand.store, stand, looked, None if pin else written).answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate.plant_deletion", description=__doc__)
    parser.add_argument("--fork", type=Path, required=True, metavar="DIR", help="a fork that was synced")
    parser.add_argument("--each", type=int, default=20, metavar="N", help="lines per file that are asked for (20)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
