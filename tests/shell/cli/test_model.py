import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.shell.project import MODEL, START, Town, command


def test_training_tells_how_good_it_is_and_what_to_do_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(folder, "model", "train", "--algorithm", "random_forest")

    said = capsys.readouterr().out
    assert code == 0
    assert "Trained version 2 of loans (random_forest) on 2,400 rows" in said
    assert "f1 0." in said
    assert "Next: homeostat model promote 2" in said


def test_training_on_another_file_learns_from_all_of_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    header, *lines = (folder / "loans.csv").read_text().splitlines()
    other.write_text("\n".join([header, *lines[:1000]]))

    assert command(folder, "model", "train", "--data", other) == 0
    assert "on 1,000 rows" in capsys.readouterr().out


def test_an_unknown_algorithm_is_named_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, "model", "train", "--algorithm", "random_forst") == 2
    assert "random_forest" in capsys.readouterr().err


def test_versions_are_listed_with_their_stage(
    two: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(two.folder, "model", "promote", "2") == 0
    capsys.readouterr()

    assert command(two.folder, "model", "list") == 0
    table = capsys.readouterr().out
    assert command(two.folder, "model", "list", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert [(one["number"], one["stage"]) for one in plain] == [(1, "previous"), (2, "champion")]
    assert "hist_gradient_boosting" in table
    assert "champion" in table


def test_no_version_is_said_so(start: Town, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.shell.project import change_settings

    change_settings(start.folder, {"model": "other"})

    assert command(start.folder, "model", "list") == 0
    assert "No version yet; run: homeostat model train" in capsys.readouterr().out


def test_a_version_is_shown_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(folder, "model", "show", "1") == 0
    said = capsys.readouterr().out
    assert "verified" in said
    assert "compiled: yes, largest difference" in said

    assert command(folder, "model", "show", "1", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["model"], plain["number"], plain["stage"]) == (MODEL, 1, "champion")
    assert plain["created_at"] == START.isoformat()
    files = {"model.onnx", "model.skops", "golden.json", "version.json"}
    assert set(plain["manifest"]) == files
    assert plain["compiled"]["compiled"] is True
    assert plain["compiled"]["largest_difference"] <= 1e-9


def test_promoting_and_rolling_back_are_decisions_with_a_reason(
    two: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    at = START.isoformat()

    assert command(two.folder, "model", "promote", "2", "--reason", "I know it", "--as-of", at) == 0
    promoted = capsys.readouterr().out
    assert command(two.folder, "model", "rollback", "--json") == 0
    rolled_back = json.loads(capsys.readouterr().out)

    decisions = two.project.store.decisions(MODEL)
    assert "version 2 is in service, 1 before" in promoted
    assert (rolled_back["action"], rolled_back["version_after"]) == ("ROLL_BACK", 1)
    assert {one.reasons for one in decisions} == {
        ("promoted by hand",),
        ("I know it",),
        ("rolled back by hand",),
    }
    assert two.actions == [("PROMOTE", 1), ("PROMOTE", 2), ("ROLL_BACK", 1)]


def test_a_version_that_would_refuse_the_rows_of_today_is_not_promoted_unasked(
    two: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    second = two.project.store.version(MODEL, 2)
    *fewer, last = second.schema.features
    schema = replace(second.schema, features=tuple(fewer))
    two.project.store.add_version(replace(second, number=3, schema=schema))

    assert command(two.folder, "model", "promote", "3") == 2
    said = capsys.readouterr().err
    assert "version 3 asks for other rows than version 1, which is in service" in said
    assert f"{last.name}: {last.kind} for the champion, not asked for the other" in said
    assert "--other-rows" in said
    assert two.stand.champion == 1


def test_there_may_be_nothing_to_roll_back_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, "model", "rollback") == 2
    assert "no version to go back to" in capsys.readouterr().err
