"""Models that MLflow holds, in a real store of its own."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from homeostat.registry import load_scorer
from tests.shell.project import MODEL, QUIET, Town, change_settings, command

Said = pytest.CaptureFixture[str]

#: Not in the order of the project's settings, and not all of them.
COLUMNS = ["debt", "income", "age"]


@dataclass(frozen=True)
class Kept:
    """A model in MLflow, registered under two URIs."""

    uri: str
    run: str
    estimator: Any
    rows: pd.DataFrame


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("mlflow")
    frame = QUIET.draw(np.random.default_rng(3), 500)
    rows = pd.DataFrame({name: frame[name].to_numpy().astype(float) for name in COLUMNS})
    steps = (SimpleImputer(), StandardScaler(), LogisticRegression())
    estimator = make_pipeline(*steps).fit(rows, frame["bad"].to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uri, run = logged(folder, estimator, rows)
    return Kept(uri, run, estimator, rows)


def logged(folder: Path, estimator: Any, rows: pd.DataFrame) -> tuple[str, str]:
    import mlflow
    import mlflow.sklearn
    from mlflow.models import infer_signature

    uri, before = f"sqlite:///{folder}/mlflow.db", mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        mlflow.create_experiment("made elsewhere", artifact_location=(folder / "runs").as_uri())
        mlflow.set_experiment("made elsewhere")
        with mlflow.start_run() as run:
            mlflow.sklearn.log_model(
                estimator,
                name="model",
                signature=infer_signature(rows, estimator.predict_proba(rows)),
                registered_model_name="credit",
                skops_trusted_types=["numpy.dtype"],
                pip_requirements=["scikit-learn"],
            )
    finally:
        mlflow.set_tracking_uri(before)
    return uri, run.info.run_id


def known(town: Town, kept: Kept) -> Town:
    change_settings(town.folder, {"mlflow": {"tracking_uri": kept.uri}})
    return town


@pytest.mark.parametrize("place", ["models:/credit/1", "runs:/{run}/model"])
def test_a_model_of_mlflow_is_registered_by_its_uri(
    start: Town, kept: Kept, capsys: Said, place: str
) -> None:
    town = known(start, kept)

    code = command(town.folder, "model", "register", place.format(run=kept.run))

    assert code == 0, capsys.readouterr().err
    version = town.project.store.version(MODEL, 2)
    scorer = load_scorer(town.project.settings.artifacts.path, version)
    seen = scorer.probabilities(kept.rows.to_dict("records"))
    assert version.schema.names == tuple(COLUMNS)
    assert "model.onnx" in version.manifest
    expected = kept.estimator.predict_proba(kept.rows)[:, 1]
    assert np.allclose(seen, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("models:/credit/9", "MLflow has no model models:/credit/9"),
        ("models:/nobody/1", "MLflow has no model models:/nobody/1"),
        ("runs:/0123/model", "MLflow has no model runs:/0123/model"),
    ],
)
def test_a_uri_that_names_nothing_says_so(
    start: Town, kept: Kept, capsys: Said, *, place: str, reason: str
) -> None:
    assert command(known(start, kept).folder, "model", "register", place) == 2
    assert reason in capsys.readouterr().err


def test_without_mlflow_a_uri_says_what_to_set(start: Town, capsys: Said) -> None:
    assert command(start.folder, "model", "register", "models:/credit/1") == 2
    assert "mlflow.tracking_uri" in capsys.readouterr().err


def test_columns_that_nobody_describes_are_named(
    start: Town, tmp_path: Path, kept: Kept, capsys: Said
) -> None:
    import skops.io

    other = kept.rows.rename(columns={"age": "years"})
    estimator = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=9999))
    estimator.fit(other.round(), np.arange(len(other)) % 2)
    skops.io.dump(estimator, tmp_path / "other.skops")

    assert command(start.folder, "model", "register", tmp_path / "other.skops") == 2
    assert "'years'" in capsys.readouterr().err
