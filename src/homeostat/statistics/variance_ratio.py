"""Ratio of variances."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from homeostat.bins import FeatureBins
from homeostat.power import shift_detectable
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance, finite_moments, positions

__all__ = ["VarianceRatio"]

#: Kurtosis less one, below which a feature takes two values or nearly so: its variance then
#: follows from its mean.
LEAST_EXCESS = 0.1


@STATISTICS.register("variance_ratio")
@dataclass(frozen=True, slots=True)
class VarianceRatio:
    r"""Log of the ratio of two variances, up or down.

    .. math:: \left| \ln \frac{s_n^2}{s_m^2} \right|

    By custom a ratio over 1.5 or under 0.67 is a change and one over 2 or under 0.5 a high
    one: 0.41 and 0.69 here.  The standard error is
    :math:`\sqrt{(\kappa - 1)(1/n + 1/m)}` with the kurtosis of both sides, from
    their bins; that of a normal law would make every long-tailed feature alarm.  One row of
    the reference's variance is added to each side, which keeps a window of equal values
    finite.

    References
    ----------
    Layard (1973), J. American Statistical Association 68(341).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For numbers."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The log ratio over the finite values, and its p-value.

        Without a p-value where a side has no finite value.
        """
        m, _, known = finite_moments(reference)
        n, _, seen = finite_moments(current)
        if not m or not n:
            return Distance(0.0)
        added = known or seen
        if not added:
            return Distance(0.0, 1.0)
        value = float(np.log(seen + added / n) - np.log(known + added / m))
        z = value / (_deviation(reference, current) * float(np.sqrt(1 / n + 1 / m)))
        return Distance(abs(value), float(2 * ndtr(-abs(z))))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The log ratio of a normal feature; None where a side has no finite value."""
        m, n = finite_moments(reference)[0], finite_moments(current)[0]
        if not m or not n:
            return None
        return _deviation(reference, reference) * shift_detectable(m, n, alpha)


def _deviation(reference: FeatureProfile, current: FeatureProfile) -> float:
    """Deviation of the squares about the own mean, in variances, of both sides together."""
    x, before = _known(reference)
    now = _powers(x, current.present)
    squares, fourth = before[1] + now[1], before[2] + now[2]
    rows = before[0] + now[0]
    excess = rows * fourth / squares**2 - 1 if squares else 0.0
    return float(np.sqrt(max(LEAST_EXCESS, excess)))


@lru_cache(maxsize=REMEMBERED)
def _known(reference: FeatureProfile) -> tuple[NDArray[np.float64], tuple[float, float, float]]:
    x = positions(reference)
    x = x / (np.abs(x).max() or 1.0)  # so that no fourth power overflows
    return x, _powers(x, reference.present)


def _powers(x: NDArray[np.float64], counts: Counts) -> tuple[float, float, float]:
    """Rows, and the sums of second and of fourth powers about their mean."""
    rows = float(counts.sum())
    squares = (x - float(counts @ x) / rows) ** 2
    return rows, float(counts @ squares), float(counts @ squares**2)
