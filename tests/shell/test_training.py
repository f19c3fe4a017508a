import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from structlog.testing import capture_logs

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.errors import NotFound, Unavailable, UserError
from homeostat.registry import MlflowTracker, encode, load_scorer
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task
from homeostat.training import Recipe, TrainingRows, Workshop, file_rows, row_frame
from tests.shell.project import MODEL, START, Town

RECIPE = Recipe(algorithm="logistic_regression", seed=3)


@pytest.fixture
def workshop(start: Town) -> Workshop:
    return start.project.workshop


@pytest.fixture
def rows(start: Town) -> TrainingRows:
    baseline = start.project.baseline
    return file_rows(baseline, baseline.training_frame(), "loans.csv")


def test_a_version_is_registered_with_all_that_it_was_made_from(
    workshop: Workshop, rows: TrainingRows
) -> None:
    version = workshop.make(rows, RECIPE, now=START)

    described = json.loads((workshop.artifacts / version.location / "version.json").read_text())
    assert workshop.store.version(MODEL, 2) == version
    assert (version.number, version.created_at, version.origin) == (2, START, "manual")
    assert version.data_fingerprint == rows.fingerprint == described["data_fingerprint"]
    assert version.trained_until is None
    assert described["seed"] == 3
    assert described["trained_on"] == []
    assert set(version.metrics) >= {"f1", "auc", "brier", "n", "positives"}
    assert load_scorer(workshop.artifacts, version).version == version


def test_it_is_not_in_service(start: Town, workshop: Workshop, rows: TrainingRows) -> None:
    before = start.stand

    workshop.make(rows, RECIPE, now=START)

    assert start.stand == before


def test_its_reference_holds_its_own_scores_of_the_frozen_rows(
    start: Town, workshop: Workshop, rows: TrainingRows
) -> None:
    version = workshop.make(rows, RECIPE, now=START)

    scores = load_scorer(workshop.artifacts, version).probabilities(rows.reference_rows)
    profile = workshop.store.reference(MODEL, version.reference_digest).profile
    frozen = start.project.baseline.reference().profile
    positives = int((scores >= version.threshold).sum())
    assert profile.n == len(rows.reference_rows) == 600
    assert profile.feature(PROBABILITY).mean == pytest.approx(scores.mean())
    assert profile.feature(PREDICTION).present.tolist() == [600 - positives, positives, 0]
    for name in rows.schema.names:
        assert profile.feature(name).counts.tolist() == frozen.feature(name).counts.tolist()


def test_the_same_rows_and_seed_make_the_same_model(workshop: Workshop, rows: TrainingRows) -> None:
    one, other = (workshop.make(rows, RECIPE, now=START) for _ in range(2))

    scores = [
        load_scorer(workshop.artifacts, v).probabilities(rows.reference_rows) for v in (one, other)
    ]
    assert (one.number, other.number) == (2, 3)
    assert one.threshold == other.threshold
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda rows: {"y": np.zeros_like(rows.y)}, "one class", id="one class"),
        pytest.param(lambda rows: {"x": rows.x[:20], "y": rows.y[:20]}, "50", id="too few"),
        pytest.param(lambda rows: {"x": np.full_like(rows.x, np.inf)}, "infinite", id="infinite"),
    ],
)
def test_a_training_that_fails_leaves_no_version(
    workshop: Workshop,
    rows: TrainingRows,
    change: Callable[[TrainingRows], dict[str, Any]],
    says: str,
) -> None:
    files = sorted(workshop.artifacts.rglob("*"))

    with pytest.raises(UserError, match=says):
        workshop.make(replace(rows, **change(rows)), RECIPE, now=START)

    assert [one.number for one in workshop.store.versions(MODEL)] == [1]
    assert sorted(workshop.artifacts.rglob("*")) == files


def test_an_unknown_algorithm_is_named_with_the_nearest(
    workshop: Workshop, rows: TrainingRows
) -> None:
    with pytest.raises(NotFound, match="logistic_regression"):
        workshop.make(rows, replace(RECIPE, algorithm="logistic"), now=START)

    assert [one.number for one in workshop.store.versions(MODEL)] == [1]


def test_a_training_that_cannot_be_stored_leaves_no_version(
    workshop: Workshop, rows: TrainingRows, tmp_path: Path
) -> None:
    no_folder = tmp_path / "a file"
    no_folder.write_text("")

    with pytest.raises(Unavailable):
        replace(workshop, artifacts=no_folder).make(rows, RECIPE, now=START)

    assert [one.number for one in workshop.store.versions(MODEL)] == [1]


def test_an_mlflow_that_does_not_answer_hinders_no_training(
    workshop: Workshop, rows: TrainingRows
) -> None:
    unheard = replace(workshop, tracker=MlflowTracker("sqlite:////proc/none/mlflow.db", MODEL))

    with capture_logs() as logs:
        version = unheard.make(rows, RECIPE, now=START)

    assert workshop.store.version(MODEL, version.number) == version
    warned = [one["event"] for one in logs if one["log_level"] == "warning"]
    assert warned == ["training not logged to mlflow"]


ALL_KINDS = Schema(
    task=Task.BINARY,
    target=Target(column="y"),
    features=(
        Feature(name="a", kind=Kind.NUMBER),
        Feature(name="b", kind=Kind.INTEGER),
        Feature(name="c", kind=Kind.BOOLEAN),
        Feature(name="d", kind=Kind.CATEGORY, categories=("x", "y")),
    ),
)


def test_rows_become_columns_of_the_right_type_whatever_is_missing() -> None:
    rows: list[Row] = [{"a": 1, "b": 2, "c": True, "d": "x"}, {"d": "new"}, {}]

    frame = row_frame(rows, ALL_KINDS)

    assert frame.dtypes == [pl.Float64, pl.Float64, pl.Boolean, pl.String]
    assert frame["d"].to_list() == ["x", "new", None]
    assert frame["a"].to_list() == [1.0, None, None]
    assert row_frame([], ALL_KINDS).shape == (0, 4)


def test_rows_of_a_file_are_encoded_as_rows_of_a_request(start: Town) -> None:
    baseline = start.project.baseline
    frame = baseline.training_frame()

    rows = file_rows(baseline, frame, "loans.csv")

    plain = frame.drop("bad").to_dicts()
    np.testing.assert_array_equal(rows.x, encode(baseline.schema, plain))
    assert rows.y.tolist() == [int(one) for one in frame["bad"]]
