from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.access import EVERY_ROLE, Key, Role, TokenBucket, digest_of
from homeostat.errors import UserError

KEY = Key(
    name="shop",
    roles=frozenset({Role.PREDICT}),
    digest=digest_of(b"secret"),
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_lets_do_what_it_is_and_an_admin_everything(role: Role) -> None:
    one, admin = replace(KEY, roles=frozenset({role})), replace(KEY, roles=frozenset({Role.ADMIN}))

    assert one.may({role})
    assert admin.may({role})
    assert one.may(EVERY_ROLE - {role}) == (role is Role.ADMIN)


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a b", "a/b", "a\n", "é", "..", "a" * 65, "a\x00", "a%2fb", "\\a"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="name: "):
        replace(KEY, name=name)


def test_all_that_is_wrong_is_named() -> None:
    with pytest.raises(UserError) as refusal:
        replace(KEY, name="a b", roles=frozenset(), rate_per_s=0.0)

    assert [one.partition(":")[0] for one in refusal.value.problems] == ["name", "role", "rate"]


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="rate: "):
        replace(KEY, rate_per_s=rate)


def test_what_is_shown_of_a_key_is_not_the_key() -> None:
    assert "secret" not in repr(KEY)
    assert KEY.digest != digest_of(b"Secret")


@given(
    rate=st.floats(0.1, 1000),
    waits=st.lists(st.floats(0, 3, allow_subnormal=False), min_size=1, max_size=60),
)
def test_never_more_than_the_rate_and_one_burst(rate: float, waits: list[float]) -> None:
    bucket, now, passed = TokenBucket(rate, now=0.0), 0.0, 0
    for wait in waits:
        now += wait
        passed += bucket.take(now) == 0.0

    assert passed <= max(1.0, rate) + now * rate + 1e-6


@given(rate=st.floats(0.1, 1000))
def test_after_the_wait_that_is_told_one_passes(rate: float) -> None:
    bucket = TokenBucket(rate, now=0.0)
    wait_s = 0.0
    while not wait_s:
        wait_s = bucket.take(0.0)

    assert bucket.take(wait_s * 0.99) > 0
    assert bucket.take(wait_s + 1e-6) == 0.0
