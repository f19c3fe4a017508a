import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import UserError
from homeostat.registry import encode, encode_frame
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(
        Feature(name="income", kind=Kind.NUMBER, nullable=True),
        Feature(name="children", kind=Kind.INTEGER, nullable=True),
        Feature(name="member", kind=Kind.BOOLEAN, nullable=True),
        Feature(name="region", kind=Kind.CATEGORY, categories=("b", "a"), nullable=True),
        Feature(name="open", kind=Kind.CATEGORY, categories=("true", "false"), nullable=True),
        Feature(name="rank", kind=Kind.CATEGORY, categories=("2", "1"), nullable=True),
    ),
)
TYPES = dict(
    zip(
        SCHEMA.names,
        [pl.Float64, pl.Int64, pl.Boolean, pl.String, pl.Boolean, pl.Int64],
        strict=True,
    )
)
ROW = st.fixed_dictionaries(
    {
        "income": st.none() | st.floats(),
        "children": st.none() | st.integers(-(2**63), 2**63 - 1),
        "member": st.none() | st.booleans(),
        "region": st.none() | st.sampled_from(["a", "b", "c", "", "A"]),
        "open": st.none() | st.booleans(),
        "rank": st.none() | st.integers(0, 3),
    }
)


@given(rows=st.lists(ROW, max_size=20))
def test_a_frame_and_its_rows_give_the_same(rows: list[Row]) -> None:
    by_row = encode(SCHEMA, rows)
    by_frame = encode_frame(SCHEMA, pl.DataFrame(rows, schema=TYPES))

    assert by_row.shape == by_frame.shape == (len(rows), 6)
    assert by_row.tobytes() == by_frame.tobytes()


@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_a_row_does_not_depend_on_its_neighbours(rows: list[Row]) -> None:
    alone = np.vstack([encode(SCHEMA, [row]) for row in rows])

    assert np.array_equal(encode(SCHEMA, rows), alone, equal_nan=True)


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        pytest.param(
            {"income": 2.5, "children": 3, "member": True, "region": "a", "open": True, "rank": 1},
            [2.5, 3, 1, 1, 0, 1],
            id="each kind",
        ),
        pytest.param(
            {"income": -0.0, "member": False, "region": "c", "open": "no", "rank": 9},
            [0, math.nan, 0, -1, -1, -1],
            id="unknown category",
        ),
        pytest.param({}, [math.nan] * 6, id="nothing there"),
        pytest.param(
            {"income": math.nan, "region": math.nan, "other": "ignored"},
            [math.nan] * 6,
            id="NaN is missing",
        ),
    ],
)
def test_codes(row: Row, codes: list[float]) -> None:
    assert np.array_equal(encode(SCHEMA, [row])[0], codes, equal_nan=True)


def test_a_category_of_any_column_type_gets_its_place() -> None:
    text = pl.Series("region", ["a", "b", None, "c"])
    columns = {name: pl.Series(name, [None] * 4, dtype=TYPES[name]) for name in SCHEMA.names}
    for dtype in (pl.String, pl.Categorical, pl.Enum(["a", "b", "c"])):
        frame = pl.DataFrame({**columns, "region": text.cast(dtype)})

        assert np.array_equal(encode_frame(SCHEMA, frame)[:, 3], [1, 0, np.nan, -1], equal_nan=True)


def test_rows_that_hold_text_for_numbers_are_refused_by_name() -> None:
    rows: list[Row] = [{"income": 1}, {"income": "12", "member": "yes"}, {"children": 10**400}]
    with pytest.raises(UserError) as refused:
        encode(SCHEMA, rows)

    assert [one.partition(":")[0] for one in refused.value.problems] == [
        "income",
        "children",
        "member",
    ]
    assert "'12' in row 1" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param({"income": pl.Series(["1"])}, "income", id="text"),
        pytest.param({"member": pl.Series(["true"])}, "member", id="text for a boolean"),
    ],
)
def test_frames_that_hold_text_for_numbers_are_refused(change: Any, word: str) -> None:
    frame = pl.DataFrame({name: [None] for name in SCHEMA.names}, schema=TYPES)
    with pytest.raises(UserError, match=word):
        encode_frame(SCHEMA, frame.with_columns(**change))


def test_every_column_that_a_frame_lacks_is_named() -> None:
    with pytest.raises(UserError) as refused:
        encode_frame(SCHEMA, pl.DataFrame({"income": [1.0], "rank": [1]}))

    assert len(refused.value.problems) == 4
