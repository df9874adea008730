"""The machine that runs kernels: barriers, values of SIMD-groups, matrices, memory, and the faults that it reports.

The kernels are tests/native/metal/machine.metal; Python says what each must give.
"""

import random
import re
import struct

import pytest
from emulating import SHADER, Given, Machine, build, floats, ints

pytestmark = pytest.mark.clang

LANES = 32
ORDERS = ("forward", "reverse", "rotate")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Compile the kernels and the machine as a build does."""
    return build(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Compile both with every access announced."""
    return build(tmp_path_factory.mktemp("checked"), checked=True)


def _numbers(count: int) -> list[int]:
    chosen = random.Random(count)  # noqa: S311 -- the same numbers each time
    return [chosen.randrange(100) for _ in range(count)]


def _line(text: str) -> int:
    """Give the line of the shader that has a text."""
    (line,) = (number for number, each in enumerate(SHADER.read_text().splitlines(), 1) if text in each)
    return line


# barriers and positions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("threads", [1, 2, 32, 33, 1000, 1024])
def test_all_threads_meet_at_a_barrier(machine: Machine, threads: int, order: str) -> None:
    """What was written before a barrier is read behind it, by any number of threads, in any order, without a fault."""
    given = _numbers(threads)
    what = Given([ints(given), 4 * threads], (threads, 1, 1), threadgroup=[4 * threads])
    ran = machine.run("meet_at_barriers", what, FORKKEEPER_METAL_ORDER=order)
    assert ran.ints() == [sum(given) + (i + 1) % threads for i in range(threads)]
    assert (ran.faults, ran.report["order"]) == ([], order)


@pytest.mark.parametrize("order", ORDERS)
def test_each_thread_knows_where_it_is(machine: Machine, order: str) -> None:
    """Every position, in three dimensions, with a last SIMD-group that is not full, once for each thread."""
    (x, y, z), (gx, gy, gz) = (5, 4, 3), (2, 3, 2)
    ran = machine.run(
        "positions", Given([gx * gy * gz * 60 * 40], (x, y, z), (gx, gy, gz)), FORKKEEPER_METAL_ORDER=order
    )
    expected = []
    for at in range(gx * gy * gz):
        group = (at % gx, at // gx % gy, at // (gx * gy))
        for index in range(x * y * z):
            own = (index % x, index // x % y, index // (x * y))
            grid = [g * n + i for g, n, i in zip(group, (x, y, z), own, strict=True)]
            packed = own[0] + 100 * own[1] + 10000 * own[2]
            expected += [*grid, packed, index % LANES, index // LANES, 2, x, y, LANES]
    assert ran.ints() == expected


@pytest.mark.parametrize(
    ("kernel", "threads", "where", "said"),
    [
        ("leave_before_a_barrier", 64, "// not reached by all", "some of its threads had ended"),
        ("wait_at_two_barriers", 64, "// ", "others of its threads waited at another barrier"),
    ],
)
def test_a_barrier_that_not_all_reach_is_reported(
    machine: Machine, kernel: str, threads: int, where: str, said: str
) -> None:
    """The kernel ends all the same; the report has the barrier's line and the group."""
    ran = machine.run(kernel, Given([4 * threads], (threads, 1, 1), (3, 1, 1)))
    (fault,) = ran.faults
    assert (fault.kind, fault.kernel, fault.count) == ("barrier not reached by all threads", kernel, 3)
    line = int(fault.where.rpartition(":")[2])
    assert fault.where.endswith(f"/machine.metal:{line}")
    assert where in SHADER.read_text().splitlines()[line - 1]
    assert re.fullmatch(rf"group \([012], 0, 0\): {said}", fault.text)


# SIMD-groups --------------------------------------------------------------------------------------------------------


def _exchanged(values: list[int], active: list[int], lane: int) -> list[int]:
    """Say what `exchange` gives a lane, by plain loops. values -- of 32 lanes; active -- the lanes that call it."""
    here = [values[other] for other in active]

    def of(other: int) -> int:
        return values[other] if other in active else values[lane]

    return [
        sum(here),
        min(here),
        max(here),
        sum(values[other] for other in active if other <= lane),
        sum(values[other] for other in active if other < lane),
        *(of(other) for other in (3, lane ^ 5, lane + 2, lane - 2, 1, active[0])),
        any(value > 90 for value in here) + 2 * all(value > 10 for value in here),
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["int", "float"])
@pytest.mark.parametrize("threads", [1, 7, 32, 45, 96])
def test_lanes_exchange_values(machine: Machine, threads: int, kind: str, order: str) -> None:
    """Sums, extremes, prefixes, shuffles and votes are those of the lanes that are there."""
    values = _numbers(threads)
    given = ints(values) if kind == "int" else floats(values)
    what = Given([given, 48 * threads], (threads, 1, 1))
    ran = machine.run(f"exchange_all_{kind}", what, FORKKEEPER_METAL_ORDER=order)
    expected: list[int] = []
    for thread in range(threads):
        start = thread // LANES * LANES
        lanes = values[start : start + LANES]
        expected += _exchanged(lanes, list(range(len(lanes))), thread - start)
    assert (ran.ints() if kind == "int" else ran.floats()) == expected


@pytest.mark.parametrize("threads", [32, 50])
def test_lanes_of_a_branch_are_among_themselves(machine: Machine, threads: int) -> None:
    """In a branch only its lanes take part; behind it all do."""
    values = _numbers(threads)
    ran = machine.run("exchange_in_branches", Given([ints(values), 48 * threads], (threads, 1, 1)))
    for thread in range(threads):
        start = thread // LANES * LANES
        lanes = values[start : start + LANES]
        found = ran.ints()[12 * thread : 12 * thread + 12]
        lane = thread - start
        own = _exchanged(lanes, list(range(min(16, len(lanes)))), lane) if lane < 16 else [max(lanes[16:])] + [0] * 11
        assert found == [own[0], sum(lanes), *own[2:]]


def test_lanes_leave_a_loop_at_different_times(machine: Machine) -> None:
    """In each round only those take part that are still in the loop; behind it all do."""
    rounds = [number % 7 for number in _numbers(40)]
    ran = machine.run("exchange_in_a_loop", Given([ints(rounds), 8 * len(rounds)], (40, 1, 1)))
    totals = []
    for thread, mine in enumerate(rounds):
        start = thread // LANES * LANES
        totals.append(sum(sum(other > turn for other in rounds[start : start + LANES]) for turn in range(mine)))
    sums = [sum(totals[thread // LANES * LANES : thread // LANES * LANES + LANES]) for thread in range(40)]
    assert ran.ints() == [number for pair in zip(totals, sums, strict=True) for number in pair]


def test_lanes_of_a_branch_in_a_loop_are_waited_for(machine: Machine) -> None:
    """Nobody begins a loop's next turn, or a function behind a branch, before those in the branch are out of it."""
    ran = machine.run("exchange_in_a_branch_of_a_loop", Given([8 * 64], (64, 1, 1)))
    assert ran.ints() == [number for i in range(64) for number in (4 * 32, 4 * 16 if i % 32 < 16 else 0)]
    ran = machine.run("exchange_in_a_function", Given([8 * 64], (64, 1, 1)))
    some = [16 if i % 32 < 16 else 0 for i in range(64)]
    alone = [101 if i % 32 in (0, 3, 6, 9) else 0 for i in range(64)]
    assert ran.ints() == [number for i in range(64) for number in (some[i] + 32, some[i] + alone[i] + 32000)]


@pytest.mark.parametrize("order", ORDERS)
def test_what_one_lane_does_alone_is_seen_by_all(machine: Machine, order: str) -> None:
    """Each lane in its turn reads what all wrote and writes what all read, with no barrier."""
    given = Given([4 * 32 * 64], (64, 1, 1), threadgroup=[256])
    ran = machine.run("hand_on", given, FORKKEEPER_METAL_ORDER=order)
    assert ran.ints() == [sum(range(32)) + 32 * turn for turn in range(32)] * 64


# matrices, memory, constants ----------------------------------------------------------------------------------------


def test_matrices_are_multiplied_as_by_plain_loops(machine: Machine) -> None:
    """Loaded with an origin and transposed, multiplied, added, and stored both ways: exact in small whole numbers."""
    a, c = _numbers(12 * 12), _numbers(64)
    b = [number % 16 for number in _numbers(65)[:64]]
    halves = struct.pack("64e", *b)
    ran = machine.run("multiply", Given([floats(a), halves, floats(c), 4 * 256]))
    left = [[a[(2 + column) * 12 + 1 + row] for column in range(8)] for row in range(8)]
    result = [
        [c[8 * row + column] + sum(left[row][k] * b[8 * k + column] for k in range(8)) for column in range(8)]
        for row in range(8)
    ]
    twice = [[2 * sum(row)] * 8 for row in left]
    diagonal = [[3 * (row == column) for column in range(8)] for row in range(8)]
    turned = [list(column) for column in zip(*result, strict=True)]
    assert ran.floats() == [value for part in (result, turned, twice, diagonal) for row in part for value in row]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kernel", "threads"), [("hold_int", 48), ("hold_float", 64)])
def test_a_group_has_memory_of_its_own(machine: Machine, kernel: str, threads: int, order: str) -> None:
    """What a kernel declares for its group is one for its threads and another for each variable, group and type."""
    given, groups = _numbers(threads), 9
    data = ints(given) if kernel == "hold_int" else floats(given)
    what = Given([data, 4 * threads * groups], (threads, 1, 1), (groups, 1, 1))
    ran = machine.run(kernel, what, FORKKEEPER_METAL_ORDER=order)
    found = ran.ints() if kernel == "hold_int" else ran.floats()
    assert found == [given[-1 - i] * 3 + given[i] * 3 + 7 + at for at in range(groups) for i in range(threads)]


@pytest.mark.parametrize("cores", ["1", "4"])
def test_atomics_count_over_all_groups(machine: Machine, cores: str) -> None:
    """Groups on several cores add to one number, and lose nothing."""
    given = Given([ints([0, 0, 0]), 4], (64, 1, 1), (200, 1, 1))
    ran = machine.run("count_up", given, FORKKEEPER_METAL_THREADS=cores)
    count = 64 * 200
    assert ran.ints(0) == [count, count * (count - 1) // 2, -5 * count]
    assert ran.ints(1) == [count - 1]


@pytest.mark.parametrize(("flag", "short", "number"), [(1, -7, 1 << 30), (0, 32767, -1), (1, -32768, -(1 << 31))])
def test_a_function_constant_has_its_type(machine: Machine, flag: int, short: int, number: int) -> None:
    """A bool, a short and an int are what the host set, with their signs; another kernel's constant is another."""
    ran = machine.run("constants", Given([12], (1, 1, 1), constants={10: flag, 11: short, 12: number, 13: 99}))
    assert ran.ints() == [2 - flag, short, number]
    assert machine.run("constants_beside", Given([4], (1, 1, 1), constants={13: 5})).ints() == [5]


@pytest.mark.parametrize("threads", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_no_threads_do_nothing(machine: Machine, threads: tuple[int, int, int]) -> None:
    """A dispatch without threads or groups leaves everything as it was."""
    assert machine.run("constants", Given([4], threads)).ints() == [0]
    assert machine.run("constants", Given([4], (1, 1, 1), threads)).ints() == [0]


def test_more_threads_than_there_can_be_are_refused(machine: Machine) -> None:
    """The machine stops, and says so."""
    with pytest.raises(AssertionError, match=r"exchange_all_int: 1025 threads in a group, of at most 1024"):
        machine.run("exchange_all_int", Given([4, 4], (1025, 1, 1)))


# faults -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 15, 16, 16 + 255])
def test_a_write_past_threadgroup_memory_is_reported(machine: Machine, at: int) -> None:
    """Within the memory there is no fault; behind it, how far, in every build."""
    given = Given([], (64, 1, 1), values={0: ints([at])}, threadgroup=[64])
    faults = machine.run("write_past", given).faults
    if at < 16:
        assert faults == []
        return
    (fault,) = faults
    assert (fault.kind, fault.kernel) == ("write past threadgroup memory", "write_past")
    assert f"wrote up to {4 * (at - 15)} bytes behind threadgroup(0), which has 64" in fault.text


@pytest.mark.parametrize("at", [0, 15, 16, 16 + 255])
def test_a_write_past_declared_memory_is_reported(machine: Machine, checked: Machine, at: int) -> None:
    """Memory that the kernel itself declares has an end, too: how far behind it, and where checked, by which line."""
    given = Given([], (64, 1, 1), values={0: ints([at])})
    faults = machine.run("write_past_declared", given).faults
    told = checked.run("write_past_declared", given).faults
    if at < 16:
        assert (faults, told) == ([], [])
        return
    (fault,) = faults
    assert (fault.kind, fault.kernel) == ("write past threadgroup memory", "write_past_declared")
    assert f"wrote up to {4 * (at - 15)} bytes behind memory that the kernel declares, which has 64" in fault.text
    (line,) = (one for one in told if one.where.endswith(f":{_line('into memory of its own')}"))
    assert line.kind == "write past threadgroup memory"
    assert f"byte {4 * at} of memory that the kernel declares, which has 64" in line.text


def _only(machine: Machine, kernel: str, given: Given, line: str) -> tuple[str, str]:
    """Run a kernel with one fault, and give its kind and text; its place must be a line's."""
    (fault,) = machine.run(kernel, given).faults
    assert fault.kernel == kernel
    assert fault.where.endswith(f"/machine.metal:{_line(line)}")
    return fault.kind, fault.text


@pytest.mark.parametrize("order", ORDERS)
def test_a_race_is_reported(checked: Machine, order: str) -> None:
    """Two SIMD-groups, one writes, the other reads, no barrier in between: both threads, the byte and both lines."""
    given = Given([256], (64, 1, 1), threadgroup=[256])
    faults = checked.run("race", given, FORKKEEPER_METAL_ORDER=order).faults
    assert {(fault.kind, fault.kernel) for fault in faults} == {("race", "race")}
    lines = {int(fault.where.rpartition(":")[2]) for fault in faults}
    assert lines == {_line("// another one may read this"), _line("// no barrier before this")}
    said = r"group \(0, 0, 0\), thread (\d+): (?:reads|writes) byte (\d+) of threadgroup\(0\), which has 256, "
    said += r"which thread (\d+) (?:wrote|read) with no barrier in between"
    for fault in faults:
        found = re.fullmatch(said, fault.text)
        assert found, fault.text
        assert int(found[1]) ^ int(found[3]) == 32
        assert int(found[2]) // 4 in (int(found[1]), int(found[3]))


def test_a_read_of_what_was_never_written_is_reported(checked: Machine) -> None:
    """The thread and the byte are told; what a group before it wrote is no excuse."""
    given = Given([128], (32, 1, 1), (5, 1, 1), threadgroup=[128])
    kind, said = _only(checked, "read_unwritten", given, "// of 3 nothing was written")
    assert kind == "read of threadgroup memory that was not written"
    assert re.match(r"group \([0-4], 0, 0\), thread 3: byte 12 of threadgroup\(0\), which has 128", said)


@pytest.mark.parametrize(("writes", "line"), [(False, "// the read"), (True, "// the write")])
@pytest.mark.parametrize("at", [4, 12, 1000])
def test_an_access_past_a_buffer_is_reported(checked: Machine, at: int, writes: bool, line: str) -> None:
    """A read or a write behind the last byte, whatever lies there."""
    given = Given([16, 16], (1, 1, 1), values={2: ints([at]), 3: ints([writes])})
    kind, _ = _only(checked, "out_of_bounds", given, line)
    assert kind == ("write past a buffer" if writes else "read past a buffer")


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_right_has_no_fault(checked: Machine, order: str) -> None:
    """Barriers, exchanged values, memory, matrices and atomics: nothing is reported of kernels that are right."""
    numbers = ints(_numbers(96))
    for kernel, given in {
        "meet_at_barriers": Given([numbers, 384], (96, 1, 1), threadgroup=[384]),
        "exchange_all_int": Given([numbers, 96 * 48], (96, 1, 1)),
        "exchange_in_branches": Given([numbers, 96 * 48], (96, 1, 1)),
        "hold_int": Given([numbers, 4 * 48 * 3], (48, 1, 1), (3, 1, 1)),
        "multiply": Given([numbers * 2, numbers, numbers, 4 * 256]),
        "count_up": Given([12, 4], (64, 1, 1), (5, 1, 1)),
        "out_of_bounds": Given([16, 16], (1, 1, 1), values={2: ints([3]), 3: ints([1])}),
    }.items():
        ran = checked.run(kernel, given, FORKKEEPER_METAL_ORDER=order)
        assert (ran.faults, ran.report["checked"]) == ([], True), kernel
