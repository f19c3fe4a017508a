"""Pearson's chi-square between two samples of a category."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri, chndtrinc

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import POWER, STATISTICS, Distance, pool_rare, share_p_value

__all__ = ["ChiSquare"]


@STATISTICS.register("chi2")
@dataclass(frozen=True, slots=True)
class ChiSquare:
    r"""Chi-square test of homogeneity; its effect is the total variation distance.

    .. math:: X^2 = \sum_{s,i} (n_{si} - e_{si})^2 / e_{si}, \quad
              TV = \tfrac12 \sum_i |q_i - p_i|

    TV is the share of rows that would have to change their category, in [0, 1].  Rare
    categories are one group, and so are unknown ones.  Of two groups the shares are compared,
    exactly where they are few.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For categories and booleans."""
        return not bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """X squared over the rows that have a value, its p-value, and TV as the effect."""
        m, n = _pooled(reference.present, current.present)
        share = (m + n) / (m.sum() + n.sum())
        squares = [np.sum((s - s.sum() * share) ** 2 / (s.sum() * share)) for s in (m, n)]
        value = float(sum(squares))
        p_value = float(chdtrc(len(m) - 1, value)) if len(m) > 1 else 1.0
        if len(m) == 2:
            p_value = share_p_value(int(m[0]), int(m.sum()), int(n[0]), int(n.sum()))
        effect = float(np.abs(m / m.sum() - n / n.sum()).sum() / 2)
        return Distance(value, p_value, effect)

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The TV at which the test has power 0.8 when the change is spread over two halves.

        With half the rows in each of two groups, a shift d of shares has non-centrality
        4 d^2 / (1/n + 1/m); other splits are seen sooner.
        """
        m, n = _pooled(reference.present, current.present)
        freedom = max(len(m) - 1, 1)
        excess = float(chndtrinc(chdtri(freedom, alpha), freedom, 1 - POWER))
        return min(1.0, float(np.sqrt(excess * (1 / m.sum() + 1 / n.sum())) / 2))


def _pooled(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    m, n = pool_rare(reference, current)
    held = m + n > 0
    return m[held], n[held]
