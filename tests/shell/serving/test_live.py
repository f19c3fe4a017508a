"""What the monitoring routes say of the last hours."""

from typing import Any

import httpx
import pytest

from tests.shell.serving.world import MODEL, ROW, World, asking

pytestmark = pytest.mark.anyio

BASELINE = {
    "model_name": MODEL,
    "mean_prediction": 0.025,
    "std_prediction": 0.015,
    "mean_latency_ms": 50.0,
    "std_latency_ms": 10.0,
}


async def many(client: httpx.AsyncClient, n: int, **change: Any) -> None:
    answer = await client.post("/predict/batch", json={"rows": [{**ROW, **change}] * n})
    assert answer.status_code == 200


async def test_a_quiet_service_is_healthy(world: World) -> None:
    async with asking(world) as client:
        await many(client, 10)
        answer = await client.get("/monitoring/health")

    health = answer.json()
    assert answer.status_code == 200
    assert health["status"] == "healthy"
    assert health["model_version"] == "1"
    assert (health["requests"], health["error_rate"], health["issues"]) == (1, 0.0, [])


async def test_many_errors_degrade_and_few_do_not(world: World) -> None:
    meter = world.service.meter
    for _ in range(90):
        meter.record(1, 200, 0.01, 1)
    for _ in range(3):
        meter.record(1, 503, 0.01, 1)
    async with asking(world) as client:
        few = (await client.get("/monitoring/health")).json()
        for _ in range(20):
            meter.record(1, 503, 0.01, 1)
        more = (await client.get("/monitoring/health")).json()

    assert few["status"] == "healthy"
    assert more["status"] == "degraded"
    assert [one["kind"] for one in more["issues"]] == ["error_rate"]
    assert "23 of 113 requests failed" in more["issues"][0]["message"]


async def test_slow_answers_are_a_warning(world: World) -> None:
    for _ in range(20):
        world.service.meter.record(1, 200, 1.5, 1)
    async with asking(world) as client:
        health = (await client.get("/monitoring/health")).json()

    assert health["status"] == "warning"
    assert health["avg_latency_ms"] == pytest.approx(1_500)
    assert "1,500 ms on average" in health["issues"][0]["message"]


async def test_without_a_model_the_service_is_degraded(empty: World) -> None:
    async with asking(empty) as client:
        health = (await client.get("/monitoring/health")).json()

    assert (health["status"], health["model_version"]) == ("degraded", None)
    assert health["issues"][0]["kind"] == "model"


async def test_scores_are_compared_with_the_reference_where_nothing_was_said(world: World) -> None:
    async with asking(world) as client:
        few = (await client.get(f"/monitoring/drift/{MODEL}")).json()
        await many(client, 150, **{"debt-ratio": 5.0})
        drift = (await client.get(f"/monitoring/drift/{MODEL}")).json()

    assert (few["outcome"], few["drift_detected"]) == ("INCONCLUSIVE", None)
    assert drift["baseline"] == "reference"
    assert drift["drift_detected"] is True
    checks = {one["type"]: one for one in drift["checks"]}
    assert set(checks) == {"mean_shift", "variance_change"}
    assert checks["mean_shift"]["n"] == 150
    assert checks["mean_shift"]["drift_detected"]
    assert checks["mean_shift"]["severity"] == "high"
    assert drift["data_drift"] is None


async def test_a_baseline_is_kept_and_asked_about_scores_and_latencies(world: World) -> None:
    async with asking(world) as client:
        said = await client.post("/monitoring/baseline", json=BASELINE)
        await many(client, 200)
        for _ in range(200):
            world.service.meter.record(1, 200, 0.2, 1)
        drift = (await client.get(f"/monitoring/drift/{MODEL}")).json()

    assert (said.status_code, said.json()) == (200, BASELINE)
    assert drift["baseline"] == "given"
    found = {one["type"]: one["drift_detected"] for one in drift["checks"]}
    assert found == {"mean_shift": True, "variance_change": True, "latency_anomaly": True}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"std_prediction": 0}, "std_prediction"),
        ({"mean_prediction": 1.5}, "mean_prediction"),
        ({"std_latency_ms": None}, "go together"),
        ({"mean": 1}, "mean"),
    ],
)
async def test_a_baseline_that_cannot_be_is_refused(
    world: World, change: dict[str, Any], said: str
) -> None:
    async with asking(world) as client:
        answer = await client.post("/monitoring/baseline", json={**BASELINE, **change})
        drift = (await client.get(f"/monitoring/drift/{MODEL}")).json()

    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert drift["baseline"] == "reference"


async def test_another_model_is_not_found(world: World) -> None:
    async with asking(world) as client:
        other = {**BASELINE, "model_name": "another"}
        answers = [
            await client.post("/monitoring/baseline", json=other),
            await client.get("/monitoring/drift/another"),
        ]

    assert [one.status_code for one in answers] == [404, 404]
