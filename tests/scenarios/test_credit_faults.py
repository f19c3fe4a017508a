"""Faults of a self-healing credit system that others have built: none of them is ours."""

import asyncio
import csv
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from homeostat.errors import StateError
from homeostat.prediction import Label
from tests.shell.project import (
    CHANGED,
    DAY,
    HOUR,
    MODEL,
    QUIET,
    SHIFTED,
    START,
    Town,
    asking,
    change_settings,
    command,
)

ROW: dict[str, Any] = {"income": 2500.5, "age": 41, "debt": 0.5, "job": "cook"}


# The service.


@pytest.mark.anyio
async def test_predictions_are_counted_without_reading_the_log_file(quiet: Town) -> None:
    shutil.rmtree(quiet.folder / "monitoring/predictions", ignore_errors=True)
    async with asking(quiet) as client:
        health = (await client.get("/health")).json()

    assert health["predictions_logged"] == 1920


@pytest.mark.anyio
async def test_a_missing_value_is_no_reason_to_refuse_a_row(start: Town) -> None:
    async with asking(start) as client:
        answer = await client.post("/predict", json={**ROW, "job": None})

    assert answer.status_code == 200


@pytest.mark.anyio
async def test_what_is_documented_exists(start: Town) -> None:
    """Batches, the choice of a version, labels: described there, and nowhere to be found."""
    async with asking(start) as client:
        paths = set((await client.get("/openapi.json")).json()["paths"])
        pinned = await client.post("/predict", json=ROW, params={"model_version": 1})
        batch = await client.post("/predict/batch", json={"rows": [ROW, ROW]})
        [one, _] = batch.json()["predictions"]
        truth = {"prediction_id": one["prediction_id"], "label": 1}
        label = await client.post("/labels", json=truth)

    assert {"/predict", "/predict/batch", "/labels", "/health", "/monitoring/stats"} <= paths
    assert [one.status_code for one in (pinned, batch, label)] == [200, 200, 200]


@pytest.mark.anyio
async def test_the_registry_is_never_called_for_a_request(start: Town) -> None:
    """Neither files nor MLflow: both are gone while rows are answered."""
    change_settings(start.folder, {"mlflow": {"tracking_uri": "http://127.0.0.1:9"}})
    async with asking(start) as client:
        await client.post("/predict", json=ROW)
        shutil.rmtree(start.project.settings.artifacts.path)
        answers = [await client.post("/predict", json=ROW) for _ in range(20)]

    assert {one.status_code for one in answers} == {200}


@pytest.mark.anyio
async def test_ids_made_in_the_same_microsecond_differ(start: Town) -> None:
    async with asking(start) as client:
        answers = await asyncio.gather(*(client.post("/predict", json=ROW) for _ in range(50)))

    ids = {one.json()["prediction_id"] for one in answers}
    stamps = {one.json()["timestamp"] for one in answers}
    assert (len(ids), len(stamps)) == (50, 1)
    assert start.project.store.count_predictions(MODEL) == 50


@pytest.mark.anyio
async def test_a_key_is_asked_for_when_there_is_one(start: Town) -> None:
    change_settings(start.folder, {"serving": {"api_key": "a key for tests"}})
    from homeostat.cli.project import open_project

    with open_project(start.folder / "homeostat.yaml") as project:
        async with asking(replace(start, project=project)) as client:
            refused = await client.post("/predict", json=ROW)

    assert refused.status_code == 401


# Times.


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.anyio
@pytest.mark.usefixtures("tokyo")
async def test_times_that_are_told_are_utc_and_say_so(start: Town) -> None:
    async with asking(start) as client:
        answer = (await client.post("/predict", json=ROW)).json()

    assert datetime.fromisoformat(answer["timestamp"]) == START
    assert answer["timestamp"].endswith(("Z", "+00:00"))


@pytest.mark.usefixtures("tokyo")
def test_windows_and_file_names_are_utc_wherever_the_machine_stands(quiet: Town) -> None:
    here = command(quiet.folder, "monitor", "run", "--as-of", "2026-03-04T09:00:00+09:00")

    [(at, verdict), *_] = quiet.project.store.verdicts(MODEL, "drift", limit=1)
    names = [one.name for one in (quiet.folder / "monitoring").rglob("drift_summary_*.json")]
    assert here == 0
    assert at == datetime(2026, 3, 4, tzinfo=UTC)
    assert verdict.window == (at - DAY, at)
    assert names == ["drift_summary_20260304_000000.json"]


@pytest.mark.usefixtures("tokyo")
def test_a_run_for_now_sees_what_came_in_just_now(start: Town) -> None:
    """A window in local time would lie nine hours off, and be empty."""
    start.now = datetime.now(UTC).replace(minute=0) - 2 * HOUR
    start.serve(QUIET, 300)

    assert command(start.folder, "monitor", "run", "--once") == 0


@pytest.mark.anyio
async def test_when_it_happened_is_not_when_it_came_in(start: Town) -> None:
    happened = START - 3 * DAY
    async with asking(start) as client:
        body = {**ROW, "prediction_id": "mine", "event_time": happened.isoformat()}
        await client.post("/predict", json=body)
        await client.post("/predict", json={**ROW, "prediction_id": "other"})

    mine, other = (start.project.store.prediction(key) for key in ("mine", "other"))
    assert mine is not None
    assert other is not None
    assert (mine.event_time, mine.received_at) == (happened, START)
    assert other.event_time is None


# The log and the labels.


def test_a_file_with_another_header_never_costs_the_log(quiet: Town) -> None:
    path = quiet.folder / "monitoring/predictions/predictions.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("prediction_id,something,else\nold,1,2\n")

    assert command(quiet.folder, "log", "export") == 0

    with path.open(newline="") as file:
        exported = list(csv.DictReader(file))
    assert len(exported) == quiet.project.store.count_predictions(MODEL) == 1920
    assert set(exported[0]) >= {"prediction_id", "probability", "income", "job"}


@pytest.mark.anyio
async def test_rows_that_come_at_once_are_all_logged_once_and_whole(start: Town) -> None:
    async with asking(start) as client:
        rows = [{**ROW, "prediction_id": f"row-{i}", "age": 20 + i % 60} for i in range(100)]
        await asyncio.gather(*(client.post("/predict", json=row) for row in rows))

    [held] = start.project.store.iterate_predictions(MODEL)
    assert sorted(one.id for one in held) == sorted(str(row["prediction_id"]) for row in rows)
    assert {one.id: one.features["age"] for one in held} == {
        row["prediction_id"]: row["age"] for row in rows
    }


def test_a_second_label_does_not_overwrite_the_first(quiet: Town) -> None:
    [first] = quiet.project.store.labelled(MODEL, since=START, until=START + HOUR)[:1]
    key, value = first.prediction.id, first.label.value
    later = quiet.now + HOUR
    receipt = quiet.project.store.add_labels(
        [Label(prediction_id=key, value=1 - value, received_at=later)]
    )

    def known(as_of: datetime) -> int:
        held = quiet.project.store.labelled(MODEL, since=START, until=START + HOUR, as_of=as_of)
        return next(one.label.value for one in held if one.prediction.id == key)

    assert receipt.corrected == 1
    assert (known(quiet.now), known(later)) == (value, 1 - value)


def test_a_label_counts_from_when_it_came_in_not_before(candidate: Town) -> None:
    """Whoever decides at a time knows what was known then."""
    bench = candidate.project.bench
    then = bench.evidence(1, 2, last_promoted_at=None, now=candidate.now)
    decided_at = candidate.now
    candidate.live(CHANGED, 12, every=100)

    again = bench.evidence(1, 2, last_promoted_at=None, now=decided_at)

    assert (again.rows, again.paired, again.due) == (then.rows, then.paired, then.due)


# The reference.


def test_the_reference_keeps_its_gaps(start: Town) -> None:
    """Filled with medians, a reference can never show that a feed falls silent."""
    profile = start.project.baseline.reference().profile

    assert 10 < profile.feature("job").missing < 60


def test_the_reference_is_verified_at_every_use_not_only_at_the_start(start: Town) -> None:
    baseline = start.project.baseline
    baseline.reference()
    file = baseline.folder / "reference_data.csv"
    file.write_text(file.read_text().replace("cook", "clerk", 1))

    with pytest.raises(StateError, match="is not what was frozen"):
        baseline.reference()


# Drift.


def test_drift_share_is_the_share_of_the_features_that_drifted(quiet: Town) -> None:
    """Not the threshold, which is a constant."""
    quiet.live(SHIFTED, 24, every=100)

    seen = quiet.project.monitor.observe(at=quiet.now)

    summary = json.loads(seen.reports[1].read_text())
    result = json.loads(seen.reports[2].read_text())["drift_detection"]
    drifted = [one["feature"] for one in summary["features"] if one["drift_detected"]]
    assert drifted == ["income"]
    assert summary["drift_share"] == result["drift_share"] == 1 / 4
    assert (summary["num_drifted_features"], summary["num_features_evaluated"]) == (1, 4)


def test_every_test_that_decides_has_its_p_value(quiet: Town) -> None:
    seen = quiet.loop.monitor.observe(at=quiet.now)

    deciding = [one for one in seen.drift.measurements if one.asked is not None]
    assert len(deciding) >= 4 * 2
    assert None not in {one.p_value for one in deciding}


def test_a_result_of_monitoring_holds_all_that_was_designed(quiet: Town) -> None:
    """Drift and reports were lost on the way there, and the job could not be imported."""
    assert command(quiet.folder, "monitor", "run", "--as-of", quiet.now.isoformat()) == 0

    [path] = (quiet.folder / "monitoring").rglob("monitoring_*.json")
    result = json.loads(path.read_text())
    assert set(result["analysis_window"]) >= {"lookback_hours", "start_time", "end_time"}
    assert set(result["proxy_metrics"]["time_windowed"]) == {"window_1H", "window_6H", "window_24H"}
    assert result["drift_detection"]["dataset_drift_detected"] is False
    assert (path.parents[2] / result["drift_detection"]["drift_summary_ref"]).exists()


def test_scores_are_judged_not_only_shown(quiet: Town) -> None:
    quiet.live(SHIFTED, 24, every=100)

    seen = quiet.loop.monitor.observe(at=quiet.now)

    assert {"probability", "prediction"} <= set(seen.drift.details["drifted"])
