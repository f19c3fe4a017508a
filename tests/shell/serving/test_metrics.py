"""What Prometheus is told: right, and bounded whatever comes in."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeostat.policy import Severity
from homeostat.serving.door import Door
from homeostat.serving.judging import Judged, Judgement, Judging, JudgingPolicy, Stream
from homeostat.serving.keyring import KeyRing
from homeostat.serving.metrics import MOST_VALUES, Gauges, Metrics
from homeostat.store import open_store
from tests.shell.serving.elsewhere_world import Drifting, reports, write_project
from tests.shell.serving.world import KEY, ROW, World, asking

pytestmark = pytest.mark.anyio

MOST_SERIES = 2_000
HOSTILE = 50_000
NOTHING = Gauges(
    champions={},
    problems={},
    waiting=0,
    reports_waiting=0,
    baseline_loaded=False,
    last_written_at=None,
)


@pytest.fixture
def drifting(tmp_path: Path) -> Iterator[Drifting]:
    settings = write_project(tmp_path)
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        world = Drifting(settings, store)
        world.freeze()
        yield world


def series(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Every series by its name and the values of its labels, as a client of the format reads it."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(one.labels.values())] = one.value
    return found


async def scrape(client: httpx.AsyncClient, path: str = "/metrics") -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return series(answer.text)


async def test_the_documented_metrics_are_told(drifting: Drifting) -> None:
    async with drifting.asking() as client:
        empty = await scrape(client, "/monitor/metrics")
        rows = reports(400, seed=1) + reports(400, seed=2, version="v2", income=2.0)
        await client.post("/monitor/batch", json={"rows": rows})
        drifting.wait(11)
        await client.post("/monitor/predict", json=rows[-1])
        await client.post("/monitor/predict", json={})
        told = await scrape(client, "/monitor/metrics")
        same = await scrape(client)

    assert "model_drift_score" not in empty
    assert told["model_predictions_total"] == {("v1.2.0",): 400, ("v2",): 401}
    assert told["model_drift_score"]["income", "v2"] > 0.5
    assert told["model_drift_score"]["income", "v1.2.0"] < 0.1
    assert told["model_drift_alerts_total"] == {("v2", "critical"): 1}
    assert told["model_drift_judged_rows"] == {("v1.2.0",): 400, ("v2",): 401}
    assert told["homeostat_requests_total"]["/monitor/predict", "4xx"] == 1
    assert told["homeostat_requests_total"]["/monitor/predict", "2xx"] == 1
    assert told["homeostat_request_seconds_count"]["/monitor/predict",] == 2
    assert told["homeostat_baseline_loaded"] == {(): 1}
    assert told["homeostat_last_write_timestamp_seconds"] == {(): drifting.now.timestamp()}
    assert same["model_predictions_total"] == told["model_predictions_total"]


async def test_our_own_model_is_told_too(world: World) -> None:
    async with asking(world) as client:
        before = await scrape(client)
        await client.post("/predict/batch", json={"rows": [ROW, ROW]})
        await client.post("/predict", json={})
        await client.get("/no/such/path")
        told = await scrape(client)

    assert told["homeostat_champion_version"] == {("credit",): 1}
    assert told["homeostat_refresh_problem"] == {("credit",): 0}
    assert told["homeostat_queue_length"] == {(): 0}
    assert told["homeostat_predictions_total"] == {("credit", "1"): 2}
    assert told["homeostat_requests_total"]["/predict", "4xx"] == 1
    assert told["homeostat_requests_total"]["other", "4xx"] == 1
    assert "homeostat_last_write_timestamp_seconds" not in before
    assert told["homeostat_last_write_timestamp_seconds"] == {(): world.now.timestamp()}


async def test_an_application_counts_for_itself(world: World) -> None:
    async with asking(world) as client:
        await client.post("/predict", json=ROW)
    again = World(world.store, world.root)
    async with asking(again) as client:
        told = await scrape(client)

    assert "homeostat_predictions_total" not in told
    assert told["homeostat_champion_version"] == {("credit",): 1}


async def test_a_version_that_cannot_be_loaded_is_told(empty: World) -> None:
    async with asking(empty) as client:
        told = await scrape(client)

    assert "homeostat_champion_version" not in told
    assert told["homeostat_refresh_problem"] == {("credit",): 1}


@pytest.mark.parametrize(("opened", "status"), [((), 401), (("/metrics",), 200)])
async def test_it_needs_the_key_unless_it_is_opened(
    world: World, opened: tuple[str, ...], status: int
) -> None:
    ring = KeyRing(KEY, world.store.keys.all)
    door = Door(ring=ring, refresh_s=3600.0, open_paths=frozenset(opened))
    async with asking(world, door=door) as client:
        answer = await client.get("/metrics")
        others = [await client.get(path) for path in ("/monitor/health", "/monitoring/stats")]

    assert answer.status_code == status
    assert {one.status_code for one in others} == {401}


def told_of(version: str, features: int) -> Judged:
    judgement = Judgement(
        drift_detected=True,
        drift_score=1.0,
        severity="critical",
        feature_scores={f"feature-{i}": 1.0 + i for i in range(features)},
        timestamp=datetime(2026, 3, 1, tzinfo=UTC),
        outcome="FAIL",
        reason="",
        n=1000,
        model_version=version,
    )
    return Judged(judgement, Severity.CRITICAL, 0.0)


@pytest.mark.parametrize("features", [1, 10, 30, 150])
def test_series_are_bounded_whatever_comes_in(
    drifting: Drifting, features: int, record_property: Any
) -> None:
    judging = Judging(drifting.store, clock=lambda: drifting.now, policy=JudgingPolicy())
    metrics = Metrics(lambda: NOTHING, judging)
    for i in range(HOSTILE):
        hostile = f'v{i}"}}\n\\{{ é'
        metrics.reported(hostile, 1)
        metrics.request(f"/{i}", 100 * (1 + i % 5), 0.01)
        metrics.served("credit", i, 1)
        for severity in Severity:
            one = told_of(hostile, 0)
            metrics.judged(Judged(one.told, severity, 0.0))
    for i in range(MOST_VALUES + 1):
        stream = Stream("churn", i, f"v{i}")
        judging.held[stream] = told_of(f"v{i}", features)
    begun = time.perf_counter()
    text = metrics.text().decode()
    seconds = time.perf_counter() - begun
    record_property("scrape_seconds", round(seconds, 4))

    told = series(text)
    values: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    truncated = told["homeostat_label_values_truncated_total"]
    assert sum(map(len, told.values())) <= MOST_SERIES
    assert all(len(one) <= MOST_VALUES for one in values.values())
    assert sum(told["model_predictions_total"].values()) == HOSTILE
    assert told["model_predictions_total"]["other",] == HOSTILE - MOST_VALUES + 1
    assert truncated["version",] == HOSTILE - MOST_VALUES + 1
    assert truncated["route",] > 0
    assert max(told["model_drift_score"].values()) == features


@pytest.mark.slow
async def test_50_000_versions_of_a_client_are_a_hundred_here(
    drifting: Drifting, record_property: Any
) -> None:
    rows = reports(1_000, seed=5)
    async with drifting.asking() as client:
        for i in range(0, HOSTILE, 1_000):
            named = [{**row, "model_version": f"v{i + k}"} for k, row in enumerate(rows)]
            answer = await client.post("/monitor/batch", json={"rows": named})
            assert answer.status_code == 200
            assert len(answer.json()["versions"]) <= MOST_VALUES + 1
        begun = time.perf_counter()
        answer = await client.get("/metrics")
        seconds = time.perf_counter() - begun
    record_property("scrape_seconds", round(seconds, 4))

    told = series(answer.text)
    assert sum(map(len, told.values())) <= MOST_SERIES
    assert len(told["model_predictions_total"]) <= MOST_VALUES + 1
    assert sum(told["model_predictions_total"].values()) == HOSTILE
    assert len(drifting.store.reports.versions("churn", at=drifting.now)) == MOST_VALUES
