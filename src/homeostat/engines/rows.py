"""Counting one row at a time, as serving does: one bisection and one increment a feature."""

from bisect import bisect_right
from collections import Counter

import numpy as np

from homeostat.bins import Bins, FeatureBins
from homeostat.profile import LARGEST, Profile
from homeostat.schema import Row, Value

__all__ = ["RowCounter", "as_category"]


class RowCounter:
    """Counts rows into the bins of a reference; `profile` is what came together so far.

    Parameters
    ----------
    bins
        Those of the reference.  A key of a row that has no bins is not counted; a feature
        that a row does not have is counted as missing.
    """

    def __init__(self, bins: Bins) -> None:
        self._bins = bins
        self._plan = [
            (one.name, start, one.edges, _index(one), one.size - 1)
            for one, start in zip(bins.features, bins.offsets, strict=False)
        ]
        self._counts: Counter[int] = Counter()
        self._moments = [[0, 0.0, 0.0] for _ in bins.features]

    def add(self, row: Row) -> None:
        """Count one row."""
        counts = self._counts
        for (name, start, edges, index, missing), moments in zip(
            self._plan, self._moments, strict=True
        ):
            value = row.get(name)
            if value is None or value != value:  # noqa: PLR0124  # NaN alone differs from itself
                counts[start + missing] += 1
            elif index is None:
                x = float(value)
                counts[start + bisect_right(edges, x)] += 1
                if -LARGEST <= x <= LARGEST:
                    moments[0] += 1
                    moments[1] += x
                    moments[2] += x * x
            else:
                counts[start + index.get(as_category(value), missing - 1)] += 1

    @property
    def profile(self) -> Profile:
        """The sum of the rows so far."""
        counts = np.zeros(self._bins.offsets[-1], dtype=np.int64)
        counts[list(self._counts)] = list(self._counts.values())
        return Profile(self._bins, counts, np.array(self._moments, dtype=float).reshape(-1, 3))


def as_category(value: Value) -> str:
    """How a value of a category or boolean feature is written: true and false in lower case.

    Examples
    --------
    >>> as_category(True), as_category(2), as_category("a")
    ('true', '2', 'a')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def _index(bins: FeatureBins) -> dict[str, int] | None:
    if bins.kind.is_numeric:
        return None
    return {category: i for i, category in enumerate(bins.categories)}
