"""Streams from real files: scored by a model, their windows drawn so that their world changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.estimates.stream import CONCEPT, COVARIATE, QUIET, Rows, Stream, strength

__all__ = ["DRAWS", "car_loan", "drawn", "real"]

_Floats = NDArray[np.float64]

DRAWS = 3  #: of each stream that is drawn
WINDOWS = 60  #: of each draw
PULL = 1.2  #: how much likelier rows are drawn, in logs for a deviation of what they are drawn by


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pool:
    """Scored rows to draw windows from, and how their relation could be another one."""

    reference: Rows
    rows: Rows
    by: _Floats  #: by what rows are drawn when the rows change; mean 0, deviation 1
    turned: _Floats  #: chance that a label turns over when the relation has changed
    size: int  #: rows of a window
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What changes in a stream that is drawn from a pool."""

    name: str
    changes: str
    rows: str = "none"
    relation: str = "none"


STORIES = (
    Story(name="nothing changes", changes=QUIET),
    Story(name="rows ramp", changes=COVARIATE, rows="ramp"),
    Story(name="rows swing", changes=COVARIATE, rows="swings"),
    Story(name="relation steps", changes=CONCEPT, relation="step"),
    Story(name="relation ramps", changes=CONCEPT, relation="ramp"),
    Story(name="both", changes=CONCEPT, rows="swings", relation="ramp"),
)


def real(data: Path, draws: int = DRAWS) -> Iterator[list[Stream]]:
    """Every stream of the bench, each in its draws."""
    yield [car_loan(data)]
    for name, pool in (("GMSC", credit), ("telco", telco)):
        for story in STORIES:
            yield [drawn(pool(data), story, f"{name}, {story.name}", i) for i in range(draws)]


def car_loan(data: Path, size: int = 1_000) -> Stream:
    """NannyML's own example: its reference, and its analysis period with the labels."""
    folder = data / "nannyml_car_loan"
    before = pl.read_csv(folder / "synthetic_car_loan_reference.csv")
    after = pl.read_csv(folder / "synthetic_car_loan_analysis.csv").join(
        pl.read_csv(folder / "synthetic_car_loan_analysis_target.csv"), on="id"
    )
    reference, rows = (
        Rows(one["y_pred_proba"].to_numpy(), one["repaid"].to_numpy().astype(np.int64))
        for one in (before, after.sort("timestamp"))
    )
    return Stream(name="car loan", changes=COVARIATE, reference=reference, rows=rows, size=size)


def drawn(pool: Pool, story: Story, name: str, draw: int) -> Stream:
    """One draw of a story from a pool of rows."""
    random = np.random.default_rng([draw, sum(name.encode())])
    moved, changed = strength(story.rows, WINDOWS), strength(story.relation, WINDOWS)
    score, label = [], []
    for pull, turn in zip(moved, changed, strict=True):
        chance = np.exp(PULL * pull * pool.by)
        held = random.choice(len(chance), pool.size, p=chance / chance.sum())
        turned = random.random(pool.size) < turn * pool.turned[held]
        score.append(pool.rows.score[held])
        label.append(np.where(turned, 1 - pool.rows.label[held], pool.rows.label[held]))
    return Stream(
        name=name,
        changes=story.changes,
        reference=pool.reference,
        rows=Rows(np.concatenate(score), np.concatenate(label)),
        size=pool.size,
        threshold=pool.threshold,
    )


@cache
def credit(data: Path) -> Pool:
    """Give Me Some Credit: 50,000 rows to learn from, 30,000 for the reference.

    Rows move to high utilisation and youth; in the other relation the young fail more often,
    and those whose credit is used up less.
    """
    frame = pl.read_csv(data / "gmsc" / "cs-training.csv", null_values="NA")
    target = frame["SeriousDlqin2yrs"].to_numpy().astype(np.int64)
    x = frame.drop("SeriousDlqin2yrs", frame.columns[0]).cast(pl.Float64).to_numpy()
    used, age = x[:, 0], x[:, 1]
    turned = np.where(target == 1, 0.6 * (used > 0.9), 0.25 * (age < 45))
    return _pool(World(x, target, _ranks(used) - _ranks(age), turned), (50_000, 30_000), size=1_000)


@cache
def telco(data: Path) -> Pool:
    """IBM's customers: 2,500 rows to learn from, 1,500 for the reference.

    Rows move to new and expensive customers; in the other relation those with a contract
    leave more often, and those without less.
    """
    numbers = {"TotalCharges": pl.String}  # blank for eleven customers
    frame = pl.read_csv(
        data / "telco" / "Telco-Customer-Churn.csv", schema_overrides=numbers
    ).with_columns(pl.col("TotalCharges").str.strip_chars().cast(pl.Float64, strict=False))
    target = (frame["Churn"] == "Yes").to_numpy().astype(np.int64)
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    coded = frame.with_columns(pl.col(texts).rank("dense")).drop("customerID", "Churn")
    x = coded.cast(pl.Float64).to_numpy()
    tenure = frame["tenure"].to_numpy().astype(float)
    loose = (frame["Contract"] == "Month-to-month").to_numpy()
    price = frame["MonthlyCharges"].to_numpy()
    turned = np.where(target == 1, 0.5 * loose, 0.3 * ~loose)
    return _pool(World(x, target, _ranks(price) - _ranks(tenure), turned), (2_500, 1_500), size=300)


@dataclass(frozen=True, eq=False, slots=True)
class World:
    """Rows of a file, by what they can be drawn, and how their relation could be another one."""

    x: _Floats
    target: NDArray[np.int64]
    by: _Floats
    turned: _Floats


def _pool(world: World, cuts: tuple[int, int], *, size: int) -> Pool:
    """Rows in an order of chance: the first for a model, the next for the reference."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, target = world.x, world.target
    order = np.random.default_rng(0).permutation(len(target))
    learn, refer, rest = np.split(order, np.cumsum(cuts))
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=0)
    model.fit(x[learn], target[learn])
    reference, rows = (
        Rows(model.predict_proba(x[one])[:, 1], target[one]) for one in (refer, rest)
    )
    by = world.by[rest]
    return Pool(
        reference=reference,
        rows=rows,
        by=(by - by.mean()) / by.std(),
        turned=world.turned[rest],
        size=size,
        threshold=_best_threshold(reference),
    )


def _best_threshold(rows: Rows) -> float:
    """Of a few quantiles of the scores the one with the highest F1."""

    def f1(threshold: float) -> float:
        said = rows.score >= threshold
        return float(2 * (said & (rows.label == 1)).sum() / (said.sum() + rows.label.sum()))

    candidates: list[float] = np.quantile(rows.score, np.linspace(0.5, 0.98, 49)).tolist()
    return max(candidates, key=f1)


def _ranks(values: _Floats) -> _Floats:
    """Normalised ranks, from -1 to 1."""
    ranks: _Floats = 2 * rankdata(values) / len(values) - 1
    return ranks
