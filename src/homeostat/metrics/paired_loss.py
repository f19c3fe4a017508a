"""Difference of two models' losses on the same rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["PairedLoss"]


@dataclass(frozen=True, slots=True)
class PairedLoss:
    """Count, mean and sum of squared deviations of candidate's loss minus champion's."""

    n: int = 0
    mean: float = 0.0  #: below 0 the candidate is better
    m2: float = 0.0  #: sum of squared deviations from the mean

    @classmethod
    def of(cls, differences: NDArray[np.float64]) -> "PairedLoss":
        """The sums over one difference a row, shape (n,)."""
        if not len(differences):
            return cls()
        mean = float(differences.mean())
        return cls(len(differences), mean, float(np.sum((differences - mean) ** 2)))

    @classmethod
    def brier(
        cls,
        labels: NDArray[np.int64],
        champion: NDArray[np.float64],
        candidate: NDArray[np.float64],
    ) -> "PairedLoss":
        """The sums for the Brier loss of two models' probabilities, all shape (n,)."""
        return cls.of((labels - candidate) ** 2 - (labels - champion) ** 2)

    def __add__(self, other: "PairedLoss") -> "PairedLoss":
        """The sums over both sets of rows (Chan, Golub and LeVeque 1983, equation 2.1)."""
        n = self.n + other.n
        if not n:
            return PairedLoss()
        apart = other.mean - self.mean
        mean = self.mean + apart * other.n / n
        return PairedLoss(n, mean, self.m2 + other.m2 + apart**2 * self.n * other.n / n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """One-sided lower and upper confidence bounds of the mean, each at level `alpha`.

        Infinite with fewer than two rows.
        """
        if self.n <= 1:
            return float("-inf"), float("inf")
        spread = float(np.sqrt(self.m2 / (self.n - 1) / self.n)) * float(ndtri(1 - alpha))
        return self.mean - spread, self.mean + spread
