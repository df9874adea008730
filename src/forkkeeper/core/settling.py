"""Settling what git's merge of a patch left open: the ladder, place by place, and moved code over the whole tree.

What is answered is carried, whatever becomes of the rest: a patch is its hunks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forkkeeper.core import lines, threeway
from forkkeeper.core.compose import Applied
from forkkeeper.core.ids import TreeId
from forkkeeper.core.ladder import climb, counters, elsewhere, moved, present, removed
from forkkeeper.core.ladder.moved import Placement, Site, Text
from forkkeeper.core.ladder.rung import Answer, Trust
from forkkeeper.core.lines import Edit, Lines
from forkkeeper.core.store import EXECUTABLE, REGULAR, Conflict, Contest, Entries, Entry, Refused, Store
from forkkeeper.core.threeway import Place, Sure

_LARGEST = 8_000_000  # bytes of a file in which moved code is looked for
_SURE = 0.8  # share of the surrounding lines that makes a moved and changed place more than a guess
_AROUND = 8  # lines on each side of an edit by which the files are found that may hold it
_KEYS = 5  # how many of them, the longest, and one right beside the edit on each side
_MOST_SHOWN = 40  # lines of a place up to which all of it is shown
NO_PLACE = "no-place"  # shown as the rule where git's merge stopped, and left no place open to answer


@dataclass(frozen=True, slots=True)
class Resolution:
    """One place that a rule resolved.

    line -- where it begins in the file as upstream has it, from 1
    base, ours, theirs -- its lines as they were, as upstream has them, as the patch has them
    """

    path: str
    line: int
    base: Lines
    ours: Lines
    theirs: Lines
    answer: Answer


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a merge that git could not finish.

    tree -- with all that was answered, and upstream's text where nothing was
    resolved -- in the order of paths and lines
    left -- the places that no rule answers
    gone -- the patch's edits of code that upstream removed; left out, which is a guess
    modes -- modes that the patch gives, and that are left out, which is a guess, a sentence each
    unsettled -- paths of which a place cannot be told: binary files, links, modes
    """

    tree: TreeId
    resolved: tuple[Resolution, ...] = ()
    left: tuple[Conflict, ...] = ()
    gone: tuple[Conflict, ...] = ()
    unsettled: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every place has an answer, be it a guess."""
        return not self.left and not self.unsettled

    @property
    def is_likely(self) -> bool:
        """Whether every place has an answer that is more than a guess."""
        return self.is_whole and not self.doubts

    @property
    def doubts(self) -> tuple[str, ...]:
        """The reasons why its guesses are no more than that."""
        said = (one.answer.why for one in self.resolved if one.answer.trust is Trust.GUESS)
        gone = (f"upstream removed the code that it changes near {one.path}:{one.line}; left out" for one in self.gone)
        return tuple(dict.fromkeys((*said, *gone, *self.modes)))

    @property
    def rule(self) -> str:
        """The rules that resolved it, each once, joined by `+`."""
        return "+".join(dict.fromkeys(name for one in self.resolved for name in one.answer.rule.split("+")))


@dataclass(frozen=True, slots=True)
class _Lost:
    """A place that the ladder left open. base -- the whole file before the patch."""

    path: str
    base: Lines
    place: Place


@dataclass(slots=True)
class _Desk:
    """What lies on the desk while a patch is settled: new contents by path (None: removed), and what is still open."""

    contents: dict[str, Lines | None] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    resolved: list[Resolution] = field(default_factory=list)
    lost: list[_Lost] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    left_modes: list[str] = field(default_factory=list)


def settle(store: Store, step: Applied, now: Entries, refused: Refused) -> Settlement:
    """Answer what can be answered of a refused merge. now -- the paths of the tree that the patch is carried to."""
    desk = _Desk()
    for contest in refused.contests:
        _settle_path(store, step, contest, desk)
    desk.resolved += [_unplaced(path, why) for path, why in refused.unplaced]
    partly = refused.partly or step.before
    left, gone = _relocate(store, step, partly, desk) if desk.lost else ((), ())
    grafts: dict[str, Entry | None] = {path: now.get(path) for path in desk.unsettled}
    for path, content in desk.contents.items():
        mode = desk.modes.get(path) or (now[path].mode if path in now else REGULAR)
        grafts[path] = None if content is None else Entry(mode, store.put(b"".join(content)))
    resolved = sorted(desk.resolved, key=lambda one: (one.path, one.line))
    tree = store.graft(partly, grafts)
    return Settlement(tree, tuple(resolved), left, gone, tuple(desk.unsettled), tuple(desk.left_modes))


def _unplaced(path: str, why: str) -> Resolution:
    """Take what git's merge makes of a conflict that it names, and for which it leaves nothing open. A guess always."""
    return Resolution(path, 1, (), (), (), Answer(NO_PLACE, (), why, Trust.GUESS))


# one path -----------------------------------------------------------------------------------------------------------


def _settle_path(store: Store, step: Applied, contest: Contest, desk: _Desk) -> None:
    """Settle one path, as far as that goes."""
    path = contest.path
    present_sides = [entry for entry in (contest.base, contest.ours, contest.theirs) if entry is not None]
    if contest.is_nested or any(_text(store, entry) is None for entry in present_sides):
        desk.unsettled.append(path)
        return
    match contest:
        case Contest(base=Entry() as base, ours=Entry() as ours, theirs=Entry() as theirs):
            _settle_text(store, path, (base, ours, theirs), desk)
        case Contest(base=Entry() as base, ours=None, theirs=Entry() as theirs):
            (their,) = store.alignments([(base.oid, theirs.oid)])
            whole = _text(store, base) or ()
            place = Place(0, 0, whole, (), lines.apply(whole, their), (Edit(0, len(whole), ()),), their)
            desk.contents[path] = None
            desk.lost.append(_Lost(path, whole, place))
            if base.mode != theirs.mode:
                desk.left_modes.append(
                    f"upstream removed {path}, which the patch makes {_mode(theirs)}: that is left out"
                )
        case Contest(base=Entry() as base, ours=Entry() as ours, theirs=None):
            answer = _without(path, step.patch.paths)
            desk.contents[path] = None
            desk.resolved.append(Resolution(path, 1, _text(store, base) or (), _text(store, ours) or (), (), answer))
        case Contest(base=None, ours=Entry() as ours, theirs=Entry() as theirs):
            _settle_added(path, _text(store, ours) or (), _text(store, theirs) or (), desk)
            if ours.mode != theirs.mode:
                desk.left_modes.append(
                    f"upstream adds {path}, too, which the patch makes {_mode(theirs)}: that is left out"
                )
        case _:
            desk.unsettled.append(path)


def _mode(entry: Entry) -> str:
    return "executable" if entry.mode == EXECUTABLE else "a file that is not executable"


def _without(path: str, own: Sequence[str]) -> Answer:
    """Remove a file as the patch does; under another name only as a guess, as git may have paired two files wrongly."""
    if path in own:
        return Answer(removed.RULE, (), "the patch removes the file, and upstream changed it")
    return Answer(removed.RULE, (), f"the patch removes a file that upstream, git says, moved to {path}", Trust.GUESS)


def _settle_added(path: str, mine: Lines, their: Lines, desk: _Desk) -> None:
    """Take upstream's file where both sides add one and upstream's holds the patch's."""
    place = Place(0, 0, (), mine, their, (Edit(0, 0, mine),), (Edit(0, 0, their),))
    answer = present.resolve(place)
    if answer is None:
        desk.unsettled.append(path)
    else:
        desk.contents[path] = mine
        desk.resolved.append(Resolution(path, 1, (), mine, their, answer))


def _text(store: Store, entry: Entry) -> Lines | None:
    """Give a file's lines; None for what is no text file."""
    if entry.mode not in (REGULAR, EXECUTABLE):
        return None
    data = store.blob(entry.oid)
    return None if b"\0" in data else lines.split(data)


def _settle_text(store: Store, path: str, sides: tuple[Entry, Entry, Entry], desk: _Desk) -> None:
    """Climb the ladder for each place of a file."""
    base, ours, theirs = sides
    if base.mode != ours.mode and theirs.mode not in (base.mode, ours.mode):
        desk.unsettled.append(path)
        return
    whole = _text(store, base) or ()
    mine, their = store.alignments([(base.oid, ours.oid), (base.oid, theirs.oid)])
    made: list[bytes] = []
    pieces = threeway.merge(whole, mine, their)
    if all(isinstance(piece, Sure) for piece in pieces):
        why = f"git finds a conflict in {path}, and a finer comparison finds none"
        desk.resolved.append(_unplaced(path, why))
    for piece in pieces:
        if isinstance(piece, Sure):
            made += piece.lines
            continue
        answer = climb.climb(piece)
        if answer is None:
            desk.lost.append(_Lost(path, whole, piece))
            made += piece.ours
        else:
            desk.resolved.append(Resolution(path, piece.line + 1, piece.base, piece.ours, piece.theirs, answer))
            made += answer.lines
    desk.contents[path] = tuple(made)
    desk.modes[path] = theirs.mode if ours.mode == base.mode else ours.mode


def count_on(path: str, data: bytes, counted: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, list[Resolution]]:
    """Write counts that both sides changed alike with both changes made.

    counted -- lines as both sides have them, and as they are to be (`counters.counted_once`)
    """
    made: list[bytes] = []
    resolved: list[Resolution] = []
    totals = dict(counted)
    for number, line in enumerate(lines.split(data), start=1):
        text = line.rstrip(b"\r\n")
        total = totals.get(text)
        made.append(line if total is None else total + line[len(text) :])
        if total is not None:
            answer = Answer(counters.RULE, (made[-1],), counters.WHY if total != text else counters.IN_DOUBT)
            resolved.append(Resolution(path, number, (), (line,), (line,), answer))
    return b"".join(made), resolved


# code that has moved ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Shelf:
    """The files in which moved code may stand: those that upstream changed or added, and those on the desk.

    before, now -- those files, before the patch and on the new side
    """

    store: Store
    before: Mapping[str, Entry]
    now: Mapping[str, Entry]
    contents: Mapping[str, Lines | None]
    _data: dict[str, bytes] = field(default_factory=dict)
    _texts: dict[str, Text] = field(default_factory=dict)
    _were: dict[str, Text] = field(default_factory=dict)

    def holding(self, keys: Iterable[bytes], own: str) -> dict[str, Site]:
        """Give the files that hold one of some lines, by path; `own` is the file that the lines are from."""
        wanted = [key for key in keys if key]
        read = {path: self._read(path) for path in self._paths()} if wanted else {}
        found = sorted({path for key in wanted for path, data in read.items() if key in data})
        return {path: Site(self.text(path), self._was(path), is_own=path == own) for path in found}

    def _was(self, path: str) -> Text:
        """Give a file as it was before upstream changed it; nothing where it is new, or no text."""
        if path not in self._were:
            entry = self.before.get(path)
            text = _text(self.store, entry) if entry is not None else None
            self._were[path] = moved.read(text or ())
        return self._were[path]

    def text(self, path: str) -> Text:
        """Give a file, ready for being looked through."""
        if path not in self._texts:
            self._texts[path] = moved.read(lines.split(self._read(path)))
        return self._texts[path]

    def _paths(self) -> list[str]:
        changed = [
            path
            for path, entry in self.now.items()
            if path not in self.contents and entry.mode in (REGULAR, EXECUTABLE)
        ]
        return sorted([*changed, *(path for path, content in self.contents.items() if content is not None)])

    def _read(self, path: str) -> bytes:
        """Read a file; nothing where it is no text, or too large."""
        if path not in self._data:
            content = self.contents.get(path)
            data = self.store.blob(self.now[path].oid) if content is None else b"".join(content)
            self._data[path] = b"" if b"\0" in data or len(data) > _LARGEST else data
        return self._data[path]


def _relocate(
    store: Store, step: Applied, partly: TreeId, desk: _Desk
) -> tuple[tuple[Conflict, ...], tuple[Conflict, ...]]:
    """Place the edits that lost their place where their lines stand now; gives those still open, and those gone."""
    changes = store.changes(step.before, partly)
    before = {change.path: change.old for change in changes if change.old is not None}
    now = {change.path: change.new for change in changes if change.new is not None}
    shelf = _Shelf(store, before, now, desk.contents)
    left: list[Conflict] = []
    gone: list[Conflict] = []
    placements: list[Placement] = []
    for lost in desk.lost:
        for own in lost.place.their_edits:
            edit = Edit(lost.place.at + own.start, lost.place.at + own.end, own.lines)
            found = _placed(shelf, lost, edit)
            if found is not None:
                placed, answer = found
                placements += placed
                desk.resolved.append(
                    Resolution(lost.path, lost.place.line + 1, lost.base[edit.start : edit.end], (), edit.lines, answer)
                )
            elif lost.place.ours:
                left.append(_open(lost, edit))
            else:
                gone.append(_open(lost, edit))
    for path in sorted({placement.path for placement in placements}):
        edits = moved.together(placements, path)
        if edits is None:
            left += [Conflict(path, one.edit.start + 1, (), (), _shown(one.edit.lines)) for one in placements]
        else:
            desk.contents[path] = lines.apply(shelf.text(path).lines, edits)
    return tuple(left), tuple(gone)


def _placed(shelf: _Shelf, lost: _Lost, edit: Edit) -> tuple[list[Placement], Answer] | None:
    """Find where an edit goes: where its lines stand as they were, or a little changed, or where its words stand."""
    sites = shelf.holding(_keys(lost.base, edit), lost.path)
    return (
        _as_it_was(lost.base, edit, sites)
        or _changed_on_the_way(lost.base, edit, sites)
        or (_word_by_word(lost, edit, shelf) if lost.path in shelf.contents and lost.place.ours else None)
    )


def _keys(base: Lines, edit: Edit) -> list[bytes]:
    """Give the lines by which the files are found that may hold an edit: the longest right beside it, and around."""
    least = moved.LEAST_CONTEXT
    sides = (base[max(edit.start - least, 0) : edit.start], base[edit.end : edit.end + least])
    beside = [
        max((line.strip() for line in side if lines.says_something(line)), key=len, default=b"") for side in sides
    ]
    around = {line.strip() for line in base[max(edit.start - _AROUND, 0) : edit.end + _AROUND]}
    return [*beside, *sorted(around, key=lambda line: (-len(line), line))[:_KEYS]]


def _as_it_was(base: Lines, edit: Edit, sites: Mapping[str, Site]) -> tuple[list[Placement], Answer] | None:
    placement = moved.find(base, edit, sites)
    if placement is None:
        return None
    what = "the code that it changes" if placement.is_sure else "the code on one side of it"
    why = f"{what} stands in {placement.path}, line {placement.edit.start + 1} now, and nowhere else"
    trust = Trust.LIKELY if placement.is_sure else Trust.GUESS
    return [placement], Answer(moved.RULE, placement.edit.lines, why, trust)


def _changed_on_the_way(base: Lines, edit: Edit, sites: Mapping[str, Site]) -> tuple[list[Placement], Answer] | None:
    window = moved.near(base, edit, sites)
    answer = climb.line_by_line(Place(0, 0, window.base, window.ours, window.theirs, (), ())) if window else None
    if window is None or answer is None:
        return None
    where = f"{window.path}, lines {window.start + 1} to {window.end}"
    why = f"most of the code around it stands in {where} now ({window.agree:.0%}); there: {answer.why}"
    trust = answer.trust if window.agree >= _SURE else Trust.GUESS
    placement = Placement(window.path, Edit(window.start, window.end, answer.lines))
    return [placement], Answer(f"{moved.RULE}+{answer.rule}", answer.lines, why, trust)


def _word_by_word(lost: _Lost, edit: Edit, shelf: _Shelf) -> tuple[list[Placement], Answer] | None:
    """Change words of the file wherever they stand in it now."""
    found = elsewhere.changes(lost.base, edit)
    edits = elsewhere.make(found, shelf.text(lost.path).lines) if found else ()
    if not edits:
        return None
    why = f"the words that it changes stand in {len(edits)} other lines of {lost.path} now"
    placements = [Placement(lost.path, one, is_sure=False) for one in edits]
    return placements, Answer(elsewhere.RULE, edit.lines, why, Trust.GUESS)


def _open(lost: _Lost, edit: Edit) -> Conflict:
    """Show one edit of the patch at a place that no rule answers; of a large place what is around the edit."""
    place = lost.place
    if len(place.their_edits) == 1 and len(place.base) <= _MOST_SHOWN:
        base, theirs = place.base, place.theirs
    else:
        head, tail = lost.base[max(edit.start - 2, 0) : edit.start], lost.base[edit.end : edit.end + 2]
        base, theirs = (*head, *lost.base[edit.start : edit.end], *tail), (*head, *edit.lines, *tail)
    return Conflict(lost.path, place.line + 1, _shown(base), _shown(place.ours), _shown(theirs))


def _shown(found: Lines) -> tuple[str, ...]:
    return tuple(line.decode("utf-8", "replace").rstrip("\r\n") for line in found)
