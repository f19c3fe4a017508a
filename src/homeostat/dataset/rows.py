"""Rows and targets of a frame, as the core wants them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.dataset.columns import as_text, row_numbers
from homeostat.errors import UserError
from homeostat.schema import Row, Schema

__all__ = ["frame_rows", "targets"]


def frame_rows(frame: pl.DataFrame, schema: Schema) -> list[Row]:
    """One dictionary for each row of a validated frame: its features, in the schema's order.

    A missing value, NaN included, is None.
    """
    wanted = frame.select(schema.names)
    floats = [name for name in schema.names if wanted[name].dtype.is_float()]
    return wanted.with_columns(pl.col(floats).fill_nan(None)).to_dicts()


def targets(frame: pl.DataFrame, schema: Schema) -> NDArray[np.int64]:
    """1 where the target is the positive class, else 0; shape (n,).

    Raises
    ------
    UserError
        When a value is missing or none of the schema's classes.
    """
    target = schema.target
    if target.column not in frame.columns:
        raise UserError(f"there is no target column {target.column!r} in the frame")
    values = as_text(frame[target.column])
    strange = ~values.is_in(target.classes).fill_null(value=False)
    if strange.any():
        known = " or ".join(repr(one) for one in target.classes)
        raise UserError(f"{target.column!r} is not {known} {row_numbers(strange)}")
    return (values == target.positive).to_numpy().astype(np.int64)
