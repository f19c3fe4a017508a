"""CUSUM beside sums by hand, published run lengths and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.detectors import fold
from homeostat.detectors.cusum import Cusum
from homeostat.errors import UserError


def first_alarms(detector: Cusum, shift: float, streams: int, longest: int) -> list[int]:
    found = []
    for seed in range(streams):
        random, state = np.random.default_rng(seed), detector.start()
        while not state.alarm and state.n < longest:
            state = detector.update(state, float(random.normal(shift)))
        found.append(state.n)
    return found


def test_the_sums_are_those_by_hand() -> None:
    detector = Cusum(mean=10.0, spread=2.0, slack=0.5, threshold=3.0)
    state, sums = detector.start(), []
    for value in (12.0, 9.0, 14.0, 14.0, 6.0, 6.0):  # z = 1, -0.5, 2, 2, -2, -2
        state = detector.update(state, value)
        sums.append((state.high, state.low, state.alarm))

    assert sums == [
        (0.5, 0.0, False),
        (0.0, 0.0, False),
        (1.5, 0.0, False),
        (3.0, 0.0, True),
        (0.0, 1.5, False),
        (0.0, 3.0, True),
    ]


@given(values=st.lists(st.floats(-50, 50), max_size=80))
def test_a_mirrored_series_gives_mirrored_sums(values: list[float]) -> None:
    detector = Cusum(threshold=5.0)
    one, alarms = fold(detector, values)
    other, mirrored = fold(detector, [-value for value in values])

    assert alarms == mirrored
    assert (one.high, one.low) == (other.low, other.high)


@pytest.mark.parametrize(
    ("threshold", "published"),
    [pytest.param(4.0, 168.0, id="h=4"), pytest.param(5.0, 465.0, id="h=5")],
)
def test_run_lengths_are_the_published_ones(threshold: float, published: float) -> None:
    """Montgomery, Introduction to Statistical Quality Control, k = 1/2, both sides."""
    assert Cusum(slack=0.5, threshold=threshold).run_length == pytest.approx(published, rel=0.01)


def test_a_shift_is_seen_as_soon_as_published() -> None:
    """The same source: a shift of one standard deviation takes 10.4 values at h = 5."""
    delays = first_alarms(Cusum(slack=0.5, threshold=5.0), 1.0, 400, 1_000)
    error = 3 * np.std(delays) / len(delays) ** 0.5

    assert abs(np.mean(delays) - 10.4) < error
    assert error < 1.0


@given(run_length=st.floats(200, 1e12), slack=st.floats(0.05, 2))
def test_the_threshold_gives_the_run_length_asked(run_length: float, slack: float) -> None:
    detector = Cusum.of_run_length(run_length, mean=3.0, spread=2.0, slack=slack)

    assert detector.run_length == pytest.approx(run_length, rel=1e-6)
    assert (detector.mean, detector.spread, detector.slack) == (3.0, 2.0, slack)


@pytest.mark.parametrize("slack", [0.25, 0.5, 1.0])
def test_the_false_alarm_rate_is_kept(slack: float) -> None:
    """The mean of 500 run lengths, within three standard errors and 3 % for the formula."""
    lengths = first_alarms(Cusum.of_run_length(300, slack=slack), 0.0, 500, 10_000)
    error = 3 * np.std(lengths) / len(lengths) ** 0.5

    assert abs(np.mean(lengths) - 300) < error + 0.03 * 300
    assert error < 50


@pytest.mark.parametrize("run_length", [0.0, 1.0, float("nan"), float("inf"), 1e305])
def test_a_run_length_that_no_threshold_gives_is_refused(run_length: float) -> None:
    with pytest.raises(UserError, match="no threshold gives"):
        Cusum.of_run_length(run_length, slack=0.5)


def test_everything_wrong_with_the_settings_is_named() -> None:
    with pytest.raises(UserError) as caught:
        Cusum(mean=float("inf"), spread=0.0, slack=-1.0, threshold=float("nan"))

    assert [one.split()[0] for one in caught.value.problems] == [
        "mean",
        "spread",
        "slack",
        "threshold",
    ]
