"""Whatever comes in, there is one clear answer, from the call and from the command."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from homeostat.comparison import compare, compare_by
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.errors import UserError
from homeostat.schema import Kind
from homeostat.verdict import Outcome
from tests.shell.comparison.made import ROWS, frame, run, schema, written

BEFORE, QUIET = frame(0), frame(1)
DAYS = pl.Series([date(2024, 1, 1) + timedelta(days=i % 300) for i in range(ROWS)])


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        pytest.param(BEFORE, QUIET[:0], "0 rows in the current data", id="empty"),
        pytest.param(BEFORE[:0], QUIET, "0 in the reference", id="empty reference"),
        pytest.param(BEFORE[:0], QUIET[:0], "0 rows in the current data", id="both empty"),
        pytest.param(BEFORE, QUIET[:1], "1 row in the current data", id="one row"),
        pytest.param(BEFORE[:199], QUIET, "199 in the reference; 200 asked", id="too few"),
        pytest.param(pl.DataFrame(), pl.DataFrame(), "no column is left", id="no columns"),
    ],
)
def test_too_little_is_inconclusive(before: Any, now: Any, why: str) -> None:
    found = compare(before, now)

    assert found.outcome is Outcome.INCONCLUSIVE
    assert why in found.reason
    assert all(one.outcome is Outcome.INCONCLUSIVE for one in found.features.values())


MIXED = pd.Series([1, "a", 2.5, None] * (ROWS // 4), dtype=object)


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        pytest.param(None, pl.lit(1), "not in the reference", id="only current"),
        pytest.param(pl.lit(1), None, "not in the current data", id="only reference"),
        pytest.param(pl.lit([1]), pl.lit([1]), "holds lists on both sides", id="lists"),
        pytest.param(pl.struct("plan"), pl.struct("plan"), "holds records", id="records"),
        pytest.param(pl.lit(1.5), pl.lit("a"), "numbers in the reference and text", id="types"),
        pytest.param(pl.lit(DAYS), pl.lit("a"), "holds dates in the reference", id="dates"),
        pytest.param(pl.lit(b"a"), pl.lit(b"a"), "holds bytes", id="bytes"),
        pytest.param(
            pl.lit(float("inf")), pl.col("income"), "no finite number", id="infinite reference"
        ),
    ],
)
def test_what_cannot_be_told_is_inconclusive_alone(before: Any, now: Any, why: str) -> None:
    sides = [
        data if column is None else data.with_columns(odd=column)
        for data, column in ((BEFORE, before), (QUIET, now))
    ]

    found = compare(sides[0], sides[1])

    assert found.outcome is Outcome.INCONCLUSIVE
    assert list(found.untold) == ["odd"]
    assert why in found.untold["odd"]
    assert found.features["odd"].measurements == ()


def test_mixed_objects_are_inconclusive() -> None:
    before, now = (one.to_pandas().assign(odd=MIXED) for one in (BEFORE, QUIET))
    found = compare(before, now)

    assert found.untold["odd"] == "holds text and numbers on both sides"
    assert found.features["plan"].outcome is Outcome.PASS


def test_few_values_of_a_column_are_inconclusive_unless_they_went_missing() -> None:
    sparse = [
        data.with_columns(
            odd=pl.when(pl.int_range(pl.len()) % 10 == 0).then("income").otherwise(None)
        )
        for data in (BEFORE, QUIET)
    ]

    found = compare(sparse[0], sparse[1])

    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.untold["odd"] == (
        "60 values in the reference and 60 values in the current data, 200 asked"
    )


def test_all_infinite_now_is_a_change() -> None:
    assert compare(BEFORE, QUIET.with_columns(income=pl.lit(float("inf")))).changed == ["income"]


def test_ten_thousand_categories_are_no_alarm() -> None:
    rng = np.random.default_rng(0)
    sides = [pl.DataFrame({"k": rng.integers(0, 10_000, 20_000)}) for _ in range(2)]

    before, now = (one.with_columns(pl.format("k{}", "k").alias("k")) for one in sides)
    found = compare(before, now)

    assert found.outcome is Outcome.PASS
    assert found.features["k"].kind is Kind.CATEGORY


NAMES = ["", " ", "Größe 🙂", "\u202eevil", "a\nb", "<img src=x onerror=alert(1)>", "x" * 300]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_will_do(name: str) -> None:
    before, now = (one.rename({"income": name}) for one in (BEFORE, frame(2, shift=0.8)))
    found = compare(before, now)

    assert found.changed == [name]
    assert "<img" not in found.to_html()
    assert name in found.to_dict()["features"]


def test_a_name_that_arrow_cannot_hold_costs_its_column_alone() -> None:
    before, now = (one.rename({"plan": "pl\0an"}) for one in (BEFORE, QUIET))
    found = compare(before, now)
    plain = compare(BEFORE.drop("plan"), QUIET.drop("plan"))

    assert "has a NUL in its name" in found.features["pl\0an"].reason
    assert found.features["pl\0an"].outcome is Outcome.INCONCLUSIVE
    assert found.features["income"].outcome is plain.features["income"].outcome is Outcome.PASS


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pd.DataFrame(np.ones((300, 2)), columns=["x", "x"])

    with pytest.raises(UserError, match="columns of the same name: 'x'"):
        compare(twice, twice)


@pytest.mark.parametrize("given", [[1, 2], {"x": [1]}, None, 3])
def test_what_is_no_frame_is_refused(given: Any) -> None:
    with pytest.raises(UserError, match="no frame"):
        compare(BEFORE, given)


def test_a_reference_profile_of_another_schema_is_refused() -> None:
    profile = count_frame(BEFORE, fit_frame_bins(BEFORE, schema(income=Kind.NUMBER)))
    other = count_frame(QUIET, fit_frame_bins(QUIET, schema(children=Kind.INTEGER)))

    for now, asked in (
        (QUIET.select("plan"), None),
        (QUIET, schema(income=Kind.NUMBER, age=Kind.NUMBER)),
        (other, None),
    ):
        with pytest.raises(UserError, match="the reference profile is of another schema"):
            compare(profile, now, asked)


def test_counts_cannot_be_compared_with_rows_or_shown_to_a_classifier() -> None:
    profile = count_frame(BEFORE, fit_frame_bins(BEFORE, schema(income=Kind.NUMBER)))

    with pytest.raises(UserError, match="give the reference as one too"):
        compare(BEFORE, profile)
    with pytest.raises(UserError, match="needs the rows of both sides"):
        compare(profile, QUIET, joint=True)
    with pytest.raises(UserError, match="groups need the rows"):
        compare_by(BEFORE, profile, "plan")


FILES = {
    "no header": (b"\n\n", "the first line is blank"),
    "nothing": (b"", "is empty"),
    "same names": (b"a,a\n1,2\n", "columns of the same name: 'a'"),
    "uneven": (b"a,b\n1\n2,3\n", "1 rows have not"),
    "not UTF-8": (b"a\n\xff\n", "is not UTF-8"),
    "semicolons": (b"a;b\n1;2\n", "parted by ';'"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_a_mistake_of_the_caller(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, why = FILES[case]
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    good = written(tmp_path, "good.csv", BEFORE)

    codes = [run(good, bad), run(bad, good)]

    assert codes == [2, 2]
    assert capsys.readouterr().err.count(why) == 2


def test_a_damaged_parquet_file_is_a_mistake_of_the_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 and no more")

    assert run(bad, bad) == 2
    assert "no valid Parquet file" in capsys.readouterr().err


def test_a_parquet_file_that_breaks_off_in_the_middle_is_a_mistake_of_the_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = written(tmp_path, "good.parquet", BEFORE)
    whole = bytearray(good.read_bytes())
    whole[4:2000] = bytes(1996)
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(whole)

    assert [run(bad, good), run(good, bad)] == [2, 2]
    assert capsys.readouterr().err.count("bad.parquet cannot be read") == 2


BAD_FILES: dict[str, tuple[pl.DataFrame, pl.DataFrame, int, str]] = {
    "no rows": (BEFORE, QUIET[:0], 3, "0 rows in the current data"),
    "one row": (BEFORE, QUIET[:1], 3, "1 row in the current data"),
    "lost column": (BEFORE, QUIET.drop("plan"), 3, "not in the current data"),
    "all missing": (BEFORE, QUIET.with_columns(income=None), 1, "Missing values rose"),
    "other type": (BEFORE, QUIET.with_columns(income=pl.lit("a")), 3, "text in the current data"),
    "infinite": (BEFORE, QUIET.with_columns(income=pl.lit(float("inf"))), 1, "outside the"),
    "dates": (BEFORE.with_columns(d=DAYS), QUIET.with_columns(d=DAYS), 0, "pass by themselves"),
    "names": (BEFORE.rename({"plan": "🙂"}), QUIET.rename({"plan": "🙂"}), 0, "🙂"),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_odd_files_get_the_same_answers(
    case: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now, code, why = BAD_FILES[case]
    paths = (
        written(tmp_path, f"before{suffix}", before),
        written(tmp_path, f"now{suffix}", now),
    )

    assert run(*paths) == code
    assert why in capsys.readouterr().out
