"""Columns of plain types: whole numbers, numbers, booleans, texts and times."""

from collections.abc import Sequence

import polars as pl

from homeostat.errors import UserError

__all__ = ["as_text", "listed", "plain_columns", "row_numbers", "typed_columns"]

NULLS = ("", "NA", "NaN", "null")

_WHOLE = r"^[+-]?\d+$"
_CODE = r"^[+-]?0\d"  #: a leading zero: a postcode, an account, not a quantity
_BOOLEANS = ("true", "false")


def typed_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with each column of text turned into what all of its values are."""
    return pl.DataFrame([_typed(_cleaned(column)) for column in frame])


def plain_columns(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame with each column in the plain type nearest to its own.

    Raises
    ------
    UserError
        When columns hold lists, records, bytes or durations; `name` is that of the file.
    """
    strange = [
        f"{column.name!r} holds {column.dtype}; make it numbers, text or times"
        for column in frame
        if column.dtype.is_nested()
        or column.dtype in {pl.Binary, pl.Object, pl.Duration, pl.Time, pl.Unknown}
    ]
    if strange:
        raise UserError(f"{name} has columns that are no table", strange)
    return pl.DataFrame([_plain(column) for column in frame])


def as_text(column: pl.Series) -> pl.Series:
    """The values as a category is written: true and false in lower case, 2.0 as ``2``."""
    if column.dtype == pl.Boolean or not column.dtype.is_float():
        return column.cast(pl.String)
    whole = column.cast(pl.Int64, strict=False)
    is_whole = (whole.cast(pl.Float64) == column).fill_null(value=False)
    return whole.cast(pl.String).zip_with(is_whole, column.cast(pl.String))


def row_numbers(mask: pl.Series, shown: int = 5) -> str:
    """Where `mask` holds, for a message; the first row after the header is row 1.

    Examples
    --------
    >>> row_numbers(pl.Series([False, True, True]))
    'in 2 rows: 2, 3'
    """
    rows = (mask.fill_null(value=False).arg_true() + 1).to_list()
    text = ", ".join(f"{row:,}" for row in rows[:shown])
    more = f" and {len(rows) - shown:,} more" if len(rows) > shown else ""
    return f"in {len(rows):,} row{'s' if len(rows) != 1 else ''}: {text}{more}"


def listed(names: Sequence[str]) -> str:
    """Names in quotes, with commas."""
    return ", ".join(repr(name) for name in names)


def _cleaned(text: pl.Series) -> pl.Series:
    stripped = text.str.strip_chars()
    return stripped.set(stripped.is_in(NULLS), None)


def _typed(text: pl.Series) -> pl.Series:
    known = text.drop_nulls()
    if not len(known) or known.str.contains(_CODE).any():
        return text
    if known.str.to_lowercase().is_in(_BOOLEANS).all():
        return text.str.to_lowercase() == "true"
    # Whole numbers that 64 bits do not hold would lose digits as floats.
    kind = pl.Int64 if known.str.contains(_WHOLE).all() else pl.Float64
    numbers = text.cast(kind, strict=False)
    return numbers if numbers.null_count() == text.null_count() else text


def _plain(column: pl.Series) -> pl.Series:
    kind = column.dtype
    if kind.is_integer():
        numbers = column.cast(pl.Int64, strict=False)
        fits = numbers.null_count() == column.null_count()
        return numbers if fits else column.cast(pl.String)
    if kind.is_float() or kind.is_decimal():
        return column.cast(pl.Float64).fill_nan(None)
    if kind == pl.Boolean:
        return column
    if kind.is_temporal():
        moments = column.cast(pl.Datetime("us", getattr(kind, "time_zone", None))).dt
        return moments.convert_time_zone("UTC")  # those without a zone are taken as UTC
    return _cleaned(column.cast(pl.String))
