"""Upstream renamed something, or changed how it is called: so do the patch's lines."""

import pytest
from merging import Case, holds

from forkkeeper.core.ladder import replaced, words
from forkkeeper.core.ladder.replaced import Replacement

ANSWERED = {
    "a function has another name": Case(
        "old_open(path);\n", "new_open(path);\n", "if (old_open(path)) log(path);\n", "if (new_open(path)) log(path);\n"
    ),
    "it is called with one more argument": Case(
        "    size = measure(item);\n",
        "    size = measure(ctx, item);\n",
        "    size = measure(item) + measure(other);\n",
        "    size = measure(ctx, item) + measure(ctx, other);\n",
    ),
    "a member is another's": Case(
        "x = self->state.rows;\n",
        "x = self->shape->rows;\n",
        "x = self->state.rows * self->state.rows;\n",
        "x = self->shape->rows * self->shape->rows;\n",
    ),
    "it is a member now": Case(
        "return limit;\n",
        "return self->limit;\n",
        "log(limit);\nreturn limit;\n",
        "log(self->limit);\nreturn self->limit;\n",
    ),
    "twice in the text at hand": Case(
        "free_item(a);\nfree_item(b);\n",
        "item_free(a);\nitem_free(b);\n",
        "free_item(b);\nfree_item(a);\nfree_item(c);\n",
        "item_free(b);\nitem_free(a);\nitem_free(c);\n",
    ),
}
SILENT = {
    "one name became two": Case("go(a);\ngo(b);\n", "run(a);\nwalk(b);\n", "go(c);\ngo(d);\n"),
    "upstream changed a sign only": Case("x = a + b;\n", "x = a - b;\n", "y = c + d;\n"),
    "upstream changed more than it replaced": Case(
        "open(a);\nclose(a);\n", "start(a);\nclose(a);\nopen(c);\n", "open(a, b);\nclose(a, b);\n"
    ),
    "the patch's lines do not have it": Case("old_name(a);\n", "new_name(a);\n", "other(a);\n"),
    "both made the same replacement, the patch more": Case(
        "get(a);\nget(b);\n", "fetch(a);\nfetch(b);\n", "load(a);\nload(b);\n"
    ),
    "an argument more, and the patch uses only the one beside it": Case("f(item);\n", "f(ctx, item);\n", "g(item);\n"),
    "upstream put a statement before it": Case(
        "    f(int a, int b);\n", "    begin(); f(int a, int b);\n", "    mine f(int a, int b);\n"
    ),
    "one of two replacements fits only where the other stands": Case(
        "size(int a);\nint b;\n", "size(int a, int c);\nlong b;\n", "more(); size(int a);\nb;\n"
    ),
    "there is nothing that it stood in": Case("a\nz\n", "a\nnew(1);\nz\n", "a\nmine(1);\nz\n"),
    "the patch takes the lines away": Case("a\nold_name(b);\nz\n", "a\nnew_name(b);\nz\n", "a\nz\n"),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_the_patch_follows(case: Case) -> None:
    """What upstream's edit replaced is replaced in the patch's lines, and the reason shows it."""
    assert " → " in holds(case, replaced.resolve, "renamed").why


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent_where_nothing_is_learned_for_sure(case: Case) -> None:
    """A replacement must explain all of upstream's edit, be the only one, and fit in the patch's lines."""
    assert case.result(replaced.resolve) is None


def learned(base: str, ours: str) -> list[tuple[str, str]]:
    """Learn from two versions of a text."""
    before, after = words.tokens((base.encode(),)), words.tokens((ours.encode(),))
    found = replaced.learn(before, words.edits(before, after))
    return [(b" ".join(one.old).decode(), b"".join(one.new).decode().strip()) for one in found]


def test_what_is_learned_holds_a_name() -> None:
    """An insertion takes the name beside it along, edits of one expression are one, and signs alone teach nothing."""
    assert learned("f(a);", "f(ctx, a);") == [("f (", "f(ctx,")]
    assert learned("f(a + 1);", "f(a + 1, b);") == [("f ( a + 1", "f(a + 1, b")]
    assert learned("return item;", "return self->item;") == [("item", "self->item")]
    assert learned("x = item;", "x = item.size;") == [("item", "item.size")]
    assert learned("make();", "make(1);") == []
    assert learned("a = old(x); b = old(y);", "a = new(x); b = new(y);") == [("old", "new")]
    assert learned("a = old(x); b = old(y);", "a = new(x); b = other(y);") == []
    assert learned("x = p + q;", "x = p - q;") == []


def test_the_longest_fits_first() -> None:
    """What one replacement brought is never replaced by another, and white space before it stays."""
    pairs = (Replacement((b"a", b".", b"b"), (b"c",)), Replacement((b"a",), (b"a", b"b")))
    assert b"".join(replaced.replace(words.tokens((b"x = a.b + a;",)), pairs)) == b"x = c + ab;"
    assert str(Replacement((b"old",), (b" new",))) == "old → new"
