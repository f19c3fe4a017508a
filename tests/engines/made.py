"""Rows with every odd value, the bins they are counted in, and frames of every kind of them."""

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from homeostat.bins import Bins, FeatureBins, fit_bins, fit_category, fit_numeric
from homeostat.engines.rows import RowCounter
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(
        Feature(name="income", kind=Kind.NUMBER),
        Feature(name="age", kind=Kind.INTEGER),
        Feature(name="region", kind=Kind.CATEGORY),
        Feature(name="member", kind=Kind.BOOLEAN),
    ),
)
BINS = fit_bins(
    SCHEMA,
    {
        "income": np.array([-1.5, 0.1, 0.2, 0.1 + 0.2, 7.0]).repeat(20),
        "age": np.arange(18.0, 118.0),
        "region": np.array(["north", "south", "Größe"] * 33 + ["north"], dtype=object),
        "member": np.array(["false", "true"] * 50, dtype=object),
    },
)
"""Both numbers are watched together."""

ODD = (None, math.nan, math.inf, -math.inf, -0.0, 0.1, 0.30000000000000004, 1e300, 5e-324, 1e140)
EDGES = st.sampled_from(BINS.features[0].edges)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "income": st.none()
            | st.floats()
            | st.sampled_from(ODD)
            | EDGES
            | EDGES.map(lambda x: math.nextafter(x, -9e9)),
            "age": st.none()
            | st.integers(-(2**62), 2**62)
            | st.integers(2**53 - 2, 2**53 + 4)
            | st.integers(10, 100),
            "region": st.none() | st.sampled_from(["north", "south", "Größe", "West", "", "nan"]),
            "member": st.none() | st.booleans(),
        }
    ),
    max_size=30,
)
"""Rows of `SCHEMA`."""

ARROW = pa.schema(
    [
        ("income", pa.float64()),
        ("age", pa.int64()),
        ("region", pa.string()),
        ("member", pa.bool_()),
    ]
)


def odd_rows() -> list[Row]:
    """A row for each odd income, with all that the other columns can hold."""
    regions = ["north", None, "West", "", "Größe"]
    ages = [30, None, 2**53 + 1, -7, 117]
    return [
        {
            "income": income,
            "age": ages[i % 5],
            "region": regions[i * 2 % 5],
            "member": (None, True, False)[i % 3],
        }
        for i, income in enumerate(ODD)
    ]


def by_rows(rows: list[Row], bins: Bins = BINS) -> Profile:
    counter = RowCounter(bins)
    for row in rows:
        counter.add(row)
    return counter.profile


def polars_frame(rows: list[Row]) -> Any:
    kinds = {"income": pl.Float64, "age": pl.Int64, "region": pl.String, "member": pl.Boolean}
    return pl.DataFrame(rows, schema=kinds)


def polars_categorical(rows: list[Row]) -> Any:
    return polars_frame(rows).with_columns(pl.col("region").cast(pl.Categorical))


def polars_lazy(rows: list[Row]) -> Any:
    return polars_frame(rows).lazy()


def arrow_table(rows: list[Row]) -> Any:
    return pa.Table.from_pylist(rows, schema=ARROW)


def arrow_in_parts(rows: list[Row]) -> Any:
    """In parts with dictionaries of their own, the first and the last without a row."""
    parts = [rows[:0], rows[:7], rows[7:], rows[:0]]
    encoded = [
        (table := arrow_table(part)).set_column(
            2, "region", table["region"].combine_chunks().dictionary_encode()
        )
        for part in parts
    ]
    return pa.concat_tables(encoded)


def arrow_reader(rows: list[Row]) -> Any:
    return arrow_table(rows).cast(_with_region(pa.string_view())).to_reader(max_chunksize=4)


def arrow_large_strings(rows: list[Row]) -> Any:
    return arrow_table(rows).cast(_with_region(pa.large_string()))


def arrow_batch(rows: list[Row]) -> Any:
    """A part of a longer batch: its arrays do not begin at their buffers' beginning."""
    before: Row = {"income": 1.0, "age": 1, "region": "x", "member": True}
    return pa.RecordBatch.from_pylist([before, *rows, before], schema=ARROW).slice(1, len(rows))


def arrow_dataset(rows: list[Row]) -> Any:
    from pyarrow import dataset

    return dataset.dataset(arrow_table(rows))


class Stream:
    """A frame of a library that nobody knows, but which speaks Arrow."""

    def __init__(self, rows: list[Row]) -> None:
        self._table = arrow_table(rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def pandas_nullable(rows: list[Row]) -> Any:
    """With the types that pandas has for what may miss."""
    return pd.DataFrame(
        {
            "income": pd.Series(_column(rows, "income"), dtype="float64"),
            "age": pd.Series(_column(rows, "age"), dtype="Int64"),
            "region": pd.Series(_column(rows, "region"), dtype="str"),
            "member": pd.Series(_column(rows, "member"), dtype="boolean"),
        }
    )


def pandas_objects(rows: list[Row]) -> Any:
    """With objects, and None and NaN for what is missing by turns."""
    columns = {
        name: [
            (None, math.nan, pd.NA)[i % 3] if value is None else value
            for i, value in enumerate(_column(rows, name))
        ]
        for name in SCHEMA.names
    }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def pandas_categorical(rows: list[Row]) -> Any:
    frame = pandas_nullable(rows)
    return frame.assign(region=frame["region"].astype("category"))


def pandas_on_arrow(rows: list[Row]) -> Any:
    return arrow_table(rows).to_pandas(types_mapper=pd.ArrowDtype)


def duckdb_relation(rows: list[Row]) -> Any:
    import duckdb

    table = arrow_table(rows)
    return duckdb.connect().from_arrow(table)


def parquet_file(rows: list[Row]) -> Any:
    from homeostat.dataset.sources import open_source

    path = Path(mkdtemp()) / "rows.parquet"
    polars_frame(rows).write_parquet(path, row_group_size=8)
    return open_source(path)


FRAMES: list[Callable[[list[Row]], Any]] = [
    polars_frame,
    polars_categorical,
    polars_lazy,
    arrow_table,
    arrow_in_parts,
    arrow_reader,
    arrow_large_strings,
    arrow_batch,
    arrow_dataset,
    Stream,
    pandas_nullable,
    pandas_objects,
    pandas_categorical,
    pandas_on_arrow,
    duckdb_relation,
    parquet_file,
]


def number(name: str, *values: float) -> FeatureBins:
    """Bins of a number that is watched with no other."""
    from dataclasses import replace

    return replace(fit_numeric(name, np.array(values)), scores=())


def category(name: str, *values: str) -> FeatureBins:
    return fit_category(name, values)


def _column(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def _with_region(dtype: Any) -> Any:
    return ARROW.set(2, pa.field("region", dtype))


NUMBERS = Bins((number("x", -1.0, 0.0, 0.1, 0.25, 1.0, 3.0, float(2**53), float(2**53 + 2)),))
