"""The log of operations: where one stands follows from it, and undo and redo are each other's opposite."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import operations
from forkkeeper.core.operations import Changed, Deed, Kind, Operation
from forkkeeper.errors import RequestError

NAMES = ("a", "patches/b.patch", "fork.lock")
Files = dict[str, bytes]
STEPS = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), st.binary(max_size=2)), min_size=1),
        st.sampled_from([Kind.UNDO, Kind.REDO]),
    ),
    max_size=40,
)
Step = dict[str, bytes | None] | Kind


class Keeper:
    """A fork of a few files in memory, which saves, undoes and redoes by the log alone, trimmed after each step."""

    def __init__(self, kept: int = operations.KEPT) -> None:
        """Begin with no file."""
        self.files: Files = {}
        self.log: list[Operation] = []
        self.kept = kept
        self.contents: dict[str | None, bytes | None] = {None: None}
        self.begun = 0

    def save(self, wanted: dict[str, bytes | None], kind: Kind = Kind.DO, of: int | None = None) -> None:
        """Change files, as one operation."""
        self.begun += 1
        changed = []
        for name, data in wanted.items():
            now = self.files.pop(name, None)
            changed.append(Changed(name, operations.digest(now), operations.digest(data)))
            self.contents |= {operations.digest(now): now, operations.digest(data): data}
            self.files |= {} if data is None else {name: data}
        self.log.append(operations.record(Deed(("x",), "", kind, of), self.begun, changed))
        gone = operations.superfluous(self.log, self.kept)
        self.log = [operation for operation in self.log if operation.number not in gone]

    def go(self, kind: Kind) -> bool:
        """Undo or redo; says whether there was anything."""
        stands = operations.position(self.log)
        stack = stands.done if kind is Kind.UNDO else stands.undone
        if not stack:
            return False
        (operation,) = (each for each in self.log if each.number == stack[-1])
        files = operations.swapped(operation.files) if kind is Kind.UNDO else operation.files
        assert all(operations.digest(self.files.get(each.name)) == each.before for each in files)
        self.save({each.name: self.contents[each.after] for each in files}, kind, operation.number)
        return True

    def follow(self, steps: Sequence[Step]) -> None:
        """Do one step after the other."""
        for step in steps:
            if isinstance(step, Kind):
                self.go(step)
            else:
                self.save(step)


@given(STEPS)
def test_undoing_all_gives_the_beginning(steps: list[Step]) -> None:
    """Whatever was done, undone and redone: as many undos as the position says lead to the first state."""
    keeper = Keeper()
    keeper.follow(steps)
    for _ in operations.position(keeper.log).done:
        assert keeper.go(Kind.UNDO)
    assert keeper.files == {}
    assert not keeper.go(Kind.UNDO)


@given(STEPS, st.integers(1, 5))
def test_redo_takes_an_undo_back(steps: list[Step], times: int) -> None:
    """After any number of undos as many redos lead to the same files and the same position."""
    keeper = Keeper()
    keeper.follow(steps)
    files, stands = dict(keeper.files), operations.position(keeper.log)
    gone = sum(keeper.go(Kind.UNDO) for _ in range(times))
    assert sum(keeper.go(Kind.REDO) for _ in range(gone)) == gone
    assert keeper.files == files
    assert operations.position(keeper.log) == stands


@given(STEPS)
def test_the_position_is_that_of_two_stacks(steps: list[Step]) -> None:
    """A do pushes and leaves nothing to redo, an undo pops, a redo pushes back."""
    keeper = Keeper()
    done: list[int] = []
    undone: list[int] = []
    for step in steps:
        keeper.follow([step])
        match step:
            case Kind.UNDO if done:
                undone.append(done.pop())
            case Kind.REDO if undone:
                done.append(undone.pop())
            case Kind():
                pass
            case dict():
                done.append(keeper.begun)
                undone.clear()
        assert operations.position(keeper.log) == operations.Position(tuple(done), tuple(undone))


@given(STEPS, st.integers(1, 6))
def test_trimming_forgets_only_what_is_old(steps: list[Step], kept: int) -> None:
    """With few records kept one stands where one would with all, only that the oldest cannot be undone any more."""
    short, whole = Keeper(kept), Keeper()
    for step in steps:
        enough = len(operations.position(short.log).done) >= kept
        short.follow([step])
        whole.follow([step])
        if short.begun != whole.begun:  # an undo for which nothing was left
            break
        stands, full = operations.position(short.log), operations.position(whole.log)
        assert stands.undone == full.undone
        assert stands.done == full.done[len(full.done) - len(stands.done) :]
        assert not enough or isinstance(step, Kind) or len(stands.done) >= kept
        assert {operation.number for operation in whole.log[-kept:]} <= {operation.number for operation in short.log}
        assert operations.superfluous(short.log, kept) == ()
        assert len(short.log) <= 5 * kept + 5


def test_a_log_of_undos_alone_does_not_lose_what_they_undo() -> None:
    """An old operation that is undone and redone again and again stays, however long the log grows."""
    keeper = Keeper(kept=3)
    keeper.save({"a": b"1"})
    for _ in range(20):
        assert keeper.go(Kind.UNDO)
        assert keeper.files == {}
        assert keeper.go(Kind.REDO)
    assert len(keeper.log) <= 5


@given(STEPS)
def test_a_record_is_read_as_it_was_written(steps: list[Step]) -> None:
    """Writing and reading a record changes nothing."""
    keeper = Keeper()
    keeper.follow(steps)
    for operation in keeper.log:
        assert operations.parse(operations.format_operation(operation), "x") == operation


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "damaged"),
        (b"\xff", "damaged"),
        (b"{}", "missing required field"),
        (msgspec.json.encode(operations.record(Deed((), ""), 1, [Changed("../x", None, None)])), "leaves the tree"),
        (msgspec.json.encode(Operation(9, 1, Kind.DO, None, (), "", ())), "schema is 9"),
    ],
)
def test_a_damaged_record_is_refused(data: bytes, found: str) -> None:
    """What is no record is named with its place, what is wrong, and what to do."""
    with pytest.raises(RequestError, match=found) as caught:
        operations.parse(data, ".forkkeeper/operations/000001")
    assert ".forkkeeper/operations/000001/operation.json" in str(caught.value)
    assert caught.value.hint


def test_what_changed_is_told_by_titles() -> None:
    """The pin comes first, then patches by title, then other files, each with what became of it."""
    files = [
        Changed("patches/mine.patch", None, "1"),
        Changed("patches/yours.patch", "1", None),
        Changed("patches/series", "1", "2"),
        Changed("patches/parked/old.patch", None, "1"),
        Changed("fork.lock", "1", "2"),
    ]
    assert operations.told(files, ("a" * 40, "b" * 40), "patches") == (
        "pin aaaaaaaaaaaa → bbbbbbbbbbbb",
        "patches added: mine",
        "patches removed: yours",
        "files changed: fork.lock, patches/series",
        "files added: patches/parked/old.patch",
    )
