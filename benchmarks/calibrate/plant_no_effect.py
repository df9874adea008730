"""Is a patch without an effect caught? On a real fork, with real builds: the fork, and without each of two patches.

    python -m benchmarks.calibrate.plant_no_effect --fork DIR [--variant NAME]

In a copy of the fork a patch is put at the end of the queue that changes one comment, made by program from the composed
tree; its witness is the first patch's, which passes with it, as it should. `forkkeeper check witness` must say that the
planted patch has lost its effect, and that the first one is proved, and exit 1. The other patches' witnesses are left
out there, for time: `forkkeeper check witness` on the fork itself runs them.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.calibrate import plants
from benchmarks.calibrate.copies import NotMeasuredError, forkkeeper, in_a_copy, lay, say, verdict
from forkkeeper.core.mail import Patch
from forkkeeper.core.store import Entries, Entry
from forkkeeper.flow import standing
from forkkeeper.flow.standing import Setting
from forkkeeper.stages.project import Project

NAME = "planted-no-effect"
COMMENT = b"// nothing is done here\n"
SOURCES = (".c", ".cpp")


def main(argv: Sequence[str] | None = None) -> int:
    """Plant, build, check, and say what was caught; gives the exit status: 0, 1 when it was missed, 2 not measured."""
    options = _parser().parse_args(argv)
    return in_a_copy(options.fork, lambda fork: _measure(fork, options.variant))


def _measure(fork: Path, variant: str) -> int:
    setting = Setting(fork, offline=True, on_progress=lambda *_: None)
    project, upstream, _ = standing.open_fork(setting, "check")
    proved = next(
        (one for one in project.queue.patches if not (one.trailer("Witness") or "none").startswith("none")), None
    )
    if proved is None:
        raise NotMeasuredError("no patch of the fork has a witness")
    with standing.composed(project, upstream, step="check") as stand:
        store, tree = stand.store, stand.made.tree
        path, entry = _source(project, store.entries(tree))
        after = store.graft(tree, {path: Entry(entry.mode, store.put(store.blob(entry.oid) + COMMENT))})
        diff = store.diffs([(tree, after)])[0]
    _plant(fork, project, proved, diff)
    say(f"planted: {NAME} adds a comment to {path}; its witness is {proved.trailer('Witness')}")
    built = forkkeeper(fork, "build", variant)
    if built.code:
        raise NotMeasuredError(f"the fork with it does not build: {built.last_words}")
    done = forkkeeper(fork, "check", "witness", variant)
    return 0 if verdict(done, (NAME, "has lost its effect"), (proved.title, "proves the patch")) else 1


def _source(project: Project, entries: Entries) -> tuple[str, Entry]:
    """Choose a source file that the queue leaves alone: the next beside one that it changes, which is compiled, too."""
    touched = [path for patch in project.queue.patches for path in patch.paths if path.endswith(SOURCES)]
    for path in touched:
        folder = path.rpartition("/")[0]
        for other in sorted(entries):
            if other.rpartition("/")[0] == folder and other.endswith(SOURCES) and other not in touched:
                return other, entries[other]
    raise NotMeasuredError("no patch of the fork changes a source file")


def _plant(fork: Path, project: Project, proved: Patch, diff: bytes) -> None:
    """Add the patch to the queue, and leave out all witnesses but the one that proves."""
    folder = fork / "patches"
    for patch in project.queue.patches:
        if patch is not proved:
            head = re.sub(rb"(?m)^Witness: .*$", b"Witness: none [left out of this calibration]", patch.head)
            (folder / patch.name).write_bytes(head + patch.diff)
    head = plants.head("changes a comment", witness=proved.trailer("Witness") or "")
    lay(fork, f"{NAME}.patch", head + diff)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate.plant_no_effect", description=__doc__)
    parser.add_argument("--fork", type=Path, required=True, metavar="DIR", help="a fork that was built or synced")
    parser.add_argument("--variant", default="cpu", metavar="NAME", help="the variant that is built (cpu)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
