"""Profile: counts that add."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
    "Scored",
    "Sparse",
    "full_matrix",
    "joint_scores",
    "joint_size",
    "total",
]

Counts = NDArray[np.int64]

#: Size up to which a value goes into the moments, so that 1e28 squares can be summed.
LARGEST = 1e140

#: Rows whose products of scores of up to 16 can be summed without rounding: 2**24 / 16**2.
JOINT_ROWS = 65_536

#: Share of every score's own variance that is added to it where correlations are inverted,
#: so that features which say the same do not amplify each other's rounding.
RIDGE = 0.02

#: Columns of the moments: values up to `LARGEST`, their sum, their sum of squares.
N, SUM, SQUARES = range(3)


@dataclass(frozen=True, eq=False)
class FeatureProfile:
    """What a profile says of one feature."""

    bins: FeatureBins
    counts: Counts  #: shape (bins.size,), the last one missing
    moments: NDArray[np.float64]  #: n, sum and sum of squares of the values up to `LARGEST`

    @cached_property
    def n(self) -> int:
        """Rows counted, those with a missing value included."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows whose value was null or not a number."""
        return int(self.counts[-1])

    @cached_property
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


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of the watched features, a missing one taken as 0, in the order of the bins."""

    n: int
    mean: NDArray[np.float64]  #: shape (w,)
    deviation: NDArray[np.float64]  #: shape (w,)
    correlation: NDArray[np.float64]  #: shape (w, w); NaN where a feature does not vary

    @cached_property
    def varying(self) -> NDArray[np.intp]:
        """The places of the features that do not have one score only."""
        return np.flatnonzero(self.deviation > 0)

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """The inverse of the correlations of those that vary, each made `RIDGE` noisier."""
        kept = self.correlation[np.ix_(self.varying, self.varying)]
        noisier = (kept + RIDGE * np.eye(len(kept))) / (1 + RIDGE)
        return np.asarray(np.linalg.inv(noisier), dtype=np.float64)


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def n(self) -> int:
        """Rows counted."""
        return int(self.counts[: self.bins.offsets[1]].sum()) if self.bins.features else 0

    @cached_property
    def parts(self) -> tuple[FeatureProfile, ...]:
        """What the profile says of each feature, in the order of the bins."""
        return tuple(
            FeatureProfile(one, self.counts[start:end], moments)
            for one, start, end, moments in zip(
                self.bins.features,
                self.bins.offsets[:-1],
                self.bins.offsets[1:],
                self.moments,
                strict=True,
            )
        )

    def feature(self, name: str) -> FeatureProfile:
        """What the profile says of the feature `name`."""
        return self.parts[self.bins.index[name]]

    @cached_property
    def scored(self) -> Scored:
        """Mean, deviation and correlation of the scores of the watched features."""
        bins, n = self.bins, max(self.n, 1)
        sums = np.add.reduceat(bins.score_table * self.counts, bins.offsets[:-1])
        mean = sums[list(bins.watched)].astype(float) / n
        covariance = full_matrix(self.joint / n, len(bins.watched)) - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        scale = np.where(deviation > 0, deviation, np.nan)
        return Scored(self.n, mean, deviation, covariance / np.outer(scale, scale))

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


def full_matrix(triangle: NDArray[Any], width: int) -> NDArray[np.float64]:
    """The symmetric matrix of which this is the upper triangle, in the order of the pairs."""
    places = pair_places(width)
    matrix = np.zeros((width, width))
    matrix[places] = triangle
    return np.where(np.tri(width, k=-1, dtype=bool), matrix.T, matrix)


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
