"""The history over HTTP."""

from datetime import timedelta

import pytest

from homeostat.store import Store
from homeostat.verdict import Outcome, Verdict
from tests.shell.serving.world import MODEL, NOW, World, asking

pytestmark = pytest.mark.anyio


def told(store: Store, n: int) -> None:
    for i in range(n):
        verdict = Verdict(question="drift", outcome=Outcome.PASS, reason=f"look {i}")
        store.add_verdict(MODEL, verdict, NOW + timedelta(minutes=i))


async def test_a_page_is_answered_and_says_where_the_next_begins(world: World) -> None:
    told(world.store, 5)
    async with asking(world) as client:
        first = (await client.get("/history/drift", params={"limit": 3})).json()
        second = (
            await client.get("/history/drift", params={"limit": 3, "page": first["next"]})
        ).json()

    assert (first["model_name"], first["kind"]) == (MODEL, "drift")
    reasons = [one["reason"] for one in first["entries"] + second["entries"]]
    assert reasons == [f"look {i}" for i in (4, 3, 2, 1, 0)]
    assert second["next"] is None


async def test_a_past_time_is_answered_as_it_was_known(world: World) -> None:
    told(world.store, 5)
    as_of = (NOW + timedelta(minutes=1)).isoformat()
    async with asking(world) as client:
        answer = (await client.get("/history/verdicts", params={"as_of": as_of})).json()

    assert [one["reason"] for one in answer["entries"]] == ["look 1", "look 0"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/history/everything", 422),
        ("/history/drift?limit=0", 422),
        ("/history/drift?limit=1001", 422),
        ("/history/drift?since=2026-01-01T00:00:00", 422),
        ("/history/drift?page=x", 422),
        ("/history/drift?model_name=nobody", 404),
        ("/history/alerts", 200),
    ],
)
async def test_what_cannot_be_answered_is_refused(world: World, path: str, status: int) -> None:
    async with asking(world) as client:
        answer = await client.get(path)

    assert answer.status_code == status, answer.text
