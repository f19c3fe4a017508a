"""Pearson's chi-square between two samples of a category."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.power import share_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, divergence_detectable, grouped

__all__ = ["ChiSquare"]


@STATISTICS.register("chi2")
@dataclass(frozen=True, slots=True)
class ChiSquare:
    r"""Chi-square test of homogeneity; its effect is the total variation distance.

    .. math:: X^2 = \sum_{s,i} (n_{si} - e_{si})^2 / e_{si}, \quad
              TV = \tfrac12 \sum_i |q_i - p_i|

    TV is the share of rows that would have to change their category, in [0, 1].  Rare
    categories are one group, and so are unknown ones.  Of two groups the shares are compared
    exactly.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For categories and booleans."""
        return not bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """X squared over the rows that have a value, its p-value, and TV as the effect."""
        m, n = grouped(reference, current)
        rows = int(m.sum()), int(n.sum())
        moved = n / rows[1] - m / rows[0]
        pooled = np.maximum(m + n, 1) / sum(rows)
        value = float((moved * moved / pooled).sum()) / (1 / rows[0] + 1 / rows[1])
        if len(m) == 2:
            p_value = share_p_value(int(m[0]), rows[0], int(n[0]), rows[1])
        else:
            p_value = float(chdtrc(len(m) - 1, value))
        return Distance(value, p_value, float(np.abs(moved).sum()) / 2)

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The TV of a change of shares between two halves of the rows.

        With half the rows in each of two groups, a shift d of shares has non-centrality
        4 d^2 / (1/n + 1/m); other splits are seen sooner.
        """
        m, n = grouped(reference, current)
        if len(m) == 2:
            rows = int(m.sum()), int(n.sum())
            return share_detectable(int(m[0]) / rows[0], *rows, alpha)
        return min(1.0, float(np.sqrt(divergence_detectable(m, n, alpha))) / 2)
