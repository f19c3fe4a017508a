"""Change of a feature's spread, wherever its middle is."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from homeostat.bins import FeatureBins
from homeostat.chance import saddlepoint
from homeostat.power import POWER
from homeostat.profile import FeatureProfile
from homeostat.statistics import (
    REMEMBERED,
    STATISTICS,
    TAIL_FROM_Z,
    TAIL_TO_Z,
    Distance,
    Scores,
    normal_scores,
)

__all__ = ["Spread"]

#: Scores whose squares vary less than this, in squares of their variance, take two values
#: or nearly so: their spread follows from their mean.
LEAST_EXCESS = 0.1

#: Rounds in which the centre that is nearest to the window is looked for, and the move of it,
#: in standard deviations, that is none.
ROUNDS, STILL = 6, 0.01

#: The least the factor's denominator may be: beyond it the curve is no curve any more.
LEAST_CURVED = 0.01


@STATISTICS.register("spread")
@dataclass(frozen=True, slots=True)
class Spread:
    r"""How much wider or narrower the values lie, as the log of a ratio.

    .. math:: \left| \ln \frac{s_n}{s_m} \right|, \quad
              s_n^2 = \frac{1}{n} \Big( 1 + \sum_i n_i (a_i - \bar a_n)^2 \Big)

    where a are normal scores, standardised over the reference: 0.1 is 10 % wider or narrower.
    They are centred at the mean of their own side, so that a shift alone is no change of
    spread; the row added to each side is one of the reference's spread and keeps a window of
    equal values finite.  A feature of two values has no spread apart from its mean and gets
    the p-value 1.

    References
    ----------
    Klotz (1962), Annals of Mathematical Statistics 33(2).
    """

    def applies(self, bins: FeatureBins) -> bool:
        """For values that have an order."""
        return bins.kind.is_numeric

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The log ratio over the rows that have a value, in [0, inf), and its p-value."""
        scores, scale = normal_scores(reference), _squares(reference).scale
        if not scale:
            return Distance(0.0, 1.0)
        counts, m = current.present, scores.rows
        n = int(counts.sum())
        weighted = scores.values * counts
        mean = float(weighted.sum()) / n
        squares = float(weighted @ scores.values) / n - mean * mean
        ratio = (squares + 1 / n) / (1 + 1 / m)
        z = (ratio - 1) / (scale * float(np.sqrt(1 / n + 1 / m)))
        if abs(z) < TAIL_FROM_Z:
            p_value = float(2 * ndtr(-abs(z)))
        elif abs(z) > TAIL_TO_Z:
            p_value = 0.0
        else:
            p_value = min(1.0, 2 * _tail(scores, n, mean, squares))
        return Distance(abs(float(np.log(ratio))) / 2, p_value)

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The log ratio of a normal feature that grows wider; None where it has no spread."""
        squares = _squares(reference)
        if not squares.known:
            return None
        n = int(current.present.sum())
        critical = float(np.log1p(squares.scale * squares.critical(n, alpha)))
        noise = squares.scale * float(np.sqrt(1 / n + 1 / squares.rows))
        return (critical + float(ndtri(POWER)) * noise) / 2


@lru_cache(maxsize=REMEMBERED)
def _squares(reference: FeatureProfile) -> Scores:
    """The squared scores; all alike where they say nothing that the scores do not."""
    values = normal_scores(reference).unless_two().values
    squares = Scores.standardised(values * values, reference.present)
    if squares.scale**2 >= LEAST_EXCESS:
        return squares
    return Scores.standardised(np.zeros_like(values), reference.present)


@dataclass(frozen=True, slots=True)
class _About:
    """The chance of so large, or so small, a mean square about a centre."""

    centre: float
    moved: float  #: the likeliest mean of such windows, from the centre
    chance: float  #: of such a variance about the own mean, when that is 0

    @classmethod
    def at(cls, centre: float, scores: Scores, n: int, squares: float) -> "_About":
        sign = 1.0 if squares > 1 else -1.0
        excess = scores.atoms - centre
        side = sign * excess * excess
        weights = scores.weights.copy()
        weights[int(side.argmax())] += 1
        found = saddlepoint(side, weights, n, sign * squares)
        moved = float(found.counts @ excess) / n if found.tilt else 0.0
        variances = found.counts + found.counts * found.counts / weights
        left = _left(excess, side, variances) if found.tilt else 0.0
        curved = max(LEAST_CURVED, 1 + 2 * sign * found.tilt * left / n)
        return cls(centre, moved, found.chance / float(np.sqrt(curved)))


def _tail(scores: Scores, n: int, mean: float, squares: float) -> float:
    """Chance of a variance about the own mean beyond `squares`, on the side where it lies.

    The variance is the least mean square over all centres c, so what lies beyond is bounded
    by a curve.  Its likeliest point is that of the half-space for the c which is the mean of
    the tilted urn; the curve beyond it is put right by the factor 1 / sqrt(1 + 2 t v), v the
    variance of the mean, times n, that the squares leave.

    References
    ----------
    The factor: Breitung (1984), J. Engineering Mechanics 110(3).
    """
    about = _About.at(0.0 if squares > 1 else mean, scores, n, squares)
    for _ in range(ROUNDS):
        if abs(about.moved) < STILL:
            break
        about = _About.at(about.centre + about.moved, scores, n, squares)
    return about.chance


def _left(
    excess: NDArray[np.float64], side: NDArray[np.float64], variances: NDArray[np.float64]
) -> float:
    """Variance of the sum of the excess that the number and the squares of the draws leave."""
    rows = np.vstack((np.ones_like(side), side, excess))
    (h00, h01, h02), (_, h11, h12), (_, _, h22) = ((rows * variances) @ rows.T).tolist()
    determinant: float = h00 * h11 - h01 * h01
    explained = (h02 * h02 * h11 - 2 * h01 * h02 * h12 + h12 * h12 * h00) / determinant
    return float(h22 - explained)
