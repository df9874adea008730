"""Completion on Tab: what may stand where the cursor is, and the script that each shell reads to ask for it.

The scripts hand over the words one by one, the last one being what is typed so far, so that a word may hold blanks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from invoke.parser.context import ParserContext

from forkkeeper import flow
from forkkeeper.tasks.contents import HIDDEN

BASH = """\
_forkkeeper() {
    local IFS=$'\\n'
    COMPREPLY=($(forkkeeper --complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _forkkeeper forkkeeper
"""
ZSH = """\
#compdef forkkeeper
_forkkeeper() {
    local -a found
    found=("${(@f)$(forkkeeper --complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found[1]" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _forkkeeper forkkeeper
"""
FISH = """\
function __forkkeeper_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (forkkeeper --complete -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command forkkeeper --no-files --arguments '(__forkkeeper_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
CORE = ("--help", "--list", "--version")
# options whose value is a patch's name
OF_PATCHES = ("--patch", "--accept", "--replace", "--drop", "--skip", "--reopen", "--after", "--before", "--into")


def candidates(verbs: Mapping[str, ParserContext], words: Sequence[str]) -> tuple[str, ...]:
    """Give what may stand in the place of the last word; nothing where a path is as good as anything.

    verbs -- each verb, nested ones with a dot, and its options
    words -- what was typed behind `forkkeeper`, up to the cursor; the last is what there is of the present word
    """
    *before, part = [word for word in words if word != "="] or [""]  # bash makes a word of `=`
    if words[-1:] == ["="]:
        before, part = [*before, part], ""
    verb, given = _verb(verbs, before)
    found = _of_verb(verbs[verb], verb, given, part) if verb else _first(verbs, before, part)
    return tuple(word for word in found if word.startswith(part))


def _verb(verbs: Mapping[str, ParserContext], words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Find the verb among the words, as one or as two, and give what stands behind it."""
    if words[:1] and words[0] in verbs:
        return words[0], words[1:]
    nested = ".".join(words[:2])
    return (nested, words[2:]) if nested in verbs else ("", ())


def _first(verbs: Mapping[str, ParserContext], before: Sequence[str], part: str) -> list[str]:
    """Give verbs, or those that go on from the one word before."""
    names = [name for name in verbs if name not in HIDDEN]
    if before:
        return [name.removeprefix(f"{before[0]}.") for name in names if name.startswith(f"{before[0]}.")]
    return list(CORE) if part.startswith("-") else names


def _of_verb(verb: ParserContext, name: str, given: Sequence[str], part: str) -> list[str]:
    """Give options that were not given yet, or a patch's name where one is due."""
    last = verb.flags.get(given[-1]) if given else None
    if last is not None and last.takes_value:
        return list(_patches()) if given[-1] in OF_PATCHES else []
    if not part.startswith("-"):
        return list(_patches()) if name.startswith("patch.") else []
    again = [flag for flag, argument in verb.flags.items() if argument.kind is list]
    return [flag for flag in verb.flags if flag.startswith("--") and (flag not in given or flag in again)]


def _patches() -> tuple[str, ...]:
    return flow.patch_titles(Path.cwd())
