"""What all detectors share."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.detectors import fold, number, plain, restored, uniform
from homeostat.detectors.adwin import Adwin, AdwinState
from homeostat.detectors.cusum import Cusum, CusumState
from homeostat.errors import StateError, UserError


@given(values=st.lists(st.floats(-5, 5), max_size=40), cut=st.integers(0, 40))
def test_a_fold_goes_on_where_it_stopped(values: list[float], cut: int) -> None:
    detector = Cusum(threshold=4.0)
    whole = fold(detector, values)
    state, early = fold(detector, values[:cut])
    state, late = fold(detector, values[cut:], state)

    assert (state, early + late) == whole


def test_numbers_of_other_libraries_become_floats() -> None:
    values = np.array([0.5, 1.5], dtype=np.float32)
    state, _ = fold(Cusum(), values)
    plainly, _ = fold(Cusum(), [0.5, 1.5])

    assert state == plainly
    assert type(state.high) is float


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 1e141, -(10**400), None, "7", 1j, [1.0]]
)
def test_what_is_no_number_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(UserError, match="value 12 of the series is"):
        number(value, 12)


def test_a_state_with_other_fields_is_refused_by_name() -> None:
    stored = plain(Cusum().start())
    del stored["high"]
    with pytest.raises(StateError, match="not a CusumState, see high, rise"):
        restored(CusumState, {**stored, "rise": 0.0})


def test_what_was_nested_is_frozen_again() -> None:
    state, _ = fold(Adwin(), [1.0, 2.0, 4.0])
    listed = {**plain(state), "rows": [[list(one) for one in row] for row in state.rows]}

    assert restored(AdwinState, listed) == state
    assert hash(restored(AdwinState, listed)) == hash(state)


def test_chance_is_even_and_that_of_seed_and_counter() -> None:
    drawn = [uniform(seed, counter)[0] for seed in range(50) for counter in range(-50, 50)]
    counts, _ = np.histogram(drawn, bins=10, range=(0, 1))

    assert uniform(3, 4, 5)[:2] == uniform(3, 4, 2)
    assert len(set(drawn)) == len(drawn)
    assert max(abs(counts - 500)) < 5 * 450**0.5


def test_a_change_of_settings_leaves_the_state_readable() -> None:
    state, _ = fold(Cusum(threshold=5.0), [1.0, 1.0])
    following = replace(Cusum(), threshold=1.0).update(state, 0.0)

    assert following.threshold == 1.0
    assert following.alarm
