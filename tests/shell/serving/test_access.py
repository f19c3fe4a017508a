"""Who is let in: nobody without a key, and nobody where the key's roles do not reach."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from homeostat.access import Key, Role, digest_of
from homeostat.serving.roles import OPEN, ROLES, routes_of
from tests.shell.serving.world import KEY, NOW, ROW, World, asking

pytestmark = pytest.mark.anyio

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW")

#: Ways around a guard that compares paths in another way than the routes do.
ODD = (
    *(
        "//",
        "//predict",
        "/predict/",
        "/%2e%2e/predict",
        "/./predict",
        "/predict%00",
        "/predict%0a",
    ),
    *("/health/", "/health/x", "/health%2fx", "/health;/predict", "/health/../predict", "/HEALTH"),
    *("/%2fpredict", "/%252e%252e/predict", "/predict;a", "/predict?a=/health", "/nothing"),
    *("/docs/..%2fpredict", "/docs/swagger-ui.css/", "/openapi.json/"),
)

WRONG: list[dict[str, str]] = [
    *({}, {"X-API-Key": ""}, {"X-API-Key": "a key"}, {"X-API-Key": KEY + " x"}),
    *({"X-API-Key": KEY.upper()}, {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}),
    *({"Authorization": "Bearer "}, {"Cookie": f"X-API-Key={KEY}"}, {"X-Api-Keys": KEY}),
]

#: What each role may do, written out a second time on purpose.
MAY = {
    Role.PREDICT: {
        *("POST /predict", "POST /predict/batch", "GET /model/info", "GET /models"),
        *("POST /monitor/predict", "POST /monitor/batch", "GET /monitor/health"),
    },
    Role.LABEL: {"POST /labels", "GET /labels/coverage"},
    Role.READ: {
        *("GET /model/info", "GET /labels/coverage", "GET /monitoring/health"),
        *("GET /monitoring/stats", "GET /monitoring/drift/{model_name}", "GET /history/{kind}"),
        *("GET /monitoring/performance",),
        *("GET /model/versions", "GET /models"),
        "GET /alerts",
        *("GET /monitor/health", "GET /monitor/metrics", "GET /metrics"),
    },
    Role.OPERATE: {
        *("GET /model/info", "GET /labels/coverage", "GET /monitoring/health"),
        *("GET /monitoring/stats", "GET /monitoring/drift/{model_name}", "GET /history/{kind}"),
        *("GET /monitoring/performance",),
        *("GET /model/versions", "GET /models", "POST /monitoring/baseline"),
        "GET /alerts",
        *("GET /monitor/health", "GET /monitor/metrics", "GET /metrics"),
    },
}
EVERYBODY = {"GET /", "GET /docs", "GET /docs/{file}", "GET /openapi.json"}


def short(route: str) -> str:
    """The route without the name of a model, which asks for the same roles."""
    for part in ("info", "versions"):
        route = route.replace(f"/models/{{name}}/{part}", f"/model/{part}")
    return route.replace("/models/{name}/", "/")


def named(app: FastAPI) -> set[str]:
    """Every route by its method and path."""
    return {f"{method} {path}" for method, path, _ in routes_of(app.routes)}


def undeclared(app: FastAPI) -> set[str]:
    """The routes of which nobody said who may use them."""
    return {one for one in named(app) if one.partition(" ")[2] not in OPEN} - ROLES.keys()


def filled(path: str) -> str:
    """A path with something in the place of its parameters."""
    return (
        path.replace("{model_name}", "credit")
        .replace("{name}", "credit")
        .replace("{file}", "swagger-ui.css")
        .replace("{kind}", "drift")
    )


def shape(answer: httpx.Response) -> bool:
    """Whether an answer is an error in the one shape that all have."""
    body = answer.json()
    return list(body) == ["error", "message", "status"] and body["status"] == answer.status_code


@dataclass
class Keys:
    """The key of each role, with a second one of the same role."""

    world: World

    def make(self, name: str, *roles: Role, rate: float | None = None) -> dict[str, str]:
        """The header of a new key."""
        secret = f"secret of {name}"
        key = Key(
            name=name,
            roles=frozenset(roles),
            digest=digest_of(secret.encode()),
            created_at=NOW,
            rate_per_s=rate,
        )
        self.world.store.keys.add(key)
        return {"X-API-Key": secret}


@pytest.fixture
def keys(world: World) -> Keys:
    return Keys(world)


def test_every_route_says_who_may_use_it(world: World) -> None:
    app = world.app()

    assert undeclared(app) == set()
    assert {"POST /predict", "GET /docs", "GET /openapi.json", "POST /labels"} <= named(app)


def test_a_new_route_is_found_that_does_not(world: World) -> None:
    app = world.app()
    app.add_api_route("/new", lambda: None, methods=["GET"])
    app.mount("/tool", FastAPI())

    assert {"GET /new", "* /tool"} <= undeclared(app)


async def test_nothing_but_health_answers_without_a_key(world: World) -> None:
    app = world.app(api_key=KEY)
    paths = {path for _, path, _ in routes_of(app.routes)} | set(ODD)
    tried = 0
    async with asking(world, api_key=KEY) as client:
        for path in sorted(paths - OPEN):
            for method in METHODS:
                for headers in WRONG if method == "POST" else WRONG[:2]:
                    refused = await client.request(method, path, headers=headers)
                    assert refused.status_code == 401, (method, path, headers)
                    tried += 1
        answer = await client.post("/predict", json=ROW)
        open_to_all = await client.get("/health")

    assert tried > 800
    assert shape(answer)
    assert KEY not in answer.text
    assert answer.headers["www-authenticate"] == "Bearer"
    assert open_to_all.status_code == 200


async def test_without_any_key_the_same_paths_are_open(world: World) -> None:
    """The control: it is the key that shuts them, not something else."""
    async with asking(world) as client:
        answers = [await client.request("POST", path) for path in ("/predict", "/labels", "//")]
        row = await client.post("/predict", json=ROW)

    assert 401 not in {one.status_code for one in answers}
    assert row.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("x-api-key", KEY)], 200, id="its own header"),
        pytest.param([("authorization", f"Bearer {KEY}")], 200, id="bearer"),
        pytest.param([("authorization", f"bEARER  {KEY}")], 200, id="in any case"),
        pytest.param([("authorization", "Basic eA=="), ("x-api-key", KEY)], 200, id="beside basic"),
        pytest.param([("x-api-key", KEY)] * 2, 401, id="twice"),
        pytest.param([("x-api-key", KEY), ("x-api-key", "x")], 401, id="and another"),
        pytest.param([("x-api-key", KEY), ("authorization", "Bearer x")], 401, id="and a bearer"),
        pytest.param([("x-api-key", f"{KEY},{KEY}")], 401, id="a list"),
    ],
)
async def test_where_the_key_stands(
    world: World, headers: list[tuple[str, str]], status: int
) -> None:
    async with asking(world, api_key=KEY) as client:
        answer = await client.post("/predict", json=ROW, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize("key", [KEY, None])
async def test_a_websocket_is_closed_before_it_opens(world: World, key: str | None) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/predict", "headers": [], "query_string": b""}
    await world.app(api_key=key)(scope, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_each_role_reaches_what_it_may_and_nothing_else(world: World, keys: Keys) -> None:
    headers = {role: keys.make(role.value, role) for role in Role}
    app = world.app()
    seen: dict[tuple[str, Role], int] = {}
    async with asking(world) as client:
        for route in named(app) & ROLES.keys():
            method, _, path = route.partition(" ")
            for role in Role:
                answer = await client.request(method, filled(path), headers=headers[role])
                seen[route, role] = answer.status_code

    allowed = {
        (route, role): role is Role.ADMIN or short(route) in EVERYBODY | MAY[role]
        for route, role in seen
    }
    assert len(seen) >= 13 * len(Role)
    assert {one for one, status in seen.items() if status == 403} == {
        one for one, may in allowed.items() if not may
    }
    assert 401 not in seen.values()


async def test_a_label_key_cannot_predict_or_set_what_is_expected(world: World, keys: Keys) -> None:
    label = keys.make("labeller", Role.LABEL)
    async with asking(world) as client:
        refused = [
            await client.post("/predict", json=ROW, headers=label),
            await client.post("/predict/batch", json={"rows": [ROW]}, headers=label),
            await client.post("/monitoring/baseline", json={}, headers=label),
        ]

    assert [one.status_code for one in refused] == [403, 403, 403]
    assert all(shape(one) for one in refused)
    assert "role predict" in refused[0].json()["message"]
    assert world.store.count_predictions("credit") == 0


async def test_a_key_may_have_several_roles(world: World, keys: Keys) -> None:
    both = keys.make("both", Role.PREDICT, Role.LABEL)
    async with asking(world) as client:
        row = await client.post("/predict", json={**ROW, "prediction_id": "a"}, headers=both)
        label = {"prediction_id": "a", "label": 1}
        labelled = await client.post("/labels", json=label, headers=both)
        figures = await client.get("/monitoring/stats", headers=both)

    assert [one.status_code for one in (row, labelled, figures)] == [200, 200, 403]


@pytest.mark.parametrize("path", ODD)
async def test_no_odd_path_is_a_way_around_a_role(world: World, keys: Keys, path: str) -> None:
    label = keys.make("labeller", Role.LABEL)
    async with asking(world) as client:
        answer = await client.post(path, json=ROW, headers=label)

    assert answer.status_code in {403, 404, 405}
    assert shape(answer)
    assert world.store.count_predictions("credit") == 0


async def test_what_nobody_declared_is_for_admins(world: World, keys: Keys) -> None:
    read, admin = keys.make("reader", Role.READ), keys.make("admin", Role.ADMIN)
    app = world.app()
    app.add_api_route("/new", lambda: {"secret": 1}, methods=["GET"])
    app.mount("/tool", FastAPI())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        paths = ("/new", "/tool/docs")
        found = {
            name: [(await client.get(path, headers=key)).status_code for path in paths]
            for name, key in (("nobody", {}), ("reader", read), ("admin", admin))
        }

    assert found == {"nobody": [401, 401], "reader": [403, 403], "admin": [200, 200]}


async def test_an_alias_asks_for_what_predict_asks(world: World, keys: Keys) -> None:
    predict, label = keys.make("shop", Role.PREDICT), keys.make("labeller", Role.LABEL)
    async with asking(world, predict_paths=("/predict_ctr",)) as client:
        answers = [
            await client.post("/predict_ctr", json=ROW, headers=one) for one in (predict, label)
        ]

    assert [one.status_code for one in answers] == [200, 403]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_all_errors_have_one_shape(
    world: World, client: httpx.AsyncClient, method: str
) -> None:
    paths = {path for _, path, _ in routes_of(world.app().routes)}
    answers = [
        await client.request(method, path) for path in sorted(paths | {"/nothing", "/predict/"})
    ]

    failed = [one for one in answers if one.status_code >= 400]
    assert {404} <= {one.status_code for one in failed} <= {404, 405, 422}
    assert all(shape(one) for one in failed)
