"""What `report` promises: one file that needs nothing else, in which strangers' words do no harm."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given, settings, strategies as st
from nightly import Ahead, behind, night
from nightly_values import any_of
from reporting import drawn, nights_of, with_past
from world import Fork, git

from forkkeeper.core.nights import Fate, Night
from forkkeeper.stages import history

SECTIONS = ["standing", "ahead", "stack", "changes", "backends", "throughput", "sizes", "offers", "nights"]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></script></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m \u202ecba\u2066 \U000e0041",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "`forkkeeper sync` &lt;b&gt; \ud800",
)


class Page(HTMLParser):
    """A page as it is read: its elements with their attributes, its ids, its links, its text."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data

    @property
    def ids(self) -> list[str]:
        """Every id, in order."""
        return [attrs["id"] or "" for _, attrs in self.elements if "id" in attrs]

    @property
    def links(self) -> list[str]:
        """Where every link leads, in order."""
        return [attrs["href"] or "" for tag, attrs in self.elements if tag == "a" and "href" in attrs]


@pytest.fixture
def fork(fork_with_clash: Fork) -> Fork:
    """Give a fork with a past."""
    return with_past(fork_with_clash)


def read(path: Path) -> Page:
    """Read the page that was written."""
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_has_every_section_and_no_dead_link(fork: Fork) -> None:
    """All sections are there with their headings, ids are given once, and each link within the page finds one."""
    page = read(drawn(fork, nights_of(fork))[1])
    assert [attrs["id"] for tag, attrs in page.elements if tag == "section"] == ["answer", *SECTIONS]
    assert len(page.ids) == len(set(page.ids))
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inner) > 40
    assert set(inner) - set(page.ids) == set()
    svg = (drawn(fork, nights_of(fork))[1]).read_text(encoding="utf-8")
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) - set(page.ids) == set()


def test_nothing_is_asked_of_any_network(fork: Fork) -> None:
    """The page holds no address that a browser would fetch, and its policy forbids all but what stands in it."""
    page = read(drawn(fork, nights_of(fork))[1])
    fetched = [
        (tag, attrs) for tag, attrs in page.elements if {"src", "srcset", "data", "poster", "action"} & set(attrs)
    ]
    assert fetched == []
    assert [attrs["href"] for tag, attrs in page.elements if tag == "link"] == ["data:,"]
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside
    assert all(re.fullmatch(r"https://github\.com/[\w/.-]+", link) for link in outside)
    (policy,) = [str(attrs["content"]) for _, attrs in page.elements if attrs.get("http-equiv")]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [attrs for _, attrs in page.elements if "style" in attrs or any(name.startswith("on") for name in attrs)]


def test_the_same_fork_and_nights_give_the_same_bytes(fork: Fork) -> None:
    """A page that is drawn twice is the same file, charts included, also in a process of its own."""
    first = drawn(fork, nights_of(fork))[1].read_bytes()
    assert drawn(fork, nights_of(fork))[1].read_bytes() == first
    fork.ok("report")
    alone = (fork.root / "build/report/index.html").read_bytes()
    assert fork.script("report").code == 0
    assert (fork.root / "build/report/index.html").read_bytes() == alone


def test_the_day_is_that_of_the_data(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SOURCE_DATE_EPOCH the page speaks of the last night's day, and of none where there is no night."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    known = nights_of(fork, many=3)
    assert f"on {known[0].began[:10]}" in read(drawn(fork, known)[1]).text
    text = read(drawn(fork)[1]).text
    assert "days on" not in text
    assert "of 2025-06-16" in text


def hostile_night(fork: Fork) -> Ahead:
    """Give what lies ahead where every word of a stranger's is hostile."""
    hits = {at: {HOSTILE[at]: "clash"} for at in range(len(HOSTILE))}
    return Ahead(fork.pin, HOSTILE[0], tuple(fork.names()), behind(len(HOSTILE), hits, dict(enumerate(HOSTILE))))


def test_hostile_words_do_no_harm(fork: Fork) -> None:
    """Titles, names, dates, documents and logs with markup, links, control characters or template words stay text."""
    ahead = hostile_night(fork)
    plain = night(0, ahead)
    fates = tuple(
        Fate(text, "clashed", text, root=text, why=text, paths=(text,), culprit_title=text) for text in HOSTILE
    )
    taken = tuple(
        msgspec.structs.replace(one, said=text, command=text, log=f"{text}\n{text}")
        for one, text in zip(plain.taken, HOSTILE * 2, strict=False)
    )
    triage = {
        "rows": [{"sha": text, "date": text, "title": text, "terms": [{"points": 1, "why": text}]} for text in HOSTILE]
    }
    taken = tuple(msgspec.structs.replace(one, document=triage) if one.step.kind == "triage" else one for one in taken)
    speeds = tuple(
        msgspec.structs.replace(one, variant=text, test=text, verdict=one.verdict)
        for one, text in zip(plain.findings.speeds, HOSTILE, strict=False)
    )
    counts = tuple(
        msgspec.structs.replace(one, variant=text, device=text, check=text, verdict=text)
        for one, text in zip(plain.findings.counts, HOSTILE, strict=False)
    )
    findings = msgspec.structs.replace(plain.findings, fates=fates, speeds=speeds, counts=counts)
    known = msgspec.structs.replace(
        plain, taken=taken, findings=findings, machine=HOSTILE[0], head=HOSTILE[0], pin_date=HOSTILE[1], fork=HOSTILE[2]
    )
    (fork.root / "requests.toml").write_text(
        "".join(f"[[request]]\ntitle = {json.dumps(text)}\nlink = {json.dumps(text)}\n" for text in HOSTILE[:4])
    )
    data = drawn(fork, (known,))[1].read_text(encoding="utf-8")
    page = Page(data)
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert not [tag for tag, _ in page.elements if tag in {"img", "iframe", "object", "embed", "form"}]
    assert not [attrs for _, attrs in page.elements if any(name.startswith("on") for name in attrs)]
    assert all(link.startswith(("#", "https://github.com/")) for link in page.links)
    assert set(re.findall(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", data)) == set()
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "49" not in page.text.split("{{ 7 * 7 }}")[1][:10]
    assert r"\u202ecba" in page.text
    assert len(page.ids) == len(set(page.ids))


def test_no_night_is_too_odd(fork_with_clash: Fork) -> None:
    """Whatever a history may hold, the page is drawn: numbers without end, empty parts, words of any kind."""
    fork = with_past(fork_with_clash)

    @settings(max_examples=20, deadline=None, derandomize=True, phases=(Phase.generate,))
    @given(st.lists(any_of(Night), max_size=3))
    def holds(known: list[Night]) -> None:
        page = read(drawn(fork, tuple(known))[1])
        assert [attrs["id"] for tag, attrs in page.elements if tag == "section"] == ["answer", *SECTIONS]
        assert len(page.ids) == len(set(page.ids))
        assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
        assert sum(tag == "script" for tag, _ in page.elements) == 1

    holds()


def test_nights_on_record_are_shown(fork: Fork) -> None:
    """The verb shows the nights that were kept, the newest first, as many as there are."""
    for one in reversed(nights_of(fork, many=3)):
        history.keep(fork.root, one)
    fork.ok("report")
    text = (fork.root / "build/report/index.html").read_text(encoding="utf-8")
    days = [one.began for one in nights_of(fork, many=3)]
    assert re.findall(r'<tr><td class="t">(\d{4}-\d\d-\d\dT[\d:]+Z)</td>', text) == days
    assert "2 clashed" in fork.ok("report").out


def test_git_ignores_the_page(fork: Fork) -> None:
    """A report leaves nothing that git sees, in any fork."""
    fork.ok("report")
    assert git(fork.root, "status", "--porcelain") == ""


def test_the_verb_says_where_the_page_is(fork: Fork) -> None:
    """The report and its document name the file; the fork's own files are as they were."""
    before = {name: data for name, data in fork.state().items() if not name.startswith("build/")}
    ran = fork.ok("report")
    assert "wrote build/report/index.html: 9 sections" in ran.out
    document = json.loads(fork.ok("report", "--json", "-").out)
    assert document["file"] == "build/report/index.html"
    assert document["sections"] == SECTIONS
    assert {name: data for name, data in fork.state().items() if not name.startswith("build/")} == before


def test_a_fork_without_its_upstream_says_so(fork: Fork) -> None:
    """With no upstream at hand the verb ends as every other does: with what to type, and with no page."""
    fork.upstream.path.rename(fork.upstream.path.with_name("gone.git"))
    ran = fork.run("report", "--offline")
    assert ran.code in (2, 3), ran.said
    assert "next:" in ran.said
    assert not (fork.root / "build").exists()


def test_a_missing_package_is_named(fork: Fork) -> None:
    """Where the charting library is not installed the verb says what to type, and ends with 3."""
    words = "import sys; sys.modules['vl_convert'] = None; sys.argv = ['forkkeeper', 'report']; "
    words += "from forkkeeper.tasks import main; main()"
    done = subprocess.run([sys.executable, "-c", words], cwd=fork.root, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "vl_convert: not installed" in done.stderr
    assert "python -m pip install 'forkkeeper[report]'" in done.stderr
