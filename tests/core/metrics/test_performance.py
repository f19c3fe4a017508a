"""The figures are those of scikit-learn, and their sums add."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from homeostat.metrics import NONE, WeightedMean
from homeostat.metrics.regression import RegressionErrors
from homeostat.metrics.scores import ScoreCounts
from homeostat.performance import (
    MulticlassPerformance,
    Performance,
    RegressionPerformance,
    Values,
    figures_of_metrics,
)

Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
TABLES = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 1), st.floats(0.1, 9)), min_size=1, max_size=40
)


@pytest.fixture(scope="session")
def car_loan(data_dir: Path) -> Arrays:
    """50,000 real scores with their labels."""
    frame = pl.read_csv(data_dir / "nannyml_car_loan" / "synthetic_car_loan_reference.csv")
    scores = frame["y_pred_proba"].to_numpy()
    labels, answers = (frame[name].cast(int).to_numpy() for name in ("repaid", "y_pred"))
    return labels, answers, scores


def test_every_figure_is_that_of_scikit_learn_on_real_scores(car_loan: Arrays) -> None:
    y, answers, p = car_loan
    seen = {name: one.value for name, one in Performance.of(y, answers, p).figures().items()}

    assert seen["accuracy"] == pytest.approx(metrics.accuracy_score(y, answers))
    assert seen["precision"] == pytest.approx(metrics.precision_score(y, answers))
    assert seen["recall"] == pytest.approx(metrics.recall_score(y, answers))
    assert seen["f1"] == pytest.approx(metrics.f1_score(y, answers))
    assert seen["brier"] == pytest.approx(metrics.brier_score_loss(y, p))
    assert seen["log_loss"] == pytest.approx(metrics.log_loss(y, p))
    assert seen["positive_rate"] == pytest.approx(y.mean())
    assert seen["predicted_positive_rate"] == pytest.approx(answers.mean())
    assert seen["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, p), abs=1e-4)
    assert seen["pr_auc"] == pytest.approx(metrics.average_precision_score(y, p), abs=1e-3)


def test_weighted_figures_are_those_of_scikit_learn(car_loan: Arrays) -> None:
    y, answers, p = car_loan[0][:5000], car_loan[1][:5000], car_loan[2][:5000]
    w = np.random.default_rng(0).uniform(0.5, 3, len(y))
    seen = {name: one.value for name, one in Performance.of(y, answers, p, w).figures().items()}

    given = {"sample_weight": w}
    assert seen["accuracy"] == pytest.approx(metrics.accuracy_score(y, answers, **given))
    assert seen["f1"] == pytest.approx(metrics.f1_score(y, answers, **given))
    assert seen["brier"] == pytest.approx(metrics.brier_score_loss(y, p, **given))
    assert seen["log_loss"] == pytest.approx(metrics.log_loss(y, p, **given))
    assert seen["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, p, **given), abs=2e-4)
    ours = metrics.average_precision_score(y, p, **given)
    assert seen["pr_auc"] == pytest.approx(ours, abs=1e-3)


def test_the_area_and_its_error_are_those_of_delong(car_loan: Arrays) -> None:
    y, p = car_loan[0][:2000], car_loan[2][:2000]
    seen = ScoreCounts.of(y, p).auc()
    yes, no = p[y == 1], p[y == 0]
    won = (yes[:, None] > no).astype(float) + 0.5 * (yes[:, None] == no)
    variance = won.mean(axis=1).var(ddof=1) / len(yes) + won.mean(axis=0).var(ddof=1) / len(no)

    assert seen.value == pytest.approx(won.mean(), abs=2e-4)
    assert seen.standard_error == pytest.approx(np.sqrt(variance), rel=0.01)


@given(TABLES, TABLES)
@settings(max_examples=50)
def test_parts_add_up_to_the_whole(
    a: list[tuple[int, float, float]], b: list[tuple[int, float, float]]
) -> None:
    def of(rows: list[tuple[int, float, float]]) -> Performance:
        y, p, w = (np.array(one) for one in zip(*rows, strict=True))
        return Performance.of(y.astype(np.int64), (p >= 0.5).astype(np.int64), p, w)

    whole, parts = of(a + b).figures(), (of(a) + of(b)).figures()
    nothing = (Performance.none() + of(a)).figures()

    for name, one in whole.items():
        assert parts[name].value == pytest.approx(one.value, abs=1e-9, nan_ok=True)
        assert parts[name].lower == pytest.approx(one.lower, abs=1e-7, nan_ok=True)
        assert nothing[name].n == of(a).figures()[name].n


def test_rows_that_count_double_say_what_twice_the_rows_say() -> None:
    random = np.random.default_rng(3)
    y, p = random.integers(0, 2, 300), random.random(300)
    answers = (p > 0.4).astype(np.int64)
    double = Performance.of(y, answers, p, np.full(300, 2.0)).figures()
    single = Performance.of(y, answers, p).figures()

    for name, one in single.items():
        assert double[name].value == pytest.approx(one.value)
        assert double[name].standard_error == pytest.approx(one.standard_error)


@pytest.mark.parametrize(("labels", "missing"), [([0, 0], "recall"), ([1, 1], "roc_auc")])
def test_what_is_not_there_is_unknown_and_not_zero(labels: list[int], missing: str) -> None:
    y = np.array(labels, dtype=np.int64)
    figures = Performance.of(y, np.zeros(2, dtype=np.int64), np.array([0.1, 0.3])).figures()

    assert not figures[missing].known
    assert not figures["precision"].known
    assert figures["accuracy"].known


def test_of_no_rows_nothing_is_known() -> None:
    figures = Performance.none().figures(values=Values(true_positive=1.0))

    assert not [name for name, one in figures.items() if one.known]
    assert Performance.none().reliability == ()
    assert NONE.p_value_low(0.5) == NONE.p_value_high(0.5) == 1.0


def test_a_row_is_worth_what_the_matrix_says() -> None:
    y, answers = np.array([1, 1, 0, 0, 0]), np.array([1, 0, 1, 0, 0])
    values = Values(true_positive=10, false_positive=-2, false_negative=-20, true_negative=1)
    seen = Performance.of(y, answers, answers * 0.9).figures(values=values)["business_value"]

    assert seen.value == pytest.approx((10 - 20 - 2 + 1 + 1) / 5)
    assert seen.lower < seen.value < seen.upper


def test_reliability_holds_all_rows_and_their_shares(car_loan: Arrays) -> None:
    y, answers, p = car_loan
    bins = Performance.of(y, answers, p).reliability

    assert sum(one.weight for one in bins) == len(y)
    assert sum(one.weight * one.positive_share for one in bins) == pytest.approx(y.sum())
    assert sum(one.weight * one.mean_score for one in bins) == pytest.approx(p.sum())
    scores = [one.mean_score for one in bins]
    assert scores == sorted(scores)


def test_multiclass_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(5)
    y = random.choice(4, 3000, p=[0.5, 0.3, 0.15, 0.05])
    scores = np.exp(random.normal(size=(3000, 4)) + np.eye(4)[y])
    scores /= scores.sum(axis=1, keepdims=True)
    answers = scores.argmax(axis=1)
    classes = ("a", "b", "c", "d")
    whole = MulticlassPerformance.of(y, answers, scores, classes=classes)
    halves = [
        MulticlassPerformance.of(y[at], answers[at], scores[at], classes=classes)
        for at in (slice(0, 1000), slice(1000, None))
    ]
    seen = {name: one.value for name, one in (halves[0] + halves[1]).figures().items()}

    assert seen == pytest.approx({name: one.value for name, one in whole.figures().items()})
    for how in ("macro", "weighted"):
        theirs = metrics.precision_recall_fscore_support(y, answers, average=how)
        ours = [seen[f"{how}_{name}"] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(theirs[:3])
    each = metrics.precision_recall_fscore_support(y, answers)
    assert [seen[f"f1 of {one}"] for one in classes] == pytest.approx(list(each[2]))
    assert seen["log_loss"] == pytest.approx(metrics.log_loss(y, scores))
    assert seen["roc_auc of c"] == pytest.approx(
        metrics.roc_auc_score(y == 2, scores[:, 2]), abs=2e-4
    )


def test_regression_figures_are_those_of_scikit_learn_for_large_targets_too() -> None:
    random = np.random.default_rng(6)
    y = 1e6 + random.normal(size=2000)
    answers = y + random.normal(0.1, 0.5, 2000)
    whole = RegressionPerformance.of(y, answers, quantile=0.9)
    halves = [
        RegressionPerformance.of(y[at], answers[at], quantile=0.9)
        for at in (slice(0, 300), slice(300, None))
    ]
    seen = (halves[0] + halves[1]).figures()

    assert whole.n == (halves[0] + halves[1]).n == 2000
    for name, one in whole.figures().items():
        assert seen[name].value == pytest.approx(one.value, rel=1e-6)
        assert seen[name].standard_error == pytest.approx(one.standard_error, rel=1e-3)
    assert seen["mae"].value == pytest.approx(metrics.mean_absolute_error(y, answers))
    assert seen["rmse"].value == pytest.approx(metrics.root_mean_squared_error(y, answers))
    assert seen["r2"].value == pytest.approx(metrics.r2_score(y, answers), rel=1e-6)
    theirs = metrics.mean_pinball_loss(y, answers, alpha=0.9)
    assert seen["quantile_loss"].value == pytest.approx(theirs)


def test_a_regression_without_rows_or_without_error() -> None:
    none = RegressionErrors.of(np.empty(0), np.empty(0))
    same = RegressionErrors.of(np.arange(5.0), np.arange(5.0))

    assert not none.rmse().known
    assert not none.r2().known
    assert not none.mean_error().known
    assert (none + same).rmse().value == 0
    assert same.r2().value == 1
    assert not RegressionErrors.of(np.ones(3), np.ones(3)).r2().known


def test_a_mean_of_one_row_may_be_anything() -> None:
    one = WeightedMean.of(np.array([0.3])).estimate()

    assert (one.value, one.lower, one.upper) == (0.3, -np.inf, np.inf)


def test_the_counts_behind_the_metrics_of_a_version_are_found_again() -> None:
    random = np.random.default_rng(8)
    y = (random.random(700) < 0.3).astype(np.int64)
    p = np.clip(random.normal(0.3 + 0.3 * y, 0.2), 0, 1)
    answers = (p >= 0.45).astype(np.int64)
    told = {
        "n": 700.0,
        "positives": float(y.sum()),
        "precision": float(metrics.precision_score(y, answers)),
        "recall": float(metrics.recall_score(y, answers)),
        "auc": float(metrics.roc_auc_score(y, p)),
    }
    seen, direct = figures_of_metrics(told), Performance.of(y, answers, p).figures()

    for name in ("accuracy", "precision", "recall", "f1"):
        assert seen[name] == direct[name]
    assert seen["roc_auc"].standard_error == pytest.approx(
        direct["roc_auc"].standard_error, rel=0.3
    )
    assert figures_of_metrics({}) == {}
    assert set(figures_of_metrics({**told, "recall": 0.0, "precision": 0.0})) == {"roc_auc"}
