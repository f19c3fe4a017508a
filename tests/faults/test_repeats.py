"""Repeats of one id are one row with one answer, and no order of labels changes a metric."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import count
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.calibration import Calibration
from homeostat.metrics.confusion import Confusion
from homeostat.prediction import Label
from homeostat.store import KnownLabels, Store
from homeostat.testing.store_samples import DAY, START, sample_label, sample_prediction
from tests.shell.serving.world import MODEL, ROW, World, asking

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


# Labels.

ROWS, EACH = 20, 5
NAMES = count()


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[Label], list[Label]]:
    """Labels of each prediction, corrections and repeats among them, delivered in two orders.

    Each is received at its own time.
    """
    size = EACH * ROWS
    times = draw(st.permutations(range(size)))
    values = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    events = [
        sample_label(f"{i // EACH}", value, minutes=at)
        for i, (at, value) in enumerate(zip(times, values, strict=True))
    ]
    return events, draw(st.permutations(events))


def metrics_after(store: Store, events: list[Label], step: int = 5) -> str:
    """What is known of the model once these labels were delivered, some at a time."""
    model = f"model {next(NAMES)}"
    rows = [sample_prediction(f"{model}/{i:02}", minutes=i, model=model) for i in range(ROWS)]
    store.add_predictions([replace(one, probability=i / 20) for i, one in enumerate(rows)])
    for i in range(0, len(events), step):
        some = [
            replace(one, prediction_id=f"{model}/{int(one.prediction_id):02}")
            for one in events[i : i + step]
        ]
        store.add_labels(some)
    known = KnownLabels()
    found = store.scored_labels(model, since=START, until=START + DAY, known=known)
    return canonical(found.values, found.predictions, found.probabilities)


def canonical(values: Sequence[int], predictions: Sequence[int], scores: Sequence[float]) -> str:
    labels, probabilities = np.array(values), np.array(scores)
    ranking = RankingQuality.of(labels, probabilities)
    return json.dumps(
        {
            "confusion": asdict(Confusion.of(labels, np.array(predictions))),
            "calibration": asdict(Calibration.of(labels, probabilities)),
            "ranking": asdict(ranking) if ranking else None,
        },
        sort_keys=True,
    )


@given(orders=two_orders())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_labels_changes_a_metric(
    store: Store, orders: tuple[list[Label], list[Label]]
) -> None:
    one, other = orders

    assert metrics_after(store, one) == metrics_after(store, other, step=3)


def test_200_labels_in_reverse_give_the_same_metrics(store: Store) -> None:
    events = [sample_label(f"{7 * i % ROWS}", i // 7 % 2, minutes=i) for i in range(2 * ROWS)]
    events *= 5  # each is delivered five times

    assert metrics_after(store, events) == metrics_after(store, events[::-1])


def test_what_goes_by_arrival_would_differ() -> None:
    """The negative control: the label that came last is not the one that was received last."""
    events = [sample_label("0", 0, minutes=1), sample_label("0", 1, minutes=2)]

    def by_arrival(some: list[Label]) -> str:
        last = {one.prediction_id: one.value for one in some}
        return canonical([*last.values(), 1], [1, 1], [0.5, 0.9])

    assert by_arrival(events) != by_arrival(events[::-1])
