"""The door to vl-convert: a Vega-Lite chart as inline SVG, drawn in this process, with no network and no browser.

Its ids are counted through the life of the process; here each chart's are made anew from its own name, so that the same
chart is the same text, and two of them on a page do not meet.
"""

import json
import re

import vl_convert

from forkkeeper.core.page.shape import Chart
from forkkeeper.core.page.specs import VERSION

_ROLE = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_ID = re.compile(r'\bid="([^"]+)"')


def svg(chart: Chart) -> str:
    """Draw a chart. Its texts stand escaped in the SVG, its colours are variables of the page's style."""
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(chart.spec), vl_version=VERSION, allowed_base_urls=[])
    drawn = _ROLE.sub("", drawn)  # the page names the whole drawing, and no part of it
    names = list(dict.fromkeys(_ID.findall(drawn)))
    for at, name in enumerate(names):
        drawn = re.sub(rf'(\bid="|url\(#|href="#){re.escape(name)}(?=["\)])', rf"\g<1>{chart.id}-{at}", drawn)
    return drawn
