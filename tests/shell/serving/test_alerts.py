"""Alerts over HTTP."""

from dataclasses import replace

import pytest

from homeostat.testing.store_samples import MINUTE, START, sample_alert
from tests.shell.serving.world import MODEL, World, asking

pytestmark = pytest.mark.anyio


async def test_open_alerts_are_told_and_resolved_ones_when_asked_for(world: World) -> None:
    first = replace(sample_alert("a"), model=MODEL)
    world.store.save_alert(replace(first, resolved_at=START + MINUTE))
    world.store.save_alert(replace(first, id="b", opened_at=START + MINUTE))
    async with asking(world) as client:
        now = (await client.get("/alerts")).json()
        ever = (await client.get("/alerts", params={"all": "true"})).json()
        other = await client.get("/alerts", params={"model_name": "nobody"})

    [alert] = now["alerts"]
    assert (now["model_name"], alert["id"], alert["severity"]) == (MODEL, "b", "HIGH")
    assert (alert["type"], alert["features"]) == ("DATA_DRIFT", ["income"])
    assert [one["id"] for one in ever["alerts"]] == ["b", "a"]
    assert other.status_code == 404
