"""When labels come: what share of each kind has come by an age, and what a row stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNLABELLED", "Arrival", "Arrivals", "Rows"]

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Stands in place of a label that has not come.
UNLABELLED = -1

#: Labels of one kind from which on their delays are learnt by themselves.
LEAST_ROWS = 50

#: Rows that must still wait for their label where a delay is learnt from.
LEAST_AT_RISK = 20

#: A row counts from the age on by which this share of every kind of label has come, so that
#: no row stands for more than the reciprocal of it, but for the rows that nobody labels.
LEAST_ARRIVED = 0.1

#: Groups of about as many rows each by age, of which it is known how many rows there are.
AGE_GROUPS = 10

_Kind: TypeAlias = tuple[int, int]  #: label and answer


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """Predictions of some time with the labels that have come, all of one length."""

    answers: Codes  #: 0 or 1
    labels: Codes  #: 0 or 1, or UNLABELLED
    ages: Vector  #: in days, since the prediction
    delays: Vector  #: in days, from the prediction to its first label; any number without one

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label."""
        known: NDArray[np.bool_] = self.labels != UNLABELLED
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """The share of labels of one kind that have come by an age, of those that come at all."""

    delays: Vector  #: rising, in days
    arrived: Vector  #: at each of them, rising to 1

    @classmethod
    def of(cls, rows: Rows, label: int | None) -> "Arrival | None":
        r"""Learnt from rows of which some wait for their label; None where no such label came.

        Young rows show only the labels that came soon, so what came is no picture of what
        comes.  A row that waits is therefore counted at every age it has reached:

        .. math:: I_y(t) = \sum_{u \le t} S(u)\, \frac{d_y(u)}{r(u)}, \qquad
                  S(u) = \prod_{v < u} \left(1 - \frac{d(v)}{r(v)}\right)

        with d labels that came at an age, d_y those with the value y, and r rows that waited
        until then; and the share is :math:`I_y(t) / I_y(\text{last})`.  It goes as far as 20
        rows waited; of later labels too little is known.

        Parameters
        ----------
        label
            The value y; None for labels of any value.

        References
        ----------
        Aalen and Johansen (1978), Scandinavian Journal of Statistics 5; with one kind of
        label it is Kaplan and Meier's (1958).
        """
        labelled = rows.labelled
        ours = labelled if label is None else rows.labels == label
        if not ours.any():
            return None
        until = np.sort(np.where(labelled, rows.delays, rows.ages))
        times, place = np.unique(rows.delays[labelled], return_inverse=True)
        came = np.bincount(place, minlength=len(times))
        of_ours = np.bincount(place, ours[labelled].astype(float), len(times))
        waited = len(until) - np.searchsorted(until, times, side="left")
        last = int(np.flatnonzero(waited >= min(LEAST_AT_RISK, int(waited.max())))[-1])
        end = slice(last + 1)
        still = np.concatenate(([1.0], np.cumprod(1 - came[end] / waited[end])[:-1]))
        shares = np.cumsum(still * of_ours[end] / waited[end])
        return cls(times[end], shares / shares[-1]) if shares[-1] > 0 else None

    def by(self, ages: Vector) -> Vector:
        """The share that has come by each age, in [0, 1].

        Examples
        --------
        >>> Arrival(np.array([1.0, 3.0]), np.array([0.5, 1.0])).by(np.array([0.0, 1.0, 9.0]))
        array([0. , 0.5, 1. ])
        """
        places = np.searchsorted(self.delays, ages, side="right")
        shares: Vector = np.concatenate(([0.0], self.arrived))[places]
        return shares

    def age_of(self, share: float) -> float:
        """The age in days by which this share has come."""
        at = int(np.searchsorted(self.arrived, share))
        return float(self.delays[min(at, len(self.delays) - 1)])


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When the labels of each kind of row come; a kind is a label with an answer.

    Bad news often comes first, and that of rows somebody was warned of before the rest.
    Rows are therefore told apart by label and answer: precision suffers from the one, and
    recall from the other.
    """

    kinds: Mapping[_Kind, Arrival] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Rows) -> "Arrivals":
        """Learnt from rows of which the older ones have most of their labels.

        A kind with fewer than 50 labels is taken together with the other answer, or else
        with all labels.
        """
        kinds: dict[_Kind, Arrival] = {}
        everything = np.ones(len(rows.labels), dtype=bool)
        for label in (0, 1):
            for answer in (0, 1):
                same = rows.answers == answer
                for some, value in ((same, label), (everything, label), (everything, None)):
                    enough = (rows.labelled if value is None else rows.labels == value) & some
                    if value is None or enough.sum() >= LEAST_ROWS:
                        found = Arrival.of(_only(rows, some), value)
                        if found is not None:
                            kinds[label, answer] = found
                        break
        return cls(kinds)

    def counted_from(self, share: float = LEAST_ARRIVED) -> float:
        """The youngest age in days at which this share of every kind has come."""
        return max((one.age_of(share) for one in self.kinds.values()), default=0.0)

    def arrived(self, rows: Rows) -> Vector:
        """The share of its kind that has come by the age of each labelled row; 1 if unknown."""
        shares = np.ones(len(rows.labels))
        for (label, answer), arrival in self.kinds.items():
            at = (rows.labels == label) & (rows.answers == answer)
            shares[at] = np.maximum(arrival.by(rows.ages[at]), LEAST_ARRIVED)
        return shares

    def weights(self, rows: Rows) -> Vector:
        """How many rows each labelled one stands for; 0 for those without a label.

        The reciprocal of the share that has come, scaled so that the rows of one answer and
        age stand for as many as there are.  Right where, among rows of one kind, how late a
        label comes, and whether it ever does, depends on nothing else that counts.

        References
        ----------
        Horvitz and Thompson (1952), J. American Statistical Association 47; the scaling:
        Holt and Smith (1979), J. Royal Statistical Society A 142(1); why by answer, too:
        Begg and Greenes (1983), Biometrics 39(1).
        """
        weights = np.where(rows.labelled, 1 / self.arrived(rows), 0.0)
        if not len(weights):
            return weights
        edges = np.quantile(rows.ages, np.arange(1, AGE_GROUPS) / AGE_GROUPS)
        cell = 2 * np.searchsorted(edges, rows.ages, side="right") + rows.answers
        there = np.bincount(cell, minlength=2 * AGE_GROUPS)
        stood = np.bincount(cell, weights, 2 * AGE_GROUPS)
        scaled: Vector = weights * (there / np.where(stood > 0, stood, 1.0))[cell]
        return scaled


def _only(rows: Rows, at: NDArray[np.bool_]) -> Rows:
    return Rows(
        answers=rows.answers[at],
        labels=rows.labels[at],
        ages=rows.ages[at],
        delays=rows.delays[at],
    )
