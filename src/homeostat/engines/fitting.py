"""Fitting bins from batches: whole columns while they fit, an even sample of rows beyond."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import Bins, FeatureBins, fit_bins
from homeostat.engines.arrow import as_words, codes, numbers
from homeostat.engines.source import Source, reading
from homeostat.errors import UserError
from homeostat.schema import Schema

__all__ = ["MOST_ROWS", "fit_source"]

#: Rows whose numbers are held for the edges.  Of a longer reference every second row is
#: taken, or every fourth, and so on; its smallest and largest values and its categories are
#: those of all rows.
MOST_ROWS = 5_000_000


def fit_source(source: Source, schema: Schema, *, most_rows: int = MOST_ROWS) -> Bins:
    """The frozen bins of a reference; the rows are read once.

    Raises
    ------
    UserError
        When a feature has no value to bin or text in place of numbers; all are named.
    """
    numeric = [_Numbers(one.name, most_rows) for one in schema.features if one.kind.is_numeric]
    texts = [_Words(one.name) for one in schema.features if not one.kind.is_numeric]
    columns: list[_Numbers | _Words] = [*numeric, *texts]
    with reading(source, schema.features) as batches:
        for batch in batches:
            _add(batch, columns)
    bins = fit_bins(schema, {one.name: one.values for one in columns})
    ranges = {one.name: one for one in numeric if one.step > 1}
    widened = [_widened(one, ranges.get(one.name)) for one in bins.features]
    return replace(bins, features=tuple(widened))


def _add(batch: Any, columns: list["_Numbers | _Words"]) -> None:
    problems = []
    for one in columns:
        try:
            one.add(batch.column(one.name))
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("the columns do not fit the features", problems)


@dataclass(slots=True)
class _Words:
    """The categories of a column."""

    name: str
    seen: set[str] = field(default_factory=set)

    def add(self, column: Any) -> None:
        found, dictionary = codes(column)
        used = np.bincount(found, minlength=len(dictionary) + 1)[:-1] > 0
        words = zip(as_words(dictionary), used, strict=True)
        self.seen.update(word for word, one in words if one and word is not None)

    @property
    def values(self) -> NDArray[Any]:
        return np.array(sorted(self.seen), dtype=object)


@dataclass(slots=True)
class _Numbers:
    """The values of a column in every `step`-th row, and the range of all of them."""

    name: str
    most: int
    step: int = 1
    rows: int = 0  #: seen so far
    held: int = 0
    low: float = np.inf
    high: float = -np.inf
    parts: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, column: Any) -> None:
        values = numbers(self.name, column)
        finite = np.isfinite(values)
        self.low = min(self.low, float(values.min(where=finite, initial=np.inf)))
        self.high = max(self.high, float(values.max(where=finite, initial=-np.inf)))
        taken = values[-self.rows % self.step :: self.step].copy()
        self.rows += len(values)
        self.parts.append(taken)
        self.held += len(taken)
        while self.held > self.most:
            kept = np.concatenate(self.parts)[::2].copy()
            self.parts, self.held, self.step = [kept], len(kept), 2 * self.step

    @property
    def values(self) -> NDArray[np.float64]:
        return np.concatenate([np.empty(0), *self.parts])


def _widened(bins: FeatureBins, seen: _Numbers | None) -> FeatureBins:
    """The bins with edges at the smallest and the largest value of all rows."""
    if seen is None or (bins.low, bins.high) == (seen.low, seen.high):
        return bins
    old = np.asarray(bins.edges)
    with np.errstate(over="ignore"):
        ends = np.array([seen.low, seen.high, np.nextafter(seen.high, np.inf)])
    edges = np.union1d(old, ends[np.isfinite(ends)])
    scores = bins.scores and (
        bins.scores[0],
        *np.asarray(bins.scores)[np.searchsorted(old, edges, side="right")].tolist(),
    )
    return replace(bins, edges=tuple(edges.tolist()), low=seen.low, high=seen.high, scores=scores)
