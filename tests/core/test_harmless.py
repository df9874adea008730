"""Markdown from a job that is not trusted: what is ours stays, and nothing else in it is live."""

import re

import pytest
from core.test_markdown import HOSTILE, live, plan, rows_of, written
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from forkkeeper.core.harmless import harmless
from forkkeeper.core.markdown import MOST

PAGE = "https://example.org/up"
ACTING = r"@|#\d|GH-|://|www\.|!\[|\]\(|\\|~~|\$|:tada:|[0-9a-f]{7,}"
TRAPS = [
    "`a | @someone`\n|---|---|\n`b | @someone`",
    "| a |\n|---|\n| `x | @someone` |\ny | `z | @someone`",
    "a | b\n---|---\n`c | @someone`",
    "<details>\n```\n</details>\n@someone\n```",
    "<!--\n```\n-->\n@someone",
    "- ```\n  @someone\n- x",
    "> ```\n@someone\n> ```",
    "    ```\n@someone",
    "~~~\n```\n~~~\n@someone\n```",
    "`` ` `` @someone `",
    "\\` @someone `",
    "``` `` @someone",
    "[x]: https://evil.example\n\n[x]",
    "[`x`](https://evil.example/up/commit/1) [`y`](https://example.org/upper)",
    "</details></details>\n</details>",
    "closes #1, fixes other/one#2, resolves GH-3",
    "```sh\n</details>\n@someone",
    "text\n===\n@someone\n---",
    "<summary>a</summary><img src=x>",
]


@pytest.mark.parametrize("text", [*HOSTILE, *TRAPS])
def test_nothing_from_outside_is_live(text: str) -> None:
    """No mention, reference, address, image or tag of a hostile document is outside of code afterwards."""
    made = harmless(text, [PAGE], MOST)
    shown = live(made)
    assert not re.search(ACTING, shown), made
    assert not re.search("<", re.sub(r"</?(details|summary)>", "", shown)), made
    assert not [line for line in made.split("\n") if _is_row(line) and _splits(line)]


def _is_row(line: str) -> bool:
    return line.startswith("|")


def _splits(line: str) -> bool:
    """Whether a bar stands in a code span of a table's row."""
    return any(re.search(r"(?<!\\)\|", span[1]) for span in re.finditer(r"`+([^`]*)`+", line))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_plan_stays_as_it_is(text: str) -> None:
    """What `plan --markdown` writes passes unchanged, whatever strangers' text it shows."""
    whole = written(plan(rows_of(text), text), text)
    assert harmless(whole, [], MOST) == whole


@given(st.text(alphabet="`|\\@#<>-~![]() \nab:/.*=_&", max_size=80))
@settings(max_examples=400)
def test_twice_is_once(text: str) -> None:
    """What was made harmless is harmless: a second time changes nothing, and no mention or tag is live."""
    made = harmless(text, [PAGE], MOST)
    assert harmless(made, [PAGE], MOST) == made
    assert not re.search(r"@|#\d|://|!\[|&", live(made)), made


PIECES = [
    *(
        "`",
        "``",
        "```",
        "````",
        "\n",
        "\n\n",
        "|",
        "\\|",
        "\\\\|",
        "|---|",
        "|---|---|",
        "---|---",
        "\n```\n",
        "\n```sh\n",
    ),
    *("@x", "#1", "<i>", "<!--", "-->", "<pre>", "![i](u)", "[a](https://e.x/y)", f"[`a`]({PAGE}/y)", "&amp;", "~~~"),
    *(
        "\n<details>\n",
        "<details>",
        "\n</details>\n",
        "<summary>a</summary>",
        "- ",
        "> ",
        "    ",
        "  ",
        "\t",
        "a",
        "b c",
    ),
    *("**", "* ", "1. ", "===", "---", "\\", "\\`", "\n````\n"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@settings(max_examples=400)
def test_a_renderer_finds_nothing_live(text: str) -> None:
    """A renderer that is not ours sees only text of plain words, our folded parts, code, and links to known pages."""
    made = harmless(text, [PAGE], MOST)
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    assert [wrong for token in renderer.parse(made) for wrong in acting(token)] == [], made


def acting(token: Token) -> list[str]:
    """Give what acts in a part of a rendered document."""
    found = [wrong for child in token.children or () for wrong in acting(child)]
    folded = r"((</?details>|<summary>[a ]*</summary>)\n?)+"
    match token.type:
        case "text" if re.search(r"@|#\d|&|://", token.content):
            return [*found, token.content]
        case "html_block" if not re.fullmatch(folded, token.content):
            return [*found, token.content]
        case "html_inline" | "image":
            return [*found, token.type]
        case "link_open" if not str(token.attrs["href"]).startswith(f"{PAGE}/"):
            return [*found, str(token.attrs["href"])]
        case _:
            return found


def test_the_renderer_does_find_what_is_live() -> None:
    """Before they are made harmless most of the traps act: the judge above is not blind."""
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    found = [text for text in TRAPS if any(acting(token) for token in renderer.parse(text))]
    assert len(found) > len(TRAPS) * 0.7


@pytest.mark.parametrize("most", [200, 1000, 5000])
def test_it_is_bounded_and_closed(most: int) -> None:
    """A document that is too long is cut with a sentence, its code block and folded part closed."""
    text = "<details>\n<summary>All</summary>\n\n```sh\n" + "a line of code\n" * 9999
    made = harmless(text, [], most)
    assert len(made.encode()) <= most
    assert "Cut here" in made
    live(made)
    assert made.count("<details>") == made.count("</details>")


def test_links_lead_to_known_pages_alone() -> None:
    """A link to upstream's page stays a link, any other is shown as code."""
    good, bad = f"- by [`abc`]({PAGE}/commit/1)", "- by [`abc`](https://evil.example/commit/1)"
    assert harmless(f"{good}\n{bad}\n", [PAGE], MOST) == f"{good}\n`` {bad} ``\n"
