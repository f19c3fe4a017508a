"""Total variation distance."""

from dataclasses import dataclass

import numpy as np

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, grouped

__all__ = ["TotalVariation"]


@STATISTICS.register("tv")
@dataclass(frozen=True, slots=True)
class TotalVariation:
    r"""Share of rows that would have to change their group for both sides to be alike.

    .. math:: \tfrac12 \sum_i |q_i - p_i|

    in [0, 1], over the reference's deciles for a numeric feature and over the categories
    otherwise, of which the rare and the unknown ones are one group.  It has no p-value; those
    of `g` and `psi` are about the same groups.

    References
    ----------
    Gibbs and Su (2002), International Statistical Review 70(3).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance over the rows that have a value."""
        m, n = grouped(reference, current)
        return Distance(float(np.abs(m / int(m.sum()) - n / int(n.sum())).sum()) / 2)

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """None: it is reported, not tested."""
        del reference, current, alpha
        return None
