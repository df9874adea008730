"""*words-elsewhere*: the patch changes a few words of a line, and upstream has those words in other lines now.

The changed words are looked for with the words beside them, in the whole file, and changed wherever they stand. A guess
always: what was one line may have become several, not all of which are meant.
"""

from collections.abc import Sequence

from forkkeeper.core.ladder import alike, replaced, words
from forkkeeper.core.ladder.replaced import Replacement
from forkkeeper.core.lines import Edit, Lines

RULE = "words-elsewhere"
_BESIDE = 2  # tokens on each side that belong to what is looked for
_NAMES = 2  # names that it must hold
_MOST_LINES = 6  # lines that an edit may change


def changes(base: Lines, edit: Edit) -> tuple[Replacement, ...]:
    """Give an edit as replacements of words; nothing where it is more than that."""
    was, now = base[edit.start : edit.end], edit.lines
    if len(was) != len(now) or not 0 < len(was) <= _MOST_LINES:
        return ()
    found: list[Replacement] = []
    if sum(map(len, (*was, *now))) > words.MOST_BYTES:
        return ()
    for one, other in zip(was, now, strict=True):
        before, after = words.tokens((one,)), words.tokens((other,))
        if not words.is_small(before, after) or alike.share(one, other) < alike.ALIKE:
            return ()
        found += _of_line(before, after)
    names = [{token for token in words.bare(one.old) if words.is_name(token)} for one in found]
    return tuple(found) if found and all(len(one) >= _NAMES for one in names) else ()


def _of_line(was: Lines, now: Lines) -> list[Replacement]:
    made = []
    for edit in words.edits(was, now):
        start, end = max(edit.start - _BESIDE, 0), min(edit.end + _BESIDE, len(was))
        if start and not words.is_name(was[start]):  # a bracket: what is called comes along
            start -= 1
        old = was[start:end]
        new = (*was[start : edit.start], *edit.lines, *was[edit.end : end])
        made.append(Replacement(words.bare(old), (words.bare(new)[0], *new[1:])))
    return made


def make(found: Sequence[Replacement], lines: Lines) -> tuple[Edit, ...]:
    """Make replacements in a file: the edits of its lines; none where one of them fits nowhere."""
    made: list[Edit] = []
    fitted: set[Replacement] = set()
    keys = [(max(one.old, key=len), one) for one in found]
    for number, line in enumerate(lines):
        here = tuple(one for key, one in keys if key in line)
        if not here:
            continue
        tokens = words.tokens((line,))
        after = b"".join(replaced.replace(tokens, here))
        if after != line:
            fitted |= {one for one in here if replaced.occurs(one.old, words.bare(tokens))}
            made.append(Edit(number, number + 1, (after,)))
    return tuple(made) if fitted == set(found) else ()
