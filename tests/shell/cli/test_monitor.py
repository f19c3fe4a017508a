import json
from typing import Any

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


# Once, and told when the next look is due.


def status(town: Town, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    capsys.readouterr()
    code = command(town.folder, "monitor", "status", "--json")
    return code, json.loads(capsys.readouterr().out)


def test_a_look_by_hand_is_told_and_promises_nothing(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing, _ = status(start, capsys)
    assert command(start.folder, "monitor", "run", "--mode", "once") == 3
    code, plain = status(start, capsys)

    [beat] = plain["loops"]
    assert (nothing, code) == (3, 3)
    assert (beat["loop"], beat["every_s"]) == ("monitor", None)
    assert beat["succeeded_at"] is not None
    assert plain["liveness"]["details"]["states"] == {"monitor": "free"}
    assert plain["canary"]["outcome"] == "INCONCLUSIVE"


def test_with_an_interval_the_next_look_is_promised(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(start.folder, "monitor", "run", "--once", "--interval", "30") == 3
    code, plain = status(start, capsys)

    assert code == 0
    assert plain["loops"][0]["every_s"] == 1800.0
    assert plain["liveness"]["outcome"] == "PASS"


def test_a_promised_look_that_fails_is_counted(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    (start.folder / "monitoring/metrics").write_text("a file where a folder should be")
    for _ in range(2):
        assert command(start.folder, "monitor", "run", "--once", "--interval", "30") == 4
    code, plain = status(start, capsys)

    assert code == 4
    assert plain["liveness"]["outcome"] == "ERROR"
    assert plain["loops"][0]["failures"] == 2
    assert "could not be written" in plain["loops"][0]["problem"]


def test_a_look_at_the_past_is_no_sign_of_life(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(quiet.folder, "monitor", "run", "--as-of", quiet.now.isoformat()) == 0
    _, plain = status(quiet, capsys)

    assert plain["loops"] == []
    assert plain["canary"]["outcome"] == "PASS"


def test_a_turn_of_the_loop_is_a_sign_of_life_too(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(start.folder, "loop", "run", "--once") == 0
    _, plain = status(start, capsys)

    assert [one["loop"] for one in plain["loops"]] == ["loop"]


@pytest.mark.parametrize("other", [["--once"], ["--as-of", "2026-03-02T00:00:00Z"]])
def test_continuous_and_once_are_not_both(
    start: Town, capsys: pytest.CaptureFixture[str], other: list[str]
) -> None:
    assert command(start.folder, "monitor", "run", "--mode", "continuous", *other) == 2
    assert "contradict each other" in capsys.readouterr().err


def test_status_is_said_for_people(start: Town, capsys: pytest.CaptureFixture[str]) -> None:
    command(start.folder, "monitor", "run", "--once", "--interval", "30")
    capsys.readouterr()
    assert command(start.folder, "monitor", "status") == 0

    said = capsys.readouterr().out
    assert "last success (UTC)" in said
    assert "1800 s" in said
    assert "liveness  PASS  1 loops as promised (monitor)" in said
    assert "canary    INCONCLUSIVE" in said


def test_what_was_stopped_for_good_can_be_forgotten(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    command(start.folder, "monitor", "run", "--once", "--interval", "30")
    assert command(start.folder, "monitor", "forget", "moniter") == 2
    assert "did you mean 'monitor'?" in capsys.readouterr().err
    assert command(start.folder, "monitor", "forget", "monitor") == 0
    code, plain = status(start, capsys)

    assert (code, plain["loops"]) == (3, [])
