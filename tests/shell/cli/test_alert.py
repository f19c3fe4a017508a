import json
from datetime import UTC, datetime

import pytest

from homeostat.cli.beginning import alert_of_missing
from homeostat.store import MISSING
from tests.shell.project import QUIET, SHIFTED, Town, command


def test_open_alerts_are_listed_with_their_cause(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet.live(SHIFTED, 20, label=False)

    assert command(quiet.folder, "alert", "list") == 0
    said = capsys.readouterr().out
    assert command(quiet.folder, "alert", "list", "--json") == 0

    [plain] = json.loads(capsys.readouterr().out)
    assert "drift since 2026-03-04" in said
    assert "open, seen 5 times" in said
    assert "covariate shift: 1 features moved" in said
    assert (plain["key"], plain["resolved_at"]) == ("drift", None)
    assert plain["opened_at"].endswith("+00:00")


def test_resolved_ones_only_when_asked_for(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    quiet.live(SHIFTED, 16, label=False)
    quiet.live(QUIET, 28, label=False)

    assert command(quiet.folder, "alert", "list") == 0
    assert capsys.readouterr().out == "No open alert.\n"
    assert command(quiet.folder, "alert", "list", "--all") == 0
    assert "until 2026-03-05" in capsys.readouterr().out


def test_none_at_all(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(quiet.folder, "alert", "list", "--all") == 0
    assert capsys.readouterr().out == "No alert.\n"


def test_what_is_missing_is_told_until_it_is_accepted(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    start.project.store.set_flag(MISSING, "3 predictions are gone")
    alert_of_missing(start.project.alerting, now=datetime(2026, 3, 4, tzinfo=UTC))

    assert command(start.folder, "alert", "list") == 0
    assert "3 predictions are gone" in capsys.readouterr().out
    assert command(start.folder, "alert", "accept-missing") == 0
    assert capsys.readouterr().out == "Accepted: 3 predictions are gone\n"
    assert command(start.folder, "alert", "accept-missing") == 0
    assert capsys.readouterr().out == "Nothing is missing.\n"
    assert command(start.folder, "alert", "list") == 0
    assert capsys.readouterr().out == "No open alert.\n"
