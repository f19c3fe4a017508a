import pkgutil
from importlib import import_module

import httpx
import pytest
from fastapi.routing import APIRoute

from homeostat.serving import routes
from tests.shell.serving.world import KEY, ROW, World, asking

pytestmark = pytest.mark.anyio


def route_paths() -> set[str]:
    """The paths of all groups of routes, also of those that are added later."""
    modules = [import_module(one.name) for one in pkgutil.iter_modules(routes.__path__, PREFIX)]
    return {one.path for group in modules for one in group.router.routes if type(one) is APIRoute}


PREFIX = f"{routes.__name__}."


def shape(answer: httpx.Response) -> bool:
    """Whether an answer is an error in the one shape that all have."""
    body = answer.json()
    return list(body) == ["error", "message", "status"] and body["status"] == answer.status_code


async def test_every_path_but_health_needs_the_key(world: World) -> None:
    paths = route_paths()
    paths |= {
        "//",
        "//predict",
        "/predict/",
        "/%2e%2e/predict",
        "/health/",
        "/nothing",
        "/health/x",
    }
    wrong = [{}, {"X-API-Key": ""}, {"X-API-Key": "a key"}, {"X-API-Key": KEY + " "}]
    async with asking(world, api_key=KEY) as client:
        for path in sorted(paths - {"/health"}):
            for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT"):
                for headers in wrong:
                    answer = await client.request(method, path, headers=headers)
                    assert answer.status_code == 401, (method, path, headers)
        open_to_all = await client.get("/health")
        refused = await client.post("/predict", json=ROW)
        twice = await client.post("/predict", json=ROW, headers=[("x-api-key", KEY)] * 2)
        let_in = await client.post("/predict", json=ROW, headers={"x-api-key": KEY})

    assert open_to_all.status_code == 200
    assert {"/", "/predict", "/docs", "/openapi.json", "/labels"} < paths
    assert shape(refused)
    assert KEY not in refused.text
    assert (twice.status_code, let_in.status_code) == (401, 200)


async def test_without_a_key_nothing_is_asked_for(client: httpx.AsyncClient) -> None:
    assert (await client.post("/predict", json=ROW)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_all_errors_have_one_shape(
    world: World, client: httpx.AsyncClient, method: str
) -> None:
    paths = route_paths()
    answers = [
        await client.request(method, path) for path in sorted(paths | {"/nothing", "/predict/"})
    ]

    failed = [one for one in answers if one.status_code >= 400]
    assert {404} <= {one.status_code for one in failed} <= {404, 405, 422}
    assert all(shape(one) for one in failed)
