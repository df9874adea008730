"""The report page in a real browser: headless Chromium, driven by Playwright, asked by axe-core.

Screenshots of both themes and of a narrow screen stay in build/report/screenshots, for a person to look at.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from nightly import behind
from playwright.sync_api import Browser, Page, sync_playwright
from reporting import ahead_of, drawn, nights_of, with_past
from world import HERE, Fork, copied, seal

from forkkeeper.core.page.ahead import EFFECTS

pytestmark = pytest.mark.browser

SHOTS = HERE / "build/report/screenshots"
TALLEST = 16_000  # pixels of a screenshot: what is out of sight is not drawn, so all of it is in sight
NARROW, WIDE = 360, 1280
SECTIONS = 9
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, AA

# the contrast of an element's text with the first ground below it (w3.org/TR/WCAG22/#dfn-contrast-ratio)
# Sections are laid out as they come into sight (content-visibility), some frames later on a busy machine.
LAID_OUT = """() => [...document.querySelectorAll('section')]
  .filter((section) => section.offsetParent && section.getBoundingClientRect().top < innerHeight)
  .every((section) => section.firstElementChild.checkVisibility({ contentVisibilityAuto: true }))"""
CONTRAST = """(element) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  while (ground && channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const colours = [getComputedStyle(element).color, ground ? getComputedStyle(ground).backgroundColor : "white"];
  const pair = colours.map(light);
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give one browser for all tests."""
    program = shutil.which("chromium")
    assert program, "chromium is not installed: `apt-get install chromium` (.ci/run does it)"
    options = ["--no-sandbox"] if os.geteuid() == 0 else []  # a container's root has no sandbox of its own
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=options)
        yield opened
        opened.close()


class Seen:
    """A page that was opened, and everything that went wrong with it or was asked for."""

    def __init__(self, browser: Browser, file: Path, *, width: int = WIDE, height: int = 900, **context: Any) -> None:
        """Open a page."""
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.own = file.as_uri()

    def ask(self, script: str) -> Any:
        """Run a script in the page."""
        return self.page.evaluate(script)

    def grow(self) -> None:
        """Make the window as tall as the page, and wait until all that it shows is laid out."""
        width = int(self.ask("innerWidth"))
        self.page.set_viewport_size({"width": width, "height": TALLEST})
        self.page.wait_for_function(LAID_OUT)
        tall = min(TALLEST, int(self.ask("document.documentElement.offsetHeight")))
        self.page.set_viewport_size({"width": width, "height": tall})
        self.page.wait_for_function(LAID_OUT)

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        self.grow()
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def file(built: dict[str, Fork], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a page of a fork with a past and twelve nights; the tests only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        seal(patch, tmp_path_factory.mktemp("home"))
        fork = with_past(copied(built["clash"], tmp_path_factory.mktemp("page") / "place"))
        return drawn(fork, nights_of(fork))[1]


def test_every_section_renders_and_nothing_is_asked(browser: Browser, file: Path) -> None:
    """Each section has a height and a text, each drawing its marks; no error, no message, no request but the file's."""
    seen = Seen(browser, file)
    seen.grow()
    sections = seen.ask(
        "[...document.querySelectorAll('main > section')].map(s => [s.id, s.offsetHeight, s.innerText.length])"
    )
    assert len(sections) == SECTIONS + 1
    assert [one for one in sections if one[1] < 80 or one[2] < 60] == []
    drawings = seen.ask(
        "[...document.querySelectorAll('svg')].map(s => [s.getBBox().width, s.querySelectorAll('path,line').length])"
    )
    assert len(drawings) >= 6
    assert [one for one in drawings if one[0] < 200 or one[1] < 5] == []
    assert seen.asked == [seen.own]
    assert seen.wrong == []


def test_every_inner_link_leads_somewhere_in_sight(browser: Browser, file: Path) -> None:
    """A click on each kind of inner link opens what it leads to, also inside what is folded."""
    seen = Seen(browser, file)
    links = seen.ask("[...new Set([...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash))]")
    assert len(links) > 20
    for link in links:
        seen.ask(f"location.hash = {link!r}")
        seen.page.wait_for_function(
            "(hash) => { const e = document.getElementById(hash.slice(1));"
            " return e && e.checkVisibility() && e.getClientRects().length > 0; }",
            arg=link,
            timeout=2_000,
        )
    assert seen.wrong == []


def test_the_answer_is_one_click_away(browser: Browser, file: Path) -> None:
    """What a sync would cost is read at once; one click shows each patch with the commit that is to blame."""
    seen = Seen(browser, file)
    box = seen.page.locator("#answer")
    assert "2 clashed (1 only follows)" in box.inner_text()
    bounds = box.bounding_box()
    assert bounds is not None
    assert bounds["y"] + bounds["height"] < 900
    box.locator("a.button").click()
    row = seen.page.locator("#fates tbody tr").first
    row.wait_for(state="visible")
    assert row.inner_text().split()[:3] == ["limit", "clashed", "no"]
    top = seen.page.locator("#fates").bounding_box()
    assert top is not None
    assert 0 <= top["y"] < 900


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_legible(browser: Browser, file: Path, theme: str) -> None:
    """Texts and signs of every kind stand out from their ground, in the system's theme and in the chosen one."""
    kinds = "h1, h2, .says, .about, td, th, caption, dt, dd, .good, .warn, .bad, .dim, a, .clash, .review, .refresh, "
    kinds += ".upstreamed, summary, code, ins, del, figcaption, .when, .matrix td, button"
    for how in ("system", "chosen"):
        other = {"light": "dark", "dark": "light"}[theme]
        seen = Seen(browser, file, color_scheme=theme if how == "system" else other)
        if how == "chosen":
            seen.ask(f"document.documentElement.dataset.theme = {theme!r}")
        seen.ask("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        each = f"[...document.querySelectorAll({kinds!r})].map(e => [e.tagName + '.' + e.className, of(e)])"
        found = seen.ask(f"(() => {{ const of = {CONTRAST}; return {each}; }})()")
        assert len(found) > 300
        assert sorted({(name, round(ratio, 2)) for name, ratio in found if ratio < LEAST_CONTRAST}) == []
        ground = seen.ask("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}[theme]
        text = seen.ask("getComputedStyle(document.querySelector('svg text')).fill")
        assert text == seen.ask("getComputedStyle(document.body).color")
        if how == "system":
            seen.ask("document.querySelectorAll('details').forEach(one => { one.open = false; })")
            seen.shoot(theme)


def test_the_theme_can_be_chosen(browser: Browser, file: Path) -> None:
    """The button goes through the themes, with no network and where the browser keeps nothing."""
    seen = Seen(browser, file, color_scheme="light")
    button = seen.page.locator("#theme")
    said = []
    for _ in range(3):
        button.click()
        said.append((button.inner_text(), seen.ask("getComputedStyle(document.body).backgroundColor")))
    assert said == [
        ("Theme: light", "rgb(255, 255, 255)"),
        ("Theme: dark", "rgb(20, 22, 26)"),
        ("Theme: as the system", "rgb(255, 255, 255)"),
    ]


def test_a_narrow_screen_has_no_sideways_scroll(browser: Browser, file: Path) -> None:
    """At 360 pixels the page is as wide as the window; what is wider scrolls in a place of its own, by keyboard too."""
    seen = Seen(browser, file, width=NARROW)
    seen.ask("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    seen.grow()
    assert seen.ask("document.documentElement.scrollWidth") == NARROW
    loose = seen.ask(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1"
        " && !e.closest('.scroll')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert loose == []
    assert seen.ask("[...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0)")
    seen.ask("document.querySelectorAll('details').forEach(one => { one.open = false; })")
    seen.shoot("narrow")


def test_the_keyboard_reaches_the_culprits(browser: Browser, file: Path) -> None:
    """Tab comes to the strip once, arrow keys go along the commits that touch the queue, Enter leads to the row."""
    seen = Seen(browser, file)
    keys = seen.page.keyboard
    keys.press("Tab")
    assert seen.ask("document.activeElement.className") == "skip"
    keys.press("Enter")
    for _ in range(60):
        keys.press("Tab")
        if seen.ask("!!document.activeElement.closest('.strip')"):
            break
    first = seen.ask("document.activeElement.hash")
    assert first == seen.ask("document.querySelector('.strip a').hash")
    outline = seen.ask("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    met = [first]
    while met[-1] != seen.ask("[...document.querySelectorAll('.strip a')].at(-1).hash"):
        keys.press("ArrowRight")
        met.append(seen.ask("document.activeElement.hash"))
    assert met == seen.ask("[...document.querySelectorAll('.strip a')].map(a => a.hash)")
    keys.press("Home")
    keys.press("Enter")
    seen.page.wait_for_function("(hash) => document.activeElement.id === hash.slice(1)", arg=first)
    assert seen.ask("document.activeElement.matches('#hits tr')")


def test_tables_sort_and_filter(browser: Browser, file: Path) -> None:
    """A click on a title sorts by number or text and says so; the field leaves the rows that fit, and counts them."""
    seen = Seen(browser, file)
    table = seen.page.locator("#triage")
    scores = "[...document.querySelectorAll('#triage tbody tr')].map(r => Number(r.cells[0].textContent))"
    before = seen.ask(scores)
    table.locator("th button").first.click()
    assert seen.ask(scores) == sorted(before)
    assert table.locator("th").first.get_attribute("aria-sort") == "ascending"
    table.locator("th button").first.click()
    assert seen.ask(scores) == sorted(before, reverse=True)
    field = seen.page.locator("#offers .filter input")
    field.fill("CHANGE 239")
    assert seen.ask("[...document.querySelectorAll('#triage tbody tr')].filter(r => !r.hidden).length") == 1
    assert seen.page.locator("#offers [role=status]").inner_text() == "1 of 20 rows"


def test_it_reads_without_scripts(browser: Browser, file: Path) -> None:
    """Where no script runs all texts and tables are there, and nothing stands about that does nothing."""
    seen = Seen(browser, file, java_script_enabled=False)
    assert seen.page.locator("button:visible, input:visible").count() == 0
    assert seen.page.locator("#fates tbody tr").count() == 3
    assert seen.page.locator(".strip a").count() == 8
    assert seen.page.locator("#hits tbody tr").first.is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", WIDE), ("light", NARROW)])
def test_axe_finds_nothing(browser: Browser, file: Path, scheme: str, width: int) -> None:
    """axe-core's rules for WCAG 2.2 A and AA and for good practice find no fault, folded parts open."""
    seen = Seen(browser, file, width=width, color_scheme=scheme)
    seen.ask("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    seen.grow()
    found = Axe().run(seen.page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found] == []


def test_ten_thousand_commits_load(browser: Browser, fork_with_clash: Fork, capsys: pytest.CaptureFixture[str]) -> None:
    """With 10,000 commits ahead and 60 nights the page loads, a culprit is reached, and all rows sort and filter."""
    fork = with_past(fork_with_clash)
    path = drawn(fork, nights_of(fork, 60, 10_000))[1]
    seen = Seen(browser, path)
    load = seen.ask("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert seen.ask("document.querySelectorAll('.squares > *').length") == 10_000
    timed = (
        "(() => {{ const t = performance.now(); {0}; document.body.offsetHeight; return performance.now() - t; }})()"
    )
    seconds = {"load": load}
    seen.page.locator(".strip a.clash").first.click()
    seen.page.wait_for_function("document.activeElement.matches('#hits tr')")
    seconds["open"] = seen.ask(timed.format("document.getElementById('commits').closest('details').open = true"))
    sort = "document.querySelectorAll('#commits th button')[4].click()"
    seconds["sort"] = seen.ask(timed.format(sort))
    titles = seen.ask(
        "[...document.querySelectorAll('#commits tbody tr')].slice(0, 2).map(r => r.cells[4].textContent)"
    )
    assert titles == ["part 0: change 0 of many (#20000)", "part 0: change 37 of many (#20037)"]
    field = "const f = document.querySelector('#ahead .filter input'); f.value = '#20123'; "
    field += "f.dispatchEvent(new Event('input'))"
    seconds["filter"] = seen.ask(timed.format(field))
    assert seen.ask("[...document.querySelectorAll('#commits tbody tr')].filter(r => !r.hidden).length") == 1
    seen.ask("document.querySelector('.squares i').click()")
    seen.page.wait_for_function("document.activeElement.matches('#commits tr')")
    assert seen.asked == [seen.own]
    assert seen.wrong == []
    with capsys.disabled():
        said = ", ".join(f"{what} {took:.0f} ms" for what, took in seconds.items())
        print(f"\n10,000 commits, {path.stat().st_size / 1e6:.1f} MB: {said}")  # noqa: T201 -- it is the test's output


def test_the_factory_has_every_kind_of_commit(fork_with_clash: Fork) -> None:
    """What the pages above are made of holds each effect that the strip draws."""
    found = ahead_of(fork_with_clash).behind
    assert {effect for one in found for effect in one.effects.values()} | {""} == set(EFFECTS)
    assert behind(3, {})[0].effects == {}
