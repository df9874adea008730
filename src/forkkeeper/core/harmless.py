"""Markdown from somebody else's hands, made harmless: what forkkeeper itself writes passes as it is, all else as code.

The job that makes the texts runs upstream's code, the job that publishes them does not and must not trust them. So each
line is read again. Outside of code blocks and code spans only plain words stand, with the marks of headings, lists,
checkboxes, tables and bold, folded parts, and links to known pages; a line that holds anything else is shown as code,
where nothing is live (github.github.com/gfm). Hidden comments are left out: ours are added by who publishes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from forkkeeper.core.markdown import cell
from forkkeeper.core.shown import spelled

_FENCE = re.compile(r"(`{3,})[a-z]*$")
_FENCE_END = re.compile(r" {0,3}(`{3,})[ \t]*")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
_HELD = "\0"  # stands for a code span
_LINK = re.compile(r"\[[\0A-Za-z ]+\]\((https?://[A-Za-z0-9._~:/-]+)\)")
_BEGINS = re.compile(r"(#{1,4} |- (\[[ x]\] )?|\|)?")
_PLAIN = re.compile(r"[\0A-Za-z0-9 ,.;:'()%*+|/=?…−→-]*")
_LIVE = re.compile(r"[a-z]\.[a-z]|GH-|:\w+:|[0-9a-f]{7}|://", re.IGNORECASE)
_RULE = re.compile(r"\|(-{3}:?\|)+")  # between a table's head and its rows
_BAR = re.compile(r"[ |:=*_-]+")  # any other such rule, which would make a heading or a table of the line above
_SPLITS = re.compile(r"(?<!\\)\||\\\\\|")  # a bar in a code span that ends a table's cell
_HTML = re.compile(r"</?details>|<summary>[A-Za-z ,.'()+-]+</summary>")


@dataclass(frozen=True, slots=True)
class _Inside:
    """What a line stands in: a code block with this fence ("" for none), so many folded parts, perhaps a table."""

    fence: str = ""
    folded: int = 0
    table: bool = False

    def after(self, line: str) -> "_Inside":
        """Give what the next line stands in."""
        if self.fence:
            ends = _FENCE_END.fullmatch(line)
            return replace(self, fence="" if ends and ends[1].startswith(self.fence) else self.fence)
        opened = _FENCE.fullmatch(line)
        if opened:
            return replace(self, fence=opened[1], table=False)
        folded = self.folded + (line == "<details>") - (line == "</details>")
        return _Inside("", folded, bool(line) and (self.table or _RULE.fullmatch(line) is not None))

    @property
    def closes(self) -> tuple[str, ...]:
        """What ends all of it."""
        return (*((self.fence,) if self.fence else ()), *["</details>"] * self.folded)


def harmless(text: str, pages: Sequence[str], most: int) -> str:
    """Give a document with all that could act shown as code, cut at the end of a line where it is too long.

    pages -- where a link may lead: to one of these addresses, or below
    most -- bytes
    """
    lines: list[str] = []
    cut = ("", "**Cut here: it is too long for this place.**")
    room = most - _size(cut)
    inside = _Inside()
    for line in _lines(text, pages):
        now = inside.after(line)
        room -= _size([line])
        if room < _size(now.closes):
            lines += [*inside.closes, *cut]
            return "\n".join(lines) + "\n"
        lines.append(line)
        inside = now
    return "\n".join([*lines, *inside.closes]).rstrip("\n") + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _lines(text: str, pages: Sequence[str]) -> Iterator[str]:
    """Give the lines as they may stand; HTML and what it may swallow are parted by blank lines."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    raw = [spelled(line.removesuffix("\r"), but="\t") for line in whole.split("\n")]
    inside, before = _Inside(), ""
    for line, following in zip(raw, [*raw[1:], ""], strict=True):
        made = line
        if not inside.fence and not _FENCE.fullmatch(line):
            if line.strip().startswith("<!--") or (line == "</details>" and not inside.folded):
                continue
            is_row = inside.table or _RULE.fullmatch(following) is not None
            made = _line(line, pages, is_row=is_row)
        opens = _FENCE.fullmatch(line) is not None
        ends_html = _HTML.fullmatch(before) is not None and made != "" and _HTML.fullmatch(made) is None
        if before and not inside.fence and (opens or ends_html):
            yield ""
            inside = inside.after("")
        yield made
        inside, before = inside.after(made), made


def _line(line: str, pages: Sequence[str], *, is_row: bool) -> str:
    """Give a line outside of code blocks. is_row -- whether it may be read as a row of a table."""
    if not line.strip():
        return ""
    if _HTML.fullmatch(line) or _RULE.fullmatch(line):
        return line
    spans = [match[2] for match in _SPAN.finditer(line)]
    rest = _SPAN.sub(_HELD, line)
    known = all(any(_below(link, page) for page in pages) for link in _LINK.findall(rest))
    words = _LINK.sub(_HELD, rest)
    begins = _BEGINS.match(words)
    words = words[begins.end() if begins else 0 :]
    is_plain = _PLAIN.fullmatch(words) and not _LIVE.search(words) and not _BAR.fullmatch(rest)
    is_whole = not is_row or not any(map(_SPLITS.search, spans))
    return line if is_plain and is_whole and known and line[0] not in " \t" else cell(line)


def _below(link: str, page: str) -> bool:
    return link == page or link.startswith(f"{page.rstrip('/')}/")
