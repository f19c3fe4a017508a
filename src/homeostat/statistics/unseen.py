"""Share of values that the reference never held."""

from dataclasses import dataclass

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, share_detectable, share_p_value

__all__ = ["UnseenShare"]


@STATISTICS.register("unseen")
@dataclass(frozen=True, slots=True)
class UnseenShare:
    """Share of unknown categories, or of numbers outside the range of the reference.

    In [0, 1], of the rows that have a value.  The reference holds none by construction, so
    with nothing changed a new extreme turns up about twice in n/m windows; Fisher's exact
    p-value takes that into account.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The rise of the share and its p-value."""
        outside = reference.bins.out_of_range
        before, after = (int(side.present[outside].sum()) for side in (reference, current))
        m, n = int(reference.present.sum()), int(current.present.sum())
        return Distance(max(0.0, after / n - before / m), share_p_value(before, m, after, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise seen in 80 of 100 windows."""
        m, n = int(reference.present.sum()), int(current.present.sum())
        return share_detectable(0.0, m, n, alpha)
