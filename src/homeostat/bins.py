"""Bins: where the values of each feature are counted, frozen with the reference."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from homeostat.errors import StateError, UserError
from homeostat.schema import Kind, Schema

__all__ = [
    "PREDICTION",
    "PROBABILITY",
    "Bins",
    "FeatureBins",
    "fit_bins",
    "fit_category",
    "fit_numeric",
    "pair_places",
    "same_bins",
]

PROBABILITY = "probability"  #: the model's score is counted like a feature of this name
PREDICTION = "prediction"  #: and so is the predicted class

#: Quantile bins for a numeric feature.  A distance of distributions measured on k quantile
#: bins is off by at most 1/k, so 256 keep the error of KS under 0.004.
QUANTILES = 256

#: The outermost of them are halved so many times on both sides, down to a share of 2**-13 of
#: the rows, as long as `FEWEST_OUTSIDE` are left: there a heavier tail shows the most.
HALVINGS, FEWEST_OUTSIDE = 5, 8

#: Octaves beyond the range of the reference that are told apart: a unit change by up to
#: 2**14 = 16,384 still lands in bins of its own.
OCTAVES = 14

#: Where the twelve levels of a feature end when it is looked at together with others, as
#: normal quantiles, from the middle outwards: those that keep the most of a normal variance,
#: 98.4 % (Max 1960, IRE Transactions on Information Theory 6(1), table I).
LEVELS = (0.0, 0.3401, 0.6943, 1.081, 1.534, 2.141)

#: Normal scores are written as whole numbers, so many to a standard deviation: sums of their
#: products are then exact.  The levels have 1, 3, 4, 6, 9 and 12, up and down.
SCORES_PER_SD = 5

#: Features that are looked at together; of more, those that are correlated most.
WATCHED = 32

#: Rows of the reference from which the noise of correlations is taken.
NOISE_ROWS = 100_000

#: A correlation beyond it is taken as this, and its noise as at least so much of the usual.
STRONGEST, LEAST_NOISE = 0.98, 0.5


@dataclass(frozen=True, kw_only=True)
class FeatureBins:
    """The bins of one feature.

    A numeric feature with edges e has ``len(e) + 2`` bins: below ``e[0]``; the half-open
    ``[e[i], e[i + 1])``; at or above ``e[-1]``; missing.  A category has one bin each, then
    "other", then missing.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()
    low: float | None = None  #: smallest value of the reference
    high: float | None = None  #: largest value of the reference
    categories: tuple[str, ...] = ()
    #: Of each non-missing bin, a whole number from -12 to 12 that does not fall: the
    #: normal score of its level.  Empty where the feature is not looked at together with others.
    scores: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many bins there are, those for other or missing values included."""
        return len(self.edges if self.kind.is_numeric else self.categories) + 2

    @cached_property
    def out_of_range(self) -> NDArray[np.bool_]:
        """Which of the non-missing bins lie outside what the reference held."""
        mask = np.zeros(self.size - 1, dtype=bool)
        if not self.kind.is_numeric:
            mask[-1] = True
        elif self.low is not None and self.high is not None:
            edges = np.asarray(self.edges)
            mask[: int(np.searchsorted(edges, self.low)) + 1] = True
            mask[int(np.searchsorted(edges, self.high, side="right")) + 1 :] = True
        return mask

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """A representative value for each non-missing bin, in order; numeric only."""
        edges = np.asarray(self.edges, dtype=float)
        if not len(edges):
            return np.zeros(1)
        halves = edges / 2  # halved first, so that the largest floats can be added
        return np.concatenate(([edges[0]], halves[:-1] + halves[1:], [edges[-1]]))


@dataclass(frozen=True)
class Bins:
    """The bins of all features of a model, in one flat row of counters."""

    features: tuple[FeatureBins, ...]
    #: By pair of `watched` features, as in `homeostat.profile.Profile.joint`: the variance of
    #: n**0.5 times Fisher's z of their correlation, 1 for normal ones; empty for all 1.
    noise: tuple[float, ...] = ()

    @cached_property
    def watched(self) -> tuple[int, ...]:
        """The places of the features that are looked at together."""
        return tuple(i for i, one in enumerate(self.features) if one.scores)

    @cached_property
    def score_table(self) -> NDArray[np.float32]:
        """The score of every bin of every feature, in one flat row; 0 for the missing."""
        table = np.zeros(self.offsets[-1], dtype=np.float32)
        for i in self.watched:
            start = self.offsets[i]
            table[start : start + len(self.features[i].scores)] = self.features[i].scores
        return table

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where the bins of each feature begin, and the end of the last."""
        return (0, *np.cumsum([one.size for one in self.features]).tolist())

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The place of each feature by name."""
        return {one.name: i for i, one in enumerate(self.features)}

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON, in hex."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The bins as plain data that JSON can hold; floats survive exactly."""
        plain: dict[str, Any] = json.loads(json.dumps([asdict(one) for one in self.features]))
        return {"features": plain, "noise": list(self.noise)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Bins":
        """The bins that `to_dict` wrote."""
        return cls(
            tuple(
                FeatureBins(
                    **{
                        **one,
                        "kind": Kind(one["kind"]),
                        "edges": tuple(one["edges"]),
                        "categories": tuple(one["categories"]),
                        "scores": tuple(one.get("scores", ())),
                    }
                )
                for one in plain["features"]
            ),
            tuple(plain.get("noise", ())),
        )

    def with_scores(self, probabilities: NDArray[np.float64]) -> "Bins":
        """These bins and those of a model's answers, fitted on its scores of the reference."""
        score = replace(fit_numeric(PROBABILITY, probabilities), scores=())
        answer = FeatureBins(name=PREDICTION, kind=Kind.CATEGORY, categories=("0", "1"))
        return Bins((*self.features, score, answer), self.noise)


def fit_numeric(name: str, values: NDArray[np.float64], *, kind: Kind = Kind.NUMBER) -> FeatureBins:
    """The frozen bins of a numeric feature: one for each value, or quantiles when many.

    Edges of whole octaves (powers of two) are added wherever two neighbours, or the range
    and what lies beyond, are more than a factor of two apart, so that a change of units can
    be read from the counts.

    Parameters
    ----------
    name, kind
        Of the feature.
    values
        Shape (n,); NaN and infinities are left out.

    Raises
    ------
    UserError
        When no finite value is left.

    Examples
    --------
    >>> bins = fit_numeric("dependents", np.array([0.0, 1.0, 1.0, 2.0]))
    >>> {0.0, 0.5, 1.0, 2.0, 4.0} <= set(bins.edges)
    True
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise UserError(f"{name!r} has no finite value in the reference; leave the feature out")
    distinct = np.unique(finite)
    if len(distinct) > QUANTILES:
        distinct = np.unique(np.quantile(finite, _shares(len(finite)), method="inverted_cdf"))
    low, high = float(distinct[0]), float(distinct[-1])
    with np.errstate(over="ignore"):
        end = np.nextafter(high, np.inf)
    edges = np.append(distinct, end) if np.isfinite(end) else distinct
    edges = np.union1d(edges, np.concatenate((_octaves(edges), -_octaves(-edges[::-1]))))
    return FeatureBins(
        name=name,
        kind=kind,
        edges=tuple(edges.tolist()),
        low=low,
        high=high,
        scores=_scores(edges, finite),
    )


def _shares(n: int) -> NDArray[np.float64]:
    """Of the rows, up to each edge."""
    halves = 0.5 ** np.arange(1, HALVINGS + 1) / QUANTILES
    outer = halves[halves * n >= FEWEST_OUTSIDE]
    return np.union1d(np.linspace(0, 1, QUANTILES + 1), np.concatenate((outer, 1 - outer)))


def fit_category(
    name: str, values: Sequence[str | None], *, kind: Kind = Kind.CATEGORY
) -> FeatureBins:
    """The frozen bins of a category: one for each value seen, in alphabetical order."""
    seen = sorted({value for value in values if value is not None})
    if not seen:
        raise UserError(f"{name!r} has no value in the reference; leave the feature out")
    return FeatureBins(name=name, kind=kind, categories=tuple(seen))


def fit_bins(schema: Schema, columns: Mapping[str, NDArray[Any]]) -> Bins:
    """The frozen bins of a reference.

    Parameters
    ----------
    schema
        Its features, in this order.
    columns
        By feature name, shape (n,): float with NaN for numeric ones, else text or None.

    Raises
    ------
    UserError
        When a feature has no value to bin; all such features are named.
    """
    fitted, problems = [], []
    for feature in schema.features:
        values = columns[feature.name]
        try:
            fitted.append(
                fit_numeric(feature.name, values, kind=feature.kind)
                if feature.kind.is_numeric
                else fit_category(feature.name, values.tolist(), kind=feature.kind)
            )
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("the reference cannot be frozen", problems)
    return _watching(fitted, columns)


def same_bins(reference: Bins, current: Bins) -> None:
    """Refuse to compare counts made in different bins."""
    if reference is not current and reference.digest != current.digest:
        message = (
            f"counts in different bins cannot be put together: {reference.digest[:12]} "
            f"and {current.digest[:12]}; count the rows again with the reference's bins"
        )
        raise StateError(message)


@cache
def pair_places(width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The row and the column of each pair of `width` features, each with itself included."""
    return np.triu_indices(width)


def _scores(edges: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[int, ...]:
    """The normal score of each bin's level, by the rank of the middle of its rows.

    References
    ----------
    Scores of ranks: van der Waerden (1952), Indagationes Mathematicae 14.
    """
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    ends = ndtr(np.array([*(-one for one in LEVELS[:0:-1]), *LEVELS]))
    level = np.searchsorted(ends, _middle(counts), side="right")
    middle = _middle(np.bincount(level, counts, len(ends) + 1))
    middle = np.clip(middle, ends[0] / 2, 1 - ends[0] / 2)
    scores = np.rint(SCORES_PER_SD * ndtri(middle)).astype(int)[level]
    return tuple(scores.tolist()) if len(np.unique(scores[counts > 0])) > 1 else ()


def _middle(counts: NDArray[Any]) -> NDArray[np.float64]:
    """The share of rows below the middle of each bin."""
    shares: NDArray[np.float64] = (np.cumsum(counts) - counts / 2) / counts.sum()
    return shares


def _watching(features: Sequence[FeatureBins], columns: Mapping[str, NDArray[Any]]) -> Bins:
    """The bins with the features that are looked at together, and the noise of each pair.

    The variance of a correlation is that of its influence function, from the rows themselves:
    pairs with heavy tails or a bent relation vary more than normal ones.

    References
    ----------
    Devlin, Gnanadesikan and Kettenring (1975), Biometrika 62(3).
    """
    scored = [one for one in features if one.scores]
    if len(scored) < 2:
        return Bins(tuple(replace(one, scores=()) for one in features))
    z = np.column_stack([_standard_scores(one, columns[one.name]) for one in scored])
    r = np.clip(z.T @ z / len(z), -STRONGEST, STRONGEST)
    if len(scored) > WATCHED:
        strength = np.abs(r - np.diag(np.diag(r))).max(axis=0)
        kept = np.sort(np.argsort(-strength, kind="stable")[:WATCHED])
        names = {scored[i].name for i in kept}
        features = [one if one.name in names else replace(one, scores=()) for one in features]
        z, r = z[:, kept], r[np.ix_(kept, kept)]
    squares = z**2
    both, cubes = squares.T @ squares / len(z), (z**3).T @ z / len(z)
    fourth = np.diag(both)
    spread = both - r * (cubes + cubes.T) + r**2 / 4 * (fourth + fourth[:, None] + 2 * both)
    noise = np.maximum(LEAST_NOISE, spread / (1 - r**2) ** 2)
    np.fill_diagonal(noise, 1.0)
    return Bins(tuple(features), tuple(np.round(noise[pair_places(len(r))], 6).tolist()))


def _standard_scores(bins: FeatureBins, values: NDArray[np.float64]) -> NDArray[np.float64]:
    some = values[:: max(1, len(values) // NOISE_ROWS)]
    places = np.searchsorted(np.asarray(bins.edges), some, side="right")
    scores = np.where(np.isnan(some), 0.0, np.asarray(bins.scores, dtype=float)[places])
    spread = scores.std()
    standard: NDArray[np.float64] = (scores - scores.mean()) / (spread or 1.0)
    return standard


def _octaves(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = edges[edges > 0]
    if not len(positive):
        return np.empty(0)
    first, last = np.log2(positive[0]), np.log2(positive[-1])
    lowest = max(np.floor(first) - OCTAVES, np.ceil(last) - 4 * OCTAVES)  # not down to 1e-308
    powers = np.exp2(np.arange(lowest, min(np.ceil(last) + OCTAVES, 1023) + 1))
    neighbours = np.concatenate(([0.0], positive, [np.inf]))
    i = np.searchsorted(neighbours, powers, side="right")
    gaps = neighbours[np.minimum(i, len(neighbours) - 1)] > 2 * neighbours[i - 1]
    return powers[gaps & ~np.isin(powers, positive)]
