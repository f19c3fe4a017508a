"""Wasserstein distance in standard deviations of the reference."""

from dataclasses import dataclass

import numpy as np

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance

__all__ = ["Wasserstein"]


@STATISTICS.register("wasserstein")
@dataclass(frozen=True, slots=True)
class Wasserstein:
    r"""How far values moved on average, in standard deviations of the reference.

    .. math:: \frac{1}{s} \int |F(x) - G(x)| dx

    over the range of the bins; what lies outside counts as lying on the outermost edge.  It
    has no p-value: its distribution depends on the feature's own.  In [0, inf).

    References
    ----------
    Vallender (1974), Theory of Probability and its Applications 18(4).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have a distance."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance over the rows that have a value; infinite from a constant reference."""
        x = reference.bins.positions
        f, g = (np.cumsum(side.present) / side.present.sum() for side in (reference, current))
        moved = float(np.sum(np.abs(f - g)[:-1] * np.diff(x)))
        if moved == 0:
            return Distance(0.0)
        share = reference.present / reference.present.sum()
        spread = float(np.sqrt(np.sum(share * (x - np.sum(share * x)) ** 2)))
        return Distance(moved / spread if spread else float("inf"))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """None: it is reported, not tested."""
        del reference, current, alpha
        return None
