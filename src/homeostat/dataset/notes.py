"""What was seen in a column, in one line for people."""

import polars as pl

__all__ = ["note", "percent"]


def note(column: pl.Series) -> str:
    """What was seen in a column, and how much of it is missing.

    Examples
    --------
    >>> note(pl.Series([0, 3_008_750, None]))
    '0 to 3,008,750, 33.3 % missing'
    """
    known = column.drop_nulls()
    missing = percent(column.null_count(), len(column))
    return f"{_seen(known)}, {missing if column.null_count() else 'none'} missing"


def percent(part: int, whole: int) -> str:
    """A share with one decimal; never "0.0 %" for some, nor "100.0 %" for not all.

    Examples
    --------
    >>> percent(1, 3), percent(1, 9000), percent(0, 5), percent(8999, 9000)
    ('33.3 %', 'under 0.1 %', '0.0 %', 'over 99.9 %')
    """
    if 0 < part < whole * 0.001:
        return "under 0.1 %"
    if whole * 0.999 < part < whole:
        return "over 99.9 %"
    return f"{100 * part / whole:.1f} %"


def _seen(known: pl.Series) -> str:
    if known.dtype == pl.Boolean:
        return f"true in {percent(int(known.sum()), len(known))}"
    if known.dtype == pl.String:
        counts = known.alias("value").value_counts()
        top = counts.sort("count", "value", descending=[True, False])
        most, often = top.row(0)
        many = f"{len(top)} value{'s' if len(top) > 1 else ''}"
        return f"{many}, most often {_short(most)} ({percent(often, len(known))})"
    return f"{_number(known.min())} to {_number(known.max())}"


def _number(value: object) -> str:
    x = float(str(value))
    if x == int(x) and abs(x) < 1e15:
        return f"{int(x):,}"
    return f"{x:,.1f}" if 1000 <= abs(x) < 1e15 else f"{x:.4g}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
