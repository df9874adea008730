"""Reads ccache's log of one build (CCACHE_STATSLOG): what was compiled, and what was had.

For each file there is a line `# FILE`, then ccache's words for what happened, one a line.
"""

from dataclasses import dataclass

# ccache's words; it said "secondary" for "remote" before 4.7
HITS = {"direct_cache_hit", "preprocessed_cache_hit"}
REMOTE_HITS = {"remote_storage_hit", "secondary_storage_hit"}
REMOTE_FAULTS = {f"{storage}_storage_{fault}" for storage in ("remote", "secondary") for fault in ("error", "timeout")}


@dataclass(frozen=True, slots=True)
class Counts:
    """What ccache did in one build.

    compiled, cached -- number of compiler runs, and of results that it had
    remote -- how many of the latter came out of its remote storage
    failed -- number of files for which the remote storage gave an error, or no answer in time
    """

    compiled: int
    cached: int
    remote: int = 0
    failed: int = 0


def count(text: str) -> Counts:
    r"""Count in a log; an empty one: nothing needed compiling.

    A file without a hit was compiled: beside `cache_miss` there are a dozen words for what cannot be cached.

    >>> count("# a.c\ncache_miss\n# b.c\ndirect_cache_hit\nremote_storage_hit\n")
    Counts(compiled=1, cached=1, remote=1, failed=0)
    """
    files = [set(file.splitlines()[1:]) for file in f"\n{text}".split("\n# ")[1:]]
    hits = [words for words in files if words & HITS]
    remote = sum(bool(words & REMOTE_HITS) for words in hits)
    failed = sum(bool(words & REMOTE_FAULTS) for words in files)
    return Counts(len(files) - len(hits), len(hits), remote, failed)
