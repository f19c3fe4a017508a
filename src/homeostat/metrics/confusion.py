"""Right and wrong answers of one model, or of two on the same rows, counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Confusion", "PairedConfusion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of a binary model's answers against the labels."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0

    @classmethod
    def of(cls, labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> "Confusion":
        """The counts over rows of 0 and 1, both shape (n,)."""
        cells = np.bincount(2 * labels + predictions, minlength=4).tolist()
        return cls(
            true_negatives=cells[0],
            false_positives=cells[1],
            false_negatives=cells[2],
            true_positives=cells[3],
        )

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            true_positives=self.true_positives + other.true_positives,
            false_positives=self.false_positives + other.false_positives,
            false_negatives=self.false_negatives + other.false_negatives,
            true_negatives=self.true_negatives + other.true_negatives,
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]; 0 when nothing was found.

        Examples
        --------
        >>> Confusion(true_positives=1, false_positives=1).f1
        0.6666666666666666
        """
        wrong = self.false_positives + self.false_negatives
        found = 2 * self.true_positives
        return found / (found + wrong) if found + wrong else 0.0


@dataclass(frozen=True, slots=True)
class PairedConfusion:
    """Counts of rows by label, champion's answer and candidate's answer."""

    cells: tuple[int, ...] = (0,) * 8  #: at 4 * label + 2 * champion + candidate

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        champion: NDArray[np.int64],
        candidate: NDArray[np.int64],
    ) -> "PairedConfusion":
        """The counts over rows of 0 and 1, all shape (n,)."""
        places = 4 * labels + 2 * champion + candidate
        return cls(tuple(np.bincount(places, minlength=8).tolist()))

    def __add__(self, other: "PairedConfusion") -> "PairedConfusion":
        return PairedConfusion(tuple(a + b for a, b in zip(self.cells, other.cells, strict=True)))

    @property
    def n(self) -> int:
        """Rows counted."""
        return sum(self.cells)

    @property
    def positives(self) -> int:
        """Rows with a positive label."""
        return sum(self.cells[4:])

    @property
    def champion(self) -> Confusion:
        """The champion's own counts."""
        return self._of([self.cells[i] + self.cells[i + 1] for i in (0, 2, 4, 6)])

    @property
    def candidate(self) -> Confusion:
        """The candidate's own counts."""
        return self._of([self.cells[i] + self.cells[i + 2] for i in (0, 1, 4, 5)])

    @property
    def f1_gain(self) -> float:
        """F1 of the candidate minus F1 of the champion, in [-1, 1]."""
        return self.candidate.f1 - self.champion.f1

    @property
    def f1_gain_share(self) -> float:
        """The gain as a share of the champion's F1.

        From a champion that finds nothing every gain is infinite, so a dead model can be
        replaced.
        """
        if self.champion.f1:
            return self.f1_gain / self.champion.f1
        return float("inf") if self.candidate.f1 else 0.0

    @property
    def p_value(self) -> float:
        """One-sided: chance of so large a gain when both models have the same F1.

        By the delta method on the eight multinomial counts.  Where that sees no variance, as
        between a model that finds nothing and one that is always right, by the sign test on
        the rows on which they differ.

        References
        ----------
        Agresti (2013), Categorical Data Analysis, section 16.1 (the delta method).
        """
        return self._upper_tail(self.f1_gain)

    @property
    def p_value_of_loss(self) -> float:
        """One-sided: chance of so large a loss of F1 when both models have the same."""
        return self._upper_tail(-self.f1_gain)

    def _upper_tail(self, gain: float) -> float:
        spread = self._standard_error()
        if spread:
            return float(ndtr(-gain / spread))
        differing = sum(self.cells[i] for i in (1, 2, 5, 6))
        return 0.5**differing if gain > 0 else 1.0

    def _standard_error(self) -> float:
        if not self.n:
            return 0.0
        slope = _f1_slope(self.candidate, _CANDIDATE) - _f1_slope(self.champion, _CHAMPION)
        share = np.array(self.cells) / self.n
        variance = (np.sum(share * slope**2) - np.sum(share * slope) ** 2) / self.n
        return float(np.sqrt(max(variance, 0.0))) * self.n

    @staticmethod
    def _of(cells: list[int]) -> Confusion:
        return Confusion(
            true_negatives=cells[0],
            false_positives=cells[1],
            false_negatives=cells[2],
            true_positives=cells[3],
        )


_LABEL = np.array([0, 0, 0, 0, 1, 1, 1, 1])
_CHAMPION = np.array([0, 0, 1, 1, 0, 0, 1, 1])
_CANDIDATE = np.array([0, 1, 0, 1, 0, 1, 0, 1])


def _f1_slope(seen: Confusion, answer: NDArray[np.int64]) -> NDArray[np.float64]:
    """How F1 changes with one more row in each of the eight cells."""
    found = 2 * seen.true_positives
    size = found + seen.false_positives + seen.false_negatives
    if not size:
        return np.zeros(8)
    right, wrong = _LABEL * answer, answer != _LABEL
    slope: NDArray[np.float64] = 2 * right / size - found * (2 * right + wrong) / size**2
    return slope
