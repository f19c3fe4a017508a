"""Every built-in estimator under the contract of estimators."""

from typing import Any

import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from homeostat.estimators import ESTIMATORS
from homeostat.testing.estimator import ERRORS, SCORES, Check, estimator_checks


def splines() -> Any:
    lines = SplineTransformer(n_knots=7, degree=1, extrapolation="linear")
    return make_pipeline(lines, LinearRegression())


#: Settings that an estimator cannot do without, and what it reads where that is not scores.
GIVEN: dict[str, dict[str, Any]] = {"dle": {"learner": splines}}
READS = {"dle": ERRORS}


@pytest.mark.parametrize("name", list(ESTIMATORS))
@pytest.mark.parametrize("check", list(estimator_checks()), ids=lambda c: c.__name__)
def test_estimator(name: str, check: Check) -> None:
    check(ESTIMATORS[name](**GIVEN.get(name, {})), READS.get(name, SCORES))


def test_the_built_in_ones_are_there() -> None:
    assert list(ESTIMATORS) == ["cbpe", "dle"]
