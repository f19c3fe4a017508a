"""Scored rows with labels, as tests need them."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from homeostat.bins import PREDICTION, PROBABILITY

THRESHOLD = 0.4


def drawn(
    n: int, *, seed: int = 0, shift: float = 0.0, digits: int | None = None, turn: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and scores; the scores are right, but for labels that are turned over."""
    random = np.random.default_rng(seed)
    score = expit(-0.6 + 1.3 * random.normal(size=n) + shift)
    label = random.random(n) < score
    label ^= random.random(n) < turn
    return label.astype(np.int64), score if digits is None else score.round(digits)


def frame_of(scores: NDArray[Any]) -> pl.DataFrame:
    """The rows of a profile that counts answers only."""
    said = (scores >= THRESHOLD).astype(int).astype(str)
    return pl.DataFrame({PROBABILITY: scores, PREDICTION: said})
