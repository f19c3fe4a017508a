"""Likelihood-ratio test between two samples of a category."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, xlogy

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.power import share_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, divergence_detectable, grouped

__all__ = ["LikelihoodRatio"]


@STATISTICS.register("g")
@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    r"""G-test of homogeneity; its effect is the total variation distance.

    .. math:: G = 2 \sum_{s,i} n_{si} \ln (n_{si} / e_{si}), \quad
              TV = \tfrac12 \sum_i |q_i - p_i|

    The p-value is that of G divided by Williams' factor.  Far out in the tail it stays right
    where Pearson's is many times too small: a category expected ten times makes a chi-square
    of 100 much more often than the law of large numbers has it.  Rare categories are one
    group, and so are unknown ones.  Of two groups the shares are compared exactly.

    References
    ----------
    Wilks (1938), Annals of Mathematical Statistics 9(1); the factor: Williams (1976),
    Biometrika 63(1).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For categories and booleans."""
        return not bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """G over the rows that have a value, its p-value, and TV as the effect."""
        m, n = grouped(reference, current)
        rows = int(m.sum()), int(n.sum())
        effect = float(np.abs(m / rows[0] - n / rows[1]).sum()) / 2
        both, total = np.maximum(m + n, 1), sum(rows)
        value = sum(
            float(xlogy(side, side * (total / of) / both).sum())
            for side, of in zip((m, n), rows, strict=True)
        )
        if len(m) == 2:
            return Distance(
                2 * value, share_p_value(int(m[0]), rows[0], int(n[0]), rows[1]), effect
            )
        freedom = len(m) - 1
        crossed = (total / rows[0] + total / rows[1] - 1) * (float((total / both).sum()) - 1)
        factor = 1 + crossed / (6 * total * freedom)
        return Distance(2 * value, float(chdtrc(freedom, max(0.0, 2 * value / factor))), effect)

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The TV of a change of shares between two halves of the rows.

        With half the rows in each of two groups, a shift d of shares has non-centrality
        4 d^2 / (1/n + 1/m), and more the larger it is: 1 + 2 d^2 / 3 times as much where the
        window is small beside the reference.  Other splits are seen sooner.
        """
        m, n = grouped(reference, current)
        rows = int(m.sum()), int(n.sum())
        if len(m) == 2:
            return share_detectable(int(m[0]) / rows[0], *rows, alpha)
        small = min(1.0, float(np.sqrt(divergence_detectable(m, n, alpha))) / 2)
        return small * (1 - small * small / 3 * rows[0] / sum(rows))
