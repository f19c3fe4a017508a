"""Profile: counts that add."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import Bins, FeatureBins, pair_places, same_bins
from homeostat.errors import StateError

__all__ = [
    "JOINT_ROWS",
    "LARGEST",
    "Counts",
    "FeatureProfile",
    "Profile",
    "Sparse",
    "joint_scores",
    "joint_size",
    "total",
]

Counts = NDArray[np.int64]

#: Size up to which a value goes into the moments, so that 1e28 squares can be summed.
LARGEST = 1e140

#: Rows whose products of scores can be summed without rounding: 2**24 / 8**2.
JOINT_ROWS = 262_144

#: Columns of the moments: values up to `LARGEST`, their sum, their sum of squares.
N, SUM, SQUARES = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureProfile:
    """What a profile says of one feature."""

    bins: FeatureBins
    counts: Counts  #: shape (bins.size,), the last one missing
    moments: NDArray[np.float64]  #: n, sum and sum of squares of the values up to `LARGEST`

    @property
    def n(self) -> int:
        """Rows counted, those with a missing value included."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows whose value was null or not a number."""
        return int(self.counts[-1])

    @property
    def present(self) -> Counts:
        """The counts without the bin of the missing."""
        return self.counts[:-1]

    @property
    def mean(self) -> float:
        """Mean of the values up to `LARGEST`; NaN when there are none."""
        return float(self.moments[SUM] / self.moments[N]) if self.moments[N] else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the same, dividing by n; NaN when there are none."""
        if not self.moments[N]:
            return float("nan")
        variance = self.moments[SQUARES] / self.moments[N] - self.mean**2
        return float(np.sqrt(max(variance, 0.0)))

    def quantile(self, share: float) -> float:
        """The value with `share` of the present rows at or below, to the width of its bin.

        NaN when no row is present.  Numeric features only.
        """
        cumulative = np.cumsum(self.present)
        if not cumulative[-1]:
            return float("nan")
        i = int(np.searchsorted(cumulative, share * cumulative[-1], side="left"))
        return float(self.bins.positions[i])


@dataclass(frozen=True, slots=True)
class Sparse:
    """The bins of a profile that are not empty: what is written down for a minute."""

    places: NDArray[np.uint32]
    counts: Counts
    moments: NDArray[np.float64]  #: shape (features, 3)
    joint: Counts  #: as in `Profile`


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Integer counts for each bin of each feature, and moments of the values up to `LARGEST`.

    Profiles in the same bins add: exactly in the counts and the joint scores, to rounding in
    the moments.  Two profiles are equal when their bins, counts and joint scores are.
    """

    bins: Bins
    counts: Counts  #: shape (bins.offsets[-1],)
    moments: NDArray[np.float64]  #: shape (features, 3)
    #: For each pair of the w watched features, shape (w * (w + 1) / 2,) in the order of
    #: `homeostat.bins.pair_places`: the sum over rows of the product of their scores.
    joint: Counts

    @classmethod
    def empty(cls, bins: Bins) -> "Profile":
        """The profile of no rows: the zero of the addition."""
        return cls(
            bins,
            np.zeros(bins.offsets[-1], dtype=np.int64),
            np.zeros((len(bins.features), 3)),
            np.zeros(joint_size(bins), dtype=np.int64),
        )

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.counts[: self.bins.offsets[1]].sum()) if self.bins.features else 0

    def feature(self, name: str) -> FeatureProfile:
        """What the profile says of the feature `name`."""
        i = self.bins.index[name]
        start, end = self.bins.offsets[i : i + 2]
        return FeatureProfile(self.bins.features[i], self.counts[start:end], self.moments[i])

    def __add__(self, other: "Profile") -> "Profile":
        same_bins(self.bins, other.bins)
        return Profile(
            self.bins,
            self.counts + other.counts,
            self.moments + other.moments,
            self.joint + other.joint,
        )

    def __sub__(self, other: "Profile") -> "Profile":
        same_bins(self.bins, other.bins)
        counts = self.counts - other.counts
        if counts.min(initial=0) < 0:
            raise StateError("a profile was taken from a smaller one; sum the window again")
        return Profile(self.bins, counts, self.moments - other.moments, self.joint - other.joint)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Profile):
            return NotImplemented
        return (
            self.bins.digest == other.bins.digest
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.joint, other.joint)
        )

    def __hash__(self) -> int:
        return hash((self.bins.digest, self.counts.tobytes()))

    def sparse(self) -> Sparse:
        """The non-empty bins only."""
        places = np.flatnonzero(self.counts)
        return Sparse(places.astype(np.uint32), self.counts[places], self.moments, self.joint)


def total(bins: Bins, parts: Iterable[Sparse]) -> Profile:
    """The sum of many small profiles in the same bins, in one pass.

    Examples
    --------
    >>> total(Bins(()), []).n
    0
    """
    held = list(parts)
    if not held:
        return Profile.empty(bins)
    size = bins.offsets[-1]
    counts = np.zeros(size, dtype=np.int64)
    np.add.at(
        counts,
        np.concatenate([part.places for part in held]),
        np.concatenate([part.counts for part in held]),
    )
    return Profile(
        bins,
        counts,
        np.sum([part.moments for part in held], axis=0),
        np.sum([part.joint for part in held], axis=0),
    )


def joint_size(bins: Bins) -> int:
    """How many pairs of watched features there are, each with itself included."""
    width = len(bins.watched)
    return width * (width + 1) // 2


def joint_scores(scores: NDArray[np.float32]) -> Counts:
    """The sums over rows of the products of scores, as `Profile.joint` holds them.

    Exact: a single-precision float holds every sum of `JOINT_ROWS` products of two scores.

    Parameters
    ----------
    scores
        Of each row and each watched feature, shape (n, w).

    Examples
    --------
    >>> joint_scores(np.array([[1, 2], [0, 8]], dtype=np.float32)).tolist()
    [1, 2, 68]
    """
    width = scores.shape[1]
    sums = np.zeros((width, width), dtype=np.int64)
    for start in range(0, len(scores), JOINT_ROWS):
        part = scores[start : start + JOINT_ROWS]
        sums += (part.T @ part).astype(np.int64)
    return sums[pair_places(width)]
