"""Which reader a frame needs, by the library it comes from."""

from typing import Any

from homeostat.engines.source import Source
from homeostat.errors import UserError

__all__ = ["source_of"]


def source_of(frame: Any) -> Source:
    """A frame of any kind, or a `Source`, as a source of batches.

    Raises
    ------
    UserError
        When it is no frame, or two of its columns have the same name.
    """
    import narwhals as nw

    if isinstance(frame, Source):
        return frame
    native = nw.to_native(frame, pass_through=True)
    known = nw.dependencies
    if known.is_polars_dataframe(native) or known.is_polars_lazyframe(native):
        from homeostat.engines.polars_frames import polars_source

        return polars_source(native)
    if known.is_pandas_dataframe(native):
        from homeostat.engines.pandas_frames import pandas_source

        return pandas_source(native)
    if known.is_duckdb_relation(native):
        from homeostat.engines.duckdb_frames import duckdb_source

        return duckdb_source(native)
    if known.is_pyspark_dataframe(native) or known.is_pyspark_connect_dataframe(native):
        from homeostat.engines.spark_frames import spark_source

        return spark_source(native)
    from homeostat.engines.arrow_frames import arrow_source

    source = arrow_source(native)
    if source is None:
        kind = f"{type(frame).__module__}.{type(frame).__qualname__}"
        known_frames = "pandas, polars, pyarrow, DuckDB or PySpark"
        raise UserError(f"{kind} is no frame that can be counted; give one of {known_frames}")
    return source
