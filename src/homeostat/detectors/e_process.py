"""An alarm that may be looked for after every row: e-processes on binned frequencies."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from homeostat.detectors import DETECTORS, number, plain, require, restored, uniform
from homeostat.errors import StateError, UserError
from homeostat.profile import FeatureProfile

__all__ = ["EProcess", "EProcessState"]

#: Cells of [0, 1]: sixteenths, and ever smaller ones at both ends, where bins are rare.
_SMALL = [2.0**-i for i in range(12, 4, -1)]
EDGES = (*_SMALL, *(i / 16 for i in range(1, 16)), *(1 - width for width in reversed(_SMALL)))

SHIFTS = (0.125, 0.25, 0.5, 1.0)  #: of the mean, in standard deviations, either way
SPREADS = (0.7, 1.25, 1.6)  #: times what it was
ENDS = ((2**-11, 0.01), (2**-8, 0.01), (2**-8, 0.05), (2**-5, 0.1))  #: width, share of rows

GROUPS = 16  #: even cells, in which the last rows are counted for the bet that learns
MEMORY = 500  #: rows that it remembers, on average
BELIEF = 0.5  #: rows in each of its cells that it begins with


def _gains() -> list[tuple[float, ...]]:
    """For each cell the logarithm of what each fixed bet pays there.

    The bets are normal shifts and spreads, as they look in ranks, and more rows at an end,
    where new categories, values out of range and missing ones come to lie.
    """
    edges = np.array([0.0, *EDGES, 1.0])
    z = ndtri(edges)
    bets = [np.diff(ndtr(z - shift * sign)) for shift in SHIFTS for sign in (1, -1)]
    bets += [np.diff(ndtr(z / spread)) for spread in SPREADS]
    for width, share in ENDS:
        bet = np.diff((1 - share) * edges + share * np.minimum(edges / width, 1))
        bets += [bet, bet[::-1]]
    paid = np.log(np.array(bets) / np.diff(edges))
    return [tuple(cell) for cell in paid.T.tolist()]


GAINS = _gains()

#: Wealth by bet and rows by group before the first row.
BROKE = ((0.0,) * (len(GAINS[0]) + 1), (0.0,) * GROUPS)


@dataclass(frozen=True, slots=True)
class EProcessState:
    """The bag of all rows, and the wealth of each bet."""

    n: int
    alarmed_at: int | None
    statistic: float  #: log(1 + M), M the e-detector
    threshold: float  #: log(1 + run length)
    bag: tuple[int, ...]  #: counts by bin, those of the reference included
    wealth: tuple[float, ...]  #: log(1 + M) by bet, the one that learns last
    recent: tuple[float, ...]  #: rows of late by group

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("e_process")
@dataclass(frozen=True, slots=True, kw_only=True)
class EProcess:
    r"""Signals that rows fall into bins with other frequencies than those of the reference.

    Takes the bin of one row, an index into the counts of the reference.  Each row is put into
    the bag of the reference and all rows before, and its bin is ranked there: by place for
    numbers, from frequent to rare for categories.  If nothing has changed the row is as likely
    to be any of the bag, so that the rank u, its ties broken by a hash, is uniform in [0, 1]
    and independent of all ranks before: exactly, whatever the true frequencies are and however
    few rows the reference has.  Bets b against uniform ranks pay L with a mean of 1, and

    .. math:: M^b_n = L^b_n (M^b_{n-1} + 1), \qquad M_n = \frac1B \sum_b M^b_n

    the sum of such e-processes begun at every row, has the mean n.  So an alarm at M at least
    the run length comes after at least so many rows on average, and within n rows with a
    chance of at most n over it, though one looks after every row.

    After an alarm the bets begin anew; the bag stays, for only so does the promise hold for
    the next one too.  Hence the limit of the method: rows of a change that lasts become part
    of the bag, and a creep slower than the bag grows is not seen.  Against that watch windows
    or a cumulative sum with the reference alone.

    References
    ----------
    The e-detector: Shin, Ramdas and Rinaldo (2023), New England J. Statistics in Data Science
    2(2).  The ranks: Vovk, Nouretdinov and Gammerman (2003), ICML; Shiryaev and Roberts' sum
    on them: Vovk (2021), Statistical Science 36(4).

    Examples
    --------
    >>> detector = EProcess(reference=(500, 300, 200, 0), ordered=False, run_length=1_000)
    >>> state = detector.start()
    >>> while not state.alarm:  # a category that the reference never held
    ...     state = detector.update(state, 3)
    >>> state.n, state.statistic > state.threshold
    (4, True)
    """

    reference: tuple[int, ...]  #: rows by bin
    ordered: bool = True  #: whether the bins are those of a number
    run_length: float = 10_000.0  #: rows between two false alarms, on average at least
    seed: int = 0  #: of the hash

    def __post_init__(self) -> None:
        counts = self.reference
        whole = all(one >= 0 and one == int(one) for one in counts)
        require(
            "e_process",
            {
                f"reference must have at least 2 bins, not {len(counts)}": len(counts) >= 2,
                "reference must hold whole numbers that are not negative": whole,
                "reference must hold at least one row": not whole or sum(counts) > 0,
                f"run_length must be from 1 to 1e100 rows, not {self.run_length:g}": (
                    1 <= self.run_length <= 1e100
                ),
            },
        )

    @classmethod
    def against(
        cls, reference: FeatureProfile, *, run_length: float = 10_000.0, seed: int = 0
    ) -> "EProcess":
        """The detector for one feature, in the frozen bins of its reference."""
        return cls(
            reference=tuple(reference.counts.tolist()),
            ordered=reference.bins.kind.is_numeric,
            run_length=run_length,
            seed=seed,
        )

    def start(self) -> EProcessState:
        """The reference in the bag, nothing won."""
        bag = tuple(map(int, self.reference))
        return EProcessState(0, None, 0.0, log1p(self.run_length), bag, *BROKE)

    def update(self, state: EProcessState, value: float) -> EProcessState:
        """The bag with one more row, and what the bets made of its rank."""
        n = state.n + 1
        i = self._bin(value, n)
        bag = (*state.bag[:i], state.bag[i] + 1, *state.bag[i + 1 :])
        rank = self._rank(bag, i, uniform(self.seed, n)[0])
        wealth, recent = BROKE if state.alarm else (state.wealth, state.recent)
        group = min(int(rank * GROUPS), GROUPS - 1)
        learnt = log((recent[group] + BELIEF) / (sum(recent) / GROUPS + BELIEF))
        wealth = tuple(map(_paid, wealth, (*GAINS[bisect_right(EDGES, rank)], learnt)))
        statistic = log(sum(map(exp, wealth)) / len(wealth))
        threshold = log1p(self.run_length)
        alarmed_at = n if statistic >= threshold else state.alarmed_at
        late = tuple(one * (1 - 1 / MEMORY) + (g == group) for g, one in enumerate(recent))
        return EProcessState(n, alarmed_at, statistic, threshold, bag, wealth, late)

    def rows(self, counts: Sequence[int], state: EProcessState) -> list[int]:
        """The bins of a counted batch in an order drawn by the hash, to be folded one by one.

        The order in which they came is not known, and that of the bins would be a pattern.
        """
        bins = [i for i, count in enumerate(counts) for _ in range(count)]
        # Counted downwards, where the ties of no row are broken by the same numbers.
        keys = uniform(self.seed, -1 - state.n, len(bins))
        return [i for _, i in sorted(zip(keys, bins, strict=True))]

    def from_dict(self, plain: dict[str, Any]) -> EProcessState:
        """The state that `EProcessState.to_dict` wrote.

        Raises
        ------
        StateError
            Also when it was written with other bins or other bets.
        """
        state = restored(EProcessState, plain)
        held, asked = (
            [len(one) for one in parts]
            for parts in ((state.bag, state.wealth, state.recent), (self.reference, *BROKE))
        )
        if held != asked:
            message = f"a state of {held} bins, bets and groups, not {asked}; start anew"
            raise StateError(message)
        return state

    def _bin(self, value: float, n: int) -> int:
        given = number(value, n)
        if not (given.is_integer() and 0 <= given < len(self.reference)):
            raise UserError(
                f"value {n} of the series is {value!r}; e_process takes the place of a bin, "
                f"from 0 to {len(self.reference) - 1}"
            )
        return int(given)

    def _rank(self, bag: tuple[int, ...], i: int, chance: float) -> float:
        """Where in [0, 1) a row of the bag stands that lies in bin i."""
        mine = bag[i]
        if self.ordered:
            before = sum(bag[:i])
        else:
            before = sum(filter(mine.__lt__, bag)) + mine * bag[:i].count(mine)
        return (before + chance * mine) / sum(bag)


def _paid(wealth: float, gain: float) -> float:
    """log(1 + L (M + 1)), where the wealth is log(M + 1) and the gain log(L)."""
    return log1p(exp(wealth + gain))
