"""The model behind BentoML, which gets an array: the cheaper of its two ways."""

import os

import bentoml
import joblib
import numpy as np
from numpy.typing import NDArray


@bentoml.service(name="bench", workers=1)
class Bench:
    """Answers rows."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    @bentoml.api
    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of the positive class for each row."""
        return np.asarray(self.model.predict_proba(rows)[:, 1])
