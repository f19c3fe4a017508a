"""The model and the rows that every server gets, with NumPy and scikit-learn alone.

Every environment trains the model for itself, from the same rows and with the same seed: what
one library wrote need not be readable by another's version.  The bench asks every server for
the same row first, and refuses one that answers otherwise.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NAMES", "SEED", "TOLERANCE", "estimator", "rows", "training"]

NAMES = tuple(f"x{i}" for i in range(10))
SEED = 20_260_105
TRAINING_ROWS = 20_000

#: Between the answers of two servers; a compiled model computes in 32 bits.
TOLERANCE = 1e-4


def rows(n: int, seed: int = SEED + 1) -> NDArray[np.float64]:
    """So many rows, of values as they are written: to four decimals."""
    drawn = np.random.default_rng(seed).normal(size=(n, len(NAMES)))
    return np.asarray(np.round(drawn, 4), dtype=np.float64)


def training() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The rows that the model learns from, and their classes."""
    x = rows(TRAINING_ROWS, SEED)
    score = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) - 0.3 * np.abs(x[:, 4])
    noise = np.random.default_rng(SEED + 2).logistic(size=len(x))
    return x, (score + noise > 0.5).astype(np.int64)


def estimator(seed: int = 0) -> Any:
    """The fitted model; another seed gives one that answers clearly otherwise."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    x, y = training()
    model = HistGradientBoostingClassifier(max_iter=100, random_state=seed, early_stopping=False)
    with threadpool_limits(1):  # on a busy machine threads wait for each other, for minutes
        return model.fit(x, y if not seed else y ^ (x[:, seed % len(NAMES)] > 1))
