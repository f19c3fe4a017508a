"""Merely reading the file: what no comparison can undercut."""

from collections.abc import Callable
from pathlib import Path

__all__ = ["with_polars", "with_pyarrow"]


def with_polars(_reference: Path) -> Callable[[Path], None]:
    import polars as pl

    def call(current: Path) -> None:
        pl.read_parquet(current)

    return call


def with_pyarrow(_reference: Path) -> Callable[[Path], None]:
    import pyarrow.parquet as pq

    from benchmarks.drift.workload import LEVELS

    def call(current: Path) -> None:
        pq.read_table(current, read_dictionary=list(LEVELS))

    return call
