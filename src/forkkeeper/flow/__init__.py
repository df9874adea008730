"""Table of contents: each verb as its stages, in order. Open this first.

    status        open → drift → what the sources know
    plan          open → find both commits → compose the old side → carry to the new one → what first clashes
                  --as-far-as-free: open → find both commits → try those in between → plan the one that stops it
    sync          plan → refuse what is not sure → save as one transaction
    diff          open → compose → show
                  --since: open → compose → read the fork as it was → carry that to the present pin → show
    log           open → compose → write the log and the lock
    lint          open → what the patches lack
    init          find the pin → write a fork's first files
    materialise   open → compose → write a directory
    build         open → compose → materialise → build
    check         open → compose → is it built? → run checks → verdicts

`standing` opens and composes a fork, `recording` says and writes down what it is, `carrying` moves it, `searching`
looks through upstream's commits, `reviewing` shows what the fork changes, `building` makes something of it. Every verb
first finishes or undoes an interrupted save, and gives a `Report`; nothing here prints.
"""

from forkkeeper.core.document import of_error as error_document, of_report as report_document
from forkkeeper.core.report import Report
from forkkeeper.flow.building import build, check, materialise
from forkkeeper.flow.carrying import plan, refresh, sync
from forkkeeper.flow.recording import init, lint, log, status
from forkkeeper.flow.reviewing import Wanted, diff
from forkkeeper.flow.searching import as_far_as_free
from forkkeeper.flow.standing import (
    Setting,
    may_write,
    missing,
    no_number,
    no_option,
    not_with,
    only_with,
    patch_titles,
)

__all__ = [
    "Report",
    "Setting",
    "Wanted",
    "as_far_as_free",
    "build",
    "check",
    "diff",
    "error_document",
    "init",
    "lint",
    "log",
    "materialise",
    "may_write",
    "missing",
    "no_number",
    "no_option",
    "not_with",
    "only_with",
    "patch_titles",
    "plan",
    "refresh",
    "report_document",
    "status",
    "sync",
]
