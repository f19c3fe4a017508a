"""Whether a frame holds what a schema asks, checked by Pandera."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import polars as pl

from homeostat.dataset.columns import as_text, listed, row_numbers
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Schema, Target

if TYPE_CHECKING:
    from pandera.polars import Check, DataFrameSchema, PolarsData

__all__ = ["validate_frame"]

_TRUE, _FALSE = ("true", "1"), ("false", "0")


def validate_frame(frame: pl.DataFrame, schema: Schema, *, with_target: bool) -> pl.DataFrame:
    """The needed columns in the schema's order and types, the target last when asked for.

    Numbers come out as Int64 or Float64, booleans as Boolean, categories and the target as
    text.  Categories that the schema does not know are no error: they are scored as unknown.

    Raises
    ------
    UserError
        With a line for each column and check that failed: in how many rows, and the first
        of them; the first row after the header is row 1.
    """
    from pandera.errors import SchemaErrors

    wanted = [*schema.names, *([schema.target.column] if with_target else [])]
    given = frame.select([name for name in wanted if name in frame.columns])
    floats = [column.name for column in given if column.dtype.is_float()]
    given = given.with_columns(pl.col(floats).fill_nan(None))
    try:
        _pandera_schema(given, schema, with_target=with_target).validate(given, lazy=True)
    except SchemaErrors as errors:
        problems = list(_problems(errors.failure_cases, wanted, frame))
        raise UserError("the data does not fit the schema", problems) from errors
    columns = [_cast(given[one.name], one.kind) for one in schema.features]
    if with_target:
        columns.append(as_text(given[schema.target.column]))
    return pl.DataFrame(columns)


def _pandera_schema(frame: pl.DataFrame, schema: Schema, *, with_target: bool) -> "DataFrameSchema":
    from pandera.polars import Column, DataFrameSchema

    columns: dict[str, Column] = {}
    for one in schema.features:
        kind = frame.schema.get(one.name, pl.String())
        columns[one.name] = Column(nullable=one.nullable, checks=list(_checks(one, kind)))
    if with_target:
        checks = [_is_class(schema.target)]
        columns[schema.target.column] = Column(nullable=False, checks=checks)
    return DataFrameSchema(columns)


def _checks(feature: Feature, dtype: pl.DataType) -> "Iterable[Check]":
    if feature.kind is Kind.CATEGORY:
        return
    if feature.kind is Kind.BOOLEAN:
        yield _check("true or false", lambda x: _lower(x).is_in([*_TRUE, *_FALSE]))
        return
    # A time would turn into the number of its microseconds.
    numeric = pl.lit(not dtype.is_temporal())
    yield _check("a number", lambda x: numeric & _number(x).is_not_null())
    yield _check("finite", lambda x: _or_no_number(x, _number(x).is_finite()))
    if feature.kind is Kind.INTEGER:
        yield _check("whole", lambda x: _or_no_number(x, _number(x) == _number(x).floor()))
    low, high = feature.minimum, feature.maximum
    if low is not None:
        yield _check(f"at least {low:g}", lambda x: _or_no_number(x, _number(x) >= low))
    if high is not None:
        yield _check(f"at most {high:g}", lambda x: _or_no_number(x, _number(x) <= high))


def _is_class(target: Target) -> "Check":
    name = " or ".join(repr(one) for one in target.classes)
    return _check(
        name, lambda x: x.map_batches(as_text, return_dtype=pl.String).is_in(target.classes)
    )


def _check(name: str, holds: Callable[[pl.Expr], pl.Expr]) -> "Check":
    from pandera.polars import Check

    def look(data: "PolarsData") -> pl.LazyFrame:
        column = pl.col(str(data.key))
        return data.lazyframe.select((column.is_null() | holds(column)).alias(str(data.key)))

    return Check(look, name=name)


def _number(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64, strict=False)


def _or_no_number(column: pl.Expr, holds: pl.Expr) -> pl.Expr:
    # What is no number is told so once, not under each check.
    return _number(column).is_null() | holds


def _lower(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).str.to_lowercase()


def _cast(column: pl.Series, kind: Kind) -> pl.Series:
    if kind is Kind.CATEGORY:
        return as_text(column)
    if kind is Kind.BOOLEAN:
        text = column.cast(pl.String).str.to_lowercase()
        return text.is_in(_TRUE).set(text.is_null(), None)
    number = column if column.dtype.is_integer() else column.cast(pl.Float64)
    return number.cast(pl.Int64 if kind is Kind.INTEGER else pl.Float64)


def _problems(failures: pl.DataFrame, wanted: list[str], frame: pl.DataFrame) -> Iterable[str]:
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        yield f"no column {listed(absent)}; the file has {listed(frame.columns)}"
    failed = failures.filter(pl.col("column").is_not_null())
    for (column, check), rows in failed.group_by("column", "check", maintain_order=True):
        mask = pl.int_range(frame.height, eager=True).is_in(rows["index"].to_list())
        where = row_numbers(mask)
        if check == "not_nullable":
            yield f"{column!r} is missing {where}"
        else:
            example = frame[str(column)].filter(mask)[0]
            yield f"{column!r} is not {check} {where}; the first is {example!r}"
