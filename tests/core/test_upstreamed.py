"""How much of a patch upstream has by now, in a form of its own."""

import pytest

from forkkeeper.core import hunks, upstreamed
from forkkeeper.core.ids import ObjectId
from forkkeeper.core.store import EXECUTABLE, REGULAR, SYMLINK, Entry
from forkkeeper.core.upstreamed import Share

BASE = "int first;\nint second;\nint third;\n"
GUARD = ("if (path == NULL) {", "    return ERROR_PATH;", "}", "log_path(path);")


def diff(*signed: str, path: str = "a.c") -> tuple[hunks.FileDiff, ...]:
    """Make the diff of a patch of one hunk."""
    minus, plus = (sum(line[0] in signs for line in signed) for signs in (" -", " +"))
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{minus} +1,{plus} @@\n"
    return hunks.parse((head + "".join(f"{line}\n" for line in signed)).encode())


def share(files: tuple[hunks.FileDiff, ...], before: str, now: str, mode: str = REGULAR) -> Share:
    """Count what upstream's file has of a patch."""
    blobs = {ObjectId("1" * 40): before.encode(), ObjectId("2" * 40): now.encode()}
    was, has = ({"a.c": Entry(mode, oid)} for oid in blobs)
    return upstreamed.share(files, was, has, blobs.__getitem__)


def test_added_lines_that_are_there_count_and_so_do_removed_ones_that_are_gone() -> None:
    """Lines of brackets alone say nothing; white space is left out of account."""
    files = diff(" int first;", "-int second;", *(f"+{line}" for line in GUARD), " int third;")
    found = share(files, BASE, "int first;\nif(path==NULL){\n  return ERROR_PATH;\n}\nlog_path( path );\nint third;\n")
    assert found == Share(added=3, present=3, removed=1, gone=1)
    assert found.is_upstream
    assert str(found) == "3 of 3 lines that it adds are there, and 1 of 1 lines that it removes are gone"


def test_a_line_that_stood_there_before_proves_nothing() -> None:
    """An added line that the file had already is not counted, and a moved one is not taken for removed."""
    assert share(diff(" int first;", "+int second;"), BASE, BASE) == Share(0, 0, 0, 0)
    assert share(diff("-int first;", " int second;", "+int first;"), BASE, BASE) == Share(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("counts", "is_upstream"),
    [
        ((10, 7, 0, 0), True),
        ((10, 6, 0, 0), False),
        ((10, 9, 4, 2), True),
        ((10, 9, 4, 1), False),
        ((2, 2, 1, 1), True),
        ((2, 1, 1, 1), False),
        ((2, 2, 2, 1), False),
        ((2, 2, 0, 0), False),
        ((0, 0, 3, 3), False),
    ],
)
def test_most_of_it_must_be_there(counts: tuple[int, int, int, int], is_upstream: bool) -> None:
    """Seven of ten added lines, with half of the removed gone; of one or two all, with removed lines that are gone."""
    assert Share(*counts).is_upstream is is_upstream


def test_short_lines_must_be_there_too() -> None:
    """They prove nothing, but a patch of a few lines and a table of short ones is not upstream without the table."""
    rows = tuple(f"{n}," for n in range(50))
    files = diff(" int first;", *(f"+{line}" for line in (*GUARD, *rows)))
    without, whole = ("\n".join(("int first;", *lines)) + "\n" for lines in (GUARD, (*GUARD, *rows)))
    assert not share(files, BASE, without).is_upstream
    assert str(share(files, BASE, without)).startswith("3 of 53 lines")
    assert share(files, BASE, whole).is_upstream
    assert not share(files, BASE + rows[0] + "\n", BASE + "".join(f"{row}\n" for row in rows[:1])).is_upstream


BESIDE = {
    "a binary file": b"diff --git a/b b/b\nnew file mode 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n",
    "a mode": b"diff --git a/s b/s\nold mode 100644\nnew mode 100755\n",
    "an empty file": b"diff --git a/e b/e\nnew file mode 100644\n",
    "a new name": b"diff --git a/s b/t\nsimilarity index 100%\nrename from s\nrename to t\n",
    "a file that goes": b"diff --git a/s b/s\ndeleted file mode 100644\n",
}


@pytest.mark.parametrize("more", BESIDE.values(), ids=BESIDE)
def test_what_has_no_lines_must_be_there_too(more: bytes) -> None:
    """A patch whose lines are there is not upstream while something else of it is not, and the words name that."""
    files = (*diff(" int first;", *(f"+{line}" for line in GUARD)), *hunks.parse(more))
    text = ("\n".join(("int first;", *GUARD)) + "\n").encode()
    now = {"a.c": Entry(REGULAR, ObjectId("2" * 40)), "s": Entry(REGULAR, ObjectId("3" * 40))}
    found = upstreamed.share(files, {}, now, lambda _: text)
    assert found.lacking
    assert not found.is_upstream
    assert "but upstream lacks" in str(found)


def test_a_mode_that_is_there_is_not_lacking() -> None:
    """The same mode and the same name on upstream's side are the patch's change, made."""
    files = (*diff(" int first;", *(f"+{line}" for line in GUARD)), *hunks.parse(BESIDE["a mode"]))
    text = ("\n".join(("int first;", *GUARD)) + "\n").encode()
    now = {"a.c": Entry(REGULAR, ObjectId("2" * 40)), "s": Entry(EXECUTABLE, ObjectId("3" * 40))}
    assert upstreamed.share(files, {}, now, lambda _: text).is_upstream


def test_a_file_that_is_not_there_or_a_link_has_nothing() -> None:
    """Of a patch whose file upstream removed or made a link nothing is upstream; of one without hunks neither."""
    files = diff(" int first;", *(f"+{line}" for line in GUARD))
    now = "\n".join(("int first;", *GUARD)) + "\n"
    assert share(files, BASE, now).present == 3
    assert share(files, BASE, now, SYMLINK).present == 0
    assert upstreamed.share(files, {}, {}, lambda _: b"") == Share(3, 0, 0, 0)
    assert upstreamed.share((), {}, {}, lambda _: b"") == Share(0, 0, 0, 0)
