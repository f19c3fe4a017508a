import json

import pytest

from homeostat.decision import Action
from tests.shell.project import Town, change_settings, command


def test_decisions_are_listed_newest_first(
    verifying: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(verifying.folder, "decision", "list") == 0
    table = capsys.readouterr().out
    assert command(verifying.folder, "decision", "list", "--json", "--limit", "2") == 0
    plain = json.loads(capsys.readouterr().out)

    actions = [word for word in table.split() if word in list(Action)]
    assert actions == ["PROMOTE", "RETRAIN", "PROMOTE"]
    assert "1 > 2" in table
    assert [one["action"] for one in plain] == ["PROMOTE", "RETRAIN"]


def test_a_decision_is_shown_with_every_verdict_behind_it(
    verifying: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    decision = verifying.project.store.decisions("loans", limit=1)[0]

    assert command(verifying.folder, "decision", "show", decision.id) == 0
    said = capsys.readouterr().out
    assert command(verifying.folder, "decision", "show", decision.id, "--json") == 0

    assert "by loop: champion 1 before, 2 after" in said
    assert f"evidence sha256 {decision.evidence_digest}" in said
    for gate in ("golden_set", "improvement", "label_sanity", "unseen_rows"):
        assert f"  {gate:<16} PASS" in said
    assert json.loads(capsys.readouterr().out) == decision.to_dict()


def test_no_decision_is_said_so(start: Town, capsys: pytest.CaptureFixture[str]) -> None:
    change_settings(start.folder, {"model": "other"})

    assert command(start.folder, "decision", "list") == 0
    assert capsys.readouterr().out == "No decision yet.\n"
