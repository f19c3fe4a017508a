"""What no feature shows alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.bins import Bins, fit_bins
from homeostat.joint import together
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind, Schema, Target, Task
from tests.core.made import counted

NAMES = tuple("abcdef")
SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=tuple(Feature(name=name, kind=Kind.NUMBER) for name in NAMES),
)


def columns(n: int, seed: int, correlation: float = 0.6) -> dict[str, NDArray[np.float64]]:
    """Six normal features; a and b go together, d is the square of c with noise."""
    values = np.random.default_rng([seed, n]).standard_normal((n, 6))
    rest = (1 - correlation**2) ** 0.5
    values[:, 1] = correlation * values[:, 0] + rest * values[:, 1]
    values[:, 3] = values[:, 2] ** 2 + 0.3 * values[:, 3]
    return {name: values[:, i] for i, name in enumerate(NAMES)}


BINS = fit_bins(SCHEMA, columns(50_000, 0))
REFERENCE = counted(BINS, columns(50_000, 0))


def window(n: int, seed: int, correlation: float = 0.6) -> Profile:
    return counted(BINS, columns(n, seed, correlation))


def test_a_lost_correlation_is_seen_though_no_feature_changed() -> None:
    found = together(REFERENCE, window(400, 1, correlation=0.2)).correlations()

    assert found["a"].partner == "b"
    assert found["b"].partner == "a"
    assert found["a"].distance.p_value is not None
    assert found["a"].distance.p_value < 1e-8
    assert found["a"].distance.size == pytest.approx(0.44, abs=0.15)
    assert found["a"].partners == 5


def test_quiet_windows_are_called_changed_as_seldom_as_is_promised() -> None:
    """Bent relations too, whose correlations vary more than normal ones."""
    p_values, moved = [], []
    for seed in range(1, 501):
        both = together(REFERENCE, window(300, seed))
        p_values.append(
            len(NAMES) * min(one.distance.p_value or 1.0 for one in both.correlations().values())
        )
        moved.append(both.moved().p_value or 1.0)

    most = 0.05 + 3 * (0.05 * 0.95 / 500) ** 0.5
    assert np.mean(np.array(p_values) < 0.05) <= most
    assert 0.01 <= np.mean(np.array(moved) < 0.05) <= most


def test_all_features_moved_a_little_are_seen_together() -> None:
    shifted = {name: values + 0.12 for name, values in columns(600, 1).items()}
    moved = together(REFERENCE, counted(BINS, shifted)).moved()

    assert moved.p_value is not None
    assert moved.p_value < 1e-4
    assert 0.15 < moved.size < 0.6


def test_a_change_of_the_stated_size_is_seen_in_about_80_of_100_windows() -> None:
    n, alpha = 2_000, 1e-3
    stated = together(REFERENCE, window(n, 1)).correlations()["a"].detectable(alpha)
    low, high = 0.0, 0.6
    for _ in range(12):  # the correlation of the values at which that of the scores is so far off
        middle = (low + high) / 2
        far = together(REFERENCE, window(100_000, 7, middle)).correlations()["a"].distance.size
        low, high = (middle, high) if far > stated else (low, middle)
    seen = 0
    for seed in range(300):
        p_value = together(REFERENCE, window(n, seed, low)).correlations()["a"].distance.p_value
        seen += p_value is not None and p_value < alpha

    assert 0.7 <= seen / 300 <= 0.9


def test_what_is_left_out_is_not_compared() -> None:
    both = together(REFERENCE, window(400, 1, correlation=0.0), without={"b"})

    assert "b" not in both.correlations()
    assert "b" not in {one.partner for one in both.correlations().values()}


def test_a_feature_that_moved_is_named() -> None:
    shifted = {**columns(400, 1), "e": columns(400, 1)["e"] + 1.0}

    assert together(REFERENCE, counted(BINS, shifted)).moved_by(0.25) == ["e"]


def test_without_rows_or_features_there_is_nothing_to_tell() -> None:
    empty = together(REFERENCE, Profile.empty(BINS))
    none = together(Profile.empty(Bins(())), Profile.empty(Bins(())))

    assert empty.correlations() == {} == none.correlations()
    assert (empty.moved().p_value, none.moved().p_value) == (1.0, 1.0)
    assert empty.moved_detectable(0.01) == float("inf")
