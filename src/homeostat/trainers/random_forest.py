"""The mean of many trees, each grown on other rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.schema import Schema
from homeostat.trainers import TRAINERS, pipeline

__all__ = ["RandomForest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomForest:
    """Hard to overfit, with little to tune; answers more slowly than boosting."""

    trees: int = 100
    min_leaf_rows: int = 10  #: keeps an artefact to some megabytes

    def fit(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        schema: Schema,
        seed: int,
    ) -> Any:
        """Fitted in one thread, so that sums come in the same order each time."""
        from sklearn.ensemble import RandomForestClassifier

        estimator = RandomForestClassifier(
            n_estimators=self.trees, min_samples_leaf=self.min_leaf_rows, random_state=seed
        )
        return pipeline(schema, estimator).fit(x, y, estimator__sample_weight=weights)


TRAINERS.register("random_forest")(RandomForest())
