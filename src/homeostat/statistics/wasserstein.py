"""Wasserstein distance in standard deviations of the reference."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance, positions

__all__ = ["Wasserstein"]


@STATISTICS.register("wasserstein")
@dataclass(frozen=True, slots=True)
class Wasserstein:
    r"""How far values moved on average, in standard deviations of the reference.

    .. math:: \frac{1}{s} \int |F(x) - G(x)| dx

    over the range of the bins; what lies outside counts as lying on the outermost edge.  s is
    that of the reference, or of both together when the reference is constant.  It has no
    p-value: its distribution depends on the feature's own.  In [0, inf).

    References
    ----------
    Vallender (1974), Theory of Probability and its Applications 18(4).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have a distance."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance over the rows that have a value."""
        known, cumulative = _known(reference), current.present.cumsum()
        apart = np.abs(cumulative / cumulative[-1] - known.below)[:-1]
        moved = float(apart @ known.widths)
        if moved == 0:
            return Distance(0.0)
        spread = known.spread or _spread(reference.present + current.present, known.positions)
        return Distance(moved / spread)

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """None: it is reported, not tested."""
        del reference, current, alpha
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What follows from the reference alone."""

    positions: NDArray[np.float64]  #: in units of the largest, so that no square overflows
    widths: NDArray[np.float64]  #: between the positions
    below: NDArray[np.float64]  #: share of the rows up to each bin
    spread: float


@lru_cache(maxsize=REMEMBERED)
def _known(reference: FeatureProfile) -> _Known:
    x = positions(reference)
    x = x / (np.abs(x).max() or 1.0)
    below = np.cumsum(reference.present) / reference.present.sum()
    return _Known(x, np.diff(x), below, _spread(reference.present, x))


def _spread(counts: Counts, x: NDArray[np.float64]) -> float:
    share = counts / counts.sum()
    return float(np.sqrt(np.sum(share * (x - np.sum(share * x)) ** 2)))
