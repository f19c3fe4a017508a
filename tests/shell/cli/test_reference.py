import json
from pathlib import Path

import pytest

from tests.shell.project import START, command


def test_freezing_tells_what_was_frozen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command(folder, "reference", "freeze", "--force", "--share", "0.3")

    said = capsys.readouterr().out
    assert code == 0
    assert "Frozen: the newest 900 rows of loans.csv, 4 features, sha256" in said
    assert "Next: homeostat model train" in said


def test_freezing_twice_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "monitoring/reference/reference_data.csv").read_bytes()

    code = command(folder, "reference", "freeze", "--share", "0.3")

    assert code == 2
    assert "is frozen in" in capsys.readouterr().err
    assert (folder / "monitoring/reference/reference_data.csv").read_bytes() == before


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "nan", "many"])
def test_a_share_that_is_none_is_refused(folder: Path, share: str) -> None:
    assert command(folder, "reference", "freeze", "--force", "--share", share) == 2


def test_showing_verifies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(folder, "reference", "show") == 0

    said = capsys.readouterr().out
    assert "verified 600 rows of loans.csv, frozen 2026-03-02 00:00 UTC, sha256" in said


def test_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(folder, "reference", "show", "--json") == 0

    plain = json.loads(capsys.readouterr().out)
    assert (plain["num_samples"], plain["created_at"]) == (600, START.isoformat())
