"""Columns of Arrow as the counting wants them: floats with NaN, or codes with their words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.engines.rows import as_category
from homeostat.errors import UserError

__all__ = ["as_words", "codes", "numbers"]


def numbers(name: str, column: Any) -> NDArray[np.float64]:
    """The values of an Arrow array as floats, NaN where one is missing.

    Whole numbers and decimals are rounded to the nearest float, as `float` does.

    Raises
    ------
    UserError
        When the array holds text; also where that reads like a number.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return numbers(name, column.dictionary_decode())
    if column.null_count == len(column):
        return np.full(len(column), np.nan)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_decimal(kind):
        # Arrow's own way from decimal to double rounds twice.
        column = column.cast(pa.string()).cast(pa.float64())
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        example = next(one.as_py() for one in column if one.is_valid)
        raise UserError(f"{name!r} holds values that are not numbers, such as {example!r}")
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(float, copy=False)
    return values


def codes(column: Any) -> tuple[NDArray[np.intp], Any]:
    """A code for each value of an Arrow array, and the array of what the codes stand for.

    A code of the length of that array stands for a missing value.
    """
    import pyarrow as pa

    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())  # half a float has no dictionary in older versions
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    missing = len(column.dictionary)
    indices = column.indices
    if indices.null_count:
        indices = indices.cast(pa.int64()).fill_null(missing)
    return indices.to_numpy(zero_copy_only=False), column.dictionary


def as_words(dictionary: Any) -> list[str | None]:
    """What the codes of a dictionary stand for, as categories are written; None if missing."""
    return [
        None if value is None or value != value else as_category(value)  # noqa: PLR0124  # NaN
        for value in dictionary.to_pylist()
    ]
