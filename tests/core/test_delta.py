"""What a patch does now against what it did: in full where that is short, and in no time where it is long."""

from forkkeeper.core import delta
from forkkeeper.core.delta import Line, Mark
from forkkeeper.core.mail import Patch, parse

HEAD = b"From: A <a@example.invalid>\nDate: x\nSubject: [PATCH] s\n\nwhy\n\n---\n"


def patch(**files: list[str]) -> Patch:
    """Write a patch that adds lines to files."""
    diff = b""
    for name, lines in files.items():
        diff += f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n".encode()
        diff += f"@@ -1 +1,{len(lines) + 1} @@\n first\n".encode() + "".join(f"+{line}\n" for line in lines).encode()
    return parse("mine.patch", HEAD + diff)


def test_a_changed_line_stands_beside_the_one_that_it_was() -> None:
    """Of several changed lines each is shown with its own older form, and the same ones are left out."""
    same = [f"same {number}" for number in range(9)]
    before, now = patch(f=["one(a);", "two(b);", *same]), patch(f=["one(a, x);", "two(b, x);", *same])
    marks = [(line.mark.value, line.text) for line in delta.compare(before, now)]
    assert marks[:5] == [(" ", "f"), ("-", "+one(a);"), ("+", "+one(a, x);"), ("-", "+two(b);"), ("+", "+two(b, x);")]
    assert marks[-1] == ("…", "")
    assert delta.differ(before, now)
    assert not delta.differ(before, before)


def test_a_patch_that_left_is_shown_whole() -> None:
    """All its lines are of before."""
    assert delta.compare(patch(f=["a", "b"]), None) == tuple(Line(Mark.BEFORE, text) for text in ("f", "+a", "+b"))


def test_thousands_of_lines_that_all_changed_are_compared_at_once() -> None:
    """No line is lost, whatever the number."""
    before, now = patch(f=[f"value {n} = a;" for n in range(2000)]), patch(f=[f"value {n} = b;" for n in range(2000)])
    found = delta.compare(before, now)
    assert sum(line.mark is Mark.BEFORE for line in found) == 2000
    assert sum(line.mark is Mark.NOW for line in found) == 2000


def test_of_more_lines_than_that_the_file_is_named() -> None:
    """A file with very many changed lines is counted; the others are compared line by line all the same."""
    long = [f"value {n};" for n in range(6000)]
    found = delta.compare(patch(f=long, g=["one"], h=["same"]), patch(f=[*long, "more"], g=["two"], h=["same"]))
    assert [(line.mark.value, line.text) for line in found] == [
        (" ", "f"),
        ("-", "6,000 lines"),
        ("+", "6,001 lines"),
        (" ", "g"),
        ("-", "+one"),
        ("+", "+two"),
        (" ", "h"),
        (" ", "+same"),
    ]
