"""Whether the labels agree with the probabilities given for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Calibration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    r"""Sums that compare the Brier score and the positives with what the scores promise.

    With probabilities p that are right, a row's squared error has mean p(1-p) and variance
    (1-2p)^2 p(1-p), and its label has mean p and variance p(1-p).

    References
    ----------
    Brier (1950), Monthly Weather Review 78(1); Spiegelhalter (1986), Statistics in Medicine
    5(5).
    """

    n: int = 0
    positives: int = 0
    score: float = 0.0  #: sum of p
    score_variance: float = 0.0  #: sum of p(1-p), the Brier sum that is promised
    loss: float = 0.0  #: sum of (y-p)^2
    loss_variance: float = 0.0  #: sum of (1-2p)^2 p(1-p)

    @classmethod
    def of(cls, labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> "Calibration":
        """The sums over rows with labels 0 or 1 and probabilities in [0, 1], both shape (n,).

        Examples
        --------
        >>> Calibration.of(np.array([0, 1]), np.array([0.5, 0.5])).brier
        0.25
        """
        p, variance = probabilities, probabilities * (1 - probabilities)
        return cls(
            n=len(labels),
            positives=int(labels.sum()),
            score=float(p.sum()),
            score_variance=float(variance.sum()),
            loss=float(np.sum((labels - p) ** 2)),
            loss_variance=float(np.sum((1 - 2 * p) ** 2 * variance)),
        )

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(
            n=self.n + other.n,
            positives=self.positives + other.positives,
            score=self.score + other.score,
            score_variance=self.score_variance + other.score_variance,
            loss=self.loss + other.loss,
            loss_variance=self.loss_variance + other.loss_variance,
        )

    @property
    def brier(self) -> float:
        """Mean squared error of the probabilities, in [0, 1]; NaN without rows."""
        return self.loss / self.n if self.n else float("nan")

    @property
    def expected_brier(self) -> float:
        """The Brier score that the probabilities promise; NaN without rows."""
        return self.score_variance / self.n if self.n else float("nan")

    @property
    def brier_excess(self) -> float:
        """How far the Brier score lies above the promised one, as a share of that."""
        return _excess(self.loss, self.score_variance)

    @property
    def brier_p_value(self) -> float:
        """One-sided: chance of so high a Brier score when the probabilities are right."""
        return _upper_tail(self.loss - self.score_variance, self.loss_variance)

    @property
    def positive_share(self) -> float:
        """Share of positive labels, in [0, 1]; NaN without rows."""
        return self.positives / self.n if self.n else float("nan")

    @property
    def expected_share(self) -> float:
        """Mean probability; NaN without rows."""
        return self.score / self.n if self.n else float("nan")

    @property
    def positives_excess(self) -> float:
        """How far the positives are off from the promised number, as a share of that."""
        return _excess(self.positives, self.score)

    @property
    def positives_p_value(self) -> float:
        """Two-sided: chance of positives so far off when the probabilities are right."""
        return min(1.0, 2 * _upper_tail(abs(self.positives - self.score), self.score_variance))


def _excess(seen: float, promised: float) -> float:
    if promised == 0:
        return 0.0 if seen == 0 else float("inf")
    return seen / promised - 1


def _upper_tail(deviation: float, variance: float) -> float:
    if variance == 0:
        return 1.0 if deviation <= 0 else 0.0
    return float(ndtr(-deviation / np.sqrt(variance)))
