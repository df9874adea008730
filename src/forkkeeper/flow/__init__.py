"""Table of contents: each verb as its stages, in order. Open this first.

    status        open → drift → what the sources know
    plan          open → find both commits → compose the old side → carry to the new one → what first clashes
                  --as-far-as-free: open → find both commits → try those in between → plan the one that stops it
    sync          plan → save as one transaction, or lay the first clash before a person in a worktree
                  --continue, --accept, --skip, --drop: what was decided → plan → save, or the next clash
    diff          open → compose → show
    log           open → compose → write the log and the lock
    lint          open → what the patches lack
    init          find the pin → write a fork's first files
    materialise   open → compose → write a directory
    build         open → compose → materialise → build
    setup         tell git in this clone of the merge driver → write .gitattributes
    merge-driver  read three versions → merge (git calls it where branches of the fork meet)
    patch.import  read another tool's queue → adopt and apply each → carry to the pin, if asked → save
    patch.export  open → compose → write in another tool's form → read that back, same tree
    check         open → compose → is it built? → run checks → verdicts

`standing` opens and composes a fork, `recording` says and writes down what it is, `carrying` plans a move, `syncing`
makes it (with the worktree of `clashing`, and `saving` at the end), `searching` looks through upstream's commits,
`building` makes something of it, `past` takes back what was saved, `merging` brings branches of it together,
`importing` (of what `foreign` reads) and `exporting` exchange queues with other tools. Every verb first finishes or
undoes an interrupted save, and gives a `Report`; nothing here prints.
"""

from forkkeeper.core.report import Report
from forkkeeper.flow.building import build, check, materialise
from forkkeeper.flow.carrying import diff, may_write, plan, refresh
from forkkeeper.flow.exporting import export_patches
from forkkeeper.flow.foreign import Ask
from forkkeeper.flow.importing import import_patches
from forkkeeper.flow.merging import merge_driver, setup
from forkkeeper.flow.past import past, redo, undo
from forkkeeper.flow.recording import init, lint, log, status
from forkkeeper.flow.searching import as_far_as_free
from forkkeeper.flow.standing import Setting, missing, no_number, no_option, not_with
from forkkeeper.flow.syncing import abort, accept, drop, go_on, park, reopen, sync, where

__all__ = [
    "Ask",
    "Report",
    "Setting",
    "abort",
    "accept",
    "as_far_as_free",
    "build",
    "check",
    "diff",
    "drop",
    "export_patches",
    "go_on",
    "import_patches",
    "init",
    "lint",
    "log",
    "materialise",
    "may_write",
    "merge_driver",
    "missing",
    "no_number",
    "no_option",
    "not_with",
    "park",
    "past",
    "plan",
    "redo",
    "refresh",
    "reopen",
    "setup",
    "status",
    "sync",
    "undo",
    "where",
]
