"""Isotonic calibration: the chance of a positive at each score, learnt from labelled rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from homeostat.answers import Answers, Labelled
from homeostat.errors import UserError

__all__ = ["Calibrator", "calibrated"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Calibrator:
    """The chance of a positive, a straight line between the scores that it was learnt at."""

    score: _Floats  #: rising, (k,)
    chance: _Floats  #: not falling, in [0, 1], (k,)
    block: NDArray[np.intp]  #: scores with one block have their chance from the same rows, (k,)
    variance: _Floats  #: of the chance of each block

    def chances(self, score: _Floats) -> _Floats:
        """The chance of a positive at each score, that of the nearest known one beyond them."""
        found: _Floats = np.interp(score, self.score, self.chance)
        return found

    def doubt(self, answers: Answers, slope: _Floats) -> float:
        """Standard deviation that the learning rows give a metric with these slopes.

        Parameters
        ----------
        slope
            Change of the metric with one more positive among the rows of each answer, (k,).
        """
        nearest = np.searchsorted((self.score[1:] + self.score[:-1]) / 2, answers.score)
        pull = np.bincount(
            self.block[nearest], weights=answers.rows * slope, minlength=len(self.variance)
        )
        return float(np.sqrt(pull**2 @ self.variance))


def calibrated(labelled: Labelled) -> Calibrator:
    """The chances that the labels of these rows say, not falling with the score.

    Least squares among the functions that do not fall; the rows of each block of equal chances
    tell how sure it is, half a row added to both classes.

    Raises
    ------
    UserError
        When there are no rows, or all have one label.

    References
    ----------
    Ayer, Brunk, Ewing, Reid and Silverman (1955), Annals of Mathematical Statistics 26(4);
    as a calibration of scores: Zadrozny and Elkan (2002), KDD.

    Examples
    --------
    >>> rows = Labelled.of(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]))
    >>> calibrated(rows).chances(np.array([0.0, 0.25, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    n, positives = labelled.n, labelled.positives
    if not 0 < positives < n:
        raise UserError(
            f"{positives:,.0f} of {n:,} labelled rows are positive; a calibration is learnt from "
            "rows of both classes"
        )
    score, place = np.unique(labelled.answers.score, return_inverse=True)
    rows = np.bincount(place, labelled.answers.rows).astype(np.float64)
    found = isotonic_regression(np.bincount(place, labelled.truth) / rows, weights=rows)
    sizes = np.diff(found.blocks)
    held = np.add.reduceat(rows, found.blocks[:-1])
    share = (np.add.reduceat(found.x * rows, found.blocks[:-1]) + 0.5) / (held + 1)
    return Calibrator(
        score=score,
        chance=np.clip(found.x, 0.0, 1.0),
        block=np.repeat(np.arange(len(sizes)), sizes),
        variance=share * (1 - share) / held,
    )
