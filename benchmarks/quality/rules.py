"""The rules that people use, on many windows at once, and two dummies.

What a package does is written anew here where calling it for every window would take hours;
`benchmarks.quality.peers` calls the packages themselves, and the bench says how often both
agree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, rel_entr
from scipy.stats import kstwo

from benchmarks.quality.population import Block, Floats, Population

__all__ = ["ALPHA_OF_BUDGET", "RULES", "Alarms", "Rules"]

#: One window in a week of 2,016.
ALPHA_OF_BUDGET = 1 / 2_016

#: What an empty share is taken for, as is usual with the population stability index.
LEAST_SHARE = 1e-4

#: Numbers with so few distinct values are categories to Evidently.
FEW_VALUES = 5

Alarms: TypeAlias = Mapping[str, NDArray[np.bool_]]  #: by rule, one for each window

RULES: Mapping[str, str] = {
    "any p < 0.05": "KS and chi-square; Evidently's default for a reference of up to 1,000 rows",
    "Bonferroni 0.05": "the same, corrected; Alibi Detect's `TabularDrift`",
    "Bonferroni 1/2,016": "the same, with homeostat's budget",
    "PSI > 0.2": "deciles of the reference, or categories",
    "z of the mean > 2": "with the standard error of the window",
    "z > 2 with the sd": "the difference of means over the reference's standard deviation",
    "Evidently: any feature": "Wasserstein or Jensen-Shannon distance of 0.1",
    "Evidently: half of them": "its default for the data set",
    "always": "dummy",
    "never": "dummy",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """What one column of the reference is to the rules."""

    p_values: Callable[[NDArray[Any]], Floats]
    psi: Callable[[NDArray[Any]], Floats]
    distance: Callable[[NDArray[Any]], Floats]  #: Evidently's
    z: Callable[[NDArray[Any]], tuple[Floats, Floats]] | None  #: of the mean; both kinds


class Rules:
    """All rules, fitted on one reference."""

    def __init__(self, population: Population, reference: Block) -> None:
        self._columns = {
            name: _category(reference.columns[name].ravel(), one.levels)
            if one.levels
            else _number(reference.columns[name].ravel())
            for name, one in population.margins.items()
        }

    def alarms(self, block: Block) -> Alarms:
        """Which windows each rule calls changed."""
        columns = [(self._columns[name], values) for name, values in block.columns.items()]
        p_values = np.stack([one.p_values(values) for one, values in columns])
        psi = np.stack([one.psi(values) for one, values in columns])
        flagged = np.stack([one.distance(values) for one, values in columns]) >= 0.1
        z = [one.z(values) for one, values in columns if one.z]
        least = p_values.min(axis=0)
        none = np.zeros(block.windows, dtype=bool)
        return {
            "any p < 0.05": least < 0.05,
            "Bonferroni 0.05": least < 0.05 / len(columns),
            "Bonferroni 1/2,016": least < ALPHA_OF_BUDGET / len(columns),
            "PSI > 0.2": psi.max(axis=0) > 0.2,
            "z of the mean > 2": np.any([one > 2 for one, _ in z], axis=0),
            "z > 2 with the sd": np.any([one > 2 for _, one in z], axis=0),
            "Evidently: any feature": flagged.any(axis=0),
            "Evidently: half of them": flagged.mean(axis=0) >= 0.5,
            "always": ~none,
            "never": none,
        }


def _number(reference: NDArray[Any]) -> _Column:
    ordered = np.sort(reference[~np.isnan(reference)])
    edges = np.unique(np.quantile(ordered, np.linspace(0, 1, 11)[1:-1]))
    shares = np.bincount(np.searchsorted(edges, ordered, side="right"), minlength=len(edges) + 1)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    mean, sd = float(ordered.mean()), float(ordered.std())
    few = np.unique(ordered)

    def psi(values: NDArray[Any]) -> Floats:
        places = np.searchsorted(edges, values, side="right")
        counts = np.stack([(places == i).sum(axis=1) for i in range(len(shares))], axis=1)
        return _psi(shares, counts)

    def distance(values: NDArray[Any]) -> Floats:
        if len(few) <= FEW_VALUES:
            before = np.array([(ordered == one).sum() for one in few])
            counts = np.stack([(values == one).sum(axis=1) for one in few], axis=1)
            return _jensen_shannon(before, counts)
        return _by_window(lambda one: wasserstein(ordered, sums, one), values) / max(sd, 0.001)

    def z(values: NDArray[Any]) -> tuple[Floats, Floats]:
        n = np.isfinite(values).sum(axis=1)
        apart = np.abs(np.nanmean(values, axis=1) - mean)
        error = np.nanstd(values, axis=1, ddof=1) / np.sqrt(n)
        return apart / np.maximum(error, 1e-300), apart / max(sd, 1e-300)

    return _Column(
        lambda values: _by_window(lambda one: ks(ordered, one), values), psi, distance, z
    )


def _category(reference: NDArray[Any], levels: int) -> _Column:
    before = np.bincount(reference[reference >= 0], minlength=levels + 1)

    def counts(values: NDArray[Any]) -> NDArray[np.int64]:
        """By window; levels that the reference never held are one more."""
        held = np.clip(values.astype(int), -1, levels) + 1
        flat = held + (levels + 2) * np.arange(len(values))[:, None]
        size = (levels + 2) * len(values)
        return np.bincount(flat.ravel(), minlength=size).reshape(len(values), -1)[:, 1:]

    return _Column(
        p_values=lambda values: _chi2(before, counts(values)),
        psi=lambda values: _psi(before, counts(values)),
        distance=lambda values: _jensen_shannon(before, counts(values)),
        z=None,
    )


def _by_window(function: Callable[[Floats], Floats], values: NDArray[Any]) -> Floats:
    """For windows as they are, or one by one where some of their values are missing.

    `function` takes sorted windows of one size.
    """
    ordered = np.sort(values, axis=1)
    present = np.isfinite(values).sum(axis=1)
    if present.min() == values.shape[1]:
        return function(ordered)
    found = [function(row[None, :n])[0] for row, n in zip(ordered, present, strict=True)]
    return np.array(found)


def ks(reference: Floats, windows: Floats) -> Floats:
    """The p-values of `scipy.stats.ks_2samp` for large samples.

    Parameters
    ----------
    reference
        Sorted, shape (m,).
    windows
        Each sorted, shape (windows, n).
    """
    n, m = windows.shape[1], len(reference)
    at = np.arange(n)
    new = windows[:, 1:] != windows[:, :-1]
    first = np.maximum.accumulate(
        np.where(np.pad(new, ((0, 0), (1, 0)), constant_values=True), at, 0), axis=1
    )
    ends = np.where(np.pad(new, ((0, 0), (0, 1)), constant_values=True), at + 1, n)
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    above = np.searchsorted(reference, windows, side="right") / m - last / n
    below = np.searchsorted(reference, windows, side="left") / m - first / n
    distance = np.maximum(np.abs(above).max(axis=1), np.abs(below).max(axis=1))
    p_values: Floats = kstwo.sf(distance, np.round(n * m / (n + m)))
    return p_values


def wasserstein(reference: Floats, sums: Floats, windows: Floats) -> Floats:
    """The first Wasserstein distances of `scipy.stats.wasserstein_distance`.

    The area between two distribution functions.  Between two neighbouring values of a window
    its own function is constant, and the reference's crosses it once.

    Parameters
    ----------
    reference, sums
        Sorted, shape (m,); the sums of its first 0, 1, ... m values.
    windows
        Each sorted, shape (windows, n).
    """
    m, n = len(reference), windows.shape[1]

    def area(x: Floats, k: NDArray[np.intp]) -> Floats:
        """Under the reference's distribution function, up to x."""
        below: Floats = (k * x - sums[k]) / m
        return below

    a, b = windows[:, :-1], windows[:, 1:]
    level = np.arange(1, n) / n
    quantile = reference[np.minimum(np.ceil(level * m - 1e-9).astype(int), m) - 1]
    middle = np.clip(quantile, a, b)
    at = np.searchsorted(reference, windows, side="right")
    left, right = area(a, at[:, :-1]), area(b, at[:, 1:])
    centre = area(middle, np.searchsorted(reference, middle, side="right"))
    between = level * (middle - a) - (centre - left) + (right - centre) - level * (b - middle)
    lowest, highest = windows[:, 0], windows[:, -1]
    beyond = (sums[m] - sums[at[:, -1]] - (m - at[:, -1]) * highest) / m
    total: Floats = between.sum(axis=1) + area(lowest, at[:, 0]) + beyond
    return total


def _chi2(before: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """The p-values of `scipy.stats.chi2_contingency`, over the categories that occur."""
    both = before + counts
    n, m = counts.sum(axis=1, keepdims=True), before.sum()
    share = both / (n + m)
    held = both > 0
    freedom = np.maximum(held.sum(axis=1) - 1, 1)
    continuity = np.where(freedom == 1, 0.5, 0.0)[:, None]
    value = np.zeros(len(counts))
    for seen, rows in ((counts, n), (np.broadcast_to(before, counts.shape), m)):
        expected = np.where(held, rows * share, 1.0)
        off = np.abs(seen - np.where(held, expected, 0.0))
        off = off - np.minimum(continuity, off)
        value += (off**2 / expected).sum(axis=1)
    p_values: Floats = np.where(held.sum(axis=1) > 1, chdtrc(freedom, value), 1.0)
    return p_values


def _psi(before: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    p = np.maximum(before / before.sum(), LEAST_SHARE)
    q = np.maximum(counts / counts.sum(axis=1, keepdims=True), LEAST_SHARE)
    value: Floats = ((q - p) * np.log(q / p)).sum(axis=1)
    return value


def _jensen_shannon(before: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """The distances of `scipy.spatial.distance.jensenshannon`."""
    p = before / before.sum()
    q = counts / counts.sum(axis=1, keepdims=True)
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
    distance: Floats = np.sqrt(np.maximum(divergence, 0.0))
    return distance
