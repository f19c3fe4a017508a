"""Trainers: encoded rows in, a fitted pipeline out.

A pipeline makes numbers out of what `homeostat.registry.encode` gives, then estimates.  The
columns that it makes follow from the schema, so a category that was never seen has its place.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.extension import Catalog
from homeostat.schema import Feature, Kind, Schema

__all__ = ["TRAINERS", "Trainer", "pipeline"]


class Trainer(Protocol):
    """One way to learn from rows."""

    def fit(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        schema: Schema,
        seed: int,
    ) -> Any:
        """A fitted estimator with ``predict_proba`` for the classes 0 and 1.

        Parameters
        ----------
        x
            Shape (n, k), as `homeostat.registry.encode` gives it: missing is NaN, an unknown
            category -1.
        y
            Shape (n,), 1 is the positive class; both classes occur.
        weights
            Shape (n,), not negative; None weighs all rows alike.
        """
        ...


TRAINERS: Catalog[Trainer] = Catalog("trainer", "homeostat.trainers")


def pipeline(schema: Schema, estimator: Any, *, scale: bool = False) -> Any:
    """An unfitted pipeline that prepares encoded columns for `estimator`.

    Numbers and booleans: the median where a value is missing, and a column that says so for
    each feature that may miss.  Categories: a column for each that the schema knows, and one
    for missing where the feature may miss; an unknown category is none of them.

    Parameters
    ----------
    estimator
        Gets only finite numbers, as the step `estimator`.
    scale
        Whether numbers are brought to mean 0 and variance 1.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    places = list(enumerate(schema.features))
    plain = [i for i, f in places if f.kind is not Kind.CATEGORY and not f.nullable]
    nullable = [i for i, f in places if f.kind is not Kind.CATEGORY and f.nullable]
    category = [(i, f) for i, f in places if f.kind is Kind.CATEGORY]
    steps = []
    if plain:
        steps.append(("plain", _numbers(scale=scale, indicate=False), plain))
    if nullable:
        steps.append(("nullable", _numbers(scale=scale, indicate=True), nullable))
    if category:
        encoder = _categories([f for _, f in category])
        steps.append(("category", encoder, [i for i, _ in category]))
    return Pipeline([("columns", ColumnTransformer(steps)), ("estimator", estimator)])


def _numbers(*, scale: bool, indicate: bool) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    impute = SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=indicate)
    return Pipeline([("impute", impute), ("scale", StandardScaler())]) if scale else impute


def _categories(features: list[Feature]) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    known = [
        [*map(float, range(len(feature.categories))), *([np.nan] if feature.nullable else [])]
        for feature in features
    ]
    return OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
