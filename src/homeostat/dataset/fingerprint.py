"""Telling data apart by their content."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

__all__ = ["fingerprint"]

_SLICE = 65_536  #: rows at a time, so that memory does not grow with the file


def fingerprint(frame: pl.DataFrame) -> str:
    """sha256 of the canonical content, in hex; equal for equal content only.

    Columns are taken by name, so their order does not count; the order of the rows does,
    for it may be that of time.  Floats go in by `repr`, so every bit of them counts, and 1
    is not 1.0; a null is not a text "null"; the width of a number's type does not count.
    """
    digest = hashlib.sha256()
    for name in sorted(frame.columns):
        column = frame[name]
        # JSON keeps no line break within a value, so a line is a column, without doubt.
        digest.update(json.dumps([name, _kind(column.dtype), len(column)]).encode() + b"\n")
        for chunk in _slices(column):
            digest.update(json.dumps(chunk, default=_moment)[1:-1].encode() + b",")
        digest.update(b"\n")
    return digest.hexdigest()


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    return "time" if dtype.is_temporal() else str(dtype)


def _slices(column: pl.Series) -> Iterator[list[Any]]:
    return (column.slice(at, _SLICE).to_list() for at in range(0, len(column), _SLICE))


def _moment(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)
