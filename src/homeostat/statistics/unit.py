"""A change of units: one factor that maps the old values on the new ones."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance

__all__ = ["UnitChange", "unit_factor"]

#: A factor nearer to one than this is taken for a change of the world, not of the units.
LEAST_FACTOR = 4.0

#: Quantiles that must all have moved by the same factor for it to be a change of units.
SHARES = np.arange(3, 18) / 20

#: The place of the median among them, and a factor by which it moves whenever there is one:
#: a tenth of the least log, or the others would lie too far from it.
MIDDLE, LEAST_MOVE = 7, LEAST_FACTOR**0.1

#: Largest spread of their log factors, as a share of the log factor itself.
LARGEST_SPREAD = 0.2


@STATISTICS.register("unit")
@dataclass(frozen=True, slots=True)
class UnitChange:
    """Log of the factor that maps the reference's values on the current ones; 0 without one.

    See `unit_factor`.  It has no p-value: a factor of four in all quantiles is no chance.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have a unit."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The absolute log: 6.9 for a thousand times as much, and for a thousandth."""
        factor = unit_factor(reference, current)
        return Distance(0.0 if factor is None else abs(float(np.log(factor))))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """None: it is reported, not tested."""
        del reference, current, alpha
        return None


def unit_factor(reference: FeatureProfile, current: FeatureProfile) -> float | None:
    """The factor that maps the reference's values on the current ones, if there is one.

    All quantiles between 15 % and 85 % must have moved by the same factor, of at least four
    up or down.  To the width of a bin, so a factor is known to about a third.  None when no
    single factor explains the change.
    """
    counts = current.present
    if not reference.bins.kind.is_numeric or not counts.any():
        return None
    known = _known(reference)
    after = known.positions[_places(counts)]
    if known.unmoved[0] <= after[MIDDLE] <= known.unmoved[1]:
        return None
    first, last = known.ends
    # Beyond the outermost edges nothing is known of the size.
    usable = (after * known.quantiles > 0) & (after > first) & (after < last)
    if np.count_nonzero(usable) < len(SHARES) * 2 / 3:
        return None
    logs = np.log(np.abs(after[usable])) - np.log(np.abs(known.quantiles[usable]))
    middle = float(np.median(logs))
    if abs(middle) < np.log(LEAST_FACTOR):
        return None
    return float(np.exp(middle)) if np.std(logs) <= LARGEST_SPREAD * abs(middle) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What follows from the reference alone."""

    positions: NDArray[np.float64]
    quantiles: NDArray[np.float64]  #: at `SHARES`
    ends: tuple[float, float]  #: the outermost edges
    unmoved: tuple[float, float]  #: between these the median is where it was


@lru_cache(maxsize=REMEMBERED)
def _known(reference: FeatureProfile) -> _Known:
    edges, positions = reference.bins.edges, reference.bins.positions
    counts = reference.present
    quantiles = positions[_places(counts)] if counts.any() else np.zeros(len(SHARES))
    median = float(quantiles[MIDDLE])
    around = sorted((median * LEAST_MOVE, median / LEAST_MOVE))
    return _Known(positions, quantiles, (edges[0], edges[-1]), (around[0], around[1]))


def _places(counts: Counts) -> NDArray[np.intp]:
    """The bins in which the quantiles lie."""
    cumulative = counts.cumsum()
    places: NDArray[np.intp] = np.searchsorted(cumulative, SHARES * cumulative[-1])
    return places
