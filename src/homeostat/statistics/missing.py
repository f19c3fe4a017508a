"""Share of rows without a value."""

from dataclasses import dataclass
from math import ceil

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.power import count_level, share_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance

__all__ = ["MissingShare"]

HALF = 0.5


@STATISTICS.register("missing")
@dataclass(frozen=True, slots=True)
class MissingShare:
    """Difference of the shares of missing values, in [0, 1], with Fisher's exact p-value."""

    def applies(self, bins: FeatureBins) -> bool:
        """For every feature."""
        return bins.size > 0

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The absolute difference of shares, rises and falls alike."""
        m, n = reference.n, current.n
        value = abs(current.missing / n - reference.missing / m)
        return Distance(value, share_p_value(reference.missing, m, current.missing, n))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The rise of the share, or its fall where most values are missing."""
        m = reference.n
        return share_detectable(reference.missing / m, m, current.n, alpha)

    def level(self, reference: FeatureProfile, current: FeatureProfile, effect: float) -> float:
        """That of the fewest rows more, or fewer where most are missing."""
        m, n = reference.n, current.n
        share = reference.missing / m
        if share > HALF:
            return count_level(m - reference.missing, m, ceil((1 - share + effect) * n), n)
        return count_level(reference.missing, m, ceil((share + effect) * n), n)
