"""How often does *undoes upstream* ring on a real fork's history? Each patch that its maintainers carried over a sync.

    python -m benchmarks.calibrate.replay_deletions --work DIR --truth FILE --ids FILE

benchmarks/replay/README.md says what the three are. A patch counts as written for the pin before the sync, and is
looked at as its maintainers committed it after the sync. Whether what rings is wrong is for a person to read.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.replay import questions
from forkkeeper.core import compose, mail, trees
from forkkeeper.core.compose import Applied, Composed
from forkkeeper.core.history import Carried, Record
from forkkeeper.core.ids import CommitId
from forkkeeper.core.planning import Commit
from forkkeeper.core.undoing import Answer
from forkkeeper.flow import undoing
from forkkeeper.flow.standing import Stand
from forkkeeper.flow.undoing import Verdict
from forkkeeper.shell.git import Repository, Scratch

NOT_MEASURED = 2  # exit status: what is needed is missing
_TRAILERS = "Why.\n\nOrigin: local\nUpstream-Status: Pending\nWitness: none [replayed]\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every patch and print what rang; gives the exit status."""
    options = _parser().parse_args(argv)
    for path in (options.work, options.truth, options.ids):
        if not path.exists():
            sys.stderr.write(f"not measured: {path} is missing; benchmarks/replay/README.md says what is needed\n")
            return NOT_MEASURED
    truth = {sync["id"]: sync for sync in json.loads(options.truth.read_text())["syncs"] if "before" in sync}
    began = time.monotonic()
    found = [
        (name, one) for name in options.ids.read_text().split() for one in judged(options.work / ".git", truth[name])
    ]
    for name, one in found:
        lines = "".join(f"\n    {undoing.shown(line)}" for line in one.undone)
        sys.stdout.write(f"{name} {one.patch.title}: {one.answer.value}{lines}\n" if one.undone else "")
    rang = [one for _, one in found if one.answer is Answer.UNDOES]
    deleting = [one for _, one in found if one.deleted]
    sys.stdout.write(
        f"{len(found)} patches carried over {len({name for name, _ in found})} syncs; {len(deleting)} delete lines of "
        f"upstream's; {len(rang)} are said to undo upstream; {time.monotonic() - began:.0f} s\n"
    )
    return 0


def judged(source: Path, sync: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Judge the patches of one sync that were in the queue before it and after it. source -- a git directory."""
    carried = {patch["after"] for patch in sync["before"] if patch.get("after") and patch["commit"]}
    repository = Repository(source)
    old, new = (_commit(repository, sync[name]) for name in ("a_commit", "b_commit"))
    with Scratch([repository.objects]) as store:
        baseline = compose.baseline(store, new.tree, [])
        steps = tuple(_steps(repository, store, sync["after"]))
        stand = Stand(store, new, Composed(baseline, steps, compose.tip(baseline, steps)))
        names = tuple(Carried(step.patch.name, "kept") for step in steps if step.patch.name in carried)
        records = (Record(old.sha, new.sha, sync["date"], names),)
        looked = undoing.look(records, stand)
        return tuple(
            undoing.of_patch(store, stand, one, old if one.total else None)
            for one in looked
            if one.patch.name in carried
        )


def _steps(repository: Repository, store: Scratch, after: Sequence[Mapping[str, Any]]) -> Iterator[Applied]:
    for patch in after:
        if patch["commit"]:
            before, tree = (_commit(repository, patch[name]).tree for name in ("parent", "commit"))
            data = questions.mail(patch["name"], _TRAILERS, store.diffs([(before, tree)])[0])
            yield Applied(mail.parse(patch["name"], data), before, tree, trees.changes(store, before, tree))


def _commit(repository: Repository, sha: str) -> Commit:
    info = repository.info(CommitId(sha))
    assert info is not None, f"{sha} is not there"
    return Commit(CommitId(sha), info.tree, info.time, info.date)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate.replay_deletions", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="the repository that holds the syncs' commits")
    parser.add_argument("--truth", type=Path, required=True, help="what the maintainers did (JSON)")
    parser.add_argument("--ids", type=Path, required=True, help="the syncs to replay, one name a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
