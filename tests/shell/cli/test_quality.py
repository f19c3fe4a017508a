"""`homeostat quality`: of the model, and of any labelled file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from tests.shell.project import CHANGED, DAY, HOUR, START, Town, change_settings, command, homeostat

# Of the model.


def asked(
    town: Town, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    at = town.now.isoformat()
    code = command(town.folder, "quality", "--as-of", at, "--json", *arguments)
    return code, json.loads(capsys.readouterr().out)


def test_of_the_model_for_people(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    code = command(quiet.folder, "quality", "--as-of", quiet.now.isoformat())

    said = capsys.readouterr().out
    assert code == 0
    assert "2026-03-04 00:00 UTC  version 1" in said
    assert "960 of 960 predictions have a label (100.0%; 95.8% of those that come" in said
    assert "degradation PASS  Accuracy 0." in said
    assert "ROC AUC" in said
    assert "DeLong, Wilson" in said


def test_of_the_model_as_json(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = asked(quiet, capsys)

    assert code == 0
    assert (told["model"], told["model_version"]) == ("loans", 1)
    assert told["as_of"] == quiet.now.isoformat()
    assert {"accuracy", "precision", "recall", "f1", "roc_auc", "ece"} <= set(told["metrics"])
    assert len(told["reliability"]) == 10
    assert [one["question"] for one in told["verdicts"]] == ["degradation"]


def test_a_limit_that_is_broken_is_exit_code_1(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    change_settings(quiet.folder, {"quality": {"min_accuracy": 0.95, "value_true_positive": 3}})

    code, told = asked(quiet, capsys)
    assert code == 1
    [thresholds] = [one for one in told["verdicts"] if one["question"] == "thresholds"]
    assert "below 0.95 on" in thresholds["reason"]
    assert 0 < told["metrics"]["business_value"]["value"] < 3


def test_a_business_metric_in_a_file_beside_the_settings(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    (quiet.folder / "money.py").write_text("def money(y, a, p):\n    return float((y * a).sum())\n")
    own = {"business_metric": "money.py:money", "min_business_value": 1e6}
    change_settings(quiet.folder, {"quality": own})

    code, told = asked(quiet, capsys)
    assert code == 1
    assert told["metrics"]["business_value"]["method"] == "bootstrap, 400 samples"


@pytest.mark.parametrize(
    ("by", "parts"),
    [
        ("job", {"job clerk", "job cook", "job pilot", "job missing"}),
        ("version", {"version 1"}),
        ("day", {"2026-03-02"}),
        ("week", {"2026-W10"}),
    ],
)
def test_in_parts(
    quiet: Town, capsys: pytest.CaptureFixture[str], by: str, parts: set[str]
) -> None:
    _, told = asked(quiet, capsys, "--by", by)

    assert set(told["by"]) - {"2026-03-03"} == parts
    rows = sum(one["accuracy"]["n"] for one in told["by"].values())
    assert rows == told["cohort"]["labelled"]


def test_a_number_is_cut_into_fifths(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = asked(quiet, capsys, "--by", "debt")

    assert len(told["by"]) == 5
    assert command(quiet.folder, "quality", "--as-of", quiet.now.isoformat(), "--by", "debt") == 0
    assert "debt [-inf," in capsys.readouterr().out


def test_a_shorter_window_has_fewer_rows(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    _, whole = asked(quiet, capsys)
    code, part = asked(quiet, capsys, "--window", 1.25)

    assert 0 < part["cohort"]["labelled"] < whole["cohort"]["labelled"]
    assert code in {0, 3}


def test_before_any_label_it_cannot_be_told(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(start.folder, "quality", "--as-of", START.isoformat())

    assert code == 3
    assert "no labelled prediction" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "incom"), "did you mean 'income'"),
        (("--window", "0"), "a number of days above 0"),
        (("--label", "x"), "give --data"),
        (("--version", "9"), "no version 9"),
        (("--as-of", "2026-01-01"), "no version of 'loans' was in service"),
    ],
)
def test_what_cannot_be_asked_is_said(
    quiet: Town, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert command(quiet.folder, "quality", *arguments) == 2
    assert said in capsys.readouterr().err


def test_looking_writes_nothing_down(quiet: Town) -> None:
    before = quiet.project.store.performance.history("loans")
    command(quiet.folder, "quality", "--as-of", (quiet.now + HOUR).isoformat())

    assert quiet.project.store.performance.history("loans") == before


def test_a_run_of_the_monitoring_tells_it_too(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    quality = {"lookback_days": 2, "min_accuracy": 0.72, "search_segments": True}
    change_settings(quiet.folder, {"quality": quality})
    quiet.live(CHANGED, 60, every=100)
    at = quiet.now.isoformat()
    command(quiet.folder, "monitor", "run", "--as-of", at, "--json")
    told = json.loads(capsys.readouterr().out)
    outcomes = {one["question"]: one["outcome"] for one in told["performance"]}
    [result] = [Path(one) for one in told["reports"] if "monitoring_results" in one]
    verdicts = json.loads(result.read_text())["verdicts"]

    assert outcomes["degradation"] == "FAIL"
    assert {"degradation", "segments", "thresholds"} <= {one["question"] for one in verdicts}
    command(quiet.folder, "monitor", "run", "--as-of", (quiet.now + DAY).isoformat())
    assert "degradation FAIL" in capsys.readouterr().out


# Of a file.


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    p = random.random(600)
    y = random.random(600) < p
    path = tmp_path / "scored.csv"
    pl.DataFrame(
        {
            "score": p,
            "label": np.where(y, "yes", "no"),
            "answer": np.where(p > 0.4, "yes", "no"),
            "number": y.astype(int),
            "region": random.choice(["north", "south"], 600),
        }
    ).write_csv(path)
    return path


def told_of(capsys: pytest.CaptureFixture[str], path: Path, *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert homeostat("quality", "--data", path, "--json", *arguments) == 0
    plain: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plain


def test_any_labelled_file_is_measured(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pl.read_csv(scored)
    told = told_of(
        capsys,
        scored,
        "--label",
        "label",
        "--score",
        "score",
        "--positive",
        "yes",
        "--prediction",
        "answer",
        "--by",
        "region",
    )
    figures = {name: one["value"] for name, one in told["metrics"].items()}
    y, answers = frame["label"] == "yes", frame["answer"] == "yes"

    assert told["rows"] == 600
    assert figures["f1"] == pytest.approx(metrics.f1_score(y, answers))
    assert figures["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, frame["score"]), abs=3e-4)
    assert set(told["by"]) == {"region north", "region south"}


def test_without_answers_the_threshold_makes_them(
    scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ("--label", "number", "--score", "score")
    half = told_of(capsys, scored, *columns)["metrics"]
    high = told_of(capsys, scored, *columns, "--threshold", "0.9")["metrics"]

    assert half["recall"]["value"] > high["recall"]["value"]
    assert homeostat("quality", "--data", scored, *columns) == 0
    assert "Calibration error" in capsys.readouterr().out


def test_rows_without_a_label_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.csv"
    path.write_text("y,p\n1,0.9\n0,0.2\n,0.5\n1,0.4\n")
    told = told_of(capsys, path, "--label", "y", "--score", "p")

    assert (told["rows"], told["unlabelled"]) == (3, 1)


def test_a_regression(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    y = random.normal(100, 10, 300)
    path = tmp_path / "numbers.parquet"
    pl.DataFrame({"y": y, "z": y + random.normal(0, 3, 300)}).write_parquet(path)
    told = told_of(capsys, path, "--task", "regression", "--label", "y", "--prediction", "z")

    assert set(told["metrics"]) == {"mae", "rmse", "r2", "quantile_loss", "mean_error"}
    assert told["metrics"]["rmse"]["value"] == pytest.approx(3, rel=0.2)


def test_several_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    y = random.choice(3, 500)
    scores = np.exp(random.normal(size=(500, 3)) + np.eye(3)[y])
    scores /= scores.sum(axis=1, keepdims=True)
    names = np.array(["a", "b", "c"])
    path = tmp_path / "classes.parquet"
    columns = {f"p{name}": scores[:, i] for i, name in enumerate(names)}
    answers = scores.argmax(axis=1)
    pl.DataFrame({"y": names[y], "z": names[answers], **columns}).write_parquet(path)
    plain = ("--task", "multiclass", "--label", "y", "--prediction", "z")
    told = told_of(capsys, path, *plain)
    given = [part for name in names for part in ("--score", f"{name}=p{name}")]
    more = told_of(capsys, path, *plain, *given)

    theirs = metrics.f1_score(y, answers, average="macro")
    assert told["metrics"]["macro_f1"]["value"] == pytest.approx(theirs)
    assert "log_loss" not in told["metrics"]
    assert more["metrics"]["log_loss"]["value"] == pytest.approx(metrics.log_loss(y, scores))
    assert homeostat("quality", "--data", path, *plain, "--score", "a=pa") == 2
    assert "for every class" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--label: name the column"),
        (("--label", "label"), "--score: name the one column"),
        (("--label", "labl", "--score", "score"), "did you mean 'label'"),
        (("--label", "label", "--score", "region"), "not a number"),
        (("--label", "score", "--score", "score"), "600 classes"),
        (("--label", "number", "--score", "score", "--positive", "yes"), "holds numbers"),
        (("--label", "label", "--task", "multiclass"), "--prediction: name"),
        (("--label", "label", "--task", "regression"), "--prediction: name"),
        (("--label", "score", "--task", "regression", "--prediction", "region"), "not a number"),
        (
            (
                "--label",
                "score",
                "--prediction",
                "score",
                "--task",
                "regression",
                "--quantile",
                "1",
            ),
            "must lie between 0 and 1",
        ),
    ],
)
def test_a_file_that_cannot_be_measured_is_told_why(
    scored: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert homeostat("quality", "--data", scored, *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y,p\n1,1.5\n0,0.2\n", "not within 0 to 1"),
        ("y,p\n,0.5\n,0.2\n", "no row has a label"),
        ("y,p,z\n1,0.5,1\n0,0.2,\n", "'z' has no value in 1 labelled rows"),
        ("y,p,z\n1,inf,1\n0,0.2,1\n", "not a finite number"),
    ],
)
def test_values_that_cannot_be_measured_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    columns = ["--label", "y", "--score", "p"]
    answers = ["--prediction", "z"] if "z" in text else []

    assert homeostat("quality", "--data", path, *columns, *answers) == 2
    assert said in capsys.readouterr().err
