import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeostat.bins import PREDICTION, PROBABILITY, Bins, fit_numeric
from homeostat.engines.rows import RowCounter
from homeostat.errors import StateError
from homeostat.metrics.proxy import ENTROPY_BINS, WINDOWS_H, overall_stats, time_windowed
from homeostat.profile import Profile

Floats = NDArray[np.float64]
REFERENCE = np.random.default_rng(1).beta(1.5, 8, 20_000)
BINS = Bins(()).with_scores(REFERENCE)
NOTHING = {
    "num_predictions": 0,
    "positive_rate": None,
    "probability_mean": None,
    "probability_std": None,
    "probability_median": None,
    "probability_q25": None,
    "probability_q75": None,
    "entropy": None,
}


def counted(scores: Floats, threshold: float = 0.3) -> Profile:
    counter = RowCounter(BINS)
    for score in scores.tolist():
        counter.add({PROBABILITY: score, PREDICTION: int(score >= threshold)})
    return counter.profile


def value(profile: Profile, name: str) -> float:
    seen = overall_stats(profile)[name]
    assert seen is not None
    return float(seen)


@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [
        pytest.param((1.5, 8.0), 0.01, id="as the reference"),
        pytest.param((4.0, 4.0), 0.1, id="moved"),
        pytest.param((8.0, 2.0), 0.1, id="far beyond the reference"),
    ],
)
def test_profiles_agree_with_numpy_on_the_rows(
    shape: tuple[float, float], tolerance: float
) -> None:
    scores = np.random.default_rng(2).beta(*shape, 5_000)
    window = counted(scores)

    shares = np.histogram(scores, bins=ENTROPY_BINS, range=(0, 1))[0] / len(scores)
    entropy = -sum(p * math.log(p) for p in shares if p)
    assert value(window, "num_predictions") == 5_000
    assert value(window, "positive_rate") == np.mean(scores >= 0.3)
    assert value(window, "probability_mean") == pytest.approx(scores.mean(), rel=1e-12)
    assert value(window, "probability_std") == pytest.approx(scores.std(), rel=1e-9)
    assert value(window, "entropy") == pytest.approx(entropy, abs=tolerance)
    edges = np.array([0.0, *BINS.features[0].edges, 1.0])
    for name, share in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
        exact = np.quantile(scores, share, method="inverted_cdf")
        i = int(np.searchsorted(edges, exact, side="right"))
        width = edges[min(i, len(edges) - 1)] - edges[i - 1]
        assert abs(value(window, f"probability_{name}") - exact) <= width


def test_an_empty_window_says_zero_and_nothing_else() -> None:
    empty = Profile.empty(BINS)

    assert overall_stats(empty) == NOTHING
    assert json.dumps(time_windowed({1: empty}), allow_nan=False) == json.dumps(
        {
            "window_1H": {
                "count": 0,
                "positive_rate": None,
                "probability_mean": None,
                "probability_std": None,
                "entropy": None,
            }
        }
    )


def test_windows_are_named_after_their_hours() -> None:
    windows = {hours: counted(REFERENCE[: 10 * hours]) for hours in WINDOWS_H}

    stats = time_windowed(windows)

    assert {name: one["count"] for name, one in stats.items()} == {
        "window_1H": 10,
        "window_6H": 60,
        "window_24H": 240,
    }


def test_scores_all_alike_have_no_entropy_and_no_spread() -> None:
    window = counted(np.full(500, 0.25))

    assert value(window, "entropy") == 0
    assert value(window, "probability_std") == pytest.approx(0, abs=1e-8)


def test_a_profile_without_scores_is_refused_by_name() -> None:
    plain = Profile.empty(Bins((fit_numeric("x", np.array([1.0])),)))

    with pytest.raises(StateError, match="probability and prediction"):
        overall_stats(plain)


SCORES = st.lists(st.floats(0, 1), max_size=40)


@given(SCORES, SCORES)
def test_parts_of_a_window_say_what_the_whole_says(a: list[float], b: list[float]) -> None:
    whole = overall_stats(counted(np.array(a + b)))
    parts = overall_stats(counted(np.array(a)) + counted(np.array(b)))

    assert parts.keys() == whole.keys()
    for name, part in parts.items():
        assert part == (whole[name] if part is None else pytest.approx(whole[name], abs=1e-7))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_everything_stays_within_its_range(scores: list[float]) -> None:
    stats = overall_stats(counted(np.array(scores)))

    low, middle, high, mean, spread, entropy = (
        float(stats[name] or 0.0)
        for name in (
            "probability_q25",
            "probability_median",
            "probability_q75",
            "probability_mean",
            "probability_std",
            "entropy",
        )
    )
    assert 0 <= low <= middle <= high <= 1
    assert 0 <= mean <= 1
    assert 0 <= spread <= 0.5 + 1e-9
    assert 0 <= entropy <= math.log(ENTROPY_BINS) + 1e-12
    json.dumps(stats, allow_nan=False)
