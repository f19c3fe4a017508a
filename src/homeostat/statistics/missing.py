"""Share of rows without a value."""

from dataclasses import dataclass

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, share_detectable, share_p_value

__all__ = ["MissingShare"]


@STATISTICS.register("missing")
@dataclass(frozen=True, slots=True)
class MissingShare:
    """Difference of the shares of missing values, in [0, 1], with Fisher's exact p-value."""

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The absolute difference of shares, rises and falls alike."""
        value = abs(current.missing / current.n - reference.missing / reference.n)
        p_value = share_p_value(reference.missing, reference.n, current.missing, current.n)
        return Distance(value, p_value)

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise seen in 80 of 100 windows."""
        share = reference.missing / reference.n
        return share_detectable(share, reference.n, current.n, alpha)
