import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.dataset import fingerprint

MOMENT = datetime(2024, 1, 31, 12, tzinfo=UTC)
CELLS = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["null", "", "1", "\n", '","']))
COLUMNS = st.integers(0, 4).flatmap(
    lambda n: st.dictionaries(
        st.text(max_size=2), st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=3
    )
)


def frame(columns: dict[str, list[str | None]]) -> pl.DataFrame:
    return pl.DataFrame({k: pl.Series(v, dtype=pl.String) for k, v in columns.items()})


@given(a=COLUMNS, b=COLUMNS)
def test_equal_for_equal_content_only(
    a: dict[str, list[str | None]], b: dict[str, list[str | None]]
) -> None:
    assert (fingerprint(frame(a)) == fingerprint(frame(b))) == (a == b)


def test_the_order_of_columns_does_not_count_but_that_of_rows_does() -> None:
    rows = pl.DataFrame({"a": [1, 2], "b": [3.5, None]})

    assert fingerprint(rows.select("b", "a")) == fingerprint(rows)
    assert fingerprint(rows.reverse()) != fingerprint(rows)


def test_it_is_the_same_on_every_machine() -> None:
    rows = pl.DataFrame({"x": [1, None], "y": [0.1, 2.0], "z": ["a", None], "w": [True, False]})

    assert fingerprint(rows) == ("6f0d683f16008b56b4ebd507652262bec2f4c581ee767b30e92f041b75f0b6c9")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param([None], ["null"], id="null and its name"),
        pytest.param([1], [1.0], id="1 and 1.0"),
        pytest.param([1], ["1"], id="number and text"),
        pytest.param([True], ["true"], id="boolean and text"),
        pytest.param([0.1], [math.nextafter(0.1, 1)], id="the last bit"),
        pytest.param([0.0], [-0.0], id="signs of zero"),
        pytest.param([float("nan")], [None], id="NaN and null"),
        pytest.param([MOMENT], [MOMENT + timedelta(microseconds=1)], id="a microsecond"),
        pytest.param([MOMENT], [MOMENT.isoformat()], id="a time and its text"),
    ],
)
def test_different_values_differ(a: list[object], b: list[object]) -> None:
    assert fingerprint(pl.DataFrame({"x": a})) != fingerprint(pl.DataFrame({"x": b}))


def test_the_width_of_a_type_does_not_count() -> None:
    rows = pl.DataFrame({"x": [1, 2]})

    assert fingerprint(rows.cast(pl.Int8)) == fingerprint(rows)


def test_long_columns_count_to_the_last_row() -> None:
    rows = pl.DataFrame({"x": pl.int_range(200_000, eager=True)})
    other = rows.with_columns(pl.when(pl.col("x") == 199_999).then(0).otherwise("x").alias("x"))

    assert fingerprint(rows) != fingerprint(other)
    assert fingerprint(rows) != fingerprint(rows.head(199_999))
