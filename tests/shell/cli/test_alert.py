import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from homeostat.cli.beginning import alert_of_missing
from homeostat.cli.project import open_project
from homeostat.store import MISSING
from homeostat.verdict import Outcome, Verdict
from tests.shell.alerts.receivers import Received, http_receiver
from tests.shell.project import QUIET, SHIFTED, Town, change_settings, command


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


# Who is told.


def told(town: Town, url: str, **more: Any) -> None:
    """Let a webhook on this machine be told of this project's alerts."""
    hook = {"kind": "webhook", "options": {"url": {"env": "HOOK"}, "timeout_s": 5.0}}
    place = url.split("/")[2]
    alerts = {
        "channels": {"hook": hook, "screen": {"kind": "console"}},
        "allowed_hosts": [place],
        "allowed_networks": ["127.0.0.0/8"],
        **more,
    }
    change_settings(town.folder, {"alerts": alerts})


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    with http_receiver() as received:
        monkeypatch.setenv("HOOK", received.url)
        yield received


def test_every_channel_is_tried_the_whole_way(
    start: Town, hook: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    told(start, hook.url)

    assert command(start.folder, "alert", "test") == 0
    said = capsys.readouterr().out
    hook.plan = [500]
    assert command(start.folder, "alert", "test", "hook", "--json") == 1
    [plain] = json.loads(capsys.readouterr().out)
    assert command(start.folder, "alert", "test", "hok") == 2

    assert "hook: delivered (HTTP 200)" in said
    assert "screen: delivered (printed)" in said
    assert "Alerts of loans arrive here" in said
    assert hook.taken[0]["test"] is True
    assert plain == {"channel": "hook", "delivered": False, "detail": "HTTP 500"}
    assert "no channel 'hok'" in capsys.readouterr().err


def test_without_a_channel_nothing_is_tried(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(start.folder, "alert", "test") == 2
    assert "no channel is set" in capsys.readouterr().err


def test_a_turn_of_the_loop_tells_what_it_found(quiet: Town, hook: Received) -> None:
    quiet.live(SHIFTED, 12, label=False, every=100)
    told(quiet, hook.url)

    at = quiet.now.isoformat()
    assert command(quiet.folder, "loop", "run", "--once", "--as-of", at) == 0
    [body] = hook.taken
    [change] = body["changes"]
    alert = change["alert"]
    assert (change["change"], alert["type"], alert["model"]) == ("opened", "DATA_DRIFT", "loans")
    assert "income" in alert["features"]
    assert alert["rows"] > 0
    assert "asked" in alert["reason"]
    assert command(quiet.folder, "monitor", "run", "--once", "--as-of", at) == 1
    assert len(hook.taken) == 1


def test_an_alert_is_shown_taken_up_and_told_so(
    quiet: Town, hook: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet.live(SHIFTED, 12, label=False)
    told(quiet, hook.url)

    assert command(quiet.folder, "alert", "ack", "drift", "--reason", "I look") == 0
    assert command(quiet.folder, "alert", "show", "drift") == 0
    said = capsys.readouterr().out
    assert command(quiet.folder, "alert", "show", "drift", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert command(quiet.folder, "alert", "ack", "nothing") == 2

    assert "drift: taken up by" in said
    assert "Seen and asked" in said
    assert "I look" in said
    assert plain["acknowledged_by"]
    assert [one["event"] for one in plain["events"]] == ["acknowledged"]
    assert "no alert 'nothing'" in capsys.readouterr().err


def test_what_waits_is_sent_once_and_what_is_silenced_is_not(
    quiet: Town, hook: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    told(quiet, hook.url)
    silence = ("alert", "silence", "--key", "drift")
    assert command(quiet.folder, *silence) == 2
    assert "reason: none is given" in capsys.readouterr().err
    assert command(quiet.folder, *silence, "--reason", "a move", "--hours", "200") == 2
    assert "at most 7 days" in capsys.readouterr().err
    assert command(quiet.folder, *silence, "--reason", "a move") == 0
    assert command(quiet.folder, "alert", "list") == 0
    said = capsys.readouterr().out
    with open_project(quiet.folder / "homeostat.yaml") as project:
        now = datetime.now(UTC)
        failed = [
            Verdict(question=one, outcome=Outcome.FAIL, reason="1 seen, 0 asked")
            for one in ("drift", "quality")
        ]
        project.alerting.consider(failed, now=now)
        [held] = project.store.alerting.silences(project.model, now=now)
    assert command(quiet.folder, "alert", "send", "--once") == 0
    assert command(quiet.folder, "alert", "silence", "--end", held.id) == 0
    assert command(quiet.folder, "alert", "silence", "--end", held.id) == 2

    assert "silence drift until" in said
    assert [one["changes"][0]["alert"]["key"] for one in hook.taken] == ["quality"]
    assert "2 messages delivered" in capsys.readouterr().out
