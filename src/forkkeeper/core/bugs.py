"""The report that a bug of ours leaves, to be pasted into an issue: versions, command, the fork's state, the trace.

Whoever pastes it should not have to read it for secrets. So it holds nothing of the environment, no values of
variables, no credentials of addresses, no values of options that are named like secrets, and no home directories.
"""

import re
import shlex
from collections.abc import Mapping, Sequence

from forkkeeper.core.shown import spelled

MASK = "***"
_ADDRESS = re.compile(r"(?<=//)[^/\s'\"@]*@")  # who is to be let in
_QUERY = re.compile(r"(://[^\s'\"?#]*)[?#][^\s'\"]*")  # a query may hold a key
_SECRET = re.compile(r"(?i)(pass(word|wd|phrase)?|token|secret|credential|api-?key|auth(orization)?|cookie|bearer)")
_SAID = re.compile(
    r"(?i)(?P<name>\b[\w-]*(?:pass(?:word|wd|phrase)?|token|secret|api[-_]?key|authorization|cookie))"
    r"(?P<between>['\"]?\s*[=:]\s*['\"]?)(?:basic |bearer )?[^\s'\",;]+"
)
_KNOWN = re.compile(r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|pypi-[\w-]{32,})")  # by their form
_HOME = re.compile(r"(/home|/Users|[A-Z]:\\Users)[/\\][^/\\\s'\":]+")


def masked(text: str, places: Mapping[str, str]) -> str:
    """Take out of a text what is nobody's business. places -- folders, and what is said in their stead.

    >>> masked("git fetch https://me:s3cret@host/x.git?key=1 in /home/ann/fork", {})
    'git fetch https://***@host/x.git?*** in ~/fork'
    """
    for folder in sorted(places, key=len, reverse=True):
        if len(folder) > 1:
            text = text.replace(folder, places[folder])
    text = _HOME.sub("~", _KNOWN.sub(MASK, _ADDRESS.sub(f"{MASK}@", text)))
    text = _QUERY.sub(lambda found: f"{found[1]}?{MASK}", text)
    return _SAID.sub(lambda found: f"{found['name']}{found['between']}{MASK}", text)


def command(words: Sequence[str]) -> str:
    """Give a command as it was typed, the values of options that are named like secrets left out."""
    shown: list[str] = []
    for word in words:
        option, equals, _ = word.partition("=")
        if option.startswith("-") and equals and _SECRET.search(option):
            shown.append(f"{option}={MASK}")
        elif shown and shown[-1].startswith("-") and "=" not in shown[-1] and _SECRET.search(shown[-1]):
            shown.append(MASK)
        else:
            shown.append(word)
    return shlex.join(["forkkeeper", *shown])


def report(
    versions: Mapping[str, str], words: Sequence[str], state: Mapping[str, str], trace: str, places: Mapping[str, str]
) -> str:
    """Write the report. versions, state -- what is said under each name, in their order."""
    rows = [*(f"{name}: {said}" for name, said in versions.items()), f"command: {command(words)}"]
    rows += ["", "the fork:", *(f"  {name}: {said}" for name, said in state.items())] if state else []
    text = masked("\n".join([*rows, "", trace]), places)
    return "\n".join(spelled(line, but="\t") for line in text.split("\n"))
