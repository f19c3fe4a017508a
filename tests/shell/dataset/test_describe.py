import random
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.dataset import Description, describe
from homeostat.dataset.leaks import single_column_auc
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Target, Task

N = 200
DICE = random.Random(7)
Y = [int(DICE.random() < 0.3) for _ in range(N)]
NOISE = [DICE.gauss(0, 1) for _ in range(N)]


def described(columns: dict[str, Any], **given: Any) -> Description:
    return describe(pl.DataFrame({"y": Y, "noise": NOISE, **columns}), target="y", **given)


def left_out(name: str, values: list[Any]) -> str:
    found = described({name: values})
    assert found.schema.names == ("noise",)
    (warning,) = found.warnings
    assert warning.startswith(f"{name!r} was left out: it ")
    return warning


def problems(columns: dict[str, Any], **given: Any) -> list[str]:
    with pytest.raises(UserError) as caught:
        describe(pl.DataFrame(columns), **given)
    return caught.value.problems


@pytest.mark.parametrize(
    ("values", "feature"),
    [
        pytest.param(
            [DICE.randrange(0, 90) for _ in range(N)],
            Feature(name="x", kind=Kind.INTEGER, minimum=0),
            id="counts",
        ),
        pytest.param(
            [DICE.randrange(-3, 90) for _ in range(N)],
            Feature(name="x", kind=Kind.INTEGER),
            id="with negatives",
        ),
        pytest.param(
            [None, *NOISE[1:]], Feature(name="x", kind=Kind.NUMBER, nullable=True), id="missing"
        ),
        pytest.param(
            [DICE.choice(["b", "a", None]) for _ in range(N)],
            Feature(name="x", kind=Kind.CATEGORY, categories=("a", "b"), nullable=True),
            id="texts",
        ),
        pytest.param(
            [DICE.choice([True, False]) for _ in range(N)],
            Feature(name="x", kind=Kind.BOOLEAN),
            id="booleans",
        ),
        pytest.param(
            ["only", *[None] * (N - 1)],
            Feature(name="x", kind=Kind.CATEGORY, categories=("only",), nullable=True),
            id="there or not",
        ),
    ],
)
def test_kinds_and_ranges_are_what_is_possible(values: list[Any], feature: Feature) -> None:
    assert described({"x": values}).schema.features[1] == feature


def test_what_was_seen_is_noted() -> None:
    columns = {
        "income": [None] * 50 + [i * 20_000 for i in range(N - 51)] + [3_008_750],
        "city": ["Oslo"] * 150 + ["Bergen"] * 50,
    }

    notes = described(columns).notes

    assert notes["income"] == "0 to 3,008,750, 25.0 % missing"
    assert notes["city"] == "2 values, most often 'Oslo' (75.0 %), none missing"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param([None] * N, "has no value at all", id="empty"),
        pytest.param([5] * N, "has the same value in all rows: 5", id="constant"),
        pytest.param(list(range(7, 7 + N)), "identifier: different whole numbers in", id="index"),
        pytest.param(DICE.sample(range(N), N), "without gap or repeat", id="shuffled index"),
        pytest.param([f"u{i}" for i in range(N)], "a different text in each row", id="texts"),
        pytest.param(["2024-01-01", *["2024-01-02"] * (N - 1)], "holds times", id="times"),
        pytest.param(
            [datetime(2024, 1, 1, i % 24, tzinfo=UTC) for i in range(N)],
            "holds times; ",
            id="moments",
        ),
        pytest.param([1 - y for y in Y], "gives the target 'y' away", id="reversed target"),
        pytest.param([("no", "yes")[y] for y in Y], "gives the target 'y' away", id="as text"),
        pytest.param(
            [x if y else None for x, y in zip(NOISE, Y, strict=True)],
            "gives the target 'y' away",
            id="if missing",
        ),
    ],
)
def test_columns_that_teach_nothing_are_left_out(values: list[Any], why: str) -> None:
    assert why in left_out("x", values)


@pytest.mark.parametrize("name", ["probability", "prediction", "y_pred", "y_pred_proba"])
def test_answers_of_a_model_are_left_out(name: str) -> None:
    assert "a model's answer" in left_out(name, NOISE)


def test_identifiers_are_known_by_name_when_nothing_repeats() -> None:
    numbers = random.Random(1).sample(range(10**9), N)

    assert "by its name" in left_out("customer_id", numbers)
    assert described({"paid": numbers}).schema.names == ("noise", "paid")


def test_the_given_id_and_time_are_no_features() -> None:
    found = described(
        {"key": [f"u{i}" for i in range(N)], "at": list(range(N))},
        id_column="key",
        time_column="at",
    )

    assert found.schema.names == ("noise",)
    assert (found.id_column, found.time_column, found.warnings) == ("key", "at", ())


@pytest.mark.parametrize(("n", "kept"), [(200, True), (201, False)])
def test_texts_of_over_200_values_are_left_out(n: int, *, kept: bool) -> None:
    rows = pl.DataFrame(
        {
            "y": [i % 3 == 0 for i in range(804)],
            "word": [f"w{i % n}" for i in range(804)],
            "noise": [(i * 37) % 101 for i in range(804)],
        }
    )

    found = describe(rows, target="y")

    assert ("word" in found.schema.names) is kept
    assert ("201 different texts, more than 200" in "".join(found.warnings)) is not kept


def test_numbers_with_stray_texts_are_told_by_row() -> None:
    amounts = [str(i * 7_919 % 1_000) for i in range(400)]
    few = [str(i * 7 % 9) for i in range(400)]
    amounts[3] = few[5] = few[9] = "?"
    rows = pl.DataFrame({"y": Y * 2, "noise": NOISE * 2, "amount": amounts, "few": few})

    found = describe(rows, target="y")

    assert found.schema.names == ("noise", "few")
    assert found.warnings == (
        f"'amount' was left out: it holds numbers but for '?' in 1 row: 4; {LEAVE}",
        f"'few' holds numbers but for '?' in 2 rows: 6, 10, so it counts as text; {LEAVE}",
    )


LEAVE = "leave those empty in the file to have numbers"


def test_a_column_that_predicts_strikingly_well_is_kept_with_a_warning() -> None:
    dice = random.Random(2)
    hint = [y + dice.gauss(0, 0.36) for y in Y]

    found = described({"hint": hint})

    assert "hint" in found.schema.names
    assert "predicts the target well alone (AUC 0.9" in found.warnings[0]


@given(st.integers(0, 2**32))
def test_noise_in_many_categories_is_no_leak(seed: int) -> None:
    """Scored by their own rows, texts that hardly repeat would say the target by heart."""
    dice = random.Random(seed)
    text = pl.Series([f"w{dice.randrange(1_000)}" for _ in range(1_000)])
    positive = pl.Series([dice.random() < 0.3 for _ in range(1_000)])

    area = single_column_auc(text, positive)

    assert area is not None
    assert area < 0.65


def test_numbers_stored_as_text_are_told() -> None:
    rows = pl.DataFrame({"y": Y * 2, "noise": NOISE * 2, "sum": [str(i) for i in range(400)]})

    (warning,) = describe(rows, target="y").warnings

    assert warning == "'sum' was left out: it holds numbers stored as text; store them as numbers"


def test_with_few_rows_chance_is_not_taken_for_a_leak() -> None:
    rows = pl.DataFrame({"y": [0, 0, 0, 1, 1], "x": [0.1, 0.3, 0.2, 0.8, 0.9]})

    assert describe(rows, target="y").schema.names == ("x",)


@pytest.mark.parametrize(
    ("values", "target", "warned"),
    [
        pytest.param([0, 1, 0], Target(column="y", positive="1", classes=("0", "1")), 0, id="0 1"),
        pytest.param([0.0, 1.0, 0.0], Target(column="y", classes=("0", "1")), 0, id="floats"),
        pytest.param(
            [True, False, True],
            Target(column="y", positive="true", classes=("false", "true")),
            0,
            id="booleans",
        ),
        pytest.param(
            ["Yes", "No", "No"],
            Target(column="y", positive="Yes", classes=("No", "Yes")),
            0,
            id="yes",
        ),
        pytest.param(
            ["bad", "good", "good"],
            Target(column="y", positive="bad", classes=("bad", "good")),
            1,
            id="the rarer one",
        ),
        pytest.param(
            [1, 2, 1, 1],
            Target(column="y", positive="2", classes=("1", "2")),
            1,
            id="two codes",
        ),
    ],
)
def test_the_positive_class(values: list[Any], target: Target, warned: int) -> None:
    rows = pl.DataFrame({"y": values, "x": [0.5, 0.25, 0.5, 0.125][: len(values)]})

    found = describe(rows, target="y")

    assert found.schema.target == target
    assert len(found.warnings) == warned


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param([1, 1, 1], "the one class '1'; two are needed", id="one class"),
        pytest.param(["a", "b", "c"], "which is multiclass; only binary", id="multiclass"),
        pytest.param([0.5, 1.5, 2.5], "which is regression; only binary", id="regression"),
        pytest.param([0, None, 1], "is missing in 1 row: 2; leave out", id="missing"),
    ],
)
def test_targets_that_cannot_be_learnt(values: list[Any], said: str) -> None:
    (found,) = problems({"y": values, "x": [1.5, 2.5, 1.5]}, target="y")

    assert said in found


def test_another_task_is_refused() -> None:
    (found,) = problems({"y": [0, 1], "x": [1.5, 2]}, target="y", task=Task.REGRESSION)

    assert found == "regression was asked for; only binary is supported so far"


def test_all_that_is_wrong_is_named_at_once() -> None:
    columns = {
        "income": [1.0, float("inf"), 2.0],
        "churn": [0, 1, None],
        "key": ["a", "a", None],
        "at": ["2024-01-01", "soon", None],
    }

    found = problems(columns, target="churn", id_column="key", time_column="at")

    assert found == [
        "'key' is the id, but missing in 1 row: 3",
        "'key' is the id, but repeats in 2 rows: 1, 2",
        "'at' is the time, but missing in 1 row: 3",
        "'at' is no time in 1 row: 2 (such as 'soon'); write 2024-01-31 or 2024-01-31T09:30:00Z",
        "the target 'churn' is missing in 1 row: 3; leave out the rows without it",
        "'income' is infinite in 1 row: 2; leave those empty",
    ]


def test_columns_that_are_not_there_are_named_with_the_nearest() -> None:
    found = problems({"churn": [0, 1], "x": [2, 1]}, target="chrun", id_column="id")

    assert found == [
        "there is no column 'chrun' for the target; did you mean 'churn'?",
        "there is no column 'id' for the id; known: churn, x",
    ]


def test_one_column_cannot_be_two_things() -> None:
    (found,) = problems({"y": [0, 1], "x": [1.5, 2]}, target="y", id_column="y")

    assert found == "'y' cannot be two of target, id and time at once"


def test_without_a_feature_left_there_is_no_schema() -> None:
    with pytest.raises(UserError, match="no column is left as a feature") as caught:
        describe(pl.DataFrame({"y": [0, 1, 0], "x": [3, 3, 3]}), target="y")

    assert caught.value.problems == ["'x' was left out: it has the same value in all rows: 3"]


def test_no_rows_are_told() -> None:
    assert "there are no rows" in problems({"y": [], "x": []}, target="y")
