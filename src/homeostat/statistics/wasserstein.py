"""Wasserstein distance in standard deviations of the reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import STATISTICS, Distance

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
        x = reference.bins.positions
        x = x / (np.abs(x).max() or 1.0)  # so that squares neither overflow nor vanish
        f, g = (np.cumsum(side.present) / side.present.sum() for side in (reference, current))
        moved = float(np.sum(np.abs(f - g)[:-1] * np.diff(x)))
        if moved == 0:
            return Distance(0.0)
        both = reference.present + current.present
        return Distance(moved / (_spread(reference.present, x) or _spread(both, x)))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """None: it is reported, not tested."""
        del reference, current, alpha
        return None


def _spread(counts: Counts, x: NDArray[np.float64]) -> float:
    share = counts / counts.sum()
    return float(np.sqrt(np.sum(share * (x - np.sum(share * x)) ** 2)))
