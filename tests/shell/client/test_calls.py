"""The client asks a real service, and asks again only where that is safe."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import numpy as np
import pytest

from homeostat.client import Client, NotAllowed, TooLarge
from homeostat.errors import Conflict, HomeostatError, NotFound, StateError, Unavailable, UserError
from tests.shell.client.conftest import served
from tests.shell.serving.elsewhere_world import DOCUMENTED, Drifting, reports
from tests.shell.serving.world import KEY, MODEL, NOW, ROW, World

DAY = timedelta(days=1)
FEATURES: dict[str, Any] = json.loads(DOCUMENTED)["features"]


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with served(world.app(api_key=KEY)) as url, Client(url, api_key=KEY) as client:
        yield client


def test_a_row_is_answered_and_labelled(client: Client, world: World) -> None:
    answer = client.predict(ROW, prediction_id="a", event_time=NOW)
    again = client.predict(ROW, prediction_id="a", event_time=NOW)
    made = client.predict(ROW, model_version=1)
    first = client.label("a", 1)
    same = client.label("a", 1)

    stored = world.store.predictions(MODEL, since=NOW - DAY, until=NOW + DAY)
    assert answer == again
    assert answer.prediction_id == "a"
    assert answer.probability == pytest.approx(world.scored(world.store.version(MODEL, 1)))
    assert answer.timestamp == NOW
    assert made.prediction_id[14] == "7"
    assert {one.id for one in stored} == {"a", made.prediction_id}
    assert (first.stored, first.unchanged) == (1, 0)
    assert (same.stored, same.unchanged) == (0, 1)


def test_many_rows_are_answered_in_their_order(client: Client, world: World) -> None:
    rows = [{**ROW, "debt-ratio": i / 10, "prediction_id": f"p{i}"} for i in range(20)]
    answers = client.predict_batch(rows)

    assert [one.prediction_id for one in answers] == [f"p{i}" for i in range(20)]
    assert len({one.probability for one in answers}) == 20


def test_values_of_numpy_and_pandas_are_sent_as_what_they_mean(client: Client) -> None:
    row = {**ROW, "age": np.int64(41), "debt-ratio": np.float32(0.5), "owner": np.bool_(True)}
    answer = client.predict({**row, "income": float("nan")}, prediction_id="x")
    same = client.predict({**ROW, "income": None}, prediction_id="x")

    assert answer == same


def test_errors_are_those_of_the_service(client: Client, world: World) -> None:
    client.predict(ROW, prediction_id="a")

    with pytest.raises(UserError) as refused:
        client.predict({**ROW, "age": 3, "job": 7})
    with pytest.raises(Conflict, match="prediction_id"):
        client.predict({**ROW, "age": 60}, prediction_id="a")
    with pytest.raises(NotFound):
        client.predict(ROW, model_version=7)
    with pytest.raises(UserError, match="unknown"):
        client.label("nobody", 1)
    with pytest.raises(TooLarge, match="1,048,576"):
        client.predict({**ROW, "job": "x" * 2**22})
    with pytest.raises(NotAllowed, match="X-API-Key"), Client(client.url) as stranger:
        stranger.predict(ROW)
    assert [one.partition(":")[0] for one in refused.value.problems] == ["age", "job"]


@pytest.mark.parametrize("value", [float("inf"), {1, 2}, b"x"])
def test_what_json_cannot_hold_is_not_sent(nobody: str, value: Any) -> None:
    with pytest.raises(UserError, match="JSON cannot hold"), Client(nobody) as client:
        client.predict({"x": value})


def test_health_is_told_also_when_it_is_bad(client: Client, world: World) -> None:
    good = client.health()
    with served(World(world.store, world.root / "elsewhere").app()) as url, Client(url) as other:
        bad = other.health()

    assert (good.status, good.model_loaded, good.model_version) == ("healthy", True, "1")
    assert (bad.status, bad.model_loaded) == ("unhealthy", False)


def test_rows_of_a_model_elsewhere_are_logged(drifting: Drifting) -> None:
    with served(drifting.app()) as url, Client(url) as client:
        first = client.log(FEATURES, model_version="v1", timestamp=drifting.now, probability=0.5)
        batch = client.log_batch(reports(300, seed=1, version="v2", income=2.0))

    assert (first.outcome, first.drift_detected, first.n) == ("INCONCLUSIVE", None, 1)
    assert set(first.feature_scores) == set(FEATURES)
    assert (batch.stored, batch.versions["v2"].drift_detected) == (300, True)


def test_nobody_there_is_unavailable(nobody: str) -> None:
    waits: list[float] = []
    with Client(nobody, sleep=waits.append) as client, pytest.raises(Unavailable, match=nobody):
        client.predict(ROW)

    assert waits == [0.1, 0.2, 0.4]


def test_no_url_is_an_error_of_the_user() -> None:
    with pytest.raises(UserError, match="no URL"):
        Client("http://[::1")


class Flaky:
    """Answers what it is told to, one after the other, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.bodies = list(answers), list[Any]()
        self.waits: list[float] = []
        ids = count()
        self.client = Client(
            "http://service",
            transport=httpx.MockTransport(self.answer),
            sleep=self.waits.append,
            new_id=lambda: f"id-{next(ids)}",
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def failure(status: int, **headers: str) -> httpx.Response:
    body = {"error": "x", "message": "later", "status": status}
    return httpx.Response(status, json=body, headers=headers)


def success() -> httpx.Response:
    told = {"prediction": 1, "probability": 0.7, "model_version": "1", "prediction_id": "id-0"}
    return httpx.Response(200, json={**told, "timestamp": "2026-03-01T12:30:15Z", "new": "key"})


def test_what_is_asked_again_bears_the_same_id() -> None:
    flaky = Flaky(
        httpx.ReadTimeout("slow"),
        failure(503, **{"Retry-After": "2"}),
        httpx.ConnectError("gone"),
        success(),
    )
    answer = flaky.client.predict({"x": 1})

    assert answer.probability == 0.7
    assert flaky.bodies == [{"x": 1, "prediction_id": "id-0"}] * 4
    assert flaky.waits == [0.1, 2.0, 0.4]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(failure(503), Unavailable, id="503 without a time"),
        pytest.param(failure(503, **{"Retry-After": "3600"}), Unavailable, id="too long"),
        pytest.param(failure(500), StateError, id="500"),
        pytest.param(failure(502), Unavailable, id="502"),
        pytest.param(failure(429, **{"Retry-After": "1"}), Unavailable, id="429"),
        pytest.param(failure(422), UserError, id="422"),
        pytest.param(failure(418), UserError, id="418"),
        pytest.param(failure(409), Conflict, id="409"),
        pytest.param(httpx.Response(500, text="<html>"), StateError, id="no body of ours"),
        pytest.param(httpx.Response(200, text="<html>"), StateError, id="no JSON"),
        pytest.param(httpx.Response(200, json=[1]), StateError, id="another answer"),
    ],
)
def test_nothing_else_is_asked_again(answer: httpx.Response, kind: type[HomeostatError]) -> None:
    flaky = Flaky(answer)

    with pytest.raises(HomeostatError) as error:
        flaky.client.predict({"x": 1})
    assert type(error.value) is kind
    assert len(flaky.bodies) == 1
    assert not flaky.waits


def test_patience_has_an_end() -> None:
    flaky = Flaky(*[failure(503, **{"Retry-After": "1"}) for _ in range(9)])

    with pytest.raises(Unavailable, match="later"):
        flaky.client.predict({"x": 1})
    assert len(flaky.bodies) == 4
