"""Exit codes: 0 done, 1 something found, 2 the input, 3 cannot be told, 4 an error."""

import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.cli.app import main
from homeostat.cli.options import EXIT
from homeostat.verdict import Outcome
from tests.shell.project import CHANGED, HOUR, START, Town, change_settings, command, homeostat


def test_every_noun_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert homeostat("--help") == 0

    said = capsys.readouterr().out
    for noun in ("init", "serve", "reference", "model", "log", "monitor", "loop", "decision"):
        assert noun in said


@pytest.mark.parametrize("noun", ["reference", "model", "log", "monitor", "loop", "alert"])
def test_every_noun_has_help(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert homeostat(noun, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_each_outcome_has_its_exit_code() -> None:
    assert {one: EXIT[one] for one in Outcome} == {
        Outcome.PASS: 0,
        Outcome.FAIL: 1,
        Outcome.INCONCLUSIVE: 3,
        Outcome.ERROR: 4,
    }


def test_0_when_nothing_changed(quiet: Town) -> None:
    assert command(quiet.folder, "monitor", "run", "--as-of", quiet.now.isoformat()) == 0


def test_1_when_something_did(quiet: Town) -> None:
    quiet.live(CHANGED, 12)

    assert command(quiet.folder, "monitor", "run", "--as-of", quiet.now.isoformat()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["model", "promote", "9"], id="not there"),
        pytest.param(["model", "promote", "1"], id="conflict"),
        pytest.param(["reference", "freeze"], id="frozen already"),
        pytest.param(["model", "promote", "zero"], id="no number"),
        pytest.param(["model", "promote", "0"], id="out of range"),
        pytest.param(["model", "fly"], id="no such verb"),
        pytest.param(["monitor", "run", "--as-of", "yesterday"], id="no time"),
        pytest.param(["decision", "show", "nothing"], id="no such decision"),
    ],
)
def test_2_when_the_input_cannot_be_used(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, *arguments) == 2

    printed = capsys.readouterr()
    assert printed.err.strip()
    assert "Traceback" not in printed.err


def test_2_without_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "model", "list") == 2
    assert "run `homeostat init` first" in capsys.readouterr().err


def test_3_when_it_cannot_be_told(folder: Path) -> None:
    at = (START + HOUR).isoformat()

    assert command(folder, "monitor", "run", "--as-of", at) == 3


def test_4_when_what_we_hold_contradicts_itself(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next(start.project.settings.artifacts.path.rglob("model.skops"))
    file.write_bytes(b"")

    assert command(start.folder, "model", "show", "1") == 4
    assert "homeostat: " in capsys.readouterr().err


def test_4_when_the_store_does_not_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change_settings(folder, {"store": {"url": "postgresql://nobody@127.0.0.1:9/none"}})

    assert command(folder, "model", "list") == 4
    assert "did not answer" in capsys.readouterr().err


def test_an_outage_is_no_verdict(start: Town) -> None:
    """The monitor leaves with 4, never with 0 or 1, when it could not look."""
    store = start.project.store
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE reference_profiles SET data_fingerprint = 'x'")

    assert command(start.folder, "monitor", "run", "--once") == 4
    assert store.verdicts("loans", "drift", limit=9) == []


def test_the_program_is_the_same(folder: Path) -> None:
    program = [sys.executable, "-m", "homeostat.cli.app"]
    config = ["--config", f"{folder / 'homeostat.yaml'}"]

    def exit_code(verb: str) -> int:
        arguments = [*program, "model", verb, *config]
        return subprocess.run(arguments, capture_output=True, timeout=60, check=False).returncode

    assert (exit_code("list"), exit_code("fly")) == (0, 2)


def test_without_arguments_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])

    printed = capsys.readouterr()
    assert end.value.code == 2
    assert "Usage" in printed.out + printed.err
