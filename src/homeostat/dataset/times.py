"""Times in a column, and rows in their order."""

import polars as pl

from homeostat.dataset.columns import row_numbers
from homeostat.errors import UserError

__all__ = ["in_time_order", "is_times", "parse_times"]

_DAY = "%Y-%m-%d"
_FORMATS = (f"{_DAY} %H:%M:%S%.f", f"{_DAY} %H:%M", _DAY)
_OFFSET_FORMATS = (f"{_DAY} %H:%M:%S%.f%z", f"{_DAY} %H:%M%z")
_YEAR_FIRST = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]|$)"


def parse_times(frame: pl.DataFrame, column: str) -> pl.Series:
    """When each row happened, in UTC; the numbers themselves for a column of numbers.

    A text is read year first, such as ``2024-01-31``, ``2024-01-31 9:30`` or
    ``2024-01-31T09:30:00.5+02:00``; without an offset it is taken as UTC.

    Raises
    ------
    UserError
        When values are missing or cannot be read; the rows are named.
    """
    values = frame[column]
    problems = []
    if values.null_count():
        problems.append(f"{column!r} is the time, but missing {row_numbers(values.is_null())}")
    if values.dtype == pl.Boolean:
        problems.append(f"{column!r} is the time, but holds true and false")
    times = _parsed(values) if values.dtype == pl.String else values
    unread = times.is_null() & values.is_not_null()
    if unread.any():
        example = values.filter(unread)[0]
        problems.append(
            f"{column!r} is no time {row_numbers(unread)} (such as {example!r}); "
            "write 2024-01-31 or 2024-01-31T09:30:00Z"
        )
    if problems:
        raise UserError("the time of the rows cannot be told", problems)
    return times


def in_time_order(frame: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """The rows from oldest to newest, those of equal time as they stand.

    Without a column the rows are taken to be in time order as they stand.
    """
    if column is None:
        return frame
    times = pl.DataFrame({"time": parse_times(frame, column)}).with_row_index("place")
    return frame[times.sort("time", maintain_order=True)["place"]]


def is_times(values: pl.Series) -> bool:
    """Whether all values, of which there is at least one, are times."""
    if values.dtype.is_temporal():
        return values.null_count() < len(values)
    known = values.drop_nulls()
    if values.dtype != pl.String or not len(known) or not known.str.contains(_YEAR_FIRST).all():
        return False
    return not _parsed(known).has_nulls()


def _parsed(text: pl.Series) -> pl.Series:
    clean = text.str.replace_all("/", "-").str.replace("T", " ").str.replace("Z$", "+00:00")
    year_first = pl.when(text.str.contains(_YEAR_FIRST)).then(clean)
    plain = [
        year_first.str.to_datetime(one, time_unit="us", strict=False).dt.replace_time_zone("UTC")
        for one in _FORMATS
    ]
    offset = [
        year_first.str.to_datetime(one, time_unit="us", time_zone="UTC", strict=False)
        for one in _OFFSET_FORMATS
    ]
    return pl.select(pl.coalesce(*plain, *offset).alias(text.name)).to_series()
