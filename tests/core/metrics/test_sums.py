"""Calibration, paired loss and ranking: sums that add, and what they are beside others'."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import brier_score_loss, roc_auc_score

from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.calibration import Calibration
from homeostat.metrics.paired_loss import PairedLoss

ROWS = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), max_size=40)
DIFFERENCES = st.lists(st.floats(-1, 1), max_size=40)


def calibration(rows: list[tuple[int, float]]) -> Calibration:
    table = np.array(rows, dtype=float).reshape(-1, 2)
    return Calibration.of(table[:, 0].astype(np.int64), table[:, 1])


@given(ROWS, ROWS)
def test_calibration_adds(a: list[tuple[int, float]], b: list[tuple[int, float]]) -> None:
    whole, parts = calibration(a + b), calibration(a) + calibration(b)

    assert (whole.n, whole.positives) == (parts.n, parts.positives)
    for name in ("score", "score_variance", "loss", "loss_variance"):
        assert getattr(whole, name) == pytest.approx(getattr(parts, name), abs=1e-12)


@settings(max_examples=30)
@given(ROWS.filter(bool))
def test_the_brier_score_is_that_of_scikit_learn(rows: list[tuple[int, float]]) -> None:
    seen = calibration(rows)
    labels, p = [row[0] for row in rows], [row[1] for row in rows]

    assert seen.brier == pytest.approx(brier_score_loss(labels, p, pos_label=1))
    assert seen.positive_share == np.mean(labels)
    assert seen.expected_share == pytest.approx(np.mean(p))
    assert 0 <= seen.brier_p_value <= 1
    assert 0 <= seen.positives_p_value <= 1


def test_without_rows_nothing_is_known() -> None:
    none = Calibration()

    numbers = (none.brier, none.expected_brier, none.positive_share, none.expected_share)
    assert np.isnan(numbers).all()
    assert none.brier_excess == none.positives_excess == 0
    assert none.brier_p_value == none.positives_p_value == 1


def test_certainty_that_is_wrong_is_infinitely_worse_than_promised() -> None:
    wrong = Calibration.of(np.array([1, 0, 0]), np.zeros(3))

    assert wrong.brier_excess == wrong.positives_excess == float("inf")
    assert wrong.brier_p_value == wrong.positives_p_value == 0
    assert Calibration.of(np.zeros(3, dtype=np.int64), np.zeros(3)).brier_excess == 0


def test_p_values_of_right_probabilities_are_even() -> None:
    p_values = []
    for seed in range(400):
        random = np.random.default_rng(seed)
        p = random.beta(1, 9, 3_000)
        seen = Calibration.of((random.random(3_000) < p).astype(np.int64), p)
        p_values.append((seen.brier_p_value, seen.positives_p_value))

    for column in np.transpose(p_values):
        assert stats.kstest(column, "uniform").pvalue > 0.001


@given(DIFFERENCES, DIFFERENCES)
def test_paired_loss_adds(a: list[float], b: list[float]) -> None:
    whole = PairedLoss.of(np.array(a + b))
    parts = PairedLoss.of(np.array(a)) + PairedLoss.of(np.array(b))

    assert whole.n == parts.n
    assert whole.mean == pytest.approx(parts.mean, abs=1e-12)
    assert whole.m2 == pytest.approx(parts.m2, abs=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40))
def test_bounds_hold_the_mean(values: list[float]) -> None:
    lower, upper = PairedLoss.of(np.array(values)).bounds(0.05)

    assert lower <= PairedLoss.of(np.array(values)).mean <= upper


def test_bounds_are_those_of_the_normal_limit() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 500)
    lower, upper = PairedLoss.of(values).bounds(0.05)
    spread = values.std(ddof=1) / np.sqrt(500)

    assert lower == pytest.approx(stats.norm(values.mean(), spread).ppf(0.05))
    assert upper == pytest.approx(stats.norm(values.mean(), spread).ppf(0.95))


@pytest.mark.parametrize("n", [0, 1])
def test_with_fewer_than_two_rows_anything_is_possible(n: int) -> None:
    assert PairedLoss.of(np.full(n, 0.3)).bounds(0.05) == (-np.inf, np.inf)


def test_the_brier_loss_of_a_better_candidate_is_negative() -> None:
    labels = np.array([0, 1])
    loss = PairedLoss.brier(labels, np.array([0.5, 0.5]), np.array([0.1, 0.9]))

    assert loss.n == 2
    assert loss.mean == pytest.approx(0.01 - 0.25)
    assert loss.m2 == pytest.approx(0)


@settings(max_examples=30)
@given(ROWS.filter(lambda rows: {row[0] for row in rows} == {0, 1}))
def test_auc_is_that_of_scikit_learn(rows: list[tuple[int, float]]) -> None:
    table = np.array(rows)
    seen = RankingQuality.of(table[:, 0].astype(np.int64), table[:, 1])

    assert seen is not None
    assert seen.auc == pytest.approx(roc_auc_score(table[:, 0], table[:, 1]))
    assert seen.n == len(rows)


@pytest.mark.parametrize("label", [0, 1])
def test_without_both_classes_there_is_no_ranking(label: int) -> None:
    assert RankingQuality.of(np.full(3, label), np.array([0.1, 0.2, 0.3])) is None


def test_the_standard_error_of_auc_is_about_that_of_many_samples() -> None:
    seen = []
    for seed in range(400):
        random = np.random.default_rng(seed)
        labels = (random.random(400) < 0.3).astype(np.int64)
        one = RankingQuality.of(labels, random.normal(size=400) + labels)
        assert one is not None
        seen.append((one.auc, one.standard_error))
    auc, errors = np.transpose(seen)

    assert errors.mean() == pytest.approx(auc.std(), rel=0.15)
