"""What is asked: one patch of a real fork, between the two commits that its maintainers carried it between.

The truth file is JSON. Of it these fields are read, and any others are left alone:

    syncs[].id                   the sync's name, as the file of ids gives it
    syncs[].b_commit             the new baseline
    syncs[].before[]             the queue before the sync, in order; a sync without it is left out
        .name  .outcome          the patch's file name; what its maintainers did with it, in a word
        .commit  .parent         the patch as a commit on the old side; null where it could not be applied there
        .after                   its name in the queue after; absent or null for one that was dropped
    syncs[].after[]              the queue after the sync
        .name  .commit  .parent  as above, on the new side

A question is: the fork stands on `parent` and its queue is this one patch; carry it to the `parent` of the same patch
on the new side. The right answer is the tree of that patch's commit there. A patch that was dropped, or has no commit
on the new side, is asked for where the queue stood then: on the last patch before it that has one, or on the new
baseline. There the right answer is that nothing of it is left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """One patch to carry. Everything but the names is a commit id.

    human -- what the maintainers did with it, in the truth file's word
    old, change -- the commit that the fork stands on, and the patch on it
    new -- the commit to carry it to
    want -- the commit whose tree is the right answer; None for a patch that was dropped
    """

    sync: str
    patch: str
    human: str
    old: str
    change: str
    new: str
    want: str | None


def read(document: Mapping[str, Any], ids: Sequence[str]) -> tuple[Question, ...]:
    """Give the questions of these syncs, in order. Raises KeyError with the first id that the document lacks."""
    syncs = {sync["id"]: sync for sync in document["syncs"] if "before" in sync}
    return tuple(question for name in ids for question in _of(syncs[name]))


def _of(sync: Mapping[str, Any]) -> Iterator[Question]:
    after = {patch["name"]: patch for patch in sync["after"] if patch["commit"]}
    stands = sync["b_commit"]
    for patch in sync["before"]:
        if not patch["commit"]:
            continue
        there = after.get(patch.get("after"))
        new, want = (there["parent"], there["commit"]) if there else (stands, None)
        yield Question(sync["id"], patch["name"], patch["outcome"], patch["parent"], patch["commit"], new, want)
        stands = want or stands


def mail(title: str, body: str, diff: bytes) -> bytes:
    r"""Write a patch file that `git am`, quilt and forkkeeper take.

    >>> mail("Say more", "", b"diff --git a/x b/x\n").decode().splitlines()[-3:]
    ['---', '', 'diff --git a/x b/x']
    """
    head = (
        f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n"
        "From: Replay <replay@example.invalid>\n"
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\n"
        f"Subject: [PATCH] {title}\n\n"
    )
    text = f"{body.strip()}\n" if body.strip() else ""
    return f"{head}{text}---\n\n".encode("utf-8", "surrogateescape") + diff


def title_and_body(message: str) -> tuple[str, str]:
    r"""Split the message of a truth commit: the patch's file name, then the title that its maintainers gave it.

    >>> title_and_body("0001-x.patch\n\nserver: say more\n\nIt was silent.\n")
    ('server: say more', 'It was silent.')
    >>> title_and_body("0001-x.patch\n")
    ('0001-x.patch', '')
    """
    name, _, rest = message.strip().partition("\n")
    title, _, body = rest.strip().partition("\n")
    return (title.strip() or name.strip(), body.strip())
