"""Keys come and go while the service runs; what cannot be looked up is not good."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
import pytest

from homeostat.access import EVERY_ROLE, Key, Role, digest_of
from homeostat.errors import Unavailable
from homeostat.serving import keyring
from homeostat.serving.door import Door
from homeostat.serving.keyring import KeyRing
from tests.shell.serving.world import KEY, NOW, ROW, World, asking, until

pytestmark = pytest.mark.anyio

SHOP = Key(
    name="shop",
    roles=frozenset({Role.PREDICT}),
    digest=digest_of(b"shop's"),
    created_at=NOW,
)


class Kept:
    """Keys that can be read, or not."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.down = False

    def __call__(self) -> Sequence[Key]:
        if self.down:
            raise Unavailable("no answer")
        return list(self.keys)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


async def ring_of(kept: Kept, time: Callable[[], float], api_key: str | None = None) -> KeyRing:
    ring = KeyRing(api_key, kept, monotonic=time)
    await ring.refresh()
    return ring


async def test_the_one_key_has_every_role_without_a_store(time: Time) -> None:
    ring = KeyRing("all", monotonic=time)

    holder = ring.holder(b"all")
    assert holder is not None
    assert (holder.roles, ring.asks, ring.stale) == (EVERY_ROLE, True, False)
    assert ring.holder(b"All") is None


@pytest.mark.parametrize("api_key", [None, ""])
async def test_without_any_key_none_is_asked_for(time: Time, api_key: str | None) -> None:
    ring = await ring_of(Kept(), time, api_key)

    assert not ring.asks
    assert ring.holder(b"") is None


async def test_the_digest_itself_is_no_key(time: Time) -> None:
    ring = await ring_of(Kept(SHOP), time)

    assert ring.holder(b"shop's") is not None
    assert ring.holder(SHOP.digest.encode()) is None
    assert ring.holder(hashlib.sha256(b"shop's").digest()) is None


async def test_a_revoked_key_is_good_no_more_and_the_door_stays_shut(time: Time) -> None:
    kept = Kept(SHOP)
    ring = await ring_of(kept, time)
    kept.keys = [replace(SHOP, revoked_at=NOW)]
    before = ring.holder(b"shop's")
    await ring.refresh()

    assert before is not None
    assert ring.holder(b"shop's") is None
    assert ring.asks, "revoking the last key must not open the door"


async def test_nobody_is_let_in_before_the_first_look(time: Time) -> None:
    kept = Kept()
    kept.down = True
    ring = await ring_of(kept, time)
    unknown = (ring.asks, ring.stale)
    kept.down = False
    await ring.refresh()

    assert unknown == (True, True)
    assert (ring.asks, ring.stale) == (False, False)


async def test_a_snapshot_is_good_for_five_seconds(time: Time) -> None:
    kept = Kept(SHOP)
    ring = await ring_of(kept, time)
    kept.down = True
    time.now += 5.0
    await ring.refresh()
    fresh = ring.stale
    time.now += 0.1

    assert keyring.STALE_S == 5.0
    assert (fresh, ring.stale) == (False, True)
    kept.down = False
    await ring.refresh()
    assert not ring.stale


async def test_the_age_counts_from_before_the_reading(time: Time) -> None:
    """A reading that takes long may have begun before the key was revoked."""

    def slow() -> Sequence[Key]:
        time.now += 5.1
        return [SHOP]

    ring = KeyRing(None, slow, monotonic=time)
    await ring.refresh()

    assert ring.stale


async def test_a_rate_outlives_a_new_snapshot(time: Time) -> None:
    kept = Kept(replace(SHOP, rate_per_s=1.0))
    ring = await ring_of(kept, time)
    waits = []
    for _ in range(3):
        holder = ring.holder(b"shop's")
        assert holder is not None
        assert holder.bucket is not None
        waits.append(holder.bucket.take(time.now))
        await ring.refresh()

    assert waits == [0.0, 1.0, 1.0]


def door(kept: Kept, time: Time, refresh_s: float = 3600.0) -> Door:
    return Door(ring=KeyRing(KEY, kept, monotonic=time), refresh_s=refresh_s)


async def post(client: httpx.AsyncClient, key: str) -> httpx.Response:
    return await client.post("/predict", json=ROW, headers={"X-API-Key": key})


async def test_too_many_requests_are_told_when_to_come_again(world: World, time: Time) -> None:
    kept = Kept(replace(SHOP, rate_per_s=0.5), replace(SHOP, name="b", digest=digest_of(b"b")))
    async with asking(world, door=door(kept, time)) as client:
        first, second = await post(client, "shop's"), await post(client, "shop's")
        others = [await post(client, key) for key in ("b", "b", "b", KEY, KEY)]
        time.now += 2.0
        third = await post(client, "shop's")

    assert [one.status_code for one in (first, second, third)] == [200, 429, 200]
    assert second.json()["error"] == "TooManyRequests"
    assert second.headers["retry-after"] == "3"
    assert {one.status_code for one in others} == {200}
    assert world.store.count_predictions("credit") == 7


async def test_stored_keys_are_503_when_they_cannot_be_read(world: World, time: Time) -> None:
    kept = Kept(SHOP)
    async with asking(world, door=door(kept, time)) as client:
        before = await post(client, "shop's")
        time.now += 60.0
        stale = await post(client, "shop's")
        unknown = await post(client, "another")
        without = await client.post("/predict", json=ROW)
        fixed = await post(client, KEY)

    statuses = [one.status_code for one in (before, stale, unknown, without, fixed)]
    assert statuses == [200, 503, 503, 401, 200]
    assert stale.headers["retry-after"] == "1"


async def test_a_running_service_learns_of_keys_by_itself(world: World, time: Time) -> None:
    kept = Kept()
    ring = KeyRing(None, kept, monotonic=time)
    async with asking(world, door=Door(ring=ring, refresh_s=0.001)) as client:
        open_ = await client.post("/predict", json=ROW)
        kept.keys = [SHOP]
        await until(lambda: ring.asks)
        shut = await client.post("/predict", json=ROW)
        let_in = await post(client, "shop's")
        kept.keys = [replace(SHOP, revoked_at=NOW)]
        await until(lambda: ring.holder(b"shop's") is None)
        revoked = await post(client, "shop's")

    assert [one.status_code for one in (open_, shut, let_in, revoked)] == [200, 401, 200, 401]


async def test_a_surprise_does_not_end_the_looking(world: World, time: Time) -> None:
    kept = Kept(SHOP)
    calls = []

    def surprising() -> Sequence[Key]:
        calls.append(1)
        if len(calls) in {2, 3}:
            raise RuntimeError("a surprise")
        return kept()

    ring = KeyRing(None, surprising, monotonic=time)
    async with asking(world, door=Door(ring=ring, refresh_s=0.001)):
        await until(lambda: len(calls) > 4)

    assert ring.holder(b"shop's") is not None
