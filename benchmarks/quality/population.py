"""Rows whose truth is known: margins of many shapes, in pairs that go together.

Imported in the environments of the peers too, and so of numpy and scipy alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, pdtr

__all__ = [
    "RHO",
    "Block",
    "Columns",
    "Floats",
    "Margin",
    "Population",
    "Source",
    "category",
    "mixed",
    "ties_and_tails",
    "words",
]

Floats: TypeAlias = NDArray[np.float64]

#: By name: numbers as floats, NaN where missing; categories as whole numbers, -1 where missing.
Columns: TypeAlias = Mapping[str, NDArray[Any]]


class Source(Protocol):
    """Random numbers, as a generator of numpy has them."""

    def random(self, size: tuple[int, ...], /) -> Floats:
        """Even over (0, 1)."""
        ...

    def standard_normal(self, size: tuple[int, ...], /) -> Floats:
        """Normal."""
        ...


RHO = 0.6  #: correlation of the normal copula within a pair


@dataclass(frozen=True, slots=True)
class Margin:
    """How a column is distributed, as a rising function of a standard normal value."""

    of: Callable[[Floats], NDArray[Any]]
    levels: int = 0  #: of a category; 0 for a number


@dataclass(frozen=True, slots=True)
class Block:
    """Windows of equally many rows; every column has the shape (windows, rows)."""

    columns: Columns

    @property
    def windows(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def rows(self) -> int:
        return int(next(iter(self.columns.values())).shape[1])


@dataclass(frozen=True, slots=True)
class Population:
    """Columns in pairs: the first goes with the second, the third with the fourth."""

    margins: Mapping[str, Margin]
    rho: Mapping[int, float] = field(default_factory=dict)  #: by pair, where it is not `RHO`

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.margins)

    def normals(self, rng: Source, windows: int, rows: int) -> Floats:
        """Standard normal values, of shape (columns, windows, rows), correlated in pairs."""
        z = rng.standard_normal((len(self.margins), windows, rows))
        for pair in range(len(self.margins) // 2):
            rho = self.rho.get(pair, RHO)
            second = z[2 * pair + 1]
            second *= (1 - rho**2) ** 0.5
            second += rho * z[2 * pair]
        return z

    def values(self, z: Floats) -> dict[str, NDArray[Any]]:
        """The columns that these normal values stand for."""
        return {name: one.of(z[i]) for i, (name, one) in enumerate(self.margins.items())}

    def with_margin(self, name: str, margin: Margin) -> "Population":
        """The population with another distribution of one column."""
        return replace(self, margins={**self.margins, name: margin})

    def draw(self, rng: Source, windows: int, rows: int) -> Block:
        """Windows of independent rows."""
        return Block(self.values(self.normals(rng, windows, rows)))


def mixed(features: int) -> Population:
    """Normal, lognormal, zero-inflated and integer columns, and a quarter of categories."""
    return _of(features, MIXED)


def ties_and_tails(features: int) -> Population:
    """Few distinct values, very many zeros, very long tails, and rare categories."""
    return _of(features, TIES_AND_TAILS)


def category(weights: Floats) -> Margin:
    """A category whose levels have these weights."""
    edges = np.cumsum(weights / weights.sum())[:-1]
    return Margin(partial(_levels, edges=edges), len(weights))


def words(margin: Margin, more: int = 1) -> list[str]:
    """The names of a category's levels, and of some that the reference never holds."""
    return [f"level {i:03}" for i in range(margin.levels + more)]


def zipf(levels: int, power: float = 0.7) -> Floats:
    """Weights that fall with the rank of the level."""
    return 1 / np.arange(1.0, levels + 1) ** power


def _of(features: int, pattern: tuple[tuple[str, Margin], ...]) -> Population:
    shapes = [pattern[i % len(pattern)] for i in range(features)]
    return Population({f"{i:02}_{shape}": margin for i, (shape, margin) in enumerate(shapes)})


def _same(z: Floats) -> Floats:
    return z


def _lognormal(z: Floats, sigma: float) -> Floats:
    return np.exp(sigma * z)


def _zero_inflated(z: Floats, zeros: float) -> Floats:
    """So many zeros, else an exponential value."""
    above = np.maximum((1 - ndtr(z)) / (1 - zeros), 1e-300)
    return np.maximum(0.0, -np.log(above))


def _integer(z: Floats, mean: float) -> Floats:
    steps = pdtr(np.arange(60), mean)
    return np.searchsorted(steps, ndtr(z)).astype(float)


def _long_tailed(z: Floats) -> Floats:
    """Cauchy."""
    return np.tan(np.pi * (ndtr(z) - 0.5))


def _levels(z: Floats, edges: Floats) -> NDArray[np.int16]:
    return np.searchsorted(edges, ndtr(z), side="right").astype(np.int16)


NORMAL = Margin(_same)
LOGNORMAL = Margin(partial(_lognormal, sigma=1.0))
ZEROS = Margin(partial(_zero_inflated, zeros=0.6))
INTEGER = Margin(partial(_integer, mean=4.0))

MIXED = (
    ("normal", NORMAL),
    ("normal", NORMAL),
    ("lognormal", LOGNORMAL),
    ("category_5", category(zipf(5))),
    ("zeros", ZEROS),
    ("integer", INTEGER),
    ("normal", NORMAL),
    ("category_10", category(zipf(10))),
    ("lognormal", LOGNORMAL),
    ("normal", NORMAL),
    ("zeros", ZEROS),
    ("category_20", category(zipf(20))),
    ("integer", INTEGER),
    ("normal", NORMAL),
    ("normal", NORMAL),
    ("category_50", category(zipf(50))),
    ("integer", INTEGER),
    ("lognormal", LOGNORMAL),
    ("zeros", ZEROS),
    ("category_200", category(zipf(200))),
)

TIES_AND_TAILS = (
    ("cauchy", Margin(_long_tailed)),
    ("lognormal_2", Margin(partial(_lognormal, sigma=2.0))),
    ("zeros_95", Margin(partial(_zero_inflated, zeros=0.95))),
    ("integer_1", Margin(partial(_integer, mean=0.1))),
    ("integer_3", Margin(partial(_integer, mean=0.7))),
    ("category_rare", category(zipf(100, power=2.0))),
    ("zeros_99", Margin(partial(_zero_inflated, zeros=0.99))),
    ("category_2", category(np.array([0.97, 0.03]))),
)
