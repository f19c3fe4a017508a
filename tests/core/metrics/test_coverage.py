"""Every interval covers the true figure as often as it says: nominal 95 %, on seeded samples."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.metrics import Estimate
from homeostat.metrics.regression import RegressionErrors
from homeostat.performance import MulticlassPerformance, Performance

SAMPLES = 1000
ROWS = 500

#: Of 1,000 samples, four standard deviations of a binomial about 95 % on either side.
FEWEST, MOST = 0.922, 0.978

Draw = Callable[[np.random.Generator, int], tuple[NDArray[np.int64], NDArray[np.float64]]]


def drawn(random: np.random.Generator, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels with a third of positives, and scores that are too sure of themselves."""
    logit = -0.8 + 1.4 * random.normal(size=n)
    labels = (random.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    return labels, 1 / (1 + np.exp(-1.3 * logit))


def measured(random: np.random.Generator, n: int) -> dict[str, Estimate]:
    labels, scores = drawn(random, n)
    return Performance.of(labels, (scores >= 0.5).astype(np.int64), scores).figures()


def shares_covered(
    measure: Callable[[np.random.Generator, int], dict[str, Estimate]], n: int = ROWS
) -> dict[str, float]:
    """How often each interval held what very many rows say."""
    truth = measure(np.random.default_rng(1), 2_000_000)
    seen = [measure(np.random.default_rng(100 + i), n) for i in range(SAMPLES)]
    return {
        name: float(np.mean([one[name].lower <= true.value <= one[name].upper for one in seen]))
        for name, true in truth.items()
        if name != "ece"
    }


def test_intervals_of_a_binary_model_cover_as_often_as_they_say() -> None:
    covered = shares_covered(measured)

    assert len(covered) == 10
    assert {name for name, share in covered.items() if not FEWEST <= share <= MOST} == set()


def test_the_interval_of_the_calibration_error_covers_at_least_as_often() -> None:
    """The groups of a sample are its own, so the truth is asked in groups of as many rows."""
    truth = measured(np.random.default_rng(1), 2_000_000)["ece"].value
    seen = [measured(np.random.default_rng(100 + i), ROWS)["ece"] for i in range(SAMPLES)]

    assert np.mean([one.lower <= truth <= one.upper for one in seen]) >= FEWEST
    assert np.mean([one.value for one in seen]) > truth  # the bias that is named
    assert np.mean([one.value - one.bias for one in seen]) < truth


def calibrated(random: np.random.Generator, n: int) -> Estimate:
    scores = random.beta(1, 6, n)
    labels = (random.random(n) < scores).astype(np.int64)
    return Performance.of(labels, labels, scores).figures()["ece"]


def test_a_calibrated_model_is_seldom_shown_to_have_an_error() -> None:
    seen = [calibrated(np.random.default_rng(i), ROWS) for i in range(500)]

    assert np.mean([one.lower > 0 for one in seen]) <= 0.03
    assert np.mean([one.value for one in seen]) == pytest.approx(
        np.mean([one.bias for one in seen]), rel=0.1
    )


def weighted(random: np.random.Generator, n: int) -> dict[str, Estimate]:
    """Rows of which the negatives came in half as often, and count double."""
    labels, scores = drawn(random, n)
    kept = (labels == 1) | (random.random(n) < 0.5)
    labels, scores = labels[kept], scores[kept]
    weights = np.where(labels == 1, 1.0, 2.0)
    answers = (scores >= 0.5).astype(np.int64)
    return Performance.of(labels, answers, scores, weights).figures()


def test_weighted_intervals_cover_the_figures_of_all_rows() -> None:
    truth = measured(np.random.default_rng(1), 2_000_000)
    seen = [weighted(np.random.default_rng(100 + i), ROWS) for i in range(SAMPLES)]
    # The share of positives is known better than from a sample of as many rows, since which
    # rows are left out is drawn for each apart and not fixed by their number.
    covered = {
        name: np.mean([one[name].lower <= truth[name].value <= one[name].upper for one in seen])
        for name in truth
        if name != "ece"
    }

    assert {name for name, share in covered.items() if not FEWEST <= share <= MOST} == set()


def multiclass(random: np.random.Generator, n: int) -> dict[str, Estimate]:
    labels = random.choice(3, n, p=[0.6, 0.3, 0.1])
    scores = np.exp(random.normal(size=(n, 3)) + 1.2 * np.eye(3)[labels])
    scores /= scores.sum(axis=1, keepdims=True)
    answers = scores.argmax(axis=1)
    return MulticlassPerformance.of(labels, answers, scores, classes=("a", "b", "c")).figures()


def test_intervals_of_a_multiclass_model_cover_as_often_as_they_say() -> None:
    covered = shares_covered(multiclass)

    assert {"macro_f1", "weighted_precision", "f1 of c", "roc_auc of c"} <= set(covered)
    assert {name for name, share in covered.items() if not FEWEST <= share <= MOST} == set()


def regression(random: np.random.Generator, n: int) -> dict[str, Estimate]:
    """Skewed targets, and errors with heavier tails than normal ones."""
    targets = random.gamma(4, 10, n)
    answers = targets + random.standard_t(9, n) * 8 + 1
    errors = RegressionErrors.of(targets, answers, quantile=0.8)
    return {
        name: getattr(errors, name)()
        for name in ("mae", "rmse", "r2", "quantile_loss", "mean_error")
    }


def test_intervals_of_a_regression_cover_as_often_as_they_say() -> None:
    covered = shares_covered(regression)

    assert {name for name, share in covered.items() if not FEWEST <= share <= MOST} == set()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_share_near_an_end_is_covered_too(share: float) -> None:
    def once(random: np.random.Generator, n: int) -> float:
        right = random.random(n) < share
        labels = np.ones(n, dtype=np.int64)
        one = Performance.of(labels, right.astype(np.int64), np.full(n, 0.5)).counts.recall()
        return float(one.lower <= share <= one.upper)

    covered = np.mean([once(np.random.default_rng(i), 200) for i in range(2000)])

    assert 0.92 <= covered <= 0.985  # a count of 4 is coarse
