"""Kolmogorov-Smirnov distance."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogi, kolmogorov

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance

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
        below, m = _below(reference)
        cumulative = current.present.cumsum()
        n = int(cumulative[-1])
        value = float(np.abs(cumulative / n - below).max())
        return Distance(value, float(kolmogorov(_scale(m, n) * value)))

    def detectable(self, reference: FeatureProfile, current: FeatureProfile, alpha: float) -> float:
        """The D of a shift of a normal feature.

        A little over the critical value at stringent levels, a little under it at others: the
        difference is largest in the middle and nearly as large around it, so noise has many
        places to carry it over.  The two constants are fitted to Brownian bridges on top of
        such a shift, at levels from 0.05 to 1e-12.
        """
        critical = float(kolmogi(alpha))
        _, m = _below(reference)
        return min(1.0, (critical + 0.18 - 0.30 / critical) / _scale(m, int(current.present.sum())))

    def level(self, reference: FeatureProfile, current: FeatureProfile, effect: float) -> float:
        """That of this D."""
        _, m = _below(reference)
        return float(kolmogorov(_scale(m, int(current.present.sum())) * effect))


@lru_cache(maxsize=REMEMBERED)
def _below(reference: FeatureProfile) -> tuple[NDArray[np.float64], int]:
    """The share of the rows up to the end of each bin, and the rows."""
    cumulative = np.cumsum(reference.present)
    return cumulative / cumulative[-1], int(cumulative[-1])


def _scale(m: int, n: int) -> float:
    root = float(np.sqrt(n * m / (n + m)))
    return root + 0.12 + 0.11 / root
