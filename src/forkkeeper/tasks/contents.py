"""The verbs as a table of contents: which chapter each stands in, and what its page says."""

import re
from collections.abc import Iterator, Sequence

CHAPTERS = (
    ("Day to day", ("status", "plan", "sync", "diff", "undo", "redo")),
    ("What upstream offers", ("triage", "pick", "decline", "explain", "policy.*", "requests.*")),
    ("The patches", ("patch.*",)),
    ("Making the fork", ("materialise", "verify", "doctor", "kit.*", "build", "check", "size", "bench.*", "bisect")),
    ("Every night", ("nightly", "report", "publish", "sbom", "ci-matrix")),
    ("Setting up, and care", ("init", "adopt", "setup", "log", "lint", "upstream.*")),
)
REST = "More"
HIDDEN = ("merge-driver",)  # called by git alone


def chapters(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Put verbs into their chapters, in the order written there; what is in none comes last.

    >>> list(chapters(["sync", "new-one", "patch.new", "plan", "patch.list"]))
    [('Day to day', ('plan', 'sync')), ('The patches', ('patch.new', 'patch.list')), ('More', ('new-one',))]
    """
    left = [name for name in names if name not in HIDDEN]
    for title, wanted in CHAPTERS:
        found = tuple(name for want in wanted for name in left if _is(name, want))
        left = [name for name in left if name not in found]
        if found:
            yield title, found
    if left:
        yield REST, tuple(left)


def _is(name: str, wanted: str) -> bool:
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


def headline(page: str) -> str:
    """Give what a verb does in a few words: the beginning of its page.

    >>> headline("Say where the fork stands: pin, age. More.")
    'Say where the fork stands'
    """
    return re.split(r"[:;.](?:\s|$)", page.strip(), maxsplit=1)[0]


def paragraphs(page: str) -> list[str]:
    r"""Give the paragraphs of a verb's page; its example is one of its own.

    >>> paragraphs("Do it.\n\nMore\nof it.\nExample: forkkeeper do")
    ['Do it.', 'More of it.', 'Example: forkkeeper do']
    """
    parts = re.split(r"\n\s*\n|\s+(?=Example: )", page.strip())
    return [" ".join(part.split()) for part in parts]
