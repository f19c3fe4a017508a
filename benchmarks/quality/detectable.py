"""Is a change of the minimum detectable effect seen in 80 of 100 windows, as is said?

For each deciding statistic a change is planted whose effect, in very many rows, is what the
verdict on a quiet window of the same size said that it could see.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtrit

from benchmarks.quality.cases import REFERENCE_ROWS
from benchmarks.quality.counting import fit, profiles
from benchmarks.quality.population import (
    Block,
    Floats,
    Margin,
    Population,
    Source,
    category,
    mixed,
    zipf,
)
from homeostat.battery import TOGETHER
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.profile import Profile
from homeostat.verdict import Measurement, Verdict

__all__ = ["KINDS", "Seen", "seen"]

FEATURES = 5
X, Y, Z, COLOUR = "00_normal", "01_normal", "02_lognormal", "03_category_5"

#: Rows from which the effect of a planted change is read.
MANY = 400_000

#: To which share of it the strength of the change is found.
EXACT = 1e-3

AT_ONCE = 200  #: windows that are drawn at once

#: Windows with a change of some strength, with a random source.
Draw: TypeAlias = Callable[[Source, int, int, float], Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How the effect of a statistic is brought about."""

    subject: str
    draw: Draw
    most: float  #: strength


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How often a change of the stated effect was seen."""

    effect: float | None  #: None when none was stated, or none so large can be planted
    windows: int = 0
    seen: int = 0  #: by the statistic that had stated it
    any: int = 0  #: by any


def seen(statistic: str, rows: int, windows: int, seed: int) -> Seen:
    """So many windows with a change of just the stated effect."""
    kind, population = KINDS[statistic], mixed(FEATURES)
    rng = np.random.default_rng([seed, rows])
    reference = population.draw(rng, 1, REFERENCE_ROWS)
    bins = fit(population, reference)
    (before,) = profiles(reference, population, bins)
    judge = _Judge(before, population, statistic, kind)
    stated = judge.stated(population.draw(rng, 1, rows))
    strength = None if stated is None else judge.strength(stated, seed)
    if strength is None:
        return Seen(effect=None)
    verdicts = [
        verdict
        for begin in range(0, windows, AT_ONCE)
        for verdict in judge.verdicts(kind.draw(rng, min(AT_ONCE, windows - begin), rows, strength))
    ]
    return Seen(
        effect=stated,
        windows=len(verdicts),
        seen=sum(judge.seen(one) for one in verdicts),
        any=sum(any(each.drifted for each in one.measurements) for one in verdicts),
    )


@dataclass(frozen=True, slots=True)
class Even:
    """Random numbers whose distribution is exact, each column for itself; in random order."""

    rng: np.random.Generator

    def random(self, shape: tuple[int, ...]) -> Floats:
        """Even over (0, 1)."""
        n = shape[-1]
        even = np.broadcast_to((np.arange(n) + 0.5) / n, shape)
        return self.rng.permuted(even, axis=-1)

    def standard_normal(self, shape: tuple[int, ...]) -> Floats:
        """Normal."""
        return ndtri(self.random(shape))


@dataclass(frozen=True, slots=True)
class _Judge:
    before: Profile
    population: Population
    statistic: str
    kind: Kind

    def verdicts(self, block: Block) -> list[Verdict]:
        parts = profiles(block, self.population, self.before.bins)
        return [judge_drift(self.before, one, DriftPolicy()) for one in parts]

    def measured(self, verdict: Verdict) -> Measurement | None:
        """None where the question could not be asked of the window."""
        return next(
            (
                one
                for one in verdict.measurements
                if (one.subject, one.statistic) == (self.kind.subject, self.statistic)
            ),
            None,
        )

    def seen(self, verdict: Verdict) -> bool:
        one = self.measured(verdict)
        return one is not None and one.drifted

    def stated(self, quiet: Block) -> float | None:
        """What a quiet window says that it could have seen."""
        one = self.measured(self.verdicts(quiet)[0])
        return None if one is None else one.minimum_detectable_effect

    def strength(self, effect: float, seed: int) -> float | None:
        """How strong a change has this effect in very many rows."""

        def excess(strength: float) -> float:
            block = self.kind.draw(Even(np.random.default_rng(seed)), 1, MANY, strength)
            one = self.measured(self.verdicts(block)[0])
            return (0.0 if one is None else one.effect) - effect

        if excess(self.kind.most) < 0:
            return None
        return float(brentq(excess, 0.0, self.kind.most, rtol=EXACT, xtol=1e-9))


def _latent(change: Callable[[Floats, float], None]) -> Draw:
    def draw(rng: Source, windows: int, rows: int, strength: float) -> Block:
        population = mixed(FEATURES)
        z = population.normals(rng, windows, rows)
        change(z, strength)
        return Block(population.values(z))

    return draw


def _shift(z: Floats, strength: float) -> None:
    z[0] += strength


def _shift_all(z: Floats, strength: float) -> None:
    z[:] += strength


def _spread(z: Floats, strength: float) -> None:
    z[0] *= 1 + strength


def _tail(z: Floats, strength: float) -> None:
    """So many of the rows come from a law with heavy tails and the same spread."""
    even = ndtr(z[0])
    changed = even < strength
    heavy = stdtrit(3.0, even[changed] / strength) / 3**0.5
    z[0][~changed] = ndtri((even[~changed] - strength) / (1 - strength))
    z[0][changed] = heavy


def _correlation(z: Floats, strength: float) -> None:
    """The partner holds so much less of the feature, and as much more of its own."""
    own = (z[1] - 0.6 * z[0]) / 0.8
    rho = 0.6 - strength
    z[1] = rho * z[0] + (1 - rho**2) ** 0.5 * own


def _values(change: Callable[[dict[str, Any], Source, float], None]) -> Draw:
    def draw(rng: Source, windows: int, rows: int, strength: float) -> Block:
        population = mixed(FEATURES)
        columns = population.values(population.normals(rng, windows, rows))
        change(columns, rng, strength)
        return Block(columns)

    return draw


def _missing(columns: dict[str, Any], rng: Source, strength: float) -> None:
    columns[X] = np.where(rng.random(columns[X].shape) < strength, np.nan, columns[X])


def _unseen(columns: dict[str, Any], rng: Source, strength: float) -> None:
    new = rng.random(columns[COLOUR].shape) < strength
    columns[COLOUR] = np.where(new, 5, columns[COLOUR]).astype(np.int16)


def _recoloured(rng: Source, windows: int, rows: int, strength: float) -> Block:
    """The second and fourth levels become more frequent, by so much in total variation."""
    weights = zipf(5) / zipf(5).sum()
    after = weights.copy()
    after[1::2] *= 1 + strength / weights[1::2].sum()
    after[::2] *= 1 - strength / weights[::2].sum()
    margin: Margin = category(after)
    return mixed(FEATURES).with_margin(COLOUR, margin).draw(rng, windows, rows)


KINDS: Mapping[str, Kind] = {
    "location": Kind(subject=X, draw=_latent(_shift), most=2.0),
    "spread": Kind(subject=X, draw=_latent(_spread), most=2.0),
    "ks": Kind(subject=X, draw=_latent(_shift), most=2.0),
    "tail": Kind(subject=X, draw=_latent(_tail), most=0.999),
    "missing": Kind(subject=X, draw=_values(_missing), most=0.5),
    "unseen": Kind(subject=COLOUR, draw=_values(_unseen), most=0.5),
    "g": Kind(subject=COLOUR, draw=_recoloured, most=0.4),
    "correlation": Kind(subject=X, draw=_latent(_correlation), most=1.4),
    "joint_location": Kind(subject=TOGETHER, draw=_latent(_shift_all), most=2.0),
}
