import re
from dataclasses import replace

import anyio
import httpx
import pytest

from homeostat.serving import champion
from tests.shell.serving.world import ROW, World, asking, until

pytestmark = pytest.mark.anyio


def flip(world: World, location: str) -> None:
    """One bit of the model file."""
    file = world.root / location / "model.skops"
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)


def serves(world: World) -> int | None:
    current = world.champions.current
    return current.version.number if current else None


async def test_nothing_in_service_is_unhealthy_until_something_is(empty: World) -> None:
    async with asking(empty) as client:
        before = await client.get("/health")
        refused = await client.post("/predict", json=ROW)
        empty.promote(empty.register())
        await empty.service.refresh()
        after = await client.get("/health")
        answer = await client.post("/predict", json=ROW)

    assert (before.status_code, before.json()["status"]) == (503, "unhealthy")
    assert before.json()["model_loaded"] is False
    assert "promote" in before.json()["message"]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (after.status_code, answer.status_code) == (200, 200)
    assert after.json() == {
        "status": "healthy",
        "model_loaded": True,
        "model_version": "1",
        "model_stage": "Production",
        "predictions_logged": 0,
        "message": "ready",
    }


async def test_the_refresher_takes_over_by_itself(world: World) -> None:
    async with asking(world, refresh_s=0.001) as client:
        world.promote(world.register(turn=9))
        with anyio.fail_after(20):
            await until(lambda: serves(world) == 2)
        answer = await client.post("/predict", json=ROW)

    assert answer.json()["model_version"] == "2"


async def test_promotions_under_load_fail_no_request(
    world: World, client: httpx.AsyncClient
) -> None:
    versions = {1: world.store.version("credit", 1)} | {
        one.number: one for one in (world.register(turn=turn) for turn in (4, 9))
    }
    scores = {str(number): world.scored(one) for number, one in versions.items()}
    answers: list[httpx.Response] = []
    done = anyio.Event()

    async def ask() -> None:
        while not done.is_set():
            answers.append(await client.post("/predict", json=ROW))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(ask)
        for number in [2, 3, 1] * 7:
            enough = len(answers) + 20
            world.promote(versions[number])
            await world.service.refresh()
            await until(lambda: len(answers) >= enough)  # noqa: B023  # awaited here
        done.set()

    assert {one.status_code for one in answers} == {200}
    told = [(one.json()["model_version"], one.json()["probability"]) for one in answers]
    assert {version for version, _ in told} == {"1", "2", "3"}
    assert all(score == pytest.approx(scores[version], abs=1e-12) for version, score in told)
    assert len({round(one, 6) for one in scores.values()}) == 3


async def test_a_bad_version_leaves_the_old_one_in_service(
    world: World, client: httpx.AsyncClient
) -> None:
    bad = world.register(turn=9)
    flip(world, bad.location)
    world.promote(bad)

    await world.service.refresh()

    health = await client.get("/health")
    answer = await client.post("/predict", json=ROW)
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert "model.skops" in health.json()["message"]
    assert answer.json()["model_version"] == "1"


async def test_a_bad_version_is_tried_again_at_longer_and_longer_intervals(world: World) -> None:
    await world.service.refresh()
    bad = world.register(turn=9)
    file = world.root / bad.location / "model.skops"
    whole = file.read_bytes()
    flip(world, bad.location)
    world.promote(bad)
    await world.service.refresh()
    file.write_bytes(whole)

    world.seconds = champion.FIRST_RETRY_S - 0.01
    await world.service.refresh()
    early = await world.service.health()
    world.seconds = champion.FIRST_RETRY_S
    await world.service.refresh()
    late = await world.service.health()

    assert (early.status, early.model_version) == ("degraded", "1")
    assert (late.status, late.model_version) == ("healthy", "2")


async def test_intervals_between_tries_double(world: World) -> None:
    await world.service.refresh()
    bad = world.register(turn=9)
    flip(world, bad.location)
    world.promote(bad)
    tries = []
    for second in range(200):
        world.seconds = float(second)
        before = world.champions._retry_at
        await world.service.refresh()
        if world.champions._retry_at != before:
            tries.append(second)

    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]


async def test_going_back_from_a_bad_version_heals_at_once(world: World) -> None:
    good = world.store.version("credit", 1)
    await world.service.refresh()
    bad = world.register(turn=9)
    flip(world, bad.location)
    world.promote(bad)
    await world.service.refresh()
    assert (await world.service.health()).status == "degraded"

    world.promote(good)
    await world.service.refresh()

    assert (await world.service.health()).status == "healthy"


async def test_going_back_needs_no_files(world: World, client: httpx.AsyncClient) -> None:
    good = world.store.version("credit", 1)
    world.promote(world.register(turn=9))
    await world.service.refresh()
    for file in (world.root / good.location).iterdir():
        file.unlink()

    world.promote(good)
    await world.service.refresh()

    answer = await client.post("/predict", json=ROW)
    assert answer.json()["model_version"] == "1"
    assert (await client.get("/health")).json()["status"] == "healthy"


async def test_a_pinned_bad_version_is_a_server_error(
    world: World, client: httpx.AsyncClient
) -> None:
    flip(world, world.register(turn=9).location)

    answer = await client.post("/predict?model_version=2", json=ROW)

    assert answer.status_code == 500
    assert answer.json()["error"] == "StateError"
    assert (await client.get("/health")).json()["status"] == "healthy"


async def test_only_the_last_pinned_versions_stay_loaded(
    world: World, client: httpx.AsyncClient
) -> None:
    for turn in range(2, 7):
        world.register(turn=turn)

    for number in (2, 3, 4, 2, 5, 6):
        await client.post(f"/predict?model_version={number}", json=ROW)

    assert set(world.champions._kept) - {1} == {2, 5, 6}
    assert (await client.post("/predict", json=ROW)).json()["model_version"] == "1"


async def test_a_digest_that_is_not_the_promised_one_is_refused(world: World) -> None:
    await world.service.refresh()
    second = world.register(turn=9)
    world.promote(replace(second, digest="f" * 64))

    await world.service.refresh()

    health = await world.service.health()
    assert (health.status, health.model_version) == ("degraded", "1")
    assert "ffff" in health.message


async def test_info_tells_what_is_in_service(world: World, client: httpx.AsyncClient) -> None:
    info = (await client.get("/model/info")).json()

    version = world.store.version("credit", 1)
    assert (info["model_name"], info["model_version"]) == ("credit", "1")
    assert (info["model_stage"], info["model_uri"]) == ("Production", "models:/credit/1")
    assert (info["digest"], info["run_id"]) == (version.digest, None)
    assert info["reference_digest"] == version.reference_digest
    assert info["metrics"] == {"f1": 0.5, "auc": None}
    assert [one["name"] for one in info["features"]] == list(ROW)
    assert info["features"][0]["minimum"] == 0


async def test_the_root_says_who_answers(client: httpx.AsyncClient) -> None:
    root = (await client.get("/")).json()

    assert (root["service"], root["model"]) == ("homeostat", "credit")
    assert (root["status"], root["model_version"]) == ("healthy", "1")


async def test_the_description_follows_the_version_in_service(empty: World) -> None:
    async with asking(empty) as client:
        before = (await client.get("/openapi.json")).json()
        empty.promote(empty.register())
        await empty.service.refresh()
        after = (await client.get("/openapi.json")).json()
        example = after["components"]["schemas"]["Row"]["example"]
        batch = after["components"]["schemas"]["Rows"]["example"]
        one = await client.post("/predict", json=example)
        many = await client.post("/predict/batch", json=batch)
        docs = await client.get("/docs")

    row = after["components"]["schemas"]["Row"]
    assert "properties" not in before["components"]["schemas"]["Row"]
    assert set(row["required"]) == set(ROW)
    assert row["properties"]["age"] == {
        "maximum": 120,
        "minimum": 18,
        "title": "Age",
        "type": "integer",
    }
    assert (one.status_code, many.status_code, docs.status_code) == (200, 200, 200)
    assert "openapi.json" in docs.text


async def test_the_documentation_loads_nothing_from_another_host(world: World) -> None:
    async with asking(world) as client:
        page = (await client.get("/docs")).text
        loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
        answers = [await client.get(f"/{path}") for path in loaded]

    assert len(loaded) == 3
    assert not [path for path in loaded if "//" in path]
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert all(one.content for one in answers)


async def test_an_unforeseen_error_does_not_end_the_refreshing(world: World) -> None:
    world.champions._load_scorer = lambda _: 1 / 0  # type: ignore[assignment,return-value]
    async with asking(world, refresh_s=0.001) as client:
        degraded = await client.get("/health")
        world.champions._load_scorer = world.loader
        world.seconds += champion.LAST_RETRY_S
        with anyio.fail_after(20):
            await until(lambda: serves(world) == 1)
        answer = await client.post("/predict", json=ROW)

    assert degraded.status_code == 503
    assert "ZeroDivisionError" in degraded.json()["message"]
    assert answer.status_code == 200
