"""Shapes that grow: bytes of a given size for each parser, ordinary and hostile, to see how its time grows."""

from collections.abc import Callable, Mapping

from fuzzing import seeds

Shape = Callable[[int], bytes]  # number of bytes, about → bytes

_FILE = b"diff --git a/%d b/%d\n--- a/%d\n+++ b/%d\n@@ -1 +1 @@\n-a\n+b\n"
_HUNK = b"@@ -%d +%d @@\n-a\n+b\n"
_LINES = b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -0,0 +1,%d @@\n"


def repeated(piece: bytes, *, before: bytes = b"", after: bytes = b"") -> Shape:
    """Make the shape of a piece over and over."""
    return lambda size: before + piece * (size // len(piece)) + after


def numbered(piece: bytes, *, before: bytes = b"", after: bytes = b"") -> Shape:
    """Make the shape of a piece over and over, its number in all of its places."""
    places = piece.count(b"%d")
    each = len(piece) + 2 * places
    return lambda size: before + b"".join(piece % ((at,) * places) for at in range(1, 1 + size // each)) + after


def _one_hunk(size: int) -> bytes:
    count = size // 40
    return _LINES % count + b"+a line of some length, as code has it\n" * count


PATCHES: Mapping[str, Shape] = {
    "one hunk": lambda size: seeds.MAIL + _one_hunk(size),
    "many hunks": numbered(_HUNK, before=seeds.MAIL + b"diff --git a/a b/a\n--- a/a\n+++ b/a\n"),
    "many files": numbered(_FILE, before=seeds.MAIL),
    "one long line": lambda size: seeds.MAIL + _LINES % 1 + b"+" + b"x" * size + b"\n",
    "a long subject": repeated(b"word ", before=b"From: a\nSubject: ", after=b"\n\nwhy\n\n---\n" + seeds.DIFF),
    "encoded words": repeated(b"=?utf-8?q?=C3=A4?= ", before=b"From: a\nSubject: ", after=b"\n\n---\n" + seeds.DIFF),
    "folded head": repeated(b"\n x", before=b"From: a\nSubject: ", after=b"\n\nwhy\n\n---\n" + seeds.DIFF),
    "brackets": repeated(b"[", before=b"From: a\nSubject: ", after=b"\n\nwhy\n\n---\n" + seeds.DIFF),
    "bracket pairs": repeated(b"[] ", before=b"From: a\nSubject: ", after=b"x\n\nwhy\n\n---\n" + seeds.DIFF),
    "many trailers": numbered(b"A-%d: x\n", before=b"From: a\nSubject: s\n\nwhy\n\n", after=b"---\n" + seeds.DIFF),
    "blank lines": repeated(b"\n", before=b"From: a\nSubject: s\n\nwhy", after=b"---\n" + seeds.DIFF),
    "stat lines": repeated(b" a | 2 +-\n", before=seeds.MAIL.replace(b"\n\n", b"\n", 0), after=seeds.DIFF),
    "stat bars": repeated(b" | ", before=seeds.MAIL + b" ", after=b"\n" + seeds.DIFF),
    "signatures": repeated(b"-- \n", before=seeds.MAIL + seeds.DIFF),
    "quoted path": repeated(b"\\303\\244", before=seeds.MAIL + b'diff --git "a/', after=b'" "b/x"\n'),
    "backslashes": repeated(b"\\", before=seeds.MAIL + b'diff --git "a/', after=b'" "b/x"\n'),
    "quotes": repeated(b'\\"', before=seeds.MAIL + b'diff --git "a/', after=b'" "b/x"\n'),
    "blanks in a path": repeated(b" a/", before=seeds.MAIL + b"diff --git a/", after=b"\n"),
}
LINES: Mapping[str, Shape] = {
    **{f"a line of {one!r}": repeated(one) for one in (b"x", b" ", b"(", b":", b"/", b"\t", b"a: ", b"\x1b[", b"'")},
    **{f"lines of {one!r}": repeated(one) for one in (b"\n", b"a\n", b" a\n", b"# a\n", b"<<<<<<<\n", b"a.patch\n")},
}
TOML: Mapping[str, Shape] = {
    "arrays in arrays": repeated(b"[", before=b"a="),
    "tables in tables": repeated(b"{a=", before=b"a="),
    "a long key": repeated(b"a.", after=b"a=1\n"),
    "long keys": numbered(b"a.b.c.d.e.f.g.k%d = 1\n"),
    "many tables": numbered(b"[a%d]\nb=1\n"),
    "a table's many parts": repeated(b"a.", before=b"[", after=b"a]\n"),
    "a long number": repeated(b"1", before=b"a=", after=b"\n"),
    "a long text": repeated(b"\\n", before=b'a="', after=b'"\n'),
    "quotes": repeated(b'"""'),
}
JSON: Mapping[str, Shape] = {
    "lists in lists": repeated(b"["),
    "objects in objects": repeated(b'{"a":'),
    "escapes": repeated(b"\\n", before=b'"', after=b'"'),
    "a long number": repeated(b"1"),
    "many numbers": repeated(b"1,", before=b"[", after=b"1]"),
}
PRINTED: Mapping[str, Mapping[str, Shape]] = {
    "ops": {
        "cases": numbered(b"  ADD(type=f32,n=%d): OK\n"),
        "a case of blanks": repeated(b"  ", before=b"  ADD(", after=b"): x\n"),
        "half cases": repeated(b"  A(x): ", after=b"\n"),
        "failing": numbered(b"  ADD(n=%d)\n", before=b"Failing tests:\n"),
    },
    "compiler": {
        "errors in words": repeated(b"a: error ", after=b"\n"),
        "references": repeated(b" undefined reference to `a", after=b"\n"),
        "objects": repeated(b"a.o: in function `a':\n", after=b"b.c:(.text+0xc): undefined reference to `b'\n"),
        "numbered references": repeated(b"a.c:1: error ", after=b"\n"),
        "call stacks": repeated(b"CMake Error at a:1 (message):\n  It fails with the following output:\n"),
        "warnings": numbered(b"CMake Warning at a:1 (message):\n  word %d\n"),
        "lld": repeated(b">>> referenced by a.c:1 (a.c:1)\n", before=b"ld.lld: error: undefined symbol: a\n"),
        "quoted": repeated(b"'a<b>", after=b"\n"),
        "paths": repeated(b" /a", after=b": No space left on device\n"),
        "a path in parentheses": repeated(b"(", before=b"a", after=b"\n"),
        "killed": repeated(b"Killed program ", after=b"\n"),
        "at": repeated(b" at a:1", before=b"CMake Error", after=b"\n"),
    },
    "ctest-list": {
        "many callers": lambda size: (
            b'{"backtraceGraph":{"files":["a/CMakeLists.txt"],"nodes":[{"file":0}'
            + b"".join(b',{"file":0,"parent":%d}' % at for at in range(size // 60))
            + b']},"tests":['
            + b",".join(b'{"name":"%d","backtrace":%d}' % (at, at) for at in range(size // 60))
            + b"]}"
        ),
    },
    "junit": {"cases": numbered(b'<testcase name="%d"><failure/></testcase>', before=b"<a>", after=b"</a>"),
              "deep": repeated(b"<a>")},
    "ctest-junit": {"cases": numbered(b'<testcase name="%d"/>', before=b"<a>", after=b"</a>"),
                    "colours": repeated(b"[NON-XML-CHAR-0x1B][1;", before=b"<a><testcase><system-out>",
                                        after=b"</system-out></testcase></a>")},
    "sections": {"rows": numbered(b".a%d 1 2\n"), "blanks": repeated(b" ", before=b"a", after=b"x\n")},
    "callgrind": {"rows": numbered(b"==1== Collected : %d\n"), "digits": repeated(b"1", before=b"==")},
    "llama-bench": {"rows": repeated(b'{"n_prompt":1,"n_gen":0,"samples_ns":[1]}\n')},
    "emulation": {"rows": repeated(seeds.EMULATION)},
    "ccache": {"rows": repeated(b"# a.c\ncache_miss\n")},
    "merge-tree": {
        "conflicts": repeated(b"<<<<<<< a\nb\n||||||| c\nd\n=======\ne\n>>>>>>> f\n"),
        "messages": repeated(b"1\0a\0CONFLICT (contents)\0said\0"),
    },
}  # fmt: skip
OWN: Mapping[str, Mapping[str, Shape]] = {
    "series": {
        "names": numbered(b"p%d.patch  # why it stands here\n"),
        "comments": repeated(b"# x\n"),
        "marks": repeated(b"#"),
    },
    "history": {"records": repeated(seeds.HISTORY)},
    "declined": {"records": numbered(b'[[declined]]\nsha="%d"\ntitle="t"\nwhy="w"\ndate="2026-06-20"\n')},
    "requests": {"records": repeated(b'[[request]]\ntitle = "t"\n', before=b"schema = 1\n")},
    "snapshots": {
        "rows": numbered(b"a,0.3.%d,,0123456789012345678901234567890123456789,,,,\n", before=seeds.SNAPSHOTS[:67]),
        "digits": repeated(b"1", before=seeds.SNAPSHOTS[:67] + b"a,"),
        "version parts": repeated(b"1.", before=seeds.SNAPSHOTS[:67] + b"a,", after=b"1,,,,,,\n"),
        "quotes": repeated(b'"', before=seeds.SNAPSHOTS[:67]),
    },
    "manifest": {"rows": numbered(b"100644 78981922613b2afb6025042ff6bd878ac1994e85 upstream\ta%d\n")},
    "resolution": {"sides": numbered(b"Side: nothing %d\n", before=b"Key: a\n", after=seeds.DIFF)},
    "commit": {
        "parents": repeated(b"parent 0123456789012345678901234567890123456789\n", before=b"tree 0\n"),
        "digits": repeated(b"1", before=b"committer a <b> ", after=b" +0000\n"),
        "committers": repeated(b"committer ", after=b"\n"),
    },
    "tree": {
        "entries": numbered(b"100644 a%d\0aaaaaaaaaaaaaaaaaaaa"),
        "modes": repeated(b"1"),
        "names": repeated(b"1 "),
    },
    "pip-config": {"settings": numbered(b"global.a%d='x'\n"), "tuples": repeated(b"(", before=b"global.a=")},
    "changes-output": {"patterns": numbered(b"a%d-*, ", after=b"a [b]"), "brackets": repeated(b"[")},
    "issues": {
        "issues": lambda size: b"[" + b",".join([seeds.ISSUES[1:-1]] * (size // len(seeds.ISSUES))) + b"]",
        "links": lambda size: seeds.ISSUES.replace(b"#12345", b"https://a.b/c/fork/pull/1 #1 PR 2 " * (size // 34)),
        "blanks": lambda size: seeds.ISSUES.replace(b"#12345", b"### " + b" " * size + b"x"),
    },
}


OF_JSON = ("session", "operation", "issues", "night", "llama-bench", "emulation", "ctest-list", "outbox")


def shapes(name: str) -> Mapping[str, Shape]:
    """Give the shapes for a parser."""
    if name in ("patch", "headers", "diff", "other-diffs", "parked", "resolution"):
        return {**PATCHES, **LINES, **OWN.get(name, {})}
    toml = TOML if name in ("fork-toml", "fork-lock", "history", "declined", "requests") else {}
    json = (
        JSON
        if name in ("session", "operation", "issues", "night", "llama-bench", "emulation", "ctest-list", "outbox")
        else {}
    )
    return {**LINES, **toml, **json, **PRINTED.get(name, {}), **OWN.get(name, {})}
