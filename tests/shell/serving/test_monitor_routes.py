"""Drift as a service: what the routes of the document answer, and no fault of the old one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.errors import Unavailable
from homeostat.store import open_store
from tests.shell.serving.elsewhere_world import (
    DOCUMENTED,
    NOW,
    Drifting,
    reports,
    write_project,
)

pytestmark = pytest.mark.anyio

ROW: dict[str, Any] = json.loads(DOCUMENTED)
FEATURES = set(ROW["features"])


@pytest.fixture
def bare(tmp_path: Path, store_url: str) -> Iterator[Drifting]:
    """Nothing to compare with yet."""
    settings = write_project(tmp_path)
    with open_store(store_url) as store:
        yield Drifting(settings, store)


@pytest.fixture
def drifting(bare: Drifting) -> Drifting:
    """The baseline is frozen, as `homeostat reference freeze` does it."""
    bare.freeze()
    return bare


async def send(client: httpx.AsyncClient, rows: list[Any]) -> dict[str, Any]:
    answer = await client.post("/monitor/batch", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def ask(client: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer = await client.post("/monitor/predict", json={**ROW, **change})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_the_documented_request_is_kept_and_one_row_is_never_judged(
    drifting: Drifting,
) -> None:
    async with drifting.asking() as client:
        answer = await client.post(
            "/monitor/predict", content=DOCUMENTED, headers={"Content-Type": "application/json"}
        )

    told = answer.json()
    [kept] = drifting.store.reports.rows("churn", since=NOW, until=drifting.now.replace(year=2027))
    assert answer.status_code == 200
    assert told["drift_detected"] is None
    assert told["drift_score"] is None
    assert told["feature_scores"] == dict.fromkeys(FEATURES)
    assert (told["outcome"], told["severity"], told["n"]) == ("INCONCLUSIVE", "none", 1)
    assert "1 rows in the window" in told["reason"]
    assert "200 asked" in told["reason"]
    assert told["timestamp"] == "2026-03-01T12:30:15Z"
    assert kept.features == ROW["features"]
    assert (kept.version, kept.event_time and kept.event_time.year) == ("v1.2.0", 2023)


async def test_rows_like_the_baseline_are_no_drift(drifting: Drifting) -> None:
    async with drifting.asking() as client:
        await send(client, reports(900, seed=2))
        drifting.wait(11)
        told = await ask(client)

    assert (told["outcome"], told["drift_detected"], told["severity"]) == ("PASS", False, "none")
    assert told["n"] == 901
    assert set(told["feature_scores"]) == FEATURES
    assert told["drift_score"] == max(told["feature_scores"].values())
    assert 0 < told["drift_score"] < 0.05


async def test_rows_unlike_the_baseline_are_a_critical_drift(drifting: Drifting) -> None:
    async with drifting.asking() as client:
        batch = await send(client, reports(600, seed=3, income=2.0))
        drifting.wait(11)
        told = await ask(client)

    first = batch["versions"]["v1.2.0"]
    assert (batch["stored"], batch["unchanged"]) == (600, 0)
    assert (first["outcome"], first["severity"], first["n"]) == ("FAIL", "critical", 600)
    assert told["drift_detected"] is True
    assert told["severity"] == "critical"
    assert told["drift_score"] == told["feature_scores"]["income"] > 0.5
    assert told["feature_scores"]["age"] < 0.1


async def test_an_unseen_category_is_a_rare_one_and_no_catastrophe(drifting: Drifting) -> None:
    rows = reports(600, seed=4)
    rows[7]["features"]["product_category"] = "never seen"
    async with drifting.asking() as client:
        alone = await ask(client, features={**ROW["features"], "product_category": "new"})
        drifting.wait(11)
        told = (await send(client, rows))["versions"]["v1.2.0"]

    assert alone["drift_score"] is None
    assert (told["outcome"], told["drift_detected"]) == ("PASS", False)
    assert told["feature_scores"]["product_category"] < 0.1


async def test_many_unseen_categories_are_a_drift(drifting: Drifting) -> None:
    rows = reports(600, seed=5)
    for row in rows[::4]:
        row["features"]["product_category"] = "new"
    async with drifting.asking() as client:
        told = (await send(client, rows))["versions"]["v1.2.0"]

    assert told["drift_detected"] is True
    assert 0.2 < told["feature_scores"]["product_category"] < 20


async def test_versions_are_judged_apart(drifting: Drifting) -> None:
    rows = reports(400, seed=6) + reports(400, seed=7, version="v2", income=2.0)
    async with drifting.asking() as client:
        told = (await send(client, rows))["versions"]

    assert {name: one["outcome"] for name, one in told.items()} == {"v1.2.0": "PASS", "v2": "FAIL"}
    assert {one["n"] for one in told.values()} == {400}


async def test_rows_older_than_the_lookback_no_longer_count(drifting: Drifting) -> None:
    async with drifting.asking() as client:
        await send(client, reports(600, seed=3, income=2.0))
        drifting.wait(23 * 3600)
        before = await ask(client)
        drifting.wait(2 * 3600)
        after = await ask(client)

    assert before["drift_detected"] is True
    assert (after["outcome"], after["n"]) == ("INCONCLUSIVE", 2)


async def test_what_was_counted_outlives_a_restart(drifting: Drifting) -> None:
    async with drifting.asking() as client:
        await send(client, reports(400, seed=8, income=2.0))
    drifting.started()
    async with drifting.asking() as client:
        told = await ask(client)

    assert (told["n"], told["drift_detected"]) == (401, True)


async def test_a_row_sent_again_counts_once_and_another_under_its_id_is_refused(
    drifting: Drifting,
) -> None:
    async with drifting.asking() as client:
        rows = [{**one, "prediction_id": f"p{i}"} for i, one in enumerate(reports(300, seed=9))]
        first, again = await send(client, rows), await send(client, rows)
        drifting.wait(11)
        told = await ask(client, prediction_id="p-new")
        clash = await client.post(
            "/monitor/batch",
            json={"rows": [{**ROW, "prediction_id": "fresh"}, {**ROW, "prediction_id": "p3"}]},
        )
        drifting.wait(11)
        same = await ask(client, prediction_id="p-new")

    assert (first["stored"], again["stored"], again["unchanged"]) == (300, 0, 300)
    assert told["n"] == same["n"] == 301
    assert (clash.status_code, clash.json()["error"]) == (409, "Conflict")
    assert "rows[1].prediction_id" in clash.json()["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": {**ROW["features"], "age": 17}}, "features.age"),
        ({"features": {**ROW["features"], "age": "35"}}, "features.age"),
        ({"features": {**ROW["features"], "height": 1}}, "features.height: not asked for"),
        ({"features": {"age": 35}}, "features.income: missing"),
        ({"features": {**ROW["features"], "prediction_id": "x"}}, "beside the features"),
        ({"features": []}, "features: not an object"),
        ({"model_version": ""}, "model_version"),
        ({"model_version": "v" * 129}, "model_version"),
        ({"model_version": "a\nb"}, "model_version"),
        ({"model_version": None}, "model_version"),
        ({"timestamp": "2023-05-29T10:30:00"}, "timestamp: has no zone"),
        ({"timestamp": "2027-05-29T10:30:00Z"}, "ahead of the server's clock"),
        ({"probability": 1.5}, "probability"),
        ({"verson": "v1"}, "not asked for"),
    ],
)
async def test_a_row_that_cannot_be_is_refused_and_not_kept(
    drifting: Drifting, change: dict[str, Any], said: str
) -> None:
    async with drifting.asking() as client:
        alone = await client.post("/monitor/predict", json={**ROW, **change})
        batch = await client.post("/monitor/batch", json={"rows": [ROW, {**ROW, **change}]})

    assert (alone.status_code, batch.status_code) == (422, 422)
    assert set(alone.json()) == {"error", "message", "status"}
    assert said in alone.json()["message"]
    assert said in batch.json()["message"]
    assert not drifting.store.reports.rows("churn", since=NOW, until=NOW.replace(year=2027))


async def test_everything_wrong_is_said_at_once(drifting: Drifting) -> None:
    body = {"features": {"age": 3, "incme": 1}, "timestamp": "soon"}
    async with drifting.asking() as client:
        answer = await client.post("/monitor/predict", json=body)

    message = answer.json()["message"]
    assert all(
        one in message
        for one in ("features.age", "features.incme", "'income'", "model_version", "timestamp")
    )


async def test_without_a_baseline_it_is_not_healthy_and_takes_no_row(bare: Drifting) -> None:
    async with bare.asking() as client:
        health = await client.get("/monitor/health")
        row = await client.post("/monitor/predict", json=ROW)
        bare.freeze()
        bare.wait(2)
        later = await client.get("/monitor/health")

    assert health.status_code == 503
    assert (health.json()["status"], health.json()["baseline_data_loaded"]) == ("unhealthy", False)
    assert "homeostat reference freeze" in health.json()["message"]
    assert row.status_code == 503
    assert row.headers["Retry-After"]
    assert later.status_code == 200
    assert later.json() == {
        "status": "healthy",
        "baseline_data_loaded": True,
        "timestamp": "2026-03-01T12:30:17Z",
        "message": "ready",
    }


async def test_a_store_that_cannot_be_asked_is_neither_healthy_nor_free_of_drift(
    drifting: Drifting,
) -> None:
    async with drifting.asking() as client:
        await send(client, reports(300, seed=10))
        with drifting.store._database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE profile_minutes RENAME TO elsewhere")
            connection.exec_driver_sql("ALTER TABLE flags RENAME TO no_flags")
        drifting.wait(60)
        told = await ask(client)
        health = await client.get("/monitor/health")

    assert (told["outcome"], told["severity"], told["n"]) == ("ERROR", "none", None)
    assert told["drift_detected"] is None
    assert told["drift_score"] is None
    assert "could not be looked at" in told["reason"]
    assert health.status_code == 503


async def test_too_many_rows_are_refused(drifting: Drifting) -> None:
    async with drifting.asking(max_batch=10) as client:
        answer = await client.post("/monitor/batch", json={"rows": [ROW] * 11})

    assert answer.status_code == 422
    assert "at most 10" in answer.json()["message"]


async def test_rows_that_come_together_are_each_kept_once(drifting: Drifting) -> None:
    import asyncio

    async with drifting.asking() as client:
        rows = reports(60, seed=11)
        answers = await asyncio.gather(
            *(client.post("/monitor/predict", json=row) for row in rows),
            client.post("/monitor/predict", json={**ROW, "features": {}}),
        )
        drifting.wait(11)
        told = await ask(client)

    assert [one.status_code for one in answers] == [200] * 60 + [422]
    assert told["n"] == 61


async def test_a_row_read_for_another_baseline_is_not_counted_in_this_one(
    drifting: Drifting,
) -> None:
    elsewhere = drifting.services.default.elsewhere
    async with drifting.asking() as client:
        await send(client, reports(3, seed=12))
        yardstick = await elsewhere.yardstick()
        report = yardstick.requests.one(DOCUMENTED.encode(), now=NOW)
        old = replace(report, features={**report.features, "gone": 1})
        with pytest.raises(Unavailable, match="baseline changed"):
            await elsewhere.report(old, yardstick)
        told = await elsewhere.report(report, yardstick)

    assert told.drift_detected is None
    assert len(drifting.store.reports.rows("churn", since=NOW, until=NOW.replace(year=2027))) == 4
