"""Difference of means, in standard errors and in standard deviations."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from homeostat.bins import FeatureBins
from homeostat.power import shift_detectable
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, finite_moments

__all__ = ["MeanShift"]


@STATISTICS.register("mean_shift")
@dataclass(frozen=True, slots=True)
class MeanShift:
    r"""Difference of two means over its standard error; its effect is in deviations.

    .. math:: z = \frac{|\bar x_n - \bar x_m|}{\sqrt{s_n^2 / n + s_m^2 / m}}

    By custom a z over 2 is a shift and one over 3 a high one: with nothing changed 4.6 % and
    0.3 % of windows are over them, and with enough rows so is a shift that matters to nobody.
    The effect, in standard deviations of the reference, does not grow with the rows.
    :math:`s_n` is at least that of the reference, since a window that happens to lack the
    rare large values is none the surer of its mean.

    References
    ----------
    Welch (1938), Biometrika 29(3/4), by its normal limit.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For numbers."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """Z of the finite values, its p-value, and the shift in deviations as the effect.

        Without a p-value where a side has no finite value.
        """
        m, before, known = finite_moments(reference)
        n, after, seen = finite_moments(current)
        if not m or not n:
            return Distance(0.0)
        moved = abs(after - before)
        if moved == 0:
            return Distance(0.0, 1.0, 0.0)
        between = moved * moved * (n / (n + m)) * (m / (n + m))
        known = known or seen or between
        z = moved / float(np.sqrt(max(known, seen) / n + known / m))
        return Distance(z, float(2 * ndtr(-z)), moved / float(np.sqrt(known)))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The shift in deviations; None where a side has no finite value."""
        m, n = finite_moments(reference)[0], finite_moments(current)[0]
        return shift_detectable(m, n, alpha) if m and n else None
