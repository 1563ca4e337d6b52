"""Charts of public figures: one look for all, drawn as SVG without a browser.

A chart is made for one width, so that its text keeps its size: a page draws each twice, `WIDE` for
a desk and for paper, `NARROW` for a phone. No chart says anything by colour alone: lines differ in
their dashes and end in their label, and what has no number carries its mark.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup, escape

from publish.public import State, Value
from publish.words import Words

WIDE = 720
NARROW = 340

INK = "#1c2733"
SOFT = "#4d5c6b"
GRID = "#dfe4e9"
PAPER = "#ffffff"
OPEN = "#c2410c"
# From zero to the greatest number; the lightest still differs from paper.
PALEST, DEEPEST = "#e6f0f4", "#0a4459"
# The latest series first. All keep 4.5:1 against paper, as they also colour text.
COLOURS = ("#0b5c7a", "#b45309", "#56616d", "#7b4fa3", "#4d7c0f")
DASHES = ([1, 0], [1, 0], [6, 3], [2, 3], [8, 3, 2, 3])

# Measured with a font that vl-convert brings along; pages show it or one of the same widths.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TEXT = 12
CELL_TEXT = 10.5
LINE = 15
RIM = {"stroke": PAPER, "strokeWidth": 4, "strokeJoin": "round"}
# The mean width of a character of the widest font in its place, as part of the size of the text.
CHARACTER = 0.62

Chart = alt.LayerChart


@dataclass(frozen=True)
class Series:
    """Twelve values, a month each, under one label; the last series of a chart is the main one."""

    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Bar:
    """A bar: its value as long as it is, `written` beside it, and what it was before.

    `written` is the mark alone where there is no number.
    """

    label: str
    value: Value
    written: str
    before: Value | None = None


_CHANNELS = {"x2:Q": alt.X2, "y2:Q": alt.Y2, "text:N": alt.Text, "run:N": alt.Detail}
# What a row says of its own look; no scale comes in between.
_LITERAL = {
    "fill": partial(alt.Fill, "fill:N"),
    "stroke": partial(alt.Stroke, "stroke:N"),
    "size": partial(alt.Size, "size:Q"),
}


@dataclass(frozen=True)
class _Plane:
    """What all layers of a chart are drawn on."""

    x: alt.X
    y: alt.Y
    width: int
    height: int
    least: float = 0
    top: float = 1

    @property
    def pixel(self) -> float:
        """What a pixel of a chart with months below it is worth, about."""
        return (self.top - self.least) / (self.height - 40)

    @property
    def is_wide(self) -> bool:
        return self.width >= WIDE

    @classmethod
    def of_pixels(cls, width: int, height: int) -> _Plane:
        """Give a plane without axes, measured in pixels from its upper left corner."""
        x = alt.X("x:Q", scale=alt.Scale(domain=[0, width], nice=False), axis=None)
        y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
        return cls(x, y, width, height)

    def layer(self, rows: Sequence[Mapping], mark: str, **look: object) -> Iterator[alt.Chart]:
        """Give a layer that draws a mark a row, if there are rows.

        Their fields are `x` and `y`; `x2` and `y2` for what reaches from one to the other; `text`;
        `run` for the parts of a line; `fill`, `stroke` and `size` for a look of its own.
        """
        if not rows:
            return
        channels: list = [self.x, self.y]
        channels += [channel(name) for name, channel in _CHANNELS.items() if name[:-2] in rows[0]]
        channels += [channel(scale=None) for name, channel in _LITERAL.items() if name in rows[0]]
        # One JSON text, as Altair copies and checks lists of rows over and over.
        data = alt.InlineData(
            values=json.dumps(list(rows), ensure_ascii=False), format=alt.DataFormat(type="json")
        )
        drawn = alt.Chart(data, mark=alt.MarkDef(type=mark, **look))
        yield drawn.encode(*channels)


def svg(chart: alt.TopLevelMixin, name: str = "", label: str = "") -> Markup:
    """Draw a chart as an `<svg>` element to be put into a page.

    The same chart gives the same bytes. `name` tells two equal charts of one page apart: ids in
    the drawing start with it, or with a hash of the drawing. With a `label` the drawing is a
    picture with that text; without one it is hidden from screen readers, and what surrounds it
    has to say what it shows.
    """
    with debug_mode(False):
        specification = chart.to_dict(validate=False)
    drawn = vl_convert.vegalite_to_svg(specification, vl_version="6.4", allowed_base_urls=[])
    prefix = name or "c" + hashlib.sha256(drawn.encode()).hexdigest()[:12]
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', drawn)
    drawn = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", drawn)
    # Only inside of tags: what is written in the drawing stays as it is.
    drawn = re.sub(r"<[^>]+>", lambda tag: _NEEDLESS.sub("", tag[0]), drawn)
    drawn = _EMPTY.sub("", drawn)
    # A light rim lies under the letters, so that they can be read on a line.
    drawn = re.sub(r"(<text [^>]*)(stroke=)", r'\1paint-order="stroke" \2', drawn)
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(drawn.replace("<svg", f'<svg {said} focusable="false"', 1))


# Inside of a page the names of the formats are known, and nobody points at parts of a drawing.
_NEEDLESS = re.compile(
    r' (?:xmlns(?::xlink)?|version|class|aria-[a-z]+|role|pointer-events)="[^"]*"'
)
_EMPTY = re.compile(r'<path d=""[^>]*/>|<path d="M0,0h0v0h0Z"/>|<g></g>')


def by_month(series: Sequence[Series], words: Words, width: int = WIDE) -> Chart:
    """A line a series over the twelve months; the last one stands out and shows its numbers.

    A month without a number is a gap that shows its mark: a dashed frame for one that follows, a
    filled one for one that is confidential. A provisional number is a hollow point.
    """
    is_wide = width >= WIDE
    known = [v.number for one in series for v in one.values if v.number is not None]
    least, top = _bounds(known)
    has_decimals = top - least < 10 and any(v.decimals for one in series for v in one.values)
    names = [words.month(n, "abbreviated" if is_wide else "narrow") for n in range(1, 13)]
    months = alt.Axis(
        values=list(range(1, 13)), labelExpr=f"{json.dumps(names)}[round(datum.value) - 1]",
        labelFlush=False, labelOverlap=False, grid=False, title=None,
    )  # fmt: skip
    numbers = alt.Axis(
        format=",.1f" if has_decimals else ",.0f", tickCount=5, title=None, domain=False
    )
    plane = _Plane(
        alt.X("x:Q", scale=alt.Scale(domain=[0.5, 12.5], nice=False), axis=months),
        alt.Y("y:Q", scale=alt.Scale(domain=[least, top], nice=False), axis=numbers),
        width, 280 if is_wide else 240, least, top,
    )  # fmt: skip
    layers = [
        *_frames(series[-1], plane),
        *_lines(series, plane),
        *_missing(series, words, plane),
        *_numbers(series[-1], words, plane),
        *_ends(series, plane),
    ]
    # Vega measures labels with one font; what a page shows may be wider.
    right = round(max(len(one.label) for one in series) * TEXT * 0.12) + 6
    left = round(len(words.number(round(max(top, -least)))) * TEXT * 0.12) + 3
    return _finished(layers, words, plane, {"left": left, "right": right, "top": 4, "bottom": 4})


def bars(rows: Sequence[Bar], words: Words, width: int = WIDE) -> Chart:
    """A bar a row, its number written beside it; a tick shows what it was before.

    On a narrow chart the label stands above its bar. Long labels take two lines. Numbers below 0
    have bars without length. Raises ValueError if there is no row.
    """
    is_wide = width >= WIDE
    longest = max(len(row.label) for row in rows)
    start = min(round(longest * TEXT * CHARACTER) + 16, width // 2) if is_wide else 2
    names = [_wrapped(row.label, start - 16 if is_wide else width) for row in rows]
    above = 0 if is_wide else LINE * max(len(lines) for lines in names)
    step, thick = (32, 18) if is_wide else (29 + above, 15)
    room = max(len(row.written) for row in rows) * TEXT * CHARACTER + 16
    end = width - room
    numbers = [v.number for row in rows for v in (row.value, row.before) if v and v.number]
    scale = (end - start) / float(max(numbers, default=0) or 1)
    plane = _Plane.of_pixels(width, step * len(rows) + 6)
    labels, shapes, ticks, written = [], [], [], []
    for index, (row, lines) in enumerate(zip(rows, names, strict=True)):
        middle = step * index + (step / 2 if is_wide else step - thick / 2 - 4) + 2
        length, before = (
            max(float(v.number), 0) * scale if v and v.number is not None else None
            for v in (row.value, row.before)
        )
        at = {"y": middle - thick / 2, "y2": middle + thick / 2}
        shapes.append({"x": start, "x2": start + (length or 0), **at})
        if before is not None:
            ticks.append({"x": start + before, "y": at["y"] - 3, "y2": at["y2"] + 3})
        past = length or 0
        if before is not None and past - 4 < before < past + room:
            past = before
        written.append({"x": start + past + 8, "y": middle, "text": row.written})
        if is_wide:
            x, first = start - 10, middle - (len(lines) - 1) * LINE / 2
        else:
            x, first = start, at["y"] - 3.5 - (len(lines) - 0.5) * LINE
        labels += [{"x": x, "y": first + n * LINE, "text": t} for n, t in enumerate(lines)]
    foot = [{"x": start, "y": 2, "y2": step * len(rows) + 2}] if is_wide else []
    layers = [
        *plane.layer(shapes, "rect", color=COLOURS[0]),
        *plane.layer(foot, "rule", color=SOFT),
        *plane.layer(ticks, "rule", color=PAPER, strokeWidth=5),
        *plane.layer(ticks, "rule", color=INK, strokeWidth=2),
        *plane.layer(labels, "text", color=INK, align="right" if is_wide else "left"),
        *plane.layer(written, "text", color=INK, align="left", fontWeight="bold"),
    ]
    return _finished(layers, words, plane)


def heatmap(
    values: Mapping[tuple[int, int], float | None],
    open_share: Mapping[tuple[int, int], float],
    words: Words,
    unit: str,
    width: int = WIDE,
    decimals: int = 0,
    marks: Mapping[tuple[int, int], str] | None = None,
) -> Chart:
    """A week of hours: a cell for each weekday (1 to 7) and hour (0 to 23), darker for more.

    A wide chart has the hours from left to right, a narrow one from top to bottom. Each cell shows
    its number, with `decimals`, if all fit. `open_share` is the part of the period's weeks in
    which the helpline was open at that hour, from 0 to 1: a firm line surrounds the hours that
    were open in at least half of the weeks, a dotted one those in fewer. A cell whose value is
    None shows its mark from `marks`, or nothing. `unit` heads the scale.
    """
    week = _Week(width >= WIDE, width)
    plane = _Plane.of_pixels(width, week.height)
    greatest = max((number for number in values.values() if number is not None), default=0)
    written = {
        key: (marks or {}).get(key, "") if number is None else _written(number, words, decimals)
        for key, number in values.items()
    }
    fits = all(len(text) * CELL_TEXT * CHARACTER < week.step_x for text in written.values())
    cells, light, dark = [], [], []
    for key, number in sorted(values.items()):
        share = number / greatest if number and greatest else 0
        fill = PAPER if number is None else _mixed(share)
        box = week.box(key)
        cells.append({**box, "fill": fill})
        text = {
            "x": (box["x"] + box["x2"]) / 2,
            "y": (box["y"] + box["y2"]) / 2,
            "text": written[key] if fits or number is None else "",
        }
        (light if _is_dark(fill) else dark).append(text)
    layers = [
        *plane.layer(cells, "rect", stroke=PAPER, strokeWidth=1),
        *plane.layer(light, "text", color=PAPER, fontSize=CELL_TEXT),
        *plane.layer(dark, "text", color="#000000", fontSize=CELL_TEXT),
        *_outlines(open_share, week, plane),
        *week.labels(words, plane),
        *_key(_written(greatest, words, decimals), unit, plane),
    ]
    return _finished(layers, words, plane)


@dataclass(frozen=True)
class _Week:
    """Where the cells of a week of hours lie, in pixels."""

    is_wide: bool
    width: int

    TOP = 56

    @property
    def left(self) -> int:
        return 86 if self.is_wide else 28

    @property
    def step_x(self) -> float:
        return (self.width - self.left - 8) / (24 if self.is_wide else 7)

    @property
    def step_y(self) -> int:
        return 28 if self.is_wide else 19

    @property
    def height(self) -> int:
        return self.TOP + self.step_y * (7 if self.is_wide else 24) + 8

    def corner(self, x: int, y: int) -> tuple[float, float]:
        """Give the upper left corner of a cell by its column and row."""
        return round(self.left + x * self.step_x, 2), self.TOP + y * self.step_y

    def place(self, key: tuple[int, int]) -> tuple[int, int]:
        """Give column and row of a weekday and hour."""
        day, hour = key
        return (hour, day - 1) if self.is_wide else (day - 1, hour)

    def box(self, key: tuple[int, int]) -> dict[str, float]:
        """Give the sides of a cell."""
        x, y = self.place(key)
        (left, upper), (right, lower) = self.corner(x, y), self.corner(x + 1, y + 1)
        return {"x": left, "x2": right, "y": upper, "y2": lower}

    def labels(self, words: Words, plane: _Plane) -> Iterator[alt.Chart]:
        """Name the days, and the hours at the edges between cells, as opening hours lie on them."""
        width = "wide" if self.is_wide else "short"
        days = [words.weekday(day, width) for day in range(1, 8)]
        hours = [str(hour) for hour in range(25)]
        if self.is_wide:
            across = [(*self.corner(n, 0), hour) for n, hour in enumerate(hours)]
            down = [(self.left, self.corner(0, n)[1] + 14, day) for n, day in enumerate(days)]
        else:
            across = [
                (self.corner(n, 0)[0] + self.step_x / 2, self.TOP, day)
                for n, day in enumerate(days)
            ]
            down = [(self.left, self.corner(0, n)[1], hour) for n, hour in enumerate(hours)]
        look = {"color": INK, "fontSize": TEXT if self.is_wide else 11}
        for rows, more in ((across, {"dy": -12}), (down, {"align": "right", "dx": -8})):
            texts = [dict(zip(("x", "y", "text"), row, strict=True)) for row in rows]
            yield from plane.layer(texts, "text", **look, **more)


def _frames(main: Series, plane: _Plane) -> Iterator[alt.Chart]:
    """Frame the months in which the main series has no number."""
    for state, look in (
        (State.PENDING, {"fill": PAPER, "stroke": SOFT, "strokeDash": [4, 3]}),
        (State.CONFIDENTIAL, {"fill": GRID}),
    ):
        rows = [
            {"x": n - 0.45, "x2": n + 0.45, "y": plane.least, "y2": plane.top}
            for n, value in enumerate(main.values, start=1)
            if value.state is state
        ]
        yield from plane.layer(rows, "rect", **look)


def _lines(series: Sequence[Series], plane: _Plane) -> Iterator[alt.Chart]:
    """Draw the lines with their points, the main one last and over the others.

    A month without a number breaks the line: `run` numbers its unbroken parts.
    """
    points: list[dict] = []
    for rank, one in reversed(list(enumerate(reversed(series)))):
        colour = COLOURS[rank % len(COLOURS)]
        rows: list[dict] = []
        run = 0
        for month, value in enumerate(one.values, start=1):
            if value.number is None:
                run += 1
                continue
            at = {"x": month, "y": float(value.number)}
            is_hollow = value.state is State.PROVISIONAL
            rows.append({**at, "run": run})
            points.append({**at, "fill": PAPER if is_hollow else colour, "stroke": colour,
                           "size": 18 if rank else 50})  # fmt: skip
        yield from plane.layer(
            rows, "line", color=colour, strokeWidth=2 if rank else 3,
            strokeDash=DASHES[rank % len(DASHES)],
        )  # fmt: skip
    yield from plane.layer(points, "point", opacity=1, strokeWidth=2)


def _missing(series: Sequence[Series], words: Words, plane: _Plane) -> Iterator[alt.Chart]:
    """Write the marks of months without a number where the lines leave most room.

    A wide chart says of which series; on a narrow one there is room for those of the main series.
    """
    shown = series if plane.is_wide else series[-1:]
    said = {month: _said(shown, month, words) for month in range(1, 13)}
    taken = [
        float(value.number)
        for month, texts in said.items()
        for value in (one.values[month - 1] for one in series)
        if texts and value.number is not None
    ]
    middle = _widest_gap([plane.least, *taken, plane.top])
    rows = []
    for month, texts in said.items():
        lines = texts if plane.is_wide else texts[1:2]
        for n, text in enumerate(lines):
            shift = ((len(lines) - 1) / 2 - n) * LINE * plane.pixel
            rows.append({"x": month, "y": middle + shift, "text": text})
    look = {} if plane.is_wide else {"angle": 270}
    yield from plane.layer(rows, "text", color=INK, **RIM, **look)


def _said(series: Sequence[Series], month: int, words: Words) -> list[str]:
    """Give the marks of a month, each behind the labels of the series that have it."""
    said: dict[str, list[str]] = {}
    for one in series:
        value = one.values[month - 1]
        if value.number is None and value.state is not State.ABSENT:
            said.setdefault(words.value(value), []).append(one.label)
    return [part for mark, labels in said.items() for part in (", ".join(labels), mark)]


def _numbers(main: Series, words: Words, plane: _Plane) -> Iterator[alt.Chart]:
    """Write the numbers of the main series; where room is short, its greatest and least alone.

    A number stands where its line leaves room: over a peak, under a valley, else to the side.
    """
    known = {n: value for n, value in enumerate(main.values) if value.number is not None}
    if not known:
        return
    longest = max(len(words.number(v.number, v.decimals)) for v in known.values())
    if longest * TEXT * CHARACTER + 16 > (plane.width - 100) / 12:
        order = sorted(known, key=lambda n: known[n].number)
        known = {n: known[n] for n in (order[0], order[-1])}
    places: dict[str, list[dict]] = {}
    for n, value in known.items():
        text = words.number(value.number, value.decimals)
        row = {"x": n + 1, "y": float(value.number), "text": text}
        place = _room(main.values, n)
        # Under a low point stand the months.
        is_low = row["y"] - plane.least < 2 * LINE * plane.pixel
        place = {"below": "above", "before": "left"}.get(place, place) if is_low else place
        places.setdefault(place, []).append(row)
    looks = {
        "above": {"dy": -13},
        "below": {"dy": 14},
        "left": {"dx": -8, "dy": -8, "align": "right"},
        "right": {"dx": 8, "dy": -8, "align": "left"},
        "before": {"dx": -8, "dy": 10, "align": "right"},
    }
    for place, rows in sorted(places.items()):
        look = {"fontWeight": "bold", **looks[place]}
        yield from plane.layer(rows, "text", color=COLOURS[0], **RIM, **look)


def _ends(series: Sequence[Series], plane: _Plane) -> Iterator[alt.Chart]:
    """Write each label where its line ends, far enough from the others."""
    rows = []
    for rank, one in enumerate(reversed(series)):
        last = [n for n, value in enumerate(one.values, start=1) if value.number is not None][-1:]
        for month in last:
            number = float(one.values[month - 1].number or 0)
            rows.append({"x": month, "y": number, "text": one.label, "rank": rank})
    _spread(rows, LINE * plane.pixel, plane.least)
    for weight, ranks in (("normal", range(1, len(series))), ("bold", range(1))):
        own = [
            {"x": row["x"], "y": row["y"], "text": row["text"],
             "fill": COLOURS[row["rank"] % len(COLOURS)]}
            for row in rows
            if row["rank"] in ranks
        ]  # fmt: skip
        yield from plane.layer(own, "text", align="left", dx=10, fontWeight=weight, **RIM)


def _wrapped(label: str, width: float) -> list[str]:
    """Break a label into at most two lines of a width in pixels; what does not fit is cut."""
    size = max(int(width / (TEXT * CHARACTER)), 8)
    return textwrap.wrap(label, size, max_lines=2, placeholder=" …") or [""]


def _spread(rows: list[dict], apart: float, least: float) -> None:
    """Move labels until `apart` lies between each two, and none lies below the plane."""
    rows.sort(key=lambda row: row["y"])
    for _ in range(100):
        for below, above in pairwise(rows):
            lack = apart - (above["y"] - below["y"])
            if lack > 0:
                below["y"] -= lack / 2
                above["y"] += lack / 2
        if rows:
            rows[0]["y"] = max(rows[0]["y"], least)


def _outlines(
    open_share: Mapping[tuple[int, int], float], week: _Week, plane: _Plane
) -> Iterator[alt.Chart]:
    """Draw the borders of what is open: dotted for some weeks, over it firm for most."""
    rim = {"strokeWidth": 4.5, "color": PAPER, "strokeCap": "square"}
    firm = {"strokeWidth": 2.5, "color": OPEN, "strokeCap": "square"}
    dotted = {"strokeWidth": 1.5, "color": INK, "strokeDash": [2, 3]}
    for least, looks in ((0.0, [dotted]), (0.5, [rim, firm])):
        cells = {
            week.place(key) for key, share in open_share.items() if share > 0 and share >= least
        }
        rows = []
        for first, last in _edges(cells):
            (x, y), (x2, y2) = week.corner(*first), week.corner(*last)
            rows.append({"x": x, "y": y, "x2": x2, "y2": y2})
        for look in looks:
            yield from plane.layer(rows, "rule", **look)


def _edges(cells: set[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Give the sides of cells that border on none of them, as pairs of corners."""
    for x, y in sorted(cells):
        sides = {
            (x, y - 1): ((x, y), (x + 1, y)),
            (x, y + 1): ((x, y + 1), (x + 1, y + 1)),
            (x - 1, y): ((x, y), (x, y + 1)),
            (x + 1, y): ((x + 1, y), (x + 1, y + 1)),
        }
        yield from (side for beside, side in sides.items() if beside not in cells)


def _key(greatest: str, unit: str, plane: _Plane) -> Iterator[alt.Chart]:
    """Say what the cells count, and how dark means how much."""
    start = round(len(unit) * TEXT * CHARACTER) + 22
    size, y = 18, 10
    swatches = [
        {"x": start + n * size, "x2": start + (n + 1) * size, "y": y - 6, "y2": y + 6,
         "fill": _mixed(n / 5)}
        for n in range(6)
    ]  # fmt: skip
    texts = [
        {"x": 0, "y": y, "text": unit},
        {"x": start - 12, "y": y, "text": "0"},
        {"x": start + 6 * size + 6, "y": y, "text": greatest},
    ]
    yield from plane.layer(swatches, "rect")
    yield from plane.layer(texts, "text", align="left", color=INK)


def _room(values: Sequence[Value], n: int) -> str:
    """Tell on which side of a point its line leaves room for a number."""
    own = values[n].number
    before, after = (values[k].number if 0 <= k < len(values) else None for k in (n - 1, n + 1))
    rises = before is not None and before < own
    falls = before is not None and before > own
    goes_up, goes_down = after is not None and after > own, after is not None and after < own
    if rises and goes_up:
        return "left"
    if falls and goes_down:
        return "right"
    if n == len(values) - 1:
        return "before" if falls else "left"
    return "below" if falls or goes_up else "above"


def _widest_gap(places: Iterable[float]) -> float:
    """Give the middle of the widest gap between places; the upper one of two."""
    gaps = [(b - a, (a + b) / 2) for a, b in pairwise(sorted(places))]
    return max(gaps)[1]


def _bounds(numbers: Iterable[Decimal]) -> tuple[float, float]:
    """Give round numbers around 0 and all numbers, with room for a label.

    >>> _bounds([Decimal(123)]), _bounds([]), _bounds([Decimal(-20), Decimal(30)])
    ((0.0, 150.0), (0.0, 1.0), (-25.0, 40.0))
    """
    known = [float(number) for number in numbers]
    least = -_round_up(-min(known, default=0) * 1.1) if min(known, default=0) < 0 else 0.0
    return least, _round_up(max(known, default=0) * 1.12)


def _round_up(number: float) -> float:
    if number <= 0:
        return 1.0
    magnitude = 10 ** math.floor(math.log10(number))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return float(next(step * magnitude for step in steps if step * magnitude >= number))


def _mixed(share: float) -> str:
    """Mix the colour of a share from 0 to 1."""
    mixed = (
        round(a + (b - a) * share) for a, b in zip(_parts(PALEST), _parts(DEEPEST), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _is_dark(colour: str) -> bool:
    """Tell whether white contrasts more with a colour than black (WCAG 2.2, relative luminance)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (n / 255 for n in _parts(colour))
    ]
    luminance = sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05


def _parts(colour: str) -> list[int]:
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


def _written(number: float, words: Words, decimals: int) -> str:
    rounded = Decimal(repr(number)).quantize(Decimal(1).scaleb(-decimals), rounding="ROUND_HALF_UP")
    return words.number(rounded, decimals)


def _finished(
    layers: Sequence[alt.Chart],
    words: Words,
    plane: _Plane,
    padding: Mapping[str, int] | None = None,
) -> Chart:
    """Put layers on their plane in the common look.

    With `padding` room is made inside of the width for axes and for what stands beyond them.
    """
    symbols = words.locale.number_symbols["latn"]
    number = {
        "decimal": symbols["decimal"],
        "thousands": symbols["group"],
        "grouping": [3],
        "currency": ["", ""],
    }
    axis = {
        "labelFontSize": TEXT, "labelColor": INK, "labelPadding": 6, "domainColor": SOFT,
        "gridColor": GRID, "ticks": False,
    }  # fmt: skip
    with debug_mode(False):
        return alt.LayerChart(
            layer=list(layers), width=plane.width, height=plane.height, background=PAPER,
            autosize={"type": "fit" if padding else "none", "contains": "padding"},
            padding=dict(padding or {}) or 0,
            config={
                "locale": {"number": number}, "font": FONT, "aria": False, "axis": axis,
                "view": {"stroke": None}, "text": {"fontSize": TEXT, "baseline": "middle"},
            },
        )  # fmt: skip
