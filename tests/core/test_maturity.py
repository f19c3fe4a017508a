"""When labels come is learnt, and young rows are then judged as old ones are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.maturity import UNLABELLED, Arrival, Arrivals, Rows
from homeostat.performance import Performance

DAYS = 60.0


def world(
    seed: int, n: int, *, days: float = DAYS, faster: str = "positives"
) -> tuple[Rows, NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the last days, of which some kind has its labels five times sooner.

    What waits for its label, the true labels, and the scores.
    """
    random = np.random.default_rng(seed)
    p = random.beta(2, 5, n)
    y = (random.random(n) < p).astype(np.int64)
    answers = (p >= 0.3).astype(np.int64)
    soon = {
        "positives": y == 1,
        "found": (y == 1) & (answers == 1),
        "nothing": np.zeros(n, dtype=bool),
    }[faster]
    delays = random.exponential(np.where(soon, 2.0, 10.0))
    ages = random.uniform(0, days, n)
    labels = np.where(delays <= ages, y, UNLABELLED)
    return Rows(answers=answers, labels=labels, ages=ages, delays=delays), y, p


def only(rows: Rows, at: NDArray[np.bool_]) -> Rows:
    return Rows(
        answers=rows.answers[at], labels=rows.labels[at], ages=rows.ages[at], delays=rows.delays[at]
    )


def young(faster: str, seed: int) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Figures of rows at most ten days old: the true ones, with the weights, without them."""
    rows, y, p = world(seed, 200_000, faster=faster)
    arrivals = Arrivals.of(rows)
    at = (rows.ages <= 10) & (rows.ages >= arrivals.counted_from())
    cohort, y, p = only(rows, at), y[at], p[at]
    known = cohort.labelled
    w = arrivals.weights(cohort)[known]
    truth = Performance.of(y, cohort.answers, p)
    weighted = Performance.of(cohort.labels[known], cohort.answers[known], p[known], w)
    plain = Performance.of(cohort.labels[known], cohort.answers[known], p[known])
    figures = (
        {name: one.value for name, one in seen.figures().items()}
        for seen in (truth, weighted, plain)
    )
    first, second, third = figures
    return first, second, third


@pytest.mark.parametrize(
    ("faster", "biased"),
    [
        pytest.param("positives", ("precision", "positive_rate"), id="all positives"),
        pytest.param("found", ("recall", "precision", "positive_rate"), id="those that were found"),
    ],
)
def test_young_cohorts_are_judged_right_though_some_labels_come_five_times_faster(
    faster: str, biased: tuple[str, ...]
) -> None:
    """Bias is the mean error of many cohorts; that of each holds its sampling error, too."""
    worlds = [young(faster, seed) for seed in range(10)]

    for name in ("recall", "precision", "positive_rate"):
        errors = [weighted[name] - truth[name] for truth, weighted, _ in worlds]
        assert abs(np.mean(errors)) < 0.01, name
        assert np.abs(errors).max() < 0.03, name
    for name in biased:
        assert np.mean([plain[name] - truth[name] for truth, _, plain in worlds]) > 0.10, name


def test_where_labels_come_alike_the_weights_change_little() -> None:
    truth, weighted, plain = young("nothing", 2)

    for name in ("recall", "precision", "positive_rate", "roc_auc", "brier"):
        assert weighted[name] == pytest.approx(truth[name], abs=0.01)
        assert plain[name] == pytest.approx(truth[name], abs=0.01)


def test_the_delays_of_each_kind_are_found() -> None:
    rows, _, _ = world(3, 100_000)
    arrivals = Arrivals.of(rows)
    ages = np.array([1.0, 2.0, 5.0, 10.0, 20.0])

    for (label, _), arrival in arrivals.kinds.items():
        true = 1 - np.exp(-ages / (2.0 if label else 10.0))
        np.testing.assert_allclose(arrival.by(ages), true, atol=0.02)


def test_young_rows_alone_mislead_and_are_not_believed() -> None:
    """The control: the labels as they came, without those that wait, look twice as fast."""
    rows, _, _ = world(3, 100_000, days=10)
    came = only(rows, rows.labelled & (rows.labels == 0))
    seen = Arrival.of(only(rows, rows.answers == 0), 0)

    assert seen is not None
    assert (came.delays <= 2).mean() > 0.35
    share = float(seen.by(np.array([2.0]))[0]) / float(seen.by(np.array([8.0]))[0])
    assert share == pytest.approx((1 - np.exp(-0.2)) / (1 - np.exp(-0.8)), abs=0.02)


def test_labels_that_come_at_once_leave_every_row_as_it_is() -> None:
    random = np.random.default_rng(0)
    n = 400
    labels = random.integers(0, 2, n)
    rows = Rows(
        answers=random.integers(0, 2, n),
        labels=labels,
        ages=random.uniform(0, 30, n),
        delays=np.zeros(n),
    )
    arrivals = Arrivals.of(rows)

    assert arrivals.counted_from() == 0
    np.testing.assert_allclose(arrivals.weights(rows), 1)


def test_all_labels_in_one_import_leave_about_every_row_as_it_is() -> None:
    random = np.random.default_rng(0)
    n = 2000
    ages = np.sort(random.uniform(0, 30, n)) + 0.01
    rows = Rows(
        answers=random.integers(0, 2, n),
        labels=random.integers(0, 2, n),
        ages=ages,
        delays=ages - 0.01,
    )
    arrivals = Arrivals.of(rows)
    old = only(rows, rows.ages >= arrivals.counted_from())
    weights = arrivals.weights(old)

    assert len(old.ages) > 0.8 * n
    assert weights.sum() ** 2 / (weights**2).sum() > 0.9 * len(old.ages)


def test_rows_that_nobody_labels_are_stood_for() -> None:
    rows, _, _ = world(4, 20_000)
    unseen = np.random.default_rng(1).random(20_000) < 0.5
    half = Rows(
        answers=rows.answers,
        labels=np.where(unseen, UNLABELLED, rows.labels),
        ages=rows.ages,
        delays=rows.delays,
    )
    arrivals = Arrivals.of(half)
    at = half.ages >= arrivals.counted_from()

    assert arrivals.weights(only(half, at)).sum() == pytest.approx(at.sum(), rel=1e-9)


def test_without_rows_or_labels_nothing_is_learnt() -> None:
    none = np.zeros(0)
    empty = Rows(answers=none.astype(int), labels=none.astype(int), ages=none, delays=none)
    waiting = Rows(
        answers=np.array([0, 1]),
        labels=np.full(2, UNLABELLED),
        ages=np.array([1.0, 2.0]),
        delays=np.zeros(2),
    )

    for rows in (empty, waiting):
        arrivals = Arrivals.of(rows)
        assert arrivals.kinds == {}
        assert arrivals.counted_from() == 0
        assert arrivals.weights(rows).sum() == 0


def test_a_kind_with_few_labels_is_taken_with_others() -> None:
    random = np.random.default_rng(5)
    n = 1000
    labels = np.zeros(n, dtype=np.int64)
    labels[:10] = 1
    rows = Rows(
        answers=np.zeros(n, dtype=np.int64),
        labels=labels,
        ages=np.full(n, 30.0),
        delays=random.exponential(3.0, n),
    )
    kinds = Arrivals.of(rows).kinds

    np.testing.assert_array_equal(kinds[1, 0].delays, kinds[1, 1].delays)
    assert len(kinds[1, 0].delays) > 900  # of all rows, not of ten
