"""Predictions with the labels that had come by a time, as columns."""

import json
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, and_, select, type_coerce

from homeostat.maturity import UNLABELLED, Rows
from homeostat.schema import Row
from homeostat.store import tables
from homeostat.store.columns import microseconds
from homeostat.store.predictions import within
from homeostat.store.statements import chunks

__all__ = ["Served", "rows_by_id", "served_rows"]

_LABELS, _PREDICTIONS = tables.labels, tables.predictions
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Served:
    """The predictions of a time, oldest first, all fields of one length."""

    ids: tuple[str, ...] = ()
    versions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    received_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rows: Rows  #: answers, labels, ages and delays

    def only(self, at: NDArray[np.bool_]) -> "Served":
        """Some of them."""
        rows = self.rows
        return Served(
            ids=tuple(one for one, kept in zip(self.ids, at.tolist(), strict=True) if kept),
            versions=self.versions[at],
            probabilities=self.probabilities[at],
            received_us=self.received_us[at],
            rows=Rows(
                answers=rows.answers[at],
                labels=rows.labels[at],
                ages=rows.ages[at],
                delays=rows.delays[at],
            ),
        )

    def __len__(self) -> int:
        return len(self.ids)


def served_rows(
    connection: Connection, model: str, window: tuple[datetime, datetime], as_of: datetime
) -> Served:
    """Those received in the window, with the newest label that had come by `as_of`.

    A delay is that of the first label: a correction says nothing of when the truth was known.
    """
    known = and_(_LABELS.c.prediction_id == _PREDICTIONS.c.id, _LABELS.c.received_at <= as_of)
    labelled = type_coerce(_LABELS.c.received_at, BigInteger)
    query = (
        select(
            _PREDICTIONS.c.id,
            _PREDICTIONS.c.version,
            _PREDICTIONS.c.prediction,
            _PREDICTIONS.c.probability,
            type_coerce(_PREDICTIONS.c.received_at, BigInteger),
            _LABELS.c.value,
            labelled,
        )
        .select_from(_PREDICTIONS)
        .outerjoin(_LABELS, known)
    )
    query = within(query, model, *window, None)
    query = query.order_by(_LABELS.c.received_at, _LABELS.c.revision)
    kept: dict[str, list[float]] = {}
    for key, version, answer, probability, received, value, came in connection.execute(query):
        before = kept.get(key)
        if before is None:
            label, first = (UNLABELLED, received) if value is None else (value, came)
            kept[key] = [version, answer, probability, received, label, first]
        else:  # a correction: the newest value, the first time
            before[4] = value
    table = np.array(list(kept.values()), dtype=float).reshape(-1, 6)
    version, answer, probability, _, label, first = table.T
    received_us = np.array([one[3] for one in kept.values()], dtype=np.int64)
    first_us = first.astype(np.int64)
    return Served(
        ids=tuple(kept),
        versions=version.astype(np.int64),
        probabilities=probability,
        received_us=received_us,
        rows=Rows(
            answers=answer.astype(np.int64),
            labels=label.astype(np.int64),
            ages=(microseconds(as_of) - received_us) / DAY_US,
            delays=np.maximum(first_us - received_us, 0) / DAY_US,
        ),
    )


def rows_by_id(connection: Connection, ids: tuple[str, ...]) -> list[Row]:
    """What the model was asked in these predictions, in their order."""
    found: dict[str, Row] = {}
    for some in chunks(ids):
        query = select(_PREDICTIONS.c.id, _PREDICTIONS.c.features)
        for key, features in connection.execute(query.where(_PREDICTIONS.c.id.in_(some))):
            found[key] = json.loads(features)
    return [found[key] for key in ids]
