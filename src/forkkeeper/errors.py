"""What can go wrong for a person: which step, which thing, what was found, what to type next.

Expected outcomes (a clash, a stale log) are values, not exceptions. An exception of this module ends a verb and
becomes a message and an exit code in `tasks`.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a verb ends, for scripts and CI."""

    IN_STEP = 0
    ANSWER_IS_NO = 1  # drift, clash, regression
    BAD_REQUEST = 2  # the request or the declaration is wrong
    OUTSIDE_FAILED = 3  # an outside tool or the network failed
    BUG = 4  # ours; a report file is left
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class ForkkeeperError(Exception):
    """Ends a verb with a message a person can act on; never raised directly."""

    code = ExitCode.BUG

    def __init__(self, step: str, thing: str, found: str, hint: str = "") -> None:
        """Take the four parts of a message.

        step -- the verb or stage at work, e.g. "sync"
        thing -- what it was working on, e.g. "patches/series"
        found -- what was found there
        hint -- what to type or do next; may be several lines
        """
        super().__init__(step, thing, found, hint)
        self.step, self.thing, self.found, self.hint = step, thing, found, hint

    def __str__(self) -> str:
        thing = self.thing.replace("\n", "\\u000a")  # a file's name may hold one
        where = f"{self.step}: {thing}: " if thing else f"{self.step}: "
        return where + self.found + (f"\n  next: {self.hint}" if self.hint else "")


class AnswerIsNo(ForkkeeperError):  # noqa: N818 -- it is an answer, not a failure
    """The question was answered, and the answer stops the verb (exit 1)."""

    code = ExitCode.ANSWER_IS_NO


class RequestError(ForkkeeperError):
    """The request, the declaration or the fork's files are wrong (exit 2)."""

    code = ExitCode.BAD_REQUEST


class OutsideError(ForkkeeperError):
    """An outside tool, a download or the network failed (exit 3)."""

    code = ExitCode.OUTSIDE_FAILED


class MissingObjectError(OutsideError):
    """An object that is needed is in no repository at hand, as in a partial clone (exit 3)."""
