import json

import pytest

from tests.shell.project import CHANGED, MODEL, Town, command


def test_what_is_seen_is_said_for_people(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    quiet.live(CHANGED, 12)

    code = command(quiet.folder, "monitor", "run", "--as-of", quiet.now.isoformat())

    said = capsys.readouterr().out
    assert code == 1
    assert "2026-03-04 12:00 UTC  version 1" in said
    assert "drift     FAIL" in said
    assert "cause     covariate shift" in said
    assert "drift_report_20260304_120000.html" in said


def test_as_json(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    at = quiet.now.isoformat()

    assert command(quiet.folder, "monitor", "run", "--once", "--as-of", at, "--json") == 0

    plain = json.loads(capsys.readouterr().out)
    assert plain["at"] == at
    assert (plain["model_version"], plain["health"]) == (1, "PASS")
    assert plain["drift"]["outcome"] == plain["quality"]["outcome"] == "PASS"
    assert plain["diagnosis"]["cause"] == "none"
    assert len(plain["reports"]) == 3


def test_looking_does_nothing(candidate: Town) -> None:
    before = candidate.actions

    command(candidate.folder, "monitor", "run", "--as-of", candidate.now.isoformat())

    assert candidate.actions == before
    assert candidate.project.store.verdicts(MODEL, "drift", limit=1)[0][0] == candidate.now
