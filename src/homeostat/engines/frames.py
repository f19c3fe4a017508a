"""Counting a whole frame: pandas, polars or pyarrow, through narwhals."""

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from homeostat.bins import Bins, FeatureBins, fit_bins
from homeostat.engines.rows import as_category
from homeostat.errors import UserError
from homeostat.profile import LARGEST, Profile, joint_scores
from homeostat.schema import Kind, Schema

__all__ = ["column_values", "count_frame", "fit_frame_bins"]


def column_values(frame: nw.DataFrame[Any], name: str, kind: Kind) -> NDArray[Any]:
    """One column as the bins want it: floats with NaN, or text with None.

    Raises
    ------
    UserError
        When the frame has no such column, or it holds text where numbers are asked.
    """
    if name not in frame.columns:
        raise UserError(f"the frame has no column {name!r}; it has {', '.join(frame.columns)}")
    column = frame[name]
    if not kind.is_numeric:
        missing = column.is_null().to_list()
        values = [
            None if null or value != value else as_category(value)  # noqa: PLR0124  # NaN
            for value, null in zip(column.to_list(), missing, strict=True)
        ]
        return np.array(values, dtype=object)
    if column.dtype.is_float():
        return column.to_numpy().astype(float)
    missing = column.is_null().to_list()
    pairs = zip(column.to_list(), missing, strict=True)
    return _floats(name, [np.nan if null else value for value, null in pairs])


def _floats(name: str, values: list[Any]) -> NDArray[np.float64]:
    """Numbers as floats; text is refused also where it reads like a number."""
    wrong = next((one for one in values if isinstance(one, str | bytes)), None)
    try:
        if wrong is None:
            return np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name!r} holds values that are not numbers: {error}") from error
    raise UserError(f"{name!r} holds values that are not numbers, such as {wrong!r}")


def fit_frame_bins(frame: Any, schema: Schema) -> Bins:
    """The frozen bins of a reference frame."""
    native = nw.from_native(frame, eager_only=True)
    columns = {one.name: column_values(native, one.name, one.kind) for one in schema.features}
    return fit_bins(schema, columns)


def count_frame(frame: Any, bins: Bins) -> Profile:
    """The profile of a frame; equal to the last row to counting its rows one by one.

    Parameters
    ----------
    frame
        Any eager frame that narwhals knows, with a column for each feature of `bins`.
    """
    native = nw.from_native(frame, eager_only=True)
    counts, moments, scores = [], [], []
    for one in bins.features:
        values = column_values(native, one.name, one.kind)
        places = _places(values, one)
        counts.append(np.bincount(places, minlength=one.size))
        summed = values[np.abs(values) <= LARGEST] if one.kind.is_numeric else np.empty(0)
        moments.append([len(summed), summed.sum(), np.square(summed).sum()])
        if one.scores:
            scores.append(np.array([*one.scores, 0], dtype=np.float32)[places])
    return Profile(
        bins,
        np.concatenate([np.zeros(0, dtype=np.int64), *counts]),
        np.array(moments, dtype=float).reshape(-1, 3),
        joint_scores(np.column_stack(scores) if scores else np.zeros((0, 0), dtype=np.float32)),
    )


def _places(values: NDArray[Any], bins: FeatureBins) -> NDArray[np.intp]:
    missing = bins.size - 1
    if bins.kind.is_numeric:
        places = np.searchsorted(np.asarray(bins.edges), values, side="right")
        return np.where(np.isnan(values), missing, places)
    index: dict[str | None, int] = {one: i for i, one in enumerate(bins.categories)}
    index[None] = missing
    return np.array([index.get(value, missing - 1) for value in values], dtype=np.intp)
