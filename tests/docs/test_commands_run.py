"""The commands of the pages do what the pages say."""

import re
from pathlib import Path

import numpy as np
import pytest

from homeostat.demo.credit import credit_frame
from tests.docs.pages import DOCS, REFERENCE, REPOSITORY, Command, File, pages, steps
from tests.docs.shell import differences, masked, run

HOW_TO = DOCS / "how-to"
ROWS = 3_000  #: of the data file that `make demo` would leave

Given = list[tuple[Command, str]]


def given(asked: list[File | Command], said: list[str]) -> Given:
    commands = [one for one in asked if isinstance(one, Command)]
    return list(zip(commands, said, strict=True))


def wrong(done: Given) -> dict[str, list[str]]:
    """By command, what the page says and the command did not."""
    found = {command.text: differences(command, said) for command, said in done}
    return {text: lost for text, lost in found.items() if lost}


def left_by_the_demo(folder: Path) -> None:
    (folder / "demo").mkdir()
    frame = credit_frame(ROWS, rng=np.random.default_rng(3))
    frame.write_csv(folder / "demo" / "credit.csv")


@pytest.mark.slow
def test_the_readme_and_the_how_to_pages_run_as_written(tmp_path: Path) -> None:
    """The README, then every how-to that goes on with its service."""
    left_by_the_demo(tmp_path)
    names = (
        *("late-labels", "import-labels", "pause-and-resume", "where-files-lie"),
        *("ask-the-history", "keep-reports-and-prune", "try-a-version"),
        *("watch-the-monitor", "get-alerts"),
    )
    read = [REPOSITORY / "README.md", *(HOW_TO / f"{name}.md" for name in names)]
    asked = [step for page in read for step in steps(page)]

    done = given(asked, run(asked, tmp_path))

    assert len(done) > 25
    assert not wrong(done)
    assert not untold(tmp_path / "demo" / "by-hand")


@pytest.mark.slow
def test_two_files_are_compared_as_written(tmp_path: Path) -> None:
    left_by_the_demo(tmp_path)
    asked = list(steps(HOW_TO / "compare-two-datasets.md"))

    assert not wrong(given(asked, run(asked, tmp_path)))


def untold(home: Path) -> set[str]:
    """Files that were made and are not in the reference; stamps of time are written out."""
    told = (REFERENCE / "files.md").read_text(encoding="utf-8")
    saved = {"import_labels.py", "labels.csv", "seen.json", "card.html", "ask.py"}  # by the reader
    made = {
        re.sub(r"\d{8}_\d{6}", "YYYYmmdd_HHMMSS", path.name)
        for path in home.rglob("*")
        if path.is_file() and path.name not in saved
    }
    assert {"homeostat.yaml", "homeostat.db", "model.skops", "reference_data.csv"} < made
    return {name for name in made if f"{name}`" not in told}


@pytest.mark.slow
def test_a_churn_file_is_taken_over_as_written(tmp_path: Path) -> None:
    left_by_the_demo(tmp_path)
    asked = list(steps(HOW_TO / "come-from-a-churn-config.md"))

    done = given(asked, run(asked, tmp_path))

    assert len(done) == 2
    assert not wrong(done)


@pytest.mark.slow
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    asked = list(steps(DOCS / "tutorial" / "first-model.md"))

    done = given(asked, run(asked, tmp_path, {"MLFLOW_TRACKING_URI": ""}))

    [(train, said)] = [one for one in done if one[0].text == "homeostat model train"]
    assert len(done) > 15
    assert not wrong(done)
    assert f1(said) == pytest.approx(f1(train.answer), abs=0.03)  # the rows are seeded


def f1(text: str) -> float:
    return float(re.findall(r"\bf1 ([\d.]+)", text)[0])


@pytest.mark.slow
def test_a_model_is_registered_as_written(tmp_path: Path) -> None:
    left_by_the_demo(tmp_path)
    page = list(steps(HOW_TO / "register-a-model.md"))
    asked = [*list(steps(REPOSITORY / "README.md"))[:3], *page]

    done = given(asked, run(asked, tmp_path, {"MLFLOW_TRACKING_URI": ""}))

    assert len(done) == 11
    assert not wrong(done)


@pytest.mark.slow
def test_postgresql_is_used_as_written(tmp_path: Path, postgres_database: str) -> None:
    left_by_the_demo(tmp_path)
    asked = list(steps(REPOSITORY / "README.md"))[:3] + list(steps(HOW_TO / "use-postgresql.md"))
    environ = {"MLFLOW_TRACKING_URI": "", "DATABASE_URL": postgres_database}

    done = given(asked, run(asked, tmp_path, environ))

    assert not wrong(done)
    assert not (tmp_path / "demo" / "by-hand" / "homeostat.db").exists()


@pytest.mark.parametrize("name", ["serve-behind-a-proxy", "secure-the-service"])
def test_the_door_is_kept_as_written(tmp_path: Path, name: str) -> None:
    left_by_the_demo(tmp_path)
    page = list(steps(HOW_TO / f"{name}.md"))
    asked = [*list(steps(REPOSITORY / "README.md"))[:3], *page]

    done = given(asked, run(asked, tmp_path))

    assert not wrong(done)


@pytest.mark.slow
def test_the_statistic_and_the_gate_keep_their_contracts(tmp_path: Path) -> None:
    asked = list(steps(HOW_TO / "write-a-statistic-or-gate.md"))

    done = given(asked, run(asked, tmp_path))

    assert len(done) == 2
    assert not wrong(done)


def test_every_page_with_commands_is_run() -> None:
    run_here = {
        *(HOW_TO / f"{name}.md" for name in ("late-labels", "import-labels", "pause-and-resume")),
        *(HOW_TO / f"{name}.md" for name in ("where-files-lie", "use-postgresql", "try-a-version")),
        HOW_TO / "get-alerts.md",
        *(HOW_TO / f"{name}.md" for name in ("compare-two-datasets", "secure-the-service")),
        *(HOW_TO / f"{name}.md" for name in ("watch-the-monitor", "come-from-a-churn-config")),
        HOW_TO / "register-a-model.md",
        *(HOW_TO / f"{name}.md" for name in ("ask-the-history", "keep-reports-and-prune")),
        *(HOW_TO / f"{name}.md" for name in ("serve-behind-a-proxy", "write-a-statistic-or-gate")),
        DOCS / "tutorial" / "first-model.md",
        REPOSITORY / "README.md",
    }

    assert {page for page in pages() if any(steps(page))} == run_here


def test_a_page_that_says_something_else_is_found() -> None:
    command = Command("homeostat x", "trained 12 rows\n…\nexit code 0")

    assert masked("12.5, 1e-9 and 2026-01-05") == "#, # and #-#-#"
    assert not differences(command, "trained 7 rows, f1 0.5\nexit code 0\n")
    assert differences(command, "trained rows\nexit code 0") == ["trained # rows"]
