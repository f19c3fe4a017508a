"""Performance: everything that labels say of answers, as sums that add, and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics import Estimate, WeightedMean, share_estimate
from homeostat.metrics.classes import ClassCounts
from homeostat.metrics.regression import RegressionErrors
from homeostat.metrics.scores import ReliabilityBin, ScoreCounts

__all__ = [
    "FEWER_IS_BETTER",
    "MORE_IS_BETTER",
    "MulticlassPerformance",
    "Performance",
    "RegressionPerformance",
    "Values",
    "figures_of_metrics",
]

Vector = NDArray[np.float64]

#: Figures of which more is better.
MORE_IS_BETTER = frozenset(
    {
        "accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "pr_auc",
        "business_value",
        "r2",
        *(
            f"{how}_{name}"
            for how in ("macro", "weighted")
            for name in ("precision", "recall", "f1")
        ),
        "macro_roc_auc",
    }
)

#: Figures of which less is better.
FEWER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "mae", "rmse", "quantile_loss"})

#: Probabilities nearer to 0 and 1 than this count as this near in the log loss.
CLOSEST = float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a row is worth, in any unit, by its label and answer; a cost is below 0."""

    true_positive: float = 0.0
    false_positive: float = 0.0
    false_negative: float = 0.0
    true_negative: float = 0.0

    @property
    def matrix(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """By label (first place) and answer (second place)."""
        return (
            (self.true_negative, self.false_positive),
            (self.false_negative, self.true_positive),
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Performance:
    """Of a binary model over some rows."""

    counts: ClassCounts
    scores: ScoreCounts
    brier: WeightedMean
    log_loss: WeightedMean

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        answers: NDArray[np.int64],
        probabilities: Vector,
        weights: Vector | None = None,
    ) -> "Performance":
        """The sums over rows, all shape (n,).

        Parameters
        ----------
        labels, answers
            0 or 1.
        probabilities
            Of 1, in [0, 1].
        weights
            How many rows each stands for, above 0; all 1 without.

        Examples
        --------
        >>> y, p = np.array([0, 0, 1]), np.array([0.2, 0.6, 0.9])
        >>> seen = Performance.of(y, (p >= 0.5).astype(int), p).figures()
        >>> seen["precision"].value, seen["recall"].value, seen["roc_auc"].value
        (0.5, 1.0, 1.0)
        """
        true = np.where(labels == 1, probabilities, 1 - probabilities)
        return cls(
            counts=ClassCounts.of(labels, answers, weights),
            scores=ScoreCounts.of(labels, probabilities, weights),
            brier=WeightedMean.of((labels - probabilities) ** 2, weights),
            log_loss=WeightedMean.of(-np.log(np.maximum(true, CLOSEST)), weights),
        )

    @classmethod
    def none(cls) -> "Performance":
        """The sums of no rows."""
        return cls(
            counts=ClassCounts.none(),
            scores=ScoreCounts.none(),
            brier=WeightedMean(),
            log_loss=WeightedMean(),
        )

    def __add__(self, other: "Performance") -> "Performance":
        return Performance(
            counts=self.counts + other.counts,
            scores=self.scores + other.scores,
            brier=self.brier + other.brier,
            log_loss=self.log_loss + other.log_loss,
        )

    @property
    def n(self) -> int:
        """Rows."""
        return self.counts.n

    @property
    def positives(self) -> int:
        """Rows labelled 1."""
        return self.scores.positives

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """The curve of positive shares over scores."""
        return self.scores.reliability()

    def figures(
        self, confidence: float = 0.95, values: Values | None = None
    ) -> dict[str, Estimate]:
        """Every figure by name with its interval; with `values` also ``business_value``, a row."""
        counts, scores = self.counts, self.scores
        figures = {
            "accuracy": counts.accuracy(confidence),
            "precision": counts.precision(confidence=confidence),
            "recall": counts.recall(confidence=confidence),
            "f1": counts.f1(confidence=confidence),
            "roc_auc": scores.auc(confidence),
            "pr_auc": scores.average_precision(confidence),
            "log_loss": self.log_loss.estimate(confidence),
            "brier": self.brier.estimate(confidence),
            "ece": scores.calibration_error(confidence),
            "positive_rate": counts.label_share(confidence=confidence),
            "predicted_positive_rate": counts.answer_share(confidence=confidence),
        }
        if values is not None:
            figures["business_value"] = counts.value(values.matrix, confidence)
        return figures


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MulticlassPerformance:
    """Of a model with several classes over some rows; the losses where scores are known."""

    classes: tuple[str, ...]
    counts: ClassCounts
    scores: tuple[ScoreCounts, ...] = ()  #: of each class against the rest
    brier: WeightedMean = field(default_factory=WeightedMean)
    log_loss: WeightedMean = field(default_factory=WeightedMean)

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        answers: NDArray[np.int64],
        probabilities: Vector | None = None,
        *,
        classes: Sequence[str],
    ) -> "MulticlassPerformance":
        """The sums over rows of places in `classes`.

        Parameters
        ----------
        probabilities
            Shape (n, classes), each row with the sum 1.
        """
        k = len(classes)
        counts = ClassCounts.of(labels, answers, classes=k)
        if probabilities is None:
            return cls(classes=tuple(classes), counts=counts)
        hot = np.eye(k)[labels]
        true = probabilities[np.arange(len(labels)), labels]
        return cls(
            classes=tuple(classes),
            counts=counts,
            scores=tuple(
                ScoreCounts.of((labels == c).astype(np.int64), probabilities[:, c])
                for c in range(k)
            ),
            brier=WeightedMean.of(np.sum((probabilities - hot) ** 2, axis=1)),
            log_loss=WeightedMean.of(-np.log(np.maximum(true, CLOSEST))),
        )

    def __add__(self, other: "MulticlassPerformance") -> "MulticlassPerformance":
        return MulticlassPerformance(
            classes=self.classes,
            counts=self.counts + other.counts,
            scores=tuple(a + b for a, b in zip(self.scores, other.scores, strict=True)),
            brier=self.brier + other.brier,
            log_loss=self.log_loss + other.log_loss,
        )

    @property
    def n(self) -> int:
        """Rows."""
        return self.counts.n

    def figures(self, confidence: float = 0.95) -> dict[str, Estimate]:
        """Every figure by name with its interval: of all rows, then of each class."""
        figures = {
            "accuracy": self.counts.accuracy(confidence),
            **self.counts.averages(confidence),
        }
        if self.scores:
            figures["log_loss"] = self.log_loss.estimate(confidence)
            figures["brier"] = self.brier.estimate(confidence)
        for c, name in enumerate(self.classes):
            figures[f"precision of {name}"] = self.counts.precision(c, confidence)
            figures[f"recall of {name}"] = self.counts.recall(c, confidence)
            figures[f"f1 of {name}"] = self.counts.f1(c, confidence)
            if self.scores:
                figures[f"roc_auc of {name}"] = self.scores[c].auc(confidence)
        return figures


@dataclass(frozen=True, slots=True, eq=False)
class RegressionPerformance:
    """Of a model that answers with numbers over some rows."""

    errors: RegressionErrors

    @classmethod
    def of(
        cls, targets: Vector, answers: Vector, *, quantile: float = 0.5
    ) -> "RegressionPerformance":
        """The sums over rows of numbers, both shape (n,)."""
        return cls(RegressionErrors.of(targets, answers, quantile=quantile))

    def __add__(self, other: "RegressionPerformance") -> "RegressionPerformance":
        return RegressionPerformance(self.errors + other.errors)

    @property
    def n(self) -> int:
        """Rows."""
        return self.errors.n

    def figures(self, confidence: float = 0.95) -> Mapping[str, Estimate]:
        """Every figure by name with its interval."""
        errors = self.errors
        return {
            "mae": errors.mae(confidence),
            "rmse": errors.rmse(confidence),
            "r2": errors.r2(confidence),
            "quantile_loss": errors.quantile_loss(confidence),
            "mean_error": errors.mean_error(confidence),
        }


def figures_of_metrics(
    metrics: Mapping[str, float], confidence: float = 0.95
) -> dict[str, Estimate]:
    """The figures that follow from the plain metrics of a version, with the errors they have.

    The counts are worked out from F1's parts; the error of the area is Hanley and McNeil's.
    Empty where the metrics do not say of how many rows they are.

    References
    ----------
    Hanley and McNeil (1982), Radiology 143(1), equations 1 and 2.

    Examples
    --------
    >>> told = {"n": 10.0, "positives": 4.0, "precision": 0.6, "recall": 0.75, "auc": 0.8}
    >>> figures_of_metrics(told)["accuracy"].value
    0.7
    """
    n, positives = (int(metrics.get(name, 0)) for name in ("n", "positives"))
    if not 0 < positives < n or not {"precision", "recall"} <= metrics.keys():
        return {}
    hits = round(metrics["recall"] * positives)
    figures: dict[str, Estimate] = {}
    if hits:
        called = round(hits / metrics["precision"])
        cells = [n - positives - called + hits, called - hits, positives - hits, hits]
        rows = np.array(cells, dtype=np.int64).reshape(2, 2)
        counts = ClassCounts(rows, rows.astype(float), rows.astype(float))
        figures = {
            "accuracy": counts.accuracy(confidence),
            "precision": counts.precision(confidence=confidence),
            "recall": counts.recall(confidence=confidence),
            "f1": counts.f1(confidence=confidence),
        }
    auc = metrics.get("auc")
    if auc is not None:
        negatives = n - positives
        one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
        spread = auc * (1 - auc) + (positives - 1) * (one - auc**2)
        spread += (negatives - 1) * (two - auc**2)
        figures["roc_auc"] = share_estimate(
            auc,
            spread / (positives * negatives),
            (n, float(min(positives, negatives))),
            method="Hanley and McNeil, Wilson",
            confidence=confidence,
        )
    return figures
