"""A column that is stuck at one value."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.power import share_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance

__all__ = ["Constant"]


@STATISTICS.register("constant")
@dataclass(frozen=True, slots=True)
class Constant:
    """How much fuller the window's fullest bin is than the same bin of the reference.

    A rise of its share of the rows that have a value, in [0, 1]: near 1 for a column that is
    stuck.  The p-value is Fisher's exact one, times the number of bins that might have been
    the fullest.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The rise of the share and its p-value; a fall is no change."""
        m, candidates, _ = _known(reference)
        counts = current.present
        fullest, n = int(counts.argmax()), int(counts.sum())
        before, after = int(reference.present[fullest]), int(counts[fullest])
        if after * m <= before * n:
            return Distance(0.0, 1.0)
        p_value = min(1.0, candidates * share_p_value(before, m, after, n))
        return Distance(after / n - before / m, p_value)

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise when rows of all other bins move to the fullest bin of the reference."""
        m, candidates, largest = _known(reference)
        n = int(current.present.sum())
        if 2 * largest > m:
            return min(1 - largest / m, share_detectable(largest / m, m, n, alpha / candidates))
        return share_detectable(largest / m, m, n, alpha / candidates)


@lru_cache(maxsize=REMEMBERED)
def _known(reference: FeatureProfile) -> tuple[int, int, int]:
    """Rows of the reference, bins that may be the fullest, and rows in the fullest of them."""
    counts = reference.present
    return int(counts.sum()), int(np.count_nonzero(counts)) + 1, int(counts.max())
