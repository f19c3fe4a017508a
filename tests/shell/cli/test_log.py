import csv
import json
from pathlib import Path

import pytest

from tests.shell.project import START, Town, command


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_log_is_exported(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(quiet.folder, "log", "export") == 0

    predictions = read(quiet.folder / "monitoring/predictions/predictions.csv")
    labels = read(quiet.folder / "monitoring/labels/labels.csv")
    assert (len(predictions), len(labels)) == (1920, 960)
    assert list(predictions[0])[:3] == ["prediction_id", "timestamp", "model_version"]
    assert list(predictions[0])[-4:] == ["income", "age", "debt", "job"]
    assert predictions[0]["timestamp"] == START.isoformat()
    assert {one["job"] for one in predictions} == {"clerk", "cook", "pilot", ""}
    assert "1,920 predictions in" in capsys.readouterr().out


def test_to_another_folder_as_json(
    quiet: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(quiet.folder, "log", "export", "--output", tmp_path / "out", "--json") == 0

    plain = json.loads(capsys.readouterr().out)
    assert (plain["predictions"], plain["labels"]) == (1920, 960)
    assert plain["files"][0] == str(tmp_path / "out/predictions/predictions.csv")
    assert Path(plain["files"][1]).exists()


def test_an_empty_log_has_a_header(folder: Path) -> None:
    assert command(folder, "log", "export") == 0

    text = (folder / "monitoring/predictions/predictions.csv").read_text()
    own = "prediction_id,timestamp,model_version,prediction,probability,application_date"
    assert text.splitlines() == [f"{own},income,age,debt,job"]


def test_a_folder_that_cannot_be_written_leaves_the_files_as_they_were(
    quiet: Town, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")

    assert command(quiet.folder, "log", "export", "--output", tmp_path / "out") == 4
    assert (tmp_path / "out").read_text() == "a file"
