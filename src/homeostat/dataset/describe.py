"""What a data file holds: its features, what was left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from homeostat.dataset.columns import as_text, listed, row_numbers
from homeostat.dataset.leave_out import doubt, reason_to_leave_out
from homeostat.dataset.notes import note
from homeostat.dataset.target import describe_target
from homeostat.dataset.times import parse_times
from homeostat.errors import UserError
from homeostat.extension import did_you_mean
from homeostat.schema import Feature, Kind, Schema, Target, Task

__all__ = ["Description", "describe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What `describe` found in a frame."""

    schema: Schema
    id_column: str | None
    time_column: str | None  #: None: the rows are in time order as they stand
    warnings: tuple[str, ...]  #: what was left out or is strange, one sentence each
    notes: Mapping[str, str]  #: by feature, what was seen: "0 to 109, 19.8 % missing"
    rows: int
    positives: int  #: rows of the positive class


def describe(
    frame: pl.DataFrame,
    *,
    target: str,
    id_column: str | None = None,
    time_column: str | None = None,
    task: Task | None = None,
) -> Description:
    """The schema that a frame suggests, with warnings about all that was left out of it.

    Ranges are what is possible, not what was seen: from 0 for numbers without a negative
    one, else open.  Columns are left out that are constant, empty, identifiers, times,
    texts with over 200 values, or that give the target away.

    Raises
    ------
    UserError
        When the frame cannot be learnt from; all that is wrong is named at once.
    """
    given = {"target": target, "id": id_column, "time": time_column}
    problems = _misnamed(frame, {role: name for role, name in given.items() if name is not None})
    problems += _unusable_values(frame, id_column, time_column)
    found: Target | None = None
    warnings: list[str] = []
    if target in frame.columns:
        found, more, said = describe_target(frame[target], task)
        problems += more
        warnings += said
    columns = [frame[name] for name in frame.columns if name not in given.values()]
    problems += _infinite(columns)
    if problems or found is None:
        raise UserError("the data cannot be used", problems)
    features, more_warnings = _features(columns, frame[target], found)
    if not features:
        raise UserError("the data cannot be used: no column is left as a feature", more_warnings)
    schema = Schema(task=Task.BINARY, target=found, features=features)
    return Description(
        schema=schema,
        id_column=id_column,
        time_column=time_column,
        warnings=(*warnings, *more_warnings),
        notes={name: note(frame[name]) for name in schema.names},
        rows=frame.height,
        positives=int((as_text(frame[target]) == found.positive).sum()),
    )


def _misnamed(frame: pl.DataFrame, given: Mapping[str, str]) -> list[str]:
    columns = frame.columns
    problems = [
        f"there is no column {name!r} for the {role}; {did_you_mean(name, columns)}"
        for role, name in given.items()
        if name not in columns
    ]
    names = list(given.values())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"{listed(twice)} cannot be two of target, id and time at once")
    return problems


def _unusable_values(
    frame: pl.DataFrame, id_column: str | None, time_column: str | None
) -> list[str]:
    problems = [] if frame.height else ["there are no rows"]
    if id_column in frame.columns:
        ids = frame[str(id_column)]
        if ids.null_count():
            problems.append(f"{id_column!r} is the id, but missing {row_numbers(ids.is_null())}")
        repeated = ids.is_duplicated() & ids.is_not_null()
        if repeated.any():
            problems.append(f"{id_column!r} is the id, but repeats {row_numbers(repeated)}")
    if time_column in frame.columns:
        try:
            parse_times(frame, str(time_column))
        except UserError as error:
            problems += error.problems
    return problems


def _infinite(columns: list[pl.Series]) -> list[str]:
    return [
        f"{column.name!r} is infinite {row_numbers(column.is_infinite())}; leave those empty"
        for column in columns
        if column.dtype == pl.Float64 and column.is_infinite().any()
    ]


def _features(
    columns: list[pl.Series], target: pl.Series, found: Target
) -> tuple[tuple[Feature, ...], list[str]]:
    positive = as_text(target) == found.positive
    features, warnings = [], []
    for column in columns:
        if reason := reason_to_leave_out(column, target, positive):
            warnings.append(f"{column.name!r} was left out: it {reason}")
            continue
        features.append(_feature(column))
        if strange := doubt(column, positive):
            warnings.append(f"{column.name!r} {strange}")
    return tuple(features), warnings


def _feature(column: pl.Series) -> Feature:
    nullable = column.null_count() > 0
    if column.dtype == pl.String:
        seen = tuple(sorted(column.drop_nulls().unique().to_list()))
        return Feature(name=column.name, kind=Kind.CATEGORY, categories=seen, nullable=nullable)
    if column.dtype == pl.Boolean:
        return Feature(name=column.name, kind=Kind.BOOLEAN, nullable=nullable)
    return Feature(
        name=column.name,
        kind=Kind.INTEGER if column.dtype.is_integer() else Kind.NUMBER,
        minimum=None if (column < 0).any() else 0.0,
        nullable=nullable,
    )
