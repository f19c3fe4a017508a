"""The changes that are planted, each as what it does to the rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from benchmarks.quality.population import (
    Block,
    Floats,
    Margin,
    Population,
    category,
    mixed,
    zipf,
)

__all__ = ["CHANGES", "Change", "draw_changed"]

#: Changes normal values, of shape (columns, windows, rows), in place; the second argument
#: says how many windows have passed since the change began, 0 for the first.
Latent: TypeAlias = Callable[[Floats, NDArray[np.int64]], None]
#: Changes the columns in place, with a random source.
Values: TypeAlias = Callable[[dict[str, NDArray[Any]], np.random.Generator], None]
Remade: TypeAlias = Callable[[Population], Population]

X = "00_normal"  #: the feature that changes, and its partner
PARTNER = "01_normal"
TWIN = "13_normal"  #: distributed as both, and independent of them
COLOUR = "07_category_10"
AMOUNT = "02_lognormal"

#: One feature of each of seven pairs; none is zero-inflated, where a shift of the normal value
#: by 0.1 is one of less than 0.1 deviations of the feature.
SEVEN = (0, 2, 5, 6, 8, 12, 14)

GRADUAL_WINDOWS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changes, and how soon it is to be seen in windows of 200 rows."""

    name: str
    latent: Latent | None = None
    remade: Remade | None = None
    values: Values | None = None
    features: int = 20
    within: int | None = None  #: windows, in 95 of 100 runs; None without a promise
    rarely: bool = False  #: whether it takes long to be seen, if ever


def draw_changed(
    change: Change, rng: np.random.Generator, windows: int, rows: int, *, since: int = 0
) -> Block:
    """Windows of rows that have changed, the first of them so many windows ago."""
    before = mixed(change.features)
    population = change.remade(before) if change.remade else before
    z = population.normals(rng, windows, rows)
    if change.latent:
        change.latent(z, since + np.arange(windows))
    columns = population.values(z)
    if change.values:
        change.values(columns, rng)
    return Block(columns)


def _shift(*places: int, by: float) -> Latent:
    def change(z: Floats, _since: NDArray[np.int64]) -> None:
        z[list(places)] += by

    return change


def _gradual(z: Floats, since: NDArray[np.int64]) -> None:
    z[0] += 0.5 * np.minimum(1.0, (since + 1) / GRADUAL_WINDOWS)[:, None]


def _spread(z: Floats, _since: NDArray[np.int64]) -> None:
    z[0] *= 1.25


def _variance(z: Floats, _since: NDArray[np.int64]) -> None:
    z[0] *= 1.25**0.5


def _student(z: Floats) -> Floats:
    """Student's law with three degrees of freedom, scaled to the variance of a normal."""
    scaled: Floats = np.asarray(stdtrit(3.0, ndtr(z)) / 3**0.5, dtype=float)
    return scaled


def _tailed(population: Population) -> Population:
    return population.with_margin(X, Margin(_student))


def _weaker(population: Population) -> Population:
    return replace(population, rho={0: 0.3})


def _recoloured(by: float) -> Remade:
    """Every other level becomes more frequent, by so much in total variation."""

    def remade(population: Population) -> Population:
        weights = zipf(10) / zipf(10).sum()
        after = weights.copy()
        after[1::2] *= 1 + by / weights[1::2].sum()
        after[::2] *= 1 - by / weights[::2].sum()
        return population.with_margin(COLOUR, category(after))

    return remade


def _missing(columns: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
    columns[X] = np.where(rng.random(columns[X].shape) < 0.01, np.nan, columns[X])


def _unseen(columns: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
    new = rng.random(columns[COLOUR].shape) < 0.01
    columns[COLOUR] = np.where(new, 10, columns[COLOUR]).astype(np.int16)


def _other_unit(columns: dict[str, NDArray[Any]], _rng: np.random.Generator) -> None:
    columns[AMOUNT] = columns[AMOUNT] * 1000.0


def _swapped(columns: dict[str, NDArray[Any]], _rng: np.random.Generator) -> None:
    columns[PARTNER], columns[TWIN] = columns[TWIN], columns[PARTNER]


CHANGES = (
    Change(name="mean 0.05 sd", latent=_shift(0, by=0.05), rarely=True),
    Change(name="mean 0.1 sd", latent=_shift(0, by=0.1), within=20),
    Change(name="mean 0.2 sd", latent=_shift(0, by=0.2), within=5),
    Change(name="mean 0.5 sd", latent=_shift(0, by=0.5), within=1),
    Change(name="mean 1 sd", latent=_shift(0, by=1.0), within=1),
    Change(name="variance × 1.25", latent=_variance, rarely=True),
    Change(name="spread × 1.25", latent=_spread, within=2),
    Change(name="heavier tail, equal spread", remade=_tailed, within=1),
    Change(name="0 to 1 % missing", values=_missing, within=4),
    Change(name="new category of 1 %", values=_unseen, within=4),
    Change(name="categories moved, 0.05 TV", remade=_recoloured(0.05), rarely=True),
    Change(name="categories moved, 0.1 TV", remade=_recoloured(0.1)),
    Change(name="unit × 1,000", values=_other_unit),
    Change(name="columns of equal margin swapped", values=_swapped),
    Change(name="correlation 0.6 to 0.3", remade=_weaker, within=2),
    Change(name="0.5 sd in one feature of 50", latent=_shift(0, by=0.5), features=50),
    Change(name="0.1 sd in seven features", latent=_shift(*SEVEN, by=0.1), within=3),
    Change(name="0 to 0.5 sd over 48 windows", latent=_gradual, rarely=True),
)
