"""`homeostat challenger`, on a real project."""

import json

import pytest

from tests.shell.project import Town, command


def test_a_version_is_tried_listed_and_tried_no_more(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = quiet.folder
    assert command(folder, "model", "train", "--algorithm", "logistic_regression") == 0
    capsys.readouterr()

    assert command(folder, "challenger", "list") == 0
    assert command(folder, "challenger", "start", "2", "--share", "0.25", "--reason", "why") == 0
    assert command(folder, "challenger", "list") == 0
    said = capsys.readouterr().out
    assert command(folder, "challenger", "list", "--json") == 0
    [plain] = json.loads(capsys.readouterr().out)
    assert command(folder, "challenger", "stop", "2") == 0
    assert command(folder, "challenger", "start", "2", "--shadow", "--json") == 0

    assert "No version is tried" in said
    assert "version 2 is tried: answers 25.00%" in said
    assert (plain["version"], plain["mode"], plain["share"], plain["reason"]) == (
        *(2, "split", 0.25),
        "why",
    )
    assert plain["ended_at"] is None
    assert '"mode": "shadow"' in capsys.readouterr().out
    assert command(folder, "challenger", "list", "--all") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["2", "2"]


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("2",), 2, "say either --share"),
        (("2", "--share", "0.1", "--shadow"), 2, "say either --share"),
        (("1", "--shadow"), 2, "version 1 is in service"),
        (("7", "--shadow"), 2, "7"),
        (("2", "--share", "1.5"), 2, "must be from 0.0001 to 1"),
    ],
)
def test_a_trial_that_makes_no_sense_is_refused(
    quiet: Town,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    code: int,
    why: str,
) -> None:
    assert command(quiet.folder, "model", "train", "--algorithm", "logistic_regression") == 0

    assert command(quiet.folder, "challenger", "start", *options) == code

    assert why in capsys.readouterr().err
    assert quiet.project.store.trials.running(quiet.project.model) == []
