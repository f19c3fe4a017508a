"""Counting one row at a time, as serving does: one bisection and one increment a feature."""

from bisect import bisect_right

import numpy as np

from homeostat.bins import Bins, FeatureBins
from homeostat.profile import LARGEST, Profile, joint_scores
from homeostat.schema import Row, Value

__all__ = ["RowCounter", "as_category"]

#: Rows that are kept before they are summed.
BATCH = 4_096


class RowCounter:
    """Counts rows into the bins of a reference; `profile` is what came together so far.

    A row is looked up when it comes and summed with its neighbours later: the bins of a
    feature are few, and the sums of a thousand rows cost hardly more than those of one.

    Parameters
    ----------
    bins
        Those of the reference.  A key of a row that has no bins is not counted; a feature
        that a row does not have is counted as missing.
    """

    def __init__(self, bins: Bins) -> None:
        self._plan = [
            (one.name, start, one.edges, _index(one, start), start + one.size - 1)
            for one, start in zip(bins.features, bins.offsets, strict=False)
        ]
        self._sum = Profile.empty(bins)
        self._places: list[int] = []
        self._values: list[float] = []

    def add(self, row: Row) -> None:
        """Count one row."""
        places, values = self._places, self._values
        for name, start, edges, index, missing in self._plan:
            value = row.get(name)
            if value is None or value != value:  # noqa: PLR0124  # NaN alone differs from itself
                places.append(missing)
                values.append(np.nan)
            elif index is None:
                x = float(value)
                places.append(start + bisect_right(edges, x))
                values.append(x)
            else:
                places.append(index.get(as_category(value), missing - 1))
                values.append(np.nan)
        if len(places) >= BATCH * len(self._plan):
            self._add_up()

    @property
    def profile(self) -> Profile:
        """The sum of the rows so far."""
        self._add_up()
        return self._sum

    def _add_up(self) -> None:
        if not self._places:
            return
        bins, width = self._sum.bins, len(self._plan)
        places = np.array(self._places).reshape(-1, width)
        values = np.array(self._values).reshape(-1, width)
        summed = np.abs(values) <= LARGEST
        held = np.where(summed, values, 0.0)
        moments = np.column_stack((summed.sum(axis=0), held.sum(axis=0), (held**2).sum(axis=0)))
        counts = np.bincount(places.ravel(), minlength=bins.offsets[-1])
        joint = joint_scores(bins.score_table[places[:, bins.watched]])
        self._sum = self._sum + Profile(bins, counts, moments, joint)
        self._places, self._values = [], []


def as_category(value: Value) -> str:
    """How a value of a category or boolean feature is written: true and false in lower case.

    Examples
    --------
    >>> as_category(True), as_category(2), as_category("a")
    ('true', '2', 'a')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def _index(bins: FeatureBins, start: int) -> dict[str, int] | None:
    """The place of each category among the bins of all features."""
    if bins.kind.is_numeric:
        return None
    return {category: start + i for i, category in enumerate(bins.categories)}
