"""Real bytes that fuzzing begins from: the files of the fork kept here, and what programs print, from their tests."""

import ast
import functools
import json
import struct
from pathlib import Path

from forkkeeper.core import outputs

HERE = Path(__file__).parents[2]
SHORTEST = 12  # characters of a text in a test that is worth beginning from
MAIL = b"""\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: =?utf-8?q?Ann_=C3=84uthor?= <ann@example.invalid>
Date: Sun, 15 Jun 2025 12:00:00 +0000
Subject: [PATCH 1/2] a: do it
 =?utf-8?b?w6Q=?= in two lines

It is needed.

Origin: local
Upstream-Status: Submitted [https://example.invalid/1]
Witness: none [why]
---
 a | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

"""
DIFF = b"""\
diff --git a/a b/a
index 78981922613b2afb6025042ff6bd878ac1994e85..61780798228d17af2d34fce4cfbdf35556832472 100644
--- a/a
+++ b/a
@@ -1,2 +1,2 @@ int a(void)
-a
+b
 c
\\ No newline at end of file
"""
ODD = b"""\
diff --git "a/\\303\\244 b" "b/\\303\\244 b"
old mode 100644
new mode 100755
diff --git a/gone b/gone
deleted file mode 100644
index 61780798228d17af2d34fce4cfbdf35556832472..0000000000000000000000000000000000000000
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-b
diff --git a/one b/two
similarity index 100%
rename from one
rename to two
diff --git a/bin b/bin
new file mode 100644
index 0000000000000000000000000000000000000000..593f4708db84ac8fd0f5cc47c634f38c013fe9e4
GIT binary patch
literal 4
LcmZQzU|;|M00aO5

literal 0
HcmV?d00001

"""
OTHERS = (
    b"a: do it\n\nIndex: a\n===================================================================\n"
    b"--- a\t2025-06-15 12:00:00.000000000 +0000\n+++ a\t(working copy)\n@@ -1 +1 @@\n-a\n+b\n",
    b"Description: do it\n It is needed.\n .\n Really.\nAuthor: Ann <ann@example.invalid>\nForwarded: no\n"
    b"Last-Update: 2025-06-15\n\n--- old/a/x\n+++ new/a/x\n@@ -0,0 +1,2 @@\n+a\n+b\n",
)
SNAPSHOTS = b"""\
package,version,released,commit,committed,tag,tree,count
llama-cpp-python,0.3.1,2024-10-01,0123456789012345678901234567890123456789,2024-09-30,b3900,,3900
llama-cpp-python,0.3.2,,1123456789012345678901234567890123456789,,,,
"""
DECLINED = b"""\
[[declined]]
sha = "0123456789012345678901234567890123456789"
title = "upstream: do it"
why = "not for us"
date = "2026-06-20"
"""
REQUESTS = b"""\
schema = 1

[[request]]
title = "Metal: bfloat16"
link = "https://example.invalid/owner/fork/issues/12"
votes = 3
commit = ["1a2b3c4d5e6f"]
pull = [12345]
for = "the large model"
"""
HISTORY = b"""\
[[sync]]
from = "0123456789012345678901234567890123456789"
to = "1123456789012345678901234567890123456789"
date = "2026-06-20"

[[sync.patch]]
name = "a.patch"
outcome = "resolved"
rule = "counter"
accepted = true
"""
RESOLUTION = (
    b"# How a person made this patch fit.\nResolution-Of: a.patch\nKey: "
    + b"ab" * 32
    + b"\nFrom: 0123456789012345678901234567890123456789\nTo: 1123456789012345678901234567890123456789\n"
    b"Side: 100644 78981922613b2afb6025042ff6bd878ac1994e85 a b\nSide: nothing c\n"
    b"Why: upstream and the patch changed the same lines of a\n\n" + DIFF
)
PARKED = MAIL.replace(
    b"---\n",
    b"---\nParked: 2026-06-20, from 0123456789012345678901234567890123456789 "
    b"to 1123456789012345678901234567890123456789: it clashed\n",
)
MANIFEST = b"""\
# What forkkeeper put there.
schema: 1
tree: 4b825dc642cb6eb9a060e54bf8d69288fbee4904
pin: 0123456789012345678901234567890123456789
queue: sha256:00

100644 78981922613b2afb6025042ff6bd878ac1994e85 upstream,a.patch\tsrc/a b.c
100755 61780798228d17af2d34fce4cfbdf35556832472 overlay\t"a\\tb"
"""
SESSION = json.dumps(
    {
        "schema": 1,
        "upto": "v1.1",
        "target": "0" * 40,
        "pin": "1" * 40,
        "accepted": {"a.patch": ""},
        "decisions": {"b.patch": {"kind": "parked", "of": "ab", "why": "it clashed"}},
        "before": {"patch": "c.patch", "head": "2" * 40, "laid": "3" * 40},
    }
).encode()
OPERATION = json.dumps(
    {
        "schema": 1,
        "number": 7,
        "kind": "undo",
        "of": 6,
        "words": ["undo"],
        "time": "2026-06-20T00:00:00Z",
        "files": [{"name": "fork.lock", "before": "sha256:00", "after": None}],
    }
).encode()
MERGES = (
    b"1\0a\0CONFLICT (contents)\0CONFLICT (content): Merge conflict in a\n\0001\0a\0Auto-merging\0Auto-merging a\n\0",
    b"one\n<<<<<<< ours\ntwo\n||||||| base\nthree\n=======\nfour\n>>>>>>> theirs\nfive\n",
)
EMULATION = (
    b'{"kernels": {"compiled": 626, "used": ["kernel_norm"], "idle": ["kernel_add"]}, "order": "forward",'
    b' "dispatches": 12, "checked": true, "workarounds": {"padding read": 3}, "missing": [], "faults":'
    b' [{"kind": "race", "kernel": "kernel_norm", "where": "norm.metal:40", "text": "said", "count": 2}]}\n'
)
CCACHE = b"# a.c\ncache_miss\n# b.c\ndirect_cache_hit\n"
LOGITS = outputs.MAGIC + struct.pack(outputs.COUNTS, 2, 1, 1) + struct.pack("<2i4f", 0, 1, 0.5, 1.5, -0.5, 2.5)
SIZES = b"x.so  :\nsection  size  addr\n.text  12  4096\n.nv_fatbin  300  8192\nTotal  312\n"
ISSUES = json.dumps(
    [
        {
            "number": 12,
            "title": "Metal: bfloat16",
            "url": "https://github.example/owner/fork/issues/12",
            "state": "OPEN",
            "body": "### Upstream commit or pull request\n\n#12345, 1a2b3c4d5e\n\n### Backend\n\nmetal",
            "reactionGroups": [{"content": "THUMBS_UP", "users": {"totalCount": 3}}],
        }
    ]
).encode()
COMMIT = (
    f"tree {'1' * 40}\nparent {'2' * 40}\nauthor Ann \u00c4uthor <ann@example.invalid> 1718000000 +0200\n"
    "committer Bob <> 1718000000 -0330\ngpgsig -----BEGIN\n  x\n\na title\n\nand why\n"
).encode()
TREE = b"100644 a\0" + bytes(20) + b"40000 a-folder\0" + bytes(range(20)) + b"120000 z\0" + b"\xff" * 20
AUTHORS = (
    f"\0\x01{'1' * 40}\x02Ann <ann@example.invalid>\x02Mon, 10 Jun 2024 06:13:20 +0000\x02a title\0"
    "\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-int b;\n+int a;\n"
).encode()
OUTBOX = json.dumps(
    {
        "schema": 1,
        "pull": {"branch": f"forkkeeper/sync-from-{'1' * 12}", "base": "main", "from": "1" * 40, "to": "2" * 40,
                 "title": f"Sync to {'2' * 12} of 2026-06-20 (from {'1' * 12} of 2026-06-01)"},
        "alarm": {"state": "open", "title": "Nightly: build fails", "night": "2026-06-20T01:00:00Z"},
    }
).encode()  # fmt: skip
NIGHTS = (
    {"patches": [{"name": "a.patch", "outcome": "clashed", "rule": None, "review": False, "root": None, "why": "both",
                  "paths": ["a"], "culprit": None, "blamed": {"sha": "0" * 40, "title": "t", "link": None}}]},
    {"free": {"sha": "0" * 40}, "commits": 3, "of": 9, "blocker": {"sha": "1" * 40, "title": "t", "link": ""}},
    {"rows": [{"sha": "0" * 40, "effects": [{"patch": "a.patch", "effect": "clash"}]}], "history": True, "of": 1,
     "line": [{"sha": "0" * 40, "date": "2026-06-20", "title": "t", "link": None}]},
    {"blocks": ["said", [{"check": "ops", "device": "CPU", "cases": "1,200", "passed": "1,200", "skipped": "0",
                          "seconds": "1.5", "verdict": "passed"}]]},
    {"blocks": [[{"patch": "a", "with it": "passes", "verdict": "proves the patch", "upstream's lines": ""}]]},
    {"blocks": [[{"compared": "outputs", "seconds": "1.5", "verdict": "as the pin"}]]},
    {"blocks": [[{"seconds": "1.5", "compiled": "3", "from ccache": "4"}]]},
    {"measured": [{"variant": "cpu", "model": "m", "test": "prompt 64", "metric": "time", "baseline": [1.5],
                   "fork": [1.5], "change": 0.0, "low": -0.1, "high": 0.1, "verdict": "same"}]},
    {"error": {"step": "plan", "thing": "fork.lock", "found": "is missing", "next": ""}},
)  # fmt: skip


@functools.cache
def patches() -> tuple[bytes, ...]:
    """Give the patches of the fork kept here, and two that have what those lack."""
    kept = tuple(path.read_bytes() for path in sorted((HERE / "patches").glob("*.patch")))
    return (MAIL + DIFF, MAIL + ODD, *kept)


def own(name: str) -> tuple[bytes, ...]:
    """Give a file of the fork kept here."""
    return ((HERE / name).read_bytes(),)


@functools.cache
def printed(test: str) -> tuple[bytes, ...]:
    """Give what programs print, as it stands in a test of tests/core: every longer text of its syntax tree."""
    tree = ast.parse((HERE / "tests/core" / f"{test}.py").read_text(encoding="utf-8"))
    held = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return tuple(text.encode() for text in sorted(held) if len(text) >= SHORTEST and ("\n" in text or ":" in text))


def nights() -> tuple[bytes, ...]:
    """Give documents as verbs write them for a night."""
    return tuple(json.dumps({"schema": 1, "verb": "x", "exit": 0, **one}).encode() for one in NIGHTS)
