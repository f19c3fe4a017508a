"""Jensen-Shannon distance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import (
    STATISTICS,
    Distance,
    divergence_detectable,
    divergence_p_value,
    grouped,
)

__all__ = ["JensenShannon"]

#: The divergence in bits is about this part of the sum of squares over shares.
PART = 1 / (8 * np.log(2))


@STATISTICS.register("js")
@dataclass(frozen=True, slots=True)
class JensenShannon:
    r"""Square root of the Jensen-Shannon divergence in bits, in [0, 1].

    .. math:: \sqrt{\tfrac12 \sum_i p_i \log_2 \frac{2 p_i}{p_i + q_i}
              + \tfrac12 \sum_i q_i \log_2 \frac{2 q_i}{p_i + q_i}}

    over the reference's deciles for a numeric feature and over the categories otherwise, of
    which the rare and the unknown ones are one group.  It is a metric; the divergence is its
    square.  With nothing changed the square is about (1/n + 1/m) / (8 ln 2) times a
    chi-square with k - 1 degrees of freedom, hence the p-value.

    References
    ----------
    Lin (1991), IEEE Transactions on Information Theory 37(1); the root: Endres and
    Schindelin (2003), the same 49(7).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance over the rows that have a value, and its p-value."""
        m, n = grouped(reference, current)
        p, q = m / int(m.sum()), n / int(n.sum())
        bits = max(0.0, _bits(p, q))
        return Distance(float(np.sqrt(bits)), divergence_p_value(bits / PART, m, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The distance of a shift, or of a change of shares, that leaves no group empty."""
        m, n = grouped(reference, current)
        return min(1.0, float(np.sqrt(PART * divergence_detectable(m, n, alpha))))


def _bits(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    middle = (p + q) / 2
    nats = rel_entr(p, middle).sum() + rel_entr(q, middle).sum()
    return float(nats) / (2 * float(np.log(2)))
