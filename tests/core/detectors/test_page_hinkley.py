"""Page-Hinkley beside its definition, sum by sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.detectors import fold
from homeostat.detectors.page_hinkley import PageHinkley
from homeostat.errors import UserError


def by_definition(values: list[float], slack: float) -> tuple[float, float]:
    """m_t minus its least value, and the mirror image, with sums over all values."""
    x = np.array(values)
    away = x - np.cumsum(x) / np.arange(1, len(x) + 1)
    rises, falls = np.cumsum(away - slack), np.cumsum(away + slack)
    return float(rises[-1] - rises.min()), float(falls.max() - falls[-1])


@given(
    values=st.lists(st.floats(-100, 100), min_size=1, max_size=60),
    slack=st.sampled_from([0.0, 0.005, 1.0]),
)
def test_the_sums_are_those_of_the_definition(values: list[float], slack: float) -> None:
    state, alarms = fold(PageHinkley(slack=slack, threshold=1e9), values)

    assert not alarms
    assert (state.rise, state.fall) == pytest.approx(by_definition(values, slack), abs=1e-6)
    assert state.mean == pytest.approx(np.mean(values), abs=1e-9)


@pytest.mark.parametrize("shift", [2.0, -2.0])
def test_a_rise_and_a_fall_are_seen_and_then_the_new_mean_is_the_normal_one(shift: float) -> None:
    values = np.random.default_rng(1).normal(size=3_000)
    values[1_000:] += shift
    state, alarms = fold(PageHinkley(), values.tolist())

    assert len(alarms) == 1
    assert 1_000 < alarms[0] < 1_060
    assert state.mean == pytest.approx(shift, abs=0.1)


def test_the_grace_holds_back_the_first_alarm_and_those_after_a_restart() -> None:
    jump = [0.0] * 5 + [1e6] * 200
    _, alarms = fold(PageHinkley(grace=50), jump)

    assert alarms == (50,)


def test_everything_wrong_with_the_settings_is_named() -> None:
    with pytest.raises(UserError) as caught:
        PageHinkley(slack=-0.1, threshold=0.0, grace=0)

    assert [one.split()[0] for one in caught.value.problems] == ["slack", "threshold", "grace"]
