"""The log as CSV files, for people and for programs that read files.

A spreadsheet runs a text cell as a formula when it begins with ``=``, ``+``, ``-``, ``@``, a
tab, a carriage return or a line feed.  Such text gets an apostrophe in front, which
spreadsheets take as "this is text"; numbers are written as they are, also negative ones.  A
program that reads the files back takes off an apostrophe that stands before one of these.
Lines end as RFC 4180 has it.
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from homeostat.prediction import LabelledPrediction, Prediction
from homeostat.reports import replacing, utc
from homeostat.schema import Value

__all__ = ["LABEL_COLUMNS", "PREDICTION_COLUMNS", "export_labels", "export_predictions"]

PREDICTION_COLUMNS = (
    "prediction_id",
    "timestamp",
    "model_version",
    "prediction",
    "probability",
    "application_date",
)
LABEL_COLUMNS = (
    "prediction_id",
    "true_label",
    "label_timestamp",
    "label_source",
    "days_delayed",
    "updated_at",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = Value | datetime


def export_predictions(
    batches: Iterable[Sequence[Prediction]], feature_names: Sequence[str], path: Path
) -> int:
    """How many predictions were written to `path`, one to a line under `PREDICTION_COLUMNS`.

    Parameters
    ----------
    batches
        As they come from the store; never held all at once.
    feature_names
        Columns that follow.  One that is named like a column before it is written as
        ``feature_<name>``; a row without the feature leaves its cell empty.
    path
        Replaced once the new file is whole; on a failure it stays as it was.

    Raises
    ------
    Unavailable
        When the file cannot be written.
    """
    header = list(PREDICTION_COLUMNS)
    for name in feature_names:
        header.append(_free(name, {*header, *feature_names} - {name} | set(PREDICTION_COLUMNS)))
    rows = (_prediction(one, feature_names) for batch in batches for one in batch)
    return _write(path, header, rows)


def export_labels(batches: Iterable[Sequence[LabelledPrediction]], path: Path) -> int:
    """How many labels were written to `path`, one to a line under `LABEL_COLUMNS`.

    ``label_timestamp`` is when the truth was known, or else when it was told; ``days_delayed``
    runs to it from the application date, in days; ``updated_at`` is when it was told.  `path`
    is replaced once the new file is whole; on a failure it stays as it was.

    Raises
    ------
    Unavailable
        When the file cannot be written.
    """
    return _write(path, LABEL_COLUMNS, (_label(one) for batch in batches for one in batch))


def _prediction(one: Prediction, feature_names: Sequence[str]) -> list[Cell]:
    return [
        one.id,
        one.received_at,
        one.version,
        one.prediction,
        one.probability,
        one.event_time or one.received_at,
        *(one.features.get(name) for name in feature_names),
    ]


def _label(one: LabelledPrediction) -> list[Cell]:
    label, prediction = one.label, one.prediction
    known = label.labelled_at or label.received_at
    delay = known - (prediction.event_time or prediction.received_at)
    days = round(delay / timedelta(days=1), 3)
    return [label.prediction_id, label.value, known, label.source, days, label.received_at]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    n = 0
    with replacing(path) as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([_cell(name) for name in header])
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            n += 1
    return n


def _cell(value: Cell) -> str | float | int | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"feature_{name}"
    return name
