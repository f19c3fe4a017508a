"""The short way to an answer says what the route says, byte by byte."""

import json

import httpx
import pytest

from tests.shell.serving.world import KEY, ROW, World, asking

pytestmark = pytest.mark.anyio

#: A query that asks for nothing: what has one is answered by the route.
BY_ROUTE = "/predict?by=route"

BODIES = [
    pytest.param(json.dumps({**ROW, "prediction_id": "a"}).encode(), id="a row"),
    pytest.param(json.dumps({**ROW, "prediction_id": 'q"\\'}).encode(), id="quotes in a text"),
    pytest.param(json.dumps({**ROW, "prediction_id": "b", "job": None}).encode(), id="null"),
    pytest.param(b'{"age": 1, "age": 2}', id="wrong and repeated"),
    pytest.param(
        json.dumps({**ROW, "prediction_id": "c"}).replace("{", '{"age": 20, ').encode(),
        id="given twice",
    ),
    pytest.param(
        json.dumps({**ROW, "job": '", "age'}).replace("{", '{"age": 20, ').encode(),
        id="given twice beside a text that looks like a key",
    ),
    pytest.param(json.dumps({**ROW, "debt-ratio": "much"}).encode(), id="not a number"),
    pytest.param(b'{"debt-ratio": NaN}', id="not finite"),
    pytest.param(b"\xff", id="no text"),
    pytest.param(b"[]", id="no object"),
    pytest.param(b"", id="nothing"),
    pytest.param(b" " * (4 * 2**20 + 1), id="too large"),
]


@pytest.mark.parametrize("body", BODIES)
async def test_an_answer_and_a_refusal_are_those_of_the_route(
    client: httpx.AsyncClient, body: bytes
) -> None:
    short = await client.post("/predict", content=body)
    route = await client.post(BY_ROUTE, content=body)

    assert short.status_code == route.status_code
    assert short.content == route.content
    assert _told(short) == _told(route)


def _told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


async def test_headers_are_refused_as_by_the_route(client: httpx.AsyncClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    short = await client.post("/predict", json=ROW, headers=headers)
    route = await client.post(BY_ROUTE, json=ROW, headers=headers)

    assert short.status_code == route.status_code == 415
    assert short.content == route.content


async def test_a_clash_of_ids_is_refused_as_by_the_route(client: httpx.AsyncClient) -> None:
    first = await client.post("/predict", json={**ROW, "prediction_id": "x"})
    other = {**ROW, "age": 20, "prediction_id": "x"}
    short = await client.post("/predict", json=other)
    route = await client.post(BY_ROUTE, json=other)

    assert first.status_code == 200
    assert short.status_code == route.status_code == 409
    assert short.content == route.content


async def test_without_a_model_both_say_so(empty: World) -> None:
    async with asking(empty) as client:
        short = await client.post("/predict", json=ROW)
        route = await client.post(BY_ROUTE, json=ROW)

    assert short.status_code == route.status_code == 503
    assert short.content == route.content
    assert short.headers["retry-after"] == route.headers["retry-after"]


async def test_the_key_is_asked_for_and_requests_are_counted(world: World) -> None:
    async with asking(world, api_key=KEY) as client:
        refused = await client.post("/predict", json=ROW)
        answered = await client.post("/predict", json=ROW, headers={"X-API-Key": KEY})
        stats = await client.get("/monitoring/stats", headers={"X-API-Key": KEY})

    assert (refused.status_code, answered.status_code) == (401, 200)
    assert stats.json()["requests"]["total_requests"] == 2
    assert stats.json()["requests"]["successful_requests"] == 1


async def test_every_path_of_rows_is_answered_the_short_way(world: World) -> None:
    direct = world.app(predict_paths=("/predict_ctr",)).direct

    assert direct
    assert set(direct.services) == {"/predict", "/predict_ctr", "/models/credit/predict"}
