"""Counting one row at a time, as serving does: looked at when it comes, binned with others."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import Bins, FeatureBins
from homeostat.errors import UserError
from homeostat.profile import LARGEST, Counts, Profile, Sparse, joint_scores
from homeostat.schema import Row, Value

__all__ = ["RowCounter", "as_category"]

#: Rows that are kept before they are summed.
BATCH = 4_096

#: Rows up to which looking up each value by itself is quicker than asking NumPy by feature.
FEW = 4

#: What NumPy turns into a float by itself, None into NaN.
_PLAIN = frozenset({float, int, bool, type(None)})


_look_up = dict.__getitem__  # one call for each feature less than a comprehension


class RowCounter:
    """Counts rows into the bins of a reference; `profile` is what came together so far.

    The values of a row are taken when it comes and binned with those of its neighbours
    later, which costs a quarter of binning each for itself.

    Parameters
    ----------
    bins
        Those of the reference.  A key of a row that has no bins is not counted; a feature
        that a row does not have is counted as missing.
    """

    def __init__(self, bins: Bins) -> None:
        self._bins = bins
        self._plan = _plan(_Same(bins))
        self._sum: Profile | None = None  #: of what was added up before
        self._rows = 0
        self._numbers: list[Any] = []
        self._places: list[int] = []

    def add(self, row: Row) -> None:
        """Count one row.

        Raises
        ------
        UserError
            When it holds text where a number is asked; the row is not counted.
        """
        plan = self._plan
        try:
            values = plan.pick(row)
        except KeyError:
            values = tuple(map(row.get, plan.names))
        numbers: Sequence[Any] = values[: plan.width]
        if not _PLAIN.issuperset(map(type, numbers)):
            numbers = tuple(map(_as_number, plan.names, numbers))
        places = tuple(map(_look_up, plan.categories, values[plan.width :]))
        self._places += places
        self._numbers += numbers
        self._rows += 1
        if self._rows >= BATCH:
            self._add_up()

    @property
    def profile(self) -> Profile:
        """The sum of the rows so far."""
        self._add_up()
        return self._sum or Profile.empty(self._bins)

    def sparse(self) -> Sparse:
        """What `profile.sparse()` gives, for less where the rows are few."""
        if self._sum is not None or not self._rows:
            return self.profile.sparse()
        places, moments, joint = self._counted()
        filled, counts = np.unique(places, return_counts=True)
        return Sparse(filled.astype(np.uint32), counts, moments, joint)

    def _add_up(self) -> None:
        if not self._rows:
            return
        places, moments, joint = self._counted()
        counts = np.bincount(places, minlength=self._bins.offsets[-1])
        new = Profile(self._bins, counts, moments, joint)
        self._sum = new if self._sum is None else self._sum + new
        self._rows, self._numbers, self._places = 0, [], []

    def _counted(self) -> tuple[NDArray[np.intp], NDArray[np.float64], Counts]:
        """The bins of all values, the moments and the joint scores of the rows kept."""
        bins, plan, n = self._bins, self._plan, self._rows
        values = np.array(self._numbers, dtype=float).reshape(n, plan.width)
        places = np.empty((len(bins.features), n), dtype=np.intp)
        # NaN is found at the end, and the missing have the bin behind it.
        places[plan.numeric] = _found(plan, values) + np.isnan(values).T + plan.starts
        places[plan.others] = np.array(self._places, dtype=np.intp).reshape(n, -1).T
        powers = np.zeros((n, plan.width, 3))
        summed = np.abs(values) <= LARGEST
        powers[..., 0] = summed
        np.copyto(powers[..., 1], values, where=summed)
        np.square(powers[..., 1], out=powers[..., 2])
        moments = np.zeros((len(bins.features), 3))
        moments[plan.numeric] = np.add.reduce(powers)
        return places.ravel(), moments, joint_scores(bins.score_table[places[plan.watched]].T)


def _found(plan: "_Plan", values: NDArray[np.float64]) -> NDArray[np.intp]:
    """The place of each value among the edges of its feature, shape (features, n)."""
    n = len(values)
    if n <= FEW:
        flat = list(map(bisect_right, plan.edge_lists * n, values.ravel().tolist()))
        return np.array(flat, dtype=np.intp).reshape(n, plan.width).T
    found = np.empty((plan.width, n), dtype=np.intp)
    for edges, x, row in zip(plan.edges, values.T.copy(), found, strict=True):
        row[:] = edges.searchsorted(x, side="right")
    return found


class _Same:
    """Bins as a key that is quick to compare: the same object, not an equal one."""

    __slots__ = ("bins",)

    def __init__(self, bins: Bins) -> None:
        self.bins = bins

    def __hash__(self) -> int:
        return id(self.bins)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.bins is other.bins


class _Plan:
    """What all counters in the same bins share."""

    def __init__(self, bins: Bins) -> None:
        features = bins.features
        numeric = [i for i, one in enumerate(features) if one.kind.is_numeric]
        others = [i for i, one in enumerate(features) if not one.kind.is_numeric]
        self.numeric = np.array(numeric, dtype=np.intp)
        self.others = np.array(others, dtype=np.intp)
        self.watched = np.array(bins.watched, dtype=np.intp)
        self.starts = np.array([bins.offsets[i] for i in numeric], dtype=np.intp)[:, None]
        self.edges = [np.asarray(features[i].edges) for i in numeric]
        self.edge_lists = [one.tolist() for one in self.edges]
        self.categories = [_Places(features[i], bins.offsets[i]) for i in others]
        self.names = [features[i].name for i in (*numeric, *others)]
        self.width = len(numeric)
        #: The values of a row in the order of `names`; KeyError when it lacks one.
        self.pick: Callable[[Row], tuple[Value, ...]] = (
            itemgetter(*self.names)
            if len(self.names) > 1
            else lambda row: tuple(row[name] for name in self.names)
        )


@lru_cache(maxsize=32)  # a process serves few versions, and each commit has a counter
def _plan(same: _Same) -> _Plan:
    return _Plan(same.bins)


class _Places(dict[Value, int]):
    """The place of each category among the bins of all features."""

    def __init__(self, bins: FeatureBins, start: int) -> None:
        super().__init__({category: start + i for i, category in enumerate(bins.categories)})
        self._other = start + bins.size - 2
        self[None] = self._other + 1

    def __missing__(self, value: Value) -> int:
        if value != value:  # noqa: PLR0124  # NaN alone differs from itself
            return self[None]
        # Not kept: True and 1 would share a key, and the unseen have no end.
        return self.get(as_category(value), self._other)


def as_category(value: Value) -> str:
    """How a value of a category or boolean feature is written: true and false in lower case.

    Examples
    --------
    >>> as_category(True), as_category(2), as_category("a")
    ('true', '2', 'a')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_number(name: str, value: Any) -> float | None:
    if isinstance(value, str | bytes):
        raise UserError(f"{name!r} holds values that are not numbers, such as {value!r}")
    return None if value is None else float(value)
