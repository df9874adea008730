"""A patch that was carried is read again: each doubt and hint speaks in its own case, and not in those close to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from forkkeeper.core import hunks, lines, suspicion
from forkkeeper.core.suspicion import Carried


@dataclass(frozen=True)
class Case:
    """One file. base, patched -- on the old side, before and after the patch; ours, made -- on the new side."""

    base: str
    patched: str
    ours: str
    made: str
    elsewhere: tuple[str, ...] = ()  # names that other files of the new side mention

    @property
    def carried(self) -> Carried:
        """Give the patch before and after it was carried."""
        diffs = [_diff(self.base, self.patched), _diff(self.ours, self.made)]
        return Carried(diffs[0], diffs[1], {"a.c": self.base.encode()}, {"a.c": self.ours.encode()})

    def mentions(self, names: Sequence[str]) -> frozenset[str]:
        """Tell which names stand in the new side's files."""
        return frozenset(name for name in names if name in self.ours or name in self.elsewhere)

    @property
    def doubts(self) -> str:
        """Give what speaks against the result."""
        return "; ".join(suspicion.look(self.carried, self.mentions).doubts)

    @property
    def hints(self) -> str:
        """Give what a person should look at beside it."""
        found = suspicion.look(self.carried, self.mentions)
        return "; ".join((*found.hints, *found.removals))


def _diff(old: str, new: str) -> tuple[hunks.FileDiff, ...]:
    """Write one hunk over the whole file."""
    before, after = lines.split(old.encode()), lines.split(new.encode())
    signed: list[bytes] = []
    at = 0
    for edit in lines.edits_between(before, after):
        signed += [b" " + line for line in before[at : edit.start]]
        signed += [b"-" + line for line in before[edit.start : edit.end]] + [b"+" + line for line in edit.lines]
        at = edit.end
    signed += [b" " + line for line in before[at:]]
    head = b"diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,%d +1,%d @@\n" % (len(before), len(after))
    return hunks.parse(head + b"".join(signed))


def adds(line: str, base: str, ours: str, *elsewhere: str) -> Case:
    """Add one line at the end, on both sides."""
    return Case(base, f"{base}{line}\n", ours, f"{ours}{line}\n", elsewhere)


OPEN = "int open_store(const char *path);\nint other;\n"
RENAMED = OPEN.replace("open_store", "store_open")
CALLS = "read_block(file, size);\nread_block(file, 2);\n"
LONGER = CALLS.replace(");", ", flags);")
LIST = "void begin(void);\n"
NAMES = "    OP_ADD,\n    OP_SUB,\n"

DOUBTS = {
    "upstream took a name away": (
        adds("x = open_store(here);", OPEN, RENAMED),
        "upstream has no open_store any more, and the patch's lines use it",
    ),
    "upstream took four names away": (
        adds("name_a + name_b + name_c + name_d;", "name_a name_b\nname_c name_d\n", "gone\n"),
        "upstream has no name_a, name_b, name_c and 1 more any more",
    ),
    "upstream calls it with one more argument everywhere": (
        adds("read_block(mine, 4);", CALLS, LONGER),
        "upstream calls read_block with 3 arguments now, and the patch as it was called before",
    ),
    "upstream calls it with nothing": (
        adds("finish_all(mine);", "finish_all(a);\nb;\n", "finish_all( );\nb;\n"),
        "upstream calls finish_all with 0 arguments now",
    ),
    "upstream has added the same line elsewhere": (
        adds("register_handler(MINE_KIND);", "int a;\n", "register_handler(MINE_KIND);\nint a;\n"),
        "upstream has added 1 of its lines to a.c, too: `register_handler(MINE_KIND);`",
    ),
}
NO_DOUBTS = {
    "the name stands in another file by now": adds("x = open_store(here);", OPEN, RENAMED, "open_store"),
    "the name still stands in the file": adds("x = open_store(here);", OPEN, RENAMED + "open_store(path);\n"),
    "the name stands in a comment of the patch": adds("x = 1; // open_store did it", OPEN, RENAMED),
    "the name stands in a string": adds('log("open_store");', OPEN, RENAMED),
    "the name is the patch's own": adds("x = mine_alone(here);", OPEN, RENAMED),
    "the name is part of a longer one that stays": adds("x = store(here);", "restore(a);\nb\n", "restored(a);\nb\n"),
    "one call of the old form is left": adds("read_block(mine, 4);", CALLS, LONGER + "read_block(file, 9);\n"),
    "the patch calls it in the new form": adds("read_block(mine, 4, flags);", CALLS, LONGER),
    "the number of arguments is the same, commas in brackets aside": adds(
        "read_block(mine, 4);", CALLS, 'read_block(of(file, 1), [2, 3]);\nread_block("a, b", {4, 5});\n'
    ),
    "upstream had the same line before": adds(
        "register_handler(MINE_KIND);", "register_handler(MINE_KIND);\na;\n", "register_handler(MINE_KIND);\nb;\n"
    ),
    "the line is short": adds("int number = 0;", "int a;\n", "int number = 0;\nint a;\n"),
    "the patch moves the line": Case(
        "int a;\n",
        "int a;\nregister_handler(MINE_KIND);\n",
        "register_handler(MINE_KIND);\nint a;\n",
        "int a;\nregister_handler(MINE_KIND);\n",
    ),
    "only part of the line is the same": adds(
        "register_handler(MINE_KIND);", "int a;\n", "if (b) register_handler(MINE_KIND);\nint a;\n"
    ),
    "upstream changed nothing": adds("x = open_store(here);", OPEN, OPEN),
}


@pytest.mark.parametrize(("case", "said"), DOUBTS.values(), ids=DOUBTS)
def test_a_doubt_speaks(case: Case, said: str) -> None:
    """What is hardly going to build, or is there twice, is said in words."""
    assert said in case.doubts


@pytest.mark.parametrize("case", NO_DOUBTS.values(), ids=NO_DOUBTS)
def test_there_is_no_doubt(case: Case) -> None:
    """Close to a doubt, and right."""
    assert not case.doubts


@pytest.mark.parametrize(("is_moved", "doubts"), [(True, 0), (False, 1)])
def test_lines_that_move_with_a_whole_file_are_not_the_patch_s(is_moved: bool, doubts: int) -> None:
    """A name that upstream dropped is no doubt in lines of upstream's that a patch only moves to another place."""
    gone = b"--- a/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-call(old_name);\n"
    come = b"--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+call(old_name);\n"
    patch = hunks.parse(
        (b"diff --git a/old.c b/old.c\ndeleted file mode 100644\n" + gone if is_moved else b"")
        + (b"diff --git a/new.c b/new.c\nnew file mode 100644\n" + come)
    )
    names = {"names.h": b"int old_name;\nint a;\nint b;\n"}
    carried = Carried(patch, patch, names, {"names.h": b"int other;\nint a;\nint b;\n"})
    assert len(suspicion.look(carried, lambda _: frozenset()).doubts) == doubts


def listed(ours: str) -> Case:
    """Add an entry to a list of two names, where upstream has other lines beside it."""
    base = LIST + NAMES
    return Case(base, f"{base}    OP_MINE,\n", f"{ours}{NAMES}", f"{ours}{NAMES}    OP_MINE,\n")


HINTS = {
    "upstream lists the names at one more place": (
        listed("void begin(void);\ncase OP_ADD: one();\ncase OP_SUB: two();\n"),
        "upstream lists OP_ADD and OP_SUB at 1 more places now; OP_MINE may belong there, too",
    ),
    "the patch takes upstream's new line away": (
        Case("a_line;\nb_line;\n", "b_line;\n", "a_line;\nnew_line;\nb_line;\n", "b_line;\n"),
        "it takes a line away that it did not take away before",
    ),
}
NO_HINTS = {
    "upstream lists only one of them": listed("void begin(void);\ncase OP_ADD: one();\n"),
    "upstream lists them where it listed them before": Case(
        LIST + "use(OP_ADD, 1);\nuse(OP_SUB, 1);\n" + NAMES,
        LIST + "use(OP_ADD, 1);\nuse(OP_SUB, 1);\n" + NAMES + "    OP_MINE,\n",
        LIST + "use(OP_ADD, 2);\nuse(OP_SUB, 2);\n" + NAMES,
        LIST + "use(OP_ADD, 2);\nuse(OP_SUB, 2);\n" + NAMES + "    OP_MINE,\n",
    ),
    "the entry is not the patch's alone": Case(
        LIST + NAMES + "use(OP_MINE);\n",
        LIST + NAMES + "    OP_MINE,\nuse(OP_MINE);\n",
        LIST + "case OP_ADD: a();\ncase OP_SUB: b();\n" + NAMES + "use(OP_MINE);\n",
        LIST + "case OP_ADD: a();\ncase OP_SUB: b();\n" + NAMES + "    OP_MINE,\nuse(OP_MINE);\n",
    ),
    "one neighbour is no list": Case(
        "    OP_ADD,\n",
        "    OP_ADD,\n    OP_MINE,\n",
        "case OP_ADD: a();\n    OP_ADD,\n",
        "case OP_ADD: a();\n    OP_ADD,\n    OP_MINE,\n",
    ),
    "the neighbours have another form": Case(
        NAMES,
        f"{NAMES}    go(OP_MINE);\n",
        f"case OP_ADD: a();\ncase OP_SUB: b();\n{NAMES}",
        f"case OP_ADD: a();\ncase OP_SUB: b();\n{NAMES}    go(OP_MINE);\n",
    ),
    "it takes the same lines away, formatted anew": Case(
        "call(a, b);\nb_line;\n", "b_line;\n", "    call( a, b );\nb_line;\n", "b_line;\n"
    ),
    "it takes brackets away": Case("a_line;\nb_line;\n", "b_line;\n", "a_line;\n}\nb_line;\n", "b_line;\n"),
    "what it takes away it adds again": Case(
        "a_line;\nb_line;\n",
        "a_line;\nmine;\nb_line;\n",
        "a_line;\nb_line;\nc_line;\n",
        "a_line;\nmine;\nc_line;\nb_line;\n",
    ),
}


@pytest.mark.parametrize(("case", "said"), HINTS.values(), ids=HINTS)
def test_a_hint_speaks(case: Case, said: str) -> None:
    """What may be missing beside a right result, or may take more along than it did, is said in words."""
    assert said in case.hints
    assert not case.doubts


@pytest.mark.parametrize("case", NO_HINTS.values(), ids=NO_HINTS)
def test_there_is_no_hint(case: Case) -> None:
    """Close to a hint, and nothing to look at."""
    assert not case.hints
