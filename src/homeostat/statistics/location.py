"""Shift of a feature, in standard deviations of its normal scores."""

from dataclasses import dataclass

from homeostat.bins import FeatureBins
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, Distance, normal_scores

__all__ = ["Location"]


@STATISTICS.register("location")
@dataclass(frozen=True, slots=True)
class Location:
    r"""How far the values moved up or down, in standard deviations of their normal scores.

    .. math:: \left| \frac1n \sum_i n_i a_i \right|, \quad
              a_i \propto \Phi^{-1}(\text{mid-rank of bin } i \text{ in the reference})

    with the scores standardised over the reference.  For a normal feature that is the shift
    of its mean in standard deviations; no single value weighs more than its rank.  The
    p-value is right far out in the tail and with ties.

    References
    ----------
    van der Waerden (1952), Indagationes Mathematicae 55.

    Examples
    --------
    >>> import numpy as np
    >>> from homeostat.bins import fit_numeric
    >>> bins = fit_numeric("dice", np.arange(1.0, 7.0))
    >>> def rolled(*times):
    ...     counts = np.zeros(bins.size, dtype=np.int64)
    ...     counts[[bins.edges.index(eyes) + 1 for eyes in range(1, 7)]] = times
    ...     return FeatureProfile(bins, counts, np.zeros(3))
    >>> seen = Location().distance(rolled(*[100] * 6), rolled(20, 20, 20, 30, 30, 30))
    >>> round(seen.value, 2)
    0.17
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have an order."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The shift over the rows that have a value, in [0, inf), and its p-value."""
        return normal_scores(reference).distance(current.present)

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The shift of a normal feature; None where all values of the reference are equal."""
        return normal_scores(reference).detectable(int(current.present.sum()), alpha)
