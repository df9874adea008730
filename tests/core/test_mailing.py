"""A commit's message and a patch's mail: names added and taken out, titles made into names, dates read."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core import mail, mailing, queue
from forkkeeper.core.queue import Queue

LINES = st.lists(
    st.sampled_from(["", "Title: it", "why not", "Origin: local", " folded", "Patch: x", "# note", "é"]), max_size=8
)


@given(LINES)
def test_a_name_that_was_added_is_taken_out_again(lines: list[str]) -> None:
    """Whatever the message, adding a name and taking it out gives the message as `git am` would tidy it."""
    message = mailing.tidy("\n".join(["title", *lines]))
    named = mailing.named(message, "a.patch")
    assert mailing.names(named) == ("a.patch",)
    assert mailing.nameless(named) == message
    assert mailing.tidy(named) == named


@given(LINES)
def test_a_message_is_its_parts(lines: list[str]) -> None:
    """Text and trailers make the message again."""
    message = mailing.tidy("\n".join(["title", *lines]))
    assert mailing.joined(*mailing.parts(message)) == message


def test_the_name_joins_the_trailers() -> None:
    """It stands in their paragraph, so that git takes all of them for trailers."""
    assert mailing.named("t\n\nwhy\n\nOrigin: local\n", "a.patch").endswith("\n\nOrigin: local\nPatch: a.patch\n")
    assert mailing.named("t\n\nwhy\n", "a.patch") == "t\n\nwhy\n\nPatch: a.patch\n"
    assert mailing.parts("fix: it\n") == ("fix: it", "")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        (
            "mmap: map weights without populating their pages, ever again",
            "mmap-map-weights-without-populating-their-pages",
        ),
        ("Ünïcode!", "n-code"),
        ("…", "patch"),
        ("x" * 80, "x" * mailing.MOST_SLUG),
    ],
)
def test_a_title_gives_a_plain_file_name(title: str, name: str) -> None:
    """Any title gives a name that the series takes, cut between words."""
    assert mailing.slug(title, frozenset()) == f"{name}.patch"
    assert mailing.slug(title, frozenset({f"{name}.patch".upper()})) == f"{name}-2.patch"
    assert queue.file_name(name) == f"{name}.patch"


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Sun, 15 Jun 2025 15:06:40 +0200", "@1749992800 +0200"),
        ("2025-06-15 15:06:40 +0200", "@1749992800 +0200"),
        ("Sun, 15 Jun 2025 15:06:40 -0000", "@1750000000 +0000"),
        ("Thu, 1 Jan 1960 00:00:00 +0000", "@1577836800 +0000"),
        ("", "@1577836800 +0000"),
        ("yesterday", "@1577836800 +0000"),
    ],
)
def test_dates_are_what_git_takes(date: str, moment: str) -> None:
    """A mail's date gives seconds and zone; what is none, or before git's time, gives the day it is told."""
    assert mailing.moment(date, "2020-01-01") == moment


def test_only_the_diffstat_goes() -> None:
    """Notes between `---` and the diff stay; a body that looks like a diffstat does, too."""
    stat = b" a.c | 2 ++\n b/c => d.c | Bin 1 -> 2 bytes\n 2 files changed, 2 insertions(+)\n create mode 100644 a.c\n"
    head = b"From: x\n\n a.c | 2 ++\n---\nv2: my note\n" + stat + b"\n"
    assert mail.statless(head) == b"From: x\n\n a.c | 2 ++\n---\nv2: my note\n\n"
    assert mail.statless(b"no dashes\n" + stat) == b"no dashes\n" + stat


SERIES = b"# head\n\na.patch -p1 # first\n# between\nb.patch\nc.patch\n# tail"


@pytest.mark.parametrize(
    ("wanted", "series"),
    [
        ("abc", b"# head\n\na.patch -p1 # first\n# between\nb.patch\nc.patch\n# tail\n"),
        ("cab", b"# head\n\nc.patch\n# between\na.patch -p1 # first\nb.patch\n# tail\n"),
        ("ac", b"# head\n\na.patch -p1 # first\n# between\nc.patch\n# tail\n"),
        ("xabyc", b"# head\n\nx.patch\na.patch -p1 # first\n# between\nb.patch\ny.patch\nc.patch\n# tail\n"),
        ("xyca", b"# head\n\nx.patch\ny.patch\nc.patch\n# between\na.patch -p1 # first\n# tail\n"),
        ("", b"# head\n\n# between\n# tail\n"),
    ],
)
def test_the_series_is_put_in_order_around_its_comments(wanted: str, series: bytes) -> None:
    """Names change places, comments do not; new names come right after the one before them."""
    mail = b"From: a <a@b>\nSubject: t\n\nwhy\n---\n\ndiff --git a/f b/f\nold mode 100644\nnew mode 100755\n"
    had = queue.read(SERIES, {f"{name}.patch": mail for name in "abc"})
    patches = queue.read(
        "".join(f"{name}.patch\n" for name in wanted).encode(), {f"{name}.patch": mail for name in wanted}
    ).patches
    now = queue.arrange(had, patches)
    assert now.series == series
    assert queue.read(now.series, {p.name: p.data for p in patches}).patches == patches


def test_the_first_patch_goes_to_the_end_of_the_comments() -> None:
    """A series with no patch yet keeps what is written in it."""
    mail = b"From: a <a@b>\nSubject: t\n\nwhy\n---\n\ndiff --git a/f b/f\nold mode 100644\nnew mode 100755\n"
    patches = queue.read(b"a.patch\n", {"a.patch": mail}).patches
    assert queue.arrange(Queue(b"# none yet", ()), patches).series == b"# none yet\na.patch\n"
