"""Repeats of one id are one row with one answer, and no order of labels changes a metric."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st

from homeostat.prediction import Label
from homeostat.testing.store_samples import sample_label
from tests.shell.serving.world import MODEL, NOW, ROW, World, asking

REPEATS = 1000


async def many(client: httpx.AsyncClient, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """The answers to requests that are all sent before the first is answered."""
    return list(await asyncio.gather(*(client.post("/predict", json=one) for one in bodies)))


@pytest.mark.anyio
async def test_a_thousand_repeats_are_one_row_whatever_serves(world: World) -> None:
    sent = {**ROW, "prediction_id": "one"}
    async with asking(world) as client:
        answers = await many(client, [sent] * REPEATS)
        world.promote(world.register(turn=5))
        await world.service.refresh()
        after = await many(client, [sent] * 10)
        other = await client.post("/predict", json={**ROW, "prediction_id": "other"})

    assert {one.status_code for one in answers + after} == {200}
    assert len({one.text for one in answers + after}) == 1
    assert world.store.count_predictions(MODEL) == 2
    assert (answers[0].json()["model_version"], other.json()["model_version"]) == ("1", "2")


@pytest.mark.anyio
async def test_of_a_thousand_rows_for_one_id_one_wins(world: World) -> None:
    bodies = [{**ROW, "age": 20 + i % 90, "prediction_id": "one"} for i in range(REPEATS)]
    async with asking(world) as client:
        answers = await many(client, bodies)

    won = {one.text for one in answers if one.status_code == 200}
    assert {one.status_code for one in answers} == {200, 409}
    assert len(won) == 1
    assert world.store.count_predictions(MODEL) == 1


@pytest.mark.anyio
async def test_ids_of_their_own_are_rows_of_their_own(world: World) -> None:
    """The negative control: what is counted as one above is many here."""
    async with asking(world) as client:
        answers = await many(client, [{**ROW, "prediction_id": f"{i}"} for i in range(100)])

    assert len({one.text for one in answers}) == 100
    assert world.store.count_predictions(MODEL) == 100
    assert NOW


# Labels.

ROWS = 20


def labels_of(draw: st.DrawFn) -> list[Label]:
    """Labels, corrections and repeats of some rows, each received at its own time."""
    times = draw(st.permutations(range(40)))
    return [
        sample_label(f"{draw(st.integers(0, ROWS - 1))}", draw(st.integers(0, 1)), minutes=at)
        for at in times
    ]


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[Label], list[Label]]:
    events = labels_of(draw)
    return events, draw(st.permutations(events))
