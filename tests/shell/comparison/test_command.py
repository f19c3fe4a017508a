import json
from pathlib import Path

import polars as pl
import pytest

from homeostat.schema import Kind
from tests.shell.comparison.made import frame, run, schema, written

Said = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {
        "before": frame(0),
        "quiet": frame(1),
        "moved": frame(2, shift=0.8),
        "less": frame(1).drop("plan"),
    }
    return {name: written(tmp_path, f"{name}.csv", data) for name, data in made.items()}


@pytest.mark.parametrize(("current", "code"), [("quiet", 0), ("moved", 1), ("less", 3)])
def test_the_exit_code_says_what_was_found(
    files: dict[str, Path], current: str, code: int, capsys: Said
) -> None:
    assert run(files["before"], files[current]) == code
    assert ("PASS", "FAIL", "", "INCONCLUSIVE")[code] in capsys.readouterr().out


def test_what_changed_is_said_first(files: dict[str, Path], capsys: Said) -> None:
    run(files["before"], files["moved"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "FAIL  1 of 4 columns changed; 600 rows against 600, chance of a false alarm 0.001"
    )
    assert lines[2].split()[:3] == ["income", "FAIL", "critical"]
    assert "moved up by" in lines[2]
    assert any(line == "no change: children, plan, active" for line in lines)


def test_nothing_changed_says_what_would_have_been_seen(
    files: dict[str, Path], capsys: Said
) -> None:
    run(files["before"], files["quiet"])

    said = capsys.readouterr().out
    assert "no change: income, children, plan, active" in said
    assert "would have been seen in each: a shift by" in said


def test_as_json(files: dict[str, Path], capsys: Said) -> None:
    code = run(files["before"], files["moved"], "--json", "--alpha", "0.01")

    plain = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (plain["outcome"], plain["changed"]) == ("FAIL", ["income"])
    assert plain["alpha"] == pytest.approx(0.01)


def test_a_page_is_written(files: dict[str, Path], tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "reports" / "page.html"

    run(files["before"], files["moved"], "--html", page)

    assert "before.csv and moved.csv" in page.read_text(encoding="utf-8")
    assert str(page) in capsys.readouterr().out


def test_a_page_that_cannot_be_written_is_no_success(files: dict[str, Path]) -> None:
    assert run(files["before"], files["quiet"], "--html", files["before"] / "page.html") == 4


def test_by_a_column(files: dict[str, Path], tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "page.html"

    code = run(files["before"], files["moved"], "--by", "plan", "--html", page)

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[0].startswith("FAIL  ")
    assert [line.split()[0] for line in lines[2:5]] == ["basic", "plus", "pro"]
    assert "Comparison by plan" in page.read_text(encoding="utf-8")


def test_by_a_column_as_json(files: dict[str, Path], capsys: Said) -> None:
    run(files["before"], files["moved"], "--by", "plan", "--json")

    plain = json.loads(capsys.readouterr().out)
    assert plain["by"] == "plan"
    assert set(plain["groups"]) == {"basic", "plus", "pro"}


def test_a_classifier_is_asked(files: dict[str, Path], capsys: Said) -> None:
    assert run(files["before"], files["moved"], "--joint") == 1

    said = capsys.readouterr().out
    assert "all columns together: FAIL  domain_classifier" in said
    assert "given away by, in AUC: income" in said


def test_a_schema_says_what_columns_are(
    files: dict[str, Path], tmp_path: Path, capsys: Said
) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema(children=Kind.CATEGORY).to_dict()))

    assert run(files["before"], files["moved"], "--schema", path, "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["features"]) == ["children"]


SETTINGS = """
model: credit
target: {column: y}
features:
  children: {kind: integer}
data: {path: rows.csv}
drift: {critical_threshold: 0.0001}
"""


def test_settings_are_a_schema_with_thresholds(
    files: dict[str, Path], tmp_path: Path, capsys: Said
) -> None:
    path = tmp_path / "homeostat.yaml"
    path.write_text(SETTINGS)
    more = written(tmp_path, "more.csv", frame(1).with_columns(pl.col("children") + 1))

    assert run(files["before"], more, "--schema", path, "--json") == 1
    assert json.loads(capsys.readouterr().out)["severity"] == "critical"


def test_thresholds_of_the_environment_are_honoured(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("DRIFT_WARNING_THRESHOLD", "0.01")
    monkeypatch.setenv("DRIFT_CRITICAL_THRESHOLD", "50")

    run(files["before"], files["moved"], "--json")

    assert json.loads(capsys.readouterr().out)["severity"] == "warning"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--alpha", "0.5"], "--alpha"),
        (["--alpha", "0"], "--alpha"),
        (["--by", "paln"], "did you mean 'plan'"),
        (["--by", "plan", "--joint"], "leave it out with --by"),
        (["--schema", "nowhere.json"], "nowhere.json cannot be read"),
        (["--schema", "nowhere.yaml"], "there is no nowhere.yaml"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_options_that_cannot_be_used(
    files: dict[str, Path], arguments: list[str], why: str, capsys: Said
) -> None:
    assert run(files["before"], files["quiet"], *arguments) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{}", "[1]", "no JSON", '{"task": "binary"}'])
def test_a_file_that_holds_no_schema_is_refused(
    files: dict[str, Path], tmp_path: Path, text: str, capsys: Said
) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)

    assert run(files["before"], files["quiet"], "--schema", path) == 2
    assert "holds no schema" in capsys.readouterr().err


def test_files_that_are_not_there(tmp_path: Path, files: dict[str, Path], capsys: Said) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    assert run(files["before"], tmp_path / "nowhere.csv") == 2
    assert run(files["before"], empty) == 2
    assert (
        run(files["before"], written(tmp_path, "x.csv", frame(1)).rename(tmp_path / "x.xls")) == 2
    )
    assert capsys.readouterr().err.count("is not there") >= 2


def test_a_threshold_that_is_no_number_is_refused(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("DRIFT_WARNING_THRESHOLD", "high")

    assert run(files["before"], files["quiet"]) == 2
    assert "from DRIFT_WARNING_THRESHOLD" in capsys.readouterr().err
