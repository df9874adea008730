"""The first files of a fork that is adopted: its path policy, its queue and overlay; they compose to the given tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forkkeeper.core import (
    compose,
    declaration,
    mail,
    merging,
    moves as relocations,
    overlay,
    queue as queues,
    report,
    template,
)
from forkkeeper.core.adopt import arranging, authors, cutting, keeping, words
from forkkeeper.core.adopt.ages import Map
from forkkeeper.core.adopt.arranging import Arrangement
from forkkeeper.core.adopt.authors import Authors
from forkkeeper.core.adopt.cutting import By, Cut, Key, Kind
from forkkeeper.core.adopt.nearest import Base
from forkkeeper.core.adopt.sketch import is_binary
from forkkeeper.core.adopt.words import Told
from forkkeeper.core.exchange.forms import name_for
from forkkeeper.core.ids import EMPTY_TREE, CommitId, TreeId, short
from forkkeeper.core.lines import Edit, apply, split
from forkkeeper.core.mail import Patch
from forkkeeper.core.operations import Deed
from forkkeeper.core.overlay import OverlayFile
from forkkeeper.core.planning import Commit
from forkkeeper.core.report import Block, Painted, Table
from forkkeeper.core.store import REGULAR, SYMLINK, Entry
from forkkeeper.errors import AnswerIsNo, RequestError
from forkkeeper.flow.recording import log_files, log_input
from forkkeeper.flow.standing import Setting, Stand, compose_at, open_upstream
from forkkeeper.shell import clock, disk
from forkkeeper.shell.disk import Found as File
from forkkeeper.shell.git import Scratch, Worktree
from forkkeeper.shell.git.chronicle import Chronicle
from forkkeeper.stages import project as projects, upstream as upstreams
from forkkeeper.stages.project import Project

STEP = "adopt"
PAGE = "ADOPTED.md"
_Entries = dict[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Past:
    """The fork's own history. path -- where in it the tree stands; None: at its top."""

    chronicle: Chronicle
    tip: CommitId
    path: str | None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fork is made of.

    root -- its folder; upstream -- the repository that it follows
    files, entries -- the tree, as bytes and as git has it
    notes -- those of its own files that tell of it
    page -- the map, as it stays with the fork
    """

    setting: Setting
    root: Path
    upstream: Path
    files: Mapping[str, File]
    entries: Mapping[str, Entry]
    notes: Mapping[str, bytes]
    by: By
    history: Past | None
    page: bytes


@dataclass(frozen=True, slots=True)
class Founded:
    """A fork that was made: what is said of it, and the same for JSON."""

    blocks: tuple[Block, ...]
    document: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Step:
    """A patch to be: what it says, what it does to paths, and its diff where that is not the plain one."""

    told: Told
    changes: _Entries
    diff: bytes | None = None


def found(store: Scratch, ground: Ground, seen: Map) -> Founded:
    """Make a fork whose composed tree is the given one, and save it. Raises AnswerIsNo where it is not."""
    root = ground.root
    root.mkdir(parents=True, exist_ok=True)
    text = template.declaration(root.name or "fork", ground.upstream.name.removesuffix(".git"), str(ground.upstream))
    opened = open_upstream(ground.setting, root, declaration.parse(text.encode()))
    pin = upstreams.hold(opened, seen.pin.sha, step=STEP)
    there = store.entries(pin.tree)
    placed = arranging.arrange(seen.findings, there)
    rules = keeping.rules(there, set(placed.sources.values()), set(placed.own))
    declared_text = (text + keeping.written(rules)).encode("utf-8", "surrogateescape")
    declared = declaration.parse(declared_text)
    base = compose.baseline(store, pin.tree, declared.path)
    steps = [*_placing(placed, there, seen), *_edits(store, ground, placed, base.entries)]
    patches = _patches(store, base.tree, steps, words.date(seen.pin))
    laid = {path: OverlayFile(ground.files[path].mode, ground.files[path].data) for path in placed.own}
    series = template.SERIES + "".join(f"{patch.name}\n" for patch in patches)
    queue = queues.read(series.encode(), {patch.name: patch.data for patch in patches}, step=STEP)
    project = Project(root, declared, None, queue, laid, b"", (), b"")
    made = compose_at(store, project, pin, step=STEP)
    wanted = store.graft(EMPTY_TREE, ground.entries)
    if made.tree != wanted:
        raise AnswerIsNo(
            STEP, short(wanted), f"what was made of it composes to {made.tree}; nothing was saved", "report this"
        )
    given = log_input(Stand(store, pin, made), project)
    files: dict[str, bytes | None] = {
        declaration.FILE: declared_text,
        f"{projects.PATCHES}/{queues.SERIES}": queue.series,
        **{f"{projects.PATCHES}/{patch.name}": patch.data for patch in patches},
        ".gitignore": b"/.forkkeeper/\n",
        merging.ATTRIBUTES: merging.with_lines(b""),
        PAGE: ground.page,
        **log_files(project, made, given),
    }
    _save(ground, files, laid)
    return _founded(ground, placed, patches, pin, made.tree, len(rules))


# the queue ----------------------------------------------------------------------------------------------------------


def _placing(placed: Arrangement, there: Mapping[str, Entry], seen: Map) -> list[_Step]:
    """Give the patches that bring upstream's files to where the fork has them, and to the versions it holds."""
    steps: list[_Step] = []
    moves = placed.moves
    if moves:
        changes: _Entries = dict.fromkeys(moves)
        changes |= {new: there[old] for old, new in moves.items()}
        steps.append(_Step(words.layout(moves), changes, relocations.diff(moves)))
    taken = {source: path for path, source in placed.sources.items()}
    for path, entry in [*placed.held.items(), *placed.brought.items()]:
        base = seen.findings[path]
        if not isinstance(base, Base):
            continue
        began, ended = seen.timeline.began(base.version), seen.timeline.ended(base.version)
        if path in placed.held:
            told = words.held(path, base.version, began, ended, seen.pin, placed.sources[path])
        else:
            others = [taken[base.here.path]] if base.here is not None and base.here.path in taken else []
            told = words.brought(path, base.version, began, others=others)
        steps.append(_Step(told, {path: entry}))
    return steps


def _edits(store: Scratch, ground: Ground, placed: Arrangement, baseline: Mapping[str, Entry]) -> list[_Step]:
    """Give the patches that hold the fork's own edits."""
    stands = {path: baseline[source] for path, source in placed.sources.items()} | {**placed.held, **placed.brought}
    wants = {path: ground.entries[path] for path in sorted(stands)}
    changed = {path: entry for path, entry in wants.items() if entry != stands[path]}
    ends = _line_ends(store, {path: (stands[path], entry) for path, entry in changed.items()})
    stands |= ends
    whole = {path: entry for path, entry in changed.items() if not _has_lines(store, stands[path], entry)}
    lined = [path for path in changed if path not in whole and changed[path].oid != stands[path].oid]
    found = store.alignments([(stands[path].oid, changed[path].oid) for path in lined])
    edits = dict(zip(lined, found, strict=True))
    past = _authors(ground.history, edits, {path: store.blob(stands[path].oid) for path in lined})
    cuts = {
        path: cutting.cut(path, split(store.blob(stands[path].oid)), edits[path], ground.by, past) for path in lined
    }
    last = {
        path: cutting.key(Kind.GROUP, cutting.group(path))
        for path, entry in changed.items()
        if (path not in cuts and entry != stands[path]) or entry.mode != stands[path].mode
    }
    keys = sorted({*cutting.stages(cuts), *last.values()})
    steps = [_Step(words.of_line_ends(sorted(ends)), dict(ends))] if ends else []
    for key in keys:
        paths = [path for path, cut in cuts.items() if key in cut.keys]
        changes: _Entries = {}
        for path in paths:
            text = b"".join(apply(cuts[path].base, cutting.upto(cuts[path], key)))
            changes[path] = Entry(stands[path].mode, store.put(text))
        for path in (path for path, one in last.items() if one == key):
            changes[path] = changed[path]
        mine = {
            path: [edit for edit, one in zip(cuts[path].edits, cuts[path].keys, strict=True) if one == key]
            for path in paths
        }
        steps.append(_Step(_told(ground, key, cuts, mine, sorted(changes), past), changes))
    return steps


def _line_ends(store: Scratch, pairs: Mapping[str, tuple[Entry, Entry]]) -> dict[str, Entry]:
    """Give what files become whose line ends alone are changed."""
    found = {}
    for path, (old, new) in pairs.items():
        if _has_lines(store, old, new):
            text = cutting.with_line_ends(store.blob(old.oid), store.blob(new.oid))
            if text is not None:
                found[path] = Entry(old.mode, store.put(text))
    return found


def _has_lines(store: Scratch, old: Entry, new: Entry) -> bool:
    return SYMLINK not in (old.mode, new.mode) and not any(is_binary(store.blob(one.oid)) for one in (old, new))


def _authors(past: Past | None, edits: Mapping[str, Sequence[Edit]], bases: Mapping[str, bytes]) -> Authors | None:
    """Look in the fork's own history for the lines that its edits add and remove."""
    if past is None:
        return None
    added: set[bytes] = set()
    removed: set[bytes] = set()
    for path, some in edits.items():
        lines = split(bases[path])
        for edit in some:
            added |= authors.telling(edit.lines)
            removed |= authors.telling(lines[edit.start : edit.end])
    return authors.parse(past.chronicle.changes(past.tip, [past.path] if past.path else []), added, removed)


def _told(
    ground: Ground,
    key: Key,
    cuts: Mapping[str, Cut],
    mine: Mapping[str, Sequence[Edit]],
    paths: Sequence[str],
    past: Authors | None,
) -> Told:
    """Say what is known of a patch with the fork's edits."""
    if key.kind is Kind.COMMIT and past is not None:
        return words.of_commit(past.commits[key.order])
    added = [line for some in mine.values() for edit in some for line in edit.lines]
    facts: dict[str, Sequence[str]] = {}
    if key.kind is Kind.ANNOTATION:
        facts["said where it is marked"] = words.annotated(added, key.name)
    facts["said in the tree's notes"] = [one for path in paths for one in words.naming(path, ground.notes)]
    facts["files"] = paths
    facts["it changes what begins with"] = [
        f"{path}: {head}" for path, some in mine.items() for head in cutting.headings(cuts[path].base, some, words.MOST)
    ]
    if key.kind is not Kind.ANNOTATION:
        facts["annotations in it"] = [
            f"[{name}] {count}x" for name, count in sorted(cutting.annotations(added).items())
        ]
    where = key.group or key.name
    if key.kind is Kind.ANNOTATION:
        return words.of_edits(f"{key.name}-{where}", f"{where}: edits marked [{key.name}]", facts)
    return words.of_edits(where, f"{where}: edits of the fork", facts)


def _patches(store: Scratch, tree: TreeId, steps: Sequence[_Step], date: str) -> tuple[Patch, ...]:
    """Write the patches, one upon the other."""
    pairs: list[tuple[TreeId, TreeId]] = []
    for step in steps:
        after = store.graft(tree, step.changes)
        pairs.append((tree, after))
        tree = after
    names: list[str] = []
    patches = []
    for step, diff in zip(steps, store.diffs(pairs), strict=True):
        names.append(name_for(step.told.name.replace("/", "-"), names))
        patches.append(mail.parse(names[-1], step.told.head(date) + (step.diff or diff)))
    return tuple(patches)


# saving -------------------------------------------------------------------------------------------------------------


def _save(ground: Ground, files: Mapping[str, bytes | None], laid: overlay.Overlay) -> None:
    """Write the overlay, then everything else as one transaction. Raises RequestError where git would not see it."""
    root, worktree = ground.root, Worktree(ground.root)
    names = [f"{overlay.FOLDER}/{path}" for path in laid]
    ignored = worktree.ignored(names) if names and worktree.exists else ()
    if ignored:
        hint = "`git check-ignore -v PATH` there says by which rule; take that rule out, then run this again"
        raise RequestError(STEP, ", ".join(sorted(ignored)[:3]), "git ignores it, so that no clone would have it", hint)
    with projects.alone(root, doing=STEP):
        special = {path: file for path, file in laid.items() if file.mode != REGULAR}
        for path, file in special.items():  # a transaction keeps modes, and cannot make them
            disk.place(root, f"{overlay.FOLDER}/{path}", file.mode, file.data)
        plain = {f"{overlay.FOLDER}/{path}": file.data for path, file in laid.items() if path not in special}
        projects.write(root, {**files, **plain}, Deed(ground.setting.typed, clock.now()))


def _founded(
    ground: Ground, placed: Arrangement, patches: Sequence[Patch], pin: Commit, tree: TreeId, rules: int
) -> Founded:
    rows = tuple((patch.name, str(len(patch.paths)), *_size(patch), patch.subject) for patch in patches)
    held, edits = len(placed.held) + len(placed.brought), len(patches)
    edits -= held + bool(placed.moves)
    layout = "1 for the layout, " if placed.moves else ""
    rest = f"{report.count(len(placed.own), 'file')} in {overlay.FOLDER}/, {report.count(rules, 'path rule')}."
    said = (
        f"{report.count(len(patches), 'patch')}: {layout}{held:,} that hold an upstream version, {edits:,} with the "
        f"fork's edits; {rest}"
    )
    blocks: tuple[Block, ...] = (
        Table(("patch", "files", "+", "-"), tuple(row[:4] for row in rows)),
        "",
        said,
        Painted(f"The composed tree is the given one: {tree}", "green"),
        f"saved in {ground.root}; {PAGE} has a line for each file",
        "next: go there, `git init` where it is not one yet, `git add -A && git commit`, then `forkkeeper status`",
    )
    document: dict[str, object] = {
        "pin": pin.sha,
        "tree": tree,
        "patches": [
            {"name": name, "files": int(files), "added": int(added), "removed": int(removed), "subject": subject}
            for name, files, added, removed, subject in rows
        ],
        "held": sorted(placed.held),
        "brought": sorted(placed.brought),
        "moved": {new: old for old, new in sorted(placed.moves.items())},
        "overlay": list(placed.own),
        "rules": rules,
    }
    return Founded(blocks, document)


def _size(patch: Patch) -> tuple[str, str]:
    return str(sum(file.added for file in patch.files)), str(sum(file.removed for file in patch.files))
