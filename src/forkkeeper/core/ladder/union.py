r"""*union*: both sides insert at one place, in a list, a table, a switch, a struct: both stay, upstream's first.

Holds when neither side removes a line there (a separator that the line before needs now counts as none). Separators are
set right: an entry that was the last one and is no longer gets the comma (or `|`, `\`) that its neighbours have, before
a comment behind it.

Where both open a block around what follows, or close one, neither order is right, and the rule is silent. A line that
both insert is a guess, whether it stands there twice, as here, or once, as it does where git took it: each may need it.
"""

import re
from collections.abc import Sequence

from forkkeeper.core.ladder.rung import GOES_ON, Answer, Trust
from forkkeeper.core.lines import Lines, ended, indent, says_something, squeeze
from forkkeeper.core.threeway import Place

RULE = "union"
WHY = "both sides insert here, and neither removes anything"
_SEPARATORS = (b",", b" |", b" \\", b" ||", b" &&")


def resolve(place: Place) -> Answer | None:
    """Keep both insertions."""
    start, end = _common(place)
    base = place.base[start : len(place.base) - end]
    if base:
        return _after_a_separator(place)
    ours, theirs = place.ours[start : len(place.ours) - end], place.theirs[start : len(place.theirs) - end]
    if not ours or not theirs:
        return None
    return _answer(place, place.base[:start], ours, theirs, place.base[len(place.base) - end :])


def _common(place: Place) -> tuple[int, int]:
    """Count the base's lines that both sides left at the beginning and at the end of a place."""
    sides = (place.ours, place.theirs)
    start = 0
    while start < len(place.base) and all(side[start : start + 1] == place.base[start : start + 1] for side in sides):
        start += 1
    end = 0
    while end < len(place.base) - start and all(
        len(side) - end > start and side[len(side) - end - 1] == place.base[len(place.base) - end - 1] for side in sides
    ):
        end += 1
    return start, end


def _after_a_separator(place: Place) -> Answer | None:
    """Keep both where the one line before them got the same separator on both sides."""
    if len(place.base) != 1 or place.ours[:1] != place.theirs[:1]:
        return None
    before, after = place.base[0].rstrip(), place.ours[0].rstrip()
    if after not in {before + sign for sign in _SEPARATORS} or len(place.ours) < 2 or len(place.theirs) < 2:
        return None
    return _answer(place, place.ours[:1], place.ours[1:], place.theirs[1:], ())


def _answer(place: Place, head: Lines, ours: Lines, theirs: Lines, tail: Lines) -> Answer | None:
    if opens(ours) * opens(theirs) > 0 or _share_a_body(place, head, ours, theirs, tail):
        return None
    before = next((line for line in reversed((*place.before, *head)) if line.strip()), b"")
    is_first = not head and goes_first(place, ours, theirs)
    both = (*theirs, *ours) if is_first else (*_separated(before, ours, theirs), *theirs)
    lines = (*head, *both, *tail)
    made = ended(lines, is_last=not place.after)
    why = f"{WHY}; the patch's lines go first" if is_first else WHY
    why = why if made == lines else f"{why}; {GOES_ON}"
    doubt = _twice(ours, theirs) or once(place.agreed)
    if doubt:
        return Answer(RULE, made, f"{why}; but {doubt}", Trust.GUESS)
    return Answer(RULE, made, why)


def _share_a_body(place: Place, head: Lines, ours: Lines, theirs: Lines, tail: Lines) -> bool:
    """Whether both sides' last lines begin a block by indentation, and the one that follows is in it.

    Labels that stand one below the other, as in a switch, may share what follows; then one stood there before.
    """
    following = next((line for line in (*tail, *place.after) if line.strip()), b"")
    lasts = [side[-1] for side in (ours, theirs)]
    if any(len(indent(following)) <= len(indent(last)) or last.lstrip()[:1] in (b"", b"#") for last in lasts):
        return False
    before = next((line for line in reversed((*place.before, *head)) if line.strip()), b"")
    return any(indent(before) != indent(last) or before.rstrip()[-1:] != last.rstrip()[-1:] for last in lasts)


def once(lines: Sequence[bytes]) -> str:
    """Say that both sides insert some lines, which stand there once; nothing of none."""
    shown = next((line.strip().decode("utf-8", "replace") for line in lines if line.strip()), "")
    return f"both insert `{shown}`, which stands there once: each may need its own" if shown else ""


def _twice(ours: Lines, theirs: Lines) -> str:
    """Say what stands there twice: every line of the patch's, or those that the one ends and the other begins with."""
    known = {squeeze(line) for line in ours}
    own = [line for line in theirs if _WORD.search(line)]
    if own and all(squeeze(line) in known for line in own):
        shown = own[0].strip().decode("utf-8", "replace")
        return f"upstream inserts the patch's lines itself, so they stand twice: `{shown}`"
    for size in range(min(len(ours), len(theirs)), 0, -1):
        said = [line for line in theirs[:size] if says_something(line)]
        if said and ours[-size:] == theirs[:size]:
            return f"both insert `{said[0].strip().decode('utf-8', 'replace')}`, which stands there twice"
    return ""


_WORD = re.compile(rb"\w{3,}")


def goes_first(place: Place, ours: Lines, theirs: Lines) -> bool:
    """Whether the patch's lines stand before upstream's: at the file's beginning, or where one side opens a block.

    What opens a block around the lines after it, goes around upstream's lines, too; and where upstream opens one, the
    patch's lines stay out of it as they were.
    """
    if place.before == () and place.at == 0 and place.line == 0:
        return True
    return opens(theirs) > 0 >= opens(ours) or (opens(theirs) == 0 and _is_deeper(place, ours, theirs))


def opens(lines: Lines) -> int:
    """Count the brackets and preprocessor conditions that lines open and do not close."""
    depth = 0
    for line in lines:
        word = re.match(rb"\s*#\s*(if|endif)", line)
        if word:
            depth += 1 if word[1] == b"if" else -1
        else:
            depth += line.count(b"{") - line.count(b"}")
    return depth


def _is_deeper(place: Place, ours: Lines, theirs: Lines) -> bool:
    """Whether upstream's lines begin a block by indentation; what follows them is in it, the patch's lines are not."""
    last = next((line for line in reversed(ours) if line.strip()), b"")
    following = next((line for line in place.after if line.strip()), b"")
    own = next((line for line in theirs if line.strip()), b"")
    return len(indent(following)) > len(indent(last)) >= len(indent(own)) and bool(following)


def _separated(before: bytes, ours: Lines, theirs: Lines) -> Lines:
    """Give upstream's last entry the separator that it needs, now that it is the last no more.

    before -- the line before them, which tells the separator where each side adds one line
    """
    at = next((number for number in range(len(ours) - 1, -1, -1) if _code(ours[number])), None)
    code = b"" if at is None else _code(ours[at])
    if at is None or not re.search(rb"[\w)}\"'\]]$", code):
        return ours
    others = [line for line in (*ours[:at], *theirs[:-1]) if _code(line)] or [before]
    sign = next((sign for sign in _SEPARATORS if all(_code(line).endswith(sign.strip()) for line in others)), None)
    if sign is None or (sign == _CONTINUED and (code != ours[at].rstrip() or at + 1 < len(ours))):
        return ours
    return (*ours[:at], code + sign + ours[at][len(code) :], *ours[at + 1 :])


def _code(line: bytes) -> bytes:
    """Give what stands in a line before a comment at its end; nothing of a line that is for the preprocessor."""
    if len(line) > _WIDEST:
        return line.rstrip()
    if line.lstrip()[:1] in (b"#", b"*"):
        return b""
    found = next((match for match in _COMMENT.finditer(line) if match[1] is not None), None)
    return line.rstrip() if found is None else line[: found.start()].rstrip()


_WIDEST = 4000  # bytes of a line that is looked through for a comment
_CONTINUED = b" \\"
_COMMENT = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(//|/\*(?=(?:(?!\*/).)*(?:\*/)?\s*$)|(?<=\s)#(?=\s))")
