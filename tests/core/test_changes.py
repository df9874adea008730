"""The trailer `Changes-Output:` as a person writes it."""

import pytest

from forkkeeper.core import changes, mail

PATCH = b"""From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Ann Author <ann@example.invalid>
Date: Fri, 1 May 2026 12:00:00 +0000
Subject: [PATCH] quantise: round to nearest

The fork rounds so.

Origin: local
Upstream-Status: Pending
Witness: none [shown by tests]
Changes-Output: %s
---
diff --git a/a b/a
index 7898192261678d21ade0a8ed61a0e6cd2b1df3f5..6178079822b3e7b7b8f3f6b6bd2c8d0a1f0fba0e 100644
--- a/a
+++ b/a
@@ -1 +1 @@
-a
+b
"""


def test_patterns_of_cases_and_of_variants() -> None:
    """A colon sets a variant's pattern apart; without one it is about all, and demanded of exact ones alone."""
    one, other = changes.parse("p", "llama-Q4_K_M, cpu*:*-BF16 [rounds to nearest]")
    assert (one.variant, one.case, one.is_demanded(exact=False)) == ("", "llama-Q4_K_M", False)
    assert (other.variant, other.case, other.is_demanded(exact=False)) == ("cpu*", "*-BF16", True)
    assert one.holds_of("vulkan")
    assert one.names("llama-Q4_K_M")
    assert not one.names("phi3-Q4_K_M")
    assert [other.holds_of(name) for name in ("cpu_portable", "blas")] == [True, False]


def test_a_pattern_that_names_nothing_is_in_vain() -> None:
    """Misspelt, or of a case that is gone; a pattern for another variant is not."""
    declared = changes.parse("p", "lama-*, gpu:nothing, llama-* [why]")
    assert [str(one) for one in changes.vain(declared, "cpu", ["llama-F32"])] == ["lama-*"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "llama-*",
        "[why]",
        "llama-* []",
        "llama-* [ ]",
        "llama-*, [why]",
        "a b [why]",
        ":a [why]",
        "a: [why]",
        "a:b:c [why]",
    ],
)
def test_a_malformed_trailer_is_refused(text: str) -> None:
    """`lint`, and every verb that wants whole patches, says what is wrong and how it is written."""
    assert changes.fault(text)
    (found,) = mail.shortcomings(mail.parse("p.patch", PATCH % text.encode()))
    assert found.startswith("its `Changes-Output:` ")
    assert "e.g. `Changes-Output: llama-Q4_K_M, *-BF16 [why what models say changes]`" in found


def test_a_sound_trailer_is_no_fault() -> None:
    """It is kept beside the others."""
    patch = mail.parse("p.patch", PATCH % b"*-Q4_K_M [rounds to nearest]")
    assert mail.shortcomings(patch) == ()
    assert patch.trailer_values("changes-output") == ("*-Q4_K_M [rounds to nearest]",)
