"""Which version a key is split to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.challenger import (
    Challenger,
    Mode,
    chosen,
    free_place,
    place,
    refuse_other_rows,
)
from homeostat.errors import Conflict, UserError
from homeostat.schema import Feature, Kind, Schema, Target, Task

KEYS = [f"customer {i}" for i in range(20_000)]


def split(version: int, lower: float, share: float, salt: str = "salt") -> Challenger:
    return Challenger(
        id=f"trial {version}",
        model="credit",
        version=version,
        mode=Mode.SPLIT,
        lower=lower,
        share=share,
        salt=salt,
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        started_by="ann",
        reason="to see",
    )


def schema(*features: Feature) -> Schema:
    return Schema(task=Task.BINARY, target=Target(column="y"), features=features)


@given(share=st.floats(0.01, 1.0), salt=st.text(max_size=5))
def test_a_version_answers_its_share_of_the_keys(share: float, salt: str) -> None:
    one = split(2, 0.0, share, salt)

    got = sum(chosen([one], key) == 2 for key in KEYS[:2_000]) / 2_000

    assert abs(got - share) < 5 * (share * (1 - share) / 2_000) ** 0.5 + 1e-9


def test_a_key_always_gets_the_same_version_whatever_else_begins_or_ends() -> None:
    two, three = split(2, 0.0, 0.2), split(3, 0.2, 0.3)
    alone = [chosen([two], key) for key in KEYS]
    both = [chosen([two, three], key) for key in KEYS]
    left = [chosen([three], key) for key in KEYS]

    assert [one for one in both if one == 2] == [one for one in alone if one == 2]
    assert all(b == 2 for a, b in zip(alone, both, strict=True) if a == 2)
    assert all(c == 3 for b, c in zip(both, left, strict=True) if b == 3)
    assert {None, 2, 3} == set(both)
    assert {None, 3} == set(left)


def test_another_salt_gives_another_division() -> None:
    here, there = ([place(salt, key) < 0.5 for key in KEYS] for salt in ("a", "b"))

    same = sum(a == b for a, b in zip(here, there, strict=True)) / len(KEYS)

    assert abs(same - 0.5) < 0.02


def test_a_further_split_takes_places_that_are_free() -> None:
    running = [split(2, 0.0, 0.2), split(4, 0.5, 0.2)]

    assert free_place(running, 0.3) == pytest.approx(0.2)
    assert free_place(running[1:], 0.5) == 0.0
    assert free_place(running, 0.3 - 1e-9) == pytest.approx(0.2)
    with pytest.raises(Conflict, match=r"no room for 35.00% in one piece beside version 2 20.00%"):
        free_place(running, 0.35)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan"), 1e-5])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UserError, match=r"must be from 0\.0001 to 1"):
        free_place([], share)


def test_a_challenger_that_asks_for_other_rows_is_refused_with_all_differences() -> None:
    champion = schema(
        Feature(name="age", kind=Kind.NUMBER), Feature(name="job", kind=Kind.CATEGORY)
    )
    other = schema(Feature(name="age", kind=Kind.INTEGER), Feature(name="x", kind=Kind.NUMBER))

    with pytest.raises(UserError) as caught:
        refuse_other_rows(champion, other)

    refuse_other_rows(champion, champion)
    assert caught.value.problems == [
        "age: number for the champion, integer for the other",
        "job: category for the champion, not asked for the other",
        "x: not asked for the champion, number for the other",
    ]
