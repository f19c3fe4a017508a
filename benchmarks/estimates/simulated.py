"""Simulated streams: on these the settings of the blend were chosen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.estimates.stream import CONCEPT, COVARIATE, QUIET, Rows, Stream, strength

__all__ = ["WORLDS", "World", "simulated"]

_Floats = NDArray[np.float64]

FEATURES = 4
MODEL = np.array([1.2, -0.8, 0.5, 0.0])  #: what the model knows of the relation
TRUE = np.array([1.3, -0.9, 0.4, 0.3])  #: the relation before any change
AFTER = np.array([0.3, -0.9, 0.4, 1.2])  #: and after a change of it
SHIFT = np.array([0.9, 0.6, 0.0, 0.5])  #: of the means of the features, in standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What moves in a simulated stream, and how much of it there is."""

    name: str
    changes: str
    rows: str = "none"  #: how the rows move
    relation: str = "none"  #: and the relation
    intercept: float = -1.0
    size: int = 1_000
    windows: int = 60
    reference: int = 20_000


KINDS = (
    World(name="quiet", changes=QUIET),
    World(name="rows ramp", changes=COVARIATE, rows="ramp"),
    World(name="rows swing", changes=COVARIATE, rows="swings"),
    World(name="relation steps", changes=CONCEPT, relation="step"),
    World(name="relation ramps", changes=CONCEPT, relation="ramp"),
    World(name="relation returns", changes=CONCEPT, relation="returns"),
    World(name="both swing", changes=CONCEPT, rows="swings", relation="ramp"),
)

WORLDS = tuple(
    replace(
        kind,
        name=f"{kind.name}, {size:,} rows, {share}",
        size=size,
        intercept=intercept,
        reference=ref,
    )
    for kind in KINDS
    for size, ref, intercept, share in (
        (300, 2_000, -1.0, "a third positive"),
        (1_000, 20_000, -3.0, "a tenth positive"),
        (5_000, 50_000, 0.0, "half positive"),
    )
)


def simulated(world: World, seed: int) -> Stream:
    """A stream of this world."""
    random = np.random.default_rng([seed, sum(world.name.encode())])
    n = world.size * world.windows
    moved = np.repeat(strength(world.rows, world.windows), world.size)
    changed = np.repeat(strength(world.relation, world.windows), world.size)
    reference = _rows(world, random, np.zeros(world.reference), np.zeros(world.reference))
    return Stream(
        name=world.name,
        changes=world.changes,
        reference=reference,
        rows=_rows(world, random, moved[:n], changed[:n]),
        size=world.size,
        threshold=0.5 if world.intercept > -2 else 0.25,
    )


def _rows(world: World, random: np.random.Generator, moved: _Floats, changed: _Floats) -> Rows:
    x = random.normal(size=(len(moved), FEATURES)) + moved[:, None] * SHIFT
    weights = TRUE + changed[:, None] * (AFTER - TRUE)
    logit = world.intercept + (x * weights).sum(axis=1) + 0.8 * changed
    label = (random.random(len(moved)) < expit(logit)).astype(np.int64)
    return Rows(expit(world.intercept + x @ MODEL), label)
