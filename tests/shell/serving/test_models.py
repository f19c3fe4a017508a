"""Several models in one service: each with its own versions, rows, labels and counts."""

import httpx
import pytest

from homeostat.serving.request import Requests
from tests.shell.serving.world import MODEL, ROW, World, asking, register

pytestmark = pytest.mark.anyio

OTHER = "churn"


@pytest.fixture
def both(world: World) -> World:
    """A second model, whose only version says other probabilities."""
    version = register(world.store, world.root, turn=3, model=OTHER)
    world.promote(version)
    world.others.append(world.serving(OTHER))
    return world


def wrong(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


async def test_each_model_answers_under_its_name(both: World) -> None:
    expected = {name: both.scored(both.store.version(name, 1)) for name in (MODEL, OTHER)}
    async with asking(both) as client:
        named = {
            name: (await client.post(f"/models/{name}/predict", json=ROW)).json()
            for name in (MODEL, OTHER)
        }
        short = (await client.post("/predict", json=ROW)).json()
        batch = (await client.post(f"/models/{OTHER}/predict/batch", json={"rows": [ROW]})).json()

    assert {name: one["probability"] for name, one in named.items()} == expected
    assert expected[MODEL] != expected[OTHER]
    assert short["probability"] == expected[MODEL]
    assert batch["predictions"][0]["probability"] == expected[OTHER]
    assert (both.store.count_predictions(MODEL), both.store.count_predictions(OTHER)) == (2, 2)


async def test_every_model_is_counted_in_the_bins_of_its_own_version(both: World) -> None:
    async with asking(both) as client:
        for _ in range(3):
            await client.post(f"/models/{OTHER}/predict", json=ROW)
        stats = (await client.get("/monitoring/stats", params={"model_name": OTHER})).json()
        none = (await client.get("/monitoring/stats")).json()

    reference = both.store.reference(OTHER, both.store.version(OTHER, 1).reference_digest)
    minute = both.now.replace(second=0, microsecond=0)
    window = both.store.window_profile(
        OTHER, 1, reference.bins, minute, minute.replace(minute=minute.minute + 1)
    )
    assert window.n == 3
    assert (stats["requests"]["successful_requests"], stats["total_predictions"]) == (3, 3)
    assert none["requests"]["total_requests"] == 0


async def test_an_unknown_model_is_named_with_those_that_are_served(both: World) -> None:
    async with asking(both) as client:
        answers = [
            await client.post("/models/fraud/predict", json=ROW),
            await client.get("/models/fraud/info"),
            await client.get("/monitoring/stats", params={"model_name": "fraud"}),
            await client.get("/monitoring/drift/fraud"),
            await client.get("/monitoring/health", params={"model_name": "fraud"}),
        ]

    said = "no model 'fraud' is served here; ask for 'credit', 'churn'"
    assert [wrong(one) for one in answers] == [(404, said)] * len(answers)
    assert both.store.count_predictions(MODEL) == 0


async def test_a_label_goes_to_the_model_that_answered(both: World) -> None:
    async with asking(both) as client:
        key = (await client.post(f"/models/{OTHER}/predict", json=ROW)).json()["prediction_id"]
        label = {"prediction_id": key, "label": 1}
        misled = await client.post("/labels", json=label)
        stored = await client.post(f"/models/{OTHER}/labels", json=label)
        coverage = (await client.get(f"/models/{OTHER}/labels/coverage")).json()

    assert misled.status_code == 422
    assert wrong(misled)[1].splitlines() == [
        "no label was stored; these are not of 'credit': send them to their own model",
        f"  - prediction '{key}' is of the model 'churn'",
    ]
    assert stored.json()["stored"] == 1
    assert coverage["labeled_predictions"] == 1


async def test_an_id_stands_for_a_row_of_one_model(both: World) -> None:
    row = {**ROW, "prediction_id": "same"}
    async with asking(both) as client:
        first = await client.post("/predict", json=row)
        second = await client.post(f"/models/{OTHER}/predict", json=row)

    assert (first.status_code, second.status_code) == (200, 409)
    assert both.store.count_predictions(OTHER) == 0


async def test_a_model_without_a_version_degrades_the_service_and_answers_503(
    world: World,
) -> None:
    world.others.append(world.serving("empty"))
    async with asking(world) as client:
        health = (await client.get("/health")).json()
        models = (await client.get("/models")).json()["models"]
        refused = await client.post("/models/empty/predict", json=ROW)
        answered = await client.post("/predict", json=ROW)

    reason = "no version of 'empty' is in service; promote one"
    assert (health["status"], health["message"]) == ("degraded", f"empty: {reason}")
    assert models == [
        {"name": MODEL, "model_version": "1", "message": "ready", "default": True},
        {"name": "empty", "model_version": None, "message": reason, "default": False},
    ]
    assert wrong(refused) == (503, reason)
    assert answered.status_code == 200


async def test_the_description_of_a_named_model_has_its_own_paths_and_rows(both: World) -> None:
    async with asking(both) as client:
        everything = (await client.get("/openapi.json")).json()
        named = (await client.get(f"/models/{OTHER}/openapi.json")).json()
        page = await client.get(f"/models/{OTHER}/docs")
        script = await client.get(f"/models/{OTHER}/docs/swagger-ui.css")

    rows = Requests(both.store.version(OTHER, 1).schema).row.model_json_schema()["properties"]
    body = everything["paths"]["/models/{name}/predict"]["post"]["requestBody"]["content"]
    assert body["application/json"]["schema"]["$ref"].endswith("/NamedRow")
    assert everything["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]["$ref"].endswith("/Row")
    assert all(path.startswith(f"/models/{OTHER}/") for path in named["paths"])
    assert named["paths"][f"/models/{OTHER}/predict"]["post"]["parameters"][0]["name"] == (
        "model_version"
    )
    assert named["components"]["schemas"]["Row"]["properties"].keys() == rows.keys()
    assert (page.status_code, script.status_code) == (200, 200)
    assert "swagger-ui.css" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
