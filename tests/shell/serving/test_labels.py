from datetime import timedelta
from typing import Any

import httpx
import pytest

from homeostat.schema import Target
from homeostat.serving.labels import classes
from tests.shell.serving.world import MODEL, NOW, ROW, World

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def predict(client: httpx.AsyncClient, *ids: str) -> None:
    rows = [{**ROW, "prediction_id": one} for one in ids]
    assert (await client.post("/predict/batch", json={"rows": rows})).status_code == 200


def values(world: World) -> dict[str, int]:
    found = world.store.labelled(MODEL, since=NOW - DAY, until=NOW + DAY)
    return {one.prediction.id: one.label.value for one in found}


async def test_labels_are_stored(world: World, client: httpx.AsyncClient) -> None:
    await predict(client, "a", "b", "c")
    labels = [
        {"prediction_id": "a", "label": 1},
        {"prediction_id": "b", "true_label": 0, "label_source": "bureau"},
        {"prediction_id": "c", "label": 1.0, "label_timestamp": "2026-03-01T14:00:00+02:00"},
    ]

    answer = await client.post("/labels", json={"labels": labels})

    found = {
        one.prediction.id: one.label
        for one in world.store.labelled(MODEL, since=NOW - DAY, until=NOW + DAY)
    }
    assert answer.json() == {"stored": 3, "unchanged": 0, "corrected": 0, "parked": 0}
    assert {key: one.value for key, one in found.items()} == {"a": 1, "b": 0, "c": 1}
    assert (found["a"].source, found["b"].source) == ("manual", "bureau")
    assert found["c"].labelled_at == NOW.replace(hour=12, minute=0, second=0)
    assert found["a"].received_at == NOW


async def test_one_label_on_its_own_is_taken(world: World, client: httpx.AsyncClient) -> None:
    await predict(client, "a")

    answer = await client.post("/labels", json={"prediction_id": "a", "label": 1})

    assert answer.json()["stored"] == 1
    assert values(world) == {"a": 1}


async def test_a_repeat_changes_nothing_and_a_correction_does(
    world: World, client: httpx.AsyncClient
) -> None:
    await predict(client, "a")

    received = []
    for value in (1, 1, 0):
        label = {"prediction_id": "a", "label": value}
        received.append((await client.post("/labels", json={"labels": [label]})).json())
        world.now += timedelta(seconds=1)

    assert [one["stored"] for one in received] == [1, 0, 0]
    assert [one["unchanged"] for one in received] == [0, 1, 0]
    assert [one["corrected"] for one in received] == [0, 0, 1]
    assert values(world) == {"a": 0}


async def test_unknown_ids_are_all_named_and_nothing_is_stored(
    world: World, client: httpx.AsyncClient
) -> None:
    await predict(client, "a")
    labels = [{"prediction_id": one, "label": 1} for one in ("a", "nobody", "noone")]

    answer = await client.post("/labels", json={"labels": labels})

    assert answer.status_code == 422
    assert "nobody" in answer.json()["message"]
    assert "noone" in answer.json()["message"]
    assert not values(world)


async def test_a_parked_label_joins_its_prediction(world: World, client: httpx.AsyncClient) -> None:
    label = {"prediction_id": "later", "label": 1}

    answer = await client.post("/labels", json={"labels": [label], "park": True})
    await predict(client, "later")

    assert answer.json()["parked"] == 1
    assert values(world) == {"later": 1}


@pytest.mark.parametrize(
    "literal",
    ["NaN", "Infinity", '"1"', "true", "2", "0.5", "1e308", "1e400", "null", '"yes"', "[1]", "{}"],
)
async def test_what_is_no_class_is_refused(
    world: World, client: httpx.AsyncClient, literal: str
) -> None:
    await predict(client, "a", "b")
    body = (
        f'{{"labels": [{{"prediction_id": "a", "label": 1}}, '
        f'{{"prediction_id": "b", "label": {literal}}}]}}'
    )

    answer = await client.post("/labels", content=body)

    assert answer.status_code == 422
    assert list(answer.json()) == ["error", "message", "status"]
    assert "labels[1].label" in answer.json()["message"]
    assert "labels[0]" not in answer.json()["message"]
    assert not values(world)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"NaN",
        b"{}",
        b'{"labels": []}',
        b'{"labels": [{"prediction_id": "a"}]}',
        b'{"labels": [{"label": 1}]}',
        b'{"prediction_id": "a", "label": 1, "true_label": 0}',
        b'{"prediction_id": "a", "label": 1, "label": 0}',
        b'{"prediction_id": "a", "label": 1, "label_timestamp": "2026-03-01T14:00:00"}',
        b'{"prediction_id": "a", "label": 1, "label_timestamp": "2999-03-01T14:00:00Z"}',
        b'{"prediction_id": "a", "label": 1, "label_source": "a\\nb"}',
        b'{"labels": [{"prediction_id": "a", "label": 1}], "park": 1}',
        b'{"labels": [{"prediction_id": "a", "label": 1}], "more": 1}',
    ],
)
async def test_a_bad_body_is_refused(world: World, client: httpx.AsyncClient, body: bytes) -> None:
    await predict(client, "a")

    answer = await client.post("/labels", content=body)

    assert answer.status_code == 422
    assert list(answer.json()) == ["error", "message", "status"]
    assert not values(world)


async def test_coverage(client: httpx.AsyncClient) -> None:
    before = (await client.get("/labels/coverage")).json()
    await predict(client, "a", "b", "c", "d")
    await client.post("/labels", json={"prediction_id": "a", "label": 1})

    after = (await client.get("/labels/coverage")).json()

    assert before["total_predictions"] == before["coverage_rate"] == 0
    assert after == {
        "total_predictions": 4,
        "labeled_predictions": 1,
        "coverage_rate": 0.25,
        "unlabeled_predictions": 3,
    }


async def test_stats(client: httpx.AsyncClient) -> None:
    before = (await client.get("/monitoring/stats")).json()
    answers = [
        (await client.post("/predict", json={**ROW, "debt-ratio": i})).json() for i in (0, 2)
    ]

    after = (await client.get("/monitoring/stats")).json()

    low, high = (one["probability"] for one in answers)
    assert before["recent_100"]["probability_mean"] is None
    assert after["total_predictions"] == after["recent_100"]["count"] == 2
    assert after["recent_100"]["positive_rate"] == 0.5
    assert after["recent_100"]["probability_mean"] == pytest.approx((low + high) / 2)
    assert after["recent_100"]["probability_std"] == pytest.approx((high - low) / 2)


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        pytest.param(Target(column="y"), {0: 0, 1: 1}, id="numbers"),
        pytest.param(
            Target(column="y", positive="1", classes=("1", "2")), {1: 1, 2: 0}, id="other numbers"
        ),
        pytest.param(
            Target(column="y", positive="bad", classes=("bad", "good")),
            {"bad": 1, "good": 0, 1: 1, 0: 0},
            id="texts",
        ),
        pytest.param(
            Target(column="y", positive="nan", classes=("nan", "inf")),
            {"nan": 1, "inf": 0, 1: 1, 0: 0},
            id="texts that only look like numbers",
        ),
    ],
)
def test_classes_are_known_by_number_or_text(target: Target, meant: dict[Any, int]) -> None:
    assert classes(target) == meant
