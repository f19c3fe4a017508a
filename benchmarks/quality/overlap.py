"""How many independent windows all the overlapping ones are worth, counted in alarms.

With nothing changed a question's answer in a window of many looks is the sum of normal
values, over the root of their number.  A window alarms when it is due and beyond a critical
value, and goes on alarming until it no longer is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from homeostat.watch import ASKED_PER_LENGTH, LENGTHS

__all__ = ["CRITICAL", "Overlap", "overlap"]

CRITICAL = (4.0, 4.25, 4.5, 4.75, 5.0)  #: values, in standard errors

PIECE = 2_000_000  #: looks that are simulated at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What came of so many looks at one question."""

    looks: int
    alarms: tuple[int, ...]  #: by critical value

    def worth(self, i: int) -> float:
        """Alarms, over those of windows that do not overlap, one at each look."""
        return self.alarms[i] / (self.looks * float(2 * ndtr(-CRITICAL[i])))


def overlap(looks: int, seed: int) -> Overlap:
    """So many looks in pieces; windows reach back into the piece before."""
    rng = np.random.default_rng([seed, 7])
    longest = max(LENGTHS)
    past = rng.standard_normal(longest)
    alarms = np.zeros(len(CRITICAL), dtype=np.int64)
    for begin in range(0, looks, PIECE):
        new = rng.standard_normal(min(PIECE, looks - begin))
        held = np.concatenate((past, new))
        alarms += _alarms(np.concatenate(([0.0], np.cumsum(held))), longest)
        past = held[-longest:]
    return Overlap(looks=looks, alarms=tuple(alarms.tolist()))


def _alarms(sums: NDArray[np.float64], longest: int) -> NDArray[np.int64]:
    """By critical value; `sums` begins with those of the looks before."""
    number = len(sums) - 1 - longest
    beyond: list[list[NDArray[np.intp]]] = [[] for _ in CRITICAL]
    for length in LENGTHS:
        z = np.abs(sums[longest + 1 :] - sums[longest + 1 - length : -length]) / length**0.5
        far = np.flatnonzero(z > CRITICAL[0])
        for i, value in enumerate(CRITICAL):
            beyond[i].append(_asked(far[z[far] > value], length))
    return np.array([_begun(np.concatenate(one), number) for one in beyond])


def _asked(looks: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Of the looks at which a window is beyond, in rising order, those at which it is known.

    Known is it from the first look at which it is due, for as long as it stays beyond.
    """
    every = max(1, length // ASKED_PER_LENGTH)
    if every == 1 or not len(looks):
        return looks
    run = np.concatenate(([0], np.cumsum(np.diff(looks) > 1)))
    due = looks % every == 0
    first = np.full(run[-1] + 1, np.iinfo(np.intp).max)
    np.minimum.at(first, run[due], looks[due])
    known: NDArray[np.intp] = looks[looks >= first[run]]
    return known


def _begun(looks: NDArray[np.intp], number: int) -> int:
    """At how many looks an alarm begins, of those at which any window alarms."""
    at = np.zeros(number + 1, dtype=bool)
    at[looks + 1] = True
    return int(np.sum(at[1:] & ~at[:-1]))
