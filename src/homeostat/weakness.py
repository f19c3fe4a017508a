"""Parts of the rows in which a model is wrong more often than where its scores are alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from homeostat.schema import Row

__all__ = ["Searched", "WeakSegment", "group_rows", "holm", "weak_segments"]

Codes = NDArray[np.int64]
Vector = NDArray[np.float64]

#: Groups of rows with nearly the same score, within which labels are compared.
STRATA = 20

#: Groups that a numeric feature is cut into, and groups of a category that are told apart.
NUMBER_GROUPS, CATEGORY_GROUPS = 5, 12

#: Segments that the first half of the rows may name for the second half to confirm.
NAMED = 5

#: Shared rows, of the smaller, from which on two segments count as the same finding.
SAME = 0.5

#: Positives must be off by so much more than a squared error, as the verdict on quality has it.
TWICE = 2.0

#: Variance of a sum from which on it is about normal, as for a count of so many cases.
LEAST_VARIANCE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakSegment:
    """A part of the rows, and how the labels there differ; measured on rows not searched."""

    name: str
    n: int  #: rows of the half that confirms it
    share: float  #: of all rows
    seen: float  #: positive share
    expected: float  #: positive share that rows of equal scores have on the whole
    brier: float
    expected_brier: float  #: that rows of equal scores have on the whole
    cost: float  #: what it adds to the Brier score of all rows, or knowing it would take off
    p_value: float  #: corrected for the segments that were asked


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Searched:
    """Labelled rows to look for weak segments in."""

    labels: Codes
    probabilities: Vector
    weights: Vector
    groups: Mapping[str, tuple[Codes, Sequence[str]]]  #: of each feature: codes, their names
    half: NDArray[np.bool_]  #: rows that are searched; the others confirm


def group_rows(
    rows: Sequence[Row], features: Sequence[str]
) -> dict[str, tuple[Codes, Sequence[str]]]:
    """The rows cut into groups by each feature: numbers by fifths, others by value.

    Missing values are a group.  Features with one group are left out, and so are the rarer
    values of a category beyond the twelve most frequent, which are one group.
    """
    found = {}
    for name in features:
        codes, names = _grouped(name, [row.get(name) for row in rows])
        if len(names) > 1:
            found[name] = (codes, names)
    return found


def weak_segments(
    searched: Searched, *, alpha: float = 0.01, min_rows: int = 50, asked: float = 0.1
) -> tuple[WeakSegment, ...]:
    r"""The parts in which labels are shown to disagree with the scores more than elsewhere.

    One half of the rows is searched: every group of every feature, and of every pair.  Within
    twenty strata of equal score the residual :math:`r = y - p`, less its mean in the stratum,
    is added up in the part, once as it is (too many or too few positives) and once times
    :math:`1 - 2p` (a higher squared error).  A model that is harder to be right with in some
    part, or off everywhere, is no finding: its scores say so, or all parts show it.

    The five parts that stand out most are then asked of the other half, which knows nothing
    of the search, with Holm's correction for the five.  That keeps `alpha` whatever was
    searched, and the sizes are those of rows that were not chosen.

    Parameters
    ----------
    min_rows
        Of a part, in each half.
    asked
        A squared error up by this share of the expected, or positives off by twice of it.

    References
    ----------
    Stratified sums: Mantel and Haenszel (1959), J. National Cancer Institute 22(4).  Halves:
    Cox (1975), Biometrika 62(2).  Holm (1979), Scandinavian Journal of Statistics 6(2).
    """
    if min(searched.half.sum(), (~searched.half).sum()) < 2 * min_rows:
        return ()
    strata = _strata(searched.probabilities)
    first, second = (_Half(searched, at, strata) for at in (searched.half, ~searched.half))
    named = _distinct(first, sorted(_standing_out(first, min_rows), key=lambda one: -one.z))
    checked = [(one, second.measure(one)) for one in named]
    usable = [(one, told) for one, told in checked if told.n >= min_rows and told.variance > 0]
    corrected = holm([float(ndtr(-told.z)) for _, told in usable])
    found = [
        second.told(one, told, p)
        for (one, told), p in zip(usable, corrected, strict=True)
        if p < alpha and told.effect >= (asked if one.squared else TWICE * asked)
    ]
    return tuple(sorted(found, key=lambda one: -one.cost))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, corrected for all of them, in their order.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - rank)))
        corrected[i] = largest
    return corrected


@dataclass(frozen=True, slots=True)
class _Named:
    """A part that the search found, and in which way it stands out."""

    parts: tuple[tuple[str, int], ...]  #: feature and group
    squared: bool  #: by its squared error, else by its positives
    sign: float  #: of the residuals
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a half says of a part."""

    n: int
    z: float
    variance: float
    effect: float
    total: float  #: of the residuals
    squared: float  #: by how much the squared errors are higher than expected, in all


class _Half:
    """One half of the rows, with what each of them is off by."""

    def __init__(self, searched: Searched, at: NDArray[np.bool_], strata: Codes) -> None:
        self.searched, self.at = searched, at
        self.y, self.p = searched.labels[at], searched.probabilities[at]
        self.w, self.stratum = searched.weights[at], strata[at]
        residual = self.y - self.p
        sums = np.bincount(self.stratum, self.w, STRATA)
        means = np.bincount(self.stratum, self.w * residual, STRATA) / np.maximum(sums, 1e-300)
        self.off = residual - means[self.stratum]
        self.expected = self.p + means[self.stratum]
        self.lean = 1 - 2 * self.p
        self.sizes = np.bincount(self.stratum, minlength=STRATA)

    def codes(self, feature: str) -> Codes:
        """The groups of the half's rows."""
        return self.searched.groups[feature][0][self.at]

    def z_of(self, codes: Codes, groups: int, *, squared: bool) -> tuple[Vector, Codes, Vector]:
        """How many deviations the sum of each group is off; its rows; and its variance."""
        value = self.w * self.off * (self.lean if squared else 1.0)
        power = np.bincount(self.stratum, value**2, STRATA) / np.maximum(self.sizes, 1)
        cells = np.bincount(codes * STRATA + self.stratum, minlength=groups * STRATA)
        cells = cells.reshape(groups, STRATA)
        variance = (cells * (1 - cells / np.maximum(self.sizes, 1))) @ power
        total = np.bincount(codes, value, groups)
        z = total / np.sqrt(np.maximum(variance, np.finfo(float).tiny))
        return z, cells.sum(axis=1), variance

    def member(self, parts: Sequence[tuple[str, int]]) -> NDArray[np.bool_]:
        """Which of the half's rows belong to the part."""
        inside = np.ones(len(self.y), dtype=bool)
        for feature, group in parts:
            inside &= self.codes(feature) == group
        return inside

    def measure(self, named: _Named) -> _Told:
        """What this half says of a part, in the way in which it stood out."""
        inside = self.member(named.parts)
        z, rows, variance = self.z_of(inside.astype(np.int64), 2, squared=named.squared)
        w, off = self.w[inside], self.off[inside]
        total, squared = float(w @ off), float(w @ (off * self.lean[inside]))
        expected = float(w @ self.expected[inside])
        brier = float(w @ (self.y[inside] - self.p[inside]) ** 2) - squared
        above, below = (squared, brier) if named.squared else (abs(total), expected)
        return _Told(
            n=int(rows[1]),
            z=float(named.sign * z[1]),
            variance=float(variance[1]),
            effect=above / below if below > 0 else float("inf"),
            total=total,
            squared=squared,
        )

    def told(self, named: _Named, told: _Told, p_value: float) -> WeakSegment:
        """The part as it is reported."""
        inside = self.member(named.parts)
        w = self.w[inside]
        size, everyone = float(w.sum()), float(self.w.sum())
        brier = float(w @ (self.y[inside] - self.p[inside]) ** 2) / size
        cost = told.squared if named.squared else told.total**2 / size
        return WeakSegment(
            name=" and ".join(self.searched.groups[one][1][group] for one, group in named.parts),
            n=told.n,
            share=size / everyone,
            seen=float(w @ self.y[inside]) / size,
            expected=float(w @ self.expected[inside]) / size,
            brier=brier,
            expected_brier=brier - told.squared / size,
            cost=cost / everyone,
            p_value=p_value,
        )


def _standing_out(half: _Half, min_rows: int) -> Iterator[_Named]:
    """Every group of every feature and pair of features that is large enough."""
    groups = half.searched.groups
    for size in (1, 2):
        for features in combinations(groups, size):
            sizes = [len(groups[one][1]) for one in features]
            codes = np.ravel_multi_index([half.codes(one) for one in features], sizes)
            total = int(np.prod(sizes))
            for squared in (False, True):
                z, rows, variance = half.z_of(codes, total, squared=squared)
                for at in np.flatnonzero((rows >= min_rows) & (variance >= LEAST_VARIANCE)):
                    if squared and z[at] <= 0:
                        continue
                    places = np.unravel_index(int(at), sizes)
                    parts = tuple((f, int(g)) for f, g in zip(features, places, strict=True))
                    yield _Named(parts, squared, float(np.sign(z[at])), abs(float(z[at])))


def _distinct(half: _Half, ranked: Sequence[_Named]) -> list[_Named]:
    """The first few that are not much the same rows as one before."""
    kept: list[tuple[_Named, NDArray[np.bool_]]] = []
    for one in ranked:
        if len(kept) == NAMED:
            break
        inside = half.member(one.parts)
        least = [min(int(inside.sum()), int(other.sum())) for _, other in kept]
        shared = [int((inside & other).sum()) for _, other in kept]
        if all(a <= SAME * b for a, b in zip(shared, least, strict=True)):
            kept.append((one, inside))
    return [one for one, _ in kept]


def _strata(probabilities: Vector) -> Codes:
    """Twentieths of the rows by score; equal scores are never parted."""
    edges = np.quantile(probabilities, np.arange(1, STRATA) / STRATA)
    return np.searchsorted(edges, probabilities, side="right").astype(np.int64)


def _grouped(name: str, values: Sequence[object]) -> tuple[Codes, Sequence[str]]:
    missing = np.array([one is None for one in values])
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) == len(values) - int(missing.sum()) and len(set(numbers)) > NUMBER_GROUPS:
        known = np.array([np.nan if one is None else one for one in values], dtype=float)
        cuts = np.quantile(known[~missing], np.arange(1, NUMBER_GROUPS) / NUMBER_GROUPS)
        edges = np.unique(cuts)
        codes = np.searchsorted(edges, known, side="right").astype(np.int64)
        ends = [float("-inf"), *edges.tolist(), float("inf")]
        names = [f"{name} [{a:g}, {b:g})" for a, b in pairwise(ends)]
    else:
        told = [str(one) for one in values]
        shown, place, count = np.unique(told, return_inverse=True, return_counts=True)
        order = np.argsort(-count, kind="stable")
        rank = np.argsort(order, kind="stable")
        codes = np.minimum(rank[place], CATEGORY_GROUPS).astype(np.int64)
        names = [f"{name} {one}" for one in shown[order][:CATEGORY_GROUPS].tolist()]
        if len(shown) > CATEGORY_GROUPS:
            names.append(f"{name} another")
        return codes, [f"{name} missing" if one == f"{name} None" else one for one in names]
    codes[missing] = len(names)
    return codes, [*names, f"{name} missing"] if missing.any() else names
