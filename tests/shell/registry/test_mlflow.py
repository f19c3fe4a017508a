import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeostat.errors import NotFound, Unavailable
from homeostat.registry import MlflowTracker, NoTracker, open_tracker
from homeostat.registry.mlflow import NUMBER
from homeostat.testing.trainer import sample_data
from homeostat.version import Version

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def version(number: int) -> Version:
    return Version(
        model="credit",
        number=number,
        created_at=NOW,
        algorithm="logistic_regression",
        schema=sample_data(1).schema,
        threshold=0.5,
        manifest={"model.skops": f"{number:064x}"},
        digest=f"{number:064x}",
        location=f"credit/{number}",
        reference_digest="0" * 64,
        data_fingerprint="1" * 64,
    )


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests here: MLflow needs seconds to make one."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/new/mlflow.db"


@pytest.fixture
def tracker(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowTracker]:
    """A tracker on the database, with nothing of an earlier test in it."""
    monkeypatch.chdir(tmp_path)
    tracker = MlflowTracker(uri, tmp_path.name, artifacts=tmp_path / "models")
    yield tracker
    with tracker._client() as client:
        for one in client.search_registered_models():
            client.delete_registered_model(one.name)


def mirrored(tracker: MlflowTracker) -> str:
    """The number of ours that the alias shows."""
    with tracker._client() as client:
        return str(client.get_model_version_by_alias("credit", "champion").tags[NUMBER])


def test_a_training_is_a_run_and_a_registered_version(
    tracker: MlflowTracker, tmp_path: Path
) -> None:
    tracker.log_training(version(3), {"algorithm": "x", "é (weird)": 1}, {"f1": 0.8, "a (%)": 1})
    with tracker._client() as client:
        [found] = client.search_model_versions("name = 'credit'")
        run = client.get_run(str(found.run_id))

    assert found.source == f"file://{tmp_path}/models/credit/3"
    assert found.tags == {
        "homeostat.version": "3",
        "homeostat.digest": f"{3:064x}",
        "homeostat.location": "credit/3",
    }
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"f1": 0.8, "a ___": 1.0}
    assert run.data.params == {"algorithm": "x", "_ _weird_": "1"}
    assert run.data.tags["homeostat.kind"] == "training"


def test_a_training_logged_again_has_no_effect(tracker: MlflowTracker) -> None:
    for _ in range(2):
        tracker.log_training(version(1), {}, {"f1": 0.8})

    with tracker._client() as client:
        experiment = client.get_experiment_by_name(tracker.experiment)
        assert experiment is not None
        assert len(client.search_runs([experiment.experiment_id])) == 1
        assert len(client.search_model_versions("name = 'credit'")) == 1


def test_measurements_are_points_in_time_of_one_run(tracker: MlflowTracker) -> None:
    for hours in (0, 1, 1):
        at = NOW + timedelta(hours=hours)
        tracker.log_monitoring({"psi/income": 0.1 + hours, "nothing": float("nan")}, at=at)

    with tracker._client() as client:
        experiment = client.get_experiment_by_name(tracker.experiment)
        assert experiment is not None
        [run] = client.search_runs([experiment.experiment_id])
        history = client.get_metric_history(run.info.run_id, "psi/income")
        assert [(one.timestamp, one.value) for one in history] == [
            (int(NOW.timestamp()) * 1000, 0.1),
            (int(NOW.timestamp()) * 1000 + 3_600_000, 1.1),
        ]
        assert set(run.data.metrics) == {"psi/income"}


def test_the_alias_shows_our_number_whatever_the_one_of_mlflow(tracker: MlflowTracker) -> None:
    for number in (7, 5):
        tracker.log_training(version(number), {}, {})

    assert tracker.mirror_champion("credit", 5)
    assert mirrored(tracker) == "5"
    assert not tracker.mirror_champion("credit", 5)


def test_an_alias_that_someone_touched_is_repaired(tracker: MlflowTracker) -> None:
    for number in (1, 2):
        tracker.log_training(version(number), {}, {})
    tracker.mirror_champion("credit", 2)
    with tracker._client() as client:
        client.set_registered_model_alias("credit", "champion", "1")

    assert tracker.mirror_champion("credit", 2)
    assert mirrored(tracker) == "2"
    with tracker._client() as client:
        client.delete_registered_model_alias("credit", "champion")

    assert tracker.mirror_champion("credit", 2)
    assert mirrored(tracker) == "2"


def test_no_champion_removes_the_alias(tracker: MlflowTracker) -> None:
    assert not tracker.mirror_champion("credit", None)

    tracker.log_training(version(1), {}, {})
    tracker.mirror_champion("credit", 1)
    assert tracker.mirror_champion("credit", None)
    assert not tracker.mirror_champion("credit", None)
    with tracker._client() as client:
        assert client.get_registered_model("credit").aliases == {}


def test_a_version_that_was_never_logged_is_named(tracker: MlflowTracker) -> None:
    tracker.log_training(version(1), {}, {})
    tracker.mirror_champion("credit", 1)

    with pytest.raises(NotFound, match="no version 2 of 'credit'"):
        tracker.mirror_champion("credit", 2)
    assert mirrored(tracker) == "1"


def test_a_version_deleted_in_mlflow_can_be_logged_again(tracker: MlflowTracker) -> None:
    tracker.log_training(version(1), {}, {})
    tracker.mirror_champion("credit", 1)
    with tracker._client() as client:
        client.delete_model_version("credit", "1")
    with pytest.raises(NotFound, match="no version 1"):
        tracker.mirror_champion("credit", 1)
    tracker.log_training(version(1), {}, {})

    assert tracker.mirror_champion("credit", 1)


def test_nothing_is_left_in_the_working_folder(tracker: MlflowTracker, tmp_path: Path) -> None:
    tracker.log_training(version(1), {}, {"f1": 1.0})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////proc/none/mlflow.db"])
def test_an_mlflow_that_does_not_answer_is_unavailable(uri: str) -> None:
    tracker = MlflowTracker(uri, "credit")

    with pytest.raises(Unavailable, match="MLflow"):
        tracker.log_training(version(1), {}, {})
    with pytest.raises(Unavailable, match="MLflow"):
        tracker.log_monitoring({"psi": 1.0}, at=NOW)
    for number in (1, None):
        with pytest.raises(Unavailable, match="MLflow"):
            tracker.mirror_champion("credit", number)


def test_what_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db", "credit").mirror_champion("credit", None)


def test_no_tracker_takes_everything(tmp_path: Path) -> None:
    tracker = open_tracker("", "credit", artifacts=tmp_path)
    tracker.log_training(version(1), {}, {})
    tracker.log_monitoring({"psi": 1.0}, at=NOW)

    assert tracker == NoTracker()
    assert not tracker.mirror_champion("credit", 1)
    assert isinstance(open_tracker("sqlite:///x", "credit", artifacts=tmp_path), MlflowTracker)


def test_importing_registry_and_trainers_loads_nothing_heavy() -> None:
    program = (
        "import sys, homeostat.registry, homeostat.trainers.train\n"
        "heavy = {'mlflow', 'sklearn', 'skops', 'pandas', 'polars', 'sqlalchemy', 'scipy.stats'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "[]"
