"""The quality of answers that stand in a file beside their labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import UserError
from homeostat.extension import did_you_mean
from homeostat.schema import Task

if TYPE_CHECKING:
    import polars as pl

    from homeostat.performance import MulticlassPerformance, Performance, RegressionPerformance

__all__ = ["FileColumns", "file_quality"]

#: Sums of the scores of one row may be off by so much.
SUM_OFF = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumns:
    """Which columns of a file are what."""

    label: str | None
    scores: tuple[str, ...] = ()  #: one column, or CLASS=COLUMN for each class
    prediction: str | None = None
    positive: str = "1"
    threshold: float = 0.5
    quantile: float = 0.5


def file_quality(
    path: Path, columns: FileColumns, task: Task, *, by: str | None = None
) -> dict[str, Any]:
    """Every figure of a labelled file, as plain data that JSON can hold.

    Rows without a label are left out and counted.

    Raises
    ------
    UserError
        When a column is not there, or holds what cannot be used; all that is wrong is named.
    """
    from homeostat.assessment import figure_dict
    from homeostat.dataset import read_frame
    from homeostat.reports import strict
    from homeostat.weakness import group_rows

    frame = read_frame(path)
    _refuse_columns(frame, columns, task, by)
    full = len(frame)
    frame = frame.drop_nulls(columns.label)
    if not len(frame):
        raise UserError(f"{path}: no row has a label in {columns.label!r}")
    parts = {}
    if by is not None:
        codes, names = group_rows(frame.select(by).to_dicts(), [by]).get(
            by, (np.zeros(len(frame), dtype=np.int64), [by])
        )
        parts = {
            str(name): _measured(frame.filter(codes == i), frame, columns, task).figures()
            for i, name in enumerate(names)
            if (codes == i).any()
        }
    whole = _measured(frame, frame, columns, task)
    plain: dict[str, Any] = strict(
        {
            "file": path.name,
            "task": task.value,
            "rows": len(frame),
            "unlabelled": full - len(frame),
            "metrics": {name: figure_dict(one) for name, one in whole.figures().items()},
            "by": {
                part: {name: figure_dict(one) for name, one in figures.items()}
                for part, figures in parts.items()
            },
        }
    )
    return plain


def _measured(
    frame: "pl.DataFrame", whole: "pl.DataFrame", columns: FileColumns, task: Task
) -> "Performance | MulticlassPerformance | RegressionPerformance":
    """The sums over the rows of `frame`, with the classes of the `whole` file."""
    if task is Task.REGRESSION:
        return _regression(frame, columns)
    if task is Task.MULTICLASS:
        return _multiclass(frame, whole, columns)
    return _binary(frame, columns)


def _binary(frame: "pl.DataFrame", columns: FileColumns) -> "Performance":
    from homeostat.performance import Performance

    assert columns.label is not None  # noqa: S101  # `_refuse_columns` saw to it
    labels = _is_class(frame[columns.label], columns.positive)
    scores = _numbers(frame, columns.scores[0])
    if scores.min() < 0 or scores.max() > 1:
        seen = f"{scores.min():g} to {scores.max():g}"
        raise UserError(f"the scores in {columns.scores[0]!r} run from {seen}, not within 0 to 1")
    if columns.prediction is None:
        answers = (scores >= columns.threshold).astype(np.int64)
    else:
        answers = _is_class(frame[columns.prediction], columns.positive)
    return Performance.of(labels, answers, scores)


def _multiclass(
    frame: "pl.DataFrame", whole: "pl.DataFrame", columns: FileColumns
) -> "MulticlassPerformance":
    import polars as pl

    from homeostat.performance import MulticlassPerformance

    of_class = dict(one.rpartition("=")[::2] for one in columns.scores)
    both = [columns.label or "", columns.prediction or ""]
    names = sorted({str(one) for name in both for one in whole[name].cast(pl.String).unique()})
    lost = [one for one in names if of_class and one not in of_class]
    if lost:
        raise UserError("give --score CLASS=COLUMN for every class", [f"{one!r}" for one in lost])
    classes = [*names, *sorted(set(of_class) - set(names))]
    place = {name: i for i, name in enumerate(classes)}
    labels, answers = (
        np.array([place[one] for one in frame[name].cast(pl.String).to_list()], dtype=np.int64)
        for name in both
    )
    if not of_class:
        return MulticlassPerformance.of(labels, answers, classes=classes)
    scores = np.column_stack([_numbers(frame, of_class[one]) for one in classes])
    if scores.min() < 0 or np.abs(scores.sum(axis=1) - 1).max() > SUM_OFF:
        raise UserError("the scores of a row must be at least 0 and have the sum 1")
    return MulticlassPerformance.of(labels, answers, scores, classes=classes)


def _regression(frame: "pl.DataFrame", columns: FileColumns) -> "RegressionPerformance":
    from homeostat.performance import RegressionPerformance

    targets = _numbers(frame, columns.label or "")
    answers = _numbers(frame, columns.prediction or columns.scores[0])
    return RegressionPerformance.of(targets, answers, quantile=columns.quantile)


def _refuse_columns(
    frame: "pl.DataFrame", columns: FileColumns, task: Task, by: str | None
) -> None:
    problems = []
    if columns.label is None:
        problems.append("--label: name the column with the labels")
    if task is Task.BINARY and len(columns.scores) != 1:
        problems.append("--score: name the one column with the scores of --positive")
    if task is Task.MULTICLASS and columns.prediction is None:
        problems.append("--prediction: name the column with the answers")
    if task is Task.MULTICLASS and any("=" not in one for one in columns.scores):
        problems.append("--score: write CLASS=COLUMN for each class")
    if task is Task.REGRESSION and not (columns.prediction or columns.scores):
        problems.append("--prediction: name the column with the answers")
    if not 0 < columns.quantile < 1:
        problems.append(f"--quantile {columns.quantile:g}: must lie between 0 and 1")
    scores = [one.rpartition("=")[2] if task is Task.MULTICLASS else one for one in columns.scores]
    named = [one for one in (columns.label, columns.prediction, by, *scores) if one]
    problems += [
        f"no column {one!r}; {did_you_mean(one, frame.columns)}"
        for one in named
        if one not in frame.columns
    ]
    if not problems and columns.label is not None and task is Task.BINARY:
        classes = frame[columns.label].drop_nulls().n_unique()
        if classes > 2:
            problems.append(
                f"{columns.label!r} holds {classes} classes; give --task multiclass or regression"
            )
    if problems:
        raise UserError("the file cannot be measured", problems)


def _is_class(column: "pl.Series", name: str) -> NDArray[np.int64]:
    """1 where the value is the class of this name, 0 where it is another."""
    import polars as pl

    if column.null_count():
        message = f"{column.name!r} has no value in {column.null_count():,} labelled rows"
        raise UserError(message)
    if column.dtype == pl.Boolean:
        found = column == (name.lower() in {"1", "true", "yes"})
    elif column.dtype.is_numeric():
        try:
            found = column == float(name)
        except ValueError as error:
            message = f"--positive {name}: {column.name!r} holds numbers; name one of them"
            raise UserError(message) from error
    else:
        found = column.cast(pl.String) == name
    return found.to_numpy().astype(np.int64)


def _numbers(frame: "pl.DataFrame", name: str) -> NDArray[np.float64]:
    column = frame[name]
    if not column.dtype.is_numeric() or column.null_count():
        raise UserError(f"{name!r} is not a number in every labelled row")
    numbers: NDArray[np.float64] = column.cast(float).to_numpy()
    if not np.isfinite(numbers).all():
        raise UserError(f"{name!r} is not a finite number in every labelled row")
    return numbers
