"""Share of values that the reference never held."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.power import count_level, share_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance

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
        outside, before, m = _expected(reference)
        counts = current.present
        after, n = int(counts[outside].sum()), int(counts.sum())
        if after * m <= before * n:
            return Distance(0.0, 1.0)
        return Distance(after / n - before / m, share_p_value(before, m, after, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise of the share."""
        _, before, m = _expected(reference)
        return share_detectable(before / m, m, int(current.present.sum()), alpha, varies=False)

    def level(self, reference: FeatureProfile, current: FeatureProfile, effect: float) -> float:
        """That of the fewest rows more."""
        _, before, m = _expected(reference)
        n = int(current.present.sum())
        return count_level(before, m, ceil((before / m + effect) * n), n)


@lru_cache(maxsize=REMEMBERED)
def _expected(reference: FeatureProfile) -> tuple[NDArray[np.intp], int, int]:
    """The bins outside; rows of the reference that would be unseen had they been left out.

    Of the rows that come last, fewer than there are where many categories were seen twice:
    what is not seen then varies more, with (f1 + 2 f2) / m^2 instead of f1 / m^2.
    """
    counts = reference.present
    bins = np.flatnonzero(reference.bins.out_of_range)
    m, outside = int(counts.sum()), int(counts[bins].sum())
    if reference.bins.kind.is_numeric:
        return bins, min(m, 2 + outside), m
    once, twice = (int(np.sum(counts[:-1] == times)) for times in (1, 2))
    firm = once / (once + 2 * twice) if once else 1.0
    return bins, round((once + outside) * firm), max(1, round(m * firm))
