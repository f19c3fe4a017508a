"""Samples that statistics are checked on: with a change of known size, and without any."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr

from homeostat.bins import FeatureBins, fit_category, fit_numeric
from homeostat.profile import Counts, FeatureProfile
from homeostat.schema import Kind

__all__ = [
    "BASES",
    "CHANGES",
    "QUIET",
    "Base",
    "Change",
    "Quiet",
    "expected",
    "feature_profile",
    "quiet_pairs",
    "sampled",
]

Shares = NDArray[np.float64]
Values = NDArray[np.float64]
Pair = tuple[FeatureProfile, FeatureProfile]

MISSING = 0.02  #: share of rows without a value, in every sample


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """The bins of a feature with the true share of each."""

    name: str
    bins: FeatureBins
    shares: Shares  #: shape (bins.size,), the last one missing


#: A base and how much of a change to the shares after it; with 0 they are those of the base.
Change = Callable[[Base, float], Shares]


@dataclass(frozen=True, slots=True)
class Quiet:
    """A source of values that never changes."""

    reference: int  #: rows of the reference
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]]  #: generator and n to values
    kind: Kind = Kind.NUMBER  #: of a category the values are the codes


def feature_profile(
    bins: FeatureBins, counts: Counts, values: Values | None = None
) -> FeatureProfile:
    """The profile with these counts, and the moments of these values.

    Without values they are taken to lie in the middle of their bins.
    """
    if not bins.kind.is_numeric:
        return FeatureProfile(bins, counts, np.zeros(3))
    if values is None:
        x, times = bins.positions, counts[:-1].astype(float)
        return FeatureProfile(bins, counts, np.array([times.sum(), times @ x, times @ x**2]))
    held = values[np.isfinite(values)]
    return FeatureProfile(bins, counts, np.array([len(held), held.sum(), (held**2).sum()]))


def sampled(base: Base, shares: Shares, n: int, *, seed: int) -> FeatureProfile:
    """A sample of n rows with these true shares."""
    counts = np.random.default_rng(seed).multinomial(n, shares)
    return feature_profile(base.bins, counts.astype(np.int64))


def expected(base: Base, shares: Shares, n: int = 100_000_000) -> FeatureProfile:
    """A sample of n rows that shows the shares as they are, to one row."""
    counts = np.diff(np.round(np.cumsum(shares) * n), prepend=0)
    return feature_profile(base.bins, counts.astype(np.int64))


def _numbers() -> Base:
    values = np.random.default_rng(0).normal(50, 10, 4_000)
    bins = fit_numeric("number", values)
    counts = np.bincount(np.searchsorted(bins.edges, values, side="right"), minlength=bins.size)
    return _base("numbers", bins, counts[:-1])


def _base(name: str, bins: FeatureBins, weights: NDArray[np.int64]) -> Base:
    present = (1 - MISSING) * weights / weights.sum()
    return Base(name, bins, np.append(present, MISSING))


def _categories(name: str, weights: list[int]) -> Base:
    bins = fit_category(name, [f"{i}" for i in range(len(weights))])
    return _base(name, bins, np.array([*weights, 0]))


#: A number with a bin for each 1/256, four even categories, and a boolean.
BASES = (
    _numbers(),
    _categories("four categories", [1, 1, 1, 1]),
    _categories("a boolean", [1, 1]),
)


def _with_present(base: Base, share: Shares) -> Shares:
    """These shares of the rows that have a value, and as many without one as before."""
    missing = base.shares[-1]
    return np.append((1 - missing) * share, missing)


def _present(base: Base) -> Shares:
    share: Shares = base.shares[:-1] / base.shares[:-1].sum()
    return share


def _only(base: Base, place: int) -> Shares:
    alone = np.zeros(len(base.shares) - 1)
    alone[place] = 1.0
    return alone


def _move_up(base: Base, step: float) -> Shares:
    """That share of the rows of the lower half goes to the upper half."""
    share = _present(base)
    upper = np.cumsum(share) - share / 2 > 0.5
    lower = share * ~upper
    moved = share - step * lower + step * lower.sum() * share * upper / (share * upper).sum()
    return _with_present(base, moved)


def _normal(base: Base) -> Shares:
    """The normal quantiles of the shares up to the end of each bin."""
    below = np.cumsum(_present(base))
    quantiles: Shares = ndtri(np.append(0.0, np.minimum(1.0, below / below[-1])))
    return quantiles


def _shift(base: Base, step: float) -> Shares:
    """What would be a normal feature lies higher by that part of a standard deviation."""
    return _with_present(base, np.diff(ndtr(_normal(base) - step)))


def _widen(base: Base, step: float) -> Shares:
    """What would be a normal feature is wider by that part."""
    return _with_present(base, np.diff(ndtr(_normal(base) / (1 + step))))


def _gain_tails(base: Base, step: float) -> Shares:
    """That share of what would be a normal feature has Student's law with the same variance."""
    heavy = np.diff(stdtr(3, _normal(base) * np.sqrt(3)))
    return _with_present(base, (1 - step) * _present(base) + step * heavy)


def _stick(base: Base, step: float) -> Shares:
    """That share of the values becomes the most frequent one."""
    share = _present(base)
    return _with_present(base, (1 - step) * share + step * _only(base, int(share.argmax())))


def _go_missing(base: Base, step: float) -> Shares:
    nothing = np.zeros_like(base.shares)
    nothing[-1] = 1
    return (1 - step) * base.shares + step * nothing


def _are_unknown(base: Base, step: float) -> Shares:
    """That share of the values falls beyond all numbers, or into no category."""
    beyond = _only(base, len(base.shares) - 2)
    return _with_present(base, (1 - step) * _present(base) + step * beyond)


def _change_unit(base: Base, step: float) -> Shares:
    """All values become up to 96 times as large."""
    if not base.bins.kind.is_numeric or not step:
        return base.shares
    places = np.searchsorted(base.bins.edges, base.bins.positions * 120 * step, side="right")
    moved = np.bincount(places, _present(base), minlength=len(base.shares) - 1).astype(float)
    return _with_present(base, moved)


CHANGES: Mapping[str, Change] = {
    "values that move up": _move_up,
    "values that shift": _shift,
    "values that spread": _widen,
    "values that gain tails": _gain_tails,
    "values that stick": _stick,
    "values that go missing": _go_missing,
    "values that are unknown": _are_unknown,
    "values in another unit": _change_unit,
}

_ZIPF = 1 / np.arange(1, 201)

#: Each with something that breaks a careless test: ties, rare bins, categories that the
#: reference never held.
QUIET: Mapping[str, Quiet] = {
    "smooth numbers": Quiet(4_000, lambda random, n: random.normal(size=n)),
    "whole numbers": Quiet(4_000, lambda random, n: random.poisson(1.5, n).astype(float)),
    "numbers mostly zero": Quiet(
        1_000, lambda random, n: random.lognormal(size=n) * (random.random(n) < 0.2)
    ),
    "four categories": Quiet(
        4_000, lambda random, n: random.integers(0, 4, n).astype(float), Kind.CATEGORY
    ),
    "a rare flag": Quiet(
        4_000, lambda random, n: (random.random(n) < 0.001).astype(float), Kind.CATEGORY
    ),
    "a long tail of categories": Quiet(
        1_000,
        lambda random, n: random.choice(200, n, p=_ZIPF / _ZIPF.sum()).astype(float),
        Kind.CATEGORY,
    ),
}


@cache
def quiet_pairs(name: str, n: int, trials: int) -> tuple[Pair, ...]:
    """Reference and window from the same source, in bins fitted on that reference."""
    random = np.random.default_rng([n, *name.encode()])
    return tuple(_quiet_pair(QUIET[name], random, n) for _ in range(trials))


def _quiet_pair(quiet: Quiet, random: np.random.Generator, n: int) -> Pair:
    sides = []
    for rows in (quiet.reference, n):
        values = quiet.draw(random, rows)
        values[random.random(rows) < MISSING] = np.nan
        sides.append(values)
    if quiet.kind.is_numeric:
        bins = fit_numeric("x", sides[0])
        known = np.array(bins.edges)
    else:
        known = np.unique(sides[0][~np.isnan(sides[0])])
        bins = fit_category("x", [f"{code:05.0f}" for code in known])
    one, other = (_counted(bins, known, values) for values in sides)
    return one, other


def _counted(bins: FeatureBins, known: Shares, values: Values) -> FeatureProfile:
    if bins.kind.is_numeric:
        places = np.searchsorted(known, values, side="right")
    else:
        places = np.minimum(np.searchsorted(known, values), len(known) - 1)
        places = np.where(known[places] == values, places, bins.size - 2)
    places = np.where(np.isnan(values), bins.size - 1, places)
    counts = np.bincount(places, minlength=bins.size).astype(np.int64)
    return feature_profile(bins, counts, values)
