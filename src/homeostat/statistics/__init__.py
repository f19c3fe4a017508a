"""Statistics: two profiles of one feature in, one distance out.

A statistic judges nothing; what is large enough to matter is said in `homeostat.policy`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri

from homeostat.bins import FeatureBins
from homeostat.extension import Catalog
from homeostat.profile import Counts, FeatureProfile

__all__ = [
    "STATISTICS",
    "Distance",
    "Statistic",
    "pool_rare",
    "share_detectable",
    "share_p_value",
]

#: A change of the minimum detectable effect is seen with this probability.
POWER = 0.8

#: Under so many pooled cases a share is compared exactly, not by its normal limit.
EXACT_BELOW = 200

#: Categories expected less often than this on either side are put into one group.
LEAST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Distance:
    """How far apart two samples are."""

    value: float  #: the statistic
    p_value: float | None = None  #: chance of at least this value when nothing changed
    effect: float | None = None  #: size of the change, where that is not the value itself

    @property
    def size(self) -> float:
        """The size of the change: the effect, or else the value."""
        return self.value if self.effect is None else self.effect


class Statistic(Protocol):
    """A distance between two samples that were counted in the same bins."""

    def applies(self, bins: FeatureBins) -> bool:
        """Whether features with such bins can be compared so."""
        ...

    def distance(self, reference: FeatureProfile, current: FeatureProfile) -> Distance:
        """The distance; both sides hold at least one row that the statistic can use."""
        ...

    def detectable(
        self, reference: FeatureProfile, current: FeatureProfile, alpha: float
    ) -> float | None:
        """The effect seen in 80 of 100 such windows at level `alpha`; None where unknown."""
        ...


STATISTICS: Catalog[Callable[[], Statistic]] = Catalog("statistic", "homeostat.statistics")


def share_p_value(
    cases_reference: int, n_reference: int, cases_current: int, n_current: int
) -> float:
    """Two-sided p-value of two shares being equal.

    Fisher's exact test (twice the smaller hypergeometric tail) while the pooled cases are
    few, the pooled z-test beyond.

    References
    ----------
    Fisher (1922), J. Royal Statistical Society 85(1).

    Examples
    --------
    >>> round(share_p_value(0, 100, 5, 100), 4)
    0.0594
    """
    cases, n = cases_reference + cases_current, n_reference + n_current
    rarer = min(cases, n - cases)
    if rarer == 0:
        return 1.0
    if rarer >= EXACT_BELOW:
        pooled = cases / n
        spread = np.sqrt(pooled * (1 - pooled) * (1 / n_reference + 1 / n_current))
        z = (cases_current / n_current - cases_reference / n_reference) / spread
        return float(2 * ndtr(-abs(z)))
    seen = cases_current if rarer == cases else n_current - cases_current
    k = np.arange(max(0, rarer - n_reference), min(rarer, n_current) + 1)
    log_mass = (
        _log_choose(rarer, k)
        + _log_choose(n - rarer, n_current - k)
        - _log_choose(n, np.array(n_current))
    )
    mass = np.exp(log_mass)
    tail = min(mass[k <= seen].sum(), mass[k >= seen].sum())
    return float(min(1.0, 2 * tail))


def share_detectable(share: float, n_reference: int, n_current: int, alpha: float) -> float:
    """The rise of a share that a two-sided test at level `alpha` sees with probability 0.8.

    By the normal limit, at least the smallest count for which the exact test can reject.
    """
    spread = 1 / n_reference + 1 / n_current
    needed = float(ndtri(1 - alpha / 2))
    rise, level = 0.0, min(0.5, max(share, 1 / n_reference))
    for _ in range(8):  # the spread depends on the rise itself; this settles in a few rounds
        rise = (needed + float(ndtri(POWER))) * float(np.sqrt(level * (1 - level) * spread))
        level = min(0.5, share + rise / 2)
    fewest = np.log(alpha / 2) / np.log(n_current / (n_reference + n_current))
    return float(min(1.0, max(rise, fewest / n_current)))


def pool_rare(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """Counts by category, the rare and the unknown ones together in a last group.

    Rare is what pooled shares expect under 5 times on either side, and so the same for both.
    The unknown belong to them: of many rare categories some are always missed by the
    reference.  While the group is rare itself the least frequent category joins it.  At least
    one category stays apart; the group may be empty.

    Parameters
    ----------
    reference, current
        Shape (k,), the last one unknown categories.

    References
    ----------
    The rule of five: Cochran (1954), Biometrics 10.

    Examples
    --------
    >>> pool_rare(np.array([60, 30, 6, 3, 0]), np.array([60, 30, 6, 3, 1]))
    (array([60, 30,  9]), array([60, 30, 10]))
    """
    both = reference + current
    least = LEAST_EXPECTED * both.sum() / min(reference.sum(), current.sum())
    by_size = np.argsort(both[:-1], kind="stable")
    within = np.cumsum(both[by_size]) + both[-1]  # of the group, were it to end here
    rare = min(int(np.searchsorted(both[by_size], least)), len(by_size) - 1)
    held = within[rare - 1] if rare else both[-1]
    if 0 < held < least and len(by_size) - rare > 1:
        rare += 1
    joined, kept = by_size[:rare], np.sort(by_size[rare:])
    m, n = (np.append(s[kept], s[joined].sum() + s[-1]) for s in (reference, current))
    return m, n


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    chosen: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen
