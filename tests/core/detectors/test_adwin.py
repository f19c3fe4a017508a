"""ADWIN beside the values themselves, bounds by hand, and the series that peers tell twice."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.detectors import fold
from homeostat.detectors.adwin import ROWS, Adwin, AdwinState
from homeostat.errors import UserError

VALUES = st.lists(st.floats(-10, 10), min_size=1, max_size=300)


def sizes(state: AdwinState) -> list[int]:
    """How many values each bucket holds, oldest first."""
    rows = list(enumerate(state.rows))[::-1]
    return [1 << i for i, row in rows for _ in row]


@given(values=VALUES, buckets=st.integers(2, 6), look_every=st.sampled_from([1, 7, 1_000]))
def test_the_buckets_are_those_of_the_newest_values(
    values: list[float], buckets: int, look_every: int
) -> None:
    state, _ = fold(Adwin(buckets=buckets, look_every=look_every), values)
    held = values[len(values) - state.width :]
    ends = np.cumsum(sizes(state))
    parts = np.split(np.array(held), ends[:-1])
    kept = [one for row in state.rows[::-1] for one in row]

    assert [total for total, _ in kept] == pytest.approx([one.sum() for one in parts], abs=1e-9)
    assert [squares for _, squares in kept] == pytest.approx(
        [len(one) * one.var() for one in parts], abs=1e-8
    )
    assert state.mean == pytest.approx(np.mean(held), abs=1e-9)
    assert all(len(row) <= buckets for row in state.rows)


def test_the_histogram_is_the_one_by_hand() -> None:
    """Two buckets of a size at most: with the third value the two oldest become one."""
    detector = Adwin(buckets=2, look_every=1_000)
    state, seen = detector.start(), []
    for value in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0):
        state = detector.update(state, value)
        seen.append([[total for total, _ in row] for row in state.rows])

    assert seen == [
        [[1]],
        [[1, 2]],
        [[3], [3]],
        [[3, 4], [3]],
        [[5], [3, 7]],
        [[5, 6], [3, 7]],
        [[7], [11], [10]],
    ]


def test_the_cut_comes_with_the_value_that_the_bound_by_hand_says() -> None:
    """Sixty zeros, then ones: the split at sixty is significant with the fourteenth."""

    def exceeds(ones: int) -> bool:
        n = 60 + ones
        share = ones / n
        level = log(2 * log(n) / 0.002)
        spread = 1 / 60 + 1 / ones
        bound = sqrt(2 * spread * share * (1 - share) * level) + 2 / 3 * spread * level
        return bound <= 1

    state, alarms = fold(Adwin(look_every=1), [0.0] * 60 + [1.0] * 14)

    assert [exceeds(13), exceeds(14)] == [False, True]
    assert alarms == (74,)
    assert state.statistic >= 1


def test_after_a_cut_no_split_is_significant_and_the_window_holds_the_new_values() -> None:
    values = np.random.default_rng(2).random(3_000)
    values[2_000:] += 0.5
    detector = Adwin()
    state, alarms = fold(detector, values.tolist())

    assert len(alarms) == 1
    assert 2_000 < alarms[0] <= 2_064
    assert 900 < state.width < 1_100
    assert state.mean == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("delta", [0.002, 0.05])
def test_a_change_is_told_once(seed: int, delta: float) -> None:
    """Three levels, two changes: a known series on which others tell some of them twice."""
    random = np.random.default_rng(seed)
    levels = [(0.8, 0.05), (0.4, 0.02), (0.6, 0.1)]
    values = np.concatenate([random.normal(*level, 1_000) for level in levels])
    _, alarms = fold(Adwin(delta=delta), values.tolist())

    assert [1_000 < alarms[0] <= 1_064, 2_000 < alarms[1] <= 2_096] == [True, True]
    assert len(alarms) == 2


def test_the_remains_of_a_change_are_dropped_without_a_word() -> None:
    """The series on which the plain method, without its memory of alarms, tells more."""
    told = twice = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        values = np.concatenate((random.random(2_000), random.random(1_000) + 0.3)).tolist()
        detector, state = Adwin(look_every=8), Adwin().start()
        for value in values:
            before, state = state, detector.update(state, value)
            cut = state.width <= before.width
            told += state.alarm
            twice += cut and not state.alarm

    assert told == 8
    assert twice > 0


def test_the_scale_does_not_matter_when_the_span_goes_with_it() -> None:
    values = np.random.default_rng(4).random(1_500)
    values[1_000:] += 0.3
    _, alarms = fold(Adwin(), values.tolist())
    _, scaled = fold(Adwin(span=1_024.0), (1_024 * values).tolist())

    assert alarms
    assert scaled == alarms


def test_the_window_has_an_end() -> None:
    """Rows beyond the last are let go, oldest first."""
    full = tuple(((float(1 << i), 0.0),) * 5 for i in range(ROWS))
    state = AdwinState(0, None, 0.0, 1.0, full)
    following = Adwin(look_every=1_000).update(state, 1.0)

    assert len(following.rows) == ROWS
    assert following.width == state.width + 1 - (1 << ROWS)
    assert following.mean == 1.0


def test_everything_wrong_with_the_settings_is_named() -> None:
    with pytest.raises(UserError) as caught:
        Adwin(delta=0.0, look_every=0, buckets=1, span=0.0, least=0)

    assert [one.split()[0] for one in caught.value.problems] == [
        "delta",
        "look_every",
        "buckets",
        "span",
        "least",
    ]
