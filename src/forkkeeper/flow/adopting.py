"""`adopt`: a tree whose changes are interleaved with old upstream code, seen file by file, and made a fork."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import paths, report, shown
from forkkeeper.core.adopt import ages, sketch, words
from forkkeeper.core.adopt.ages import Map
from forkkeeper.core.adopt.cutting import By
from forkkeeper.core.adopt.nearest import Age, Base, Own
from forkkeeper.core.adopt.timeline import Moment, Timeline
from forkkeeper.core.ids import CommitId, short
from forkkeeper.core.planning import printable
from forkkeeper.core.report import Block, Painted, Report
from forkkeeper.errors import RequestError
from forkkeeper.flow import founding
from forkkeeper.flow.founding import Founded, Ground
from forkkeeper.flow.standing import Setting, not_with
from forkkeeper.shell import disk
from forkkeeper.shell.disk import Found as File
from forkkeeper.shell.git import Repository, Scratch, git_dir_of
from forkkeeper.shell.git.chronicle import Chronicle
from forkkeeper.stages import versions
from forkkeeper.stages.versions import Found

STEP = "adopt"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Adoption:
    """What is to be adopted.

    tree, upstream -- the folder, and the repository with upstream's history
    into -- the folder of the new fork; None: only the report
    upto -- the newest upstream commit that counts; pin -- the one to stand on (None: the majority base)
    by -- how the edits are cut into patches: group, annotation or history
    history, history_path -- the fork's own repository, and where in it the tree stands
    """

    tree: str
    upstream: str
    into: str | None = None
    upto: str | None = None
    pin: str | None = None
    by: str | None = None
    history: str | None = None
    history_path: str | None = None


def adopt(setting: Setting, ask: Adoption) -> Report:
    """Find each file's base in upstream's history, and make a fork of the tree where a folder for it is named."""
    by = _by(ask)
    folder = setting.here / ask.tree
    files = _files(folder, ask)
    target = _target(setting, ask, folder)
    with contextlib.ExitStack() as stack:
        repository, tip = _upstream(setting, ask.upstream, ask.upto, option="upstream")
        stack.callback(repository.close)
        past = _history(setting, ask, stack)
        chronicle = stack.enter_context(_chronicle(repository.git_dir))
        timeline = versions.read_line(chronicle, tip)
        pin = _pin(repository, timeline, ask.pin)
        store = stack.enter_context(Scratch([repository.objects]))
        entries = versions.tree_files(store, files)
        notes = {path: file.data for path, file in files.items() if words.is_note(path)}
        declared = _declared(timeline, notes)
        found = versions.search(
            store, chronicle, timeline, entries, declared=declared, pin=pin, on_progress=setting.on_progress
        )
        seen = Map(timeline, found.place, found.findings, _lines(files))
        head = _head(seen, found, declared, ask)
        founded = None
        if target is not None:
            ground = Ground(
                setting=setting,
                root=target,
                upstream=Path(os.path.abspath(setting.here / Path(ask.upstream).expanduser())),  # noqa: PTH100 -- links stay
                files=files,
                entries=entries,
                notes={path: text for path, text in notes.items() if isinstance(found.findings[path], Own)},
                by=by,
                history=past,
                page=ages.page(seen, head),
            )
            founded = founding.found(store, ground, seen)
        return _report(seen, found, head, founded, declared)


def _by(ask: Adoption) -> By:
    by = By.HISTORY if ask.history is not None and ask.by is None else None
    if by is None:
        known = {one.value: one for one in By}
        by = known.get(ask.by or By.GROUP.value)
        if by is None:
            raise RequestError(STEP, f"--by {ask.by}", "is not known", f"known are {', '.join(known)}")
    if by is By.HISTORY and ask.history is None:
        raise RequestError(STEP, "--by history", "needs the fork's own repository", "add --history REPO")
    if by is not By.HISTORY and ask.history is not None:
        raise not_with("--history", f"--by {by.value}")
    if ask.history_path is not None and ask.history is None:
        raise RequestError(STEP, "--history-path", "is a path in the fork's own repository", "add --history REPO")
    return by


def _files(folder: Path, ask: Adoption) -> dict[str, File]:
    """Read the tree. Raises RequestError for what is none."""
    shown = f"--tree {ask.tree}"
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise RequestError(STEP, shown, what, "give the folder that holds upstream's files in your fork")
    files = disk.files_below(folder, but=".git")
    if not files:
        raise RequestError(STEP, shown, "holds no file", "give the folder that holds upstream's files in your fork")
    for path in files:
        if wrong := paths.fault(path):
            raise RequestError(STEP, f"{shown}/{printable(path)}", f"path {wrong}", "rename or remove the file")
    return files


def _target(setting: Setting, ask: Adoption, tree: Path) -> Path | None:
    """Give the folder of the new fork. Raises RequestError where there is anything in it."""
    if ask.into is None:
        return None
    target, shown = (setting.here / ask.into).resolve(), f"--into {ask.into}"
    if target.is_relative_to(tree.resolve()):
        raise RequestError(STEP, shown, "lies in the tree that is adopted", "give a folder beside it")
    if target.exists() and not target.is_dir():
        raise RequestError(STEP, shown, "is a file", "give a folder that is empty or not there yet")
    there = sorted(path.name for path in target.iterdir() if path.name != ".git") if target.is_dir() else []
    if there:
        named = ", ".join(there[:3]) + (", …" if len(there) > 3 else "")
        hint = "give a folder that is empty or not there yet, or one with a fresh `git init`"
        raise RequestError(STEP, shown, f"is not empty: {named}; nothing was written", hint)
    return target


def _upstream(setting: Setting, given: str, revision: str | None, *, option: str) -> tuple[Repository, CommitId]:
    """Open a repository, and find the commit up to which its history counts. Raises RequestError."""
    shown, place = f"--{option} {given}", setting.here / Path(given).expanduser()
    git_dir = git_dir_of(place) if place.is_dir() else None
    if git_dir is None:
        what = "is no git repository" if place.exists() else "there is no such folder"
        raise RequestError(STEP, shown, what, "give a clone with the whole history: `git clone URL`, then its path")
    repository = Repository(git_dir)
    if repository.is_shallow:
        hint = "`git fetch --unshallow` there, then run this again"
        raise RequestError(STEP, shown, "is a shallow clone: most versions of its files are not there", hint)
    tip = repository.commit_named(revision or "HEAD")
    if tip is None and revision is None:
        raise RequestError(STEP, shown, "has no commit at HEAD", "give --upto BRANCH, or a clone that has commits")
    if tip is None:
        raise RequestError(
            STEP, f"--upto {revision}", f"names no commit of {given}", "give a commit, tag or branch of it"
        )
    return repository, tip


@contextlib.contextmanager
def _chronicle(git_dir: Path) -> Iterator[Chronicle]:
    chronicle = Chronicle(git_dir)
    try:
        yield chronicle
    finally:
        chronicle.close()


def _history(setting: Setting, ask: Adoption, stack: contextlib.ExitStack) -> founding.Past | None:
    if ask.history is None:
        return None
    repository, tip = _upstream(setting, ask.history, None, option="history")
    stack.callback(repository.close)
    return founding.Past(stack.enter_context(_chronicle(repository.git_dir)), tip, ask.history_path)


def _pin(repository: Repository, timeline: Timeline, given: str | None) -> int | None:
    """Find the pin on the line. Raises RequestError."""
    if given is None:
        return None
    commit = repository.commit_named(given)
    place = timeline.place(commit) if commit is not None else None
    if place is None:
        what = "names no commit of upstream's" if commit is None else "is not on the first-parent line of upstream's"
        raise RequestError(
            STEP, f"--pin {given}", what, "give one that `git log --first-parent` lists; or --upto BRANCH"
        )
    return place


def _declared(timeline: Timeline, notes: Mapping[str, bytes]) -> int | None:
    """Find the upstream commit that the tree's notes name as its base: the first that is on the line."""
    for sha in words.claimed(notes.values()):
        found = [at for at, moment in enumerate(timeline.line) if moment.sha.startswith(sha)]
        if len(found) == 1:
            return found[0]
    return None


def _lines(files: Mapping[str, File]) -> dict[str, int]:
    return {path: file.data.count(b"\n") for path, file in files.items() if not sketch.is_binary(file.data)}


def _head(seen: Map, found: Found, declared: int | None, ask: Adoption) -> list[str]:
    """Say what was found in sentences."""
    counts, line = seen.counts(), seen.timeline.line
    with_base, own = sum(counts.values()), len(seen.findings) - sum(counts.values())
    behind = len(line) - 1 - seen.place
    which = "pin" if ask.pin else "majority base"
    lines = [
        f"{report.count(len(seen.findings), 'file')}: {with_base:,} with upstream history, {own:,} without.",
        f"{which}: {_said(seen.pin)}, {report.count(behind, 'commit')} before {_said(line[-1])}.",
        f"Of the {with_base:,}, {counts[Age.SAME]:,} are closest to it, {counts[Age.OLDER]:,} to an older and "
        f"{counts[Age.NEWER]:,} to a newer version; {counts[Age.ABSENT]:,} do not exist there.",
    ]
    if declared is not None:
        same = sum(
            isinstance(one, Base) and any(v.gap(declared) == 0 for v in one.equal) for one in seen.findings.values()
        )
        is_it = (
            "That is what the tree's notes name."
            if declared == seen.place
            else (f"The tree's notes name {_said(line[declared])}, to which {same:,} are closest.")
        )
        lines.append(is_it)
    if found.missing:
        lines.append(
            f"{report.count(found.missing, 'version')} of upstream's could not be read: this clone lacks them."
        )
    return lines


def _said(moment: Moment) -> str:
    return f"{short(moment.sha)} of {moment.date}"


def _report(seen: Map, found: Found, head: list[str], founded: Founded | None, declared: int | None) -> Report:
    table, parts = ages.table(seen)
    key = "own: no upstream history; old: base is not the pin's; late: commits of the oldest base to the pin"
    blocks: list[Block] = [*head, "", table, "", *(Painted(line, "dim") for line in shown.wrapped(key, 78))]
    if parts > len(table.rows):
        blocks.append(Painted(f"{parts:,} folders in all; --json has them, and a line for each file", "dim"))
    if founded is None:
        blocks += ["", "next: add --into DIR to make a fork of it; --json FILE has a line for each file"]
    else:
        blocks += ["", *founded.blocks]
    tip = seen.timeline.line[-1]
    document = {
        "schema": SCHEMA,
        "verb": STEP,
        "exit": 0,
        "upstream": {"tip": tip.sha, "date": tip.date, "commits": len(seen.timeline.line), "unread": found.missing},
        "pin": {"sha": seen.pin.sha, "date": seen.pin.date},
        "majority": {"sha": seen.timeline.line[found.majority].sha},
        "declared": None if declared is None else seen.timeline.line[declared].sha,
        **ages.document(seen),
        "fork": None if founded is None else founded.document,
    }
    return Report(tuple(blocks), document=json.dumps(document, indent=1) + "\n")
