"""Chances that stay right far out in the tail, where thousands of questions are decided."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, inf, lgamma, log, log1p, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Saddlepoint", "fewest_cases", "saddlepoint", "share_p_value"]

#: Standard deviations of a count beyond which the rest of its law is under 1e-17.
WIDEST = 9.0

#: A term of a sum that is this small a part of it, and all that follow, change no digit.
NOTHING = 1e-18

#: Terms that are added up sooner one by one than as an array.
FEW = 60

#: Limits of the search for a saddlepoint: steps, a fall of the objective that is none, and
#: the signed root under which the chance is a half.
NEWTON_STEPS, SETTLED, LEAST_ROOT = 60, 1e-9, 1e-3

#: Difference of normal quantiles that is none.
CLOSE = 1e-4

#: Scores this much under the highest, as a share of it, are the highest but for rounding.
LEVEL = 1e-9

#: The continuity correction of a count.
HALF = 0.5

#: From this count on Stirling's series has all its digits.
SERIES_FROM = 16

#: Of two chances that differ by less, none is called the larger: they may be equal.
SURELY = 1 + 1e-9


def share_p_value(
    cases_reference: int, n_reference: int, cases_current: int, n_current: int
) -> float:
    """Two-sided p-value of two shares being equal, by Fisher's exact test at any size.

    Twice the smaller tail; the tail alone where no count on the other side is as unlikely, as
    with cases so rare that none at all would be no surprise.  It is at least Blaker's
    p-value, so it keeps its level.  Relative error under 1e-9.

    References
    ----------
    Fisher (1922), J. Royal Statistical Society 85(1); Blaker (2000), Canadian Journal of
    Statistics 28(4), section 2.

    Examples
    --------
    >>> round(share_p_value(0, 100, 5, 100), 4), round(share_p_value(0, 900, 5, 100), 7)
    (0.0594, 9.1e-06)
    """
    cases, total = cases_reference + cases_current, n_reference + n_current
    k, m, n = cases_current, n_reference, n_current
    if k * total < cases * n:  # fewer than expected in the window is more in the reference
        k, m, n = cases_reference, n_current, n_reference
    if not 0 < cases < total:
        return 1.0
    deviation = sqrt(cases / total * (1 - cases / total) * m * n / total)
    at = _hypergeometric(k, cases, n, total)
    last = min(cases, n, k + ceil(WIDEST * deviation) + 40)
    if last - k <= FEW:
        upper, term = at, at
        for j in range(k, last):
            term *= (cases - j) / (j + 1) * ((n - j) / (m - cases + j + 1))
            upper += term
            if term < upper * NOTHING:
                break
    else:
        many = np.arange(k, last, dtype=float)
        ratios = (cases - many) / (many + 1) * ((n - many) / (m - cases + many + 1))
        upper = at * (1.0 + float(np.cumprod(ratios).sum()))
    lower = 1 - upper + at
    if upper < lower and _hypergeometric(max(0, cases - m), cases, n, total) > upper * SURELY:
        return upper
    return min(1.0, 2 * min(upper, lower))


@lru_cache(maxsize=4096)
def fewest_cases(cases: float, n_reference: int, n_current: int, alpha: float) -> tuple[int, float]:
    """The count in a window from which on `share_p_value` is at most `alpha`, to one row.

    More than `n_current` where no count is enough.  And how much that count rises with one
    more case of the reference.

    Parameters
    ----------
    cases
        Of the reference; an expected count need not be whole.

    References
    ----------
    The tail is that of the double saddlepoint for counts: Skovgaard (1987), J. Applied
    Probability 24(4), section 5.
    """
    if cases == 0:
        return _fewest_beside_none(n_reference, n_current, alpha), 0.0
    alone = _fewest_beside(cases, n_reference, n_current, alpha)
    if _fewest_chance(cases + alone[0], n_reference, n_current) > log(alpha):
        return alone
    return _fewest_beside(cases, n_reference, n_current, alpha / 2)


def _fewest_beside(
    cases: float, n_reference: int, n_current: int, tail: float
) -> tuple[int, float]:
    """The same by the chance of so many or more."""
    needed = -float(ndtri(tail))

    def lacking(count: float, known: float = cases) -> float:
        return _root(known, n_reference, count, n_current) - needed

    # On the scale of square roots the curve is nearly straight: false position settles soon.
    low, high = sqrt(cases * n_current / n_reference), sqrt(n_current)
    under, over = -needed, lacking(n_current)
    if over < 0:
        return n_current + 1, 0.0
    at = min(low + needed / 2 * sqrt(1 + n_current / n_reference), (low + 3 * high) / 4)
    seen = lacking(at * at)
    while abs(seen) > CLOSE and high - low > CLOSE:
        if seen < 0:
            low, under, over = at, seen, over / 2
        else:
            high, over, under = at, seen, under / 2
        at = low + (high - low) * under / (under - over)
        seen = lacking(at * at)
    count, step = at * at, min(max(1.0, sqrt(cases)), (n_reference - cases) / 4)
    by_known = (lacking(count, cases + step) - seen) / step
    by_count = (seen - lacking(count - HALF)) / HALF
    return ceil(count - 0.01), -by_known / by_count if by_count > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Saddlepoint:
    """What `saddlepoint` found."""

    chance: float
    tilt: float  #: by how much a unit of score is favoured there; 0 where all draws are alike
    counts: NDArray[np.float64]  #: draws of each score expected there


def saddlepoint(
    scores: NDArray[np.float64], weights: NDArray[np.float64], n: float, mean: float
) -> Saddlepoint:
    """The chance that n draws from Polya's urn have a mean score of at least `mean`.

    The counts are negative binomial given their sum; the saddlepoint (s, t) minimises
    K(s, t) - s n, where K is the cumulant function of the sum and of the excess over `mean`.

    Parameters
    ----------
    scores, weights
        The urn's rows: their distinct scores, and how many there are of each, more than 0.
    n
        Draws, at least 1.
    mean
        Above the mean score of the urn.

    References
    ----------
    Lugannani and Rice (1980), Advances in Applied Probability 12(2); for conditional
    distributions: Skovgaard (1987), J. Applied Probability 24(4).

    Examples
    --------
    >>> found = saddlepoint(np.array([-1.0, 0.0, 1.0]), np.array([50.0, 50.0, 50.0]), 20, 0.5)
    >>> round(found.chance, 4)
    0.0044
    """
    total, top = float(weights.sum()), float(scores.max())
    if mean >= top - LEVEL * abs(top):
        highest = float(weights[scores >= top].sum())
        chance = lgamma(highest + n) - lgamma(highest) - lgamma(total + n) + lgamma(total)
        return Saddlepoint(exp(chance), 0.0, np.where(scores >= top, float(n), 0.0))
    d = scores - mean
    urn = _Urn(np.vstack((np.ones_like(d), d, d * d)), weights, n)
    found = begun = urn.tilted(log(n / (n + total)), 0.0)
    for _ in range(NEWTON_STEPS):
        further = urn.further(found)
        if further is None:
            break
        found = further
    w = sqrt(max(0.0, 2 * (begun.objective - found.objective)))
    tilt = found.t
    u = tilt * sqrt(found.determinant / (n * (1 + n / total)))
    if min(w, u) < LEAST_ROOT:
        return Saddlepoint(0.5, tilt, found.expected)
    tail = float(ndtr(-w)) + exp(-w * w / 2) / sqrt(2 * pi) * (1 / u - 1 / w)
    return Saddlepoint(min(1.0, max(0.0, tail)), tilt, found.expected)


@dataclass(frozen=True, slots=True, eq=False)
class _Tilted:
    """The urn when its rows are favoured by exp(s + t d)."""

    s: float
    t: float
    objective: float
    expected: NDArray[np.float64]  #: draws of each row
    determinant: float  #: of the variances of the number and of the excess
    step: tuple[float, float]  #: Newton's, of s and t
    gain: float  #: what the objective falls by in that step, to first order


@dataclass(frozen=True, slots=True, eq=False)
class _Urn:
    """The rows, and the way from one tilt to a better one."""

    powers: NDArray[np.float64]  #: shape (3, k): 1, d and d squared of the scores' excess d
    weights: NDArray[np.float64]
    n: float

    def tilted(self, s: float, t: float) -> _Tilted:
        """The urn with this tilt; its objective is infinite where no such tilt can be."""
        tilted = np.exp(s + t * self.powers[1])
        if float(tilted.max()) >= 1:
            return _Tilted(s, t, inf, tilted, 0.0, (0.0, 0.0), 0.0)
        expected = self.weights * tilted / (1 - tilted)
        number, excess, _ = (self.powers @ expected).tolist()
        h00, h01, h11 = (self.powers @ (expected / (1 - tilted))).tolist()
        over = number - self.n
        determinant = h00 * h11 - h01 * h01
        ds, dt = (
            (h01 * excess - h11 * over) / determinant,
            (h01 * over - h00 * excess) / determinant,
        )
        objective = -float(self.weights @ np.log1p(-tilted)) - s * self.n
        gain = -(over * ds + excess * dt)
        return _Tilted(s, t, objective, expected, determinant, (ds, dt), gain)

    def further(self, here: _Tilted) -> _Tilted | None:
        """Where the objective is clearly lower; None where that cannot be found."""
        length = 1.0 if here.gain > SETTLED else 0.0
        while length > SETTLED:
            there = self.tilted(here.s + length * here.step[0], here.t + length * here.step[1])
            if there.objective <= here.objective - 1e-4 * length * here.gain:
                return there
            length /= 2
        return None


def _fewest_beside_none(m: int, n: int, alpha: float) -> int:
    """The least y with C(m + n - y, m) / C(m + n, m) at most `alpha`, or half of it."""

    def enough(y: int) -> bool:
        chance = lgamma(n + 1) - lgamma(n - y + 1) - lgamma(m + n + 1) + lgamma(m + n - y + 1)
        alone = _fewest_chance(y, m, n) > chance + log(SURELY)
        return chance <= log(alpha if alone else alpha / 2)

    return bisect_left(range(n + 1), True, key=enough)  # noqa: FBT003


def _fewest_chance(cases: float, m: int, n: int) -> float:
    """The logarithm of the chance of as few of the cases as can be among n of m + n rows."""
    least = max(0.0, cases - m)

    def ways(some: float, rows: float) -> float:
        return lgamma(rows + 1) - lgamma(some + 1) - lgamma(rows - some + 1)

    return ways(least, n) + ways(cases - least, m) - ways(cases, m + n)


def _root(x: float, m: int, y: float, n: int) -> float:
    """The normal quantile of the chance of at least y cases of n beside x of m."""
    x, y = min(x + HALF, m - HALF / 2), y - HALF
    if y * m <= x * n:
        return 0.0
    before, after, pooled = x / m, y / n, (x + y) / (m + n)
    deviance = x * log(before / pooled) + y * log(after / pooled)
    deviance += (m - x) * log1p((pooled - before) / (1 - pooled))
    deviance += (n - y) * log1p((pooled - after) / (1 - pooled))
    w = sqrt(max(0.0, 2 * deviance))
    odds = log(after / (1 - after)) - log(before / (1 - before))
    varied = m * before * (1 - before) * n * after * (1 - after)
    u = (exp(odds / 2) - exp(-odds / 2)) * sqrt(varied / ((m + n) * pooled * (1 - pooled)))
    return w + log(u / w) / w if w > LEAST_ROOT and u > 0 else w


def _hypergeometric(k: int, cases: int, n: int, total: int) -> float:
    """Chance of k cases among n of `total` rows; the large terms cancel before they are added.

    References
    ----------
    Loader (2000), Fast and Accurate Computation of Binomial Probabilities.
    """
    p = n / total
    return exp(
        _log_binomial(k, cases, p)
        + _log_binomial(n - k, total - cases, p)
        - _log_binomial(n, total, p)
    )


def _log_binomial(k: int, n: int, p: float) -> float:
    if k in {0, n}:
        return n * (log1p(-p) if k == 0 else log(p))
    size = 0.5 * log(n / (2 * pi * k * (n - k)))
    series = _stirling(n) - _stirling(k) - _stirling(n - k)
    return size + series - _deviance(k, n * p) - _deviance(n - k, n * (1 - p))


def _deviance(x: float, expected: float) -> float:
    excess = (x - expected) / expected
    return expected * ((1 + excess) * log1p(excess) - excess)


def _stirling(n: int) -> float:
    """What Stirling's formula for the log of n! leaves."""
    if n < SERIES_FROM:
        return lgamma(n + 1) - (n + 0.5) * log(n) + n - 0.5 * log(2 * pi)
    square = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / n
