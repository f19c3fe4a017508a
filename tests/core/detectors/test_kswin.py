"""KSWIN beside SciPy, and its draws."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from homeostat.detectors import fold, uniform
from homeostat.detectors.kswin import Kswin
from homeostat.errors import UserError

SMALL = Kswin(window=60, recent=20, look_every=1, alpha=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_the_distance_is_scipys_on_the_values_drawn(ties: bool) -> None:
    values = np.random.default_rng(1).normal(size=60)
    values = np.round(values) if ties else values
    state, _ = fold(SMALL, values.tolist())
    drawn = values[:40][np.argsort(uniform(0, 60, 40))[:20]]

    assert state.statistic == pytest.approx(stats.ks_2samp(drawn, values[40:]).statistic)


def test_every_older_value_is_drawn_equally_often() -> None:
    """Twenty of forty, 2,000 times: each 1,000 times, to five standard errors."""
    drawn = Counter(
        int(i) for n in range(2_000) for i in np.argsort(uniform(7, n, 40))[:20].tolist()
    )

    assert len(drawn) == 40
    assert all(abs(count - 1_000) < 5 * 500**0.5 for count in drawn.values())


def test_chance_comes_from_the_seed_alone() -> None:
    values = np.random.default_rng(2).normal(size=400).tolist()
    seeds = [fold(Kswin(seed=seed), values)[0].statistic for seed in (0, 0, 1, 2, 3)]

    assert seeds[0] == seeds[1]
    assert len(set(seeds)) > 1


def test_nothing_is_asked_before_the_window_is_full() -> None:
    state, alarms = fold(SMALL, [0.0] * 39 + [1e9] * 20)

    assert not alarms
    assert state.statistic == 0


def test_after_an_alarm_the_newest_values_remain() -> None:
    detector = Kswin()
    values = [float(i % 10) for i in range(300)] + [float(100 + i) for i in range(100)]
    state, alarms = fold(detector, values)

    assert len(alarms) == 1
    assert state.window == tuple(values[alarms[0] - 100 :])


def test_a_change_of_spread_alone_is_seen() -> None:
    values = np.random.default_rng(3).normal(size=2_000)
    values[1_000:] *= 3
    _, alarms = fold(Kswin(), values.tolist())

    assert len(alarms) == 1
    assert 1_000 < alarms[0] < 1_200


def test_everything_wrong_with_the_settings_is_named() -> None:
    with pytest.raises(UserError) as caught:
        Kswin(alpha=1.0, window=7, recent=4, look_every=0)

    assert [one.split()[0] for one in caught.value.problems] == [
        "alpha",
        "recent",
        "window",
        "look_every",
    ]
