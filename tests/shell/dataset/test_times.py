from datetime import UTC, datetime

import polars as pl
import pytest

from homeostat.dataset import in_time_order, parse_times
from homeostat.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024/01/31 7:05", datetime(2024, 1, 31, 7, 5, tzinfo=UTC)),
        ("2024-01-31 07:05:09", datetime(2024, 1, 31, 7, 5, 9, tzinfo=UTC)),
        ("2024-01-31 07:05:09.25", datetime(2024, 1, 31, 7, 5, 9, 250_000, tzinfo=UTC)),
        ("2024-01-31T07:05:09Z", datetime(2024, 1, 31, 7, 5, 9, tzinfo=UTC)),
        ("2024-01-31T07:05:09.5+02:00", datetime(2024, 1, 31, 5, 5, 9, 500_000, tzinfo=UTC)),
        ("2024-01-31T07:05+0200", datetime(2024, 1, 31, 5, 5, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_utc(text: str, expected: datetime) -> None:
    assert parse_times(pl.DataFrame({"t": [text]}), "t").to_list() == [expected]


def test_ways_of_writing_may_differ_within_a_column() -> None:
    rows = pl.DataFrame({"t": ["2024-01-02", "2024-01-01 12:00", "2024-01-01T12:00:00+01:00"]})

    assert in_time_order(rows, "t")["t"].to_list() == [
        "2024-01-01T12:00:00+01:00",
        "2024-01-01 12:00",
        "2024-01-02",
    ]


def test_rows_of_equal_time_stay_as_they_stand() -> None:
    rows = pl.DataFrame({"t": [2, 1, 2, 1] * 50, "i": range(200)})

    ordered = in_time_order(rows, "t")

    assert ordered["i"].to_list() == sorted(range(200), key=lambda i: (i % 2 == 0, i))


def test_without_a_column_nothing_moves() -> None:
    rows = pl.DataFrame({"t": [2, 1]})

    assert in_time_order(rows, None) is rows


def test_all_that_is_no_time_is_named() -> None:
    rows = pl.DataFrame({"t": ["2024-01-01", "31/01/2024", None, "2024-13-01"]})

    with pytest.raises(UserError) as caught:
        parse_times(rows, "t")

    missing, unread = caught.value.problems
    assert missing == "'t' is the time, but missing in 1 row: 3"
    assert unread.startswith("'t' is no time in 2 rows: 2, 4 (such as '31/01/2024'); write 2024-")


def test_hours_without_a_leading_zero_are_in_order() -> None:
    rows = pl.DataFrame({"t": ["2017-11-07 13:40", "2017-11-07 9:30"]})

    assert in_time_order(rows, "t")["t"].to_list() == ["2017-11-07 9:30", "2017-11-07 13:40"]


def test_booleans_are_no_times() -> None:
    with pytest.raises(UserError, match="but holds true and false"):
        parse_times(pl.DataFrame({"t": [True, False]}), "t")
