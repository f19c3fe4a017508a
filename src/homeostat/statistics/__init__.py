"""Statistics: two profiles of one feature in, one distance out.

A statistic judges nothing; what is large enough to matter is said in `homeostat.policy`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri

from homeostat.bins import FeatureBins
from homeostat.chance import saddlepoint, share_p_value
from homeostat.extension import Catalog
from homeostat.power import POWER, divergence_excess, share_detectable
from homeostat.profile import Counts, FeatureProfile

__all__ = [
    "STATISTICS",
    "Distance",
    "Levelled",
    "Scores",
    "Statistic",
    "divergence_detectable",
    "divergence_p_value",
    "finite_moments",
    "grouped",
    "normal_scores",
    "pool_rare",
    "positions",
]

#: From so many standard errors on a p-value is that of the saddlepoint, not the normal limit.
TAIL_FROM_Z = 2.5

#: And from so many on it is 0: what is left is below 1e-16 whatever the scores are.
TAIL_TO_Z = 38.0

#: Scores with a smaller deviation are all the same, but for rounding.
FLAT = 1e-9

#: A variance under this share of the squared mean may be nothing but rounding.
ROUNDING = 1e-12

#: Groups that a numeric feature is compared in, by the convention of the credit industry.
DECILES = 10

#: Categories expected less often than this on either side are put into one group.
LEAST_EXPECTED = 5.0

#: References of which is remembered what was made of them.
REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Distance:
    """How far apart two samples are."""

    value: float  #: the statistic
    p_value: float | None = None  #: chance of at least this value when nothing changed
    effect: float | None = None  #: size of the change, where that is not the value itself

    @property
    def size(self) -> float:
        """The size of the change: the effect, or else the value."""
        return self.value if self.effect is None else self.effect


class Statistic(Protocol):
    """A distance between two samples that were counted in the same bins."""

    def applies(self, bins: FeatureBins) -> bool:
        """Whether features with such bins can be compared so."""
        ...

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance; both sides hold at least one row that the statistic can use."""
        ...

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The effect seen in 80 of 100 such windows at level `alpha`; None where unknown."""
        ...


@runtime_checkable
class Levelled(Protocol):
    """A statistic whose scatter is not that of a shift: its power follows from a p-value.

    That of just the effect that is asked for stands for asking for it.
    """

    def level(self, reference: FeatureProfile, current: FeatureProfile, effect: float) -> float:
        """The p-value of the least that has this effect."""
        ...


STATISTICS: Catalog[Callable[[], Statistic]] = Catalog("statistic", "homeostat.statistics")


def finite_moments(side: FeatureProfile) -> tuple[int, float, float]:
    """Rows with a finite value, their mean and their variance, dividing by n.

    The variance is that of the bins' middles, the ends of the reference for what lies beyond,
    where the values lie so close together, for their size, that their squares have no digits
    left for it.
    """
    n, first, second = side.moments.tolist()
    if not n:
        return 0, 0.0, 0.0
    mean = first / n
    variance = second / n - mean * mean
    if variance > ROUNDING * mean * mean:
        return int(n), mean, variance
    held = np.flatnonzero(side.present)
    x, share = side.bins.positions[held], side.present[held] / side.present.sum()
    x = np.clip(x, side.bins.low, side.bins.high)
    return int(n), mean, float(share @ (x - share @ x) ** 2)


@lru_cache(maxsize=REMEMBERED)
def positions(reference: FeatureProfile) -> NDArray[np.float64]:
    """A value for each non-missing bin: its middle, or its lower edge.

    The lower edge where that comes nearer to the mean of the reference: of a feature with few
    values it is the value itself.
    """
    middles = reference.bins.positions
    lower = np.array((*reference.bins.edges[:1], *reference.bins.edges))
    n, mean, _ = finite_moments(reference)
    if not n:
        return middles
    share = reference.present / reference.present.sum()
    return lower if abs(share @ lower - mean) < abs(share @ middles - mean) else middles


def grouped(reference: FeatureProfile, current: FeatureProfile) -> tuple[Counts, Counts]:
    """The counts of both sides in a few groups, at least two, that only the reference fixes.

    Its deciles for a numeric feature; else the categories, the rare and the unknown ones
    together (see `pool_rare`).
    """
    if not reference.bins.kind.is_numeric:
        m, n = pool_rare(reference.present, current.present)
        last = len(m) if m[-1] or n[-1] or len(m) == 2 else -1
        return m[:last], n[:last]
    before, starts = _deciles(reference)
    if len(starts) == 1:
        return before, np.append(current.present.sum(), 0)
    return before, np.add.reduceat(current.present, starts)


def divergence_p_value(squared: float, reference: Counts, current: Counts) -> float:
    r"""Chance of so large a divergence of two samples in the same groups.

    Parameters
    ----------
    squared
        A divergence of shares that is :math:`\sum_i (q_i - p_i)^2 / p_i` where they differ
        little: times nm / (n + m) that is a chi-square with k - 1 degrees of freedom.  Of
        two groups the shares are compared exactly instead.
    reference, current
        Counts of the k groups.

    References
    ----------
    Pardo (2006), Statistical Inference Based on Divergence Measures, chapter 3.
    """
    rows = int(reference.sum()), int(current.sum())
    if len(reference) == 2:
        return share_p_value(int(reference[0]), rows[0], int(current[0]), rows[1])
    return float(chdtrc(len(reference) - 1, squared / (1 / rows[0] + 1 / rows[1])))


def divergence_detectable(reference: Counts, current: Counts, alpha: float) -> float:
    """The divergence, as for `divergence_p_value`, that is seen in 80 of 100 windows."""
    spread = 1 / int(reference.sum()) + 1 / int(current.sum())
    return divergence_excess(len(reference) - 1, alpha) * spread


def pool_rare(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """Counts by category, the rare and the unknown ones together in a last group.

    Rare is what pooled shares expect under 5 times on either side, and so the same for both.
    The unknown belong to them: of many rare categories some are always missed by the
    reference.  While the group is rare itself the least frequent category joins it.  At least
    one category stays apart; the group may be empty.

    Parameters
    ----------
    reference, current
        Shape (k,), the last one unknown categories.

    References
    ----------
    The rule of five: Cochran (1954), Biometrics 10.

    Examples
    --------
    >>> pool_rare(np.array([60, 30, 6, 3, 0]), np.array([60, 30, 6, 3, 1]))
    (array([60, 30,  9]), array([60, 30, 10]))
    """
    both = reference + current
    rows = int(reference.sum()), int(current.sum())
    least = LEAST_EXPECTED * sum(rows) / min(rows)
    if both[:-1].min() >= least and (both[-1] >= least or not both[-1]):
        return reference, current
    by_size = np.argsort(both[:-1], kind="stable")
    within = np.cumsum(both[by_size]) + both[-1]  # of the group, were it to end here
    rare = min(int(np.searchsorted(both[by_size], least)), len(by_size) - 1)
    held = within[rare - 1] if rare else both[-1]
    if 0 < held < least and len(by_size) - rare > 1:
        rare += 1
    joined, kept = by_size[:rare], np.sort(by_size[rare:])
    m, n = (np.append(s[kept], s[joined].sum() + s[-1]) for s in (reference, current))
    return m, n


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A score for each non-missing bin, with mean 0 and deviation 1 over the reference's rows.

    Made once for a reference and asked of every window.
    """

    values: NDArray[np.float64]  #: shape (bins.size - 1,)
    rows: int  #: of the reference, those without a value left out
    scale: float  #: deviation of the scores before they were standardised; 0: all are 0
    atoms: NDArray[np.float64]  #: the distinct scores that the reference holds, ascending
    weights: NDArray[np.float64]  #: rows of the reference with each
    skewness: float

    @classmethod
    def standardised(cls, raw: NDArray[np.float64], reference: Counts) -> "Scores":
        """These scores, standardised over the reference's rows."""
        rows = int(reference.sum())
        centred = raw - float(raw @ reference) / rows
        scale = float(np.sqrt((centred * centred) @ reference / rows))
        if scale <= FLAT:
            scale, values = 0.0, np.zeros_like(centred)
        else:
            values = centred / scale
        held = reference > 0
        atoms, which = np.unique(values[held], return_inverse=True)
        weights = np.bincount(which, reference[held]).astype(float)
        return cls(values, rows, scale, atoms, weights, float(weights @ atoms**3) / rows)

    @property
    def known(self) -> bool:
        """Whether the scores differ at all."""
        return self.scale > 0

    def unless_two(self) -> "Scores":
        """These scores, or all alike where there are but two, which the location says all of."""
        if len(self.atoms) > 2:
            return self
        nothing = np.zeros_like(self.values)
        alone = self.weights.sum(keepdims=True)
        return Scores(nothing, self.rows, 0.0, nothing[:1], alone, 0.0)

    def detectable(self, n: int, alpha: float) -> float | None:
        """The rise of the mean score that is seen in 80 of 100 windows of n rows.

        None where all scores are alike.
        """
        if not self.known:
            return None
        if len(self.atoms) == 2:
            share = float(self.weights[1]) / self.rows
            rise = share_detectable(share, self.rows, n, alpha)
            return rise * float(self.atoms[1] - self.atoms[0])
        critical, power = self.critical(n, alpha), float(ndtri(POWER))
        # With skewed scores a window whose mean is higher scatters more (that of a tilted law).
        mean = critical + power * n**-0.5
        scatter = max(1.0, 1.0 + self.skewness * mean)
        return critical + power * float(np.sqrt(scatter / n + 1 / self.rows))

    def critical(self, n: int, alpha: float) -> float:
        """The mean score of n rows from which on `p_value` is about `alpha`.

        By the normal limit, and where that is not all with its first correction for skewness
        and the row that is added to the reference.

        References
        ----------
        Cornish and Fisher (1938), Revue de l'Institut International de Statistique 5(4).
        """
        z, spread = -float(ndtri(alpha / 2)), 1 / n + 1 / self.rows
        if z < TAIL_FROM_Z:
            return z * float(np.sqrt(spread))
        third = self.skewness * (1 / n + 2 / self.rows)
        added = float(self.atoms[-1]) / self.rows
        return z * float(np.sqrt(spread)) + third * (z * z - 1) / 6 + added

    def distance(self, counts: Counts) -> Distance:
        """The size of the mean score of a window with these counts, and its p-value."""
        n = int(counts.sum())
        mean = float(self.values @ counts) / n
        return Distance(abs(mean), self.p_value(mean, n))

    def p_value(self, mean: float, n: int) -> float:
        """Two-sided chance of so large a mean score of n rows when nothing changed.

        The shares of the scores are not known but estimated from the reference, so a window
        is a draw from Polya's urn that begins with the reference's rows and, to err on the
        safe side, one row more of the score at the end that is asked about.  For two scores
        that is Fisher's exact test.  Twice the smaller tail: that of the normal limit, and
        from 2.5 standard errors on that of `homeostat.chance.saddlepoint`.
        """
        if not self.known:
            return 1.0
        if len(self.atoms) == 2:
            return self._exact(mean, n)
        z = abs(mean) / float(np.sqrt(1 / n + 1 / self.rows))
        if z < TAIL_FROM_Z:
            return float(2 * ndtr(-z))
        if z > TAIL_TO_Z:
            return 0.0
        weights = self.weights.copy()
        weights[-1 if mean > 0 else 0] += 1
        side = self.atoms if mean > 0 else -self.atoms
        return min(1.0, 2 * saddlepoint(side, weights, n, abs(mean)).chance)

    def _exact(self, mean: float, n: int) -> float:
        low, high = self.atoms.tolist()
        cases = min(n, max(0, round(n * (mean - low) / (high - low))))
        return share_p_value(int(self.weights[1]), self.rows, cases, n)


@lru_cache(maxsize=REMEMBERED)
def normal_scores(reference: FeatureProfile) -> Scores:
    """The normal quantile of the mid-rank of each bin among the reference's rows.

    Ties share a score; beyond the reference's range it is that of the end.  For a normal
    feature the scores are the values themselves in standard deviations, and whatever the
    feature is, no value weighs more than its rank.

    References
    ----------
    van der Waerden (1952), Indagationes Mathematicae 55.
    """
    counts = reference.present
    held = np.flatnonzero(counts)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    raw = ndtri(np.clip(middle, middle[held[0]], middle[held[-1]]))
    return Scores.standardised(raw, counts)


@lru_cache(maxsize=REMEMBERED)
def _deciles(reference: FeatureProfile) -> tuple[Counts, NDArray[np.intp]]:
    """The counts of the reference by its deciles, at least two, and where each begins."""
    counts = reference.present
    below = np.cumsum(counts) - counts
    which = np.minimum(below * DECILES // max(int(counts.sum()), 1), DECILES - 1)
    which = np.minimum(which, which[np.flatnonzero(counts)[-1]])  # what lies beyond joins the end
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    held = np.add.reduceat(counts, starts)
    return (held if len(starts) > 1 else np.append(held, 0)), starts
