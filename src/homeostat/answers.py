"""What a model said of some rows, and what turned out to be true: the counts behind quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.errors import StateError, UserError
from homeostat.profile import Profile

__all__ = ["LOWER_IS_BETTER", "RANGES", "Answers", "Labelled", "Quality", "qualities"]

_Floats = NDArray[np.float64]

#: Smallest and largest value of each metric of a classifier.
RANGES: Mapping[str, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "precision": (0.0, 1.0),
    "recall": (0.0, 1.0),
    "f1": (0.0, 1.0),
    "roc_auc": (0.0, 1.0),
    "brier": (0.0, 1.0),
    "log_loss": (0.0, float("inf")),
}

#: Those that are losses.
LOWER_IS_BETTER = frozenset({"brier", "log_loss", "mae", "mse", "rmse"})

#: A probability of 0 or 1 is taken as so far from it in the logarithmic loss.
TINY = 1e-15


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """What a model said, each distinct answer once, with how many rows got it."""

    score: _Floats  #: probability of the positive class, or the number that is predicted; (k,)
    positive: NDArray[np.bool_]  #: whether the predicted class is the positive one; (k,)
    rows: _Floats  #: how many rows got this answer; (k,)
    features: _Floats | None = None  #: of each row, shape (k, f), where an estimator reads them

    @classmethod
    def of(cls, score: _Floats, threshold: float = 0.5) -> "Answers":
        """The answers of a classifier, from the probability of each row, shape (n,).

        Raises
        ------
        UserError
            When a probability is missing or not in [0, 1].

        Examples
        --------
        >>> Answers.of(np.array([0.2, 0.9, 0.2])).rows.tolist()
        [2.0, 1.0]
        """
        _refuse(score)
        values, rows = np.unique(score, return_counts=True)
        return cls(score=values, positive=values >= threshold, rows=rows.astype(float))

    @classmethod
    def of_profile(cls, profile: Profile) -> "Answers":
        """Those that a profile counts, a bin's rows taken at the middle of the bin.

        How many were predicted positive is exact: the bin that holds the threshold is split.

        Raises
        ------
        StateError
            When the profile does not count the model's answers.
        """
        lacking = [one for one in (PROBABILITY, PREDICTION) if one not in profile.bins.index]
        if lacking:
            raise StateError(f"the profile does not count {' and '.join(lacking)}")
        scores, answers = profile.feature(PROBABILITY), profile.feature(PREDICTION)
        held = np.flatnonzero(scores.present)
        rows = scores.present[held]
        value = np.clip(scores.bins.positions[held], 0.0, 1.0)
        found = int(answers.counts[answers.bins.categories.index("1")])
        above = np.cumsum(rows[::-1])[::-1] - rows  # rows in higher bins
        yes = np.clip(found - above, 0, rows)
        both = np.concatenate((rows - yes, yes))
        kept = np.flatnonzero(both)
        positive = np.repeat([False, True], len(rows))
        return cls(
            score=np.tile(value, 2)[kept], positive=positive[kept], rows=both[kept].astype(float)
        )

    @cached_property
    def n(self) -> int:
        """Rows counted."""
        return round(float(self.rows.sum()))


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """Answers with what turned out to be true."""

    answers: Answers
    truth: _Floats  #: sum of the labels of the rows that got each answer; (k,)

    @classmethod
    def of(cls, labels: NDArray[np.int64], score: _Floats, threshold: float = 0.5) -> "Labelled":
        """Those of a classifier, from the label, 0 or 1, and the probability of each row.

        Raises
        ------
        UserError
            When a label is neither 0 nor 1, a probability not in [0, 1], or they are not as many.

        Examples
        --------
        >>> Labelled.of(np.array([1, 0, 0]), np.array([0.9, 0.2, 0.2])).truth.tolist()
        [0.0, 1.0]
        """
        if labels.shape != score.shape:
            raise UserError(f"{len(labels)} labels and {len(score)} scores; give one to each row")
        if not np.isin(labels, (0, 1)).all():
            raise UserError("a label is neither 0 nor 1; leave out rows without a label")
        answers = Answers.of(score, threshold)
        place = np.searchsorted(answers.score, score)
        truth = np.bincount(place, weights=labels, minlength=len(answers.score))
        return cls(answers=answers, truth=truth.astype(np.float64))

    @property
    def n(self) -> int:
        """Rows counted."""
        return self.answers.n

    @property
    def positives(self) -> float:
        """Sum of the labels."""
        return float(self.truth.sum())


@dataclass(frozen=True, eq=False, slots=True)
class Quality:
    """A metric, and how it answers to the labels."""

    value: float
    slope: _Floats  #: change of the value with one more positive among the rows of an answer; (k,)


def qualities(answers: Answers, truth: _Floats) -> dict[str, Quality | None]:
    r"""Every metric of a classifier; None for one that is not defined.

    With the labels themselves it is what they say.  With sums of probabilities it is what is
    expected of them, to first order in ratios; a label that is 1 with probability p has the
    variance p(1-p), so the metric has :math:`\sum_i p_i (1 - p_i) s_i^2` with the slopes s.

    Parameters
    ----------
    truth
        How many of the rows of each answer are positive, or are expected to be; (k,).

    Returns
    -------
    dict
        ``precision`` is None when nothing is predicted positive, ``recall`` when nothing is
        positive, ``f1`` when neither, ``roc_auc`` when a class is absent.

    References
    ----------
    The slopes are the delta method: Agresti (2013), Categorical Data Analysis, section 16.1.

    Examples
    --------
    >>> said = Answers.of(np.array([0.2, 0.9]))
    >>> {name: one.value for name, one in qualities(said, np.array([0.0, 1.0])).items() if one}
    {'accuracy': 1.0, 'precision': 1.0, 'recall': 1.0, 'f1': 1.0, 'roc_auc': 1.0,
     'brier': 0.025, 'log_loss': 0.164...}
    """
    if not answers.n:
        return dict.fromkeys(RANGES)
    return {**_by_class(answers, truth), "roc_auc": _auc(answers, truth), **_losses(answers, truth)}


def _by_class(answers: Answers, truth: _Floats) -> dict[str, Quality | None]:
    said = answers.positive.astype(np.float64)
    found, positives = float(truth @ said), float(truth.sum())
    called = float(answers.rows @ said)
    right = found + float((answers.rows - truth) @ (1 - said))
    recall = found / positives if positives else 0.0
    f1 = 2 * found / (called + positives) if called + positives else 0.0
    return {
        "accuracy": Quality(right / answers.n, (2 * said - 1) / answers.n),
        "precision": Quality(found / called, said / called) if called else None,
        "recall": Quality(recall, (said - recall) / positives) if positives else None,
        "f1": Quality(f1, (2 * said - f1) / (called + positives)) if called + positives else None,
    }


def _auc(answers: Answers, truth: _Floats) -> Quality | None:
    """By the rank sum, half a point for ties (Hanley and McNeil 1982, Radiology 143(1))."""
    values, place = np.unique(answers.score, return_inverse=True)
    yes = np.bincount(place, truth, len(values))
    no = np.bincount(place, answers.rows - truth, len(values))
    positives, negatives = float(yes.sum()), float(no.sum())
    if positives <= 0 or negatives <= 0:
        return None
    below = np.cumsum(no) - no / 2
    above = positives - np.cumsum(yes) + yes / 2
    pairs = positives * negatives
    value = float(yes @ below) / pairs
    slope = (below - above) / pairs - value * (1 / positives - 1 / negatives)
    return Quality(value, slope[place])


def _losses(answers: Answers, truth: _Floats) -> dict[str, Quality | None]:
    n, q, rest = answers.n, answers.score, answers.rows - truth
    sure = np.clip(q, TINY, 1 - TINY)
    yes, no = -np.log(sure), -np.log1p(-sure)
    return {
        "brier": Quality(float(truth @ (1 - q) ** 2 + rest @ q**2) / n, (1 - 2 * q) / n),
        "log_loss": Quality(float(truth @ yes + rest @ no) / n, (yes - no) / n),
    }


def _refuse(score: _Floats) -> None:
    wrong = int((~((score >= 0) & (score <= 1))).sum())
    if wrong:
        raise UserError(
            f"{wrong:,} of {len(score):,} scores are missing or not in [0, 1]; "
            "give probabilities of the positive class"
        )
