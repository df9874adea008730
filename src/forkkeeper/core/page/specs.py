"""The charts, as Vega-Lite has them: plain data. Colours are the page's own, so they follow its theme."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from forkkeeper.core.page.shape import Spec

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
VERSION = "6.4"
WIDTH = 680  # pixels of the drawing, its axes left out
ROW = 24  # pixels of a row
LETTER = 6.8  # pixels of a letter, at most
LONG = 24  # letters
SERIES = ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)")
SHAPES = ("circle", "square", "triangle-up", "diamond")
VERDICTS = {
    "faster": ("var(--good)", "triangle-down"),
    "same": ("var(--series-1)", "circle"),
    "slower": ("var(--bad)", "triangle-up"),
    "inconclusive": ("var(--warn)", "diamond"),
}
_TEXT = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12}
_AXIS = {**_TEXT, "gridColor": "var(--line)", "domainColor": "var(--edge)", "tickColor": "var(--edge)"}
CONFIG = {
    "font": "system-ui, sans-serif",
    "aria": False,  # the drawing has one name; the table behind it is what a screen reader reads
    "view": {"stroke": None},
    "axis": {**_AXIS, "titleFontWeight": "normal", "labelLimit": 260},
    "axisX": {"labelFlush": False, "labelOverlap": True, "tickCount": 8},
    "legend": {**_TEXT, "orient": "top", "symbolStrokeWidth": 2, "symbolOpacity": 1, "labelLimit": 400},
    "header": _TEXT,
}
Row = Mapping[str, Any]


def _chart(rows: Sequence[Row], **more: Any) -> Spec:
    values = [{key: value if _is_drawable(value) else None for key, value in row.items()} for row in rows]
    return {"$schema": SCHEMA, "background": None, "config": CONFIG, "data": {"values": values}, **more}


def _is_drawable(value: object) -> bool:
    """Whether a value has a place on a drawing: an interval without end is told in its table alone."""
    return not isinstance(value, float) or math.isfinite(value)


def _nominal(field: str, title: str = "", **more: Any) -> Spec:
    return {"field": field, "type": "nominal", "title": title or None, "sort": None, **more}


def _rows(names: Sequence[str]) -> Spec:
    """Name the rows; with room for the widest of usual fonts, as the browser's are not known here."""
    room = LETTER * max((len(name) for name in names), default=0)
    return _nominal("name", axis={"labelLimit": room, "minExtent": room, "domain": False, "ticks": False})


def _legend(names: Sequence[str]) -> Spec:
    """Put long names below each other."""
    return {"columns": 1 if max((len(name) for name in names), default=0) > LONG else 0}


def _day(title: str = "") -> Spec:
    axis = {"format": "%Y-%m-%d", "grid": False}
    return {"field": "day", "type": "temporal", "scale": {"type": "utc"}, "title": title or None, "axis": axis}


def over_time(rows: Sequence[Row], title: str) -> Spec:
    """Draw numbers over days. rows -- day (YYYY-MM-DD), value, and series, of which there are four at most."""
    names = list(dict.fromkeys(row["series"] for row in rows))
    scale = {"domain": names, "range": list(SERIES[: len(names)])}
    shape = {"domain": names, "range": list(SHAPES[: len(names)])}
    legend: dict[str, Any] = {} if len(names) > 1 else {"legend": None}
    encoding = {
        "x": _day(),
        "y": {"field": "value", "type": "quantitative", "title": title, "axis": {"tickMinStep": 1}},
        "color": _nominal("series", scale=scale, **legend),
        "shape": _nominal("series", scale=shape, **legend),
    }
    line = {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "color": "var(--edge)"}}
    line["encoding"] = {key: encoding[key] for key in ("x", "y")}
    points = {"mark": {"type": "point", "filled": True, "size": 40}, "encoding": encoding}
    return _chart(rows, width=WIDTH, height=160, layer=[line, points])


def changes(rows: Sequence[Row], title: str) -> Spec:
    """Draw differences with their intervals, a row each. rows -- name, change, low, high (percent), verdict."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    verdicts = [one for one in VERDICTS if any(row["verdict"] == one for row in rows)]
    colour = {"domain": verdicts, "range": [VERDICTS[one][0] for one in verdicts]}
    shape = {"domain": verdicts, "range": [VERDICTS[one][1] for one in verdicts]}
    y = _rows(names)
    bar = {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55}}
    bar["encoding"] = {
        "y": y,
        "x": {"field": "low", "type": "quantitative", "title": title},
        "x2": {"field": "high"},
        "color": _nominal("verdict", scale=colour),
    }
    point = {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}}
    point["encoding"] = {
        "y": y,
        "x": {"field": "change", "type": "quantitative"},
        "color": _nominal("verdict", scale=colour),
        "shape": _nominal("verdict", scale=shape),
    }
    zero = {"data": {"values": [{"x": 0}]}, "mark": {"type": "rule", "color": "var(--edge)"}}
    zero["encoding"] = {"x": {"field": "x", "type": "quantitative"}}
    return _chart(rows, width=WIDTH, height=ROW * len(names) + 8, layer=[zero, bar, point])


def samples(rows: Sequence[Row], title: str) -> Spec:
    """Draw each sample as a tick, a row for each series. rows -- name, value."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    colour = {"domain": names, "range": [SERIES[0 if at.endswith("pristine") else 1] for at in names]}
    encoding = {
        "y": _rows(names),
        "x": {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False}},
        "color": _nominal("name", scale=colour, legend=None),
    }
    mark = {"type": "tick", "thickness": 1.5, "opacity": 0.8}
    return _chart(rows, width=WIDTH, height=ROW * len(names) + 8, mark=mark, encoding=encoding)


def trend(rows: Sequence[Row], steps: Sequence[Row], title: str) -> Spec:
    """Draw a difference over the nights with its interval, and a line at each step.

    rows -- day, value, low, high (percent), series; steps -- day, series
    """
    names = list(dict.fromkeys(row["series"] for row in rows))
    colour = _series(names, SERIES)
    shape = _series(names, SHAPES)
    y = {"field": "value", "type": "quantitative", "title": title}
    band = {"mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.4}}
    band["encoding"] = {"x": _day(), "y": {"field": "low", "type": "quantitative", "title": title}, "color": colour}
    band["encoding"]["y2"] = {"field": "high"}
    line = {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": {"x": _day(), "y": y, "color": colour}}
    point = {"mark": {"type": "point", "filled": True, "size": 45, "opacity": 1}}
    point["encoding"] = {"x": _day(), "y": y, "color": colour, "shape": shape}
    layers: list[dict[str, Any]] = [band, line, point]
    if steps:
        mark = {"type": "rule", "color": "var(--bad)", "strokeDash": [4, 3]}
        layers.append({"data": {"values": list(steps)}, "mark": mark, "encoding": {"x": _day()}})
    return _chart(rows, width=WIDTH, height=180, layer=layers)


def _series(names: Sequence[str], kinds: Sequence[str]) -> Spec:
    scale = {"domain": list(names), "range": [kinds[at % len(kinds)] for at in range(len(names))]}
    return _nominal("series", scale=scale, legend=_legend(names))


def sizes(rows: Sequence[Row], title: str) -> Spec:
    """Draw sums of parts as bars. rows -- name, part, value."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    parts = list(dict.fromkeys(row["part"] for row in rows))
    scale = {"domain": parts, "range": [SERIES[at % 4] for at in range(len(parts))]}
    encoding = {
        "y": _rows(names),
        "x": {"field": "value", "type": "quantitative", "title": title, "stack": "zero"},
        "color": _nominal("part", scale=scale),
        "order": {"field": "at", "type": "quantitative"},
    }
    mark = {"type": "bar", "height": 14, "stroke": "var(--back)", "strokeWidth": 1}
    return _chart(rows, width=WIDTH, height=ROW * len(names) + 8, mark=mark, encoding=encoding)
