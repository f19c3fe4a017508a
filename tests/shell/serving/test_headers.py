"""Every answer tells browsers to do nothing with it."""

import httpx
import pytest

from homeostat.serving.headers import SAFE
from homeostat.serving.roles import ROLES
from tests.shell.serving.world import KEY, ROW, World, asking

pytestmark = pytest.mark.anyio

NAMES = {name.decode() for name, _ in SAFE}


def lacking(answer: httpx.Response) -> set[str]:
    """The headers that are missing, or there twice."""
    return {one for one in NAMES if len(answer.headers.get_list(one)) != 1}


async def test_every_answer_has_them(world: World) -> None:
    async with asking(world, api_key=KEY) as client:
        answers = [
            await client.request(method, path.replace("{name}", "swagger-ui.css"), headers=headers)
            for headers in ({}, {"X-API-Key": KEY})
            for method, _, path in [one.partition(" ") for one in (*ROLES, "GET /health", "GET /x")]
        ]
        answers += [await client.post("/predict", json=ROW, headers={"X-API-Key": KEY})]
        world.service.clock = lambda: (_ for _ in ()).throw(RuntimeError("a surprise"))
        answers += [await client.post("/predict", json=ROW, headers={"X-API-Key": KEY})]

    assert {200, 401, 404, 422, 500} <= {one.status_code for one in answers}
    assert [(one.url.path, lacking(one)) for one in answers if lacking(one)] == []
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}
    assert {one.headers["x-content-type-options"] for one in answers} == {"nosniff"}


async def test_the_page_may_run_what_it_is_made_of_and_nothing_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/docs")
    data = await client.get("/model/info")

    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in data.headers["content-security-policy"]
    assert "default-src 'none'" in data.headers["content-security-policy"]
