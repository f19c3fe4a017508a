"""Logging from somebody's own service: nothing is slowed or broken, and losses are said."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

import homeostat
from homeostat.client import Buffer, Client, LoggedPredictions
from homeostat.store import ReportedRow
from tests.shell.client.conftest import served
from tests.shell.serving.elsewhere_world import DOCUMENTED, Drifting, reports

FEATURES: dict[str, Any] = json.loads(DOCUMENTED)["features"]
DAY = timedelta(days=1)


@pytest.fixture
def client(drifting: Drifting) -> Iterator[Client]:
    with served(drifting.app(max_batch=100)) as url, homeostat.Client(url) as client:
        client.buffer.every_s = 0.01
        yield client


def kept(drifting: Drifting) -> list[ReportedRow]:
    return drifting.store.reports.rows("churn", since=drifting.now - DAY, until=drifting.now + DAY)


def given(n: int) -> list[dict[str, Any]]:
    """Rows as watchers make them."""
    return reports(n, seed=1, version="v1")


def half(_: Any) -> float:
    return 0.5


def test_a_function_is_logged_and_answers_as_before(client: Client, drifting: Drifting) -> None:
    @client.logged(model_version="v1", probability=lambda result: result["p"])
    def predict(row: dict[str, Any], *, boost: float = 0.0) -> dict[str, float]:
        """Doc."""
        return {"p": 0.25 + boost}

    answers = [predict(FEATURES), predict({**FEATURES, "age": 60}, boost=0.5)]
    done = client.buffer.flush(60)

    rows = sorted(kept(drifting), key=lambda row: row.id)
    assert done
    assert answers == [{"p": 0.25}, {"p": 0.75}]
    assert (predict.__name__, predict.__doc__) == ("predict", "Doc.")
    assert [row.features["age"] for row in rows] == [35, 60]
    assert [row.probability for row in rows] == [0.25, 0.75]
    assert {row.version for row in rows} == {"v1"}
    assert all(row.event_time is not None for row in rows)
    assert (client.buffer.sent, client.buffer.dropped) == (2, 0)


def test_an_async_function_and_one_with_many_rows_are_logged(
    client: Client, drifting: Drifting
) -> None:
    @client.logged(
        model_version="v2",
        features=lambda _, rows: rows,
        probability=lambda result: result.tolist(),
    )
    async def predict(self: Any, rows: list[dict[str, Any]]) -> Any:
        return np.linspace(0, 1, len(rows))

    asyncio.run(predict(None, [FEATURES] * 3))
    client.buffer.flush(60)

    assert sorted(row.probability or 0.0 for row in kept(drifting)) == [0.0, 0.5, 1.0]


def test_a_row_is_logged_as_it_was_before_anybody_changed_it(
    client: Client, drifting: Drifting
) -> None:
    @client.logged(model_version="v1")
    def predict(row: dict[str, Any]) -> None:
        row["age"] = 99

    row = dict(FEATURES)
    predict(row)
    row["age"] = 77
    client.buffer.flush(60)

    assert [one.features["age"] for one in kept(drifting)] == [35]


def test_what_fails_is_not_logged_and_fails_as_before(client: Client, drifting: Drifting) -> None:
    @client.logged(model_version="v1")
    def predict(row: dict[str, Any]) -> float:
        raise ZeroDivisionError(row["age"])

    with pytest.raises(ZeroDivisionError, match="35"):
        predict(FEATURES)
    client.buffer.flush(60)

    assert not kept(drifting)
    assert client.buffer.dropped == 0


def test_what_cannot_be_read_breaks_nothing_and_is_counted(client: Client) -> None:
    def broken(_: Any) -> float:
        raise KeyError("p")

    predict = client.logged(model_version="v1", probability=broken)(half)
    odd = client.logged(model_version="v1")(half)

    assert predict(FEATURES) == 0.5
    assert odd(7) == 0.5
    assert client.buffer.lost == {"not readable": 2}


def test_a_row_that_is_refused_takes_no_other_with_it(client: Client, drifting: Drifting) -> None:
    rows = given(60)
    rows[7]["features"] = {**rows[7]["features"], "age": 3}
    rows[9]["features"] = {"age": 35}
    rows[11]["features"] = {**rows[11]["features"], "income": {1, 2}}  # JSON cannot hold it
    client.buffer.put(lambda: rows)
    client.buffer.flush(60)

    assert len(kept(drifting)) == client.buffer.sent == 57
    assert client.buffer.lost == {"refused": 3}


def test_a_batch_is_split_where_the_service_takes_fewer(client: Client, drifting: Drifting) -> None:
    client.buffer.put(lambda: given(350))  # 100 are taken at once
    client.buffer.flush(60)

    assert len(kept(drifting)) == client.buffer.sent == 350
    assert client.buffer.dropped == 0


def test_a_full_buffer_drops_counts_and_says_so(
    nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = 0.0
    buffer = Buffer(Client(nobody), limit=50, every_s=0.001, monotonic=lambda: seconds)
    for _ in range(500):
        buffer.put_rows(lambda: given(1))
    buffer.flush(0.2)
    first = [one.message for one in caplog.records]
    buffer.put_rows(lambda: given(1))
    buffer.flush(0.2)
    again = len(caplog.records)
    seconds = 61.0
    buffer.put_rows(lambda: given(1))
    buffer.flush(0.2)
    buffer.close(0.1)
    last = caplog.records[-1]

    assert buffer.sent == 0
    assert buffer.dropped == 502
    assert buffer.lost["full"] >= 450
    assert len(first) == again == 1
    assert "dropped so far: full " in first[0]
    assert last.levelno == logging.WARNING
    assert last.message.startswith("502 logged predictions were dropped so far: closed ")


def test_what_waits_while_the_service_is_away_is_sent_when_it_is_back(drifting: Drifting) -> None:
    with served(drifting.app()) as url:
        port = int(url.rpartition(":")[2])
        buffer = Buffer(Client(url), every_s=0.01)
        buffer.put_rows(lambda: given(3))
        assert buffer.flush(60)
    buffer.put_rows(lambda: given(4))
    away = buffer.flush(0.3)
    drifting.started()
    with served(drifting.app(), port):
        back = buffer.flush(10)
        buffer.close(60)

    assert (away, back) == (False, True)
    assert (buffer.sent, buffer.dropped) == (7, 0)
    assert len(kept(drifting)) == 7


def test_an_answer_that_is_lost_makes_no_row_twice(drifting: Drifting) -> None:
    """The service stores the rows, and the answer never arrives."""
    app = drifting.app()
    lost = 0

    async def losing(scope: Any, receive: Any, send: Any) -> None:
        nonlocal lost
        if scope["type"] != "http" or lost == 2:
            await app(scope, receive, send)
            return

        async def nowhere(message: Any) -> None:
            pass

        await app(scope, receive, nowhere)
        lost += 1
        raise ConnectionResetError

    with served(losing) as url:
        buffer = Buffer(Client(url), every_s=0.01)
        buffer.put_rows(lambda: given(5))
        done = any(buffer.flush(2) for _ in range(30))
        buffer.close(60)

    assert done
    assert lost == 2
    assert len(kept(drifting)) == 5
    assert (buffer.sent, buffer.dropped) == (5, 0)


def test_a_service_that_goes_on_failing_is_given_up(drifting: Drifting) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await drifting.app()(scope, receive, send)
        raise ZeroDivisionError

    with served(failing) as url:
        buffer = Buffer(Client(url), every_s=0.01)
        buffer.put_rows(lambda: given(5))
        done = any(buffer.flush(0.5) for _ in range(60))
        buffer.close(60)

    assert done
    assert buffer.lost == {"refused": 5}


def test_closing_sends_what_is_left_and_then_takes_nothing(
    client: Client, drifting: Drifting
) -> None:
    buffer = Buffer(client, every_s=3600)
    buffer.put_rows(lambda: given(30))
    buffer.close(60)
    buffer.put_rows(lambda: given(2))

    assert len(kept(drifting)) == buffer.sent == 30
    assert buffer.lost == {"closed": 2}


def test_many_threads_log_each_row_once(client: Client, drifting: Drifting) -> None:
    predict = client.logged(model_version="v1")(half)
    threads = [
        threading.Thread(target=lambda: [predict(FEATURES) for _ in range(50)]) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    client.buffer.flush(60)

    assert len(kept(drifting)) == client.buffer.sent == 400


def test_a_forked_child_sends_its_own_rows_only(client: Client, drifting: Drifting) -> None:
    buffer = Buffer(client, every_s=3600)
    buffer.put_rows(lambda: given(3))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            buffer.put_rows(lambda: given(2))
            buffer.close(60)
            code = 0 if (buffer.sent, buffer.dropped) == (2, 0) else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    buffer.close(60)

    assert os.waitstatus_to_exitcode(status) == 0
    assert buffer.sent == 3
    assert len(kept(drifting)) == 5


class Shop:
    """Somebody's service with its own model, watched by the middleware."""

    def __init__(self, buffer: Buffer, **options: Any) -> None:
        app = FastAPI()

        @app.post("/predict")
        async def predict(body: dict[str, Any]) -> dict[str, float]:
            return {"churn": 1 / body["row"]["age"]}

        @app.post("/other")
        async def other(body: dict[str, Any]) -> dict[str, Any]:
            return body

        app.add_middleware(
            LoggedPredictions,
            buffer=buffer,
            model_version="v3",
            **{"rows": lambda body: body["row"], **options},
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://shop")

    def post(self, path: str, body: Any) -> httpx.Response:
        return asyncio.run(self.http.post(path, json=body))


def test_an_application_is_logged_and_answers_as_before(client: Client, drifting: Drifting) -> None:
    shop = Shop(client.buffer)
    answers = [
        shop.post("/predict", {"row": FEATURES}),
        shop.post("/predict", {"row": {**FEATURES, "age": 0}}),  # fails
        shop.post("/predict", [1]),  # is refused
        shop.post("/other", {"row": FEATURES}),
    ]
    client.buffer.flush(60)

    assert [one.status_code for one in answers] == [200, 500, 422, 200]
    assert answers[0].json() == {"churn": 1 / 35}
    assert [(row.features, row.version) for row in kept(drifting)] == [(FEATURES, "v3")]
    assert client.buffer.dropped == 0


def test_an_application_is_not_broken_by_what_cannot_be_logged(client: Client) -> None:
    far = Shop(client.buffer, largest=10)
    odd = Shop(client.buffer, rows=lambda body: body["no such key"])
    answers = [one.post("/predict", {"row": FEATURES}) for one in (far, odd)]
    client.buffer.flush(60)

    assert [one.status_code for one in answers] == [200, 200]
    assert client.buffer.lost == {"too large": 1, "not readable": 1}


def test_a_dead_service_slows_and_breaks_nothing(nobody: str) -> None:
    buffer = Buffer(Client(nobody), limit=10)
    shop = Shop(buffer)
    answers = [shop.post("/predict", {"row": FEATURES}) for _ in range(30)]
    buffer.close(0.1)

    assert {one.status_code for one in answers} == {200}
    assert (buffer.sent, buffer.dropped) == (0, 30)


def test_what_is_logged_bears_the_time_of_the_call(client: Client, drifting: Drifting) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    buffer = Buffer(client, clock=lambda: at)
    buffer.put_rows(lambda: given(1))
    buffer.close(60)

    assert [row.event_time for row in kept(drifting)] == [at]
