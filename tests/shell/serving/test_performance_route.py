"""GET /monitoring/performance: what the last look at the labels saw."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.shell.project import MODEL, Town, asking


@pytest.mark.anyio
async def test_it_tells_what_the_last_look_measured(quiet: Town) -> None:
    one = quiet.project.assessor
    standards = replace(one.policy.standards, limits={"accuracy": 0.99})
    one = replace(one, policy=replace(one.policy, standards=standards))
    seen = replace(quiet.project.monitor, folder=None, assessor=one).observe(at=quiet.now)

    async with asking(quiet) as client:
        told = (await client.get("/monitoring/performance")).json()
        same = (await client.get(f"/monitoring/performance?model_name={MODEL}&version=1")).json()

    assert told == same
    assert (told["model_name"], told["model_version"]) == (MODEL, "1")
    assert told["known_at"].startswith(f"{quiet.now:%Y-%m-%dT%H:%M:%S}")
    accuracy = told["metrics"]["accuracy"]
    assert accuracy["lower"] < accuracy["value"] < accuracy["upper"]
    assert told["verdicts"]["thresholds"]["outcome"] == "FAIL"
    assert told["verdicts"]["thresholds"]["reason"] == seen.performance[0].reason


@pytest.mark.anyio
async def test_it_tells_what_was_known_then(quiet: Town) -> None:
    then = quiet.project.store.performance.newest(MODEL, 1)[0].known_at
    quiet.pass_time(timedelta(hours=3))
    replace(quiet.project.monitor, folder=None).observe(at=quiet.now)

    async with asking(quiet) as client:
        now = (await client.get("/monitoring/performance")).json()
        before = await get(client, f"{then:%Y-%m-%dT%H:%M:%SZ}")
        never = await get(client, "2020-01-01T00:00:00Z")

    assert now["known_at"] > before["known_at"]
    assert before["known_at"].startswith(f"{then:%Y-%m-%dT%H:%M:%S}")
    assert (never["known_at"], never["metrics"], never["verdicts"]) == (None, {}, {})


async def get(client: httpx.AsyncClient, as_of: str) -> dict[str, Any]:
    answer = await client.get("/monitoring/performance", params={"as_of": as_of})
    plain: dict[str, Any] = answer.json()
    return plain


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "status"),
    [("version=9", 404), ("version=0", 422), ("model_name=other", 404), ("as_of=later", 422)],
)
async def test_what_is_not_there_is_said_to_be(quiet: Town, query: str, status: int) -> None:
    async with asking(quiet) as client:
        answer = await client.get(f"/monitoring/performance?{query}")

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message", "status"}


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["36226423", "1.5", "-1", "2026-03-04T12:00:00", "soon"])
async def test_a_time_that_is_not_written_out_with_its_zone_is_refused(
    quiet: Town, given: str
) -> None:
    async with asking(quiet) as client:
        for path in ("/monitoring/performance", "/history/drift"):
            answer = await client.get(path, params={"as_of": given})
            assert answer.status_code == 422
            assert "as_of" in answer.json()["message"]
