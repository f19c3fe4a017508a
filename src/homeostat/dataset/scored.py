"""Rows that somebody scored, with the labels that came: a file with time, score and label."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.dataset.columns import as_text, row_numbers
from homeostat.dataset.read import read_frame
from homeostat.dataset.times import in_time_order
from homeostat.errors import UserError
from homeostat.extension import did_you_mean

__all__ = ["ScoredColumns", "ScoredRows", "read_scored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredColumns:
    """Which columns of a file are which."""

    time: str
    score: str  #: probability of the positive class
    label: str  #: empty where it has not come yet
    positive: str = "1"  #: the class whose probability is given, as text


@dataclass(frozen=True, eq=False, slots=True)
class ScoredRows:
    """Rows in time order."""

    score: NDArray[np.float64]  #: in [0, 1], (n,)
    label: NDArray[np.int64]  #: 1 is the positive class, -1 where none has come, (n,)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label, (n,)."""
        return self.label >= 0


def read_scored(path: Path, columns: ScoredColumns) -> ScoredRows:
    """The rows of a CSV or Parquet file.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it cannot be read, or with all that is wrong with the columns.
    """
    frame = read_frame(path)
    asked = {"time": columns.time, "score": columns.score, "label": columns.label}
    problems = [
        f"{role}: no column {name!r}; {did_you_mean(name, frame.columns)}"
        for role, name in asked.items()
        if name not in frame.columns
    ]
    if not problems:
        problems = [*_in_scores(frame[columns.score]), *_in_labels(frame[columns.label], columns)]
    if problems:
        raise UserError(f"{path} cannot be used as scored rows", problems)
    rows = in_time_order(frame, columns.time)
    said = as_text(rows[columns.label])
    label = (said == columns.positive).cast(pl.Int64).fill_null(-1)
    return ScoredRows(rows[columns.score].cast(pl.Float64).to_numpy(), label.to_numpy())


def _in_scores(score: pl.Series) -> list[str]:
    if not score.dtype.is_numeric():
        return [f"score: {score.name!r} holds no numbers"]
    outside = ~score.is_between(0, 1).fill_null(value=False)
    if outside.any():
        return [f"score: {score.name!r} is missing or not in [0, 1] {row_numbers(outside)}"]
    return []


def _in_labels(label: pl.Series, columns: ScoredColumns) -> list[str]:
    classes = as_text(label.drop_nulls()).unique().sort().to_list()
    if len(classes) > 2:
        return [f"label: {label.name!r} holds {len(classes)} classes; two are asked"]
    if columns.positive not in classes:
        held = ", ".join(classes) or "nothing"
        return [f"label: {label.name!r} never is {columns.positive!r} but {held}; see --positive"]
    return []
