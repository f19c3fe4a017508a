"""A trainer with one fault each, and the check that must find it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.preprocessing import FunctionTransformer

from homeostat.errors import StateError
from homeostat.testing.trainer import trainer_checks
from homeostat.trainers import TRAINERS, Trainer

FIT = TRAINERS["logistic_regression"].fit
CHECKS = {check.__name__: check for check in trainer_checks()}


class Faulty:
    def __init__(self, fit: Callable[..., Any]) -> None:
        self.fit = fit


def learns_nothing(x: Any, y: Any, weights: Any, schema: Any, seed: int) -> Any:
    return DummyClassifier().fit(x, y)


def forgets_the_seed(x: Any, y: Any, weights: Any, schema: Any, seed: int) -> Any:
    forest = TRAINERS["random_forest"].fit
    return forest(x, y, weights, schema, int(np.random.default_rng().integers(2**31)))


def writes_into_x(x: Any, y: Any, weights: Any, schema: Any, seed: int) -> Any:
    x[np.isnan(x)] = 0
    return FIT(x, y, weights, schema, seed)


def ignores_weights(x: Any, y: Any, weights: Any, schema: Any, seed: int) -> Any:
    return FIT(x, y, None, schema, seed)


def holds_a_function(x: Any, y: Any, weights: Any, schema: Any, seed: int) -> Any:
    fitted = FIT(x, y, weights, schema, seed)
    fitted.steps.insert(0, ("round", FunctionTransformer(np.round).fit(x)))
    return fitted


class Batchwise:
    """Scores a row by its rank in the batch."""

    classes_ = np.array([0, 1])

    def predict_proba(self, x: Any) -> Any:
        rank = np.argsort(np.argsort(x[:, 0])) / len(x)
        return np.column_stack([1 - rank, rank])


def looks_at_the_neighbours(*given: Any) -> Any:
    return Batchwise()


class NoProbabilities:
    classes_ = np.array([0, 1])

    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), 2), np.nan)


def gives_no_probabilities(*given: Any) -> Any:
    return NoProbabilities()


@pytest.mark.parametrize(
    ("fit", "name"),
    [
        (learns_nothing, "check_it_learns"),
        (forgets_the_seed, "check_equal_seeds_make_equal_models"),
        (writes_into_x, "check_inputs_stay_as_they_are"),
        (ignores_weights, "check_weights_count"),
        (looks_at_the_neighbours, "check_a_row_alone_and_in_a_batch_get_the_same"),
        (gives_no_probabilities, "check_answers_are_probabilities"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_fault_is_found(fit: Callable[..., Any], name: str) -> None:
    trainer: Trainer = Faulty(fit)

    with pytest.raises(AssertionError):
        CHECKS[name](trainer)


def test_a_type_that_is_not_listed_is_named() -> None:
    with pytest.raises(StateError, match="FunctionTransformer"):
        CHECKS["check_it_survives_storage"](Faulty(holds_a_function))
