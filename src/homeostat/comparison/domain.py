"""Whether a classifier can tell the rows of two samples apart, and by which features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from homeostat.power import POWER

__all__ = ["Separation", "separation"]

Matrix = NDArray[np.float64]

#: A permuted feature that costs less AUC than this gives nothing away.
LEAST_LOSS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well rows of the current sample are told from rows of the reference."""

    auc: float  #: chance that a current row scores above a reference row; 0.5 when all is equal
    spread: float  #: of the AUC when nothing differs, a standard deviation
    #: By feature, the AUC lost when its values are shuffled; the largest first.
    given_away_by: Mapping[str, float] = field(default_factory=dict)

    @property
    def effect(self) -> float:
        """AUC beyond that of guessing."""
        return self.auc - 0.5

    @property
    def p_value(self) -> float:
        """Chance of at least this AUC when nothing differs."""
        return float(ndtr(-self.effect / self.spread))

    def detectable(self, alpha: float) -> float:
        """AUC beyond guessing, reached by the classifier, that 80 of 100 samples show."""
        return float(min(0.5, (ndtri(1 - alpha) + ndtri(POWER)) * self.spread))


def separation(
    reference: Matrix,
    current: Matrix,
    names: Sequence[str],
    categorical: Sequence[bool],
    rng: np.random.Generator,
) -> Separation:
    """How well two samples of rows can be told apart.

    Each half of the rows is scored by gradient boosted trees that learnt from the other half,
    so no row is scored by a model that has seen it.  The AUC of a half is a Mann-Whitney
    statistic of scores that are fixed beforehand, with its exact variance when nothing
    differs, ties aside.  The two halves find the same differences by chance, so the deviation
    of their mean is taken as that of one half, which it cannot exceed.

    Parameters
    ----------
    reference, current
        Shape (m, k) and (n, k): an order of values for each feature, or codes of under 255
        categories; NaN where a value is missing.  At least four rows each.
    names, categorical
        Of the k features; whether it has categories.
    rng
        Shuffles the rows into halves, and the values of a feature to see what it is worth.

    References
    ----------
    Classifiers as two-sample tests: Lopez-Paz and Oquab (2017), ICLR; the variance: Mann and
    Whitney (1947), Annals of Mathematical Statistics 18(1).
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = np.concatenate((reference, current))
    is_current = np.arange(len(rows)) >= len(reference)
    half = np.concatenate([rng.permutation(len(side)) % 2 for side in (reference, current)])
    areas, spreads = [], []
    losses = np.zeros((2, len(names)))
    # On rows this few several threads wait for each other longer than they work.
    with threadpool_limits(1):
        for k in range(2):
            scored = half == k
            model = _learnt(rows[~scored], is_current[~scored], categorical)
            seen, truth = rows[scored], is_current[scored]
            areas.append(_area(model.decision_function(seen), truth))
            spreads.append(_spread(truth))
            losses[k] = areas[k] - _areas_without(model, seen, truth, rng)
    worth = dict(zip(names, losses.mean(axis=0).tolist(), strict=True))
    ranked = sorted(worth, key=worth.__getitem__, reverse=True)
    return Separation(
        auc=float(np.mean(areas)),
        spread=float(np.mean(spreads)),
        given_away_by={name: worth[name] for name in ranked if worth[name] >= LEAST_LOSS},
    )


def _learnt(rows: Matrix, is_current: NDArray[np.bool_], categorical: Sequence[bool]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=16,
        min_samples_leaf=max(5, min(50, len(rows) // 20)),
        categorical_features=list(categorical),
        early_stopping=False,
        random_state=0,
    )
    return model.fit(rows, is_current)


def _areas_without(
    model: Any, rows: Matrix, is_current: NDArray[np.bool_], rng: np.random.Generator
) -> Matrix:
    """The AUC with the values of each feature shuffled in turn."""
    areas = np.empty(rows.shape[1])
    for i in range(rows.shape[1]):
        shuffled = rows.copy()
        rng.shuffle(shuffled[:, i])
        areas[i] = _area(model.decision_function(shuffled), is_current)
    return areas


def _area(scores: Matrix, is_current: NDArray[np.bool_]) -> float:
    n = int(is_current.sum())
    ranks = rankdata(scores)[is_current].sum()
    return float((ranks - n * (n + 1) / 2) / (n * (len(scores) - n)))


def _spread(is_current: NDArray[np.bool_]) -> float:
    n = int(is_current.sum())
    m = len(is_current) - n
    return float(np.sqrt((m + n + 1) / (12 * m * n)))
