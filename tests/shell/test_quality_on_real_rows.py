"""Quality on real customers: Telco churn and Give Me Some Credit, with models that were fitted."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from homeostat.performance import Performance
from homeostat.schema import Row
from homeostat.standards import Standards, judge_degradation, judge_thresholds
from homeostat.verdict import Outcome
from homeostat.weakness import Searched, WeakSegment, group_rows, weak_segments

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]


@pytest.fixture(scope="module")
def churn(data_dir: Path) -> tuple[pl.DataFrame, Labels]:
    """7,043 customers in an order of chance, and which of them left."""
    path = data_dir / "telco" / "Telco-Customer-Churn.csv"
    frame = pl.read_csv(path).sample(fraction=1.0, shuffle=True, seed=1)
    numbers = frame.select("tenure", "MonthlyCharges", "SeniorCitizen").cast(pl.Float64)
    months = frame.select(
        (pl.col("Contract") == "Month-to-month").cast(float).alias("monthly"),
        (pl.col("InternetService") == "Fiber optic").cast(float).alias("fibre"),
    )
    labels = (frame["Churn"] == "Yes").cast(int).to_numpy()
    return pl.concat([numbers, months], how="horizontal"), labels


def test_churn_scored_without_tenure_is_shown_to_degrade_and_itself_is_not(
    churn: tuple[pl.DataFrame, Labels],
) -> None:
    """A feed that sends no tenure: everybody looks like a new customer."""
    x, y = churn[0].to_numpy(), churn[1]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[:3000], y[:3000])

    def measured(rows: slice, *, broken: bool = False) -> Performance:
        seen = x[rows].copy()
        if broken:
            seen[:, 0] = 0
        p = model.predict_proba(seen)[:, 1]
        return Performance.of(y[rows], (p >= 0.4).astype(np.int64), p)

    reference = measured(slice(3000, 5000)).figures()
    standards = Standards(limits={"precision": 0.50, "accuracy": 0.70})
    quiet = measured(slice(5000, None)).figures()
    broken = measured(slice(5000, None), broken=True).figures()
    rows = len(y) - 5000

    assert judge_degradation(quiet, reference, standards, rows).outcome is not Outcome.FAIL
    assert judge_thresholds(quiet, standards, rows).outcome is Outcome.PASS
    fallen = judge_degradation(broken, reference, standards, rows)
    breached = judge_thresholds(broken, standards, rows)
    assert fallen.outcome is breached.outcome is Outcome.FAIL
    assert {"accuracy", "precision"} <= {one.subject for one in fallen.measurements if one.drifted}
    assert "below 0.50 on 2,043 labelled rows" in breached.reason


@pytest.fixture(scope="module")
def credit(data_dir: Path) -> tuple[list[Row], Labels, Scores]:
    """30,000 borrowers with the scores of a model that learnt from others."""
    frame = pl.read_csv(data_dir / "gmsc" / "cs-training.csv", null_values="NA")
    frame = frame.select(frame.columns[1:]).head(75_000)
    x = frame.drop("SeriousDlqin2yrs").cast(pl.Float64).to_numpy()
    y = frame["SeriousDlqin2yrs"].to_numpy().astype(np.int64)
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x[:45_000], y[:45_000])
    names = ("age", "MonthlyIncome", "NumberOfDependents", "DebtRatio")
    rows = frame.select(names)[45_000:].to_dicts()
    return rows, y[45_000:], model.predict_proba(x[45_000:])[:, 1]


def searched(rows: list[Row], labels: Labels, scores: Scores) -> tuple[WeakSegment, ...]:
    every = Searched(
        labels=labels,
        probabilities=scores,
        weights=np.ones(len(labels)),
        groups=group_rows(rows, list(rows[0])),
        half=np.arange(len(labels)) % 2 == 0,
    )
    return weak_segments(every)


def test_a_part_of_real_borrowers_that_went_bad_is_found(
    credit: tuple[list[Row], Labels, Scores],
) -> None:
    rows, labels, scores = credit
    many = np.array([(one["NumberOfDependents"] or 0) in {3, 4} for one in rows])
    worse = labels.copy()
    worse[many & (np.random.default_rng(0).random(len(labels)) < 0.08)] = 1

    assert searched(rows, labels, scores) == ()
    [first, *_] = searched(rows, worse, scores)
    assert "NumberOfDependents" in first.name
    assert first.seen > 1.2 * first.expected
