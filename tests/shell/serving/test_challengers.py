"""Versions tried on live rows: a part of them answered, or all of them scored in the shadow."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from homeostat.challenger import Challenger, Mode, place
from homeostat.prediction import Label
from homeostat.serving.shadow import Shadowing
from tests.shell.serving.world import MODEL, NOW, ROW, World, asking, register

pytestmark = pytest.mark.anyio


def trial(version: int, mode: Mode, share: float = 0.0) -> Challenger:
    return Challenger(
        id=f"trial-{version}",
        model=MODEL,
        version=version,
        mode=mode,
        share=share,
        started_at=NOW,
        started_by="ann",
        reason="to see",
    )


def try_beside(world: World, mode: Mode, share: float = 0.0, *, turn: int = 3) -> int:
    """A second version, which says other probabilities, is tried beside version 1."""
    version = world.register(turn=turn)
    world.store.trials.start(trial(version.number, mode, share))
    return version.number


async def answers(client: httpx.AsyncClient, n: int, **more: Any) -> list[dict[str, Any]]:
    rows = [{**ROW, "split_key": f"customer {i}", **more} for i in range(n)]
    answer = await client.post("/predict/batch", json={"rows": rows})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


async def versions(client: httpx.AsyncClient) -> dict[str, Any]:
    found = (await client.get("/model/versions")).json()["versions"]
    return {f"{one['model_version']} {one['role']}": one for one in found}


async def test_a_split_answers_its_keys_with_the_other_version(world: World) -> None:
    number = try_beside(world, Mode.SPLIT, 0.3)
    expected = {str(one): world.scored(world.store.version(MODEL, one)) for one in (1, number)}
    async with asking(world) as client:
        batch = await answers(client, 400)
        again = await answers(client, 400)
        single = [
            (await client.post("/predict", json={**ROW, "split_key": f"customer {i}"})).json()
            for i in range(20)
        ]
        pinned = (await client.post("/predict?model_version=1", json=ROW)).json()

    by = [one["model_version"] for one in batch]
    places = [place("trial-2", f"customer {i}") < 0.3 for i in range(400)]
    assert [one == str(number) for one in by] == places
    assert [one["model_version"] for one in again] == by
    assert [one["model_version"] for one in single] == by[:20]
    assert all(one["probability"] == expected[one["model_version"]] for one in batch + single)
    assert pinned["model_version"] == "1"


async def test_without_a_key_the_prediction_id_divides_and_a_repeat_is_answered_as_before(
    world: World,
) -> None:
    number = try_beside(world, Mode.SPLIT, 0.5)
    rows = [{**ROW, "prediction_id": f"p{i}"} for i in range(60)]
    async with asking(world) as client:
        first = [(await client.post("/predict", json=row)).json() for row in rows]
        world.store.trials.end(MODEL, number, NOW)
        await world.service.refresh()
        second = [(await client.post("/predict", json=row)).json() for row in rows]
        fresh = await answers(client, 60)

    assert {one["model_version"] for one in first} == {"1", str(number)}
    assert second == first
    assert {one["model_version"] for one in fresh} == {"1"}


async def test_a_challenger_that_is_promoted_answers_everything(world: World) -> None:
    number = try_beside(world, Mode.SPLIT, 0.1)
    async with asking(world) as client:
        world.promote(world.store.version(MODEL, number))
        await world.service.refresh()
        found = await answers(client, 50)

    assert {one["model_version"] for one in found} == {str(number)}


async def test_a_challenger_that_cannot_be_loaded_leaves_all_rows_to_the_champion(
    world: World,
) -> None:
    number = try_beside(world, Mode.SPLIT, 0.5)
    broken = world.root / world.store.version(MODEL, number).location / "model.skops"
    broken.write_bytes(b"")
    async with asking(world) as client:
        found = await answers(client, 50)
        health = (await client.get("/health")).json()

    assert {one["model_version"] for one in found} == {"1"}
    assert health["status"] == "degraded"
    assert f"version {number} cannot be tried" in health["message"]


async def test_a_version_in_the_shadow_is_asked_about_every_row_once(world: World) -> None:
    async with asking(world) as client:
        await answers(client, 10)
        world.now += timedelta(minutes=1)
        version = world.register(turn=3)
        begun = trial(version.number, Mode.SHADOW)
        world.store.trials.start(replace(begun, started_at=world.now))
        await world.service.refresh()
        found = await answers(client, 300)
        asked = await world.service.shadowing.catch_up()
        again = await world.service.shadowing.catch_up()
        by = await versions(client)

    expected = world.scored(version)
    since, until = world.now, world.now + timedelta(minutes=1)
    said = world.store.trials.shadowed(MODEL, version.number, since=since, until=until)
    assert (asked, again) == (300, 0)
    assert {one["model_version"] for one in found} == {"1"}
    assert Counter(one.probability for one in said) == {expected: 300}
    assert by["2 shadow"]["rows"] == 300
    assert by["2 shadow"]["probability_mean"] == pytest.approx(expected)


async def test_another_process_goes_on_where_one_died_and_two_never_share_the_work(
    world: World,
) -> None:
    try_beside(world, Mode.SHADOW)
    async with asking(world) as client:
        await answers(client, 20)
        other = Shadowing(world.store, world.champions, clock=lambda: world.now, holder="another")
        first = await world.service.shadowing.catch_up()
        await answers(client, 5)
        meanwhile = await other.catch_up()
        world.now += timedelta(minutes=2)
        later = await other.catch_up()

    assert (first, meanwhile, later) == (20, 0, 5)


async def test_versions_stand_side_by_side_with_what_turned_out_to_be_true(world: World) -> None:
    number = try_beside(world, Mode.SPLIT, 0.5)
    shadow = register(world.store, world.root, turn=5)
    world.store.trials.start(trial(shadow.number, Mode.SHADOW))
    async with asking(world) as client:
        found = await answers(client, 200)
        await world.service.shadowing.catch_up()
        world.store.add_labels(
            [
                Label(prediction_id=one["prediction_id"], value=i % 2, received_at=world.now)
                for i, one in enumerate(found[:100])
            ]
        )
        by = await versions(client)

    p = {str(one): world.scored(world.store.version(MODEL, one)) for one in (1, 2, 3)}
    labelled = found[:100]
    mine = [(i % 2, one) for i, one in enumerate(labelled) if one["model_version"] == "1"]
    brier = sum((label - p["1"]) ** 2 for label, _ in mine) / len(mine)
    ours = sum((label - p["3"]) ** 2 for label, _ in mine) / len(mine)
    assert by.keys() == {"1 champion", f"{number} split", "3 shadow"}
    assert by["1 champion"]["labelled"] + by[f"{number} split"]["labelled"] == 100
    assert by["1 champion"]["brier"] == pytest.approx(brier)
    assert by["1 champion"]["against_champion"] is None
    paired = by["3 shadow"]["against_champion"]
    assert (paired["paired"], paired["n"]) == (True, len(mine))
    assert paired["mean"] == pytest.approx(ours - brier)
    assert paired["low"] <= paired["mean"] <= paired["high"]
    unpaired = by[f"{number} split"]["against_champion"]
    assert unpaired["paired"] is False
    assert unpaired["low"] < unpaired["mean"] < unpaired["high"]
    assert by[f"{number} split"]["share"] == 0.5


async def test_one_version_is_tried_once_and_shares_have_room(world: World) -> None:
    number = try_beside(world, Mode.SPLIT, 0.7)
    other = world.register(turn=5)

    for asked, why in (
        (trial(number, Mode.SHADOW), "tried already, as split"),
        (trial(other.number, Mode.SPLIT, 0.4), "no room for 40.00%"),
    ):
        with pytest.raises(Exception, match=why):
            world.store.trials.start(asked)
    begun = world.store.trials.start(trial(other.number, Mode.SPLIT, 0.3))

    assert begun.lower == pytest.approx(0.7)
    assert begun.salt == f"trial-{number}"
    assert [one.version for one in world.store.trials.running(MODEL)] == [number, other.number]
    world.store.trials.end(MODEL, number, NOW)
    assert [one.version for one in world.store.trials.running(MODEL)] == [other.number]
    assert len(world.store.trials.all(MODEL)) == 2
    with pytest.raises(Exception, match="version 2 of 'credit' is not tried"):
        world.store.trials.end(MODEL, number, NOW)
