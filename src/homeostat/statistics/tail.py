"""Heavier or lighter tails at equal spread."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from homeostat.bins import FeatureBins
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import REMEMBERED, STATISTICS, Distance, Scores

__all__ = ["Tail"]

#: Degrees of freedom of the heavy-tailed law that is looked for.
FREEDOM = 3

#: The score of the outermost rows: where no more are in a bin the ratio is not known better.
HIGHEST = 3.0

#: The part of the level for tails that became heavier, which do the harm; the rest is for
#: lighter ones, such as those of values that are cut off.
HEAVIER = 0.9

#: A mean score that differs from that of the reference by rounding only.
NOTHING = 1e-12

#: Tails that grow heavier in another way than to that law scatter more: so many standard
#: errors more are stated, which keeps what is seen within 77 to 83 of 100 windows.
OTHERWISE = 0.11


@STATISTICS.register("tail")
@dataclass(frozen=True, slots=True)
class Tail:
    r"""How much heavier or lighter the tails became, in standard deviations of a score.

    .. math:: \left| \frac1n \sum_i n_i c_i \right|, \quad
              c_i \propto \ln \frac{T(z_i) - T(z_{i - 1})}{\Phi(z_i) - \Phi(z_{i - 1})}

    where z are the normal quantiles of the reference's shares up to each edge, and T is
    Student's law with three degrees of freedom and unit variance.  The score is the best one
    against a normal feature whose tails become those of T while its spread stays: its effect
    is then about 0.45, and 200 rows show it at p < 1e-6 in 9 of 10 windows, where the share of
    rows in the tails shows nothing.

    Nine tenths of the level are for heavier tails.

    References
    ----------
    Neyman and Pearson (1933), Philosophical Transactions of the Royal Society A 231.
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have an order."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The change of the mean score over the rows that have a value, and its p-value."""
        scores, n = _scores(reference), int(current.present.sum())
        mean = float(scores.values @ current.present) / n
        if abs(mean) < NOTHING:
            return Distance(abs(mean), 1.0)
        part = HEAVIER if mean > 0 else 1 - HEAVIER
        return Distance(abs(mean), min(1.0, scores.p_value(mean, n) / (2 * part)))

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The rise of a feature like that above; None where two values leave no tail."""
        scores, n = _scores(reference), int(current.present.sum())
        seen = scores.detectable(n, min(1.0, 2 * HEAVIER * alpha))
        return None if seen is None else seen + OTHERWISE / n**0.5


@lru_cache(maxsize=REMEMBERED)
def _scores(reference: FeatureProfile) -> Scores:
    ratios = _log_ratios(reference.present)
    return Scores.standardised(ratios, reference.present).unless_two()


def _log_ratios(counts: Counts) -> NDArray[np.float64]:
    held = np.flatnonzero(counts)
    shares = counts[held] / counts.sum()
    below = np.append(0.0, np.cumsum(shares))
    below[-1] = 1.0
    heavy = stdtr(FREEDOM, ndtri(below) * np.sqrt(FREEDOM / (FREEDOM - 2)))
    ratios = np.minimum(np.log(np.diff(heavy) / shares), HIGHEST)
    # An empty bin lies between two that are held, or beyond the end.
    filled: NDArray[np.float64] = np.interp(np.arange(len(counts)), held, ratios)
    return filled
