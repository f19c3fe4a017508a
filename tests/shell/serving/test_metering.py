"""What became of requests is counted behind the answers, over all workers, and kept."""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.errors import UserError
from homeostat.serving.metering import Meter
from homeostat.store import Store, open_store
from tests.shell.serving.world import KEY, MODEL, NOW, ROW, World, asking

pytestmark = pytest.mark.anyio


async def stats(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/monitoring/stats", params={"model_name": MODEL})
    assert answer.status_code == 200
    return answer.json()


def tick(world: World, seconds: float) -> None:
    """Every look of the meter at its clock is so many seconds after the one before."""
    passing = count(0.0, seconds)
    world.service.meter = Meter(
        world.store,
        MODEL,
        clock=lambda: world.now,
        process="ticking",
        monotonic=lambda: next(passing),
    )


async def test_answers_refusals_and_failures_are_told_apart(world: World) -> None:
    tick(world, 0.02)
    async with asking(world) as client:
        for _ in range(3):
            await client.post("/predict", json=ROW)
        await client.post("/predict/batch", json={"rows": [ROW, ROW]})
        await client.post("/predict", json={"age": "old"})
        await client.get("/health")
        found = await stats(client)

    requests = found["requests"]
    assert {name: requests[name] for name in list(requests)[:6]} == {
        "total_requests": 5,
        "successful_requests": 4,
        "error_count": 0,
        "refused_requests": 1,
        "rows": 5,
        "error_rate": 0.0,
    }
    assert requests["avg_latency_ms"] == pytest.approx(20)
    assert requests["p99_latency_ms"] == pytest.approx(20, rel=0.03)
    assert found["requests_per_minute"] == 1.0
    assert found["last_updated"] == NOW.isoformat().replace("+00:00", "Z")
    assert found["by_version"] == {"1": requests}


async def test_a_request_that_finds_no_model_is_an_error_of_the_service(empty: World) -> None:
    async with asking(empty) as client:
        answer = await client.post("/predict", json=ROW)
        found = await stats(client)

    assert answer.status_code == 503
    assert found["by_version"]["0"]["error_count"] == 1
    assert found["requests"]["error_rate"] == 1.0


async def test_a_stranger_is_refused_and_no_error(world: World) -> None:
    async with asking(world, api_key=KEY) as client:
        await client.post("/predict", json=ROW)
        client.headers["X-API-Key"] = KEY
        found = await stats(client)

    assert found["requests"]["refused_requests"] == 1
    assert found["requests"]["error_rate"] is None


async def test_workers_add_up_and_a_restart_loses_nothing(world: World) -> None:
    async with asking(world) as client:
        await client.post("/predict", json=ROW)
    other = World(world.store, world.root, ids=iter(range(100, 200)))
    async with asking(other) as client:
        await client.post("/predict", json=ROW)
        found = await stats(client)

    assert found["requests"]["successful_requests"] == 2


async def test_what_the_store_did_not_take_is_written_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    with open_store(f"sqlite:///{file}", busy_timeout_s=0.05) as store:
        meter = World(store, tmp_path / "models").service.meter
        meter.record(1, 200, 0.01, 1)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await meter.write()
        assert _answered(store) == 0
        await meter.write()
        assert _answered(store) == 1


async def test_minutes_are_let_go_and_hours_joined(world: World) -> None:
    meter = world.service.meter
    for hours in range(4):
        world.now = NOW.replace(hour=12 + hours)
        meter.record(1, 200, 0.01, 1)
        await meter.write()
    assert len(meter._counters) == 1
    assert _answered(world.store) == 4


async def test_another_model_is_not_found(world: World) -> None:
    async with asking(world) as client:
        answer = await client.get("/monitoring/stats", params={"model_name": "another"})

    assert answer.status_code == 404
    assert "'credit'" in answer.json()["message"]


def _answered(store: Store) -> int:
    return sum(one.answered for one in store.traffic(MODEL, until=NOW.replace(hour=23)).values())


async def test_other_paths_answer_and_are_measured_as_predict_is(world: World) -> None:
    async with asking(world, predict_paths=("/predict_ctr", "/v2/score")) as client:
        answers = [
            await client.post(path, json={**ROW, "prediction_id": "same"})
            for path in ("/predict", "/predict_ctr", "/v2/score")
        ]
        found = await stats(client)
        described = (await client.get("/openapi.json")).json()["paths"]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert found["requests"]["successful_requests"] == 3
    assert {"/predict", "/predict_ctr", "/v2/score"} <= set(described)


def test_a_path_that_is_taken_is_refused(world: World) -> None:
    with pytest.raises(UserError, match="/health answers something else already"):
        world.app(predict_paths=("/health",))
