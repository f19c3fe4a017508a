"""The demo as a person runs it, checked against the stores that it leaves behind."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TIMEOUT_S = 400
FIELDS = {
    "name",
    "drift_outcome",
    "diagnosis",
    "decisions",
    "champion_before",
    "champion_after",
    "f1_before",
    "f1_during",
    "f1_after",
    "requests",
    "failed_requests",
}


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    """The summary of a demo that left with 0."""
    command = [sys.executable, "-m", "homeostat.demo", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary: dict[str, Any] = json.loads((folder / "demo/summary.json").read_text())
    return summary


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder)


def rows(folder: Path, story: dict[str, Any], query: str) -> list[tuple[Any, ...]]:
    """What a query says to the store of a story."""
    path = folder / story["folder"] / "homeostat.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_all_four_stories_end_as_they_must(demo: tuple[Path, dict[str, Any]]) -> None:
    _, summary = demo
    world, feed, poison, bad = summary["stories"]

    def by_loop(story: dict[str, Any]) -> list[str]:
        return [one["action"] for one in story["decisions"] if one["decided_by"] == "loop"]

    assert all(set(one) >= FIELDS for one in summary["stories"])
    assert [one["failed_requests"] for one in summary["stories"]] == [0, 0, 0, 0]
    assert by_loop(world) == ["RETRAIN", "PROMOTE", "SETTLE"]
    assert world["f1_during"] < world["f1_after"]
    assert world["f1_during"] < world["f1_before"]
    assert (world["champion_before"], world["champion_after"]) == (1, 2)
    assert (feed["diagnosis"], by_loop(feed)) == ("data fault", [])
    assert feed["drift_outcome"] == "FAIL"
    assert by_loop(poison) == ["RETRAIN", "DISCARD"]
    assert any("label_sanity: FAIL" in reason for reason in poison["decisions"][-1]["reasons"])
    assert poison["f1_during"] < poison["f1_after"]  # by the labels as they were, and corrected
    assert by_loop(bad) == ["ROLL_BACK"]
    assert [one["champion_after"] for one in (feed, poison, bad)] == [1, 1, 1]


def test_the_summary_is_what_the_stores_say(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = demo

    for story in summary["stories"]:
        [(champion,)] = rows(folder, story, "select champion from deployments")
        actions = rows(folder, story, "select id, action from decisions order by decided_at, id")
        [(predictions,)] = rows(folder, story, "select count(*) from predictions")
        assert champion == story["champion_after"]
        assert sorted(actions) == sorted((one["id"], one["action"]) for one in story["decisions"])
        assert predictions == story["predictions"]


def test_the_services_had_no_error(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = demo

    for story in summary["stories"]:
        events = [
            json.loads(line)
            for line in (folder / story["folder"] / "serve.log").read_text().splitlines()
        ]
        assert "listening" in {one["event"] for one in events}
        assert [one for one in events if one["level"] in {"error", "critical"}] == []


def test_the_reports_are_there(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = demo

    for path in summary["reports"]:
        assert "<svg" in (folder / path).read_text()


def test_f1_in_the_summary_is_that_of_the_log(demo: tuple[Path, dict[str, Any]]) -> None:
    """Measured again in SQL, by the version that answered."""
    folder, summary = demo
    bad = summary["stories"][3]
    newest = (
        "select p.version, p.prediction, l.value from predictions p join labels l"
        " on l.prediction_id = p.id where l.revision ="
        " (select max(revision) from labels m where m.prediction_id = l.prediction_id)"
    )
    spoilt = [
        (answer, label) for version, answer, label in rows(folder, bad, newest) if version == 2
    ]
    hits = sum(answer and label for answer, label in spoilt)
    wrong = sum(answer != label for answer, label in spoilt)

    assert bad["f1_during"] == pytest.approx(2 * hits / (2 * hits + wrong), abs=1e-4)


@pytest.mark.data
def test_the_real_file_tells_the_same_stories(tmp_path: Path, data_dir: Path) -> None:
    summary = run(tmp_path, str(data_dir / "gmsc" / "cs-training.csv"))

    assert [one["champion_after"] for one in summary["stories"]] == [2, 1, 1, 1]
    assert [one["failed_requests"] for one in summary["stories"]] == [0, 0, 0, 0]
