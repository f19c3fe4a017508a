import getpass
import json

import pytest

from tests.shell.project import MODEL, Town, command


def test_a_turn_tells_what_was_done_and_why(
    candidate: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(candidate.folder, "loop", "run", "--once", "--as-of", candidate.now.isoformat())

    said = capsys.readouterr().out
    assert code == 0
    assert "action    PROMOTE (candidate)" in said
    assert "improvement: PASS: F1 0." in said
    assert candidate.stand.champion == 2


def test_as_json(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    at = quiet.now.isoformat()

    assert command(quiet.folder, "loop", "run", "--once", "--as-of", at, "--json") == 0

    plain = json.loads(capsys.readouterr().out)
    assert (plain["action"], plain["phase"], plain["decision"]) == ("HOLD", "steady", None)
    assert plain["observation"]["health"] == "PASS"


def test_pausing_and_resuming_are_written_down(
    candidate: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("loop", "run", "--once", "--as-of", candidate.now.isoformat(), "--json")

    assert command(candidate.folder, "loop", "pause", "--reason", "stocktaking") == 0
    capsys.readouterr()
    assert command(candidate.folder, *run) == 0
    paused = json.loads(capsys.readouterr().out)
    assert command(candidate.folder, "loop", "resume") == 0
    capsys.readouterr()
    assert command(candidate.folder, *run) == 0
    resumed = json.loads(capsys.readouterr().out)

    by_hand = [
        one
        for one in candidate.project.store.decisions(MODEL)
        if one.decided_by == getpass.getuser() and one.action.value == "HOLD"
    ]
    assert (paused["action"], resumed["action"]) == ("HOLD", "PROMOTE")
    assert [one.reasons for one in by_hand] == [("resumed by hand",), ("stocktaking",)]


def test_there_is_one_loop_of_a_model(quiet: Town, capsys: pytest.CaptureFixture[str]) -> None:
    store = quiet.project.store
    store.lease(f"loop:{MODEL}", "another:1", now=quiet.now, ttl_s=60)
    run = ("loop", "run", "--once", "--as-of")

    refused = command(quiet.folder, *run, quiet.now.isoformat())
    said = capsys.readouterr().err
    store.release(f"loop:{MODEL}", "another:1")
    taken = command(quiet.folder, *run, quiet.now.isoformat())

    assert (refused, taken) == (4, 0)
    assert "another loop is at work on 'loans'" in said
    assert store.lease(f"loop:{MODEL}", "another:1", now=quiet.now, ttl_s=60) is not None
