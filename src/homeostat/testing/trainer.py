# ruff: noqa: S101 (a check asserts)
"""What every trainer must do.

Run each check on a trainer of your own; it raises AssertionError where the trainer fails:

```
@pytest.mark.parametrize("check", list(trainer_checks()), ids=lambda c: c.__name__)
def test_trainer(check):
    check(MyTrainer())
```
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.registry.scorer import positive_probabilities
from homeostat.registry.threads import one_thread
from homeostat.registry.trusted import dump_estimator, load_estimator
from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.trainers import Trainer
from homeostat.trainers.train import TrainingData

__all__ = ["sample_data", "sample_schema", "trainer_checks"]

Check = Callable[[Trainer], None]

ROWS = 600
CATEGORIES = ("north", "south", "east", "west")


def trainer_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_it_learns
    yield check_answers_are_probabilities
    yield check_equal_seeds_make_equal_models
    yield check_inputs_stay_as_they_are
    yield check_a_row_alone_and_in_a_batch_get_the_same
    yield check_missing_and_unknown_values_are_scored
    yield check_empty_and_constant_columns_are_borne
    yield check_every_mix_of_kinds_is_borne
    yield check_weights_count
    yield check_it_survives_storage


def sample_schema(*, nullable: bool = True) -> Schema:
    """A schema with a feature of each kind; `income`, `member` and `region` may miss."""
    return Schema(
        task=Task.BINARY,
        target=Target(column="bad"),
        features=(
            Feature(name="income", kind=Kind.NUMBER, nullable=nullable),
            Feature(name="children", kind=Kind.INTEGER, minimum=0),
            Feature(name="member", kind=Kind.BOOLEAN, nullable=nullable),
            Feature(name="region", kind=Kind.CATEGORY, categories=CATEGORIES, nullable=nullable),
        ),
    )


def sample_data(n: int = ROWS, *, seed: int = 0, nullable: bool = True) -> TrainingData:
    """Rows whose label can be guessed from their features, with an AUC of about 0.9."""
    random = np.random.default_rng(seed)
    x = np.column_stack(
        [
            random.normal(50_000, 20_000, n),
            random.poisson(1.5, n),
            random.integers(0, 2, n),
            random.integers(0, len(CATEGORIES), n),
        ]
    ).astype(float)
    logit = (x[:, 0] - 50_000) / 7_000 + 2 * x[:, 2] - 3 * (x[:, 3] == 1)
    y = (random.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    if nullable:
        for column in (0, 2, 3):
            x[random.random(n) < 0.05, column] = np.nan
    return TrainingData(sample_schema(nullable=nullable), x, y)


def check_it_learns(trainer: Trainer) -> None:
    """What follows from the features is found: AUC of at least 0.8 on new rows."""
    from sklearn.metrics import roc_auc_score

    new = sample_data(seed=1)
    scores = positive_probabilities(_fitted(trainer, sample_data()), new.x)

    auc = float(roc_auc_score(new.y, scores))
    assert auc >= 0.8, f"AUC {auc:.3f} on new rows, at least 0.8 asked"


def check_answers_are_probabilities(trainer: Trainer) -> None:
    """Classes are 0 and 1, rows add up to 1, every value is finite and in [0, 1]."""
    data = sample_data()
    estimator = _fitted(trainer, data)
    with one_thread():
        both = estimator.predict_proba(data.x)

    assert list(estimator.classes_) == [0, 1]
    assert both.shape == (len(data.x), 2)
    assert np.isfinite(both).all()
    assert ((both >= 0) & (both <= 1)).all()
    assert np.allclose(both.sum(axis=1), 1)


def check_equal_seeds_make_equal_models(trainer: Trainer) -> None:
    """The same rows with the same seed give the same model, to the last bit."""
    data = sample_data()
    first, second = _scores(trainer, data, data.x), _scores(trainer, data, data.x)

    assert (first == second).all()


def check_inputs_stay_as_they_are(trainer: Trainer) -> None:
    """Nothing that was given is written to."""
    data = sample_data()
    weights = np.ones(len(data.y))
    before = [data.x.copy(), data.y.copy(), weights.copy()]
    positive_probabilities(trainer.fit(data.x, data.y, weights, data.schema, 0), data.x)

    for given, copy in zip([data.x, data.y, weights], before, strict=True):
        assert np.array_equal(given, copy, equal_nan=True)


def check_a_row_alone_and_in_a_batch_get_the_same(trainer: Trainer) -> None:
    """The probability of a row does not depend on its neighbours, to 1e-12."""
    data = sample_data()
    estimator = _fitted(trainer, data)
    together = positive_probabilities(estimator, data.x[:40])
    alone = [positive_probabilities(estimator, data.x[i : i + 1])[0] for i in range(40)]

    assert np.allclose(together, alone, rtol=0, atol=1e-12)


def check_missing_and_unknown_values_are_scored(trainer: Trainer) -> None:
    """A row may lack everything, and hold a category that nobody knows."""
    for nullable in (True, False):
        estimator = _fitted(trainer, sample_data(nullable=nullable))
        odd = np.array([[np.nan] * 4, [5e4, 1, 1, -1], [-1e30, 1e30, 0, -1]])

        assert len(positive_probabilities(estimator, odd)) == 3


def check_empty_and_constant_columns_are_borne(trainer: Trainer) -> None:
    """A column without a value, one with a single value, one with a single category."""
    data = sample_data()
    x = data.x.copy()
    x[:, 0], x[:, 1], x[:, 3] = np.nan, 7, 2
    scores = _scores(trainer, replace(data, x=x), data.x)

    assert len(scores) == len(data.x)


def check_every_mix_of_kinds_is_borne(trainer: Trainer) -> None:
    """Each kind of feature alone, whether it may miss or not."""
    for nullable in (True, False):
        whole = sample_data(nullable=nullable)
        for i, feature in enumerate(whole.schema.features):
            schema = replace(whole.schema, features=(feature,))
            alone = replace(whole, schema=schema, x=whole.x[:, [i]])

            assert len(_scores(trainer, alone, alone.x)) == len(whole.y)


def check_weights_count(trainer: Trainer) -> None:
    """Where positives weigh ten times as much, probabilities rise."""
    data = sample_data()
    plain = _scores(trainer, data, data.x)
    weighted = _scores(trainer, replace(data, weights=np.where(data.y == 1, 10.0, 1.0)), data.x)

    assert weighted.mean() > plain.mean() + 0.02


def check_it_survives_storage(trainer: Trainer) -> None:
    """Written and read back through the allow-list, it answers the same to the last bit."""
    data = sample_data()
    estimator = _fitted(trainer, data)
    again = load_estimator(dump_estimator(estimator))

    with one_thread():
        assert (estimator.predict_proba(data.x) == again.predict_proba(data.x)).all()


def _fitted(trainer: Trainer, data: TrainingData) -> Any:
    return trainer.fit(data.x, data.y, data.weights, data.schema, 7)


def _scores(trainer: Trainer, data: TrainingData, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return positive_probabilities(_fitted(trainer, data), x)
