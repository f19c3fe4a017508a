"""A weighted sum of the features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.schema import Schema
from homeostat.trainers import TRAINERS, pipeline

__all__ = ["LogisticRegression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticRegression:
    """The model that can be read: one coefficient for each column."""

    inverse_penalty: float = 1.0  #: larger is freer, scikit-learn's C

    def fit(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        schema: Schema,
        seed: int,
    ) -> Any:
        """Fitted on scaled columns; nothing in it is random."""
        from sklearn import linear_model

        estimator = linear_model.LogisticRegression(
            C=self.inverse_penalty, max_iter=1000, random_state=seed
        )
        made = pipeline(schema, estimator, scale=True)
        return made.fit(x, y, estimator__sample_weight=weights)


TRAINERS.register("logistic_regression")(LogisticRegression())
