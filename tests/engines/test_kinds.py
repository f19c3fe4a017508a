"""What the columns of a frame hold is told beforehand, each by itself."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from homeostat.engines.frames import column_kinds
from homeostat.engines.kinds import ColumnKind
from homeostat.errors import UserError
from homeostat.schema import Kind

NOTHING = (None, "holds no value at all")


def said(kind: ColumnKind) -> tuple[Kind | None, str]:
    return kind.kind, kind.reason


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pa.int8(), (Kind.INTEGER, "")),
        (pa.uint64(), (Kind.INTEGER, "")),
        (pa.float16(), (Kind.NUMBER, "")),
        (pa.float64(), (Kind.NUMBER, "")),
        (pa.decimal128(9, 2), (Kind.NUMBER, "")),
        (pa.decimal128(38, 0), (Kind.INTEGER, "")),
        (pa.bool_(), (Kind.BOOLEAN, "")),
        (pa.string(), (Kind.CATEGORY, "")),
        (pa.large_string(), (Kind.CATEGORY, "")),
        (pa.string_view(), (Kind.CATEGORY, "")),
        (pa.dictionary(pa.int8(), pa.string()), (Kind.CATEGORY, "")),
        (pa.dictionary(pa.int8(), pa.int64()), (Kind.CATEGORY, "")),
        (pa.dictionary(pa.int8(), pa.date32()), (None, "holds dates")),
        (pa.null(), NOTHING),
        (pa.date64(), (None, "holds dates")),
        (pa.timestamp("us", "UTC"), (None, "holds moments")),
        (pa.time32("s"), (None, "holds times of day")),
        (pa.duration("s"), (None, "holds durations")),
        (pa.month_day_nano_interval(), (None, "holds durations")),
        (pa.list_(pa.int8()), (None, "holds lists")),
        (pa.list_(pa.int8(), 2), (None, "holds lists")),
        (pa.struct([("x", pa.int8())]), (None, "holds records")),
        (pa.map_(pa.string(), pa.int8()), (None, "holds maps")),
        (pa.binary(), (None, "holds bytes")),
        (pa.large_binary(), (None, "holds bytes")),
        (pa.binary(3), (None, "holds bytes")),
        (pa.uuid(), (None, "holds values of type extension<arrow.uuid>")),
    ],
    ids=str,
)
def test_kinds_of_arrow(dtype: Any, expected: tuple[Kind | None, str]) -> None:
    schema = pa.schema([("good", pa.int64()), ("x", dtype)])
    kinds = column_kinds(schema.empty_table())

    assert said(kinds["good"]) == (Kind.INTEGER, "")
    assert said(kinds["x"]) == expected
    assert kinds["x"].type == str(dtype)
    assert kinds["x"].empty == (expected == NOTHING)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", None, math.nan, pd.NA], (Kind.CATEGORY, "")),
        ([True, None], (Kind.BOOLEAN, "")),
        ([1, None, 2**70], (Kind.INTEGER, "")),
        ([1, 2.5, math.nan], (Kind.NUMBER, "")),
        ([Decimal("1.5"), None], (Kind.NUMBER, "")),
        ([None, math.nan], NOTHING),
        ([], NOTHING),
        (["a", 1], (None, "holds text and numbers")),
        (["a", 1.5, None], (None, "holds text and numbers")),
        ([True, 1], (None, "holds true and false and numbers")),
        ([b"a", None], (None, "holds bytes")),
        ([[1], [2]], (None, "holds lists")),
        ([{"x": 1}, (1,)], (None, "holds lists and records")),
        ([dt.date(2026, 1, 1), "never"], (None, "holds text and dates")),
        ([dt.time(9), None], (None, "holds times of day")),
        ([slice(1), "a"], (None, "holds text and slice objects")),
    ],
)
def test_kinds_of_objects_of_pandas(values: list[Any], expected: tuple[Kind | None, str]) -> None:
    kinds = column_kinds(pd.DataFrame({"x": pd.Series(values, dtype=object)}))

    assert said(kinds["x"]) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, None], dtype="Int8"), (Kind.INTEGER, "")),
        (pd.Series([1.5, None]), (Kind.NUMBER, "")),
        (pd.Series(["a", None], dtype="str"), (Kind.CATEGORY, "")),
        (pd.Series(["a", None], dtype="category"), (Kind.CATEGORY, "")),
        (pd.Series([True, None], dtype="boolean"), (Kind.BOOLEAN, "")),
        (pd.Series([pd.Timestamp("2026-01-01")]), (None, "holds moments")),
        (pd.Series([pd.Timedelta("1s")]), (None, "holds durations")),
        (pd.Series([1 + 2j]), (None, "holds values of type complex128")),
    ],
)
def test_kinds_of_pandas(column: Any, expected: tuple[Kind | None, str]) -> None:
    kinds = column_kinds(pd.DataFrame({"x": column}))

    assert said(kinds["x"]) == expected
    assert kinds["x"].type == str(column.dtype)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.Int128(), (Kind.INTEGER, "")),
        (pl.Float32(), (Kind.NUMBER, "")),
        (pl.Decimal(9, 2), (Kind.NUMBER, "")),
        (pl.Categorical(), (Kind.CATEGORY, "")),
        (pl.Enum(["a"]), (Kind.CATEGORY, "")),
        (pl.Boolean(), (Kind.BOOLEAN, "")),
        (pl.Null(), NOTHING),
        (pl.Date(), (None, "holds dates")),
        (pl.Datetime(), (None, "holds moments")),
        (pl.Struct({"x": pl.Int8}), (None, "holds records")),
        (pl.Array(pl.Int8, 2), (None, "holds lists")),
        (pl.Object(), (None, "holds Python objects")),
    ],
    ids=str,
)
@pytest.mark.parametrize("lazy", [False, True])
def test_kinds_of_polars(dtype: pl.DataType, expected: tuple[Kind | None, str], lazy: bool) -> None:
    frame = pl.DataFrame(schema={"x": dtype})
    kinds = column_kinds(frame.lazy() if lazy else frame)

    assert said(kinds["x"]) == expected
    assert kinds["x"].type == str(dtype)


def test_kinds_of_duckdb() -> None:
    import duckdb

    relation = duckdb.connect().sql(
        "select 1::hugeint h, 1.5::decimal(9, 2) d, 'a' s, true b, 1.5::float f, "
        "date '2026-01-01' d8, [1] l, {'x': 1} r, '\\x00'::blob raw, interval 1 day i"
    )

    assert {name: said(kind) for name, kind in column_kinds(relation).items()} == {
        "h": (Kind.INTEGER, ""),
        "d": (Kind.NUMBER, ""),
        "s": (Kind.CATEGORY, ""),
        "b": (Kind.BOOLEAN, ""),
        "f": (Kind.NUMBER, ""),
        "d8": (None, "holds dates"),
        "l": (None, "holds lists"),
        "r": (None, "holds records"),
        "raw": (None, "holds bytes"),
        "i": (None, "holds durations"),
    }


def duckdb_twice() -> Any:
    import duckdb

    return duckdb.connect().sql("select 1 as x, 2 as x")


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame([[1, 2]], columns=["x", "x"]),
        lambda: pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]),
        duckdb_twice,
    ],
    ids=["pandas", "pyarrow", "duckdb"],
)
def test_columns_of_the_same_name_are_refused(make: Any) -> None:
    with pytest.raises(UserError, match="columns of the same name: 'x'; rename them"):
        column_kinds(make())


def test_names_of_pandas_that_are_written_alike_are_refused() -> None:
    with pytest.raises(UserError, match="columns of the same name: '1'; rename them"):
        column_kinds(pd.DataFrame([[1, 2]], columns=[1, "1"]))
