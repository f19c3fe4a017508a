"""Confidence-based estimation: what the calibrated scores themselves promise."""

from dataclasses import dataclass

import numpy as np

from homeostat.answers import RANGES, Answers, Labelled, qualities
from homeostat.calibrator import Calibrator, calibrated
from homeostat.errors import UserError
from homeostat.estimators import ESTIMATORS, Estimate

__all__ = ["Cbpe", "FittedCbpe"]


@dataclass(frozen=True, eq=False, slots=True)
class FittedCbpe:
    """The calibration of the scores of a classifier."""

    calibrator: Calibrator

    def estimate(self, answers: Answers) -> dict[str, Estimate]:
        """Every metric of `homeostat.answers.qualities` that is defined, as it is expected."""
        chance = self.calibrator.chances(answers.score)
        spread = answers.rows * chance * (1 - chance)
        return {
            name: Estimate(
                metric=name,
                value=one.value,
                noise=float(np.sqrt(spread @ one.slope**2)),
                doubt=self.calibrator.doubt(answers, one.slope),
                n=answers.n,
                lowest=RANGES[name][0],
                highest=RANGES[name][1],
            )
            for name, one in qualities(answers, answers.rows * chance).items()
            if one is not None
        }


@ESTIMATORS.register("cbpe")
@dataclass(frozen=True, slots=True, kw_only=True)
class Cbpe:
    r"""Accuracy, precision, recall, F1, ROC AUC, Brier score and log loss of a classifier.

    The scores are calibrated on labelled rows by isotonic regression; a row that is called
    positive and is so with chance c is expected to be a true positive c times and a false one
    1 - c times, and so on for all four cells of the confusion:

    .. math:: \mathrm{TP} = \sum_{i: \hat y_i = 1} c_i, \quad
              \mathrm{FP} = \sum_{i: \hat y_i = 1} (1 - c_i), \quad \ldots

    from which the metrics follow; the ROC AUC from the expected positives and negatives at
    each score.  The interval holds the chance of the labels, whose variance is c(1-c) each, and
    that of the rows of the calibration, by the delta method.

    It holds while a score means what it meant.  When the relation between rows and labels
    changes (concept drift), it goes on saying what was true before.

    References
    ----------
    Guillory, Shankar, Ebrahimi, Darrell and Schmidt (2021), ICCV, on estimation from
    confidences; the method under this name: documentation of NannyML, "Confidence-based
    Performance Estimation".  Calibration: see `homeostat.calibrator`.

    Examples
    --------
    >>> labels, scores = np.repeat([0, 1, 0, 1], [80, 20, 20, 80]), np.repeat([0.3, 0.6], 100)
    >>> fitted = Cbpe(min_rows=100).fit(Labelled.of(labels, scores))
    >>> round(fitted.estimate(Answers.of(np.full(50, 0.6)))["precision"].value, 12)
    0.8
    """

    min_rows: int = 200  #: labelled rows asked

    def fit(self, labelled: Labelled) -> FittedCbpe:
        if labelled.n < self.min_rows:
            raise UserError(f"{labelled.n:,} labelled rows to learn from, {self.min_rows:,} asked")
        return FittedCbpe(calibrated(labelled))
