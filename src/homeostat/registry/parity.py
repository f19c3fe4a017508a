"""Parity: whether a compiled model answers like the one that it was made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError
from homeostat.registry.encode import UNKNOWN
from homeostat.registry.scorer import LARGEST, positive_probabilities

__all__ = ["DOUBLE", "SINGLE", "Answering", "Parity", "Trial", "not_compiled", "prove"]

#: Allowed between two computations in doubles: what golden rows may be off by, too.
DOUBLE = 1e-9

#: Allowed where the original computes in floats of 32 bits, which differ in the seventh digit
#: by the order of a sum.  No row may change its class.
SINGLE = 1e-6

ROWS = 512  #: given rows that are asked
VARIED = 16  #: of them, each with every column changed in turn


class Answering(Protocol):
    """Anything with the two columns of a classifier."""

    def predict_proba(self, x: NDArray[np.float64]) -> Any:
        """Shape (n, 2)."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trial:
    """What two models are asked."""

    x: NDArray[np.float64]  #: encoded rows that no model learnt from, shape (n, k)
    threshold: float | None = None  #: no row may come to lie on its other side
    nullable: tuple[bool, ...] = ()  #: by column, whether values may miss; empty: none may

    def rows(self) -> Iterator[tuple[NDArray[np.float64], bool]]:
        """Blocks of rows, and whether the original must answer them.

        The given rows; then some of them with each column in turn missing, unknown (-1), 0,
        at its ends, far beyond them on both sides, and moved by less than a 32-bit float
        can tell.  The last block has rows that miss everything.
        """
        given = _some(self.x, ROWS)
        yield given, True
        few = _some(given, VARIED)
        for i in range(self.x.shape[1]):
            column = given[np.isfinite(given[:, i]), i]
            ends = (column.min(), column.max()) if len(column) else (0.0, 1.0)
            for value in (UNKNOWN, 0.0, *ends, -LARGEST, LARGEST):
                yield _with(few, i, value), True
            yield _with(few, i, few[:, i] * (1 + 1e-9)), True
            yield _with(few, i, few[:, i] * (1 - 1e-9)), True
            yield _with(few, i, np.nan), bool(self.nullable) and self.nullable[i]
        yield np.full((1, self.x.shape[1]), np.nan), bool(self.nullable) and all(self.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Which of the two serves, and why."""

    compiled: bool
    reason: str  #: why it is not compiled, or was not compared
    rows: int = 0  #: that both were asked
    largest: float | None = None  #: difference of two probabilities; None: never compared
    tolerance: float = DOUBLE

    def __str__(self) -> str:
        """One line for people."""
        if not self.compiled:
            return f"not compiled: {self.reason}"
        if self.largest is None:
            return f"compiled: {self.reason}"
        return f"compiled: yes, largest difference {self.largest:.1g} over {self.rows:,} rows"

    def to_dict(self) -> dict[str, Any]:
        """For ``version.json``."""
        return {
            "compiled": self.compiled,
            "reason": self.reason,
            "rows": self.rows,
            "largest_difference": self.largest,
            "tolerance": self.tolerance,
        }


def not_compiled(reason: str) -> Parity:
    """The original serves, without a comparison."""
    return Parity(compiled=False, reason=reason)


def prove(
    original: Answering, compiled: Answering, trial: Trial, *, tolerance: float = DOUBLE
) -> Parity:
    """Whether `compiled` may serve: no answer is off by more than `tolerance`, or flips.

    What the original cannot answer is not asked, unless such rows may come.
    """
    rows, largest, flips = 0, 0.0, 0
    for x, needed in trial.rows():
        try:
            expected = positive_probabilities(original, x)
        except (StateError, ValueError) as error:
            if needed:
                return not_compiled(f"the original refuses rows that may come: {error}")
            continue
        try:
            seen = positive_probabilities(compiled, x)
        except (StateError, ValueError) as error:
            return not_compiled(f"the compiled model refuses what the original answers: {error}")
        rows += len(x)
        largest = max(largest, float(np.max(np.abs(seen - expected), initial=0.0)))
        if trial.threshold is not None:
            changed = (seen >= trial.threshold) != (expected >= trial.threshold)
            flips += int(np.count_nonzero(changed))
    problem = _problem(largest, flips, tolerance)
    reason = f"{problem} over {rows:,} rows" if problem else ""
    return Parity(
        compiled=not problem, reason=reason, rows=rows, largest=largest, tolerance=tolerance
    )


def _problem(largest: float, flips: int, tolerance: float) -> str:
    if largest > tolerance:
        flipped = f", {flips} of another class" if flips else ""
        return f"off by {largest:.3g}, {tolerance:g} is allowed{flipped}"
    if flips:
        return f"{flips} on the other side of the threshold"
    return ""


def _some(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    places = np.unique(np.linspace(0, len(x) - 1, n).astype(int))
    return np.take(x, places, axis=0)


def _with(x: NDArray[np.float64], column: int, value: Any) -> NDArray[np.float64]:
    changed = x.copy()
    changed[:, column] = value
    return changed
