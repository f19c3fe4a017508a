"""The page on models served elsewhere works as it is written."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from homeostat.store import open_store
from tests.conftest import missing
from tests.docs.pages import DOCS
from tests.shell.client.conftest import served
from tests.shell.serving.elsewhere_world import CONFIG, DOCUMENTED, Drifting, write_project

PAGE = (DOCS / "how-to" / "monitor-a-model-served-elsewhere.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^curl (?:.*\\\n)*.*(?:\n .*)*$", PAGE, flags=re.MULTILINE)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    settings = write_project(tmp_path)
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        world = Drifting(settings, store)
        world.freeze()
        with served(world.app()) as url:
            yield url


def given(command: str, url: str) -> str:
    """What a command of the page answers, asked of the service at `url`."""
    if shutil.which("curl") is None:
        missing("no curl")
    text = command.replace("http://localhost:8080", url).replace("curl ", "curl -sS --fail ")
    done = subprocess.run(
        ["sh", "-c", text], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_the_page_has_the_commands_of_the_document() -> None:
    assert [re.findall(r"/monitor/\w+", one) for one in COMMANDS] == [
        ["/monitor/predict"],
        ["/monitor/health"],
        ["/monitor/metrics"],
    ]
    assert json.loads(COMMANDS[0].partition("-d '")[2].rstrip("'")) == json.loads(DOCUMENTED)


def test_the_project_of_the_page_is_that_of_the_tests() -> None:
    plain: dict[str, Any] = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    told = CONFIG["features"]

    assert set(plain["features"]) == set(told)
    assert {n: one["kind"] for n, one in plain["features"].items()} == {
        n: one["kind"] for n, one in told.items()
    }


def test_the_row_of_the_document_is_answered(url: str) -> None:
    answer = json.loads(given(COMMANDS[0], url))

    documented = {"drift_detected", "drift_score", "severity", "feature_scores", "timestamp"}
    assert documented <= set(answer)
    assert set(answer["feature_scores"]) == set(CONFIG["features"])
    assert (answer["severity"], answer["drift_detected"]) == ("none", None)
    assert answer["outcome"] == "INCONCLUSIVE"


def test_the_health_of_the_document_is_answered(url: str) -> None:
    answer = json.loads(given(COMMANDS[1], url))

    assert {"status": "healthy", "baseline_data_loaded": True}.items() <= answer.items()
    assert "timestamp" in answer


def test_the_metrics_of_the_document_are_told(url: str) -> None:
    given(COMMANDS[0], url)
    text = given(COMMANDS[2], url)
    table = PAGE.partition("| metric |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`((?:model|homeostat)_\w+)[`{]", table))
    told = set(re.findall(r"^# HELP (\w+)", text, flags=re.MULTILINE))

    assert 'model_predictions_total{model_version="v1.2.0"} 1.0' in text
    assert told == named
