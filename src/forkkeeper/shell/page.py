"""The door to Jinja2 and to the files that the page is drawn with: one HTML file that asks for nothing else.

Every text is escaped (autoescape), and whatever is not seen is spelled out once more (`finalize`); a name that the
template does not know is an error (StrictUndefined). The page's policy forbids all but the style and the script that
stand in it, by their hashes.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from forkkeeper.core import shown
from forkkeeper.core.page import ahead
from forkkeeper.core.page.shape import Page

FOLDER = "report"  # of the package's data
TEMPLATE, STYLE, SCRIPT = "page.html.j2", "page.css", "page.js"


def html(page: Page, drawings: Mapping[str, str]) -> str:
    """Draw a page. drawings -- the SVG of each chart, by its id."""
    drawing = Environment(
        loader=FunctionLoader(_data),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    drawing.filters["href"] = _href
    style, script = _data(STYLE), _data(SCRIPT)
    return drawing.get_template(TEMPLATE).render(
        page=page,
        drawings={name: Markup(text) for name, text in drawings.items()},  # noqa: S704 -- escaped by its own library
        signs={effect: sign for effect, (sign, _) in ahead.EFFECTS.items()},
        style=Markup(style),  # noqa: S704 -- a file of ours
        script=Markup(script),  # noqa: S704 -- as above
        policy=_policy(style, script),
    )


def _data(name: str) -> str:
    return resources.files("forkkeeper").joinpath("data", FOLDER, name).read_text(encoding="utf-8")


def _seen(value: object) -> object:
    return shown.spelled(value, but="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _href(link: str) -> str:
    """Give a link as it is where it leads to a place on the page or to the web. Raises ValueError for any other."""
    if not link.startswith(("#", "https://", "http://")):
        raise ValueError(f"{link[:40]!r} is no link that the page may have")
    return link


def _policy(style: str, script: str) -> str:
    allowed = "; ".join(f"{kind}-src '{_hash(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
