"""Hellinger distance."""

from dataclasses import dataclass

import numpy as np

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import (
    STATISTICS,
    Distance,
    divergence_detectable,
    divergence_p_value,
    grouped,
)

__all__ = ["Hellinger"]

#: The squared distance is about this part of the sum of squares over shares.
PART = 1 / 8


@STATISTICS.register("hellinger")
@dataclass(frozen=True, slots=True)
class Hellinger:
    r"""Distance of the square roots of two distributions, in [0, 1].

    .. math:: \sqrt{\tfrac12 \sum_i (\sqrt{q_i} - \sqrt{p_i})^2}

    over the reference's deciles for a numeric feature and over the categories otherwise, of
    which the rare and the unknown ones are one group.  With nothing changed its square is
    about (1/n + 1/m) / 8 times a chi-square with k - 1 degrees of freedom, hence the p-value.

    References
    ----------
    Hellinger (1909), J. reine und angewandte Mathematik 136; the distribution: Matusita
    (1955), Annals of Mathematical Statistics 26(4).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance over the rows that have a value, and its p-value."""
        m, n = grouped(reference, current)
        roots = np.sqrt(n / int(n.sum())) - np.sqrt(m / int(m.sum()))
        squared = float(roots @ roots) / 2
        return Distance(float(np.sqrt(squared)), divergence_p_value(squared / PART, m, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The distance of a shift, or of a change of shares, that leaves no group empty."""
        m, n = grouped(reference, current)
        return min(1.0, float(np.sqrt(PART * divergence_detectable(m, n, alpha))))
