"""Right and wrong answers by class, weighted, and the shares that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics import NONE, Estimate, mean_estimate, share_estimate

__all__ = ["ClassCounts"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassCounts:
    """Rows by label (first place) and answer (second place), of k classes.

    Every share here is a ratio of two sums of weights.  Its variance is found by
    linearisation, which for the weight 1 is the multinomial delta method.

    References
    ----------
    Linearisation: Cochran (1977), Sampling Techniques, section 2.11; the delta method:
    Agresti (2013), Categorical Data Analysis, section 16.1; for F1 and its means over
    classes: Takahashi et al. (2022), Applied Intelligence 52.
    """

    rows: NDArray[np.int64]  #: shape (k, k)
    weights: Matrix  #: sums of the rows' weights
    squares: Matrix  #: sums of their squares

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        answers: NDArray[np.int64],
        weights: Matrix | None = None,
        *,
        classes: int = 2,
    ) -> "ClassCounts":
        """The counts over rows of 0 to `classes` - 1, both shape (n,).

        Examples
        --------
        >>> ClassCounts.of(np.array([0, 1, 1]), np.array([0, 0, 1])).recall().value
        0.5
        """
        places, size = classes * labels + answers, classes * classes
        shape = (classes, classes)
        rows = np.bincount(places, minlength=size).reshape(shape).astype(np.int64)
        if weights is None:
            return cls(rows, rows.astype(float), rows.astype(float))
        one, two = (np.bincount(places, w, size).astype(float) for w in (weights, weights**2))
        return cls(rows, one.reshape(shape), two.reshape(shape))

    @classmethod
    def none(cls, classes: int = 2) -> "ClassCounts":
        """The counts of no rows."""
        empty = np.zeros((classes, classes))
        return cls(empty.astype(np.int64), empty, empty)

    def __add__(self, other: "ClassCounts") -> "ClassCounts":
        return ClassCounts(
            self.rows + other.rows, self.weights + other.weights, self.squares + other.squares
        )

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.rows.sum())

    @property
    def k(self) -> int:
        """Classes."""
        return len(self.rows)

    def accuracy(self, confidence: float = 0.95) -> Estimate:
        """Share of right answers; micro-averaged precision, recall and F1 are the same."""
        return self._share(np.eye(self.k), np.ones((self.k, self.k)), "Wilson", confidence)

    def precision(self, one: int = 1, confidence: float = 0.95) -> Estimate:
        """Share of right ones among the answers `one`."""
        return self._share(*self._precision(one), "Wilson", confidence)

    def recall(self, one: int = 1, confidence: float = 0.95) -> Estimate:
        """Share of right ones among the rows of class `one`."""
        return self._share(*self._recall(one), "Wilson", confidence)

    def f1(self, one: int = 1, confidence: float = 0.95) -> Estimate:
        """Harmonic mean of precision and recall of class `one`."""
        return self._share(*self._f1(one), "delta method, Wilson", confidence)

    def label_share(self, one: int = 1, confidence: float = 0.95) -> Estimate:
        """Share of class `one` among the labels."""
        labelled = np.zeros((self.k, self.k))
        labelled[one] = 1
        return self._share(labelled, np.ones((self.k, self.k)), "Wilson", confidence)

    def answer_share(self, one: int = 1, confidence: float = 0.95) -> Estimate:
        """Share of class `one` among the answers."""
        answered = np.zeros((self.k, self.k))
        answered[:, one] = 1
        return self._share(answered, np.ones((self.k, self.k)), "Wilson", confidence)

    def value(self, matrix: Sequence[Sequence[float]], confidence: float = 0.95) -> Estimate:
        """Mean of what a row is worth, by its label (first place) and answer (second place)."""
        if not self.n:
            return NONE
        worth = np.array(matrix, dtype=float)
        value, slope = self._ratio(worth, np.ones((self.k, self.k)))
        variance = self._variance(slope) * self.n / max(self.n - 1, 1)
        return mean_estimate(value, variance, n=self.n, method="Student", confidence=confidence)

    def averages(self, confidence: float = 0.95) -> dict[str, Estimate]:
        """Macro and weighted means over the classes that occur, of precision, recall and F1.

        A class that was never answered has precision 0, as scikit-learn has it.
        """
        if not self.n:
            return {}
        parts = {"precision": self._precision, "recall": self._recall, "f1": self._f1}
        there = [c for c in range(self.k) if self.rows[c].any() or self.rows[:, c].any()]
        total = float(self.weights.sum())
        share = self.weights.sum(axis=1) / total
        found: dict[str, Estimate] = {}
        for name, part in parts.items():
            ratios = {c: self._ratio(*part(c)) for c in there}
            macro = float(np.mean([value for value, _ in ratios.values()]))
            slope = np.mean([one for _, one in ratios.values()], axis=0)
            found[f"macro_{name}"] = self._averaged(macro, slope, confidence)
            mean = sum(share[c] * value for c, (value, _) in ratios.items())
            by_label = np.zeros(self.k)
            for c, (value, _) in ratios.items():
                by_label[c] = value
            slope = sum(
                (share[c] * one for c, (_, one) in ratios.items()), np.zeros((self.k, self.k))
            )
            slope = slope + ((by_label - mean) / total)[:, None]
            found[f"weighted_{name}"] = self._averaged(float(mean), slope, confidence)
        return found

    def _precision(self, one: int) -> tuple[Matrix, Matrix]:
        right, asked = np.zeros((2, self.k, self.k))
        right[one, one] = 1
        asked[:, one] = 1
        return right, asked

    def _recall(self, one: int) -> tuple[Matrix, Matrix]:
        right, asked = np.zeros((2, self.k, self.k))
        right[one, one] = 1
        asked[one] = 1
        return right, asked

    def _f1(self, one: int) -> tuple[Matrix, Matrix]:
        right, asked = np.zeros((2, self.k, self.k))
        right[one, one] = 2
        asked[one] += 1
        asked[:, one] += 1
        return right, asked

    def _ratio(self, above: Matrix, below: Matrix) -> tuple[float, Matrix]:
        """Their ratio, 0 where `below` is empty, and how it changes with the weight of a cell."""
        size = float((self.weights * below).sum())
        if not size:
            return 0.0, np.zeros((self.k, self.k))
        value = float((self.weights * above).sum()) / size
        return value, (above - value * below) / size

    def _variance(self, slope: Matrix) -> float:
        return float((self.squares * slope**2).sum())

    def _share(self, above: Matrix, below: Matrix, method: str, confidence: float) -> Estimate:
        asked = below > 0
        if not self.weights[asked].sum():
            return NONE
        value, slope = self._ratio(above, below)
        return share_estimate(
            value,
            self._variance(slope),
            (int(self.rows[asked].sum()), _size(self.weights[asked], self.squares[asked])),
            method=method,
            confidence=confidence,
        )

    def _averaged(self, value: float, slope: Matrix, confidence: float) -> Estimate:
        return share_estimate(
            value,
            self._variance(slope),
            (self.n, _size(self.weights, self.squares)),
            method="delta method, Wilson",
            confidence=confidence,
        )


def _size(weights: Matrix, squares: Matrix) -> float:
    """Rows of equal weight that tell as much: Kish (1965), Survey Sampling, section 11.7."""
    return float(weights.sum() ** 2 / squares.sum())
