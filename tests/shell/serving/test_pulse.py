"""The service gives signs of life and looks at the loops."""

from datetime import timedelta

import pytest

from homeostat.liveness import LIVENESS, LivenessPolicy
from homeostat.verdict import Outcome
from tests.shell.serving.test_metrics import scrape
from tests.shell.serving.world import MODEL, World, asking

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


def monitor_that_ran(world: World) -> None:
    """A monitor that promised a look every five minutes and made one just now."""
    heart = world.store.heart
    heart.promised(MODEL, "monitor", every_s=300.0, at=world.now)
    heart.seen(MODEL, "monitor", at=world.now)
    heart.succeeded(MODEL, "monitor", at=world.now)


async def test_health_tells_of_a_monitor_that_died(world: World) -> None:
    monitor_that_ran(world)
    async with asking(world) as client:
        well = (await client.get("/monitoring/health")).json()
        world.now += 6 * MINUTE
        dead = (await client.get("/monitoring/health")).json()

    assert (well["status"], well["issues"]) == ("healthy", [])
    assert [(one["loop"], one["state"]) for one in well["loops"]] == [("monitor", "alive")]
    assert well["loops"][0]["last_success_at"] is not None
    assert dead["status"] == "degraded"
    assert [one["kind"] for one in dead["issues"]] == [LIVENESS]
    assert "monitor is dead" in dead["issues"][0]["message"]
    assert dead["loops"][0]["state"] == "dead"


async def test_an_erring_monitor_is_a_warning(world: World) -> None:
    monitor_that_ran(world)
    for _ in range(2):
        world.store.heart.failed(MODEL, "monitor", at=world.now, problem="no disk")
    async with asking(world) as client:
        erring = (await client.get("/monitoring/health")).json()

    assert erring["status"] == "warning"
    assert erring["loops"][0]["problem"] == "no disk"


async def test_the_service_says_how_its_own_loops_do(world: World) -> None:
    pulse = world.service.pulse
    pulse.keep(LivenessPolicy(), every_s=60.0)
    async with asking(world):
        await world.service.refresh()
        pulse.begin()
        pulse.tick()
    [well] = world.store.heart.beats(MODEL)
    world.now += 3 * MINUTE  # and nothing turned
    pulse.tick()
    pulse.tick()
    [late] = world.store.heart.beats(MODEL)
    [(_, verdict), *_] = world.store.verdicts(MODEL, LIVENESS, limit=9)

    assert (well.loop, well.every_s, well.failures) == ("service", 60.0, 0)
    assert well.succeeded_at is not None
    assert late.failures == 2
    assert "refresh since" in late.problem
    assert (verdict.outcome, verdict.details["troubled"]) == (Outcome.FAIL, ["service"])


async def test_the_service_writes_down_that_a_monitor_died(world: World) -> None:
    monitor_that_ran(world)
    pulse = world.service.pulse
    pulse.keep(LivenessPolicy(), every_s=60.0)
    pulse.begin()
    pulse.tick()
    world.now += 6 * MINUTE
    pulse.tick()
    world.store.heart.seen(MODEL, "monitor", at=world.now)
    pulse.tick()

    said = [one.outcome for _, one in world.store.verdicts(MODEL, LIVENESS, limit=9)]
    assert said == [Outcome.PASS, Outcome.FAIL, Outcome.PASS]


async def test_timestamps_are_told_and_no_ages(world: World) -> None:
    monitor_that_ran(world)
    then = world.now
    async with asking(world) as client:
        world.service.pulse.begin()
        world.now += 60 * MINUTE
        await world.service.meter.write()
        told = (await scrape(client))["homeostat_last_success_timestamp_seconds"]

    assert told["monitor", MODEL] == then.timestamp()
    assert told["traffic", MODEL] == world.now.timestamp()
    assert ("service", MODEL) not in told  # it promised, and has done nothing yet


async def test_on_a_simulated_calendar_nobody_is_looked_at(world: World) -> None:
    async with asking(world):
        await world.service.pulse.run()

    assert world.store.heart.beats(MODEL) == []
