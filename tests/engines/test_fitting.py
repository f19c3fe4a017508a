"""Bins fitted from batches: from all rows while they fit, from an even sample beyond."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.bins import fit_bins
from homeostat.engines.dispatch import source_of
from homeostat.engines.fitting import fit_source
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.kernel import count_batches
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Schema, Target, Task
from tests.engines.made import NUMBERS

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="y"),
    features=(
        Feature(name="x", kind=Kind.NUMBER),
        Feature(name="z", kind=Kind.NUMBER),
        Feature(name="word", kind=Kind.CATEGORY),
    ),
)


def frame(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    x = rng.normal(size=n)
    x[1], x[3] = -50.0, 90.0
    words = np.array([f"w{i % 7}" for i in range(n)], dtype=object)
    words[5] = "once"
    return pl.DataFrame({"x": x, "z": x + rng.normal(size=n), "word": words})


def test_while_they_fit_bins_are_those_of_all_rows() -> None:
    rows = frame(5_000)
    columns = {name: rows[name].to_numpy() for name in rows.columns}

    assert fit_source(source_of(rows), SCHEMA, most_rows=5_000) == fit_bins(SCHEMA, columns)


@pytest.mark.parametrize("most_rows", [100, 999, 4_999])
def test_beyond_that_the_range_and_the_categories_are_those_of_all_rows(most_rows: int) -> None:
    rows = frame(5_000)
    bins = fit_source(source_of(rows), SCHEMA, most_rows=most_rows)
    profile = count_frame(rows, bins)

    x, _, word = bins.features
    assert (x.low, x.high) == (-50.0, 90.0)
    assert {-50.0, 90.0} <= set(x.edges)
    assert word.categories == ("once", *(f"w{i}" for i in range(7)))
    assert len(x.scores) == len(x.edges) + 1
    assert list(x.scores) == sorted(x.scores)
    assert not profile.feature("x").present[x.out_of_range].any()
    assert not profile.feature("word").present[-1]


def test_the_sample_is_every_second_row_whatever_the_batches() -> None:
    rows = frame(6_000)
    at_once = fit_source(source_of(rows), SCHEMA, most_rows=3_000)
    table = rows.to_arrow()
    in_parts = pa.concat_tables([table[:1], table[1:1_700], table[1_700:]])
    sampled = fit_source(source_of(rows[::2]), SCHEMA)

    assert fit_source(source_of(in_parts), SCHEMA, most_rows=3_000) == at_once
    assert set(sampled.features[1].edges) <= set(at_once.features[1].edges)
    assert at_once.noise == sampled.noise


def test_categories_that_no_row_has_are_no_bins() -> None:
    column = pl.Series(["a", "c"] * 50, dtype=pl.Enum(["a", "b", "c"]))
    rows = frame(100).with_columns(word=column)

    assert fit_frame_bins(rows, SCHEMA).features[2].categories == ("a", "c")


def test_features_without_a_value_are_all_named() -> None:
    rows = pl.DataFrame({"x": [np.nan, np.inf], "z": [1.0, 2.0], "word": [None, None]})

    with pytest.raises(UserError) as caught:
        fit_frame_bins(rows, SCHEMA)

    assert [one.split(" ")[0] for one in caught.value.problems] == ["'x'", "'word'"]


@given(threads=st.integers(1, 3))
def test_only_a_few_batches_are_held_at_once(threads: int) -> None:
    held: list[int] = []
    most = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal most
        for i in range(20):
            values = np.full(10, float(i))
            held.append(i)
            most = max(most, len(held))
            buffer = pa.foreign_buffer(values.ctypes.data, values.nbytes, Held(held, values))
            yield pa.RecordBatch.from_arrays(
                [pa.Array.from_buffers(pa.float64(), 10, [None, buffer])], ["x"]
            )

    assert count_batches(batches(), NUMBERS, threads=threads).n == 200
    assert most <= threads + 3
    assert not held


class Held:
    """Says when nobody holds the values of a batch any more."""

    def __init__(self, held: list[int], values: object) -> None:
        self._held, self._values = held, values

    def __del__(self) -> None:
        self._held.pop()
