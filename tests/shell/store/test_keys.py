from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from homeostat.access import Key, Role, digest_of
from homeostat.errors import Conflict, NotFound
from homeostat.store import Store

MADE = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
KEY = Key(
    name="shop",
    roles=frozenset({Role.PREDICT, Role.LABEL}),
    digest=digest_of(b"one"),
    created_at=MADE,
    rate_per_s=2.5,
)


def test_a_key_is_read_as_it_was_written(store: Store) -> None:
    other = replace(KEY, name="Ops", digest=digest_of(b"two"), rate_per_s=None)
    store.keys.add(KEY)
    store.keys.add(other)

    assert store.keys.all() == [other, KEY]


def test_a_name_stands_for_one_holder_for_ever(store: Store) -> None:
    store.keys.add(KEY)
    store.keys.revoke("shop", MADE)

    with pytest.raises(Conflict, match="'shop'"):
        store.keys.add(replace(KEY, digest=digest_of(b"two")))
    assert [one.digest for one in store.keys.all()] == [KEY.digest]


def test_a_key_is_revoked_once(store: Store) -> None:
    store.keys.add(KEY)
    store.keys.revoke("shop", MADE + timedelta(hours=1))
    store.keys.revoke("shop", MADE + timedelta(hours=2))

    assert store.keys.all() == [replace(KEY, revoked_at=MADE + timedelta(hours=1))]


def test_what_is_not_there_cannot_be_revoked(store: Store) -> None:
    store.keys.add(KEY)

    with pytest.raises(NotFound, match="no key 'other'"):
        store.keys.revoke("other", MADE)
    assert store.keys.all() == [KEY]
