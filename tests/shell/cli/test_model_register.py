"""Models made elsewhere, with real files of each format, registered by the real command."""

import json
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import polars as pl
import pytest
import skops.io
import xgboost
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from homeostat.registry import encode_frame, load_scorer
from homeostat.registry.onnx import OnnxEstimator
from homeostat.schema import Row
from tests.shell.project import MODEL, QUIET, Town, asking, command

Said = pytest.CaptureFixture[str]
NAMES = ("income", "age", "debt", "job")


@dataclass(frozen=True, eq=False)
class Made:
    """Models of somebody else, in a folder, and the rows that they learnt from."""

    folder: Path
    frame: pl.DataFrame
    x: NDArray[np.float64]
    y: NDArray[np.int64]


def linear() -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


def write_models(made: Made) -> None:
    folder, x, y = made.folder, made.x, made.y
    booster = xgboost.XGBClassifier(n_estimators=30, max_depth=3).fit(x, y)
    booster.save_model(folder / "boosted.json")
    booster.save_model(folder / "boosted.ubj")
    turned = xgboost.DMatrix(x[:, ::-1], y, feature_names=list(reversed(NAMES)))
    xgboost.train({"objective": "binary:logistic"}, turned, 10).save_model(folder / "turned.json")
    strange = xgboost.DMatrix(x, y, feature_names=["income", "age", "debt", "shoe size"])
    xgboost.train({"objective": "binary:logistic"}, strange, 3).save_model(folder / "strange.json")
    xgboost.train({}, xgboost.DMatrix(x, y), 3).save_model(folder / "amount.json")
    quiet = {"objective": "binary", "verbose": -1}
    data = lightgbm.Dataset(x, y, feature_name=list(NAMES))
    lightgbm.train(quiet, data, 30).save_model(folder / "light.txt")
    sets = lightgbm.Dataset(x, y, categorical_feature=[3])
    lightgbm.train({**quiet, "min_data_per_group": 5}, sets, 30).save_model(folder / "sets.txt")
    fitted = linear().fit(x, y)
    skops.io.dump(fitted, folder / "linear.skops")
    joblib.dump(fitted, folder / "linear.joblib")
    older = make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=20)).fit(x, y)
    (folder / "older.pkl").write_bytes(pickle.dumps(older))
    (folder / "boosted.pkl").write_bytes(pickle.dumps(booster))
    naive = make_pipeline(SimpleImputer(), GaussianNB()).fit(x, y)
    (folder / "naive.pkl").write_bytes(pickle.dumps(naive))
    write_graphs(made, fitted)


def write_graphs(made: Made, fitted: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType

        matrix = [("given", FloatTensorType([None, 4]))]
        graph = to_onnx(fitted, initial_types=matrix, options={"zipmap": False})
        (made.folder / "matrix.onnx").write_bytes(graph.SerializeToString())
        graph = to_onnx(fitted, initial_types=[("x", FloatTensorType([None, 4]))])
        (made.folder / "dictionary.onnx").write_bytes(graph.SerializeToString())
        texts = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
        jobs = made.frame["job"].fill_null("").to_numpy().astype(object).reshape(-1, 1)
        texts.fit(jobs, made.y)
        graph = to_onnx(
            texts, initial_types=[("job", StringTensorType([None, 1]))], options={"zipmap": False}
        )
        (made.folder / "text.onnx").write_bytes(graph.SerializeToString())
    frame = made.frame.with_columns(pl.Series("probability", texts.predict_proba(jobs)[:, 1]))
    frame.write_csv(made.folder / "text.csv")
    frame = made.frame.with_columns(pl.Series("probability", fitted.predict_proba(made.x)[:, 1]))
    frame.write_csv(made.folder / "linear.csv")
    skops.io.dump(texts, made.folder / "text.skops")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    from homeostat.schema import Feature, Kind, Schema, Target, Task

    frame = QUIET.draw(np.random.default_rng(5), 800)
    kinds = (Kind.NUMBER, Kind.INTEGER, Kind.NUMBER)
    features = [Feature(name=name, kind=kind) for name, kind in zip(NAMES, kinds, strict=False)]
    job = Feature(name="job", kind=Kind.CATEGORY, categories=("clerk", "cook", "pilot"))
    schema = Schema(task=Task.BINARY, target=Target(column="bad"), features=(*features, job))
    given = Made(
        tmp_path_factory.mktemp("made"), frame, encode_frame(schema, frame), frame["bad"].to_numpy()
    )
    write_models(given)
    return given


def register(town: Town, place: object, *options: object) -> int:
    return command(town.folder, "model", "register", place, *options)


@pytest.mark.parametrize(
    ("name", "options", "algorithm", "compiled"),
    [
        ("boosted.json", [], "xgboost", "compiled: yes"),
        ("boosted.ubj", [], "xgboost", "compiled: yes"),
        ("turned.json", [], "xgboost", "compiled: yes"),
        ("light.txt", [], "lightgbm", "compiled: yes"),
        ("sets.txt", [], "lightgbm", "not compiled: a booster of LightGBM that splits by sets"),
        ("linear.skops", [], "skops", "compiled: yes"),
        ("matrix.onnx", [], "onnx", "compiled: it came as ONNX"),
        ("dictionary.onnx", [], "onnx", "compiled: it came as ONNX"),
        ("linear.joblib", ["--trust-pickle"], "skops", "compiled: yes"),
        ("older.pkl", ["--trust-pickle"], "onnx", "compiled: it came as ONNX"),
        ("boosted.pkl", ["--trust-pickle"], "xgboost", "compiled: yes"),
    ],
)
async def test_a_model_of_each_format_is_registered_and_served(
    start: Town,
    made: Made,
    capsys: Said,
    *,
    name: str,
    options: list[str],
    algorithm: str,
    compiled: str,
) -> None:
    code = register(start, made.folder / name, *options)
    said = capsys.readouterr().out
    assert (code, command(start.folder, "model", "promote", "2")) == (0, 0)
    row: Row = {"income": 2500.0, "age": 40, "debt": 0.7, "job": "cook"}

    assert f"Registered version 2 of loans ({algorithm})" in said
    assert f"  {compiled}" in said
    version = start.project.store.version(MODEL, 2)
    scorer = load_scorer(start.project.settings.artifacts.path, version)
    assert isinstance(scorer.estimator, OnnxEstimator) is compiled.startswith("compiled")
    async with asking(start) as client:
        answer = (await client.post("/predict", json=row)).json()
    assert answer["model_version"] == "2"
    assert answer["probability"] == pytest.approx(scorer.probability(row), abs=1e-12)
    assert version.origin == "registered"
    assert {"f1", "auc"} <= set(version.metrics)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


def test_columns_come_in_the_order_of_the_model(start: Town, made: Made) -> None:
    assert register(start, made.folder / "turned.json") == 0

    version = start.project.store.version(MODEL, 2)
    booster = xgboost.Booster(model_file=made.folder / "turned.json")
    expected = booster.predict(xgboost.DMatrix(made.x[:, ::-1], feature_names=list(NAMES)[::-1]))
    scorer = load_scorer(start.project.settings.artifacts.path, version)
    seen = scorer.probabilities(made.frame.drop("bad").to_dicts())
    assert version.schema.names == tuple(reversed(NAMES))
    assert np.allclose(seen, expected, rtol=0, atol=1e-6)


def test_a_sample_says_what_the_model_must_answer(start: Town, made: Made, capsys: Said) -> None:
    sample = ("--sample", made.folder / "linear.csv")

    assert register(start, made.folder / "linear.skops", *sample) == 0
    assert "answers like the column 'probability' of the sample" in capsys.readouterr().out
    assert register(start, made.folder / "boosted.json", *sample) == 2
    refused = capsys.readouterr().err
    assert "does not answer like the column 'probability' of the sample" in refused
    assert len(start.project.store.versions(MODEL)) == 2


def test_texts_reach_a_graph_that_reads_texts(start: Town, made: Made, capsys: Said) -> None:
    schema = schema_file(start, ["job"])
    given = ("--schema", schema, "--sample", made.folder / "text.csv", "--json")

    assert register(start, made.folder / "text.onnx", *given) == 0
    done = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in done["features"]] == ["job"]
    assert "answers like the column" in done["notes"][0]


def schema_file(town: Town, names: list[str]) -> Path:
    """The schema of version 1 with some of its features, in a file."""
    plain = town.project.store.version(MODEL, 1).schema.to_dict()
    plain["features"] = [one for one in plain["features"] if one["name"] in names]
    path = town.folder / "schema.json"
    path.write_text(json.dumps(plain))
    return path


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("none.onnx", [], "there is no model"),
        ("linear.csv", [], "files that end in '.csv' are no models"),
        ("linear.joblib", [], "is a pickle, that is a program; give --trust-pickle"),
        ("naive.pkl", ["--trust-pickle"], "was not converted"),
        ("strange.json", [], "'shoe size'"),
        ("amount.json", [], "objective is reg:squarederror; binary:logistic is asked"),
        ("text.skops", [], "was refused|reads categories as text"),
        ("text.onnx", [], "1 columns|inputs are not the features"),
    ],
)
def test_what_cannot_be_registered_says_why(
    start: Town, made: Made, capsys: Said, *, name: str, options: list[str], reason: str
) -> None:
    assert register(start, made.folder / name, *options) == 2

    said = capsys.readouterr().err
    assert any(one in said for one in reason.split("|")), said
    assert [one.number for one in start.project.store.versions(MODEL)] == [1]


@pytest.mark.parametrize("suffix", [".onnx", ".skops", ".json", ".ubj", ".txt", ".pkl", ".joblib"])
@pytest.mark.parametrize("trusted", [False, True])
def test_noise_is_no_model(start: Town, capsys: Said, suffix: str, trusted: bool) -> None:
    path = start.folder / f"noise{suffix}"
    path.write_bytes(bytes(range(32, 127)) * 9)

    assert register(start, path, *(["--trust-pickle"] if trusted else [])) == 2
    assert "noise" in capsys.readouterr().err or suffix in {".json", ".ubj", ".txt"}


class Planted:
    """Makes a folder wherever it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.marker,)


class Asleep:
    """Never comes back from being unpickled."""

    def __reduce__(self) -> Any:
        return __import__("time").sleep, (3600,)


class Greedy:
    """Asks for more memory than there may be."""

    def __reduce__(self) -> Any:
        return bytearray, (64 * 2**30,)


class Telling:
    """Writes the environment it is unpickled in to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        code = f"open({str(self.path)!r}, 'w').write(repr(dict(__import__('os').environ)))"
        return eval, (code,)


def planted_files(folder: Path, marker: Path) -> Iterator[Path]:
    """The same program under every name that a model may have."""
    for suffix in (".pkl", ".joblib", ".pickle", ".onnx", ".skops", ".json", ".ubj", ".txt"):
        path = folder / f"planted{suffix}"
        path.write_bytes(pickle.dumps(Planted(marker)))
        yield path
    pressed = folder / "pressed.pkl"
    joblib.dump(Planted(marker), pressed, compress=3)
    yield pressed
    yield mlflow_folder(folder / "switched", pickle.dumps(Planted(marker)), "cloudpickle")
    yield mlflow_folder(folder / "feigned", pickle.dumps(Planted(marker)), "skops")


def mlflow_folder(folder: Path, data: bytes, form: str, name: str = "model.pkl") -> Path:
    folder.mkdir()
    (folder / name).write_bytes(data)
    flavour = f"pickled_model: {name}\n    serialization_format: {form}"
    (folder / "MLmodel").write_text(f"flavors:\n  sklearn:\n    {flavour}\n")
    return folder


def test_without_trust_nothing_is_run(start: Town, tmp_path: Path, capsys: Said) -> None:
    marker = tmp_path / "marker"

    for place in planted_files(tmp_path, marker):
        assert register(start, place) == 2, place
        assert not marker.exists(), place
    assert len(start.project.store.versions(MODEL)) == 1
    capsys.readouterr()


def test_the_marker_would_be_seen(start: Town, tmp_path: Path, capsys: Said) -> None:
    """The negative control: with trust the program runs, apart, and leaves no model."""
    marker = tmp_path / "marker"
    path = tmp_path / "planted.pkl"
    path.write_bytes(pickle.dumps(Planted(marker)))

    assert register(start, path, "--trust-pickle") == 2
    assert marker.exists()
    assert "was not converted" in capsys.readouterr().err
    assert len(start.project.store.versions(MODEL)) == 1


def test_a_trusted_pickle_sees_no_secrets(
    start: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "a-secret-of-the-operator")
    told = tmp_path / "environment"
    path = tmp_path / "telling.pkl"
    path.write_bytes(pickle.dumps(Telling(told)))
    register(start, path, "--trust-pickle")

    assert "OMP_NUM_THREADS" in told.read_text()
    assert "a-secret-of-the-operator" not in told.read_text()


def test_a_greedy_pickle_is_stopped(start: Town, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "greedy.pkl"
    path.write_bytes(pickle.dumps(Greedy()))

    assert register(start, path, "--trust-pickle") == 2
    assert "MemoryError" in capsys.readouterr().err


def test_a_pickle_that_does_not_come_back_is_stopped(tmp_path: Path) -> None:
    from homeostat.errors import UserError
    from homeostat.registry.brought.converted import convert_pickle
    from homeostat.registry.brought.model import Brought, Format

    given = Brought(format=Format.PICKLE, data=pickle.dumps(Asleep()), source="asleep.pkl")

    with pytest.raises(UserError, match=r"within 5 s, and was stopped"):
        convert_pickle(given, np.zeros((2, 4)), NAMES, timeout_s=5.0)


@pytest.mark.parametrize("name", ["../outside.pkl", "link.pkl", "/etc/passwd"])
def test_a_folder_of_mlflow_holds_its_own_model(
    start: Town, tmp_path: Path, capsys: Said, name: str
) -> None:
    (tmp_path / "outside.pkl").write_bytes(b"")
    folder = mlflow_folder(tmp_path / "folder", b"", "pickle")
    (folder / "link.pkl").symlink_to(tmp_path / "outside.pkl")
    text = (folder / "MLmodel").read_text().replace("model.pkl", name)
    (folder / "MLmodel").write_text(text)

    assert register(start, folder, "--trust-pickle") == 2
    assert "has no file" in capsys.readouterr().err
