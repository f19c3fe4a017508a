"""A calibrated estimator with its threshold and its quality, from rows in time order."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import UserError
from homeostat.registry.scorer import LARGEST, positive_probabilities
from homeostat.registry.threads import one_thread
from homeostat.schema import Kind, Schema, Task
from homeostat.trainers import TRAINERS

__all__ = ["Trained", "TrainingData", "best_threshold", "quality_of", "spread", "train"]

MIN_ROWS = 50
MIN_EACH = 2  #: rows of each class in each part; the calibration needs two
FIT_SHARE, CALIBRATION_SHARE = 0.6, 0.2  #: the rest validates

#: With fewer of either class a staircase follows the noise, and two parameters do better.
ISOTONIC_FROM = 1000
GOLDEN_ROWS, TRIAL_ROWS = 32, 512
MIDDLE = 0.5  #: the threshold when the validation rows cannot tell one from another

PARTS = ("fit", "calibration", "validation")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Encoded rows with their labels, oldest first."""

    schema: Schema
    x: NDArray[np.float64]  #: shape (n, k), from `homeostat.registry.encode`
    y: NDArray[Any]  #: shape (n,), 0 or 1
    weights: NDArray[np.float64] | None = None  #: shape (n,), not negative; None: all alike

    def part(self, rows: slice) -> "TrainingData":
        """The data of some rows."""
        weights = None if self.weights is None else self.weights[rows]
        return TrainingData(self.schema, self.x[rows], self.y[rows], weights)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trained:
    """What a training made."""

    estimator: Any  #: with ``predict_proba`` for encoded rows
    threshold: float  #: probability from which on the prediction is the positive class
    metrics: Mapping[str, float]  #: on the validation rows, each counted once
    golden_x: NDArray[np.float64]  #: some validation rows, to recognise the model by
    trial_x: NDArray[np.float64]  #: more of them, to compare its compiled form with it
    notes: tuple[str, ...] = ()  #: what people should know, such as why a threshold is 0.5


def train(data: TrainingData, *, algorithm: str, seed: int) -> Trained:
    """A model fitted on the oldest 60 %, calibrated on the next 20 %, judged on the newest.

    No row does two of these.  Weights count in fitting and calibration; the threshold and the
    metrics are of the newest rows as they came.

    Parameters
    ----------
    algorithm
        Name of a trainer.

    Raises
    ------
    NotFound
        When there is no such trainer.
    UserError
        When the data cannot be learnt from; all that is wrong is named.
    """
    trainer = TRAINERS[algorithm]
    problems = _problems(data)
    if problems:
        raise UserError("the rows cannot be trained on", problems)
    fit, calibration, validation = (data.part(rows) for rows in _parts(len(data.y)))
    fitted = trainer.fit(fit.x, fit.y.astype(np.int64), fit.weights, data.schema, seed)
    estimator = _calibrated(fitted, calibration)
    scores = positive_probabilities(estimator, validation.x)
    y = validation.y.astype(np.int64)
    threshold = best_threshold(y, scores)
    note = f"no threshold tells the validation rows apart; it is {MIDDLE:g}"
    return Trained(
        estimator=estimator,
        threshold=MIDDLE if threshold is None else threshold,
        metrics=quality_of(y, scores, MIDDLE if threshold is None else threshold),
        golden_x=spread(validation.x, GOLDEN_ROWS),
        trial_x=spread(validation.x, TRIAL_ROWS),
        notes=() if threshold is not None else (note,),
    )


def best_threshold(y: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """The threshold with the highest F1, midway between two scores that occur.

    Of several as good, the highest.  None when all scores are equal, or no threshold between
    two of them finds a single positive.

    Examples
    --------
    >>> best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.4, 0.9]))
    0.30000000000000004
    """
    distinct, group = np.unique(-scores, return_inverse=True)
    hits = np.cumsum(np.bincount(group, weights=y))[:-1]
    called = np.cumsum(np.bincount(group))[:-1]
    if not len(called) or not hits.any():
        return None
    best = int(np.argmax(2 * hits / (called + y.sum())))
    above, below = float(-distinct[best]), float(-distinct[best + 1])
    middle = (above + below) / 2
    # Between neighbouring floats there is no middle.
    return middle if middle > below else above


def _parts(n: int) -> tuple[slice, slice, slice]:
    cuts = (0, int(n * FIT_SHARE), int(n * (FIT_SHARE + CALIBRATION_SHARE)), n)
    first, second, third = (slice(a, b) for a, b in pairwise(cuts))
    return first, second, third


def _calibrated(fitted: Any, data: TrainingData) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    y = data.y.astype(np.int64)
    rarest = min(int(y.sum()), len(y) - int(y.sum()))
    method = "isotonic" if rarest >= ISOTONIC_FROM else "sigmoid"
    # Nothing is fitted in the folds: the estimator is frozen.  Two need the fewest rows.
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), method=method, cv=2)
    with one_thread(), warnings.catch_warnings():
        # It says that the frozen estimator takes no weights: it took them when it was fitted.
        warnings.filterwarnings("ignore", message=".*will only be used for the calibration")
        return calibrated.fit(data.x, y, sample_weight=data.weights)


def quality_of(
    y: NDArray[np.int64], scores: NDArray[np.float64], threshold: float
) -> dict[str, float]:
    """F1, precision, recall, AUC, Brier score and log loss of scores; both classes occur."""
    from sklearn import metrics

    called = scores >= threshold
    hits = int(y[called].sum())
    positives = int(y.sum())
    return {
        "f1": 2 * hits / (int(called.sum()) + positives),
        "precision": hits / max(int(called.sum()), 1),
        "recall": hits / positives,
        "auc": float(metrics.roc_auc_score(y, scores)),
        "brier": float(np.mean((scores - y) ** 2)),
        "log_loss": float(metrics.log_loss(y, scores, labels=[0, 1])),
        "positives": float(positives),
        "n": float(len(y)),
    }


def spread(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """At most `n` rows from all over `x`, the first and the last among them."""
    places = np.unique(np.linspace(0, len(x) - 1, n).astype(int))
    return np.take(x, places, axis=0)


def _problems(data: TrainingData) -> list[str]:
    """All that is wrong; the finer questions are asked only where the shapes fit."""
    schema, n, width = data.schema, len(data.y), len(data.schema.features)
    found = [] if n >= MIN_ROWS else [f"{n} rows, at least {MIN_ROWS} are needed"]
    if schema.task is not Task.BINARY:
        found.append(f"the task is {schema.task}; only binary is supported so far")
    found += [
        f"{feature.name}: a category feature without a category"
        for feature in schema.features
        if feature.kind is Kind.CATEGORY and not feature.categories
    ]
    if data.x.shape != (n, width):
        found.append(f"the matrix has the shape {data.x.shape}, asked is {(n, width)}")
    else:
        beyond = np.flatnonzero((np.abs(data.x) > LARGEST).any(axis=0))
        found += [
            f"{schema.names[i]}: holds values beyond {LARGEST:g}, or infinite ones" for i in beyond
        ]
    return found + _label_problems(data.y) + _weight_problems(data)


def _label_problems(y: NDArray[Any]) -> list[str]:
    other = int(np.count_nonzero((y != 0) & (y != 1)))  # NaN is neither
    if other:
        return [f"{other} of {len(y)} labels are missing or neither 0 nor 1"]
    if len(np.unique(y)) < 2:
        return [f"all {len(y)} labels are of one class; both are needed"]
    found = []
    for name, rows in zip(PARTS, _parts(len(y)), strict=True):
        positives = int(y[rows].sum())
        rarest = min(positives, len(y[rows]) - positives)
        if rarest < MIN_EACH:
            found.append(
                f"the {name} rows hold {positives} positives among {len(y[rows])}; at least "
                f"{MIN_EACH} of each class are needed, give more rows"
            )
    return found


def _weight_problems(data: TrainingData) -> list[str]:
    weights = data.weights
    if weights is None:
        return []
    if weights.shape != (len(data.y),):
        return [f"the weights have the shape {weights.shape}, asked is {(len(data.y),)}"]
    if not (np.isfinite(weights) & (weights >= 0)).all():
        return ["weights are missing, infinite or negative"]
    return [
        f"the {name} rows of class {label} all weigh nothing"
        for name, rows in zip(PARTS[:2], _parts(len(data.y)), strict=False)
        for label in (0, 1)
        if (data.y[rows] == label).any() and not weights[rows][data.y[rows] == label].any()
    ]
