"""Scores by class, counted: how well they rank, and whether they are to be believed."""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from homeostat.metrics import NONE, Estimate, share_estimate

__all__ = ["ReliabilityBin", "ScoreCounts"]

Vector = NDArray[np.float64]

#: Cells of equal width in log-odds, from the first to the last; one more on either side.
FIRST, STEPS_A_UNIT, CELLS = -16.0, 64, 2048 + 2

#: Groups of about as many rows each in which a calibration is looked at.
GROUPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Rows of nearly the same score, and how many of them turned out positive."""

    weight: float  #: of its rows
    mean_score: float
    positive_share: float
    standard_error: float  #: of the positive share less the mean score


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """Weights of both classes in fixed cells of the score.

    The cells are 1/64 of a unit of log-odds wide, so a score in the middle is known to
    0.004 and a rare one to 1.6 % of itself.  Rows of one cell count as tied, which changes
    an area by less than 0.0001 unless nearly all scores are the same to that width.
    """

    rows: int
    positives: int
    sums: Vector  #: shape (5, cells): weights of 0 and of 1, their squares, weight times score

    @classmethod
    def of(
        cls, labels: NDArray[np.int64], probabilities: Vector, weights: Vector | None = None
    ) -> "ScoreCounts":
        """The sums over rows with labels 0 or 1 and probabilities in [0, 1], both shape (n,).

        Examples
        --------
        >>> ScoreCounts.of(np.array([0, 1]), np.array([0.2, 0.9])).auc().value
        1.0
        """
        w = np.ones(len(labels)) if weights is None else weights
        with np.errstate(divide="ignore"):
            odds = np.log(probabilities) - np.log1p(-probabilities)
        cell = np.floor((np.clip(odds, FIRST - 1, -FIRST) - FIRST) * STEPS_A_UNIT) + 1
        places = np.clip(cell, 0, CELLS - 1).astype(np.int64)
        zero, one = labels == 0, labels == 1
        parts = (w * zero, w * one, w**2 * zero, w**2 * one, w * probabilities)
        sums = np.stack([np.bincount(places, part, CELLS) for part in parts]).astype(float)
        return cls(len(labels), int(one.sum()), sums)

    @classmethod
    def none(cls) -> "ScoreCounts":
        """The sums of no rows."""
        return cls(0, 0, np.zeros((5, CELLS)))

    def __add__(self, other: "ScoreCounts") -> "ScoreCounts":
        return ScoreCounts(
            self.rows + other.rows, self.positives + other.positives, self.sums + other.sums
        )

    def auc(self, confidence: float = 0.95) -> Estimate:
        """Area under the ROC curve: how often a positive scores above a negative.

        References
        ----------
        The variance: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3), with the
        placements counted in cells.  The interval is Wilson's with as many rows as that
        variance is worth.
        """
        if not 0 < self.positives < self.rows:
            return NONE
        no, yes, no2, yes2, _ = self.sums
        all_no, all_yes = no.sum(), yes.sum()
        above = (np.cumsum(no) - no / 2) / all_no  # share of negatives that a positive beats
        below = (all_yes - np.cumsum(yes) + yes / 2) / all_yes
        value = float(yes @ above / all_yes)
        size_no, size_yes = all_no**2 / no2.sum(), all_yes**2 / yes2.sum()
        variance = float(yes2 @ (above - value) ** 2) / all_yes**2 * _unbiased(size_yes)
        variance += float(no2 @ (below - value) ** 2) / all_no**2 * _unbiased(size_no)
        return share_estimate(
            value,
            variance,
            (self.rows, float(min(size_no, size_yes))),
            method="DeLong, Wilson",
            confidence=confidence,
        )

    def average_precision(self, confidence: float = 0.95) -> Estimate:
        r"""Area under the precision-recall curve, as the mean precision at each positive.

        .. math:: \frac{1}{P} \sum_i p_i\, \frac{T_i}{T_i + F_i}

        where T and F are the positives and negatives scored at least as high as cell i.

        References
        ----------
        The estimate and the need for an interval within (0, 1): Boyd, Eng and Page (2013),
        ECML PKDD.  The variance is by the delta method on the cells.
        """
        if not self.positives:
            return NONE
        no, yes, no2, yes2, _ = self.sums
        high_no, high_yes = (np.cumsum(one[::-1])[::-1] for one in (no, yes))
        high = np.where(high_no + high_yes > 0, high_no + high_yes, 1.0)
        total = yes.sum()
        precision = high_yes / high
        value = float(yes @ precision / total)
        # A row changes the precision of every cell below it, and its own.
        with_yes = np.cumsum(yes * high_no / high**2)
        with_no = -np.cumsum(yes * high_yes / high**2)
        variance = float(yes2 @ (precision - value + with_yes) ** 2 + no2 @ with_no**2) / total**2
        return share_estimate(
            value,
            variance,
            (self.rows, float(total**2 / yes2.sum())),
            method="delta method, Wilson",
            confidence=confidence,
        )

    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """The rows in groups of rising score and about equal weight, at most ten.

        References
        ----------
        Groups of equal weight tell calibration better than those of equal width: Nixon et
        al. (2019), CVPR Workshops.
        """
        no, yes, no2, yes2, scores = self.sums
        weight = no + yes
        total = weight.sum()
        if not total:
            return ()
        middle = (np.cumsum(weight) - weight / 2) / total
        group = np.minimum((middle * GROUPS).astype(np.int64), GROUPS - 1)
        found = []
        for i in range(GROUPS):
            at = (group == i) & (weight > 0)
            if not at.any():
                continue
            size = float(weight[at].sum())
            share, mean = float(yes[at].sum()) / size, float(scores[at].sum()) / size
            each = scores[at] / weight[at]
            off = share - mean
            spread = yes2[at] @ (1 - each - off) ** 2 + no2[at] @ (each + off) ** 2
            found.append(
                ReliabilityBin(
                    weight=size,
                    mean_score=mean,
                    positive_share=share,
                    standard_error=sqrt(float(spread)) / size,
                )
            )
        return tuple(found)

    def calibration_error(self, confidence: float = 0.95) -> Estimate:
        r"""Expected calibration error: mean distance of positive share and score, over ten groups.

        It comes out too high, since chance moves every group away from its score: by at most
        :math:`b = \sqrt{2/\pi} \sum_g w_g s_g`, what a calibrated model would show, which is
        told as ``bias``.  The interval allows for it:

        .. math:: \left[\hat e - b - z\sigma,\ \hat e + z\sigma\right], \qquad
                  \sigma^2 = \sum_g w_g^2 s_g^2

        so it covers at least as often as it says.  The lower end holds since the mean of
        :math:`|\delta + sZ|` exceeds :math:`|\delta|` by at most :math:`s\sqrt{2/\pi}`, the
        upper since it is never less, and both since its variance is at most :math:`s^2`.

        References
        ----------
        The bias: Bröcker (2012), Climate Dynamics 39; Roelofs et al. (2022), AISTATS.
        """
        bins = self.reliability()
        if not bins:
            return NONE
        share = np.array([one.weight for one in bins])
        share = share / share.sum()
        error = np.array([one.standard_error for one in bins])
        apart = np.array([abs(one.positive_share - one.mean_score) for one in bins])
        value, bias = float(share @ apart), sqrt(2 / pi) * float(share @ error)
        deviation = sqrt(float(np.sum((share * error) ** 2)))
        half = float(ndtri((1 + confidence) / 2)) * deviation
        return Estimate(
            value=value,
            lower=max(0.0, value - bias - half),
            upper=min(1.0, value + half),
            n=self.rows,
            standard_error=deviation,
            bias=bias,
            method="bias bound and normal law",
        )


def _unbiased(size: float) -> float:
    return float(size / (size - 1)) if size > 1 else 1.0
