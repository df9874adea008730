"""Users' requests out of GitHub's JSON: `gh issue list --json number,title,body,url,reactionGroups,labels,state`.

All of it is strangers' text. What is taken from it is made safe to show, and cut; nothing of it is ever run or asked
for. Upstream commits and pull requests are taken from links into upstream's repository wherever they stand, and, in the
form's own field, from bare ids and `#123`. Elsewhere `#123` means an issue of the fork's own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from forkkeeper.core import reading
from forkkeeper.core.commits import one_line
from forkkeeper.core.requests import Request
from forkkeeper.errors import RequestError

ASK = "number,title,body,url,reactionGroups,labels,state"  # what is asked of `gh issue list --json`
# the labels of the form's fields, as GitHub makes headings of them (.github/ISSUE_TEMPLATE/sync-request.yml)
UPSTREAM, WANTED_FOR, BACKEND, MODEL = "Upstream commit or pull request", "What for", "Backend", "Model"
_EMPTY = ("", "_No response_", "None")
_HEADING = re.compile(r"^###[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"https?://[\w.-]+/([\w.-]+)/([\w.-]+)/(commit|commits|pull)/([0-9a-fA-F]+)", re.ASCII)
_SHA = re.compile(r"(?<![\w/])[0-9a-f]{7,40}(?!\w)", re.ASCII)
_FULL = re.compile(r"(?<!\w)[0-9a-f]{40}(?!\w)", re.ASCII)
_PULL = re.compile(r"(?<![\w/])#(\d{1,9})\b|\bpull/(\d{1,9})\b|\bPR\s+(\d{1,9})\b", re.ASCII)
LONGEST = 200  # characters of a field
MOST_WORDS = 6  # of a field that are taken for words of a title
MOST = 20  # commits or pull requests of one issue


class _Users(msgspec.Struct, frozen=True):
    total: int = msgspec.field(name="totalCount", default=0)


class _Reaction(msgspec.Struct, frozen=True):
    content: str = ""
    users: _Users = _Users()


class _Issue(msgspec.Struct, frozen=True):
    """What is read of an issue; GitHub gives more, and none of it counts."""

    title: str
    url: str
    body: str | None = ""
    state: str = "OPEN"
    reactions: tuple[_Reaction, ...] = msgspec.field(name="reactionGroups", default=())


@dataclass(frozen=True, slots=True)
class Read:
    """What a file of issues holds: the requests, and how many issues name nothing of upstream's."""

    requests: tuple[Request, ...]
    left_out: int


def read(data: bytes, names: Sequence[str], *, shown: str) -> Read:
    """Read issues, in the order given. names -- what upstream's repository may be called, as in its addresses.

    Raises RequestError for what is not GitHub's JSON. shown -- how the file is called in messages
    """
    hint = f"make it with `gh issue list --state all --json {ASK} > {shown}`"
    try:
        issues = msgspec.convert(reading.json(data), tuple[_Issue, ...])
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise RequestError("requests import", shown, f"is not GitHub's JSON of issues: {error}", hint) from error
    found = [request for issue in issues if (request := _request(issue, names)) is not None]
    return Read(tuple({one.link: one for one in found}.values()), len(issues) - len(found))


def _request(issue: _Issue, names: Sequence[str]) -> Request | None:
    """Make a request of an issue; None where it names nothing of upstream's."""
    body = (issue.body or "").replace("\r\n", "\n")
    fields = sections(body)
    asked = fields.get(UPSTREAM, "")
    own = _LINK.match(issue.url.replace("/issues/", "/pull/"))
    links = list(_links(body, names, (own[1], own[2]) if own else None))
    shas = [ref for kind, ref in links if kind != "pull"]
    pulls = [int(ref) for kind, ref in links if kind == "pull"]
    plain = _LINK.sub(" ", asked)
    shas += [match[0] for match in _SHA.finditer(plain) if not match[0].isdecimal()]
    pulls += [int(match[1] or match[2] or match[3]) for match in _PULL.finditer(plain)]
    shas += [match[0] for match in _FULL.finditer(_LINK.sub(" ", body))]
    words = "" if shas or pulls or not 0 < len(re.findall(r"\w+", plain)) <= MOST_WORDS else _safe(plain)
    if not (shas or pulls or words) or not issue.title.strip() or not issue.url.startswith("https://"):
        return None
    votes = sum(one.users.total for one in issue.reactions if one.content == "THUMBS_UP")
    return Request(
        title=one_line(issue.title),
        link=_safe(issue.url),
        votes=max(votes, 0),
        commit=tuple(dict.fromkeys(sha.lower() for sha in shas))[:MOST],
        pull=tuple(dict.fromkeys(pull for pull in pulls if pull > 0))[:MOST],
        words=words,
        wanted_for=_safe(fields.get(WANTED_FOR, "")),
        backend=_safe(fields.get(BACKEND, "")),
        model=_safe(fields.get(MODEL, "")),
        closed=issue.state.upper() == "CLOSED",
    )


def _links(text: str, names: Sequence[str], own: tuple[str, str] | None) -> Iterator[tuple[str, str]]:
    """Give what the links of a text name in a repository of upstream's name, of whichever owner, but the fork's own."""
    wanted = {name.lower() for name in names}
    for match in _LINK.finditer(text):
        owner, name, kind, ref = match.groups()
        is_upstream = name.lower().removesuffix(".git") in wanted and (owner, name) != own
        if is_upstream and (ref.isdecimal() if kind == "pull" else 7 <= len(ref) <= 40):
            yield kind, ref


def sections(body: str) -> Mapping[str, str]:
    r"""Read the body that GitHub makes of an issue form: heading → what was filled in, "" for nothing.

    >>> sections("### Model\n\n_No response_\n\n### Backend\n\nmetal")
    {'Model': '', 'Backend': 'metal'}
    """
    heads = list(_HEADING.finditer(body))
    ends = [head.start() for head in heads[1:]] + [len(body)] * bool(heads)
    found: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=True):
        text = body[head.end() : end].strip()
        found.setdefault(head[1], "" if text in _EMPTY else text)
    return found


def _safe(text: str) -> str:
    return one_line(text, LONGEST)
