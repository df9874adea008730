"""The registry: each parser with what must hold of any bytes, and real bytes to begin from.

What must hold: a parser gives a value, or raises what it says that it raises, a ForkkeeperError or its own ValueError.
What a value is written as is read back as the same value, and written to the same bytes again.
"""

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from forkkeeper.core import (
    benchreport,
    ccachelog,
    changes,
    checksreport,
    cmakeoptions,
    compilerreport,
    conflicts,
    ctestreport,
    declaration,
    declined,
    document,
    emulation,
    findings,
    history,
    hunks,
    issues,
    lock,
    mail,
    mailing,
    manifest,
    operations,
    opsreport,
    outboxes,
    outputs,
    parked,
    pip_settings,
    queue,
    requests,
    resolutions,
    sections,
    session,
    snapshots,
    trees,
)
from forkkeeper.core.adopt import authors, timeline, words
from forkkeeper.core.exchange import heads, plain
from forkkeeper.core.ids import CommitId
from forkkeeper.core.nights import Ending, Findings, Side, Step, Taken
from forkkeeper.errors import ForkkeeperError
from forkkeeper.shell.git.repository import CommitInfo, parse_commit
from fuzzing import seeds

Refusals = tuple[type[Exception], ...]
KINDS = ("plan", "reach", "triage", "build", "check", "regression", "witness", "throughput")  # of a night's steps


@dataclass(frozen=True)
class Parser:
    """One parser.

    name -- also of its folder of crashes
    parse -- bytes → value; raises one of `refuses`, and nothing else
    begin -- gives real bytes
    write -- value → bytes, where there is such a thing
    refuses -- exactly what it may raise
    """

    name: str
    parse: Callable[[bytes], Any]
    begin: Callable[[], Sequence[bytes]]
    write: Callable[[Any], bytes] | None = None
    refuses: Refusals = (ForkkeeperError,)

    def holds(self, data: bytes) -> bool:
        """Whether bytes parse. Whatever else is raised than a refusal is an escape, an AssertionError too."""
        try:
            value = self.parse(data)
        except self.refuses:
            return False
        if self.write is not None:
            written = self.write(value)
            again = self.parse(written)
            assert again == value, f"read back as another value: {written[:200]!r}"
            assert self.write(again) == written, "written to other bytes the second time"
        return True


def _said(data: bytes) -> str:
    """Give a program's output as shell.process does."""
    return data.decode(errors="replace")


def _of_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Make a parser of bytes of one that reads what a program said."""
    return lambda data: read(_said(data))


def _patch(data: bytes) -> mail.Patch:
    patch = mail.parse("x.patch", data)
    assert patch.with_diff(patch.diff) == patch
    assert mail.holds(data, patch)
    mail.shortcomings(patch)
    mailing.moment(patch.date, "2026-06-20")
    return patch


def _headers(data: bytes) -> mail.Patch:
    """Read a head alone: the diff is a sound one, however the head ends; a head that holds a diff is none."""
    if re.search(rb"^diff --git ", data, re.MULTILINE):
        raise mail.MailError("it is more than a head")
    return mail.parse("x.patch", data + seeds.DIFF)


def _series(data: bytes) -> queue.Queue:
    """Read a series whose every line has a patch file."""
    words = [line.split(b"#")[0].split() for line in re.split(rb"[\n\r\v\f\x1c-\x1e\x85]|\xe2\x80[\xa8\xa9]", data)]
    names = {row[0].decode("utf-8", "surrogateescape") for row in words if row}
    found = queue.read(data, dict.fromkeys(names, seeds.MAIL + seeds.DIFF))
    assert queue.rebuild(found, found.patches).series == data
    arranged = queue.arrange(found, found.patches)
    assert [name for name in arranged.series.split(b"\n") if name] == [line for line in data.split(b"\n") if line]
    return found


def _requests(data: bytes) -> tuple[requests.Request, ...]:
    found = requests.parse(data)
    links = [one.link for one in found]
    if all(links) and len(set(links)) == len(links):
        assert requests.merge(data, found) == (data, (), ())
    return found


def _history(records: Sequence[history.Record]) -> bytes:
    data = b""
    for record in records:
        data = history.append(data, record)
    return data


def _parked(data: bytes) -> parked.Parked | None:
    """Read a parked patch; where what it holds is a sound one, parking that again says the same."""
    found = parked.read("x.patch", data)
    if found is not None:
        try:
            patch = mail.parse("x.patch", found.data)
        except mail.MailError:
            return found
        again = parked.read("x.patch", parked.park(patch, "2026-06-20", found.stood_on, found.clashed_at, found.why))
        assert again is not None
        assert again.data == patch.data, "unparked as another patch"
    return found


def _plain(data: bytes) -> bytes:
    """Read another tool's diff, and what stands before it; it is in git's form then, and stays so."""
    head, diff = plain.cut(data)
    mail_head = heads.mail(heads.read(head))
    made = plain.as_git(diff, {"a"})
    assert plain.as_git(made, {"a"}) == made, "what is in git's form is changed again"
    with contextlib.suppress(mail.MailError):
        mail.parse("x.patch", mail_head + made)
    return made


def _ops(data: bytes) -> object:
    report = opsreport.parse(_said(data), _said(data), asked="CPU", exit_status=0)
    return report, opsreport.judge(report), opsreport.results(report)


def _checks(data: bytes) -> object:
    return checksreport.judge(checksreport.parse(_said(data), exit_status=1))


def _compiler(data: bytes) -> object:
    text = _said(data)
    return (
        compilerreport.read(text),
        compilerreport.warnings(text),
        compilerreport.names(text),
        cmakeoptions.unused(text),
    )


def _night(data: bytes) -> Findings:
    """Read a step's document as each kind of step's, one after the other."""
    told = document.read(data)
    taken = [Taken(Step(kind, kind, Side.STAND), Ending.PASSED, document=told) for kind in KINDS]
    found = findings.found(taken)
    assert msgspec.convert(msgspec.to_builtins(found), Findings) == found, "holds what it may not hold"
    for one in taken:
        assert isinstance(findings.said(one.step, told, log="said"), str)
    return found


def _merge(data: bytes) -> object:
    said = list(conflicts.parse_messages(_said(data).split("\0")))
    return conflicts.explain(said, {}), list(conflicts.places("a", data))


def _commit(data: bytes) -> CommitInfo:
    """Read a commit object; it has a date of its own, whatever it says."""
    found = parse_commit(CommitId("0" * 40), data)
    assert dt.date.fromisoformat(found.date).isoformat() == found.date
    return found


def _timeline(data: bytes) -> timeline.Timeline:
    """Read a log as git writes it, whatever the words and times of its commits are."""
    odd = data.translate(None, b"\0\x01\x02\n\r ").decode("utf-8", "replace")  # git puts these itself
    row = f"\x01{'a' * 40}\x02\x02{odd}\x02{odd}\0\0:000000 100644 {'0' * 40} {'1' * 40} A\0".encode()
    found = timeline.parse(row + data.replace(b"\0", b"") + b"\0")
    assert all(words.date(moment) for moment in found.line)
    return found


PARSERS: tuple[Parser, ...] = (
    Parser("patch", _patch, seeds.patches, lambda patch: patch.data, (mail.MailError,)),
    Parser("headers", _headers, lambda: (seeds.MAIL,), lambda p: p.head, (mail.MailError,)),
    Parser("diff", hunks.parse, lambda: (seeds.DIFF, seeds.ODD), None, (hunks.DiffError,)),
    Parser("other-diffs", _plain, lambda: (*seeds.OTHERS, *seeds.patches()), None, (hunks.DiffError,)),
    Parser("series", _series, lambda: seeds.own("patches/series"), lambda found: found.series),
    Parser("fork-toml", declaration.parse, lambda: seeds.own("fork.toml")),
    Parser("fork-lock", lock.parse, lambda: seeds.own("fork.lock"), lock.format_lock),
    Parser("history", history.parse, lambda: (seeds.HISTORY,), _history),
    Parser("declined", declined.parse, lambda: (seeds.DECLINED,), declined.format),
    Parser("requests", _requests, lambda: (seeds.REQUESTS, requests.HEADER.encode())),
    Parser(
        "resolution",
        lambda data: resolutions.parse("x.resolution", data),
        lambda: (seeds.RESOLUTION,),
        resolutions.format_resolution,
    ),
    Parser("parked", _parked, lambda: (seeds.PARKED + seeds.DIFF,)),
    Parser(
        "snapshots",
        lambda data: snapshots.parse(data.decode("utf-8", "surrogateescape")),
        lambda: (seeds.SNAPSHOTS,),
        lambda rows: snapshots.format_table(rows).encode("utf-8", "surrogateescape"),
    ),
    Parser("manifest", lambda data: manifest.read(data, "x"), lambda: (seeds.MANIFEST,), manifest.write),
    Parser("session", lambda data: session.parse(data, "x"), lambda: (seeds.SESSION,), session.format_session),
    Parser(
        "operation", lambda data: operations.parse(data, "x"), lambda: (seeds.OPERATION,), operations.format_operation
    ),
    Parser("issues", lambda data: issues.read(data, ["fork"], shown="x"), lambda: (seeds.ISSUES,)),
    Parser("merge-tree", _merge, lambda: seeds.MERGES, None, ()),
    Parser("ccache", _of_text(ccachelog.count), lambda: (seeds.CCACHE,), None, ()),
    Parser("ops", _ops, lambda: seeds.printed("test_opsreport"), None, ()),
    Parser("junit", _checks, lambda: seeds.printed("test_checksreport"), None, ()),
    Parser("ctest-list", _of_text(ctestreport.listing), lambda: seeds.printed("test_ctestreport"), None, (ValueError,)),
    Parser("ctest-junit", _of_text(ctestreport.results), lambda: seeds.printed("test_ctestreport"), None, ()),
    Parser("compiler", _compiler, lambda: seeds.printed("test_compilerreport"), None, ()),
    Parser(
        "llama-bench",
        _of_text(lambda text: benchreport.parse(text, program="x")),
        lambda: seeds.printed("test_benchreport"),
    ),
    Parser(
        "callgrind",
        _of_text(lambda text: benchreport.instructions(text, within="x")),
        lambda: seeds.printed("test_benchreport"),
    ),
    Parser(
        "emulation",
        _of_text(lambda text: emulation.read(text.splitlines())),
        lambda: (seeds.EMULATION,),
        None,
        (ValueError,),
    ),
    Parser("sections", _of_text(lambda text: sections.by_kind(sections.parse(text))), lambda: (seeds.SIZES,), None, ()),
    Parser("logits", outputs.parse, lambda: (seeds.LOGITS,), None, (ValueError,)),
    Parser("night", _night, seeds.nights, None, ()),
    Parser("commit", _commit, lambda: (seeds.COMMIT,), None, ()),
    Parser("tree", trees.parse, lambda: (seeds.TREE,), trees.format_tree, (ValueError,)),
    Parser("timeline", _timeline, lambda: (b"1718000000",), None, ()),
    Parser("authors", lambda data: authors.parse(data, {b"int a;"}, {b"int b;"}), lambda: (seeds.AUTHORS,), None, ()),
    Parser("outbox", lambda data: outboxes.parse(data, shown="x"), lambda: (seeds.OUTBOX,), outboxes.to_json),
    Parser(
        "pip-config",
        _of_text(lambda text: pip_settings.parse_pip_config(text, {})),
        lambda: (b"global.index-url='https://example.invalid/simple'\n:env:.timeout='30'\n",),
    ),
    Parser(
        "changes-output",
        _of_text(lambda text: changes.parse("x", text)),
        lambda: (b"cpu:tiny-*, tiny-llama [rounds otherwise]",),
        None,
        (ValueError,),
    ),
)

BY_NAME = {parser.name: parser for parser in PARSERS}
