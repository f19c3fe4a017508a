from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homeostat
from homeostat.comparison import Comparison, compare
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.policy import DriftPolicy, Severity
from homeostat.schema import Kind
from homeostat.verdict import Outcome
from tests.shell.comparison.made import ROWS, frame, schema, written

BEFORE, QUIET, MOVED = frame(0), frame(1), frame(2, shift=0.8)


def outcomes(found: Comparison) -> dict[str, Outcome]:
    return {name: one.outcome for name, one in found.features.items()}


def numbers(found: Comparison, column: str) -> dict[tuple[str, str], float]:
    """What was measured of a column, without what depends on the other columns."""
    return {
        (one.statistic, key): getattr(one, key)
        for one in found.features[column].measurements
        if one.statistic != "correlation"
        for key in ("value", "effect", "n_reference", "n_current")
    }


def near(found: Comparison, column: str) -> Any:
    """The same, to what summing in another order changes."""
    return pytest.approx(numbers(found, column), rel=1e-6, abs=1e-9)


def test_what_changed_is_named_and_the_rest_is_not() -> None:
    found = homeostat.compare(BEFORE, MOVED)

    income = found.features["income"]
    assert (found.outcome, found.changed) == (Outcome.FAIL, ["income"])
    assert outcomes(found) == {
        "income": Outcome.FAIL,
        "children": Outcome.PASS,
        "plan": Outcome.PASS,
        "active": Outcome.PASS,
    }
    assert income.effect is not None
    assert income.effect > 0.5
    assert income.minimum_detectable_effect is not None
    assert {one.n_current for one in income.measurements} == {ROWS}
    assert "seen" in income.reason
    assert "asked" in income.reason


def test_nothing_changed_says_what_would_have_been_seen() -> None:
    found = compare(BEFORE, QUIET)

    assert found.outcome is Outcome.PASS
    assert found.changed == []
    assert "would have been seen 4 times in 5" in found.reason
    assert all(one.minimum_detectable_effect for one in found.features.values())


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda data: data,
    "lazy": lambda data: data.lazy(),
    "pandas": lambda data: data.to_pandas(),
    "pyarrow": lambda data: data.to_arrow(),
    "duckdb": lambda data: duckdb.from_arrow(data.to_arrow()),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_gives_the_same_numbers(kind: str) -> None:
    found = compare(FRAMES[kind](BEFORE), FRAMES[kind](MOVED))

    expected = compare(BEFORE, MOVED)
    assert outcomes(found) == outcomes(expected)
    assert numbers(found, "income") == near(expected, "income")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_files_and_folders_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    whole = written(tmp_path, name, BEFORE)
    parts = tmp_path / "parts"
    parts.mkdir()
    written(parts, f"1-{name}", MOVED[:250])
    written(parts, f"2-{name}", MOVED[250:])

    found = compare(whole, str(parts))

    assert numbers(found, "income") == near(compare(BEFORE, MOVED), "income")


@given(seed=st.integers(0, 1000), rows=st.integers(0, 900))
@settings(max_examples=25)
def test_nothing_differs_from_itself(seed: int, rows: int) -> None:
    data = frame(seed, rows)

    assert compare(data, data).outcome is not Outcome.FAIL


@given(order=st.permutations(list(frame(0, 1).columns)), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_neither_the_order_of_columns_nor_that_of_rows_matters(order: list[str], seed: int) -> None:
    shuffled = MOVED.select(order).sample(fraction=1.0, shuffle=True, seed=seed)

    found = compare(BEFORE, shuffled)

    expected = compare(BEFORE, MOVED)
    assert outcomes(found) == outcomes(expected)
    for column in BEFORE.columns:
        assert numbers(found, column) == near(expected, column)


BAD: dict[str, pl.Expr] = {
    "lists": pl.lit([1, 2]),
    "all missing": pl.lit(None, dtype=pl.Float64),
    "all infinite": pl.lit(float("inf")),
    "constant": pl.lit(7),
    "other type": pl.col("plan"),
    "records": pl.struct("plan"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("side", ["reference", "current", "both"])
def test_one_bad_column_leaves_the_measurements_of_the_others_alone(bad: str, side: str) -> None:
    plain, spoilt = pl.col("income").alias("bad"), BAD[bad].alias("bad")
    before = BEFORE.with_columns(plain if side == "current" else spoilt)
    now = QUIET.with_columns(plain if side == "reference" else spoilt)

    found = compare(before, now)

    clean = compare(BEFORE, QUIET)
    for column in ("children", "plan", "active"):
        assert found.features[column].outcome is Outcome.PASS
        assert numbers(found, column) == numbers(clean, column)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        pytest.param(pl.int_range(pl.len()), "whole numbers in order", id="counter"),
        pytest.param(pl.int_range(pl.len()).cast(pl.String), "different text", id="names"),
        pytest.param(pl.lit("x"), "the same value in all rows: 'x'", id="constant text"),
        pytest.param(pl.lit(2.5), "the same value in all rows: 2.5", id="constant number"),
        pytest.param(pl.lit(None), "no value on either side", id="nothing"),
        pytest.param(pl.lit(float("nan")), "no value on either side", id="not a number"),
        pytest.param(
            pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 1) + pl.duration(days=ROWS - 1)),
            "dates, which pass by themselves",
            id="dates",
        ),
        pytest.param(
            pl.format("2024-03-04 10:{}", pl.int_range(pl.len()) % 60 + 10).str.replace(
                "6.$", "59"
            ),
            "times, which pass by themselves",
            id="times as text",
        ),
    ],
)
def test_columns_that_say_nothing_are_left_out(column: pl.Expr, why: str) -> None:
    before, now = (one.with_columns(column.alias("extra")) for one in (BEFORE, QUIET))

    found = compare(before, now)

    assert why in found.left_out["extra"]
    assert "extra" not in found.features
    assert found.outcome is Outcome.PASS


def test_an_identifier_by_its_name_need_not_be_in_order() -> None:
    ids = np.random.default_rng(0).permutation(10_000)
    before = BEFORE.with_columns(customerId=pl.Series(ids[:ROWS]))
    now = QUIET.with_columns(customerId=pl.Series(ids[ROWS : 2 * ROWS]))

    assert "by its name" in compare(before, now).left_out["customerId"]


def test_another_constant_is_a_change() -> None:
    before, now = BEFORE.with_columns(z=pl.lit(3)), QUIET.with_columns(z=pl.lit(4))

    assert compare(before, now).changed == ["z"]


def test_values_that_come_or_go_altogether_are_a_change() -> None:
    gone = QUIET.with_columns(income=pl.lit(None, dtype=pl.Float64))

    for before, now in ((BEFORE, gone), (gone, BEFORE)):
        found = compare(before, now)
        assert found.changed == ["income"]
        assert found.features["income"].main is not None
        assert found.features["income"].main.statistic == "missing"


def test_severity_goes_by_the_stability_index_of_what_changed() -> None:
    found = compare(BEFORE, MOVED)
    [psi] = [one for one in found.features["income"].measurements if one.statistic == "psi"]

    strict = replace(DriftPolicy.once(), critical_effect=psi.value / 2)
    mild = replace(DriftPolicy.once(), warning_effect=2 * psi.value, critical_effect=3 * psi.value)

    assert compare(BEFORE, MOVED, policy=strict).severity is Severity.CRITICAL
    assert compare(BEFORE, MOVED, policy=mild).severity is Severity.NONE
    assert compare(BEFORE, QUIET, policy=strict).severity is Severity.NONE


def test_a_schema_says_what_columns_are() -> None:
    before = BEFORE.with_columns(pl.col("children").cast(pl.String), y=pl.lit(1))
    now = QUIET.with_columns(pl.col("children").cast(pl.String), y=pl.lit(0))

    asked = schema(income=Kind.NUMBER, children=Kind.CATEGORY, active=Kind.BOOLEAN)
    found = compare(before, now, asked)

    assert list(found.features) == ["income", "children", "active"]
    assert found.features["children"].kind is Kind.CATEGORY
    assert found.left_out == {"plan": "not in the schema", "y": "the target"}


def test_a_schema_that_the_data_do_not_fit_is_told_by_column() -> None:
    asked = schema(income=Kind.NUMBER, plan=Kind.NUMBER, age=Kind.NUMBER)

    found = compare(BEFORE, QUIET, asked)

    assert found.outcome is Outcome.INCONCLUSIVE
    assert "where numbers are asked" in found.untold["plan"]
    assert found.untold["age"] == "not in the reference and not in the current data"
    assert found.features["income"].outcome is Outcome.PASS


def test_a_frozen_profile_stands_for_its_rows() -> None:
    kinds = {"income": Kind.NUMBER, "children": Kind.INTEGER}
    profile = count_frame(BEFORE, fit_frame_bins(BEFORE, schema(**kinds)))

    found = compare(profile, MOVED)

    assert numbers(found, "income") == near(compare(BEFORE, MOVED), "income")
    assert found.left_out["plan"] == "not in the reference"
    assert compare(profile, count_frame(MOVED, profile.bins)).changed == ["income"]


def test_answers_of_a_model_are_columns_like_others() -> None:
    rng = np.random.default_rng(5)
    scores = [pl.Series(rng.beta(2, b, ROWS)) for b in (5, 3)]
    before = BEFORE.with_columns(probability=scores[0], prediction=pl.lit("1"))
    now = QUIET.with_columns(probability=scores[1], prediction=pl.lit("1"))

    found = compare(before, now)

    assert found.changed == ["probability"]
    assert "prediction" in found.left_out
