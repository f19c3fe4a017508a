"""Kolmogorov-Smirnov distance."""

from dataclasses import dataclass

import numpy as np
from scipy.special import kolmogi, kolmogorov, ndtri

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import POWER, STATISTICS, Distance

__all__ = ["KolmogorovSmirnov"]


@STATISTICS.register("ks")
@dataclass(frozen=True, slots=True)
class KolmogorovSmirnov:
    r"""Largest difference of two distribution functions, read at the edges of the bins.

    .. math:: D = \max_i |F(e_i) - G(e_i)|

    Reading at the edges only can miss at most the share of the fullest bin, 1/256 for
    quantile bins, and never overstates D.  The p-value is that of the limit law with
    Stephens' correction for small samples; ties and bins make it too large, not too small.

    References
    ----------
    Smirnov (1948), Annals of Mathematical Statistics 19(2); the correction: Stephens (1970),
    J. Royal Statistical Society B 32(1), section 4.

    Examples
    --------
    >>> from homeostat.bins import fit_numeric
    >>> bins = fit_numeric("x", np.array([1.0, 2.0]))
    >>> def profile(low, high):
    ...     counts = np.zeros(bins.size, dtype=np.int64)
    ...     counts[[bins.edges.index(1.0) + 1, bins.edges.index(2.0) + 1]] = low, high
    ...     return FeatureProfile(bins, counts, np.zeros(3))
    >>> KolmogorovSmirnov().distance(profile(50, 50), profile(25, 75)).value
    0.25
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have an order."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """D in [0, 1] over the rows that have a value, and its p-value."""
        f, g = (np.cumsum(side.present) / side.present.sum() for side in (reference, current))
        value = float(np.abs(f - g).max())
        return Distance(value, float(kolmogorov(_scale(reference, current) * value)))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The critical value and the 0.8 quantile of the noise on top of it.

        The noise at the point of the largest difference has a standard deviation of at most
        1/2 over the root of the effective n.
        """
        critical = float(kolmogi(alpha)) + float(ndtri(POWER)) / 2
        return min(1.0, critical / _scale(reference, current))


def _scale(reference: FeatureProfile, current: FeatureProfile) -> float:
    n, m = int(current.present.sum()), int(reference.present.sum())
    root = float(np.sqrt(n * m / (n + m)))
    return root + 0.12 + 0.11 / root
