"""Population stability index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, chndtrinc

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import POWER, STATISTICS, Distance, pool_rare

__all__ = ["PopulationStability"]

#: Groups that a numeric feature is compared in, by the convention of the credit industry.
DECILES = 10


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
        m, n = _grouped(reference, current)
        p, q = _shares(m), _shares(n)
        value = float(np.sum((q - p) * np.log(q / p)))
        spread = 1 / m.sum() + 1 / n.sum()
        return Distance(value, float(chdtrc(len(m) - 1, value / spread)))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The PSI whose non-central chi-square passes the critical value with chance 0.8."""
        m, n = _grouped(reference, current)
        critical = chdtri(len(m) - 1, alpha)
        excess = float(chndtrinc(critical, len(m) - 1, 1 - POWER))
        return excess * float(1 / m.sum() + 1 / n.sum())


def _shares(counts: Counts) -> NDArray[np.float64]:
    smoothed: NDArray[np.float64] = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return smoothed


def _grouped(reference: FeatureProfile, current: FeatureProfile) -> tuple[Counts, Counts]:
    """The counts by deciles of the reference, or by category; never fewer than two groups."""
    before, now = reference.present, current.present
    if not reference.bins.kind.is_numeric:
        return pool_rare(before, now)
    below = np.cumsum(before) - before
    groups = np.minimum(below * DECILES // max(before.sum(), 1), DECILES - 1)
    _, groups = np.unique(groups, return_inverse=True)
    size = max(int(groups.max()) + 1, 2)
    m, n = (np.zeros(size, dtype=np.int64) for _ in range(2))
    np.add.at(m, groups, before)
    np.add.at(n, groups, now)
    return m, n
