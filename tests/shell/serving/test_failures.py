"""A store that does not answer, and a model that answers nonsense."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest

from homeostat.errors import Conflict, NotFound, StateError, Unavailable, UserError
from homeostat.registry import Scorer
from homeostat.serving.app import STATUS
from homeostat.store import open_store
from homeostat.version import Version
from tests.shell.serving.world import MODEL, ROW, World, asking

pytestmark = pytest.mark.anyio


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[World]:
    """Its store waits for no lock."""
    store = open_store(f"sqlite:///{tmp_path / 'homeostat.db'}", busy_timeout_s=0.05)
    world = World(store, tmp_path / "models")
    world.promote(world.register())
    yield world
    store.close()


async def test_a_locked_store_is_503_and_recovers(impatient: World, tmp_path: Path) -> None:
    sent = {**ROW, "prediction_id": "mine"}
    async with asking(impatient) as client:
        with closing(sqlite3.connect(tmp_path / "homeostat.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            one = await client.post("/predict", json=sent)
            many = await client.post("/predict/batch", json={"rows": [ROW] * 3})
            label = await client.post("/labels", json={"prediction_id": "a", "label": 1})
            unhealthy = await client.get("/health")
            other.rollback()
        healthy = await client.get("/health")
        again = await client.post("/predict", json=sent)

    assert [one.status_code for one in (one, many, label)] == [503, 503, 503]
    assert {one.json()["error"] for one in (one, many, label)} == {"Unavailable"}
    assert one.headers["retry-after"] == "1"
    assert "locked" in one.json()["message"]
    assert (unhealthy.status_code, unhealthy.json()["status"]) == (503, "unhealthy")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "healthy")
    assert (again.status_code, impatient.store.count_predictions(MODEL)) == (200, 1)


async def test_a_stopped_writer_is_503(world: World, client: httpx.AsyncClient) -> None:
    world.writer.stop()

    answer = await client.post("/predict", json=ROW)

    assert answer.status_code == 503
    assert world.store.count_predictions(MODEL) == 0


async def test_a_damaged_store_is_no_success(
    world: World, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "homeostat.db")) as other:
        other.execute("DROP TABLE predictions")
        other.commit()

    answer = await client.post("/predict", json=ROW)
    health = await client.get("/health")
    stats = await client.get("/monitoring/stats")

    assert (answer.status_code, stats.status_code) == (500, 500)
    assert answer.json()["error"] == "StateError"
    assert (health.status_code, health.json()["predictions_logged"]) == (503, None)


class Nonsense:
    """An estimator that gives the same two columns for every row."""

    def __init__(self, score: float) -> None:
        self.score = score

    def predict_proba(self, x: object) -> object:
        return np.full((len(x), 2), self.score)  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 1.5, -0.1])
async def test_what_is_no_probability_is_neither_answered_nor_stored(
    world: World, score: float
) -> None:
    def load(version: Version) -> Scorer:
        return Scorer(version=version, estimator=Nonsense(score))

    world.champions._load_scorer = load
    async with asking(world) as client:
        answer = await client.post("/predict", json=ROW)

    assert answer.status_code == 500
    assert answer.json()["error"] == "StateError"
    assert world.store.count_predictions(MODEL) == 0


async def test_an_unforeseen_error_tells_nothing(world: World, client: httpx.AsyncClient) -> None:
    world.service.clock = lambda: (_ for _ in ()).throw(RuntimeError("a secret"))

    answer = await client.post("/predict", json=ROW)

    assert answer.status_code == 500
    assert list(answer.json()) == ["error", "message", "status"]
    assert "secret" not in answer.text
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_each_class_of_errors_has_its_status() -> None:
    assert dict(STATUS) == {
        UserError: 422,
        NotFound: 404,
        Conflict: 409,
        Unavailable: 503,
        StateError: 500,
    }
