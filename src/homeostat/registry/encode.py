"""Rows as the matrix of floats that estimators are trained on and fed with."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.engines.rows import as_category
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Row, Schema, Value

if TYPE_CHECKING:
    import polars as pl

__all__ = ["UNKNOWN", "encode", "encode_frame", "row_encoder"]

UNKNOWN = -1.0  #: code of a category that the schema does not name

_Encoder = Callable[[Value], float]


def encode(schema: Schema, rows: Sequence[Row]) -> NDArray[np.float64]:
    """The rows as floats of shape (n, k), columns in the order of the schema.

    Numbers stay as they are, booleans become 0 and 1, a category its place in
    ``feature.categories``, an unknown one -1.  None, NaN and what a row does not have are NaN.

    Raises
    ------
    UserError
        When a number or boolean feature holds something else; each such feature is named.

    Examples
    --------
    >>> from homeostat.schema import Target, Task
    >>> features = (
    ...     Feature(name="age", kind=Kind.NUMBER),
    ...     Feature(name="job", kind=Kind.CATEGORY, categories=("cook", "clerk")),
    ... )
    >>> schema = Schema(task=Task.BINARY, target=Target(column="bad"), features=features)
    >>> encode(schema, [{"age": 41, "job": "clerk"}, {"age": None, "job": "king"}])
    array([[41.,  1.],
           [nan, -1.]])
    """
    encoders = _encoders(schema)
    try:
        codes = [[to_code(row.get(name)) for name, to_code in encoders] for row in rows]
    except (TypeError, ValueError, OverflowError):
        raise UserError("the rows cannot be encoded", _unusable(encoders, rows)) from None
    return np.array(codes, dtype=np.float64).reshape(len(rows), len(encoders))


def row_encoder(schema: Schema) -> Callable[[Row], list[float]]:
    """What makes of one row what `encode` makes of it, as a plain list, with less around it."""
    encoders = _encoders(schema)

    def encode_one(row: Row) -> list[float]:
        try:
            return [to_code(row.get(name)) for name, to_code in encoders]
        except (TypeError, ValueError, OverflowError):
            raise UserError("the rows cannot be encoded", _unusable(encoders, [row])) from None

    return encode_one


def encode_frame(schema: Schema, frame: "pl.DataFrame") -> NDArray[np.float64]:
    """The same matrix as `encode` gives for the rows of a frame, one column at a time.

    Raises
    ------
    UserError
        When a column is missing, or a number or boolean column holds something else.
    """
    missing = [f"{name!r}: no such column" for name in schema.names if name not in frame.columns]
    if missing:
        raise UserError("the frame cannot be encoded", missing)
    matrix = np.empty((frame.height, len(schema.features)))
    for i, feature in enumerate(schema.features):
        matrix[:, i] = _column(frame[feature.name], feature)
    return matrix


@lru_cache(maxsize=64)
def _encoders(schema: Schema) -> tuple[tuple[str, _Encoder], ...]:
    return tuple((feature.name, _encoder(feature)) for feature in schema.features)


def _encoder(feature: Feature) -> _Encoder:
    if feature.kind is not Kind.CATEGORY:
        return _number
    places = {category: float(i) for i, category in enumerate(feature.categories)}

    def code(value: Value) -> float:
        if value is None or value != value:  # noqa: PLR0124  # NaN alone differs from itself
            return math.nan
        return places.get(as_category(value), UNKNOWN)

    return code


def _number(value: Value) -> float:
    if type(value) is float:  # as most are
        return value
    if value is None:
        return math.nan
    if isinstance(value, str):  # float() would read text that looks like a number
        raise TypeError(value)
    return float(value)


def _unusable(encoders: Sequence[tuple[str, _Encoder]], rows: Sequence[Row]) -> list[str]:
    problems = []
    for name, to_code in encoders:
        for i, row in enumerate(rows):
            try:
                to_code(row.get(name))
            except (TypeError, ValueError, OverflowError):
                text = repr(row.get(name))[:40]
                problems.append(f"{name}: {text} in row {i} is not a number that a float can hold")
                break
    return problems


def _column(column: "pl.Series", feature: Feature) -> NDArray[np.float64]:
    import polars as pl

    if feature.kind is Kind.CATEGORY:
        return _category_column(column, feature.categories)
    if not (column.dtype.is_numeric() or column.dtype in {pl.Boolean, pl.Null}):
        message = f"{feature.name}: a {feature.kind} is asked, the column holds {column.dtype}"
        raise UserError("the frame cannot be encoded", [message])
    floats: NDArray[np.float64] = column.cast(pl.Float64).fill_null(math.nan).to_numpy()
    return floats


def _category_column(column: "pl.Series", categories: Sequence[str]) -> NDArray[np.float64]:
    # Each value that occurs is written as text once, by the same function as in a single row.
    found: Mapping[Value, float] = {
        value: _place(value, categories) for value in column.unique().to_list()
    }
    codes: list[float] = [
        math.nan if value is None or value != value else found[value]  # noqa: PLR0124  # NaN
        for value in column.to_list()
    ]
    return np.array(codes, dtype=np.float64)


def _place(value: Value, categories: Sequence[str]) -> float:
    if value is None:
        return math.nan
    text = as_category(value)
    return float(categories.index(text)) if text in categories else UNKNOWN
