"""The profiles of many windows at once; equal to counting each of them as a frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.population import Block, Margin, Population, words
from homeostat.bins import Bins, FeatureBins, fit_bins, pair_places
from homeostat.engines.frames import count_frame
from homeostat.profile import LARGEST, Counts, Profile
from homeostat.schema import Feature, Kind, Schema, Target, Task

__all__ = ["fit", "frame", "profiles", "schema"]

#: Rows of a window above which it is counted as a frame: its values are then sorted, which
#: is quicker than looking each of them up.
MANY = 4_000


def schema(population: Population) -> Schema:
    """The columns as homeostat knows them."""
    return Schema(
        task=Task.BINARY,
        target=Target(column="y"),
        features=tuple(
            Feature(name=name, kind=Kind.CATEGORY if one.levels else Kind.NUMBER, nullable=True)
            for name, one in population.margins.items()
        ),
    )


def fit(population: Population, reference: Block) -> Bins:
    """The frozen bins of a reference."""
    columns: dict[str, NDArray[Any]] = {
        name: _texts(reference.columns[name].ravel(), one)
        if one.levels
        else reference.columns[name].ravel()
        for name, one in population.margins.items()
    }
    return fit_bins(schema(population), columns)


def profiles(block: Block, population: Population, bins: Bins) -> list[Profile]:
    """One profile for each window."""
    if block.rows >= MANY:
        return [count_frame(frame(block, population, w), bins) for w in range(block.windows)]
    counts, moments, scores = [], [], []
    for one in bins.features:
        values = block.columns[one.name]
        margin = population.margins[one.name]
        places = _codes(values, margin, one) if margin.levels else _numbers(values, one)
        counts.append(_counted(places, one.size))
        moments.append(np.zeros((block.windows, 3)) if margin.levels else _moments(values))
        if one.scores:
            scores.append(np.array([*one.scores, 0], dtype=np.float32)[places])
    together = np.concatenate(counts, axis=1)
    summed = np.stack(moments, axis=1)
    joint = _joint(scores, block.windows)
    return [Profile(bins, together[w], summed[w], joint[w]) for w in range(block.windows)]


def frame(block: Block, population: Population, window: int) -> Any:
    """One window as a table of Arrow."""
    import pyarrow as pa

    columns = {}
    for name, one in population.margins.items():
        values = block.columns[name][window]
        if one.levels:
            missing = values < 0
            codes = pa.array(np.where(missing, 0, values).astype(np.int32), mask=missing)
            columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(words(one)))
        else:
            columns[name] = pa.array(values, from_pandas=True)
    return pa.table(columns)


def _texts(codes: NDArray[Any], margin: Margin) -> NDArray[np.object_]:
    """The names of the levels; None where missing."""
    named = np.array([*words(margin), None], dtype=object)
    found: NDArray[np.object_] = named[codes.astype(int)]
    return found


def _codes(values: NDArray[Any], margin: Margin, bins: FeatureBins) -> NDArray[np.intp]:
    index = {name: i for i, name in enumerate(bins.categories)}
    other, missing = bins.size - 2, bins.size - 1
    places = np.array([*(index.get(name, other) for name in words(margin)), missing])
    found: NDArray[np.intp] = places[values.astype(int)]
    return found


def _numbers(values: NDArray[Any], bins: FeatureBins) -> NDArray[np.intp]:
    places = np.searchsorted(np.asarray(bins.edges), values, side="right")
    return np.where(np.isnan(values), bins.size - 1, places)


def _counted(places: NDArray[np.intp], size: int) -> Counts:
    windows = len(places)
    flat = places + size * np.arange(windows)[:, None]
    return np.bincount(flat.ravel(), minlength=size * windows).reshape(windows, size)


def _moments(values: NDArray[Any]) -> NDArray[np.float64]:
    held = np.abs(values) <= LARGEST
    kept = np.where(held, values, 0.0)
    return np.stack([held.sum(axis=1), kept.sum(axis=1), (kept**2).sum(axis=1)], axis=1)


def _joint(scores: list[NDArray[np.float32]], windows: int) -> Counts:
    """Exact: the sums of so few rows are whole numbers that a float holds."""
    if not scores:
        return np.zeros((windows, 0), dtype=np.int64)
    stacked = np.stack(scores, axis=1)
    sums = stacked @ stacked.transpose(0, 2, 1)
    rows, columns = pair_places(len(scores))
    found: Counts = sums[:, rows, columns].astype(np.int64)
    return found
