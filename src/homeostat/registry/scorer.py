"""Scorer: a version that answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError, UserError
from homeostat.registry.encode import encode, row_encoder
from homeostat.registry.onnx import OnnxEstimator, onnx_errors
from homeostat.registry.threads import one_thread
from homeostat.schema import Row
from homeostat.version import Version

__all__ = ["LARGEST", "Scorer", "positive_probabilities"]

#: Values beyond it are refused: forests compute in 32-bit floats, which end at 3.4e38, and
#: scaling must not reach infinity.
LARGEST = 1e30


@dataclass(frozen=True, slots=True)
class Scorer:
    """A version with its estimator, loaded and verified."""

    version: Version
    estimator: Any = field(repr=False)
    _encode: Callable[[Row], list[float]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up once how a row of this schema is encoded."""
        object.__setattr__(self, "_encode", row_encoder(self.version.schema))

    @property
    def quick(self) -> bool:
        """Whether few rows cost microseconds: then handing them to a thread would cost more."""
        return isinstance(self.estimator, OnnxEstimator)

    def probabilities(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """The probability of the positive class for each row, finite and in [0, 1].

        Raises
        ------
        UserError
            When a value is no number, is infinite or beyond 1e30; each feature is named.
        StateError
            When the estimator gives something else than probabilities.
        """
        x = encode(self.version.schema, rows)
        self._refuse_unusable(x)
        try:
            return positive_probabilities(self.estimator, x)
        except (StateError, ValueError) as error:
            raise self._silent(error) from error

    def probability(self, row: Row) -> float:
        """What `probabilities` gives for one row, with as little around the model as can be.

        Raises
        ------
        UserError, StateError
            As `probabilities` does.
        """
        codes = self._encode(row)
        # A NaN is within: no comparison with it holds.
        beyond = any(code > LARGEST or code < -LARGEST for code in codes)
        if beyond or not isinstance(self.estimator, OnnxEstimator):
            return float(self.probabilities((row,))[0])
        try:
            score = float(self.estimator.probabilities(np.array((codes,)))[0])
        except onnx_errors() as error:
            raise self._silent(error) from error
        if not 0.0 <= score <= 1.0:
            raise self._silent(f"{score} is not finite or outside [0, 1]")
        return score

    def predict(self, rows: Sequence[Row]) -> NDArray[np.int64]:
        """1 where the probability reaches the threshold of the version, else 0."""
        return (self.probabilities(rows) >= self.version.threshold).astype(np.int64)

    def _silent(self, cause: object) -> StateError:
        name = f"{self.version.model} version {self.version.number}"
        return StateError(f"{name} gave no probabilities: {cause}")

    def _refuse_unusable(self, x: NDArray[np.float64]) -> None:
        size = np.abs(x)
        if np.fmax.reduce(size, axis=None, initial=0.0) <= LARGEST:  # NaN is left out
            return
        names = self.version.schema.names
        raise UserError(
            "the rows cannot be scored",
            [
                f"{names[i]}: beyond {LARGEST:g}, no model can compute with it"
                for i in np.flatnonzero((size > LARGEST).any(axis=0))
            ],
        )


def positive_probabilities(estimator: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the estimator says of the positive class, checked; nothing for no rows.

    Raises
    ------
    StateError
        When the shape is another, or a value is not finite or outside [0, 1].
    """
    if not hasattr(estimator, "predict_proba"):
        raise StateError(f"{type(estimator).__name__} gives no probabilities")
    if not len(x):
        return np.empty(0)
    scores = (
        _compiled(estimator, x) if isinstance(estimator, OnnxEstimator) else _second(estimator, x)
    )
    if not (np.minimum.reduce(scores) >= 0 and np.maximum.reduce(scores) <= 1):  # or NaN
        wrong = int(np.count_nonzero(~((scores >= 0) & (scores <= 1))))
        raise StateError(f"{wrong} of {len(x)} values are not finite or outside [0, 1]")
    return scores


def _compiled(estimator: OnnxEstimator, x: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        scores = estimator.probabilities(np.ascontiguousarray(x, dtype=np.float64))
    except onnx_errors() as error:
        raise StateError(str(error).partition("\n")[0][:300]) from error
    if scores.shape != (len(x),):
        raise StateError(f"shape {scores.shape} where {(len(x),)} is asked")
    return scores


def _second(estimator: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:
    with one_thread():
        both = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    if both.shape != (len(x), 2):
        raise StateError(f"shape {both.shape} where {(len(x), 2)} is asked")
    positive: NDArray[np.float64] = both[:, 1]
    return positive
