"""Which rung answers first, places looked at line by line, and what no rung may ever lose."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings, strategies as st
from merging import Case, holds, pieces, places, settled

from forkkeeper.core import lines
from forkkeeper.core.ladder import (
    climb,
    counters,
    present,
    removed,
    replaced,
    signature,
    spacing,
    touching,
    union,
    words,
    wordwise,
    wrapped,
)
from forkkeeper.core.ladder.rung import Answer, Rung, Trust
from forkkeeper.core.lines import Lines
from forkkeeper.core.threeway import Place

FIRST = {
    "what upstream has comes before all else": (
        "partly-upstreamed",
        Case(
            "a\nz\n",
            "a\nguard_the_path(path);\nmore();\nz\n",
            "a\nguard_the_path(path);\nz\n",
            "a\nguard_the_path(path);\nmore();\nz\n",
        ),
    ),
    "insertions at one place": ("union", Case("a\nz\n", "a\nb();\nz\n", "a\nc();\nz\n", "a\nb();\nc();\nz\n")),
    "a count before words": (
        "counters",
        Case(
            "assert(OP_COUNT == 3);\n",
            "assert(OP_COUNT == 4);\n",
            "assert(OP_COUNT == 5);\n",
            "assert(OP_COUNT == 6);\n",
        ),
    ),
    "indentation before words": ("spacing", Case("a = 1\n", "    a = 1\n", "a = 2\n", "    a = 2\n")),
    "words of one line": (
        "words",
        Case(
            "int f(int a, int b);\n", "long f(int a, int b);\n", "int f(int a, char b);\n", "long f(int a, char b);\n"
        ),
    ),
    "an argument from each": ("signature", Case("f(a);\n", "f(a, b);\n", "f(a, c);\n", "f(a, b, c);\n")),
    "neighbouring lines": (
        "touching",
        Case(
            "1\n2\n3\n4\n", "one();\n2\nthree();\n4\n", "1\ntwo();\n3\nfour();\n", "one();\ntwo();\nthree();\nfour();\n"
        ),
    ),
    "a removal": (
        "removal",
        Case("a\nlog_message(level, text);\nz\n", "a\nlog_message(level, text, now);\nz\n", "a\nz\n", "a\nz\n"),
    ),
    "a renamed function": (
        "renamed",
        Case(
            "    value = old_load(path, flags);\n",
            "    value = new_load(path, flags);\n",
            "    value = check(old_load(path, flags)) + old_load(other, flags);\n",
            "    value = check(new_load(path, flags)) + new_load(other, flags);\n",
        ),
    ),
    "two rules for one place, each for its line": (
        "words+union",
        Case(
            "int load(int size, int mode);\nint save(int size);\n}\n",
            "long load(int size, int mode);\nint save(int size);\nint more(void);\n}\n",
            "int load(int size, char mode);\nint save(int size);\nint mine(void);\n}\n".replace(
                "int save(int size);\n", "int save(int size );\n"
            ),
            "long load(int size, char mode);\nint save(int size );\nint more(void);\nint mine(void);\n}\n",
        ),
    ),
    "a line put before a line that upstream changed": (
        "touching",
        Case(
            "a\nb\nc\ncall(first, second, third);\nz\n",
            "A\nB\nC\ncall(first, second, fourth);\nz\n",
            "a\nb\nc\nmine();\ncall(first, second, third);\nz\n",
            "A\nB\nC\nmine();\ncall(first, second, fourth);\nz\n",
        ),
    ),
}


@pytest.mark.parametrize(("rule", "case"), FIRST.values(), ids=FIRST)
def test_the_first_rung_that_holds_answers(rule: str, case: Case) -> None:
    """Cheap and certain evidence comes before far-fetched, and the rules are named."""
    assert holds(case, climb.climb, rule).trust is Trust.LIKELY


OPEN = {
    "both rewrite one line": Case("x = first(1);\n", "y = second(2);\n", "z = third(3);\n"),
    "both set a number": Case("timeout = 30\n", "timeout = 60\n", "timeout = 90\n"),
    "upstream takes away what the patch changes": Case("a\nx = first(1);\nz\n", "a\nz\n", "a\nx = first(2);\nz\n"),
    "the patch takes away what upstream wrote anew": Case("a\nx = first(1);\nz\n", "a\ngo(to, y);\nz\n", "a\nz\n"),
}


@pytest.mark.parametrize("case", OPEN.values(), ids=OPEN)
def test_what_no_rung_answers_stays_open(case: Case) -> None:
    """Where the two sides want different things a person must look."""
    assert case.result(climb.climb) is None


GUESSES = {
    "a guard that both write around one line, with the same line at its end": (
        "union",
        Case(
            "a\ncall(ctx);\nz\n",
            "a\npush(UP);\ncall(ctx);\npop();\nz\n",
            "a\npush(MINE);\ncall(ctx);\npop();\nz\n",
            "a\npush(UP);\npush(MINE);\ncall(ctx);\npop();\nz\n",
        ),
    ),
    "two blocks around one line": (
        "wrapped",
        Case(
            "a\ncall(ctx);\nz\n",
            "a\nif (up) {\n    call(ctx);\n}\nz\n",
            "a\nif (mine) {\n    call(ctx);\n}\nz\n",
            "a\nif (up) {\n    if (mine) {\n        call(ctx);\n    }\n}\nz\n",
        ),
    ),
    "lines of a body under two headers": (
        "wrapped",
        Case(
            "def f(x):\n    y = g(x)\n    return y\n",
            "def f(x):\n    if x:\n        y = g(x)\n    return y\n",
            "def f(x):\n    if DEBUG:\n        y = g(x)\n    return y\n",
            "def f(x):\n    if x:\n        if DEBUG:\n            y = g(x)\n    return y\n",
        ),
    ),
}


@pytest.mark.parametrize(("rule", "case"), GUESSES.values(), ids=GUESSES)
def test_what_both_put_around_the_same_lines_is_a_guess(rule: str, case: Case) -> None:
    """A line that both insert alike may be needed by each of them, so it is never taken once as likely."""
    assert holds(case, climb.climb, rule).trust is Trust.GUESS


NUMBERS = {
    "a fraction": Case("x = 0.5f;\n", "x = 1.5f;\n", "x = 0.7f;\n"),
    "an exponent": Case("x = 1e-5;\n", "x = 1e-6;\n", "x = 2e-5;\n"),
    "an address": Case('s = "10.0.0.1"\n', 's = "11.0.0.1"\n', 's = "10.0.0.9"\n'),
    "a version": Case("v = v1.2.3-rc1\n", "v = v1.3.3-rc1\n", "v = v1.2.3-rc2\n"),
    "a date": Case("on 2024-03-05\n", "on 2025-03-05\n", "on 2024-04-05\n"),
    "digits in groups": Case("n = 1'000'000;\n", "n = 2'000'000;\n", "n = 1'000'500;\n"),
}


@pytest.mark.parametrize("case", NUMBERS.values(), ids=NUMBERS)
def test_no_number_is_made_of_two(case: Case) -> None:
    """A number is one word, so two new ones stay open."""
    assert case.result(climb.climb) is None


ENDS = {
    "upstream's last line changed": Case("a\nb\n", "a\nB", "a\nb\nmine\n", "a\nB\nmine\n"),
    "each adds a last line": Case("a\n", "a\nup", "a\nmine", "a\nup\nmine"),
    "only the line end went": Case("a\r\nb\r\n", "a\r\nb", "a\r\nb\r\nmine\r\n", "a\r\nb\r\nmine\r\n"),
    "each writes a file that was empty": Case("", "up", "mine", "mine\nup"),
}


@pytest.mark.parametrize("case", ENDS.values(), ids=ENDS)
def test_no_two_lines_are_glued(case: Case) -> None:
    """A file's last line without a line end gets the file's own kind where another follows it now, and that is said."""
    found = case.result(climb.climb)
    assert found is not None
    assert found[1] == case.made
    assert "line end" in found[0].why


def test_one_guess_makes_the_whole_a_guess() -> None:
    """An insertion beside a line that upstream took away is no more than a guess, whatever else is sure."""
    case = Case("a();\nb();\nc();\n", "a();\nc();\n", "a();\nb();\nmine();\nc();\n", "a();\nmine();\nc();\n")
    assert holds(case, climb.climb, "touching").trust is Trust.GUESS


# what no rung may lose ----------------------------------------------------------------------------------------------

ENTRIES = [b"    OP_%d,\n" % n for n in range(3)]
CODE = [
    b"int f(int a, int b);\n",
    b"    if (a == 3) {\n",
    b"    }\n",
    b"x = g(a, 2);\n",
    b"\n",
    b"static int n[4] = {\n",
    b'"s" \\\n',
]
LINE = st.sampled_from([*ENTRIES, *CODE])
TEXT = st.lists(LINE, min_size=1, max_size=6).map(tuple)


EDITS: dict[str, Callable[[bytes, bytes], Sequence[bytes]]] = {  # a line and a new name → what stands there then
    "insert": lambda line, new: [b"    " + new + b"();\n", line],
    "entry": lambda line, new: [b"    " + new.upper() + b",\n", line],
    "last entry": lambda line, new: [line, b"    " + new.upper() + b"\n"],
    "block": lambda line, new: [b"if (" + new + b") {\n", b"    }\n", line],
    "word": lambda line, new: [re.sub(rb"\b(a|x|int)\b", new, line, count=1)],
    "argument": lambda line, new: [line.replace(b")", b", " + new + b")", 1)],
    "count": lambda line, _: [re.sub(rb"\d+", lambda found: b"%d" % (int(found[0]) + 1), line)],
    "indent": lambda line, _: [b"  " + line if line.strip() else line],
    "call": lambda line, new: [re.sub(rb"\bg\b", new, line)],
    "remove": lambda _line, _new: [],
}


@st.composite
def changed(draw: st.DrawFn, base: Lines, name: str) -> Lines:
    """Draw a version with a few edits of the usual kinds; what is new in it has a name of its own."""
    now = list(base)
    for number in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(now) - 1)) if now else 0
        edit, reach = draw(st.sampled_from(sorted(EDITS))), draw(st.integers(1, 2))
        now[at : at + reach] = [
            made for line in now[at : at + reach] for made in EDITS[edit](line, f"{name}_{number}".encode())
        ]
    return tuple(now)


@st.composite
def conflicts(draw: st.DrawFn) -> tuple[Lines, Lines, Lines]:
    """Draw a base and what two sides made of it; now and then one takes a line of the other."""
    base = draw(TEXT)
    ours, theirs = draw(changed(base, "up")), draw(changed(base, "mine"))
    if draw(st.integers(0, 5)) == 0:
        theirs = (*theirs, *ours[-2:])
    return base, ours, theirs


def plain(line: bytes) -> bytes:
    """Give a line without white space and the separator at its end, which a rule may set."""
    return re.sub(rb"(,|\||\\|&&)$", b"", lines.squeeze(line))


def names(side: Lines, *, numbers: bool = True) -> set[bytes]:
    """Give the names, and numbers, of some lines."""
    found = {token for token in words.bare(words.tokens(side)) if words.is_word(token)}
    return found if numbers else {token for token in found if words.is_name(token)}


BY_WORDS = {spacing.RULE, wordwise.RULE, signature.RULE, replaced.RULE, counters.RULE}


def lost(place: Place, answer: Answer) -> str:
    """Say what of either side is in no line of the answer, though its rules do not say that it goes."""
    rules = set(answer.rule.split("+"))
    for said, side, goes in (("upstream", place.ours, {removed.RULE}), ("patch", place.theirs, {present.RULE})):
        if rules & goes:
            continue
        if rules & BY_WORDS:
            new = names(side, numbers=counters.RULE not in rules) - names(place.base)
            if gone := new - names(answer.lines):
                return f"{answer.rule}: {said}'s names {gone}"
            continue
        base, made = ({plain(line) for line in one} for one in (place.base, answer.lines))
        if gone := {plain(line) for line in side} - base - made:
            return f"{answer.rule}: {said}'s lines {gone}"
    return ""


RUNGS = (
    union.resolve,
    touching.resolve,
    wordwise.resolve,
    signature.resolve,
    counters.resolve,
    spacing.resolve,
    removed.resolve,
    replaced.resolve,
    present.resolve,
    wrapped.resolve,
    climb.climb,
)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: f"{rung.__module__.rsplit('.', 1)[-1]}")
@settings(max_examples=300, deadline=None)
@given(versions=conflicts())
def test_no_rung_loses_what_a_side_added(rung: Rung, versions: tuple[Lines, Lines, Lines]) -> None:
    """Every new line, or new name where lines are pieced, is in the answer, unless the rule says whose lines go."""
    for place in places(*versions):
        answer = rung(place)
        if answer is not None:
            assert not lost(place, answer)


@settings(max_examples=300, deadline=None)
@given(versions=conflicts())
def test_the_union_keeps_the_order_of_both_sides(versions: tuple[Lines, Lines, Lines]) -> None:
    """Each side's lines stand in the result in their order, separators and white space aside."""
    for place in places(*versions):
        answer = union.resolve(place)
        for side in (place.ours, place.theirs) if answer else ():
            found = iter([plain(line) for line in answer.lines] if answer else [])
            assert all(plain(line) in found for line in side)


@settings(max_examples=200, deadline=None)
@given(versions=conflicts())
def test_the_union_leaves_nothing_out(versions: tuple[Lines, Lines, Lines]) -> None:
    """Each line stands there as often as both sides insert it together."""
    for place in places(*versions):
        answer = union.resolve(place)
        if answer is not None and len(answer.lines) + len(place.base) != len(place.ours) + len(place.theirs):
            assert place.ours[0] == place.theirs[0] != place.base[0]  # the line before got a separator on both sides


@settings(max_examples=200, deadline=None)
@given(versions=conflicts())
def test_the_union_makes_no_lines_up(versions: tuple[Lines, Lines, Lines]) -> None:
    """No line stands there more often than in both sides together, and none that neither has."""
    for place in places(*versions):
        answer = union.resolve(place)
        if answer is not None:
            there = Counter(map(plain, (*place.ours, *place.theirs)))
            assert not Counter(map(plain, answer.lines)) - there


@given(TEXT, TEXT, TEXT)
def test_an_answer_is_the_same_whenever_it_is_asked(base: Lines, ours: Lines, theirs: Lines) -> None:
    """The ladder is a function of the place alone, and what it leaves alone the merge has settled."""
    first, second = (
        settled(pieces(base, ours, theirs), lambda place: getattr(climb.climb(place), "lines", ())) for _ in range(2)
    )
    assert first == second
