"""Counting one row at a time."""

from decimal import Decimal

import numpy as np
import pytest

from homeostat.bins import Bins
from homeostat.engines.rows import BATCH, FEW, RowCounter
from homeostat.errors import UserError
from homeostat.schema import Row
from tests.engines.made import BINS, by_rows, category, number, odd_rows


def test_a_row_that_lacks_a_feature_counts_it_as_missing() -> None:
    counter = RowCounter(BINS)
    counter.add({"age": 30})

    assert [counter.profile.feature(name).missing for name in BINS.index] == [1, 0, 1, 1]


def test_the_profile_so_far_does_not_move_with_the_next_row() -> None:
    counter = RowCounter(BINS)
    counter.add({"age": 30})
    before = counter.profile
    counter.add({"age": 30})

    assert before.n == 1
    assert counter.profile.n == 2


def test_rows_asked_for_one_by_one_add_up_like_those_of_many_batches() -> None:
    rows = odd_rows() * (BATCH // 5)
    counter = RowCounter(BINS)
    for row in rows[:37]:
        counter.add(row)
        assert counter.profile.n
    for row in rows[37:]:
        counter.add(row)

    assert counter.profile == by_rows(rows)
    assert counter.profile.n == len(rows)


def test_a_row_may_change_after_it_was_counted() -> None:
    row: Row = {"income": 0.1, "age": 30, "region": "north", "member": True}
    counter = RowCounter(BINS)
    counter.add(row)
    row["income"] = 7.0

    assert counter.profile.feature("income").mean == 0.1


@pytest.mark.parametrize("one", [Bins((number("x", 1.0),)), Bins((category("x", "a"),)), Bins(())])
def test_one_feature_or_none_will_do(one: Bins) -> None:
    counter = RowCounter(one)
    counter.add({})
    counter.add({"x": None})

    assert [part.missing for part in map(counter.profile.feature, one.index)] == [2] * len(
        one.index
    )


def test_values_that_equal_each_other_are_categories_of_their_own() -> None:
    bins = Bins((category("x", "1", "1.0", "true"),))
    counter = RowCounter(bins)
    for value in (1, True, 1.0, True, "1", float("nan")):
        counter.add({"x": value})

    assert counter.profile.counts.tolist() == [2, 1, 2, 0, 1]


def test_numbers_of_other_types_are_floats() -> None:
    bins = Bins((number("x", 0.0, 0.1, 1.0),))
    counter = RowCounter(bins)
    for value in (np.float32(1), Decimal("0.1"), True, np.float64("nan")):
        counter.add({"x": value})  # type: ignore[dict-item]

    assert counter.profile.feature("x").moments.tolist() == [3, 2.1, 1 + 0.1**2 + 1]
    assert counter.profile.feature("x").missing == 1


def test_text_in_place_of_a_number_is_refused_and_not_counted() -> None:
    counter = RowCounter(BINS)
    counter.add({"age": 30})
    with pytest.raises(UserError, match="'income' holds values that are not numbers, such as '1'"):
        counter.add({"income": "1", "age": 30, "region": "north"})

    assert counter.profile.n == 1


@pytest.mark.parametrize("n", [0, 1, FEW, FEW + 1, BATCH + 3])
def test_few_rows_and_many_are_counted_alike(n: int) -> None:
    rows = (odd_rows() * (1 + n // 5))[:n]
    counter = RowCounter(BINS)
    for row in rows:
        counter.add(row)
    sparse, dense = counter.sparse(), by_rows(rows).sparse()

    assert sparse.places.tolist() == dense.places.tolist()
    assert sparse.counts.tolist() == dense.counts.tolist()
    assert sparse.joint.tolist() == dense.joint.tolist()
    assert sparse.moments == pytest.approx(dense.moments, nan_ok=True)
