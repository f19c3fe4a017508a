from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import NotFound, UserError
from homeostat.registry.scorer import positive_probabilities
from homeostat.registry.threads import one_thread
from homeostat.registry.trusted import dump_estimator, load_estimator
from homeostat.schema import Feature, Kind, Task
from homeostat.testing.trainer import sample_data
from homeostat.trainers import TRAINERS
from homeostat.trainers.train import TrainingData, best_threshold, train

ALGORITHMS = list(TRAINERS)
PROBES = sample_data(50, seed=9).x
LARGE = 12_000  #: the fifth of them that calibrates holds over 1,000 of each class


def probabilities(data: TrainingData, algorithm: str = "logistic_regression") -> list[float]:
    trained = train(data, algorithm=algorithm, seed=3)
    return list(positive_probabilities(trained.estimator, PROBES))


def changed(data: TrainingData, rows: slice) -> TrainingData:
    """The same data, but for those rows: other features, the opposite labels."""
    x, y = data.x.copy(), data.y.copy()
    x[rows] = sample_data(len(x), seed=99).x[rows] * 3
    x[rows, 3] = -1
    y[rows] = 1 - y[rows]
    return replace(data, x=x, y=y)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n", [600, LARGE])
def test_what_was_trained_is_the_same_after_storage(algorithm: str, n: int) -> None:
    data = sample_data(n)
    weights = np.linspace(0.5, 1.5, n)
    trained = train(replace(data, weights=weights), algorithm=algorithm, seed=0)
    again = load_estimator(dump_estimator(trained.estimator))

    method = trained.estimator.method
    assert method == ("isotonic" if n == LARGE else "sigmoid")
    with one_thread():
        assert np.array_equal(again.predict_proba(data.x), trained.estimator.predict_proba(data.x))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_row_alone_and_in_a_batch_get_the_same(algorithm: str) -> None:
    estimator = train(sample_data(LARGE), algorithm=algorithm, seed=0).estimator
    together = positive_probabilities(estimator, PROBES)
    alone = [positive_probabilities(estimator, row[None])[0] for row in PROBES]

    assert np.allclose(together, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_seeds_train_equal_models(algorithm: str) -> None:
    assert probabilities(sample_data(), algorithm) == probabilities(sample_data(), algorithm)


def test_another_seed_trains_another_forest() -> None:
    data = sample_data()
    first, second = (train(data, algorithm="random_forest", seed=seed) for seed in (1, 2))

    assert first.metrics != second.metrics


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_of_the_validation_rows_reaches_the_model(algorithm: str) -> None:
    data = sample_data()

    assert probabilities(changed(data, slice(480, 600)), algorithm) == probabilities(
        data, algorithm
    )


def test_nothing_of_the_calibration_rows_reaches_the_fit() -> None:
    data = sample_data()
    plain, other = (
        train(one, algorithm="logistic_regression", seed=3)
        for one in (data, changed(data, slice(360, 480)))
    )
    fitted = [one.estimator.estimator.predict_proba(PROBES) for one in (plain, other)]

    assert np.array_equal(*fitted)
    assert list(positive_probabilities(plain.estimator, PROBES)) != list(
        positive_probabilities(other.estimator, PROBES)
    )


@pytest.mark.parametrize("rows", [slice(0, 360), slice(360, 480)], ids=["fit", "calibration"])
def test_what_is_older_does_reach_the_model(rows: slice) -> None:
    data = sample_data()

    assert probabilities(changed(data, rows)) != probabilities(data)


def test_weights_reach_the_fit() -> None:
    data = sample_data()
    weights = np.where(np.arange(600) < 360, 1.0 + 9 * data.y, 1.0)
    plain, weighted = (
        train(one, algorithm="logistic_regression", seed=0).estimator.estimator
        for one in (data, replace(data, weights=weights))
    )
    before, after = (positive_probabilities(one, PROBES).mean() for one in (plain, weighted))

    assert after > before + 0.05


def test_weights_reach_the_calibration() -> None:
    data = sample_data()
    weights = np.where((np.arange(600) >= 360) & (np.arange(600) < 480), 1.0 + 9 * data.y, 1.0)
    before, after = (np.mean(probabilities(one)) for one in (data, replace(data, weights=weights)))

    assert after > before + 0.05


def test_probabilities_are_calibrated() -> None:
    trained = train(sample_data(LARGE), algorithm="hist_gradient_boosting", seed=0)
    fresh = sample_data(LARGE, seed=1)
    scores = positive_probabilities(trained.estimator, fresh.x)
    tenths = np.clip((scores * 10).astype(int), 0, 9)
    parts = [tenths == i for i in np.unique(tenths)]
    gaps = np.array([abs(scores[part].mean() - fresh.y[part].mean()) for part in parts])
    shares = np.array([part.mean() for part in parts])

    assert gaps @ shares < 0.03
    assert gaps[shares >= 0.05].max() < 0.06  # a smaller part is mostly chance


def test_metrics_are_those_of_the_newest_rows() -> None:
    data = sample_data()
    trained = train(data, algorithm="logistic_regression", seed=0)
    x, y = data.x[480:], data.y[480:]
    scores = positive_probabilities(trained.estimator, x)
    called = scores >= trained.threshold
    hits = np.sum(called & (y == 1))

    assert trained.metrics["n"] == 120
    assert trained.metrics["positives"] == y.sum()
    assert trained.metrics["precision"] == pytest.approx(hits / called.sum())
    assert trained.metrics["recall"] == pytest.approx(hits / y.sum())
    assert trained.metrics["f1"] == pytest.approx(2 * hits / (called.sum() + y.sum()))
    assert trained.metrics["brier"] == pytest.approx(np.mean((scores - y) ** 2))
    assert trained.metrics["auc"] > 0.8
    assert 0 < trained.metrics["log_loss"] < 0.6
    assert np.array_equal(trained.golden_x[[0, -1]], x[[0, -1]], equal_nan=True)
    assert len(trained.golden_x) == 32


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param(0, np.nan, id="all missing"),
        pytest.param(1, 7.0, id="constant"),
        pytest.param(3, -1.0, id="only unknown categories"),
    ],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_column_that_says_nothing_is_borne(algorithm: str, column: int, value: float) -> None:
    data = sample_data()
    x = data.x.copy()
    x[:, column] = value

    assert all(0 <= one <= 1 for one in probabilities(replace(data, x=x), algorithm))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_category_that_was_not_there_in_fit_is_scored(algorithm: str) -> None:
    data = sample_data()
    x = data.x.copy()
    x[:480, 3] = np.where(x[:480, 3] == 2, 0, x[:480, 3])
    trained = train(replace(data, x=x), algorithm=algorithm, seed=0)

    assert (x[480:, 3] == 2).any()
    assert trained.metrics["auc"] > 0.8


def test_features_that_say_nothing_get_the_middle_threshold_and_a_note() -> None:
    data = sample_data()
    trained = train(replace(data, x=np.zeros_like(data.x)), algorithm="logistic_regression", seed=0)

    assert trained.threshold == 0.5
    assert trained.notes == ("no threshold tells the validation rows apart; it is 0.5",)


SAMPLE = sample_data()
HALF = slice(0, 300)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(SAMPLE.part(slice(0, 49)), ["49 rows, at least 50"], id="too few rows"),
        pytest.param(SAMPLE.part(slice(0, 0)), ["0 rows"], id="no rows"),
        pytest.param(
            replace(SAMPLE, y=np.zeros(600)), ["all 600 labels are of one class"], id="one class"
        ),
        pytest.param(
            replace(SAMPLE, y=np.where(np.arange(600) < 2, np.nan, SAMPLE.y)),
            ["2 of 600 labels are missing"],
            id="missing label",
        ),
        pytest.param(replace(SAMPLE, y=SAMPLE.y + 1), ["neither 0 nor 1"], id="other classes"),
        pytest.param(
            replace(SAMPLE, y=(np.arange(600) < 360) * SAMPLE.y),
            ["the calibration rows hold 0 positives among 120", "the validation rows hold 0"],
            id="one class in a part",
        ),
        pytest.param(replace(SAMPLE, x=SAMPLE.x[:, :3]), ["(600, 3)", "(600, 4)"], id="shape"),
        pytest.param(
            replace(SAMPLE, x=np.where(np.arange(4) == 1, np.inf, SAMPLE.x)),
            ["children: holds values beyond"],
            id="infinite",
        ),
        pytest.param(replace(SAMPLE, weights=np.ones(3)), ["weights", "(3,)"], id="few weights"),
        pytest.param(replace(SAMPLE, weights=-np.ones(600)), ["negative"], id="negative weights"),
        pytest.param(
            replace(SAMPLE, weights=1.0 - SAMPLE.y),
            ["the fit rows of class 1 all weigh nothing"],
            id="a class without weight",
        ),
        pytest.param(
            replace(SAMPLE, schema=replace(SAMPLE.schema, task=Task.REGRESSION)),
            ["only binary is supported"],
            id="regression",
        ),
        pytest.param(
            replace(
                SAMPLE,
                schema=replace(
                    SAMPLE.schema,
                    features=(
                        *SAMPLE.schema.features[:3],
                        Feature(name="region", kind=Kind.CATEGORY),
                    ),
                ),
            ),
            ["region: a category feature without a category"],
            id="no categories",
        ),
        pytest.param(
            replace(SAMPLE.part(slice(0, 10)), y=np.ones(10), weights=-np.ones(10)),
            ["10 rows", "one class", "negative"],
            id="all of it at once",
        ),
    ],
)
def test_data_that_cannot_be_learnt_from_is_refused(data: TrainingData, words: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        train(data, algorithm="logistic_regression", seed=0)

    assert all(word in str(refused.value) for word in words), refused.value


def test_an_unknown_algorithm_is_refused_with_a_hint() -> None:
    with pytest.raises(NotFound, match="did you mean 'random_forest'"):
        train(SAMPLE, algorithm="random_forrest", seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_data_that_is_taken_is_trained_on(seed: int) -> None:
    data = sample_data(50, seed=seed)
    y = data.y.copy()
    y[[28, 29, 38, 39, 48, 49]] = [0, 1, 0, 1, 0, 1]
    y[[26, 27, 36, 37, 46, 47]] = [0, 1, 0, 1, 0, 1]

    for algorithm in ALGORITHMS:
        assert len(probabilities(replace(data, y=y), algorithm)) == len(PROBES)


SCORED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5 + 2**-53, 0.9, 1.0])),
    min_size=1,
    max_size=30,
)


def f1(y: Any, scores: Any, threshold: float) -> float:
    called = scores >= threshold
    both = called.sum() + y.sum()
    return float(2 * (called & (y == 1)).sum() / both) if both else 0.0


@given(rows=SCORED)
def test_no_threshold_between_scores_is_better(rows: list[tuple[bool, float]]) -> None:
    y = np.array([one for one, _ in rows], dtype=np.int64)
    scores = np.array([score for _, score in rows])
    threshold = best_threshold(y, scores)
    distinct = np.unique(scores)
    best = max((f1(y, scores, cut) for cut in distinct[1:]), default=0.0)

    if threshold is None:
        assert best == 0
    else:
        assert f1(y, scores, threshold) == pytest.approx(best)
        assert distinct[0] < threshold <= distinct[-1]


@pytest.mark.parametrize(
    ("y", "scores", "threshold"),
    [
        pytest.param([0, 1], [0.5, 0.5], None, id="equal scores"),
        pytest.param([0, 0], [0.2, 0.5], None, id="no positive"),
        pytest.param([1, 0, 0], [0.1, 0.5, 0.5], None, id="every positive at the bottom"),
        pytest.param([0, 1], [0.2, 0.6], 0.4, id="midway"),
        pytest.param([0, 1, 0, 1], [0.0, 0.25, 0.5, 0.75], 0.125, id="recall pays"),
        pytest.param([0, 1], [0.5, 0.5 + 2**-53], 0.5 + 2**-53, id="neighbouring floats"),
    ],
)
def test_threshold(y: list[int], scores: list[float], threshold: float | None) -> None:
    found = best_threshold(np.array(y), np.array(scores))

    assert found == (None if threshold is None else pytest.approx(threshold, abs=0, rel=1e-15))
