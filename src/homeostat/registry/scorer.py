"""Scorer: a version that answers."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError, UserError
from homeostat.registry.encode import encode
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

    @property
    def quick(self) -> bool:
        """Whether few rows cost microseconds: then handing them to a thread would cost more."""
        return bool(getattr(self.estimator, "quick", False))

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
            name = f"{self.version.model} version {self.version.number}"
            raise StateError(f"{name} gave no probabilities: {error}") from error

    def predict(self, rows: Sequence[Row]) -> NDArray[np.int64]:
        """1 where the probability reaches the threshold of the version, else 0."""
        return (self.probabilities(rows) >= self.version.threshold).astype(np.int64)

    def _refuse_unusable(self, x: NDArray[np.float64]) -> None:
        beyond = np.flatnonzero((np.abs(x) > LARGEST).any(axis=0))
        if len(beyond):
            names = self.version.schema.names
            raise UserError(
                "the rows cannot be scored",
                [f"{names[i]}: beyond {LARGEST:g}, no model can compute with it" for i in beyond],
            )


def positive_probabilities(estimator: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The second column of ``predict_proba``, checked; nothing for no rows.

    Raises
    ------
    StateError
        When the shape is another, or a value is not finite or outside [0, 1].
    """
    if not hasattr(estimator, "predict_proba"):
        raise StateError(f"{type(estimator).__name__} gives no probabilities")
    if not len(x):
        return np.empty(0)
    with nullcontext() if getattr(estimator, "quick", False) else one_thread():
        both = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    if both.shape != (len(x), 2):
        raise StateError(f"shape {both.shape} where {(len(x), 2)} is asked")
    scores = both[:, 1]
    wrong = int(np.count_nonzero(~((scores >= 0) & (scores <= 1))))
    if wrong:
        raise StateError(f"{wrong} of {len(x)} values are not finite or outside [0, 1]")
    return scores
