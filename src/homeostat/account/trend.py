"""A metric over time as inline SVG: its values, their intervals, and the limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from markupsafe import Markup

from homeostat.reports.html.words import numbers

__all__ = ["Point", "draw_trend"]

# In units of the drawing, which is scaled to the width that there is.
WIDTH, HEIGHT = 360.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 10.0, 24.0
FLOOR = HEIGHT - BOTTOM
MARKED = 60  #: with more points than these only the breached ones have a dot

Placing = Callable[[datetime], float]
Scaling = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a metric."""

    at: datetime
    value: float
    lower: float | None = None
    upper: float | None = None
    breached: bool = False


def draw_trend(points: Sequence[Point], *, asked: float | None, text: str) -> Markup:
    """A line through the values with their intervals behind, oldest first.

    Parameters
    ----------
    points
        With finite values; at least one.
    asked
        The limit, drawn as a dashed line; None without one.
    text
        What the plot says, for those who cannot see it.
    """
    low, high = _range(points, asked)
    first, last = points[0].at, points[-1].at

    def x(at: datetime) -> float:
        span = (last - first) / timedelta(seconds=1)
        part = (at - first) / timedelta(seconds=1) / span if span else 0.5
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return FLOOR - (value - low) / (high - low) * (FLOOR - TOP)

    places = [(x(one.at), y(one.value)) for one in points]
    parts = [_grid(low, high), _band(points, x, y)]
    if asked is not None:
        parts.append(_path("asked", [(LEFT, y(asked)), (WIDTH - RIGHT, y(asked))]))
    parts.append(_path("line", places))
    parts += [
        Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(
            "bad" if one.breached else "dot", _r(at), _r(up), 3.2 if one.breached else 2.2
        )
        for one, (at, up) in zip(points, places, strict=True)
        if one.breached or len(points) <= MARKED
    ]
    parts.append(_days(first, last))
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _r(WIDTH), _r(HEIGHT), text, Markup("").join(parts)
    )


def _range(points: Sequence[Point], asked: float | None) -> tuple[float, float]:
    """From where to where the axis goes: all that is drawn, and a little room."""
    ends = [end for one in points for end in (one.value, one.lower, one.upper) if end is not None]
    ends += [] if asked is None else [asked]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.08 or max(abs(high) * 0.05, 0.01)
    return low - room, high + room


def _grid(low: float, high: float) -> Markup:
    at = np.linspace(low, high, 3).tolist()
    labels = numbers(at)
    lines = []
    for i, label in enumerate(labels):
        y = FLOOR - i / 2 * (FLOOR - TOP)
        lines.append(
            Markup('<path class="{}" d="M{} {}H{}"/>').format(
                "grid" if i else "floor", _r(LEFT), _r(y), _r(WIDTH - RIGHT)
            )
            + Markup('<text class="share" x="{}" y="{}">{}</text>').format(
                _r(LEFT - 4), _r(y + 3.5), label
            )
        )
    return Markup("").join(lines)


def _band(points: Sequence[Point], x: Placing, y: Scaling) -> Markup:
    """The intervals: a band between neighbours, a line for one that stands alone."""
    held = [(x(one.at), one.lower, one.upper) for one in points]
    known = [(at, low, high) for at, low, high in held if low is not None and high is not None]
    if len(known) == 1:
        [(at, low, high)] = known
        return _path("interval", [(at, y(low)), (at, y(high))])
    if not known:
        return Markup()
    there = [(at, y(high)) for at, _, high in known]
    back = [(at, y(low)) for at, low, _ in reversed(known)]
    return Markup('<path class="band" d="{}z"/>').format(_d([*there, *back]))


def _days(first: datetime, last: datetime) -> Markup:
    """The first and the last day below the axis."""
    one = first.astimezone(UTC).date() == last.astimezone(UTC).date()
    form = "%d %b %H:%M" if one else "%d %b %Y"
    ends = [(LEFT, "start", first), (WIDTH - RIGHT, "end", last)]
    return Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
            _r(at), _r(FLOOR + 15), anchor, when.astimezone(UTC).strftime(form)
        )
        for at, anchor, when in (ends if first != last else ends[:1])
    )


def _path(kind: str, places: Sequence[tuple[float, float]]) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(kind, _d(places))


def _d(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_r(x)} {_r(y)}" for x, y in places)


def _r(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")
