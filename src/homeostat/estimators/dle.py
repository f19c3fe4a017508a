"""Direct loss estimation: how large the errors of a regression are expected to be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.answers import Answers, Labelled
from homeostat.errors import UserError
from homeostat.estimators import ESTIMATORS, Estimate

__all__ = ["Dle", "FittedDle", "Learner"]

_Floats = NDArray[np.float64]

#: Powers of the absolute error that are learnt: the second is the variance of the first, the
#: fourth that of the second.
POWERS = (1, 2, 4)


class Learner(Protocol):
    """A regression as scikit-learn has them."""

    def fit(self, x: _Floats, y: _Floats, /) -> Any:
        """Learn the mean of y, shape (n,), at x, shape (n, f)."""
        ...

    def predict(self, x: _Floats, /) -> _Floats:
        """The mean of y at each row of x, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class FittedDle:
    """What was learnt of the powers of the error, from all rows and without each part."""

    whole: tuple[Learner, ...]  #: one to each of `POWERS`
    parts: tuple[tuple[Learner, ...], ...]  #: the same, each without one part of the rows
    width: int  #: features that were read

    def estimate(self, answers: Answers) -> dict[str, Estimate]:
        """``mae``, ``mse`` and ``rmse``, in the unit of the target, its square, and the unit."""
        x = _inputs(answers, self.width)
        n = answers.n
        if not n:
            return {}
        first, second, fourth = (_mean(one, x) for one in self.whole)
        left_out = np.array([[_mean(one, x) for one in part] for part in self.parts])
        k = len(self.parts)
        spread = (k - 1) / k * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
        mae = (first, max(second - first**2, 0.0) / n, spread[0])
        mse = (second, max(fourth - second**2, 0.0) / n, spread[1])
        root = second**0.5
        scale = 1 / (4 * second) if second > 0 else 0.0
        rmse = (root, mse[1] * scale, mse[2] * scale)
        return {
            name: Estimate(
                metric=name,
                value=value,
                noise=float(noise) ** 0.5,
                doubt=float(doubt) ** 0.5,
                n=n,
                lowest=0.0,
            )
            for name, (value, noise, doubt) in (("mae", mae), ("mse", mse), ("rmse", rmse))
        }


@ESTIMATORS.register("dle")
@dataclass(frozen=True, slots=True, kw_only=True)
class Dle:
    """Mean absolute error, mean squared error and its root, of a regression.

    A second model learns from labelled rows how large the error of the first is, from the
    features and from what the first one predicts.  Its means over other rows are what their
    errors are expected to be.  The interval holds the chance of the labels, from the second
    and fourth powers of the error, and the doubt in the second model, by leaving out each
    tenth of the labelled rows in turn (the jackknife).

    It holds while errors depend on features and predictions as they did: it is blind to a
    change of the target that the features do not show (concept drift).

    References
    ----------
    Documentation of NannyML, "Direct Loss Estimation"; the jackknife over groups: Efron and
    Tibshirani (1993), An Introduction to the Bootstrap, section 11.

    Examples
    --------
    >>> class Mean:
    ...     def fit(self, x, y):
    ...         self.mean = y.mean()
    ...
    ...     def predict(self, x):
    ...         return np.full(len(x), self.mean)
    >>> truth, said, ones = np.tile([9.0, 13.0], 50), np.full(100, 10.0), np.ones(100, dtype=int)
    >>> answers = Answers(score=said, positive=ones < 0, rows=ones, features=said[:, None])
    >>> fitted = Dle(learner=Mean, min_rows=100).fit(Labelled(answers=answers, truth=truth))
    >>> round(fitted.estimate(answers)["mae"].value, 12)
    2.0
    """

    learner: Callable[[], Learner]  #: makes a regression that nothing was taught yet
    min_rows: int = 200  #: labelled rows asked
    parts: int = 10  #: of the labelled rows, each left out once

    def fit(self, labelled: Labelled) -> FittedDle:
        answers, n = labelled.answers, labelled.n
        if n < max(self.min_rows, 2 * self.parts):
            raise UserError(f"{n:,} labelled rows to learn from, {self.min_rows:,} asked")
        if not np.isfinite(labelled.truth).all():
            raise UserError("a label is no finite number; leave out rows without a label")
        width = 0 if answers.features is None else answers.features.shape[1]
        x = _inputs(answers, width)
        error = np.abs(labelled.truth - answers.score)
        part = np.arange(n) % self.parts
        left_out = [self._learnt(x[part != i], error[part != i]) for i in range(self.parts)]
        return FittedDle(self._learnt(x, error), tuple(left_out), width)

    def _learnt(self, x: _Floats, error: _Floats) -> tuple[Learner, ...]:
        found = []
        for power in POWERS:
            one = self.learner()
            one.fit(x, error**power)
            found.append(one)
        return tuple(found)


def _inputs(answers: Answers, width: int) -> _Floats:
    """Features and prediction of each row, shape (n, f + 1)."""
    n = len(answers.score)
    features = np.empty((n, 0)) if answers.features is None else answers.features
    problems = []
    if features.shape != (n, width):
        problems.append(f"{width} features of each of {n:,} rows are asked, not {features.shape}")
    if (answers.rows != 1).any():
        problems.append("an answer stands for several rows; give one answer for each row")
    if not np.isfinite(answers.score).all():
        problems.append("a prediction is no finite number; leave such rows out")
    if problems:
        raise UserError("errors cannot be learnt from these rows", problems)
    return np.column_stack((features, answers.score))


def _mean(one: Learner, x: _Floats) -> float:
    """The mean over the rows, where an error is not below 0."""
    return float(np.maximum(one.predict(x), 0.0).mean())
