"""Frames of polars, eager and lazy, as sources."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from homeostat.engines.arrow_frames import table_batches
from homeostat.engines.kinds import ColumnKind, arrow_kind
from homeostat.engines.source import BATCH_ROWS, Column, Source

__all__ = ["arrow_kind_of", "polars_source"]

_WIDE = (pl.Int128, pl.UInt128) if hasattr(pl, "UInt128") else (pl.Int128,)
_NEWEST = pl.CompatLevel.newest()


def polars_source(frame: pl.DataFrame | pl.LazyFrame) -> Source:
    """A frame of polars as a source; a lazy one is run in batches each time it is read."""
    schema = frame.lazy().collect_schema()

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        chosen = [_readable(one, schema[one.name]) for one in columns]
        for part in _parts(frame, chosen):
            yield from table_batches(part.to_arrow(compat_level=_NEWEST))

    kinds = {name: _kind(name, dtype) for name, dtype in schema.items()}
    return Source(what="the frame", kinds=kinds, batches=batches)


def _parts(frame: pl.DataFrame | pl.LazyFrame, chosen: list[pl.Expr]) -> Iterator[pl.DataFrame]:
    if isinstance(frame, pl.LazyFrame):
        yield from frame.select(chosen).collect_batches(chunk_size=BATCH_ROWS)
        return
    for start in range(0, frame.height, BATCH_ROWS):
        yield frame[start : start + BATCH_ROWS].select(chosen)


def _readable(column: Column, dtype: pl.DataType) -> pl.Expr:
    """The column as a type that Arrow has too."""
    if dtype not in _WIDE:
        return pl.col(column.name)
    return pl.col(column.name).cast(pl.Float64 if column.kind.is_numeric else pl.String)


def _kind(name: str, dtype: pl.DataType) -> ColumnKind:
    if "\0" in name:
        reason = "has a NUL in its name, which Arrow cannot hold: rename it"
        return ColumnKind(kind=None, type=str(dtype), reason=reason)
    if dtype in _WIDE:
        return arrow_kind_of(pl.Int64(), str(dtype))
    if dtype == pl.Object:
        return ColumnKind(kind=None, type=str(dtype), reason="holds Python objects")
    return arrow_kind_of(dtype, str(dtype))


def arrow_kind_of(dtype: pl.DataType, name: str) -> ColumnKind:
    """What a column of a type that Arrow has too holds; `name` is what the frame calls it."""
    from dataclasses import replace

    table = pl.DataFrame(schema={"x": dtype}).to_arrow(compat_level=_NEWEST)
    return replace(arrow_kind(table.schema.field("x").type), type=name)
