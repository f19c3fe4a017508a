"""One row at a time or a whole frame of any kind: the same counts, to the last row."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.bins import Bins, fit_category, fit_numeric
from homeostat.engines.frames import column_values, count_frame, fit_frame_bins
from homeostat.engines.rows import RowCounter, as_category
from homeostat.errors import UserError
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
BINS = Bins(
    (
        fit_numeric("income", np.array([-1.5, 0.1, 0.2, 0.1 + 0.2, 7.0])),
        fit_numeric("age", np.arange(18.0, 90.0), kind=Kind.INTEGER),
        fit_category("region", ["north", "south", "Größe"]),
        fit_category("member", ["false", "true"], kind=Kind.BOOLEAN),
    )
)
EDGES = st.sampled_from(BINS.features[0].edges)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "income": st.none()
            | st.floats()
            | EDGES
            | EDGES.map(lambda x: math.nextafter(x, -9e9)),
            "age": st.none() | st.integers(-(2**62), 2**62) | st.integers(10, 100),
            "region": st.none() | st.sampled_from(["north", "south", "Größe", "West", "", "nan"]),
            "member": st.none() | st.booleans(),
        }
    ),
    max_size=30,
)


def polars_frame(rows: list[Row]) -> Any:
    kinds = {"income": pl.Float64, "age": pl.Int64, "region": pl.String, "member": pl.Boolean}
    return pl.DataFrame(rows, schema=kinds)


def arrow_frame(rows: list[Row]) -> Any:
    kinds = [
        ("income", pa.float64()),
        ("age", pa.int64()),
        ("region", pa.string()),
        ("member", pa.bool_()),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def pandas_frame(rows: list[Row]) -> Any:
    """With the types that pandas has for what may miss."""
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
    return pd.DataFrame(
        {
            "income": pd.Series(columns["income"], dtype="float64"),
            "age": pd.Series(columns["age"], dtype="Int64"),
            "region": pd.Series(columns["region"], dtype=object),
            "member": pd.Series(columns["member"], dtype="boolean"),
        }
    )


def old_pandas_frame(rows: list[Row]) -> Any:
    """With objects, as pandas makes of a column of booleans in which one is missing."""
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
    ages = [
        math.nan if age is None else float(age)
        for age in columns["age"]
        if not isinstance(age, str)
    ]
    return pd.DataFrame(
        {
            "income": pd.Series(columns["income"], dtype="float64"),
            "age": pd.Series(ages, dtype="float64"),
            "region": pd.Series(columns["region"], dtype=object),
            "member": pd.Series(columns["member"], dtype=object),
        }
    )


FRAMES = [polars_frame, arrow_frame, pandas_frame, old_pandas_frame]


def by_rows(rows: list[Row]) -> Profile:
    counter = RowCounter(BINS)
    for row in rows:
        counter.add(row)
    return counter.profile


@pytest.mark.parametrize("make", FRAMES)
@given(rows=ROWS)
def test_a_frame_counts_like_its_rows(make: Callable[[list[Row]], Any], rows: list[Row]) -> None:
    one_by_one, at_once = by_rows(rows), count_frame(make(rows), BINS)

    assert at_once == one_by_one
    assert at_once.n == len(rows)
    size = np.abs(one_by_one.moments).max(initial=1)
    assert np.allclose(at_once.moments, one_by_one.moments, rtol=1e-12, atol=1e-12 * size)
    assert np.isfinite(at_once.moments).all()


@pytest.mark.parametrize("make", FRAMES)
def test_every_odd_value_has_its_bin(make: Callable[[list[Row]], Any]) -> None:
    incomes = [None, math.nan, math.inf, -math.inf, -0.0, 0.1, 0.30000000000000004, 1e300, 5e-324]
    rows: list[Row] = [
        {"income": income, "age": 30, "region": "west", "member": True} for income in incomes
    ]
    profile = count_frame(make(rows), BINS)

    assert profile == by_rows(rows)
    income, region = profile.feature("income"), profile.feature("region")
    assert income.missing == 2
    assert income.counts[0] == 1  # minus infinity
    assert income.present[-1] == 2  # infinity, and 1e300
    assert income.moments[0] == 4  # neither of them, nor 1e300
    assert region.present[-1] == len(rows)
    assert profile.feature("member").counts.tolist() == [0, len(rows), 0, 0]


@pytest.mark.parametrize("make", FRAMES)
def test_bins_are_the_same_from_every_frame(make: Callable[[list[Row]], Any]) -> None:
    rows: list[Row] = [
        {"income": 0.1 * i, "age": 20 + i, "region": "north", "member": bool(i % 2)}
        for i in range(40)
    ]
    rows.append({"income": None, "age": None, "region": None, "member": None})
    bins = fit_frame_bins(make(rows), SCHEMA)

    assert bins == fit_frame_bins(polars_frame(rows), SCHEMA)
    assert bins.features[3].categories == ("false", "true")
    assert [one.kind for one in bins.features] == [one.kind for one in SCHEMA.features]


@pytest.mark.parametrize("make", FRAMES)
def test_a_frame_without_rows_is_the_zero(make: Callable[[list[Row]], Any]) -> None:
    assert count_frame(make([]), BINS) == Profile.empty(BINS)


def test_no_feature_no_count() -> None:
    assert count_frame(pl.DataFrame({"x": [1]}), Bins(())) == Profile.empty(Bins(()))


def test_columns_that_nobody_asked_for_are_left_alone() -> None:
    rows: list[Row] = [{"income": 1.0, "age": 30, "region": "north", "member": True}]
    counter = RowCounter(BINS)
    counter.add({**rows[0], "note": "paid late"})
    frame = polars_frame(rows).with_columns(note=pl.lit("paid late"))

    assert counter.profile == by_rows(rows) == count_frame(frame, BINS)


def test_a_row_that_lacks_a_feature_counts_it_as_missing() -> None:
    counter = RowCounter(BINS)
    counter.add({"age": 30})

    assert [counter.profile.feature(name).missing for name in BINS.index] == [1, 0, 1, 1]


def test_the_profile_so_far_does_not_move_with_the_next_row() -> None:
    counter = RowCounter(BINS)
    counter.add({"age": 30})
    before = counter.profile
    counter.add({"age": 30})

    assert before.n == 1
    assert counter.profile.n == 2


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UserError, match="no column 'age'; it has income, region"):
        count_frame(pl.DataFrame({"income": [1.0], "region": ["north"]}), BINS)


@pytest.mark.parametrize(
    "library", [pl.DataFrame, pd.DataFrame, pa.table], ids=["polars", "pandas", "pyarrow"]
)
def test_text_in_place_of_numbers_is_refused_by_name(library: Callable[..., Any]) -> None:
    frame = library({"income": ["1.5", "much"], "age": [1, 2], "region": ["n", "s"]})

    with pytest.raises(UserError, match="'income' holds values that are not numbers"):
        count_frame(frame, BINS)


def test_whole_numbers_may_be_categories() -> None:
    import narwhals as nw

    frame = nw.from_native(pl.DataFrame({"code": [1, 2, None]}), eager_only=True)

    assert column_values(frame, "code", Kind.CATEGORY).tolist() == ["1", "2", None]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), ("True", "True"), (3, "3"), (2.5, "2.5")]
)
def test_how_a_category_is_written(value: Any, text: str) -> None:
    assert as_category(value) == text
