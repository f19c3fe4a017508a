"""Counting whole frames: every kind of them reaches the same kernel as batches of Arrow."""

from typing import Any

from homeostat.bins import Bins
from homeostat.engines.dispatch import source_of
from homeostat.engines.fitting import fit_source
from homeostat.engines.kernel import count_batches
from homeostat.engines.kinds import ColumnKind
from homeostat.engines.source import reading, usable
from homeostat.profile import Profile
from homeostat.schema import Schema

__all__ = ["column_kinds", "count_frame", "fit_frame_bins"]


def column_kinds(frame: Any) -> dict[str, ColumnKind]:
    """What each column of a frame or a `Source` holds, in the order of the columns.

    Raises
    ------
    UserError
        When it is no frame, or two columns have the same name.

    Examples
    --------
    >>> import polars as pl
    >>> kinds = column_kinds(pl.DataFrame({"age": [41], "seen": [[1, 2]]}))
    >>> kinds["age"].kind.value, kinds["seen"].reason
    ('integer', 'holds lists')
    """
    return dict(source_of(frame).kinds)


def fit_frame_bins(frame: Any, schema: Schema) -> Bins:
    """The frozen bins of a reference: a frame of any kind or a `Source`.

    Raises
    ------
    UserError
        When a feature has no column, one that cannot be binned, or no value; all of them
        are named.
    """
    source = source_of(frame)
    usable(source, schema.features)
    return fit_source(source, schema)


def count_frame(frame: Any, bins: Bins) -> Profile:
    """The profile of a frame; equal to the last row to counting its rows one by one.

    Parameters
    ----------
    frame
        From pandas, polars (eager or lazy), pyarrow, DuckDB or PySpark, or a `Source`; with
        a column for each feature of `bins`.  Batches are held one at a time.

    Raises
    ------
    UserError
        When a feature has no column, or one that cannot be counted; all of them are named.
    """
    source = source_of(frame)
    usable(source, bins.features)
    if source.count is not None:
        return source.count(bins)
    with reading(source, bins.features) as batches:
        return count_batches(batches, bins)
