"""What the plots show: the many bins of a profile, merged into as many bars as one can read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.reports.html.words import number, numbers
from homeostat.schema import Kind

__all__ = ["Axis", "Bar", "Histogram", "categories", "histogram", "quantile"]

Floats = NDArray[np.float64]

#: Bars of a histogram over many values.
BARS = 32

#: Up to so many bins in the range shown each has a bar of its own.
FEW = 20

#: Categories shown by name; what is rarer is drawn together.
NAMED = 12

#: From this many interquartile ranges on the axis is drawn log-like.
HEAVY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A group of values, and the share of all rows that fall into it."""

    label: str
    reference: float  #: in [0, 1]
    current: float  #: in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The range of values shown.  Log-like: linear within `scale` of 0, logarithmic beyond."""

    low: float
    high: float
    scale: float | None = None  #: None for a linear axis

    def places(self, values: Floats) -> Floats:
        """Where `values` lie between the ends, in [0, 1]; those beyond lie on an end."""
        ends = self._bent(np.array([self.low, self.high]))
        inside = self._bent(np.clip(values, self.low, self.high))
        placed: Floats = (inside - ends[0]) / (ends[1] - ends[0])
        return placed

    def ticks(self) -> list[float]:
        """Round values within the range, about four of them."""
        candidates = self._decades() if self.scale else self._steps()
        kept: list[float] = []
        last = -math.inf
        for value, place in zip(candidates, self.places(np.array(candidates)), strict=True):
            if place - last >= 0.13:
                kept.append(value)
                last = float(place)
        return kept

    def _bent(self, values: Floats) -> Floats:
        return np.arcsinh(values / self.scale) if self.scale else values

    def _steps(self) -> list[float]:
        step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
        while (self.high - self.low) / step > 6:
            step *= 2.5 if f"{step:e}".startswith("2") else 2
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def _decades(self) -> list[float]:
        scale = self.scale or 1.0
        largest = max(abs(self.low), abs(self.high))
        exponents = range(math.ceil(math.log10(scale)), math.floor(math.log10(largest)) + 1)
        powers = [10.0**k for k in exponents]
        values = [*(-one for one in reversed(powers)), 0.0, *powers]
        return [one for one in values if self.low <= one <= self.high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """The bars of a numeric feature, and those beside it for what is out of the range shown."""

    bars: tuple[Bar, ...]
    axis: Axis | None  #: None when each bar is one value or bin with a label of its own
    below: Bar
    above: Bar
    missing: Bar


def histogram(reference: FeatureProfile, current: FeatureProfile) -> Histogram:
    """The two distributions in common bars, as shares of all rows of each side.

    The range goes from the reference's 1st to its 99th percentile, widened to the current
    ones.  Within a bin rows are taken as evenly spread.
    """
    sides = (reference, current)
    held = [one for one in sides if one.present.any()]
    bounded = len(reference.bins.edges) - 1  # the bins before 1 and after this have one end only
    first = min(max(1, min((_bin_at(one, 0.01) for one in held), default=1)), bounded)
    last = min(max(1, max((_bin_at(one, 0.99) for one in held), default=1)), bounded)
    seen = np.flatnonzero((reference.present + current.present)[first : last + 1]) + first
    shares = [one.present / max(one.n, 1) for one in sides]
    axis = None if len(seen) <= FEW else _axis(sides, first, last)
    bars = _each(sides, seen, shares) if axis is None else _even(axis, sides, shares)
    low, high = numbers([_lower(reference.bins, first), _upper(reference.bins, last)])
    return Histogram(
        bars=bars,
        axis=axis,
        below=_bar(f"< {low}", [one[:first].sum() for one in shares]),
        above=_bar(f"≥ {high}", [one[last + 1 :].sum() for one in shares]),
        missing=_bar("missing", [one.missing / max(one.n, 1) for one in sides]),
    )


def categories(reference: FeatureProfile, current: FeatureProfile) -> tuple[Bar, ...]:
    """A bar for each of the commonest categories, then for the rest, the new and the missing."""
    sides = (reference, current)
    shares = [one.counts / max(one.n, 1) for one in sides]
    names = reference.bins.categories
    size = np.maximum(shares[0], shares[1])[: len(names)]
    order = np.argsort(-size, kind="stable")
    bars = [_bar(names[i], [one[i] for one in shares]) for i in order[:NAMED]]
    rest = order[NAMED:]
    if len(rest):
        bars.append(_bar(f"{len(rest)} others", [one[rest].sum() for one in shares]))
    beside = [_bar("not seen before", [one[-2] for one in shares])]
    beside.append(_bar("missing", [one[-1] for one in shares]))
    return (*bars, *(one for one in beside if one.reference or one.current))


def _bar(label: str, shares: Sequence[float]) -> Bar:
    return Bar(label=label, reference=float(shares[0]), current=float(shares[1]))


def _bin_at(profile: FeatureProfile, share: float) -> int:
    cumulative = np.cumsum(profile.present)
    return int(np.searchsorted(cumulative, share * cumulative[-1], side="left"))


def _lower(bins: FeatureBins, i: int) -> float:
    return bins.edges[i - 1]


def _upper(bins: FeatureBins, i: int) -> float:
    return bins.edges[i]


def _axis(sides: Sequence[FeatureProfile], first: int, last: int) -> Axis:
    low, high = _lower(sides[0].bins, first), _upper(sides[0].bins, last)
    spreads = [one.quantile(0.75) - one.quantile(0.25) for one in sides if one.present.any()]
    scale = min((one for one in spreads if one > 0), default=high - low)
    near_zero = low <= HEAVY * scale and high >= -HEAVY * scale
    heavy = near_zero and high - low > HEAVY * scale
    return Axis(low=low, high=high, scale=scale if heavy else None)


def quantile(profile: FeatureProfile, share: float) -> float:
    """The value with `share` of the present rows at or below; NaN without any.

    Exact where a bin stands for one value, else to the width of the bin.
    """
    if not profile.present.any():
        return math.nan
    if _on_edges(profile):
        return _lower(profile.bins, _bin_at(profile, share))
    value = profile.quantile(share)
    return math.floor(value) if profile.bins.kind is Kind.INTEGER else value


def _each(
    sides: Sequence[FeatureProfile], seen: NDArray[np.intp], shares: Sequence[Floats]
) -> tuple[Bar, ...]:
    bins = sides[0].bins
    if all(_on_edges(one) for one in sides):
        labels = numbers([_lower(bins, int(i)) for i in seen])
    else:
        labels = [_label(bins, int(i)) for i in seen]
    return tuple(
        _bar(label, [one[i] for one in shares]) for i, label in zip(seen, labels, strict=True)
    )


def _on_edges(profile: FeatureProfile) -> bool:
    """Whether every value is the lower edge of its bin: then, and only then, the sums agree."""
    present = profile.present
    if present[0]:
        return False
    lowest = present[1:] * np.asarray(profile.bins.edges)
    n, total = profile.moments[:2]
    near = abs(lowest.sum() - total) <= 1e-9 * np.abs(lowest).sum()
    return bool(n == present.sum() and near)


def _even(axis: Axis, sides: Sequence[FeatureProfile], shares: Sequence[Floats]) -> tuple[Bar, ...]:
    edges = np.asarray(sides[0].bins.edges)
    inside = (edges >= axis.low) & (edges <= axis.high)
    places = axis.places(edges[inside])
    heights = []
    for one in shares:
        until = np.cumsum(one)[: len(edges)][inside]
        reached = np.interp(np.linspace(0, 1, BARS + 1), places, until)
        reached[[0, -1]] = until[[0, -1]]  # two edges may be so near that they share a place
        heights.append(np.diff(reached))
    return tuple(_bar("", pair) for pair in zip(*heights, strict=True))


def _label(bins: FeatureBins, i: int) -> str:
    low, high = _lower(bins, i), _upper(bins, i)
    if bins.kind is Kind.INTEGER:
        smallest, largest = math.ceil(low), math.ceil(high) - 1
        if smallest >= largest:
            return number(smallest)
        return f"{number(smallest)}–{number(largest)}"
    return number(low) if high == np.nextafter(low, np.inf) else "–".join(numbers([low, high]))
