"""MLflow shows what the store says, and nothing waits for it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from homeostat.cli.project import open_project
from homeostat.registry import MlflowTracker
from homeostat.registry.mlflow import NUMBER
from homeostat.store import MinuteTraffic
from homeostat.traffic import TrafficCounter
from tests.shell.project import MODEL, QUIET, Stages, Town, change_settings, command


@pytest.fixture
def mirrored(stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A project with version 1 in service, and an empty MLflow."""
    monkeypatch.chdir(tmp_path)
    yield from with_mlflow(stages, tmp_path / "project", "sqlite:///mlflow.db")


@pytest.fixture
def unheard(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    yield from with_mlflow(stages, tmp_path / "project", "sqlite:////proc/none/mlflow.db")


def with_mlflow(stages: Stages, folder: Path, uri: str) -> Iterator[Town]:
    with stages.start.resumed(folder) as town:
        change_settings(folder, {"mlflow": {"tracking_uri": uri}})
        with open_project(folder / "homeostat.yaml") as project:
            town.project = project
            yield town


def shown(town: Town) -> str | None:
    """The number of ours that the alias shows."""
    assert isinstance(town.project.tracker, MlflowTracker)
    with town.project.tracker._client() as client:
        version = client.get_registered_model(MODEL).aliases.get("champion")
        if version is None:
            return None
        return str(client.get_model_version(MODEL, str(version)).tags[NUMBER])


def test_mlflow_shows_trainings_versions_the_champion_and_what_was_measured(
    mirrored: Town,
) -> None:
    folder = mirrored.folder
    for _ in range(2):
        assert command(folder, "model", "train") == 0
    tracker = mirrored.project.tracker
    assert isinstance(tracker, MlflowTracker)
    seen = []
    for step in ("promote 2", "promote 3", "rollback"):
        assert command(folder, "model", *step.split()) == 0
        seen.append(shown(mirrored))
    with tracker._client() as client:
        registered = client.search_model_versions(f"name = '{MODEL}'")
        [other] = [one for one in registered if one.tags[NUMBER] == "3"]
        client.set_registered_model_alias(MODEL, "champion", str(other.version))
    by_hand = shown(mirrored)
    mirrored.live(QUIET, 5, every=100)
    minute = (mirrored.now - timedelta(hours=1)).replace(second=0, microsecond=0)
    took = TrafficCounter()
    for ms in (10, 20, 30):
        took.answer(ms / 1_000)
    took.failure()
    mirrored.project.store.add_traffic([MinuteTraffic(MODEL, 2, minute, "one", took.traffic)])
    at = mirrored.now.isoformat()
    assert command(folder, "loop", "run", "--once", "--as-of", at) == 0

    with tracker._client() as client:
        runs = client.search_runs([str(client.get_experiment_by_name(MODEL).experiment_id)])  # type: ignore[union-attr]
        versions = client.search_model_versions(f"name = '{MODEL}'")
    kinds = sorted(one.data.tags["homeostat.kind"] for one in runs)
    trainings = [one for one in runs if one.data.tags["homeostat.kind"] == "training"]
    [monitoring] = [one for one in runs if one not in trainings]
    assert seen == ["2", "3", "2"]
    assert (by_hand, shown(mirrored)) == ("3", "2")
    assert {one.tags[NUMBER] for one in versions} >= {"2", "3"}
    assert kinds.count("training") >= 2
    assert all({"f1", "auc", "brier"} <= set(one.data.metrics) for one in trainings)
    assert monitoring.data.metrics["analysis_window.num_predictions"] == 200
    assert "proxy_metrics.overall_stats.positive_rate" in monitoring.data.metrics
    assert monitoring.data.metrics["traffic.total_requests"] == 4
    assert monitoring.data.metrics["traffic.error_rate"] == 0.25
    assert monitoring.data.metrics["traffic.max_latency_ms"] == pytest.approx(30)
    assert mirrored.stand.champion == 2


def test_without_mlflow_everything_works_and_is_warned_of(unheard: Town) -> None:
    folder = unheard.folder
    unheard.live(QUIET, 5, every=100)
    at = unheard.now.isoformat()

    codes = [
        command(folder, *step.split())
        for step in (
            "model train",
            "model promote 2",
            "model rollback",
            f"monitor run --once --as-of {at}",
            f"loop run --once --as-of {at}",
        )
    ]
    with capture_logs() as logs:
        unheard.project.actor.mirror()

    assert codes == [0, 0, 0, 0, 0]
    assert unheard.stand.champion == 1
    assert [one["event"] for one in logs] == ["mlflow mirror not updated"]
