from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.dataset import describe, frame_rows, targets, validate_frame
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Schema, Target, Task

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="churn", positive="yes", classes=("no", "yes")),
    features=(
        Feature(name="age", kind=Kind.INTEGER, minimum=0, maximum=120),
        Feature(name="income", kind=Kind.NUMBER, nullable=True),
        Feature(name="city", kind=Kind.CATEGORY, categories=("Bergen", "Oslo"), nullable=True),
        Feature(name="member", kind=Kind.BOOLEAN),
    ),
)
GOOD: dict[str, list[Any]] = {
    "city": ["Oslo", None, "Rome"],
    "extra": [1, 2, 3],
    "age": [30, 41, 52],
    "income": [1.5, None, float("nan")],
    "member": [True, False, True],
    "churn": ["yes", "no", "no"],
}


def problems(columns: dict[str, list[Any]], *, with_target: bool = True) -> list[str]:
    with pytest.raises(UserError) as caught:
        validate_frame(pl.DataFrame({**GOOD, **columns}), SCHEMA, with_target=with_target)
    return caught.value.problems


def test_a_good_frame_comes_out_in_order_and_types() -> None:
    frame = validate_frame(pl.DataFrame(GOOD), SCHEMA, with_target=True)

    assert dict(frame.schema) == {
        "age": pl.Int64,
        "income": pl.Float64,
        "city": pl.String,
        "member": pl.Boolean,
        "churn": pl.String,
    }
    assert frame["income"].to_list() == [1.5, None, None]
    assert frame["city"].to_list() == ["Oslo", None, "Rome"]


def test_without_the_target_it_may_be_absent_or_wrong() -> None:
    frame = pl.DataFrame(GOOD)

    for given_frame in (frame.drop("churn"), frame.with_columns(churn=pl.lit("?"))):
        assert "churn" not in validate_frame(given_frame, SCHEMA, with_target=False).columns


@pytest.mark.parametrize(
    ("column", "values", "out"),
    [
        pytest.param("age", [30.0, 41.0, 52.0], [30, 41, 52], id="whole floats"),
        pytest.param("age", ["30", "41", "52"], [30, 41, 52], id="written numbers"),
        pytest.param("income", [1, 2, None], [1.0, 2.0, None], id="whole numbers"),
        pytest.param("income", ["1.5", "2", None], [1.5, 2.0, None], id="written floats"),
        pytest.param("city", [1, 2, None], ["1", "2", None], id="codes"),
        pytest.param("city", [1.0, 2.5, None], ["1", "2.5", None], id="codes as floats"),
        pytest.param("city", [True, False, None], ["true", "false", None], id="flags"),
        pytest.param("member", ["True", "false", "1"], [True, False, True], id="written flags"),
        pytest.param("member", [1, 0, 1], [True, False, True], id="ones and zeros"),
    ],
)
def test_other_spellings_of_the_same_are_cast(
    column: str, values: list[Any], out: list[Any]
) -> None:
    frame = validate_frame(pl.DataFrame({**GOOD, column: values}), SCHEMA, with_target=True)

    assert frame[column].to_list() == out


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        pytest.param("age", [30, None, 2], "'age' is missing in 1 row: 2", id="null"),
        pytest.param(
            "age",
            [30, -1, -2],
            "'age' is not at least 0 in 2 rows: 2, 3; the first is -1",
            id="low",
        ),
        pytest.param(
            "age", [130, 1, 2], "'age' is not at most 120 in 1 row: 1; the first is 130", id="high"
        ),
        pytest.param(
            "age", [30, 1.5, 2], "'age' is not whole in 1 row: 2; the first is 1.5", id="half"
        ),
        pytest.param(
            "age",
            ["30", "x", "?"],
            "'age' is not a number in 2 rows: 2, 3; the first is 'x'",
            id="text",
        ),
        pytest.param(
            "income",
            [1.0, float("inf"), 2.0],
            "'income' is not finite in 1 row: 2; the first is inf",
            id="infinite",
        ),
        pytest.param(
            "member",
            ["true", "maybe", "false"],
            "'member' is not true or false in 1 row: 2; the first is 'maybe'",
            id="no flag",
        ),
        pytest.param(
            "churn",
            ["yes", "no", "perhaps"],
            "'churn' is not 'no' or 'yes' in 1 row: 3; the first is 'perhaps'",
            id="class",
        ),
        pytest.param("churn", ["yes", "no", None], "'churn' is missing in 1 row: 3", id="label"),
    ],
)
def test_each_failing_check_is_told(column: str, values: list[Any], said: str) -> None:
    assert problems({column: pl.Series(values, strict=False).to_list()}) == [said]


def test_times_are_no_numbers() -> None:
    (found,) = problems({"income": [datetime(2024, 1, 1, tzinfo=UTC)] * 3})

    assert found.startswith("'income' is not a number in 3 rows: 1, 2, 3")


def test_all_failing_columns_and_checks_are_told_at_once() -> None:
    frame = pl.DataFrame({"age": [-1, None, 200], "member": [True, None, False]})

    with pytest.raises(UserError) as caught:
        validate_frame(frame, SCHEMA, with_target=True)

    assert caught.value.problems == [
        "no column 'income', 'city', 'churn'; the file has 'age', 'member'",
        "'age' is missing in 1 row: 2",
        "'age' is not at least 0 in 1 row: 1; the first is -1",
        "'age' is not at most 120 in 1 row: 3; the first is 200",
        "'member' is missing in 1 row: 2",
    ]


def test_what_is_cut_short_says_so() -> None:
    n = 12_345
    frame = pl.DataFrame({name: [values[0]] * n for name, values in GOOD.items()})

    with pytest.raises(UserError) as caught:
        validate_frame(frame.with_columns(age=pl.lit(-1)), SCHEMA, with_target=True)

    assert caught.value.problems == [
        "'age' is not at least 0 in 12,345 rows: 1, 2, 3, 4, 5 and 12,340 more; the first is -1"
    ]


AGES = st.lists(st.one_of(st.none(), st.integers(-5, 125)), min_size=1, max_size=20)


@given(AGES)
def test_it_fails_just_when_a_row_does(ages: list[int | None]) -> None:
    n = len(ages)
    frame = pl.DataFrame({name: [values[0]] * n for name, values in GOOD.items()})
    frame = frame.with_columns(pl.Series("age", ages, dtype=pl.Int64))
    good = all(age is not None and 0 <= age <= 120 for age in ages)

    try:
        out = validate_frame(frame, SCHEMA, with_target=True)
    except UserError:
        assert not good
    else:
        assert good
        assert out["age"].to_list() == ages


def test_rows_are_plain_values_in_order() -> None:
    rows = frame_rows(validate_frame(pl.DataFrame(GOOD), SCHEMA, with_target=True), SCHEMA)

    assert rows == [
        {"age": 30, "income": 1.5, "city": "Oslo", "member": True},
        {"age": 41, "income": None, "city": None, "member": False},
        {"age": 52, "income": None, "city": "Rome", "member": True},
    ]
    assert [list(row) for row in rows] == [list(SCHEMA.names)] * 3
    assert {type(value) for value in rows[0].values()} == {int, float, str, bool}


def test_rows_without_rows_are_none() -> None:
    empty = validate_frame(pl.DataFrame(GOOD).clear(), SCHEMA, with_target=True)

    assert frame_rows(empty, SCHEMA) == []
    assert targets(empty, SCHEMA).shape == (0,)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["yes", "no"], ("no", "yes")),
        ([1, 0], ("0", "1")),
        ([1.0, 0.0], ("0", "1")),
        ([True, False], ("false", "true")),
    ],
)
def test_targets_are_one_for_the_positive_class(
    values: list[Any], classes: tuple[str, str]
) -> None:
    schema = Schema(
        task=Task.BINARY,
        target=Target(column="churn", positive=classes[1], classes=classes),
        features=SCHEMA.features,
    )

    found = targets(pl.DataFrame({"churn": values}), schema)

    assert found.tolist() == [1, 0]
    assert found.dtype == np.int64


def test_targets_of_no_class_are_refused_by_row() -> None:
    with pytest.raises(UserError, match="is not 'no' or 'yes' in 2 rows: 2, 3"):
        targets(pl.DataFrame({"churn": ["yes", "maybe", None]}), SCHEMA)


def test_what_describe_finds_validates() -> None:
    n = 60
    frame = pl.DataFrame(
        {
            "y": [i % 7 == 0 for i in range(n)],
            "a": [None if i % 5 == 0 else float(i % 11) for i in range(n)],
            "b": ["x" if i % 3 else None for i in range(n)],
            "c": [i % 2 == 0 for i in range(n)],
        }
    )
    schema = describe(frame, target="y").schema

    out = validate_frame(frame, schema, with_target=True)

    assert schema.names == ("a", "b", "c")
    assert targets(out, schema).tolist() == frame["y"].cast(pl.Int64).to_list()
