"""Metrics: performance against labels, as sums that add.

Losses and counts; whether more or less of one is better stands in `homeostat.performance`.
"""

from dataclasses import dataclass
from math import isnan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

__all__ = ["NONE", "Estimate", "WeightedMean", "mean_estimate", "share_estimate"]

#: Method of an estimate of nothing.
UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure with its confidence interval.

    Examples
    --------
    >>> seen = share_estimate(0.65, 0.65 * 0.35 / 500, (500, 500), method="Wilson")
    >>> f"{seen.value:.2f} ({seen.lower:.2f} to {seen.upper:.2f})"
    '0.65 (0.61 to 0.69)'
    """

    value: float  #: NaN where it is not defined
    lower: float
    upper: float
    n: int  #: rows that it rests on
    standard_error: float
    size: float | None = None  #: of a share: rows of equal weight that would tell as much
    bias: float = 0.0  #: how much higher `value` comes out, at most, than what it stands for
    method: str  #: of the interval

    @property
    def known(self) -> bool:
        """Whether there was anything to measure."""
        return not isnan(self.value)

    def p_value_low(self, limit: float) -> float:
        """The chance of so low a value, or a lower one, where the true one is `limit`."""
        return self._tail(self.value - limit, limit)

    def p_value_high(self, limit: float) -> float:
        """The chance of so high a value, or a higher one, where the true one is `limit`."""
        return self._tail(limit - (self.value - self.bias), limit)

    def p_value_under(self, other: "Estimate") -> float:
        """The chance of a value so far under that of other rows, where the true ones are equal.

        Of shares with the pooled share as the true one, else by Welch's statistic with the
        normal law.

        References
        ----------
        Welch (1947), Biometrika 34.
        """
        apart = (self.value - self.bias) - (other.value - other.bias)
        variance = self.standard_error**2 + other.standard_error**2
        if self.size and other.size:
            pooled = (self.size * self.value + other.size * other.value) / (self.size + other.size)
            variance = pooled * (1 - pooled) * (1 / self.size + 1 / other.size)
        return _normal_tail(apart, variance)

    def _tail(self, apart: float, limit: float) -> float:
        if not self.known:
            return 1.0
        if self.size:  # the score test, whose interval is Wilson's
            return _normal_tail(apart, max(limit * (1 - limit), 0.0) / self.size)
        if not self.standard_error:
            return _normal_tail(apart, 0.0)
        return float(stdtr(max(self.n - 1, 1), apart / self.standard_error))


#: What is known of no rows.
NONE = Estimate(
    value=float("nan"),
    lower=float("-inf"),
    upper=float("inf"),
    n=0,
    standard_error=float("nan"),
    method=UNDEFINED,
)


def share_estimate(
    value: float,
    variance: float,
    rows: tuple[int, float],
    *,
    method: str,
    confidence: float = 0.95,
) -> Estimate:
    r"""A figure in [0, 1] with Wilson's interval.

    .. math:: \frac{v + z^2/2m \pm z\sqrt{v(1-v)/m + z^2/4m^2}}{1 + z^2/m}, \qquad
              m = \frac{v(1-v)}{\operatorname{Var} v}

    Parameters
    ----------
    value, variance
        The figure, and the variance of it.
    rows
        How many there are, and how many of equal weight would tell as much; the latter
        counts where the variance tells nothing, that is at 0 and 1.

    References
    ----------
    Wilson (1927), J. American Statistical Association 22; with m rows for a figure that is
    no plain share: Korn and Graubard (1998), Survey Methodology 24(2).
    """
    n, size = rows
    if isnan(value) or size <= 0:
        return NONE
    inside = variance > 0 and 0 < value < 1
    m = value * (1 - value) / variance if inside else size
    z = float(ndtri((1 + confidence) / 2))
    middle = (value + z * z / (2 * m)) / (1 + z * z / m)
    half = z * sqrt(value * (1 - value) / m + (z / (2 * m)) ** 2) / (1 + z * z / m)
    return Estimate(
        value=value,
        lower=max(0.0, middle - half),
        upper=min(1.0, middle + half),
        n=n,
        standard_error=sqrt(max(variance, 0.0)),
        size=m,
        method=method,
    )


def mean_estimate(
    value: float, variance: float, *, n: int, method: str, confidence: float = 0.95
) -> Estimate:
    """A mean with Student's interval; infinite with fewer than two rows.

    References
    ----------
    Student (1908), Biometrika 6.
    """
    if isnan(value):
        return NONE
    error = sqrt(max(variance, 0.0)) if n > 1 else float("inf")
    half = float(stdtrit(max(n - 1, 1), (1 + confidence) / 2)) * error
    return Estimate(
        value=value,
        lower=value - half,
        upper=value + half,
        n=n,
        standard_error=error,
        method=method,
    )


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Sums of one number a row, for its mean and the error of that."""

    n: int = 0
    weight: float = 0.0
    squares: float = 0.0  #: of the weights
    total: float = 0.0  #: of weight times number
    cross: float = 0.0  #: of squared weight times number
    power: float = 0.0  #: of squared weight times squared number

    @classmethod
    def of(
        cls, values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
    ) -> "WeightedMean":
        """The sums over one number a row, shape (n,); all weigh 1 without `weights`.

        Examples
        --------
        >>> WeightedMean.of(np.array([1.0, 2.0]), np.array([3.0, 1.0])).mean
        1.25
        """
        w = np.ones(len(values)) if weights is None else weights
        sums = (w.sum(), (w**2).sum(), w @ values, w**2 @ values, w**2 @ values**2)
        return cls(len(values), *map(float, sums))

    def __add__(self, other: "WeightedMean") -> "WeightedMean":
        return WeightedMean(
            self.n + other.n,
            self.weight + other.weight,
            self.squares + other.squares,
            self.total + other.total,
            self.cross + other.cross,
            self.power + other.power,
        )

    @property
    def mean(self) -> float:
        """Of the rows; NaN without any."""
        return self.total / self.weight if self.weight else float("nan")

    @property
    def variance(self) -> float:
        """Of the mean; NaN without rows, and infinite with one.

        By linearisation, as of a ratio of two sums: Cochran (1977), Sampling Techniques,
        section 2.11.
        """
        if self.n <= 1:
            return float("inf") if self.n else float("nan")
        mean = self.mean
        spread = self.power - 2 * mean * self.cross + mean * mean * self.squares
        return max(spread, 0.0) / self.weight**2 * self.n / (self.n - 1)

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """The mean with Student's interval."""
        return mean_estimate(
            self.mean, self.variance, n=self.n, method="Student", confidence=confidence
        )


def _normal_tail(apart: float, variance: float) -> float:
    """The chance of a deviation of at most `apart` from 0."""
    if isnan(apart) or isnan(variance):
        return 1.0
    if variance <= 0:
        return 0.0 if apart < 0 else 1.0
    return float(ndtr(apart / sqrt(variance)))
