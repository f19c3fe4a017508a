"""A stream of scored rows with their labels, in windows of one size, and how its world changes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.answers import Labelled

__all__ = ["CHANGES", "CONCEPT", "COVARIATE", "QUIET", "Rows", "Stream", "strength"]

_Floats = NDArray[np.float64]

QUIET, COVARIATE, CONCEPT = "nothing", "rows", "relation"  #: what changes in a stream

#: How strongly a change holds at each point of a stream, both from 0 to 1.
CHANGES: dict[str, Callable[[_Floats], _Floats]] = {
    "none": np.zeros_like,
    "step": lambda at: (at >= 1 / 3).astype(float),
    "ramp": lambda at: np.clip((at - 0.2) / 0.6, 0, 1),
    "returns": lambda at: ((at >= 1 / 3) & (at < 2 / 3)).astype(float),
    "swings": lambda at: (1 - np.cos(4 * np.pi * at)) / 2,
}


def strength(change: str, windows: int) -> _Floats:
    """How strongly a change holds in each window."""
    return CHANGES[change](np.arange(windows) / windows)


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """Scored rows with their labels."""

    score: _Floats
    label: NDArray[np.int64]

    def labelled(self, threshold: float) -> Labelled:
        return Labelled.of(self.label, self.score, threshold)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Stream:
    """A labelled reference and the rows after it."""

    name: str
    changes: str  #: one of `QUIET`, `COVARIATE`, `CONCEPT`
    reference: Rows
    rows: Rows
    size: int  #: rows of a window
    threshold: float = 0.5

    @property
    def windows(self) -> list[Labelled]:
        """Its whole windows, in order."""
        score, label, size = self.rows.score, self.rows.label, self.size
        return [
            Labelled.of(label[i : i + size], score[i : i + size], self.threshold)
            for i in range(0, len(score) - size + 1, size)
        ]
