"""Boosted trees on binned values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.registry.threads import one_thread
from homeostat.schema import Schema
from homeostat.trainers import TRAINERS, pipeline

__all__ = ["HistGradientBoosting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistGradientBoosting:
    """Accurate on most tables, quick to train and to answer: the default.

    Trees are kept smaller and slower than scikit-learn's own defaults, which learn a few
    thousand rows with rare positives by heart: a candidate often has no more.

    Categories come in as columns of zeros and ones: the estimator's own treatment of them is
    lost, without a word, when a model is converted to ONNX.
    """

    trees: int = 100
    learning_rate: float = 0.06
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 40
    l2_regularization: float = 1.0

    def fit(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        schema: Schema,
        seed: int,
    ) -> Any:
        """Fitted on all rows, in one thread: none are set aside at random to stop early."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        estimator = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            early_stopping=False,
            random_state=seed,
        )
        with one_thread():
            return pipeline(schema, estimator).fit(x, y, estimator__sample_weight=weights)


TRAINERS.register("hist_gradient_boosting")(HistGradientBoosting())
