from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from json import dumps
from typing import Any

import anyio
import httpx
import pytest

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.prediction import Prediction
from homeostat.store import Store
from tests.shell.serving.world import MODEL, NOW, ROW, World, asking

pytestmark = pytest.mark.anyio


def stored(store: Store) -> list[Prediction]:
    day = timedelta(days=1)
    return store.predictions(MODEL, since=NOW - day, until=NOW + day)


async def test_an_answer_is_what_the_model_says(world: World, client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json=ROW)

    score = world.scored(world.store.version(MODEL, 1))
    assert answer.status_code == 200
    assert answer.json() == {
        "prediction": int(score >= 0.5),
        "probability": pytest.approx(score, abs=1e-12),
        "model_version": "1",
        "prediction_id": "new-1",
        "timestamp": "2026-03-01T12:30:15Z",
        "durable": True,
    }


async def test_what_was_answered_is_stored(world: World, client: httpx.AsyncClient) -> None:
    event_time = NOW - timedelta(hours=1)
    sent = {**ROW, "prediction_id": "mine", "event_time": event_time.isoformat()}

    answer = (await client.post("/predict", json=sent)).json()

    [one] = stored(world.store)
    assert (one.id, one.version, one.features) == ("mine", 1, ROW)
    assert (one.received_at, one.event_time) == (NOW, event_time)
    assert (one.probability, one.prediction) == (answer["probability"], answer["prediction"])


async def test_what_was_answered_is_counted(world: World, client: httpx.AsyncClient) -> None:
    for job in ("cook", "cook", "astronaut"):
        await client.post("/predict", json={**ROW, "job": job, "income": None})
    world.now += timedelta(minutes=1)
    await client.post("/predict/batch", json={"rows": [ROW, ROW]})

    version = world.store.version(MODEL, 1)
    bins = world.store.reference(MODEL, version.reference_digest).bins
    minute = NOW.replace(second=0)
    first, second = (
        world.store.window_profile(MODEL, 1, bins, since, since + timedelta(minutes=1))
        for since in (minute, minute + timedelta(minutes=1))
    )
    assert (first.n, second.n) == (3, 2)
    assert first.feature("job").counts.tolist() == [0, 2, 1, 0]
    assert (first.feature("income").missing, second.feature("income").missing) == (3, 0)
    assert first.feature(PREDICTION).counts.sum() == 3
    assert first.feature(PREDICTION).counts[2:].sum() == 0
    assert second.feature(PROBABILITY).missing == 0


async def test_an_unknown_category_is_scored(world: World, client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json={**ROW, "job": "astronaut"})

    expected = world.scored(world.store.version(MODEL, 1), {**ROW, "job": "astronaut"})
    assert answer.json()["probability"] == pytest.approx(expected, abs=1e-12)


async def test_the_order_of_keys_does_not_matter(client: httpx.AsyncClient) -> None:
    one = await client.post("/predict", json=ROW)
    other = await client.post("/predict", json=dict(reversed(ROW.items())))

    assert one.json()["probability"] == other.json()["probability"]


async def test_a_batch_is_answered_in_its_order(client: httpx.AsyncClient) -> None:
    rows = [{**ROW, "debt-ratio": i / 10, "prediction_id": f"row {i}"} for i in range(20)]

    answer = await client.post("/predict/batch", json={"rows": rows})

    one_by_one = [(await client.post("/predict", json=row)).json() for row in rows]
    assert answer.status_code == 200
    assert answer.json()["predictions"] == one_by_one


async def test_a_repeat_gets_the_stored_answer(world: World, client: httpx.AsyncClient) -> None:
    sent = {**ROW, "prediction_id": "mine"}
    first = await client.post("/predict", json=sent)
    world.promote(world.register(turn=9))
    await world.service.refresh()
    world.now += timedelta(hours=1)

    again = await client.post("/predict", json=sent)
    batch = await client.post("/predict/batch", json={"rows": [sent, sent]})
    fresh = await client.post("/predict", json=ROW)

    assert again.json() == first.json()
    assert batch.json()["predictions"] == [first.json(), first.json()]
    assert fresh.json()["model_version"] == "2"
    assert len(stored(world.store)) == 2


async def test_many_repeats_at_once_are_one_row(world: World, client: httpx.AsyncClient) -> None:
    answers: list[httpx.Response] = []

    async def ask(age: int) -> None:
        answers.append(
            await client.post("/predict", json={**ROW, "prediction_id": "x", "age": age})
        )

    async with anyio.create_task_group() as group:
        for i in range(60):
            group.start_soon(ask, 40 + i % 2)

    won = [one.json() for one in answers if one.status_code == 200]
    assert sorted({one.status_code for one in answers}) == [200, 409]
    assert len(won) == 30
    assert all(one == won[0] for one in won)
    assert len(stored(world.store)) == 1


@pytest.mark.parametrize(
    "change",
    [{"age": 42}, {"event_time": NOW.isoformat()}, {"income": None}],
    ids=["other value", "other time", "null"],
)
async def test_an_id_for_another_row_is_a_conflict(
    world: World, client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    sent = {**ROW, "prediction_id": "mine"}
    await client.post("/predict", json=sent)

    answer = await client.post("/predict", json={**sent, **change})

    assert answer.status_code == 409
    assert answer.json()["error"] == "Conflict"
    assert len(stored(world.store)) == 1


async def test_an_id_for_another_version_is_a_conflict(client: httpx.AsyncClient) -> None:
    sent = {**ROW, "prediction_id": "mine"}
    await client.post("/predict", json=sent)

    answer = await client.post("/predict?model_version=1", json=sent)

    assert answer.status_code == 409


async def test_a_batch_with_a_taken_id_stores_nothing(
    world: World, client: httpx.AsyncClient
) -> None:
    await client.post("/predict", json={**ROW, "prediction_id": "mine"})
    rows = [ROW, {**ROW, "prediction_id": "mine", "age": 50}, {**ROW, "prediction_id": "other"}]

    answer = await client.post("/predict/batch", json={"rows": rows})

    assert answer.status_code == 409
    assert "rows[1]" in answer.json()["message"]
    assert "rows[2]" not in answer.json()["message"]
    assert len(stored(world.store)) == 1


async def test_a_batch_that_contradicts_itself_stores_nothing(
    world: World, client: httpx.AsyncClient
) -> None:
    rows = [{**ROW, "prediction_id": "mine", "age": age} for age in (50, 51)]

    answer = await client.post("/predict/batch", json={"rows": rows})

    assert answer.status_code == 409
    assert not stored(world.store)


async def test_a_batch_with_a_bad_row_stores_nothing(
    world: World, client: httpx.AsyncClient
) -> None:
    rows: list[Any] = [ROW] * 999
    rows.insert(500, {**ROW, "age": 7, "job": None})

    answer = await client.post("/predict/batch", json={"rows": rows})

    message = answer.json()["message"]
    assert answer.status_code == 422
    assert "rows[500].age: " in message
    assert "rows[500].job: " in message
    assert not stored(world.store)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", b""),
        ("/predict", b"age=41"),
        ("/predict", b"[1, 2]"),
        ("/predict", dumps(ROW).replace("41", "NaN").encode()),
        ("/predict", dumps(ROW).replace("41", "1e400").encode()),
        ("/predict", dumps(ROW).replace("0.5", "-Infinity").encode()),
        ("/predict", dumps({**ROW, "more": 1}).encode()),
        ("/predict/batch", b""),
        ("/predict/batch", b"[]"),
        ("/predict/batch", b'{"rows": []}'),
        ("/predict/batch", b'{"rows": [NaN]}'),
        ("/predict/batch", b'{"rows": {}}'),
        ("/predict/batch", dumps({"rows": [ROW], "park": True}).encode()),
        ("/predict/batch", dumps({"rows": [ROW] * 1001}).encode()),
    ],
)
async def test_a_bad_body_is_refused_and_not_stored(
    world: World, client: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await client.post(path, content=body)

    assert answer.status_code == 422
    assert list(answer.json()) == ["error", "message", "status"]
    assert not stored(world.store)


async def test_a_pinned_version_answers(world: World, client: httpx.AsyncClient) -> None:
    second = world.register(turn=9)

    answer = await client.post("/predict?model_version=2", json=ROW)

    assert answer.json()["model_version"] == "2"
    assert answer.json()["probability"] == pytest.approx(world.scored(second), abs=1e-12)
    assert stored(world.store)[0].version == 2


@pytest.mark.parametrize(
    ("number", "status"),
    [("7", 404), ("0", 422), ("-1", 422), ("one", 422), ("1.5", 422), ("9" * 30, 422), ("", 422)],
)
async def test_an_unknown_version_is_refused(
    world: World, client: httpx.AsyncClient, number: str, status: int
) -> None:
    answer = await client.post(f"/predict?model_version={number}", json=ROW)

    assert answer.status_code == status
    assert list(answer.json()) == ["error", "message", "status"]
    assert not stored(world.store)


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/labels"])
async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient, path: str) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" " * 2**20

    declared = await client.post(path, content=b" " * (5 * 2**20))
    streamed = await client.post(path, content=parts())

    assert declared.status_code == streamed.status_code == 413
    assert list(declared.json()) == ["error", "message", "status"]


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", content=b"x", headers={"content-encoding": "gzip"})

    assert answer.status_code == 415


async def test_the_size_of_a_batch_is_a_setting(world: World) -> None:
    async with asking(world, max_batch=2) as client:
        fits = await client.post("/predict/batch", json={"rows": [ROW] * 2})
        too_long = await client.post("/predict/batch", json={"rows": [ROW] * 3})

    assert (fits.status_code, too_long.status_code) == (200, 422)
    assert "at most 2" in too_long.json()["message"]


async def test_times_are_utc_with_a_zone(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json=ROW)

    assert datetime.fromisoformat(answer.json()["timestamp"]) == NOW
    assert datetime.fromisoformat(answer.json()["timestamp"]).tzinfo == UTC
