"""What happened is told for people and as JSON."""

import json
from typing import Any

import pytest

from homeostat.prediction import Label
from tests.shell.project import CHANGED, DAY, MODEL, START, Town, change_settings, command


def asked(town: Town, capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    capsys.readouterr()
    assert command(town.folder, "history", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["alerts", "performance", "drift", "decisions", "verdicts"])
def test_each_kind_is_told(candidate: Town, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert command(candidate.folder, "history", kind) == 0

    said = capsys.readouterr().out
    expected = {
        "alerts": "drift  open",
        "performance": "Brier score",
        "drift": "drifted: ",
        "decisions": "RETRAIN",
        "verdicts": "quality",
    }
    assert expected[kind] in said


def test_the_past_is_told_as_it_was_known(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    as_of = quiet.now.isoformat()
    before = asked(quiet, capsys, "verdicts", "--as-of", as_of)
    quiet.live(CHANGED, 12)

    assert asked(quiet, capsys, "verdicts", "--as-of", as_of) == before
    assert asked(quiet, capsys, "verdicts")["entries"][0]["at"] == quiet.now.isoformat()
    assert asked(quiet, capsys, "alerts", "--as-of", as_of)["entries"] == []
    assert asked(quiet, capsys, "alerts")["entries"]


def test_pages_follow_each_other(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    whole = asked(quiet, capsys, "drift", "--limit", 100)["entries"]

    first = asked(quiet, capsys, "drift", "--limit", 5)
    second = asked(quiet, capsys, "drift", "--limit", 5, "--page", first["next"])

    assert first["entries"] + second["entries"] == whole[:10]
    command(quiet.folder, "history", "drift", "--limit", 5)
    assert f"There is more: --page {first['next']}" in capsys.readouterr().out


def test_nothing_is_said_to_be_nothing(start: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(start.folder, "history", "alerts") == 0

    assert capsys.readouterr().out.strip() == "Nothing in this time."


def test_old_days_are_pruned_and_listed(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    change_settings(quiet.folder, {"retention": {"predictions_days": 1}})
    far = (START + 200 * DAY).isoformat()
    newest = quiet.project.store.recent_predictions(MODEL, 1)[0].id
    quiet.project.store.add_labels([Label(prediction_id=newest, value=1, received_at=quiet.now)])

    command(quiet.folder, "history", "prune", "--dry-run", "--as-of", far)
    told = capsys.readouterr().out
    done = asked(quiet, capsys, "prune", "--as-of", far)
    listed = asked(quiet, capsys, "removed")

    assert "2026-03-02  960 predictions would leave the store" in told
    assert "2026-03-03  predictions stay: the last rows that were written" in told
    assert [(one["day"], one["rows"], one["labels"]) for one in done["removed"]] == [
        ("2026-03-02", 960, 960)
    ]
    assert listed == done["removed"]
    assert (quiet.folder / "history" / listed[0]["place"]).is_file()
    command(quiet.folder, "history", "removed")
    assert "960 predictions of 2026-03-02 > predictions/model=loans" in capsys.readouterr().out


def test_what_is_needed_is_said_to_stay(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    change_settings(quiet.folder, {"retention": {"predictions_days": 1}})

    done = asked(quiet, capsys, "prune", "--as-of", (START + 50 * DAY).isoformat())

    assert done["removed"] == []
    assert [one["reason"] for one in done["held"]] == [
        "a retraining learns from the last 90 days"
    ] * 2


@pytest.mark.parametrize("kind", ["performance", "drift", "daily", "weekly"])
def test_reports_are_files(quiet: Town, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    at = quiet.now.isoformat()

    assert command(quiet.folder, "report", kind, "--as-of", at, "--json") == 0

    plain = json.loads(capsys.readouterr().out)
    assert len(plain["files"]) >= 2
    assert all(f"reports/{kind}_reports/" in one for one in plain["files"])
    assert command(quiet.folder, "report", kind, "--as-of", at) == 0
    assert plain["files"][0] in capsys.readouterr().out.replace("\n", "")


def test_a_look_leaves_its_drift_report_in_both_folders_once(quiet: Town) -> None:
    quiet.project.monitor.observe(at=quiet.now)

    name = "drift_report_20260304_000000.html"
    first = quiet.folder / "monitoring/reports/drift_reports" / name
    second = quiet.folder / "reports/drift_reports" / name
    assert first.samefile(second)
    assert (second.parent / "drift_summary_20260304_000000.json").is_file()
