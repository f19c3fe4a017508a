"""Plots as inline SVG: two colours by class, text that can be selected, nothing loaded."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from homeostat.reports.html.bars import Bar, Histogram
from homeostat.reports.html.words import numbers, share, short

__all__ = ["draw_categories", "draw_histogram"]

# In units of the drawing, which is scaled to the width that there is.
WIDTH, HEIGHT = 360.0, 176.0
LEFT, RIGHT, TOP, BOTTOM = 36.0, 6.0, 8.0, 34.0
BESIDE = 46.0  #: width of a bar beside the axis
ROW = 22.0  #: height of one category
NAME = 118.0  #: width of its name
LETTER = 5.6  #: width of a letter, about

FLOOR = HEIGHT - BOTTOM


def draw_histogram(plot: Histogram, *, unit: str, text: str) -> Markup:
    """Pairs of bars over the values, with bars of their own for what lies beside.

    Parameters
    ----------
    plot
        What to draw.
    unit
        What the horizontal axis shows.
    text
        What the plot says, for those who cannot see it.
    """
    beside = [one for one in (plot.below, plot.above, plot.missing) if one.reference + one.current]
    start = LEFT + BESIDE * (plot.below in beside)
    end = WIDTH - RIGHT - BESIDE * (len(beside) - (plot.below in beside))
    top = _nice_top([*plot.bars, *beside])
    middles = [LEFT + BESIDE / 2] if plot.below in beside else []
    middles += [end + BESIDE * (i + 0.5) for i in range(len(beside) - len(middles))]
    columns = np.linspace(start, end, len(plot.bars) + 1) if plot.bars else np.empty(0)
    centres = ((columns[:-1] + columns[1:]) / 2).tolist() if plot.bars else []
    width = min((end - start) / max(len(plot.bars), 1) * 0.82, 34.0)
    scale = ", log-like scale" if plot.axis and plot.axis.scale else ""
    parts = [
        _grid(top),
        _columns(plot.bars, centres, width, top),
        _columns(beside, middles, 22.0, top),
        _labels([one.label for one in beside], middles, "beside"),
        _x_axis(plot, centres, start, end),
        Markup('<text class="unit" x="{}" y="{}">{}</text>').format(
            _r((start + end) / 2), _r(HEIGHT - 4), f"{short(unit, 40)}{scale}"
        ),
    ]
    return _drawing(HEIGHT, text, parts)


def draw_categories(bars: Sequence[Bar], *, text: str) -> Markup:
    """A pair of bars for each category, with the shares beside them."""
    longest = max((max(one.reference, one.current) for one in bars), default=0.0) or 1.0
    room = WIDTH - NAME - 48.0
    parts = []
    for i, one in enumerate(bars):
        y = TOP + i * ROW
        parts.append(
            Markup('<text class="name" x="{}" y="{}">{}<title>{}</title></text>').format(
                _r(NAME - 6), _r(y + 12), short(one.label, 17), short(one.label, 200)
            )
        )
        for kind, size, lower in (("ref", one.reference, 0.0), ("cur", one.current, 9.0)):
            length = size / longest * room
            parts.append(
                Markup('<path class="{}" d="M{} {}h{}v8h-{}z"/>').format(
                    kind, _r(NAME), _r(y + lower), _r(length), _r(length)
                )
                + Markup('<text class="value" x="{}" y="{}">{}</text>').format(
                    _r(NAME + length + 4), _r(y + lower + 7.4), share(size)
                )
            )
    return _drawing(TOP + max(len(bars), 1) * ROW, text, parts)


def _drawing(height: float, text: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _r(WIDTH), _r(height), text, Markup("").join(parts)
    )


def _grid(top: float) -> Markup:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = FLOOR - part * (FLOOR - TOP)
        lines.append(
            Markup('<path class="{}" d="M{} {}H{}"/>').format(
                "grid" if part else "floor", _r(LEFT), _r(y), _r(WIDTH - RIGHT)
            )
            + Markup('<text class="share" x="{}" y="{}">{}</text>').format(
                _r(LEFT - 4), _r(y + 3.5), _percent(part * top)
            )
        )
    return Markup("").join(lines)


def _columns(bars: Sequence[Bar], centres: Sequence[float], width: float, top: float) -> Markup:
    ref, cur = [], []
    for one, centre in zip(bars, centres, strict=True):
        ref.append(_column(centre - width / 2, width / 2, one.reference / top))
        cur.append(_column(centre, width / 2, one.current / top))
    return Markup('<path class="ref" d="{}"/><path class="cur" d="{}"/>').format(
        "".join(ref), "".join(cur)
    )


def _column(x: float, width: float, part: float) -> str:
    height = part * (FLOOR - TOP)
    if height <= 0:
        return ""
    height = max(height, 0.6)  # what is not nothing is seen
    return f"M{_r(x)} {_r(FLOOR)}v-{_r(height)}h{_r(width)}v{_r(height)}z"


def _x_axis(plot: Histogram, centres: Sequence[float], start: float, end: float) -> Markup:
    if plot.axis is None:
        longest = max((len(one.label) for one in plot.bars), default=1) * LETTER + 6
        every = max(1, math.ceil(longest * len(plot.bars) / (end - start)))
        labels = [one.label if i % every == 0 else "" for i, one in enumerate(plot.bars)]
        return _labels(labels, centres, "tick")
    ticks = plot.axis.ticks()
    at = [start + place * (end - start) for place in plot.axis.places(np.array(ticks))]
    marks = "".join(f"M{_r(x)} {_r(FLOOR)}v4" for x in at)
    bounds = _room(plot, start, end)
    labels = _fitting(numbers(ticks), at, bounds)
    return Markup('<path class="mark" d="{}"/>').format(marks) + _labels(labels, at, "tick")


def _room(plot: Histogram, start: float, end: float) -> tuple[float, float]:
    """From where to where the labels of the axis may reach without touching those beside it."""
    below, above = plot.below, plot.above
    left = start - BESIDE / 2 + _half(below.label) if below.reference + below.current else 0.0
    right = end + BESIDE / 2 - _half(above.label) if above.reference + above.current else WIDTH
    return left, right


def _fitting(labels: Sequence[str], at: Sequence[float], room: tuple[float, float]) -> list[str]:
    """The labels, with those left empty that would touch their neighbours."""
    kept, last = [], room[0]
    for label, x in zip(labels, at, strict=True):
        fits = last + 3 <= x - _half(label) and x + _half(label) + 3 <= room[1]
        kept.append(label if fits else "")
        last = x + _half(label) if fits else last
    return kept


def _half(label: str) -> float:
    return len(label) * LETTER / 2


def _labels(labels: Sequence[str], at: Sequence[float], kind: str) -> Markup:
    return Markup("").join(
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
            kind, _r(x), _r(FLOOR + 14), label
        )
        for label, x in zip(labels, at, strict=True)
        if label
    )


def _nice_top(bars: Sequence[Bar]) -> float:
    highest = max((max(one.reference, one.current) for one in bars), default=0.0)
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.14, 0.2, 0.3, 0.4, 0.6, 0.8)
    return next((step for step in steps if step >= highest), 1.0)


def _percent(x: float) -> str:
    return f"{x * 100:.3g}%"


def _r(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")
