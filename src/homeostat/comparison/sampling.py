"""Rows drawn from a source, as a classifier wants them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import FeatureBins
from homeostat.engines.arrow import as_words, codes, numbers
from homeostat.engines.source import Source
from homeostat.profile import Profile

__all__ = ["MOST_CODES", "Coding", "sampled"]

#: Categories that are told apart, the commonest of the reference; a tree takes 255 at most.
MOST_CODES = 250

Matrix = NDArray[np.float64]


class Coding:
    """How the values of each feature become numbers: the place of their bin, NaN if missing.

    Trees look at the order of values only, so the bins lose nothing but what they merge, and
    infinities need no care.

    Parameters
    ----------
    reference
        Its features and their bins; of the categories the commonest have codes of their own.
    """

    def __init__(self, reference: Profile) -> None:
        self.features: tuple[FeatureBins, ...] = reference.bins.features
        self._codes: dict[str, dict[str | None, float]] = {}
        for part in reference.parts:
            if not part.bins.kind.is_numeric:
                order = np.argsort(-part.present[:-1], kind="stable")[:MOST_CODES]
                self._codes[part.bins.name] = {
                    None: np.nan,
                    **{part.bins.categories[i]: float(code) for code, i in enumerate(order)},
                }

    @property
    def categorical(self) -> list[bool]:
        """Which features have codes instead of an order."""
        return [not one.kind.is_numeric for one in self.features]

    def matrix(self, batch: Any, rows: NDArray[np.intp]) -> Matrix:
        """These rows of a batch of Arrow, shape (rows, features)."""
        return np.column_stack([self._column(one, batch, rows) for one in self.features])

    def _column(self, bins: FeatureBins, batch: Any, rows: NDArray[np.intp]) -> Matrix:
        column = batch.column(bins.name)
        if bins.kind.is_numeric:
            values = numbers(bins.name, column)[rows]
            places = np.searchsorted(np.asarray(bins.edges), values, side="right")
            return np.where(np.isnan(values), np.nan, places)
        found, dictionary = codes(column)
        known = self._codes[bins.name]
        table = [known.get(word, float(MOST_CODES)) for word in as_words(dictionary)]
        coded: Matrix = np.array([*table, np.nan])[found[rows]]
        return coded


def sampled(
    source: Source, coding: Coding, rows: int, most: int, rng: np.random.Generator
) -> Matrix:
    """At most `most` of the `rows` rows of a source, each as likely as the others."""
    chosen = np.sort(rng.permutation(rows)[:most])
    parts = [np.empty((0, len(coding.features)))]
    seen = 0
    for batch in source.batches(coding.features):
        first, end = np.searchsorted(chosen, [seen, seen + batch.num_rows])
        if end > first:
            parts.append(coding.matrix(batch, chosen[first:end] - seen))
        seen += batch.num_rows
    return np.concatenate(parts)
