"""The predictions whose labels count, and what each labelled one stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from homeostat.maturity import Arrivals
from homeostat.performance import Performance
from homeostat.store import Served
from homeostat.store.columns import EPOCH, microseconds

__all__ = ["Cohort", "Labelled", "cohort_of"]

Codes = NDArray[np.int64]
Vector = NDArray[np.float64]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Predictions whose labels count, and how many of these have come."""

    since: datetime | None  #: first labelled prediction, UTC; None without
    until: datetime | None  #: last labelled prediction
    predictions: int  #: received long enough ago, with a label or without
    labelled: int
    positives: int
    coverage: float | None  #: share with a label
    maturity: float | None  #: share of the labels expected by now of those that ever come
    counted_from_days: float  #: age from which on a prediction counts
    left_out: int  #: predictions too young to count
    worth_rows: float  #: rows of equal weight that would tell as much


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Labelled:
    """The labelled rows of a cohort, oldest first, all fields of one length."""

    cohort: Cohort
    ids: tuple[str, ...]
    versions: Codes
    received_us: Codes  #: microseconds since 1970 UTC
    labels: Codes
    answers: Codes
    probabilities: Vector
    weights: Vector  #: how many predictions each stands for

    def __len__(self) -> int:
        return len(self.ids)

    def performance(self) -> Performance:
        """Everything that they say, as sums."""
        return Performance.of(self.labels, self.answers, self.probabilities, self.weights)

    def only(self, at: NDArray[np.bool_]) -> "Labelled":
        """Some of them; the cohort stays that of all."""
        return Labelled(
            cohort=self.cohort,
            ids=tuple(one for one, kept in zip(self.ids, at.tolist(), strict=True) if kept),
            versions=self.versions[at],
            received_us=self.received_us[at],
            labels=self.labels[at],
            answers=self.answers[at],
            probabilities=self.probabilities[at],
            weights=self.weights[at],
        )

    def newest(self, n: int) -> "Labelled":
        """At most so many of the newest."""
        return self.only(np.arange(len(self)) >= len(self) - n)

    def received(self) -> list[datetime]:
        """When each was received, UTC."""
        return [EPOCH + timedelta(microseconds=int(one)) for one in self.received_us]


def cohort_of(
    served: Served,
    version: int | None,
    windows: Sequence[tuple[datetime, datetime]],
) -> Labelled:
    """The labelled rows of a version, or of all, in some windows of time.

    When labels come is learnt from all of `served`, which may go further back.  Predictions
    too young for a tenth of the labels of every kind to have come do not count.
    """
    arrivals = Arrivals.of(served.rows)
    youngest = arrivals.counted_from()
    received, ages = served.received_us, served.rows.ages
    asked = np.zeros(len(served), dtype=bool)
    for begin, end in windows:
        asked |= (received >= microseconds(begin)) & (received < microseconds(end))
    if version is not None:
        asked &= served.versions == version
    due = served.only(asked & (ages >= youngest))
    arrived = arrivals.arrived(due.rows)
    weights = arrivals.weights(due.rows)
    known = due.rows.labelled
    labelled, times = int(known.sum()), due.received_us[known]
    kept = weights[known]
    cohort = Cohort(
        since=EPOCH + timedelta(microseconds=int(times[0])) if labelled else None,
        until=EPOCH + timedelta(microseconds=int(times[-1])) if labelled else None,
        predictions=len(due),
        labelled=labelled,
        positives=int((due.rows.labels == 1).sum()),
        coverage=labelled / len(due) if len(due) else None,
        maturity=labelled / float((1 / arrived[known]).sum()) if labelled else None,
        counted_from_days=youngest,
        left_out=int((asked & (ages < youngest)).sum()),
        worth_rows=float(kept.sum() ** 2 / (kept**2).sum()) if labelled else 0.0,
    )
    seen = due.only(known)
    return Labelled(
        cohort=cohort,
        ids=seen.ids,
        versions=seen.versions,
        received_us=seen.received_us,
        labels=seen.rows.labels,
        answers=seen.rows.answers,
        probabilities=seen.probabilities,
        weights=kept,
    )
