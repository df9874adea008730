"""Table of contents: each verb as its stages, in order. Open this first.

    status        open → drift → what the sources know
    plan          open → find both commits → compose the old side → carry to the new one → what first clashes
                  --as-far-as-free: open → find both commits → try those in between → plan the one that stops it
    sync          plan → save as one transaction, or lay the first clash before a person in a worktree
                  --continue, --accept, --skip, --drop: what was decided → plan → save, or the next clash
    diff          open → compose → show
                  --since: open → compose → read the fork as it was → carry that to the present pin → show
    triage        open → compose → upstream's commits after the pin → carry the queue past those near it → rank
    explain       open → compose → the rules on a path, whose its lines are, when it changed upstream
    policy check  open → both pins' paths → what no rule matches, what no rule decides
    requests      read GitHub's JSON → requests.toml → save (import), or show (list)
    log           open → compose → write the log and the lock
    lint          open → what the patches lack
    init          find the pin → write a fork's first files
    adopt         read a tree → the closest upstream version of each file → a queue that makes the tree → save
    materialise   open → compose → write a directory
                  with no directory: open → compose → hold it as fork.toml declares: files, commits pushed, or nothing
    verify        open → compare what is held with the lock
    build         open → compose → materialise → build (--baseline: the baseline of it) → of what fails, whose it is
    setup         tell git in this clone of the merge driver → write .gitattributes
    merge-driver  read three versions → merge (git calls it where branches of the fork meet)
    patch import  read another tool's queue → adopt and apply each → carry to the pin, if asked → save
    patch export  open → compose → write in another tool's form → read that back, same tree
    pick          find the commits → compose → carry each backwards onto the fork → what it needs, if asked → save
    decline       find the commit → compose → carry its reverse onto the fork, where the pin has it → save
    doctor        read the declaration → look at the machine for what variants need
    kit list      read the declaration → which are here
        fetch     read the declaration → download → verify → unpack beside the build
    check         open → compose → is it built? → run checks → verdicts
                  witness: … → build without each patch → run its witness on both → what each patch deletes
                  deletions: open → compose → what each patch deletes → how old that is upstream
                  regression: … → build the baseline → what models say, operations, upstream's tests, in both → compare
    bench throughput  open → compose → build both sides → run them in pairs, count instructions → verdicts → keep
          attribute   open → compose → build without each patch, and with the first ones → compare → what each makes
                      --since: open → read the fork as it was → build both forks and both pins → whose the change is
    bisect        open → both ends → build and measure → halve the commits in between → the one that changed it
    nightly       open → look upstream → each further step a verb of these, in a clone → compare with the last → keep
    publish       read the outbox → what stands at the forge → what is to be done → check the branch, push, write
    report        open → compose → read the nights → draw one page
    sbom          open → in step? → the lock, patches, overlay as CycloneDX
    ci-matrix     read the declaration → the jobs of CI
    patch open    open → compose → a commit per patch → check them out in a worktree (edit: stand at one of them)
          save    open → compose → read the commits → patches → save as one transaction → stand on what was saved
          new, refresh                      … → the worktree's edits → carry the later patches → save
          rename, move, drop, split, fold   … → put the trees otherwise → save
          unpark                            … → carry it alone from where it stood → save
          absorb                            … → edits of the vendored directory → a patch → save
          list, show, why                   open → compose → show

`standing` opens and composes a fork, `surveying` says where it stands, `recording` writes down what it is and says what
it lacks, `carrying` plans a move, `syncing` makes it (with the worktree of `clashing`, and `saving` at the end, which
`committing` gives the words to commit with), `searching` looks through upstream's commits, `reviewing` shows what the
fork changes, `building` makes something of it (`failing` says why it could not), `checking` judges that (`readying`
makes it ready, `regressing` compares it with the pin, `witnessing` says what each patch does, `undoing` what it
deletes), `holding` holds it as declared (`branching` as commits), `past` takes back what was saved, `merging` brings
branches of it together, `importing` (of what `foreign` reads) and `exporting` exchange queues with other tools,
`patching` has the queue as commits (`unsaved` and `strays` know what is in none), `authoring` writes a patch,
`absorbing` takes one out of a vendored directory, `reshaping` puts the queue otherwise, `unparking` brings a patch
back, `showing` shows it, `picking` and `declining` take single commits of upstream's or do without (`bringing` carries
them, `needing` finds what they need, `passing` says when a sync has them), `triaging` looks at what upstream offers,
`asking` at what users asked for, `explaining` at paths, `doctoring` at the machine. `nightly` has a night (`telling`
says it to others, `publishing` shows it at a forge), `reporting` has the door to the page (`paging`), `billing` says
what the fork is made of, `cimatrix` what CI has to do. `clocking` has the doors to what is imported late: `benching`
(of what `measuring` runs), `attributing` and `bisecting` (of what `comparing` remembers). Every verb first finishes or
undoes an interrupted save, and gives a `Report`; nothing here prints. `adopting` finds what a tree without patches is
made of, and `founding` writes the fork.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forkkeeper.core.benches import Asked as BenchAsked
    from forkkeeper.core.document import of_error as error_document, of_report as report_document
    from forkkeeper.core.report import Report
    from forkkeeper.flow.absorbing import Words, patch_absorb
    from forkkeeper.flow.adopting import Adoption, adopt
    from forkkeeper.flow.asking import requests_import, requests_list
    from forkkeeper.flow.authoring import patch_edit, patch_new, patch_refresh
    from forkkeeper.flow.billing import sbom
    from forkkeeper.flow.bugs import bug_in_words, bug_report
    from forkkeeper.flow.building import build, materialise
    from forkkeeper.flow.carrying import plan, refresh
    from forkkeeper.flow.checking import REGRESSION, check
    from forkkeeper.flow.cimatrix import ci_matrix
    from forkkeeper.flow.clocking import attribute, bench, bisect, percent
    from forkkeeper.flow.declining import decline, reopen as reopen_declined
    from forkkeeper.flow.doctoring import doctor
    from forkkeeper.flow.explaining import explain, policy_check
    from forkkeeper.flow.exporting import export_patches
    from forkkeeper.flow.foreign import Ask
    from forkkeeper.flow.holding import hold, verify
    from forkkeeper.flow.importing import import_patches
    from forkkeeper.flow.kits import kit_fetch, kit_list
    from forkkeeper.flow.merging import merge_driver, setup
    from forkkeeper.flow.nightly import Asked as NightAsked, nightly
    from forkkeeper.flow.past import past, redo, undo
    from forkkeeper.flow.patching import patch_close, patch_open, patch_save
    from forkkeeper.flow.picking import Choice, pick
    from forkkeeper.flow.publishing import Wanted as Publishing, publish
    from forkkeeper.flow.recording import init, lint, log
    from forkkeeper.flow.reporting import report
    from forkkeeper.flow.reshaping import patch_drop, patch_fold, patch_move, patch_rename, patch_split
    from forkkeeper.flow.reviewing import Wanted, diff
    from forkkeeper.flow.searching import as_far_as_free
    from forkkeeper.flow.showing import patch_list, patch_show, patch_why
    from forkkeeper.flow.sizing import size
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
    from forkkeeper.flow.surveying import status
    from forkkeeper.flow.syncing import abort, accept, drop, go_on, park, reopen, sync, where
    from forkkeeper.flow.triaging import triage
    from forkkeeper.flow.unparking import patch_unpark

__all__ = [
    "REGRESSION",
    "Adoption",
    "Ask",
    "BenchAsked",
    "Choice",
    "NightAsked",
    "Publishing",
    "Report",
    "Setting",
    "Wanted",
    "Words",
    "abort",
    "accept",
    "adopt",
    "as_far_as_free",
    "attribute",
    "bench",
    "bisect",
    "bug_in_words",
    "bug_report",
    "build",
    "check",
    "ci_matrix",
    "decline",
    "diff",
    "doctor",
    "drop",
    "error_document",
    "explain",
    "export_patches",
    "go_on",
    "hold",
    "import_patches",
    "init",
    "kit_fetch",
    "kit_list",
    "lint",
    "log",
    "materialise",
    "may_write",
    "merge_driver",
    "missing",
    "nightly",
    "no_number",
    "no_option",
    "not_with",
    "only_with",
    "park",
    "past",
    "patch_absorb",
    "patch_close",
    "patch_drop",
    "patch_edit",
    "patch_fold",
    "patch_list",
    "patch_move",
    "patch_new",
    "patch_open",
    "patch_refresh",
    "patch_rename",
    "patch_save",
    "patch_show",
    "patch_split",
    "patch_titles",
    "patch_unpark",
    "patch_why",
    "percent",
    "pick",
    "plan",
    "policy_check",
    "publish",
    "redo",
    "refresh",
    "reopen",
    "reopen_declined",
    "report",
    "report_document",
    "requests_import",
    "requests_list",
    "sbom",
    "setup",
    "size",
    "status",
    "sync",
    "triage",
    "undo",
    "verify",
    "where",
]

# Whence each name comes, `other=name` where it has another one there. A verb's module is imported when the verb is
# first asked for: all of them together are a third of the time in which `status` answers.
_FROM = {
    "core.benches": "BenchAsked=Asked",
    "core.document": "error_document=of_error report_document=of_report",
    "core.report": "Report",
    "flow.absorbing": "Words patch_absorb",
    "flow.adopting": "Adoption adopt",
    "flow.asking": "requests_import requests_list",
    "flow.authoring": "patch_edit patch_new patch_refresh",
    "flow.billing": "sbom",
    "flow.bugs": "bug_in_words bug_report",
    "flow.building": "build materialise",
    "flow.carrying": "plan refresh",
    "flow.checking": "REGRESSION check",
    "flow.cimatrix": "ci_matrix",
    "flow.clocking": "attribute bench bisect percent",
    "flow.declining": "decline reopen_declined=reopen",
    "flow.doctoring": "doctor",
    "flow.explaining": "explain policy_check",
    "flow.exporting": "export_patches",
    "flow.foreign": "Ask",
    "flow.holding": "hold verify",
    "flow.importing": "import_patches",
    "flow.kits": "kit_fetch kit_list",
    "flow.merging": "merge_driver setup",
    "flow.nightly": "NightAsked=Asked nightly",
    "flow.past": "past redo undo",
    "flow.patching": "patch_close patch_open patch_save",
    "flow.picking": "Choice pick",
    "flow.publishing": "Publishing=Wanted publish",
    "flow.recording": "init lint log",
    "flow.reporting": "report",
    "flow.reshaping": "patch_drop patch_fold patch_move patch_rename patch_split",
    "flow.reviewing": "Wanted diff",
    "flow.searching": "as_far_as_free",
    "flow.showing": "patch_list patch_show patch_why",
    "flow.sizing": "size",
    "flow.standing": "Setting may_write missing no_number no_option not_with only_with patch_titles",
    "flow.surveying": "status",
    "flow.syncing": "abort accept drop go_on park reopen sync where",
    "flow.triaging": "triage",
    "flow.unparking": "patch_unpark",
}
_MODULES = {word.partition("=")[0]: module for module, words in _FROM.items() for word in words.split()}

if not TYPE_CHECKING:  # a type checker knows the names from above, and that there are no others

    def __getattr__(name: str) -> object:
        """Import what is asked for, with all that comes from there: from then on it stands here."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        whence = _MODULES[name]
        module = import_module(f"forkkeeper.{whence}")
        for word in _FROM[whence].split():
            globals()[word.partition("=")[0]] = getattr(module, word.rpartition("=")[2])
        return globals()[name]
