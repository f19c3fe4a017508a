"""Frames of pandas as sources, columns of Python objects among them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from homeostat.engines.arrow_frames import unique
from homeostat.engines.kinds import ColumnKind, arrow_kind
from homeostat.engines.rows import as_category
from homeostat.engines.source import BATCH_ROWS, Column, Source
from homeostat.schema import Kind

__all__ = ["pandas_source"]

#: What pandas infers of the objects of a column, missing ones aside.
_INFERRED = {
    "string": Kind.CATEGORY,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "floating": Kind.NUMBER,
    "mixed-integer-float": Kind.NUMBER,
    "decimal": Kind.NUMBER,
}
_CALLED = (
    (str, "text"),
    (bool | np.bool_, "true and false"),
    (Real | Decimal, "numbers"),
    (bytes, "bytes"),
    (date, "dates"),
    (time, "times of day"),
    (timedelta, "durations"),
    (list | tuple | set, "lists"),
    (dict, "records"),
)


def pandas_source(frame: pd.DataFrame) -> Source:
    """A frame of pandas as a source."""
    names = [str(name) for name in frame.columns]
    unique(names)
    columns = {name: frame.iloc[:, i] for i, name in enumerate(names)}

    def batches(wanted: Sequence[Column]) -> Iterator[Any]:
        for start in range(0, len(frame), BATCH_ROWS):
            arrays = [
                _as_arrow(columns[one.name].iloc[start : start + BATCH_ROWS], one.kind)
                for one in wanted
            ]
            yield pa.RecordBatch.from_arrays(arrays, [one.name for one in wanted])

    kinds = {name: _kind(column) for name, column in columns.items()}
    return Source(what="the frame", kinds=kinds, batches=batches)


def _kind(column: "pd.Series[Any]") -> ColumnKind:
    name = str(column.dtype)
    if column.dtype != object:
        try:
            return replace(arrow_kind(pa.array(column.iloc[:0], from_pandas=True).type), type=name)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            return ColumnKind(kind=None, type=name, reason=f"holds values of type {name}")
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred == "empty":
        return ColumnKind(kind=None, type=name, reason="holds no value at all", empty=True)
    if inferred in _INFERRED:
        return ColumnKind(kind=_INFERRED[inferred], type=name)
    return ColumnKind(kind=None, type=name, reason=f"holds {_contents(column)}")


def _contents(column: "pd.Series[Any]") -> str:
    """What the objects of a column are: "text and numbers"."""
    called = {
        next((text for base, text in _CALLED if issubclass(one, base)), f"{one.__name__} objects")
        for one in set(map(type, column.dropna()))
    }
    known = [text for _, text in _CALLED if text in called]
    return " and ".join([*known, *sorted(called.difference(known))])


def _as_arrow(part: "pd.Series[Any]", kind: Kind) -> Any:
    if part.dtype != object:
        array = pa.array(part, from_pandas=True)
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    inferred = _INFERRED.get(pd.api.types.infer_dtype(part, skipna=True), Kind.CATEGORY)
    if inferred is Kind.CATEGORY:
        return pa.array(part, pa.large_string(), from_pandas=True)
    if inferred is Kind.BOOLEAN:
        return pa.array(part, pa.bool_(), from_pandas=True)
    if kind.is_numeric:
        return pa.array(part.to_numpy(dtype=float, na_value=float("nan")))
    # Whole numbers and fractions are written as they are: 1 is not 1.0.
    words = [None if pd.isna(value) else as_category(value) for value in part]
    return pa.array(words, pa.large_string())
