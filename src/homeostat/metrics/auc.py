"""How well a model ranks positives above negatives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankingQuality"]


@dataclass(frozen=True, slots=True)
class RankingQuality:
    """Area under the ROC curve with its standard error."""

    auc: float  #: in [0, 1]; 0.5 is chance
    standard_error: float
    n: int

    @classmethod
    def of(
        cls, labels: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> "RankingQuality | None":
        """By the rank sum with half a point for ties; None when a class is absent.

        References
        ----------
        Hanley and McNeil (1982), Radiology 143(1), equations 1 and 2.

        Examples
        --------
        >>> RankingQuality.of(np.array([0, 1]), np.array([0.2, 0.9])).auc
        1.0
        """
        positives = int(labels.sum())
        negatives = len(labels) - positives
        if not positives or not negatives:
            return None
        _, place, size = np.unique(probabilities, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(size) - (size - 1) / 2)[place]
        won = float(ranks[labels == 1].sum()) - positives * (positives + 1) / 2
        auc = won / (positives * negatives)
        one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
        variance = (
            auc * (1 - auc) + (positives - 1) * (one - auc**2) + (negatives - 1) * (two - auc**2)
        ) / (positives * negatives)
        return cls(auc, float(np.sqrt(max(variance, 0.0))), len(labels))
