"""Population stability index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import (
    STATISTICS,
    Distance,
    divergence_detectable,
    divergence_p_value,
    grouped,
)

__all__ = ["PopulationStability"]


@STATISTICS.register("psi")
@dataclass(frozen=True, slots=True)
class PopulationStability:
    r"""Symmetrised Kullback-Leibler divergence between two binned samples.

    .. math:: \sum_i (q_i - p_i) \ln(q_i / p_i)

    over the reference's deciles for a numeric feature and over the categories otherwise, of
    which the rare and the unknown ones are one group.  Half a row is added to every group
    first, so that an empty one is "rare" and not "infinitely surprising".  In nats, in
    [0, inf).  With nothing changed it is about (1/n + 1/m) times a chi-square with k - 1
    degrees of freedom, hence the p-value: a fixed threshold means different things at
    different n.

    References
    ----------
    Jeffreys (1946), Proc. R. Soc. A 186; the distribution: Yurdakul and Naranjo (2020),
    J. Risk Model Validation 14(4).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """PSI over the rows that have a value, and its p-value."""
        m, n = grouped(reference, current)
        p, q = _shares(m), _shares(n)
        value = float((q - p) @ np.log(q / p))
        return Distance(value, divergence_p_value(value, m, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The PSI of a shift, or of a change of shares, that leaves no group nearly empty."""
        return divergence_detectable(*grouped(reference, current), alpha)


def _shares(counts: Counts) -> NDArray[np.float64]:
    smoothed: NDArray[np.float64] = counts + np.float64(0.5)
    shares: NDArray[np.float64] = smoothed / smoothed.sum()
    return shares
