"""How far the answers of a regression are from what turned out."""

from dataclasses import dataclass
from math import comb, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from homeostat.metrics import NONE, Estimate, WeightedMean, mean_estimate

__all__ = ["RegressionErrors"]

Vector = NDArray[np.float64]

ORDERS = 5  #: powers 0 to 4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RegressionErrors:
    """Sums of powers of the error and of the target, and two losses.

    Targets are taken from a pivot of the rows' own, so that large targets which differ
    little lose no digits.
    """

    n: int = 0
    pivot: float = 0.0  #: that targets are taken from
    powers: Vector  #: shape (5, 5): sums of weight * error^i * (target - pivot)^j
    squares: Vector  #: the same with squared weights
    absolute: WeightedMean
    pinball: WeightedMean
    below: WeightedMean  #: 1 where the target is at most the answer
    quantile: float = 0.5  #: that the answers stand for

    @classmethod
    def of(
        cls,
        targets: Vector,
        answers: Vector,
        weights: Vector | None = None,
        *,
        quantile: float = 0.5,
    ) -> "RegressionErrors":
        """The sums over rows of numbers, both shape (n,); errors are answer less target.

        Examples
        --------
        >>> RegressionErrors.of(np.array([1.0, 3.0]), np.array([2.0, 2.0])).rmse().value
        1.0
        """
        w = np.ones(len(targets)) if weights is None else weights
        pivot = float(targets.mean()) if len(targets) else 0.0
        error, target = answers - targets, targets - pivot
        raised = [error**i for i in range(ORDERS)], [target**i for i in range(ORDERS)]
        sums = [
            np.array([[float(one @ (a * b)) for b in raised[1]] for a in raised[0]])
            for one in (w, w**2)
        ]
        loss = np.maximum(-quantile * error, (1 - quantile) * error)
        return cls(
            n=len(targets),
            pivot=pivot,
            powers=sums[0],
            squares=sums[1],
            absolute=WeightedMean.of(np.abs(error), w),
            pinball=WeightedMean.of(loss, w),
            below=WeightedMean.of((error >= 0).astype(float), w),
            quantile=quantile,
        )

    def __add__(self, other: "RegressionErrors") -> "RegressionErrors":
        """The sums over both sets of rows, whose answers stand for the same quantile."""
        if not self.n or not other.n:
            return self if self.n else other
        shift = _shift(other.pivot - self.pivot)
        return RegressionErrors(
            n=self.n + other.n,
            pivot=self.pivot,
            powers=self.powers + other.powers @ shift,
            squares=self.squares + other.squares @ shift,
            absolute=self.absolute + other.absolute,
            pinball=self.pinball + other.pinball,
            below=self.below + other.below,
            quantile=self.quantile,
        )

    def mae(self, confidence: float = 0.95) -> Estimate:
        """Mean absolute error."""
        return self.absolute.estimate(confidence)

    def quantile_loss(self, confidence: float = 0.95) -> Estimate:
        """Mean pinball loss at `quantile`; half the mean absolute error at 0.5.

        References
        ----------
        Koenker and Bassett (1978), Econometrica 46(1).
        """
        return self.pinball.estimate(confidence)

    def mean_error(self, confidence: float = 0.95) -> Estimate:
        """Mean of answer less target; above 0 the answers are too high."""
        if not self.n:
            return NONE
        w, w2 = self.powers, self.squares
        mean = w[1, 0] / w[0, 0]
        spread = w2[2, 0] - 2 * mean * w2[1, 0] + mean**2 * w2[0, 0]
        variance = float(spread / w[0, 0] ** 2) * self.n / max(self.n - 1, 1)
        return mean_estimate(
            float(mean), variance, n=self.n, method="Student", confidence=confidence
        )

    def rmse(self, confidence: float = 0.95) -> Estimate:
        """Root of the mean squared error, its interval on the scale of logarithms.

        By the delta method on the mean squared error, with its own variance and not that of
        normal errors.
        """
        if not self.n:
            return NONE
        w, w2 = self.powers, self.squares
        square = float(w[2, 0] / w[0, 0])
        if square <= 0:
            return mean_estimate(0.0, 0.0, n=self.n, method="log, delta method")
        spread = w2[4, 0] - 2 * square * w2[2, 0] + square**2 * w2[0, 0]
        relative = sqrt(max(float(spread), 0.0)) / float(w[0, 0]) / square / 2
        half = _student(self.n, confidence) * relative
        value = sqrt(square)
        return Estimate(
            value=value,
            lower=value * exp(-half),
            upper=value * exp(half),
            n=self.n,
            standard_error=value * relative,
            method="log, delta method",
        )

    def r2(self, confidence: float = 0.95) -> Estimate:
        """Share of the targets' variance that the answers explain; below 0 worse than their mean.

        Its interval is that of ln(1 - R2), by the delta method on both sums of squares.
        """
        if not self.n:
            return NONE
        w, w2 = self.powers, self.squares
        centre = _shift(-float(w[0, 1] / w[0, 0]))
        w, w2 = w @ centre, w2 @ centre
        error, spread = float(w[2, 0]), float(w[0, 2])
        if error <= 0 or spread <= 0:
            value = 1.0 if spread > 0 else float("nan")
            return mean_estimate(value, 0.0, n=self.n, method="log, delta method")
        variance = w2[4, 0] / error**2 - 2 * w2[2, 2] / error / spread + w2[0, 4] / spread**2
        deviation = sqrt(max(float(variance), 0.0))
        half, at = _student(self.n, confidence) * deviation, log(error / spread)
        return Estimate(
            value=1 - error / spread,
            lower=1 - exp(at + half),
            upper=1 - exp(at - half),
            n=self.n,
            standard_error=error / spread * deviation,
            method="log, delta method",
        )


def _student(n: int, confidence: float) -> float:
    return float(stdtrit(max(n - 1, 1), (1 + confidence) / 2))


def _shift(by: float) -> Vector:
    """What turns sums of powers of x into those of x + by."""
    matrix = np.zeros((ORDERS, ORDERS))
    for i in range(ORDERS):
        for j in range(i, ORDERS):
            matrix[i, j] = comb(j, i) * by ** (j - i)
    return matrix
