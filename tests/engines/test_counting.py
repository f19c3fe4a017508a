"""One row at a time or a whole frame of any kind: the same counts, to the last row."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

from homeostat.bins import Bins
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.kernel import CHUNK
from homeostat.engines.rows import RowCounter, as_category
from homeostat.errors import UserError
from homeostat.profile import Profile
from homeostat.schema import Row
from tests.engines.made import (
    BINS,
    FRAMES,
    NUMBERS,
    ROWS,
    SCHEMA,
    by_rows,
    category,
    number,
    odd_rows,
    polars_frame,
)

Make = Callable[[list[Row]], Any]


@pytest.mark.parametrize("make", FRAMES)
@given(rows=ROWS)
@settings(max_examples=40)
def test_a_frame_counts_like_its_rows(make: Make, rows: list[Row]) -> None:
    one_by_one, at_once = by_rows(rows), count_frame(make(rows), BINS)

    assert at_once == one_by_one
    assert at_once.n == len(rows)
    size = np.abs(one_by_one.moments).max(initial=1)
    assert np.allclose(at_once.moments, one_by_one.moments, rtol=1e-12, atol=1e-12 * size)
    assert np.isfinite(at_once.moments).all()


@pytest.mark.parametrize("make", FRAMES)
def test_every_odd_value_has_its_bin(make: Make) -> None:
    rows = odd_rows()
    profile = count_frame(make(rows), BINS)

    assert profile == by_rows(rows)
    income, region = profile.feature("income"), profile.feature("region")
    assert income.missing == 2
    assert income.counts[0] == 1  # minus infinity
    assert income.present[-1] == 3  # infinity, 1e300 and 1e140
    assert income.moments[0] == 5  # neither the infinities nor 1e300
    assert region.present[-1] == 4  # West, and the text without a letter
    assert profile.feature("member").counts.tolist() == [3, 3, 0, 4]
    assert profile.joint.any()


@pytest.mark.parametrize("make", FRAMES)
def test_bins_are_the_same_from_every_frame(make: Make) -> None:
    rows: list[Row] = [
        {"income": 0.1 * i, "age": 20 + i, "region": "north", "member": bool(i % 2)}
        for i in range(40)
    ]
    rows.append({"income": None, "age": None, "region": None, "member": None})
    bins = fit_frame_bins(make(rows), SCHEMA)

    assert bins == fit_frame_bins(polars_frame(rows), SCHEMA)
    assert bins.features[3].categories == ("false", "true")
    assert bins.watched == (0, 1)
    assert [one.kind for one in bins.features] == [one.kind for one in SCHEMA.features]


@pytest.mark.parametrize("make", FRAMES)
def test_a_frame_without_rows_is_the_zero(make: Make) -> None:
    assert count_frame(make([]), BINS) == Profile.empty(BINS)


@pytest.mark.parametrize("make", FRAMES)
def test_a_frame_can_be_counted_as_often_as_asked(make: Make) -> None:
    rows = odd_rows()
    from homeostat.engines.dispatch import source_of

    source = source_of(make(rows))

    assert count_frame(source, BINS) == count_frame(source, BINS) == by_rows(rows)


def test_many_chunks_count_like_one_and_in_any_order() -> None:
    rng = np.random.default_rng(3)
    n = 2 * CHUNK + 17
    frame = pl.DataFrame(
        {
            "income": rng.normal(0, 3, n),
            "age": rng.integers(0, 120, n),
            "region": rng.choice(["north", "south", "West"], n),
            "member": rng.random(n) < 0.3,
        }
    )
    whole = count_frame(frame, BINS)
    parts = [count_frame(frame[i : i + 1_000], BINS) for i in range(0, n, 1_000)]

    assert whole == sum(parts, start=Profile.empty(BINS))
    assert whole == count_frame(frame.sample(fraction=1, shuffle=True, seed=1), BINS)
    assert np.array_equal(whole.moments, count_frame(frame, BINS).moments)


def test_the_scores_are_those_of_each_value_alone() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=2_000)
    frame = pl.DataFrame({"income": x, "age": rng.integers(18, 118, 2_000)}).with_columns(
        region=pl.lit("north"), member=pl.lit(value=True)
    )
    bins = fit_frame_bins(frame, SCHEMA)
    scores = [
        np.array(one.scores)[np.searchsorted(one.edges, frame[one.name].to_numpy(), side="right")]
        for one in bins.features[:2]
    ]

    expected = [int(np.sum(scores[i] * scores[j])) for i, j in ((0, 0), (0, 1), (1, 1))]
    assert count_frame(frame, bins).joint.tolist() == expected


@pytest.mark.parametrize("make", FRAMES)
def test_no_feature_no_count(make: Make) -> None:
    assert count_frame(make(odd_rows()), Bins(())) == Profile.empty(Bins(()))


def test_columns_that_nobody_asked_for_are_left_alone() -> None:
    rows: list[Row] = [{"income": 1.0, "age": 30, "region": "north", "member": True}]
    counter = RowCounter(BINS)
    counter.add({**rows[0], "note": "paid late"})
    frame = polars_frame(rows).with_columns(note=pl.lit("paid late"), day=pl.date(2026, 1, 1))

    assert counter.profile == by_rows(rows) == count_frame(frame, BINS)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        pytest.param([0.1, 0.25, None], pa.float32(), id="float32"),
        pytest.param([np.float16(0.25), np.float16(-1), None], pa.float16(), id="float16"),
        pytest.param([2**53 + 1, 2**53 + 3, 2**63 - 1], pa.int64(), id="beyond 2**53"),
        pytest.param([2**64 - 1, 2**53 + 1, None], pa.uint64(), id="uint64"),
        pytest.param([-1, 3, None], pa.int8(), id="int8"),
        pytest.param([True, False, None], pa.bool_(), id="boolean"),
        pytest.param([Decimal("0.1"), Decimal("0.25"), None], pa.decimal128(5, 2), id="decimal"),
        pytest.param(
            [Decimal("9007199254740993.00000000000000001"), Decimal("0.1"), Decimal(-1)],
            pa.decimal256(60, 17),
            id="decimal256",
        ),
        pytest.param([None, None], pa.null(), id="null"),
        pytest.param([None, None], pa.string(), id="text without a value"),
        pytest.param([1.0, 3.0, None, 1.0], pa.dictionary(pa.int8(), pa.float64()), id="codes"),
    ],
)
def test_numbers_of_every_type_are_the_nearest_floats(values: list[Any], dtype: Any) -> None:
    held = pa.array(values, dtype)
    table = pa.table({"x": held})
    rows: list[Row] = [{"x": None if one is None else float(one)} for one in held.to_pylist()]

    assert count_frame(table, NUMBERS) == by_rows(rows, NUMBERS)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        pytest.param([1, 2, None, 1], pa.int32(), id="whole numbers"),
        pytest.param([1.0, 2.5, math.nan, -0.0, 0.0, 1e22], pa.float64(), id="numbers"),
        pytest.param([np.float16(1), None], pa.float16(), id="float16"),
        pytest.param([True, False, None], pa.bool_(), id="booleans"),
        pytest.param([Decimal("1.50"), None], pa.decimal128(5, 2), id="decimals"),
        pytest.param([None], pa.null(), id="null"),
        pytest.param(["1", "é", None, "", "1"], pa.dictionary(pa.int8(), pa.string()), id="codes"),
        pytest.param([1, 7, None], pa.dictionary(pa.int8(), pa.int64()), id="codes of numbers"),
    ],
)
def test_categories_of_every_type_are_written_like_those_of_a_row(
    values: list[Any], dtype: Any
) -> None:
    bins = Bins((category("x", "1", "1.0", "0.0", "-0.0", "true", "1.50", "", "1e+22"),))

    assert count_frame(pa.table({"x": pa.array(values, dtype)}), bins) == by_rows(
        [{"x": value} for value in values], bins
    )


def test_objects_of_pandas_are_written_like_those_of_a_row() -> None:
    bins = Bins((category("x", "1", "2.5", "3.0"),))
    values = [1, 2.5, 3.0, None, math.nan, 4]

    assert count_frame(pd.DataFrame({"x": pd.Series(values, dtype=object)}), bins) == by_rows(
        [{"x": value} for value in values], bins
    )


def test_numbers_beyond_64_bits_are_counted() -> None:
    bins = Bins((number("x", 0.0, 2.0**70), category("word", str(2**70))))
    column = [2**70, 3, None]
    rows: list[Row] = [{"x": one, "word": one} for one in column]
    wide = pl.DataFrame(
        {"x": column, "word": column}, schema=dict.fromkeys(("x", "word"), pl.Int128)
    )
    objects = pd.DataFrame({"x": column, "word": column}, dtype=object)

    assert count_frame(wide, bins) == count_frame(objects, bins) == by_rows(rows, bins)


def test_ten_thousand_categories_of_any_letters() -> None:
    words = [f"{chr(0x4E00 + i)} {i} 🦀" for i in range(10_000)]
    bins = Bins((category("x", *words[:9_000]),))
    profile = count_frame(pl.DataFrame({"x": words * 8}), bins)

    assert profile.feature("x").present.tolist() == [8] * 9_000 + [8_000]


def test_a_column_may_have_any_name() -> None:
    names = ["a.b", "a", 'say "x"', "größe 🦀", "`tick`", "line\nbreak"]
    rows: list[Row] = [dict.fromkeys(names, float(i)) for i in range(3)]
    bins = Bins(tuple(number(name, 0.0, 1.0) for name in names))
    frame = pl.DataFrame(rows)
    import duckdb

    relation = duckdb.connect().from_arrow(frame.to_arrow())
    expected = by_rows(rows, bins)
    assert count_frame(frame, bins) == count_frame(frame.lazy(), bins) == expected
    assert count_frame(frame.to_pandas(), bins) == count_frame(relation, bins) == expected


def test_names_of_pandas_that_are_no_texts_are_taken_as_written() -> None:
    bins = Bins((number("0", 1.0),))

    assert count_frame(pd.DataFrame({0: [1.0]}), bins).n == 1


def test_columns_that_are_not_there_are_named_with_those_that_are() -> None:
    frame = pl.DataFrame({"income": [1.0], "region": ["north"]})

    with pytest.raises(UserError) as caught:
        count_frame(frame, BINS)

    assert caught.value.problems == [
        "the frame has no column 'age'; it has income, region",
        "the frame has no column 'member'; it has income, region",
    ]


def test_columns_that_cannot_be_binned_are_named_with_their_types() -> None:
    frame = pl.DataFrame({"income": [[1.0]], "age": [b"x"], "region": ["n"], "member": [True]})

    with pytest.raises(UserError) as caught:
        fit_frame_bins(frame, SCHEMA)

    wanted = "make it numbers, text or true and false, or leave it out"
    assert caught.value.problems == [
        f"'income' holds lists (List(Float64)); {wanted}",
        f"'age' holds bytes (Binary); {wanted}",
    ]


@pytest.mark.parametrize("ask", [count_frame, fit_frame_bins])
@pytest.mark.parametrize(
    "library", [pl.DataFrame, pd.DataFrame, pa.table], ids=["polars", "pandas", "pyarrow"]
)
def test_text_in_place_of_numbers_is_refused_by_name(
    library: Callable[..., Any], ask: Callable[[Any, Any], object]
) -> None:
    frame = library(
        {
            "income": ["1.5", "much"],
            "age": ["old", None],
            "region": ["n", "s"],
            "member": [True, None],
        }
    )

    with pytest.raises(UserError) as caught:
        ask(frame, BINS if ask is count_frame else SCHEMA)

    assert caught.value.problems == [
        "'income' holds values that are not numbers, such as '1.5'",
        "'age' holds values that are not numbers, such as 'old'",
    ]


def test_what_is_no_frame_is_refused_by_its_type() -> None:
    with pytest.raises(UserError, match=r"builtins.dict is no frame that can be counted"):
        count_frame({"income": [1.0]}, BINS)


def test_a_connection_of_duckdb_is_free_again_when_its_rows_are_refused() -> None:
    import duckdb

    connection = duckdb.connect()
    rows = "select 'much' as x from range(300000)"
    with pytest.raises(UserError, match="'x' holds values that are not numbers"):
        count_frame(connection.sql(rows), NUMBERS)

    assert connection.sql("select 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), ("True", "True"), (3, "3"), (2.5, "2.5")]
)
def test_how_a_category_is_written(value: Any, text: str) -> None:
    assert as_category(value) == text
