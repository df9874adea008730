"""What a picked or declined commit says as a patch, and which part of it is taken."""

import pytest

from forkkeeper.core import declined as declines, followups, hunks, mail, merging, picking
from forkkeeper.core.declined import Declined
from forkkeeper.core.followups import Became
from forkkeeper.core.hunks import Hunk
from forkkeeper.core.ids import CommitId
from forkkeeper.core.mail import Patch
from forkkeeper.core.merging import Sides
from forkkeeper.core.picking import Origin
from forkkeeper.errors import RequestError

ONE, TWO = CommitId("a" * 40), CommitId("b" * 40)
DIFF = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"


def patch(message: str) -> Patch:
    """Make a patch of a message."""
    title, _, body = message.partition("\n\n")
    return mail.parse("x.patch", f"From: A <a@b>\nSubject: {title}\n\n{body}---\n\n".encode() + DIFF)


def test_a_picked_patch_says_where_it_is_from_and_lacks_nothing() -> None:
    """Origin, the line of git's cherry-pick, status and witness are there, and are read back."""
    made = patch(picking.message("Fix it (#1)", "Body.", "We crash.", Origin(None, ONE), None))
    assert mail.shortcomings(made) == ()
    assert picking.origin(made) == Origin(None, ONE)
    assert made.reason == "We crash.\n\nBody."
    assert f"(cherry picked from commit {ONE})".encode() in made.head
    assert made.trailer("Witness") == "none [picked from upstream]"


def test_a_commit_without_words_says_that_it_is_picked() -> None:
    """A patch is never without a reason."""
    made = patch(picking.message("Fix it", "", None, Origin(None, ONE), "native/checks/test_x.py"))
    assert made.reason == 'Picked from upstream, where it says of itself: "Fix it".'
    assert made.trailer("Witness") == "native/checks/test_x.py"


def test_a_difference_names_both_ends() -> None:
    """What came between two snapshots says so, and names the newer one as where it was taken from."""
    made = patch(picking.message("Concat", "", "Why.", Origin(ONE, TWO), None))
    assert picking.origin(made) == Origin(ONE, TWO)
    assert mail.shortcomings(made) == ()
    assert b"cherry picked" not in made.head


@pytest.mark.parametrize("line", ["---", "--- a/f", "diff -r x", "Index: x", "From: me", "Patch: other.patch"])
def test_no_line_of_upstream_ends_a_message(line: str) -> None:
    """What `git am` would read otherwise is moved by a blank, and hidden characters are spelled out."""
    assert picking.safe(f"one\n{line}\n\u202etwo") == f"one\n {line}\n\\u202etwo"


def test_a_patch_of_ours_is_picked_from_nothing() -> None:
    """Neither a local patch nor a bare id without the status of a backport counts as picked."""
    body = "Why.\n\nOrigin: {}\nUpstream-Status: {}\nWitness: none [x]\n"
    assert picking.origin(patch("T\n\n" + body.format("local", "Pending"))) is None
    assert picking.origin(patch("T\n\n" + body.format(ONE, "Pending"))) is None
    assert picking.origin(patch("T\n\n" + body.format(ONE, f"Backport [{ONE}]"))) == Origin(None, ONE)


def test_a_declining_patch_names_its_commit() -> None:
    """It is local, inappropriate for upstream, and says in git's words what it takes back."""
    made = patch(picking.declining("Add it", "Too big.", ONE))
    assert picking.declined(made) == ONE
    assert picking.origin(made) is None
    assert mail.shortcomings(made) == ()
    assert f"This reverts commit {ONE}." in made.reason


def test_chosen_hunks_are_applied_where_they_stand() -> None:
    """Lines that look the same elsewhere are never hit, and hunks that are left out change nothing."""
    data = b"x\n" * 20
    second = Hunk(11, 12, "", (b" x\n", b"+new\n", b" x\n"))
    assert picking.rewritten(data, [second]) == b"x\n" * 11 + b"new\n" + b"x\n" * 9


def test_lines_beyond_the_origin_are_counted() -> None:
    """A patch that does part of its commit does nothing beyond it; one line more counts as one."""
    whole = hunks.parse(DIFF.replace(b"@@ -1 +1 @@\n-a\n+b\n", b"@@ -1 +1,2 @@\n-a\n+b\n+c\n"))
    assert picking.beyond(hunks.parse(DIFF), whole) == 0
    assert picking.beyond(whole, hunks.parse(DIFF)) == 1


# followed up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "became"),
    [
        ('Revert "metal : fix concat (#12)" (#20)\n\nThis reverts commit aaaaaaaaaa.', Became.REVERTED),
        ('Revert "metal : fix concat (#12)"', Became.REVERTED),
        ("Undo it\n\nThis reverts commit aaaaaaa", Became.REVERTED),
        ("metal : bugs\n\nFixes: aaaaaaaaaaaa", Became.FIXED),
        ("metal : fix regression of #12 (#21)", Became.FIXED),
        ("metal : more of it (#12)", None),
        ("metal : fix #123", None),
        ("metal : speak of #12", None),
        ("fix aaaaaab", None),
    ],
)
def test_what_a_later_message_says(message: str, became: Became | None) -> None:
    """Reverts and fixes are told by git's words, a trailer, the id or the request's number; nothing else is."""
    found = followups.read(ONE, "metal : fix concat (#12)", [(TWO, message)])
    assert [one.became for one in found] == ([became] if became else [])


def test_a_revert_that_was_taken_back_is_none() -> None:
    """After `Reapply` or a revert of the revert, upstream has the commit again."""
    title = "metal : fix concat (#12)"
    first = (TWO, f'Revert "{title}" (#20)\n\nThis reverts commit {ONE}.')
    for again in (f'Reapply "{title}" (#22)', f'Revert "Revert "{title}"" (#22)'):
        assert followups.read(ONE, title, [first, (CommitId("c" * 40), again)]) == ()


# declined.toml ------------------------------------------------------------------------------------------------------

A, B = (Declined(sha, "Title", "Why\nnot.", "2026-01-02") for sha in (ONE, TWO))


def test_declined_commits_are_read_as_they_were_written() -> None:
    """The same decisions give the same bytes in any order; no file is no decision."""
    assert declines.parse(declines.format([B, A])) == (A, B)
    assert declines.format([A, B]) == declines.format([B, A])
    assert declines.parse(b"") == ()


def test_comments_stay_in_the_file_of_declined_commits() -> None:
    """An entry that stays keeps its text; what a person wrote at the head, above and after entries is never lost."""
    plain = declines.format([A])
    own = plain.replace(b"\n[[", b"# head\n\n# part\n\n# above\n[[").replace(b'"Title"', b'"Title"  # after')
    own += b"# end\n"
    assert declines.parse(own) == (A,)
    assert declines.format([A], own) == declines.format([A], declines.format([A], own))
    more = declines.format([B, A], own)
    assert declines.parse(more) == (A, B)
    for word in (b"# head", b"# part", b"# above\n[[", b'"Title"  # after', b"# end"):
        assert word in more
    assert declines.format([A], more) == declines.format([A], own)
    gone = declines.written([], own)
    assert gone is not None
    assert declines.parse(gone) == ()
    for word in (b"# head", b"# part", b"# above", b"# end"):
        assert word in gone
    assert declines.written([], plain) is None
    merged = merging.merge("declined.toml", Sides(b"", own, declines.format([B]) + b"# theirs\n"))
    assert merged is not None
    assert declines.parse(merged.data) == (A, B)
    assert all(word in merged.data for word in (b"# above", b"# theirs"))


def test_comments_in_a_form_that_cannot_be_kept_are_refused() -> None:
    """Entries of another TOML form are read, and written anew; with a comment among them the file is refused."""
    other = f'declined = [\n  {{sha = "{ONE}", title = "a # b", why = "c", date = "2026-01-02"}},\n]\n'
    (entry,) = declines.parse(other.encode())
    assert declines.format([entry], other.encode()) == declines.format([entry])
    with pytest.raises(RequestError, match=r"declined\.toml: has comments"):
        declines.format([entry], other.replace("[\n", "[\n  # mine\n").encode())


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense",
        b"[[declined]]\nsha = 1",
        b"<<<<<<< ours\n",
        declines.format([A]) + declines.format([A]),
        declines.format([A]).replace(b"Why", b"").replace(b"\\nnot.", b""),
        declines.format([A]).replace(b"2026-01-02", b"today"),
        declines.format([A]).replace(b"aaaa", b"xxxx"),
    ],
)
def test_a_damaged_file_of_declined_commits_is_refused(text: bytes) -> None:
    """What is wrong is named with the file, and nothing is guessed."""
    with pytest.raises(RequestError, match=r"declined\.toml"):
        declines.parse(text)


def test_two_branches_that_declined_merge() -> None:
    """What either side declined or took back is kept; what both decided otherwise is a clash."""
    both = merging.merge("declined.toml", Sides(b"", declines.format([B]), declines.format([A])))
    assert both is not None
    assert declines.parse(both.data) == (A, B)
    gone = merging.merge("declined.toml", Sides(declines.format([A]), b"", declines.format([A, B])))
    assert gone is not None
    assert declines.parse(gone.data) == (B,)
    other = declines.format([Declined(ONE, "Title", "Otherwise.", "2026-01-02")])
    clash = merging.merge("declined.toml", Sides(b"", declines.format([A]), other))
    assert clash is not None
    assert clash.clashes
