"""Mixture of normal distributions: what several experts say, by the weight of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Mixture"]

_Floats = NDArray[np.float64]

_HALVINGS = 40  #: of the interval in which a quantile lies: to a millionth of a millionth of it


@dataclass(frozen=True, eq=False, slots=True)
class Mixture:
    """Normal distributions with weights."""

    weight: _Floats  #: each at least 0, 1 together, (k,)
    mean: _Floats  #: (k,)
    deviation: _Floats  #: each above 0, (k,)

    def below(self, x: float) -> float:
        """The chance of a value up to x."""
        return float(self.weight @ ndtr((x - self.mean) / self.deviation))

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The values with these chances of one up to them; each above 0 and below 1.

        Examples
        --------
        >>> two = Mixture(np.array([0.5, 0.5]), np.array([0.0, 2.0]), np.array([1.0, 1.0]))
        >>> round(two.quantiles([0.5])[0], 9)
        1.0
        """
        held = self.weight > 0
        weight, mean, deviation = self.weight[held], self.mean[held], self.deviation[held]
        asked = np.asarray(shares)
        ends = mean[:, None] + np.outer(deviation, ndtri(asked))
        low, high = ends.min(axis=0), ends.max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = weight @ ndtr((middle - mean[:, None]) / deviation[:, None]) >= asked
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        found: list[float] = ((low + high) / 2).tolist()
        return found
