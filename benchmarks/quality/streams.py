"""Quiet streams, in which nothing changes: window after window, and the rows of a reference.

The mix of users moves and comes back in some of them: rows of one window are alike, and
neighbouring windows are, but nothing has drifted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.population import Block, Floats, Population, mixed, ties_and_tails

__all__ = ["KINDS", "Stream", "blocks", "reference"]

KINDS = ("independent", "ties and tails", "autocorrelated")

REFERENCE_WINDOWS = 2_016  #: the reference of a stream is a week of it

#: Groups of users; the sd of a feature between them; the sd of the log of a group's weight,
#: and what of it is left in the next window.
GROUPS, BETWEEN, UNREST, PHI = 8, 0.5, 0.9, 0.9

VALUES = 4_000_000  #: that are drawn at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Windows of one kind."""

    kind: str  #: one of `KINDS`
    rows: int  #: of a window
    features: int
    seed: int
    apart: int = 1  #: windows of the stream from one that is drawn to the next

    @property
    def population(self) -> Population:
        """What its rows are drawn from, apart from the groups of users."""
        made = ties_and_tails if self.kind == "ties and tails" else mixed
        return made(self.features)


@dataclass(slots=True)
class _Mix:
    """The groups of users, and how many belong to each now."""

    offsets: Floats  #: shape (groups, features)
    base: Floats
    unrest: Floats

    @classmethod
    def of(cls, features: int) -> "_Mix":
        """The groups are the same whatever the seed of the stream."""
        rng = np.random.default_rng(features)
        offsets = BETWEEN * rng.standard_normal((GROUPS, features))
        return cls(offsets, rng.normal(0, 0.5, GROUPS), UNREST * rng.standard_normal(GROUPS))

    def move(self, rng: np.random.Generator) -> None:
        """On to the next window."""
        step = (1 - PHI**2) ** 0.5 * UNREST
        self.unrest = PHI * self.unrest + step * rng.standard_normal(GROUPS)

    def shares(self) -> Floats:
        weights = np.exp(self.base + self.unrest)
        shares: Floats = weights / weights.sum()
        return shares


def reference(stream: Stream, rows: int) -> Block:
    """The rows of a reference, as one window."""
    rng = np.random.default_rng([stream.seed, 0])
    if stream.kind != "autocorrelated":
        return stream.population.draw(rng, 1, rows)
    mix = _Mix.of(stream.features)
    each = -(-rows // REFERENCE_WINDOWS)
    week = replace(stream, apart=1)
    windows = [_mixed(week, mix, rng, 1, each) for _ in range(REFERENCE_WINDOWS)]
    joined = {
        name: np.concatenate([one.columns[name] for one in windows], axis=1)[:, :rows]
        for name in stream.population.names
    }
    return Block(joined)


def blocks(stream: Stream, windows: int) -> Iterator[Block]:
    """So many windows, some at a time."""
    rng = np.random.default_rng([stream.seed, 1])
    mix = _Mix.of(stream.features)
    for _ in range(100):  # away from where the reference began
        mix.move(rng)
    at_once = max(1, VALUES // (stream.rows * stream.features))
    for begin in range(0, windows, at_once):
        some = min(at_once, windows - begin)
        if stream.kind == "autocorrelated":
            yield _mixed(stream, mix, rng, some, stream.rows)
        else:
            yield stream.population.draw(rng, some, stream.rows)


def _mixed(stream: Stream, mix: _Mix, rng: np.random.Generator, windows: int, rows: int) -> Block:
    z = stream.population.normals(rng, windows, rows)
    for w in range(windows):
        for _ in range(stream.apart):
            mix.move(rng)
        group = rng.choice(GROUPS, rows, p=mix.shares())
        z[:, w] += mix.offsets[group].T
    return Block(stream.population.values(z))
