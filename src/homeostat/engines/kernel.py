"""Counting batches of Arrow into the bins of a reference: the one kernel of all engines."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import Bins, FeatureBins
from homeostat.engines.arrow import as_words, codes, numbers
from homeostat.errors import UserError
from homeostat.profile import LARGEST, Counts, Profile, joint_scores

__all__ = ["CHUNK", "count_batches"]

#: Values that are sorted at once: they and their order stay in the cache of a core.
CHUNK = 65_536

#: Threads that count; more would wait for the reading.
MOST_THREADS = 8


def count_batches(batches: Iterable[Any], bins: Bins, *, threads: int | None = None) -> Profile:
    """The profile of batches of Arrow with a column for each feature.

    Parameters
    ----------
    batches
        Read one after the other; a chunk for each thread is held.
    bins
        Those of the reference.
    threads
        That count; one for each processor, up to `MOST_THREADS`, when None.  Neither the
        counts nor the moments depend on it, to the last digit.

    Raises
    ------
    UserError
        When columns hold text where numbers are asked; all of them are named.
    """
    columns = {
        one.name: _Numbers(one) if one.kind.is_numeric else _Categories(one)
        for one in bins.features
    }
    profile = Profile.empty(bins)
    waiting: deque[Future[Profile]] = deque()
    most = threads or min(os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(most) as pool:
        try:
            for chunk in _chunks(batches):
                waiting.append(pool.submit(_count_chunk, chunk, bins, columns))
                if len(waiting) > most:
                    profile += waiting.popleft().result()
            for one in waiting:
                profile += one.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return profile


def _chunks(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        for start in range(0, batch.num_rows, CHUNK):
            yield batch.slice(start, CHUNK)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a chunk of one column adds to the profile."""

    counts: Counts
    moments: tuple[int, float, float] = (0, 0.0, 0.0)
    scores: NDArray[np.int8] | None = None


class _Numbers:
    """Counts the chunks of a numeric column."""

    def __init__(self, bins: FeatureBins) -> None:
        self._name = bins.name
        self._edges = np.asarray(bins.edges)
        self._first = bins.scores[0] if bins.scores else None
        # Scores do not fall, so that of a value is the sum of the steps up to it.
        steps = np.diff(np.array(bins.scores, dtype=np.int8))
        self._steps = [(bins.edges[i], steps[i]) for i in np.flatnonzero(steps)]

    def count(self, column: Any) -> _Counted:
        values = numbers(self._name, column)
        ordered = np.sort(values)  # NaN last
        # Looking the edges up among the values takes a sixth of the time of looking the
        # values up among the edges, the sorting included.
        below = np.searchsorted(ordered, self._edges, side="left")
        present = np.searchsorted(ordered, np.inf, side="right")
        counts = np.empty(len(below) + 2, dtype=np.int64)
        counts[0] = below[0]
        counts[1:-2] = below[1:] - below[:-1]
        counts[-2:] = present - below[-1], len(ordered) - present
        return _Counted(counts, _moments(ordered), self._scores(values, counts[-1]))

    def _scores(self, values: NDArray[np.float64], missing: int) -> NDArray[np.int8] | None:
        if self._first is None:
            return None
        found = np.full(len(values), self._first, dtype=np.int8)
        for edge, step in self._steps:
            found += (values >= edge).view(np.int8) * step
        if missing:
            found[np.isnan(values)] = 0
        return found


class _Categories:
    """Counts the chunks of a column of categories."""

    def __init__(self, bins: FeatureBins) -> None:
        self._size = bins.size
        self._index: dict[str | None, int] = {one: i for i, one in enumerate(bins.categories)}
        self._index[None] = bins.size - 1
        self._last: tuple[Any, list[int]] | None = None

    def count(self, column: Any) -> _Counted:
        found, dictionary = codes(column)
        places = self._places(dictionary)
        counts = np.zeros(self._size, dtype=np.int64)
        np.add.at(counts, places, np.bincount(found, minlength=len(places)))
        return _Counted(counts)

    def _places(self, dictionary: Any) -> list[int]:
        """The bin of each word of a dictionary, and that of the missing."""
        last = self._last
        if last is not None and last[0].equals(dictionary):
            return last[1]
        other = self._size - 2
        places = [self._index.get(word, other) for word in [*as_words(dictionary), None]]
        self._last = dictionary, places
        return places


def _count_chunk(batch: Any, bins: Bins, columns: Mapping[str, _Numbers | _Categories]) -> Profile:
    found, problems = [], []
    for name, column in columns.items():
        try:
            found.append(column.count(batch.column(name)))
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("the columns do not fit the features", problems)
    scores = np.array([one.scores for one in found if one.scores is not None], dtype=np.float32)
    return Profile(
        bins,
        np.concatenate([np.zeros(0, dtype=np.int64), *(one.counts for one in found)]),
        np.array([one.moments for one in found], dtype=float).reshape(-1, 3),
        joint_scores(scores.reshape(len(bins.watched), batch.num_rows).T),
    )


def _moments(ordered: NDArray[np.float64]) -> tuple[int, float, float]:
    first = np.searchsorted(ordered, -LARGEST, side="left")
    end = np.searchsorted(ordered, LARGEST, side="right")
    summed = ordered[first:end]
    return len(summed), float(summed.sum()), float(np.einsum("i,i", summed, summed))
