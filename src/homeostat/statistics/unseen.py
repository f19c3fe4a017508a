"""Share of values that the reference never held."""

from dataclasses import dataclass

import numpy as np

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, share_detectable, share_p_value

__all__ = ["UnseenShare"]


@STATISTICS.register("unseen")
@dataclass(frozen=True, slots=True)
class UnseenShare:
    """Share of unknown categories, or of numbers outside the range of the reference.

    In [0, 1], of the rows that have a value, above the share that turns up with nothing
    changed.  The reference holds none by construction, so that share is taken from its rows
    one by one: those that the other rows do not have the like of.  They are the rows of a
    category seen once, and the least and the greatest number.

    References
    ----------
    Good (1953), Biometrika 40(3/4); the spread: Esty (1983), Annals of Statistics 11(3).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The rise of the share and its p-value; a fall is no change."""
        (before, m), after = _expected(reference), _outside(reference, current)
        n = int(current.present.sum())
        if after * m <= before * n:
            return Distance(0.0, 1.0)
        return Distance(after / n - before / m, share_p_value(before, m, after, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise seen in 80 of 100 windows."""
        before, m = _expected(reference)
        return share_detectable(before / m, m, int(current.present.sum()), alpha)


def _outside(reference: FeatureProfile, current: FeatureProfile) -> int:
    return int(current.present[reference.bins.out_of_range].sum())


def _expected(reference: FeatureProfile) -> tuple[int, int]:
    """Rows of the reference that would be unseen had they been left out, and of how many.

    Of fewer than there are where many categories were seen twice: what is not seen then
    varies more, with (f1 + 2 f2) / m^2 instead of f1 / m^2.
    """
    m, outside = int(reference.present.sum()), _outside(reference, reference)
    if reference.bins.kind.is_numeric:
        return min(m, 2 + outside), m
    once, twice = (int(np.sum(reference.present[:-1] == times)) for times in (1, 2))
    firm = once / (once + 2 * twice) if once else 1.0
    return round((once + outside) * firm), max(1, round(m * firm))
