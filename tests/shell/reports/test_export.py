import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import Unavailable
from homeostat.prediction import Label, LabelledPrediction, Prediction
from homeostat.reports.export import (
    LABEL_COLUMNS,
    PREDICTION_COLUMNS,
    export_labels,
    export_predictions,
)
from homeostat.schema import Row
from tests.shell.reports.made import AT


def prediction(name: str = "p1", features: Row | None = None) -> Prediction:
    return Prediction(
        id=name,
        model="credit",
        version=3,
        received_at=AT,
        features=features or {},
        prediction=1,
        probability=0.75,
        body_digest="",
    )


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_predictions_stand_under_the_names_people_know(tmp_path: Path) -> None:
    path = tmp_path / "predictions" / "predictions.csv"
    told = replace(prediction("p2", {"age": None}), event_time=AT - timedelta(hours=1))
    first = prediction("p1", {"age": 41, "owner": True, "city": 'Bath, "UK"'})

    n = export_predictions([[first], [], [told]], ["age", "owner", "city"], path)

    assert n == 2
    assert read(path) == [
        [*PREDICTION_COLUMNS, "age", "owner", "city"],
        [
            *("p1", "2026-03-04T12:30:05+00:00", "3", "1", "0.75", "2026-03-04T12:30:05+00:00"),
            *("41", "true", 'Bath, "UK"'),
        ],
        [
            *("p2", "2026-03-04T12:30:05+00:00", "3", "1", "0.75", "2026-03-04T11:30:05+00:00"),
            *("", "", ""),
        ],
    ]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path, first: str) -> None:
    text = f"{first}1+cmd|' /C calc'!A0"
    path = tmp_path / "predictions.csv"

    export_predictions([[prediction(text, {text: text})]], [text], path)

    header, row = read(path)
    assert header[-1] == row[0] == row[-1] == f"'{text}"


def test_numbers_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"

    export_predictions([[prediction(features={"a": -1.5, "b": -3, "c": 1e-9})]], "abc", path)

    assert read(path)[1][-3:] == ["-1.5", "-3", "1e-09"]


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_exactly(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    path = tmp_path_factory.mktemp("export") / "predictions.csv"

    export_predictions([[prediction(features={"x": value})]], ["x"], path)

    assert float(read(path)[1][-1]) == value


def test_a_feature_named_like_a_column_gets_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    row: Row = {"timestamp": 7, "feature_timestamp": 8}

    export_predictions([[prediction(features=row)]], list(row), path)

    header, values = read(path)
    assert len(set(header)) == len(header)
    assert dict(zip(header, values, strict=True))["feature_timestamp"] == "8"
    assert dict(zip(header, values, strict=True))["feature_feature_timestamp"] == "7"


def test_text_that_is_not_unicode_does_not_stop_the_export(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"

    export_predictions([[prediction(features={"x": "a\ud800b"})]], ["x"], path)

    assert read(path)[1][-1] == "a\\ud800b"


@pytest.mark.parametrize(
    "failure", [Unavailable("the database went away"), KeyboardInterrupt()], ids=["error", "stop"]
)
def test_a_failure_leaves_the_old_file_whole(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "predictions.csv"
    export_predictions([[prediction("old")]], [], path)
    before = path.read_bytes()

    def broken() -> Iterator[Sequence[Prediction]]:
        yield [prediction(f"new-{i}") for i in range(5_000)]
        raise failure

    with pytest.raises(type(failure)):
        export_predictions(broken(), [], path)

    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["predictions.csv"]


def test_another_header_replaces_the_file_and_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text("an,old,header\n1,2,3\n")

    export_predictions([[prediction()]], ["age"], path)

    assert len(read(path)) == 2


def test_labels_tell_how_late_they_were(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    label = Label(
        prediction_id="p1",
        value=1,
        received_at=AT + timedelta(days=3),
        labelled_at=AT + timedelta(days=1, hours=12),
        source="=bureau",
    )
    told_late = replace(label, labelled_at=None, source="manual")
    pairs = [LabelledPrediction(prediction(), one) for one in (label, told_late)]

    n = export_labels([pairs], path)

    assert n == 2
    late, later = "2026-03-06T00:30:05+00:00", "2026-03-07T12:30:05+00:00"
    assert read(path) == [
        list(LABEL_COLUMNS),
        ["p1", "1", late, "'=bureau", "1.5", later],
        ["p1", "1", later, "manual", "3.0", later],
    ]
